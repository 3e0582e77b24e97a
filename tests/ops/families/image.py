"""Operations on images. References: colorsys, and loops over pixels by the definitions."""

from __future__ import annotations

import colorsys
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import at, kink, normal, within


def per_pixel(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of three numbers, applied to the last axis."""

    def reference(x: Any, **_: Any) -> Any:
        return np.array([f(*p) for p in x.reshape(-1, 3).tolist()]).reshape(*x.shape[:-1], -1)

    return reference


# --- resizing -----------------------------------------------------------------------------------


def bell(method: str, x: float) -> float:
    x = abs(x)
    if method in ("linear", "bilinear"):
        return max(0.0, 1 - x)
    if method in ("cubic", "bicubic"):  # Keys with a = -½, in powers of x
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0
    radius = int(method[-1])
    return float(np.sinc(x) * np.sinc(x / radius)) if x <= radius else 0.0


def along(x: Any, axis: int, n: int, s: float, t: float, method: str, antialias: bool) -> Any:
    """One axis in another size, pixel by pixel."""
    x = np.moveaxis(x, axis, 0)
    y = np.zeros((n, *x.shape[1:]))
    stretch = max(1 / s, 1.0) if antialias else 1.0
    for j in range(n):
        place = (j + 0.5 - t) / s - 0.5
        if not -0.5 <= place <= len(x) - 0.5:
            continue
        w = np.array([bell(method, (place - i) / stretch) for i in range(len(x))])
        y[j] = np.tensordot(w / w.sum(), x, 1)
    return np.moveaxis(y, 0, axis)


def resized(
    x: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False, **_: Any
) -> Any:
    for axis, n in zip((-3, -2), size, strict=True):
        old = x.shape[axis]
        if interpolation == "nearest":
            x = np.take(x, [math.floor((j + 0.5) * old / n) for j in range(n)], axis)
        elif old != n:
            x = along(x, axis, n, n / old, 0.0, interpolation, antialias)
    return x


def scaled(
    x: Any, s: Any, t: Any, output_shape: Any, spatial_dims: Any, method: str, antialias: bool
) -> Any:
    for i, axis in enumerate(spatial_dims):
        x = along(x, axis, output_shape[axis], s[i], t[i], method, antialias)
    return x


def call_scaled(op: Any) -> Any:
    return lambda x, s, t, **options: op(x, scale=s, translation=t, **options)


# --- sampling -----------------------------------------------------------------------------------


def beyond(i: int, n: int, mode: str) -> int | None:
    """The index that stands for one beyond the ends; None for the fill value."""
    if 0 <= i < n:
        return i
    if mode == "constant":
        return None
    if mode == "nearest":
        return min(max(i, 0), n - 1)
    row = list(range(n))
    period = {"wrap": row, "reflect": row + row[::-1], "mirror": row + row[-2:0:-1]}[mode]
    return period[i % len(period)]


def value_at(x: Any, place: Any, order: int, mode: str, fill: float) -> float:
    if order == 0:
        corners = [([math.floor(c + 0.5) for c in place], 1.0)]
    else:
        corners = []
        for side in itertools.product((0, 1), repeat=len(place)):
            index = [math.floor(c) + b for c, b in zip(place, side, strict=True)]
            corners.append(
                (index, math.prod(1 - abs(c - i) for c, i in zip(place, index, strict=True)))
            )
    total = 0.0
    for index, weight in corners:
        found = [beyond(i, n, mode) for i, n in zip(index, x.shape, strict=True)]
        total += weight * (fill if None in found else x[tuple(found)])
    return total


def coordinates(x: Any, c: Any, order: int, fill_mode: str = "constant", fill_value: float = 0):
    places = c.reshape(len(c), -1).T.tolist()
    return np.array([value_at(x, p, order, fill_mode, fill_value) for p in places]).reshape(
        c.shape[1:]
    )


def mapped(
    x: Any,
    t: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Any:
    """Images (N, H, W, C) under projective maps (N, 8)."""
    y = np.zeros_like(x)
    for n, i, j, k in np.ndindex(*x.shape):
        a0, a1, a2, b0, b1, b2, c0, c1 = t[n]
        w = c0 * j + c1 * i + 1
        place = ((b0 * j + b1 * i + b2) / w, (a0 * j + a1 * i + a2) / w)
        order = 1 if interpolation == "bilinear" else 0
        y[n, i, j, k] = value_at(x[n, :, :, k], place, order, fill_mode, fill_value)
    return y


def seen_from(x: Any, start: Any, end: Any, **options: Any) -> Any:
    """The map from eight linear equations for its eight numbers."""
    maps = []
    for s, e in zip(start, end, strict=True):
        rows, values = [], []
        for (sx, sy), (ex, ey) in zip(s, e, strict=True):
            rows += [[ex, ey, 1, 0, 0, 0, -sx * ex, -sx * ey]]
            rows += [[0, 0, 0, ex, ey, 1, -sy * ex, -sy * ey]]
            values += [sx, sy]
        maps.append(np.linalg.solve(np.array(rows), np.array(values)))
    return mapped(x, np.array(maps), **options)


def off_grid(r: Any) -> Any:
    """Places that are no integers, inside and outside of 3 x 4."""
    return r.integers(-4, 7, (2, 5)) + r.uniform(0.1, 0.4, (2, 5))


def slanted(r: Any) -> tuple[Any, Any]:
    maps = np.array([[1.1, 0.2, 0.13, -0.1, 0.9, 0.21, 0.0, 0.0]] * 2)
    return r.standard_normal((2, 3, 4, 2)), maps + r.uniform(0, 0.02, maps.shape)


CORNERS = np.array([[[0.0, 0.0], [3.0, 0.0], [0.0, 2.0], [3.0, 2.0]]])


def corners(r: Any) -> tuple[Any, Any, Any]:
    return r.standard_normal((1, 3, 4, 1)), CORNERS, CORNERS + r.uniform(0.1, 0.6, (1, 4, 2))


# --- windows ------------------------------------------------------------------------------------


def window_sum(x: Any, window: Any, valid: bool = False) -> Any:
    """Σ of a window (h, w) over each channel of images (N, H, W, C)."""
    h, w = window.shape
    if not valid:
        before = (h - 1) // 2, (w - 1) // 2
        around = [(b, n - 1 - b) for b, n in zip(before, (h, w), strict=True)]
        x = np.pad(x, [(0, 0), *around, (0, 0)])
    y = np.zeros((len(x), x.shape[1] - h + 1, x.shape[2] - w + 1, x.shape[3]))
    for i, j in np.ndindex(*y.shape[1:3]):
        y[:, i, j] = np.einsum("nhwc,hw->nc", x[:, i : i + h, j : j + w], window)
    return y


def gauss(size: int, sigma: float) -> Any:
    g = np.array([math.exp(-(((i - (size - 1) / 2) / sigma) ** 2) / 2) for i in range(size)])
    return g / g.sum()


def blurred(x: Any, kernel_size: Any, sigma: Any, **_: Any) -> Any:
    columns, rows = (gauss(n, s) for n, s in zip(kernel_size, sigma, strict=True))
    return window_sum(x, np.outer(rows, columns))


def edges(x: Any) -> Any:
    dx = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return np.stack([window_sum(x, dx.T), window_sum(x, dx)], -1)


def similarity(x: Any, y: Any, filter_size: int, filter_sigma: float) -> Any:
    g = gauss(filter_size, filter_sigma)

    def mean(v: Any) -> Any:
        return window_sum(v, np.outer(g, g), valid=True)

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    s = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return s.mean((1, 2, 3))


def patches(x: Any, size: Any, strides: Any = None, padding: str = "valid", **options: Any) -> Any:
    d = options.get("dilation_rate", 1)
    rank = len(size)
    s = strides or size
    if padding == "same":
        around = []
        for n, k, step in zip(x.shape[1:-1], size, s, strict=True):
            total = max((math.ceil(n / step) - 1) * step + (k - 1) * d + 1 - n, 0)
            around.append((total // 2, total - total // 2))
        x = np.pad(x, [(0, 0), *around, (0, 0)])
    counts = [
        (n - (k - 1) * d - 1) // step + 1 for n, k, step in zip(x.shape[1:-1], size, s, strict=True)
    ]
    y = np.zeros((len(x), *counts, math.prod(size) * x.shape[-1]))
    for at_ in np.ndindex(*counts):
        window = [
            slice(a * b, a * b + (k - 1) * d + 1, d) for a, b, k in zip(at_, s, size, strict=True)
        ]
        y[(slice(None), *at_)] = x[(slice(None), *window)].reshape(len(x), -1)
    assert rank == len(counts)
    return y


def _resize(x_shape: Any, **options: Any) -> Case:
    return Case("resize", normal(x_shape), resized, options)


def _scale(**options: Any) -> Case:
    from etude.ops.image import scale_and_translate

    return Case(
        "scale_and_translate",
        lambda r: (r.standard_normal((3, 4, 2)), np.array([1.3, 0.6]), np.array([0.2, -0.31])),
        scaled,
        {"output_shape": (4, 3, 2), "spatial_dims": (0, 1), **options},
        call=call_scaled(scale_and_translate),
    )


CASES: list[Case] = [
    Case(
        "rgb_to_grayscale",
        within(0, 1, 2, 3, 3),
        per_pixel(lambda r, g, b: 0.2989 * r + 0.5870 * g + 0.1140 * b),
    ),
    Case(
        "rgb_to_hsv",
        within(0.1, 1, 3, 4, 3),
        per_pixel(colorsys.rgb_to_hsv),
        special=(
            at([[[0.5, 0.5, 0.5]]], [[[0.0, 0.0, 0.5]]]),
            at([[[0.0, 0.0, 0.0]]], [[[0.0, 0.0, 0.0]]]),
            at([[[1.0, 1.0, 0.0]]], [[[1 / 6, 1.0, 1.0]]]),
        ),
    ),
    Case(
        "hsv_to_rgb",
        within(0.02, 0.98, 3, 4, 3),
        per_pixel(colorsys.hsv_to_rgb),
        special=(at([[[1.0, 1.0, 0.5]]], [[[0.5, 0.0, 0.0]]]),),
    ),
    _resize((2, 3, 4, 2), size=(5, 2)),
    _resize((3, 4, 1), size=(2, 6), antialias=True),
    _resize((1, 4, 5, 1), size=(3, 3), interpolation="nearest"),
    _resize((1, 4, 5, 1), size=(6, 3), interpolation="bicubic"),
    _resize((1, 6, 5, 1), size=(3, 7), interpolation="bicubic", antialias=True),
    _resize((1, 6, 5, 1), size=(3, 7), interpolation="lanczos3"),
    _resize((1, 8, 3, 1), size=(5, 3), interpolation="lanczos5", antialias=True),
    _scale(method="linear", antialias=False),
    _scale(method="cubic", antialias=True),
    _scale(method="lanczos3", antialias=True),
    *[
        Case(
            "map_coordinates",
            lambda r: (r.standard_normal((3, 4)), off_grid(r)),
            coordinates,
            {"order": order, "fill_mode": mode, "fill_value": 0.7},
        )
        for order, mode in [
            (1, "constant"),
            (1, "nearest"),
            (1, "wrap"),
            (1, "mirror"),
            (1, "reflect"),
            (0, "reflect"),
            (0, "constant"),
        ]
    ],
    Case(
        "map_coordinates",
        lambda r: (r.standard_normal((2, 3, 2)), r.uniform(0.1, 0.9, (3, 2, 2))),
        coordinates,
        {"order": 1},
        kinks=(kink((np.arange(8.0).reshape(2, 2, 2), np.zeros((3, 1))), (
            np.eye(8)[0].reshape(2, 2, 2), [[4.0], [2.0], [1.0]])),),
    ),
    Case("affine_transform", slanted, mapped),
    Case("affine_transform", slanted, mapped, {"fill_mode": "reflect"}),
    Case("affine_transform", slanted, mapped, {"interpolation": "nearest", "fill_value": 0.3}),
    Case("perspective_transform", corners, seen_from, {"fill_value": 0.3}, rtol=1e-8),
    Case("gaussian_blur", normal((1, 4, 3, 2)), blurred,
         {"kernel_size": (3, 2), "sigma": (0.8, 1.1)}),
    Case("sobel_edges", normal((1, 4, 3, 2)), edges),
    Case("ssim", lambda r: tuple(r.random((2, 1, 5, 6, 2))), similarity,
         {"filter_size": 3, "filter_sigma": 0.9}),
    Case("extract_patches", normal((2, 4, 5, 2)), patches, {"size": (2, 2)}),
    Case("extract_patches", normal((1, 4, 5, 1)), patches,
         {"size": (2, 3), "strides": (1, 2), "padding": "same"}),
    Case("extract_patches", normal((1, 5, 5, 1)), patches,
         {"size": (2, 2), "strides": (1, 1), "dilation_rate": 2}),
    Case("extract_patches_3d", normal((1, 3, 4, 2, 1)), patches, {"size": (2, 2, 1)}),
]  # fmt: skip
