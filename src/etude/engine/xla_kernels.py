"""What the engine ``xla`` adds to ``jax.numpy``: pooling, scatter, top-k; and what its files hold.

The names, signatures and results are those of `etude.engine.numpy_kernels`, which documents them.
Values only: derivatives are etude's own.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (jax.numpy's annotations are incomplete.)

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import jax.scipy.linalg
import jax.scipy.special
import numpy as np
from jax import lax

from etude.engine import xla_native, xla_recurrence
from etude.engine.numbers import is_half
from etude.engine.xla_convolution import conv, conv_filter_gradient, conv_input_gradient
from etude.engine.xla_windows import output_sizes, padded, placed, seen_at
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
    "recurrence_kernels",
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


# --- pooling ------------------------------------------------------------------------------------


def _lowest(dtype: Any) -> Any:
    if dtype == np.bool_:
        return False
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


_MANY = 32  # elements in a window, from which on writing out all positions makes programs large


def _slide(
    x: Array, window: Ints, strides: Ints, combine: Callable[..., Array], neutral: Any
) -> Array:
    """Combines the elements of each window, position after position."""
    if math.prod(window) > _MANY:
        start = jnp.asarray(neutral, x.dtype)
        sizes, steps = (1, *window, 1), (1, *strides, 1)
        return lax.reduce_window(x, start, combine, sizes, steps, "VALID")
    sizes = output_sizes(x.shape, window, strides)
    parts = [seen_at(x, p, sizes, strides) for p in itertools.product(*map(range, window))]
    out = parts[0]
    for part in parts[1:]:
        out = combine(out, part)
    return out


def max_pool(x: Array, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The maximum of each window: (N, *S, C) -> (N, *O, C)."""
    sides = [n + lo + hi for n, (lo, hi) in zip(x.shape[1:-1], padding, strict=True)]
    sizes = output_sizes((x.shape[0], *sides, x.shape[-1]), window, strides)
    outputs, how = (x.shape[0], *sizes, x.shape[-1]), (strides, padding, (1,) * len(strides), 1)
    if _pools_natively(x, window, outputs, how):
        return xla_native.max_pool(x, window, outputs, how)
    return _slide(padded(x, padding, _lowest(x.dtype)), window, strides, lax.max, _lowest(x.dtype))


_FEW_CHANNELS = 4  # below which a vector of the kernel is mostly empty


def _pools_natively(x: Array, window: Ints, outputs: Ints, how: xla_native.How) -> bool:
    """Whether the kernels are the ones to take for images x."""
    return (
        x.dtype == "float32"
        and xla_native.serves(x, x, x.shape, window, outputs, how)
        and x.shape[0] > 1
        and x.shape[-1] >= _FEW_CHANNELS
    )


def _first_matches(
    out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For each window position: itself, and which windows have their (first) maximum there.

    The place is looked for anew, and not by comparison with the maximum of the forward pass: in a
    compiled program x may be computed twice and rounded in two ways, and then no place would match.
    """
    room = padded(x, padding, _lowest(x.dtype))
    positions = list(itertools.product(*map(range, window)))
    best = seen_at(room, positions[0], out.shape[1:-1], strides)
    place = jnp.zeros(out.shape, jnp.int32)
    for number, position in enumerate(positions[1:], start=1):
        value = seen_at(room, position, out.shape[1:-1], strides)
        place = jnp.where(value > best, number, place)
        best = jnp.maximum(value, best)
    for number, position in enumerate(positions):
        yield position, place == number


def max_pool_scatter(
    g: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to the place in x where its window has its (first) maximum: (N, *S, C)."""
    how = (strides, padding, (1,) * len(strides), 1)
    if g.dtype == x.dtype and _pools_natively(x, window, g.shape, how):
        return xla_native.max_pool_scatter(g, x, window, how)
    dx = jnp.zeros(x.shape, g.dtype)
    for position, here in _first_matches(out, x, window, strides, padding):
        dx = dx + placed(jnp.where(here, g, 0), x.shape, position, strides, padding)
    return dx


def max_pool_gather(
    v: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Reads v, shaped like x, where each window of x has its (first) maximum: (N, *O, C)."""
    room = padded(v, padding)
    result = jnp.zeros(out.shape, v.dtype)
    for position, here in _first_matches(out, x, window, strides, padding):
        result = jnp.where(here, seen_at(room, position, out.shape[1:-1], strides), result)
    return result


def window_sum(x: Array, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The sum of each window: (N, *S, C) -> (N, *O, C)."""
    return _slide(padded(x, padding), window, strides, lax.add, 0)


def window_spread(
    g: Array, input_shape: Ints, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to all places of its window, the transpose of `window_sum`: (N, *S, C)."""
    dx = jnp.zeros(tuple(input_shape), g.dtype)
    for position in itertools.product(*map(range, window)):
        dx = dx + placed(g, input_shape, position, strides, padding)
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


# --- loops over time ----------------------------------------------------------------------------


FEW_SEQUENCES, FEW_ROWS = 4, 64  # below which arranging the matrix costs more than it saves


def recurrence_kernels(x: Array) -> Any:
    """Kernels of our own for LSTM, GRU and simple RNN on arrays like x; None: they do not serve.

    Args:
        x: time-major, (T, N, ...).
    """
    if not xla_native.computes(x):
        return None
    steps, sequences, width = x.shape
    enough = sequences >= FEW_SEQUENCES and steps * sequences >= FEW_ROWS and width > 0
    return xla_recurrence if enough else None


# --- scatter, selection, long work --------------------------------------------------------------


def scatter_add(x: Array, indices: Any, updates: Array) -> Array:
    """x with updates added at indices; what is hit twice is added twice, halves in float32."""
    if is_half(x.dtype):
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
