"""Fourier transforms, layouts, pooling to a size, CTC, attention. References: their definitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import NAN, by_index, normal


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]


def paired(name: str) -> Callable[..., Any]:
    return lambda a, b, **options: op(name)((a, b), **options)


def parts(z: Any) -> tuple[Any, Any]:
    return z.real, z.imag


def transform(a: Any, b: Any) -> Any:
    """Σ_n x_n e^(-2πi kn/N), term by term."""
    n = a.shape[-1]
    powers = np.array([[np.exp(-2j * np.pi * k * m / n) for m in range(n)] for k in range(n)])
    return parts((a + 1j * b) @ powers.T)


HANN = [0.5 - 0.5 * math.cos(2 * math.pi * i / 4) for i in range(4)]


def short_time(x: Any) -> Any:
    """Windows of 4 in the middle of 6 elements, every 2, of the mirrored signal."""
    wide = np.pad(x, 3, mode="reflect")
    weights = np.array([0.0, *HANN, 0.0])
    pieces = [wide[s : s + 6] * weights for s in range(0, len(wide) - 5, 2)]
    return parts(np.stack([np.fft.rfft(p) for p in pieces]))


def there_and_back(x: Any) -> Any:
    return op("istft")(op("stft")(x, 4, 2, 6), 4, 2, 6)


FOURIER = [
    Case("fft", normal((2, 5), (2, 5)), transform, call=paired("fft")),
    Case(
        "fft2",
        normal((3, 2), (3, 2)),
        lambda a, b: parts(np.fft.fft2(a + 1j * b)),
        call=paired("fft2"),
    ),
    Case(
        "ifft2",
        normal((3, 2), (3, 2)),
        lambda a, b: parts(np.fft.ifft2(a + 1j * b)),
        call=paired("ifft2"),
    ),
    *(
        Case(
            "rfft",
            normal((2, 6)),
            lambda x, fft_length: parts(np.fft.rfft(x, fft_length)),
            {"fft_length": n},
        )
        for n in (5, 8)
    ),
    *(
        Case(
            "irfft",
            normal((4,), (4,)),
            lambda a, b, **o: np.fft.irfft(a + 1j * b, o.get("fft_length")),
            options,
            call=paired("irfft"),
        )
        for options in ({}, {"fft_length": 7}, {"fft_length": 10})
    ),
    Case(
        "extract_sequences",
        normal((2, 6)),
        lambda x, **_: np.stack([x[:, 0:3], x[:, 2:5]], 1),
        {"sequence_length": 3, "sequence_stride": 2},
    ),
    Case(
        "stft",
        normal((9,)),
        short_time,
        call=lambda x: op("stft")(x, 4, 2, 6),
        rtol=1e-6,
    ),
    Case("istft", normal((12,)), lambda x: x, call=there_and_back, rtol=1e-6),
    Case(  # Keras divides by the stride here, where it divides by the sum of a window that is given
        "istft",
        normal((12,)),
        lambda x: 6 / 2 * x,
        call=lambda x: op("istft")(op("stft")(x, 6, 2, 6, window=None), 6, 2, 6, window=None),
        rtol=1e-6,
    ),
]


def columns(x: Any, **_: Any) -> Any:
    """Windows (2, 2) at every second place of an image with zeros around."""
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    found = [wide[:, :, i : i + 2, j : j + 2] for i in (0, 2) for j in (0, 2)]
    return np.stack([f.reshape(len(x), -1) for f in found], -1)


WINDOW = {"kernel_size": 2, "padding": 1, "stride": 2}


def added(x: Any, output_size: Any, **_: Any) -> Any:
    """Each column added where it was taken."""
    image = np.zeros((len(x), x.shape[1] // 4, 5, 5))
    for place, (i, j) in enumerate(itertools.product((0, 2), (0, 2))):
        image[:, :, i : i + 2, j : j + 2] += x[..., place].reshape(len(x), -1, 2, 2)
    return image[:, :, 1:-1, 1:-1]


LAYOUT = [
    Case("unfold", normal((1, 2, 3, 3)), columns, WINDOW),
    Case("fold", normal((1, 8, 4)), added, {"output_size": 3, **WINDOW}),
    Case(
        "depth_to_space",
        normal((1, 2, 1, 4)),
        lambda x, **_: by_index((1, 4, 2, 1), lambda n, i, j, c: x[0, i // 2, 0, i % 2 * 2 + j]),
        {"block_size": 2},
    ),
    Case(
        "space_to_depth",
        normal((1, 1, 4, 2)),
        lambda x, **_: by_index((1, 4, 2, 1), lambda n, c, i, j: x[0, 0, 2 * i + c // 2, c % 2]),
        {"block_size": 2, "data_format": "channels_first"},
    ),
    Case(
        "rearrange",
        normal((2, 6)),
        lambda x: by_index((4, 3), lambda i, j: x[i % 2, i // 2 * 3 + j]),
        call=lambda x: op("rearrange")(x, "a (b c) -> (b a) c", c=3),
    ),
]


def windows(n: int, k: int) -> list[slice]:
    return [slice(math.floor(i * n / k), math.ceil((i + 1) * n / k)) for i in range(k)]


def boxes(reduce: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, output_size: np.stack(
        [
            np.stack(
                [reduce(x[:, a, b], axis=(1, 2)) for b in windows(x.shape[2], output_size[1])], 1
            )
            for a in windows(x.shape[1], output_size[0])
        ],
        1,
    )


POOLING = [
    Case("adaptive_average_pool", normal((1, 5, 3, 2)), boxes(np.mean), {"output_size": (2, 2)}),
    Case("adaptive_max_pool", normal((1, 5, 3, 2)), boxes(np.max), {"output_size": (3, 2)}),
]


def attended(q: Any, k: Any, v: Any, bias: Any) -> Any:
    """Place by place, two heads of the query for each of the keys, looking backwards only."""
    out = np.zeros(q.shape)
    for t, h in np.ndindex(q.shape[1:3]):
        logits = [
            q[0, t, h] @ k[0, s, h // 2] / math.sqrt(q.shape[-1]) + bias[0, h, t, s]
            for s in range(t + 1)
        ]
        weights = np.exp(logits) / np.sum(np.exp(logits))
        out[0, t, h] = sum(w * v[0, s, h // 2] for s, w in enumerate(weights))
    return out


def alignments(x: Any, labels: tuple[int, ...]) -> float:
    """-ln of the sum of the probabilities of all alignments that read as the labels."""
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(x.shape[1]), repeat=len(x)):
        merged = [c for i, c in enumerate(path) if c and (i == 0 or path[i - 1] != c)]
        if tuple(merged) == labels:
            total += math.prod(p[t, c] for t, c in enumerate(path))
    return -math.log(total)


NETWORKS = [
    Case(
        "dot_product_attention",
        normal((1, 3, 4, 2), (1, 3, 2, 2), (1, 3, 2, 2), (1, 4, 3, 3)),
        attended,
        call=lambda *x: op("dot_product_attention")(*x, is_causal=True),
    ),
    Case(
        "ctc_loss",
        normal((2, 4, 3)),
        lambda x: np.array([alignments(x[0], (1, 1)), alignments(x[1, :3], (2,))]),
        call=lambda x: op("ctc_loss")(
            np.array([[1, 1], [2, 0]]), x, np.array([2, 1]), np.array([4, 3])
        ),
    ),
    Case(
        "psnr",
        normal((2, 3), (2, 3)),
        lambda a, b, max_val: np.array(10 * math.log10(4 / np.mean((a - b) ** 2))),
        {"max_val": 2.0},
    ),
]


def holed(x: Any) -> Any:
    """The diagonal made NaN."""
    return np.where(np.eye(*x.shape) > 0, NAN, x)


def holed_with(name: str) -> Callable[..., Any]:
    return lambda x, axis: getattr(np, name)(holed(x), axis=axis)


def without(name: str) -> Callable[..., Any]:
    def call(x: Any, *args: Any, **options: Any) -> Any:
        return op(name)(op("where")(np.eye(*x.shape) > 0, NAN, x), *args, **options)

    return call


NANS = [
    *(
        Case(
            name,
            normal((3, 4)),
            holed_with(name),
            {"axis": 1},
            call=without(name),
        )
        for name in (
            "nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian",
            "nancumsum", "nancumprod",
        )
    ),
    *(
        Case(
            name,
            normal((3, 4)),
            holed_with(name),
            {"axis": 1},
            call=without(name),
            differentiable=(),
        )
        for name in ("nanargmax", "nanargmin")
    ),
    Case(
        "nanquantile",
        normal((3, 4)),
        lambda x, q, axis: np.nanquantile(holed(x), q, axis=axis),
        {"q": [0.2, 0.9], "axis": 1},
        call=without("nanquantile"),
    ),
    Case(
        "nanpercentile",
        normal((3, 4)),
        lambda x, q, axis: np.nanpercentile(holed(x), q, axis=axis),
        {"q": 30.0, "axis": 0},
        call=without("nanpercentile"),
    ),
]  # fmt: skip


def softplus() -> Callable[..., Any]:
    """ln(1 + e^x) with the gradient that it says itself, 1 - 1 / (1 + e^x)."""
    from etude import ops

    @ops.custom_gradient
    def f(x: Any) -> Any:
        e = ops.exp(x)
        return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    return f


STATISTICS = [
    Case("corrcoef", normal((3, 5)), np.corrcoef),
    *(
        Case(
            "correlate",
            normal((5,), (3,)),
            lambda a, b, mode: np.correlate(a, b, mode),
            {"mode": m},
        )
        for m in ("valid", "same", "full")
    ),
    Case(
        "correlate",
        normal((2,), (5,)),
        lambda a, b: np.correlate(a, b, "same"),
        call=lambda a, b: op("correlate")(a, b, "same"),
    ),
    Case(
        "histogram",
        normal((20,)),
        lambda x, bins, range: tuple(np.histogram(x, bins, range)),
        {"bins": 4, "range": (-1, 1)},
        differentiable=(),
    ),
    Case("vander", normal((3,)), lambda x, N: np.vander(x, N), {"N": 4}),
    Case(
        "geomspace",
        lambda r: (np.array([1.0, 2.0]), np.array([5.0, 3.0])),
        lambda a, b, num: np.geomspace(a, b, num),
        {"num": 4},
    ),
    Case(
        "associative_scan",
        normal((2, 5)),
        lambda x, axis: np.cumprod(x, axis),
        {"axis": 1},
        call=lambda x, axis: op("associative_scan")(lambda a, b: a * b, x, axis=axis),
    ),
    Case(
        "vectorized_map",
        normal((3, 2)),
        lambda x: (x**2).sum(1),
        call=lambda x: op("vectorized_map")(lambda row: op("sum")(row * row), x),
    ),
    Case(
        "_own_gradient", normal((3,)), lambda x: np.log1p(np.exp(x)), call=lambda x: softplus()(x)
    ),
    Case(
        "switch",
        normal((3,)),
        np.cos,
        call=lambda x: op("switch")(7, [op("sin"), op("cos")], x),
    ),
]

CASES = [*FOURIER, *LAYOUT, *POOLING, *NETWORKS, *NANS, *STATISTICS]
