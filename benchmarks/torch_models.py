"""The reference models by hand for PyTorch, with its best settings, as a peer of `fit`.

`torch-eager` is the plain loop, `torch-fused` adds channels_last and the fused Adam, and
`torch-compile` compiles the model besides. The loop keeps the sum of the losses and of the right
answers on the device, as `fit` does, and reads them once per epoch. Inputs are on the device before
the first step; images are brought to PyTorch's order of axes beforehand, which is to its favour.
"""

# Runs in an environment that the checkers do not see.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["trainer"]


class Recurrent(nn.Module):
    """Embedding, one recurrent layer, and a dense one on the last state or on all."""

    def __init__(self, kind: Any, vocabulary: int, width: int, units: int, outputs: int, all: bool):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrent = kind(width, units, batch_first=True)
        self.dense = nn.Linear(units, outputs)
        self.all = all

    def forward(self, x: Any) -> Any:
        states, _ = self.recurrent(self.embedding(x))
        return self.dense(states if self.all else states[:, -1])


class Residual(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, channels: int, filters: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            *normalized(channels, filters, 3, stride), nn.ReLU(), *normalized(filters, filters, 3)
        )
        self.around = nn.Sequential(
            *(normalized(channels, filters, 1, stride) if stride > 1 else ())
        )

    def forward(self, x: Any) -> Any:
        return torch.relu(self.body(x) + self.around(x))


class Encoder(nn.Module):
    """One block of a transformer, normalised first."""

    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.dense = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, x: Any) -> Any:
        y = self.before(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.dense(self.after(x))


class Transformer(nn.Module):
    """Two encoder blocks and the mean over the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, 128)
        self.blocks = nn.Sequential(Encoder(128, 4, 512), Encoder(128, 4, 512))
        self.dense = nn.Linear(128, 10)

    def forward(self, x: Any) -> Any:
        return self.dense(self.blocks(self.embedding(x)).mean(1))


class UNet(nn.Module):
    """Down twice and up again, with bridges."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.fine, self.middle, self.deep = twice(3, 16), twice(16, 32), twice(32, 64)
        self.up_middle, self.up_fine = (
            nn.ConvTranspose2d(64, 32, 2, 2),
            nn.ConvTranspose2d(32, 16, 2, 2),
        )
        self.join_middle, self.join_fine = twice(64, 32), twice(32, 16)
        self.classes = nn.Conv2d(16, 2, 1)

    def forward(self, x: Any) -> Any:
        fine = self.fine(x)
        middle = self.middle(self.pool(fine))
        x = self.up_middle(self.deep(self.pool(middle)))
        x = self.up_fine(self.join_middle(torch.cat([x, middle], 1)))
        return self.classes(self.join_fine(torch.cat([x, fine], 1)))


def twice(channels: int, filters: int) -> Any:
    """Two 3x3 convolutions with ReLU."""
    first = nn.Conv2d(channels, filters, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU())


def normalized(channels: int, filters: int, size: int, stride: int = 1, groups: int = 1) -> Any:
    """A convolution without bias and batch normalisation."""
    convolution = nn.Conv2d(
        channels, filters, size, stride, padding=size // 2, bias=False, groups=groups
    )
    return convolution, nn.BatchNorm2d(filters)


def mlp(*units: int) -> Any:
    """Dense layers with ReLU."""
    sizes, layers = (784, *units), []
    for before, after in zip(sizes, units, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(units[-1], 10))


def lenet() -> Any:
    """Two convolutions and three dense layers."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def vgg() -> Any:
    """Three blocks of two 3x3 convolutions with batch normalisation."""
    layers: list[Any] = []
    channels = 3
    for filters in (32, 64, 128):
        for _ in range(2):
            layers += [*normalized(channels, filters, 3), nn.ReLU()]
            channels = filters
        layers.append(nn.MaxPool2d(2))
    dense = nn.Linear(128 * 16, 128), nn.ReLU(), nn.Linear(128, 10)
    return nn.Sequential(*layers, nn.Flatten(), *dense)


def resnet20() -> Any:
    """Three stages of three blocks."""
    layers: list[Any] = [*normalized(3, 16, 3), nn.ReLU()]
    channels = 16
    for filters in (16, 32, 64):
        for block in range(3):
            layers.append(Residual(channels, filters, 2 if filters > 16 and not block else 1))
            channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def generator() -> Any:
    """A dense layer and three transposed convolutions."""
    layers: list[Any] = [nn.Linear(100, 4 * 4 * 256), nn.Unflatten(1, (256, 4, 4))]
    channels = 256
    for filters in (128, 64):
        up = nn.ConvTranspose2d(channels, filters, 5, 2, 2, 1, bias=False)
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), up]
        channels = filters
    last = nn.ConvTranspose2d(64, 3, 5, 2, 2, 1)
    return nn.Sequential(*layers, nn.BatchNorm2d(64), nn.ReLU(), last, nn.Tanh())


def mobilenet() -> Any:
    """Depthwise-separable blocks."""
    layers: list[Any] = [*normalized(3, 16, 3, 2), nn.ReLU()]
    channels = 16
    for filters, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        layers += [*normalized(channels, channels, 3, stride, channels), nn.ReLU()]
        layers += [*normalized(channels, filters, 1), nn.ReLU()]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def sequence_cnn() -> Any:
    """One-dimensional convolutions."""
    layers: list[Any] = []
    channels = 8
    for filters in (32, 64, 64):
        layers += [nn.Conv1d(channels, filters, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2)]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 10))


MODELS: dict[str, Callable[[], Any]] = {
    "mlp-32": lambda: mlp(128),
    "mlp-128": lambda: mlp(128),
    "mlp-512": lambda: mlp(512, 512),
    "lenet": lenet,
    "vgg": vgg,
    "resnet-20": resnet20,
    "dcgan": generator,
    "imdb-lstm": lambda: Recurrent(nn.LSTM, 20_000, 128, 128, 1, False),
    "char-lstm": lambda: Recurrent(nn.LSTM, 64, 64, 256, 64, True),
    "transformer": Transformer,
    "imdb-gru": lambda: Recurrent(nn.GRU, 20_000, 128, 128, 1, False),
    "mobilenet": mobilenet,
    "u-net": UNet,
    "conv1d": sequence_cnn,
}


def trainer(
    contender: str, name: str, batch: int, x: np.ndarray, y: np.ndarray
) -> tuple[str, Callable[[int], float], dict[str, Any]]:
    """PyTorch's version, what trains on the first samples, and facts about the contender."""
    torch.manual_seed(0)
    best = contender != "torch-eager"
    model = MODELS[name]()
    inputs = torch.from_numpy(np.moveaxis(x, -1, 1).copy() if x.ndim > 2 else x)
    if x.ndim == 4 and best:
        model = model.to(memory_format=torch.channels_last)
        inputs = inputs.to(memory_format=torch.channels_last)
    inputs = inputs.long() if x.dtype.kind == "i" else inputs
    regression, binary = y.dtype.kind == "f", name.startswith("imdb")
    targets = torch.from_numpy(np.moveaxis(y, -1, 1).copy() if regression else y)
    targets = targets if regression else targets.float() if binary else targets.long()
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7, fused=best)
    run = torch.compile(model) if contender == "torch-compile" else model

    def loss_and_hits(z: Any, t: Any) -> tuple[Any, Any]:
        if regression:
            return nn.functional.mse_loss(z, t), torch.zeros(())
        if binary:
            z = z[:, 0]
            return nn.functional.binary_cross_entropy_with_logits(z, t), ((z > 0) == t).sum()
        z = z.movedim(1, -1) if z.ndim == 4 else z  # classes of pixels
        hits = (z.argmax(-1) == t).sum()
        return nn.functional.cross_entropy(z.reshape(-1, z.shape[-1]), t.reshape(-1)), hits

    def train(samples: int) -> float:
        total, right = torch.zeros(()), torch.zeros(())
        order = torch.randperm(samples)
        model.train()
        for start in range(0, samples, batch):
            chosen = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            loss, hits = loss_and_hits(run(inputs[chosen]), targets[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach()
            right += hits
        return float(total) / ((samples + batch - 1) // batch)

    return torch.__version__, train, {}
