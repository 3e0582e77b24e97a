"""What the engine ``xla`` adds to ``jax.numpy``: convolution, pooling windows, scatter, top-k.

The names, signatures and results are those of `etude.engine.numpy_kernels`, which documents them.
Values only: derivatives are etude's own.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (jax.numpy's annotations are incomplete.)

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import jax.scipy.linalg
import jax.scipy.special
import numpy as np
from jax import lax

from etude.engine import xla_depthwise
from etude.engine.cell import note
from etude.errors import ArgumentError

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = [
    "cholesky",
    "conv",
    "conv_filter_gradient",
    "conv_input_gradient",
    "det",
    "digamma",
    "eig",
    "erf",
    "erfinv",
    "inv",
    "lgamma",
    "lu_factor",
    "map_blocks",
    "materialize",
    "max_pool",
    "max_pool_gather",
    "max_pool_scatter",
    "pivots_to_permutation",
    "scatter_add",
    "scatter_set",
    "slogdet",
    "solve",
    "solve_triangular",
    "top_k",
    "window_spread",
    "window_sum",
]

digamma = jax.scipy.special.digamma
erf = jax.scipy.special.erf
erfinv = jax.scipy.special.erfinv
lgamma = jax.scipy.special.gammaln


# --- convolution --------------------------------------------------------------------------------


def _layout(rank: int) -> lax.ConvDimensionNumbers:
    """Images (N, *S, C), filters (*K, C, F), output (N, *O, F)."""
    spatial = tuple(range(1, rank + 1))
    images = (0, rank + 1, *spatial)
    return lax.ConvDimensionNumbers(images, (rank + 1, rank, *range(rank)), images)


def conv(
    x: Array, w: Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int = 1
) -> Array:
    """Convolution: y[n, o] = Σ_k x[n, o·s + k·d] w[k]."""
    if xla_depthwise.serves(w.shape[:-2], w.shape[-2], groups):
        return xla_depthwise.conv(x, w, strides, padding, dilation).astype(x.dtype)
    note("convolution")
    return lax.conv_general_dilated(
        x,
        w,
        tuple(strides),
        tuple(padding),
        rhs_dilation=tuple(dilation),
        dimension_numbers=_layout(len(strides)),
        feature_group_count=groups,
    )


def conv_input_gradient(
    g: Array,
    w: Array,
    input_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The images' gradient of `conv`: a convolution of the spread gradient with flipped filters."""
    if xla_depthwise.serves(w.shape[:-2], w.shape[-2], groups):
        dx = xla_depthwise.input_gradient(g, w, input_shape, strides, padding, dilation)
        return dx.astype(g.dtype)
    if groups == 1 and input_shape[-1] <= 3 and jax.default_backend() == "cpu":
        return _input_gradient_by_columns(g, w, input_shape, strides, padding, dilation)
    note("convolution")
    *window, channels, filters = w.shape
    rank = len(window)
    # (*K, C/G, G, F/G) -> (*K, F/G, G, C/G): what came out of a group goes back into it.
    flipped = jnp.flip(w, tuple(range(rank)))
    flipped = flipped.reshape(*window, channels, groups, filters // groups).swapaxes(-1, -3)
    flipped = flipped.reshape(*window, filters // groups, groups * channels)
    around: list[tuple[int, int]] = []
    for i in range(rank):
        reach = (window[i] - 1) * dilation[i]
        spread = (g.shape[1 + i] - 1) * strides[i] + 1
        low = reach - padding[i][0]
        around.append((low, input_shape[1 + i] + reach - spread - low))
    return lax.conv_general_dilated(
        g,
        flipped,
        (1,) * rank,
        around,
        lhs_dilation=tuple(strides),
        rhs_dilation=tuple(dilation),
        dimension_numbers=_layout(rank),
        feature_group_count=groups,
    )


def _input_gradient_by_columns(
    g: Array, w: Array, input_shape: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> Array:
    """One matrix product, then each tap added in its place: faster for one to three channels."""
    *window, channels, filters = w.shape
    columns = jnp.einsum("...f,tcf->...tc", g, w.reshape(-1, channels, filters))  # (N, *O, K, C)
    total = jnp.zeros(input_shape, g.dtype)
    for tap, position in enumerate(itertools.product(*map(range, window))):
        starts = [p * d for p, d in zip(position, dilation, strict=True)]
        total = total + _place(columns[..., tap, :], input_shape, starts, strides, padding)
    return total


def _place(x: Array, input_shape: Ints, starts: Ints, strides: Ints, padding: Pairs) -> Array:
    """Zeros of the input's shape, with x at the places that window position ``starts`` sees."""
    spatial = [
        (start - lo, size + lo - start - (n - 1) * stride - 1, stride - 1)
        for start, (lo, _), size, n, stride in zip(
            starts, padding, input_shape[1:-1], x.shape[1:-1], strides, strict=True
        )
    ]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *spatial, (0, 0, 0)])


def conv_filter_gradient(
    x: Array,
    g: Array,
    kernel_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The filters' gradient of `conv`: a convolution over the batch, strides as dilation."""
    window = kernel_shape[:-2]
    if xla_depthwise.serves(window, kernel_shape[-2], groups):
        dw = xla_depthwise.filter_gradient(x, g, kernel_shape, strides, padding, dilation)
        return dw.astype(g.dtype)
    note("convolution")
    rank = len(window)
    around: list[tuple[int, int]] = []
    for i in range(rank):
        reach = (window[i] - 1) * dilation[i] + (g.shape[1 + i] - 1) * strides[i] + 1
        around.append((padding[i][0], reach - x.shape[1 + i] - padding[i][0]))
    spatial = tuple(range(1, rank + 1))
    layout = lax.ConvDimensionNumbers(
        (rank + 1, 0, *spatial), (rank + 1, 0, *spatial), (rank, rank + 1, *range(rank))
    )
    return lax.conv_general_dilated(
        x,
        g,
        tuple(dilation),
        around,
        rhs_dilation=tuple(strides),
        dimension_numbers=layout,
        batch_group_count=groups,
    )


# --- pooling ------------------------------------------------------------------------------------


def _output_sizes(shape: Ints, window: Ints, strides: Ints) -> tuple[int, ...]:
    triples = zip(shape[1:-1], window, strides, strict=True)
    return tuple((size - k) // s + 1 for size, k, s in triples)


def _pad(x: Array, padding: Pairs, value: Any = 0) -> Array:
    if all(pair == (0, 0) for pair in padding):
        return x
    edges = [(0, 0), *padding, (0, 0)]
    return lax.pad(x, jnp.asarray(value, x.dtype), [(lo, hi, 0) for lo, hi in edges])


def _seen(x: Array, starts: Ints, sizes: Ints, strides: Ints) -> Array:
    """What all windows of a padded image see at one window position: (N, *O, C)."""
    stops = [b + (n - 1) * s + 1 for b, n, s in zip(starts, sizes, strides, strict=True)]
    return lax.slice(x, (0, *starts, 0), (x.shape[0], *stops, x.shape[-1]), (1, *strides, 1))


def _lowest(dtype: Any) -> Any:
    if dtype == np.bool_:
        return False
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _slide(x: Array, window: Ints, strides: Ints, combine: Callable[..., Array]) -> Array:
    """Combines the elements of each window, position after position."""
    sizes = _output_sizes(x.shape, window, strides)
    parts = [_seen(x, p, sizes, strides) for p in itertools.product(*map(range, window))]
    out = parts[0]
    for part in parts[1:]:
        out = combine(out, part)
    return out


def max_pool(x: Array, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The maximum of each window: (N, *S, C) -> (N, *O, C)."""
    return _slide(_pad(x, padding, _lowest(x.dtype)), window, strides, jnp.maximum)


def _first_matches(
    out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For each window position: itself, and which windows have their (first) maximum there.

    The place is looked for anew, and not by comparison with the maximum of the forward pass: in a
    compiled program x may be computed twice and rounded in two ways, and then no place would match.
    """
    padded = _pad(x, padding, _lowest(x.dtype))
    positions = list(itertools.product(*map(range, window)))
    best = _seen(padded, positions[0], out.shape[1:-1], strides)
    place = jnp.zeros(out.shape, jnp.int32)
    for number, position in enumerate(positions[1:], start=1):
        value = _seen(padded, position, out.shape[1:-1], strides)
        place = jnp.where(value > best, number, place)
        best = jnp.maximum(value, best)
    for number, position in enumerate(positions):
        yield position, place == number


def max_pool_scatter(
    g: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to the place in x where its window has its (first) maximum: (N, *S, C)."""
    dx = jnp.zeros(x.shape, g.dtype)
    for position, here in _first_matches(out, x, window, strides, padding):
        dx = dx + _place(jnp.where(here, g, 0), x.shape, position, strides, padding)
    return dx


def max_pool_gather(
    v: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Reads v, shaped like x, where each window of x has its (first) maximum: (N, *O, C)."""
    padded = _pad(v, padding)
    result = jnp.zeros(out.shape, v.dtype)
    for position, here in _first_matches(out, x, window, strides, padding):
        result = jnp.where(here, _seen(padded, position, out.shape[1:-1], strides), result)
    return result


def window_sum(x: Array, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The sum of each window: (N, *S, C) -> (N, *O, C)."""
    return _slide(_pad(x, padding), window, strides, jnp.add)


def window_spread(
    g: Array, input_shape: Ints, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to all places of its window, the transpose of `window_sum`: (N, *S, C)."""
    dx = jnp.zeros(tuple(input_shape), g.dtype)
    for position in itertools.product(*map(range, window)):
        dx = dx + _place(g, input_shape, position, strides, padding)
    return dx


# --- matrices -----------------------------------------------------------------------------------

det = jnp.linalg.det
eig = jnp.linalg.eig
inv = jnp.linalg.inv
lu_factor = jax.scipy.linalg.lu_factor
pivots_to_permutation = lax.linalg.lu_pivots_to_permutation
solve = jnp.linalg.solve


def cholesky(a: Array) -> Array:
    """Lower triangles L with L Lᵀ = a, of symmetric positive definite matrices."""
    found = jnp.linalg.cholesky(a)
    if not isinstance(found, jax.core.Tracer) and bool(jnp.any(jnp.isnan(found))):
        raise ArgumentError(
            f"Cholesky decomposition failed: the matrix is not positive definite. Shape: {a.shape}."
        )
    return found


def slogdet(a: Array) -> tuple[Array, Array]:
    """Signs of determinants, and logarithms of their sizes."""
    found: Any = jnp.linalg.slogdet(a)
    return found[0], found[1]


def solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    """x with a x = b, where only one triangle of a counts."""
    batch: Any = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = jnp.broadcast_to(a, batch + a.shape[-2:])
    return jax.scipy.linalg.solve_triangular(
        a, jnp.broadcast_to(b, batch + b.shape[-2:]), lower=lower
    )


# --- scatter, selection, long work --------------------------------------------------------------


def scatter_add(x: Array, indices: Any, updates: Array) -> Array:
    """x with updates added at indices; what is hit twice is added twice, halves in float32."""
    if x.dtype.itemsize == 2 and jnp.issubdtype(x.dtype, jnp.floating):
        return x.astype("float32").at[indices].add(updates.astype("float32")).astype(x.dtype)
    return x.at[indices].add(updates)


def scatter_set(x: Array, indices: Any, updates: Array) -> Array:
    """x with the values at indices replaced by updates."""
    return x.at[indices].set(updates)


def top_k(x: Array, k: int) -> tuple[Array, Array]:
    """The k greatest values along the last axis, in descending order, and where they are."""
    values, indices = lax.top_k(x, k)
    return values, indices.astype(jnp.int32)


def map_blocks(f: Callable[[int, int], Array], length: int) -> Array:
    """``f(0, length)``: XLA blocks long elementwise work by itself."""
    return f(0, length)


def materialize(x: Array) -> Array:
    """The same array, computed once, where XLA would compute it again for each of its uses."""
    return lax.optimization_barrier(x)
