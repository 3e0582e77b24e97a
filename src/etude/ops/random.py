"""Random numbers from a counter: Threefry-2x32, and the distributions made of its bits.

A key, two 32-bit words, and a counter give two random words; nothing is remembered in between. So
the same key gives the same numbers on both engines and on any device, and a program that is traced
once draws anew whenever its key changes. Keys come from `etude.random.SeedGenerator`.

Everything here is a constant to the tape, except what `_dropout` passes through.

Source: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC'11.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from etude.autodiff import Tensor, primitive
from etude.engine import numpy as host
from etude.engine import xp
from etude.ops.creation import zeros_like
from etude.ops.elementwise import where

__all__: list[str] = []

Array = Any
Shape = Sequence[int]

# --- bits ---------------------------------------------------------------------------------------

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry2x32(m: Any, key: Array, x0: Array, x1: Array) -> tuple[Array, Array]:
    """The two words that a key and a counter (x0, x1) give: 20 rounds of add, rotate and xor.

    Args:
        m: the array namespace.
        key: uint32, (2,).
        x0: uint32, any shape with axes; used up (NumPy works in place).
        x1: likewise.

    >>> zeros = [xp().zeros((n,), "uint32") for n in (2, 1, 1)]
    >>> a, b = threefry2x32(xp(), *zeros)
    >>> hex(int(a[0])), hex(int(b[0]))
    ('0x6b200159', '0x99ba4efe')
    """
    k0, k1 = key[0:1], key[1:2]  # kept as arrays: they wrap around without a warning
    keys = (k0, k1, k0 ^ k1 ^ m.full((1,), _PARITY, "uint32"))
    x0 += keys[0]
    x1 += keys[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 += x1
            high = x1 >> (32 - rotation)
            x1 <<= rotation
            x1 |= high
            x1 ^= x0
        x0 += keys[(group + 1) % 3]
        x1 += keys[(group + 2) % 3]
        x1 += m.full((1,), group + 1, "uint32")
    return x0, x1


def random_words(m: Any, key: Array, count: int, stream: Any = 0) -> Array:
    """``count`` random words of 64 bits, uint64: word i is made of the counter (i, stream).

    Args:
        m: the array namespace.
        key: uint32, (2,).
        count: how many.
        stream: draws of one key are independent for different streams, 0 ... 2³² - 1.
    """

    def some(start: int, stop: int) -> Array:
        counter = m.arange(start, stop, dtype="uint32")
        high = m.zeros((stop - start,), "uint32") + m.asarray(stream, dtype="uint32")
        x0, x1 = threefry2x32(m, key, counter, high)
        return (m.astype(x0, "uint64") << 32) | m.astype(x1, "uint64")

    return m.materialize(m.map_blocks(some, count))


def random_halves(m: Any, key: Array, count: int, stream: Any = 0) -> Array:
    """``count`` random words of 32 bits, uint32: the upper halves of words, then the lower."""
    words = random_words(m, key, (count + 1) // 2, stream)
    return m.concatenate([m.astype(words >> 32, "uint32"), m.astype(words, "uint32")])[:count]


def random_quarters(m: Any, key: Array, count: int, stream: Any = 0) -> Array:
    """``count`` random words of 16 bits, uint16: the four quarters of words, one after another."""
    words = random_words(m, key, (count + 3) // 4, stream)
    return m.concatenate([m.astype(words >> n, "uint16") for n in (48, 32, 16, 0)])[:count]


# --- distributions as primitives ----------------------------------------------------------------


def _namespace(arrays: Sequence[Array]) -> Any:
    """The active engine inside of a trace, else NumPy."""
    return xp() if any(map(xp().is_traced, arrays)) else host


def distribution(draw: Callable[..., Any]) -> Any:
    """Makes a primitive of a function ``(m, key, *parameters, **options)``.

    Outside of a trace numbers are drawn on the host: there is no program to compile for each
    shape, and initial weights are the same bits on both engines.
    """

    def forward(*arrays: Array, **options: Any) -> Any:
        m = _namespace(arrays)
        with m.quiet():
            return draw(m, *map(m.own, arrays), **options)

    functools.update_wrapper(forward, draw)
    full = inspect.signature(draw)
    without_m = list(full.parameters.values())[1:]
    forward.__signature__ = full.replace(parameters=without_m)  # type: ignore[attr-defined]
    made = primitive(forward)
    made.no_gradient("random numbers are constants")
    return made


# --- uniform and normal -------------------------------------------------------------------------


def unit_interval(m: Any, key: Array, shape: Shape, dtype: str, stream: Any = 0) -> Array:
    """Uniform on [0, 1): multiples of 2⁻²⁴, or of 2⁻⁵³ in float64. Half precision: float32."""
    count = math.prod(shape)
    if dtype == "float64":
        bits = random_words(m, key, count, stream) >> 11
        return (m.astype(bits, "float64") * 2.0**-53).reshape(shape)
    bits = random_halves(m, key, count, stream) >> 8
    return (m.astype(bits, "float32") * m.asarray(2.0**-24, dtype="float32")).reshape(shape)


def symmetric_interval(m: Any, key: Array, shape: Shape, dtype: str, stream: Any = 0) -> Array:
    """Uniform on (-1, 1): odd multiples of 2⁻²⁴ (2⁻⁵³ in float64), so never 0 and never ±1."""
    count = math.prod(shape)
    if dtype == "float64":
        bits = m.astype(random_words(m, key, count, stream) >> 11, "int64")  # 53 bits
        return (m.astype(2 * bits + 1 - 2**53, "float64") * 2.0**-53).reshape(shape)
    bits = m.astype(random_halves(m, key, count, stream) >> 8, "int32")  # 24 bits
    odd = m.astype(2 * bits + 1 - 2**24, "float32")
    return (odd * m.asarray(2.0**-24, dtype="float32")).reshape(shape)


def standard_normal(m: Any, key: Array, shape: Shape, dtype: str, stream: Any = 0) -> Array:
    """Standard normal by inversion: √2 erfinv(u), u uniform on (-1, 1). Half precision: float32."""
    u = symmetric_interval(m, key, shape, dtype, stream)
    return m.erfinv(u) * m.asarray(math.sqrt(2), dtype=u.dtype)


@distribution
def _random_uniform(
    m: Any, key: Array, low: Array, high: Array, *, shape: Shape, dtype: str
) -> Array:
    """Uniform on [low, high)."""
    u = unit_interval(m, key, shape, dtype)
    low, high = m.astype(low, str(u.dtype)), m.astype(high, str(u.dtype))
    # A sum that rounds up to `high` is brought to the number before it.
    below = m.nextafter(m.astype(high, dtype), m.astype(low, dtype))
    return m.minimum(m.astype(u * (high - low) + low, dtype), below)


@distribution
def _random_normal(m: Any, key: Array, *, shape: Shape, dtype: str) -> Array:
    """Standard normal."""
    return m.astype(standard_normal(m, key, shape, dtype), dtype)


@distribution
def _random_truncated_normal(m: Any, key: Array, *, shape: Shape, dtype: str) -> Array:
    """Standard normal given that it lies in (-2, 2): √2 erfinv(u erf √2)."""
    u = symmetric_interval(m, key, shape, dtype)
    inside = u * m.asarray(math.erf(math.sqrt(2)), dtype=u.dtype)
    z = m.erfinv(inside) * m.asarray(math.sqrt(2), dtype=u.dtype)
    return m.astype(z, dtype)


# --- integers, choices, orders ------------------------------------------------------------------


def _product_high(a: Array, b: Array) -> Array:
    """The upper 64 of the 128 bits of a·b, for uint64, from four products of halves."""
    a1, a0, b1, b0 = a >> 32, a & 0xFFFFFFFF, b >> 32, b & 0xFFFFFFFF
    middle = a1 * b0 + (a0 * b0 >> 32)
    other = a0 * b1 + (middle & 0xFFFFFFFF)
    return a1 * b1 + (middle >> 32) + (other >> 32)


@distribution
def _random_integers(
    m: Any, key: Array, low: Array, high: Array, *, shape: Shape, dtype: str
) -> Array:
    """Integers, uniform on [low, high): the upper half of a random 64-bit word times high - low.

    No value is more likely than another by more than (high - low) / 2⁶⁴.
    """
    low, high = m.astype(low, "int64"), m.astype(high, "int64")
    span = m.astype(high - low, "uint64")
    words = random_words(m, key, math.prod(shape)).reshape(shape)
    return m.astype(m.astype(_product_high(words, span), "int64") + low, dtype)


@distribution
def _random_categorical(m: Any, key: Array, logits: Array, *, samples: int, dtype: str) -> Array:
    """Classes with probabilities softmax(logits), by inversion: (N, C) -> (N, samples)."""
    weights = m.exp(logits - m.max(logits, axis=-1, keepdims=True))
    steps = m.cumsum(weights, axis=-1, dtype=weights.dtype)  # (N, C)
    total = steps[:, -1:]
    u = unit_interval(m, key, (logits.shape[0], samples), str(logits.dtype))
    level = m.astype(u, str(logits.dtype)) * total  # (N, samples)
    found = m.sum(steps[:, None, :] <= level[:, :, None], axis=-1)
    last = m.sum(steps < total, axis=-1, keepdims=True)  # the last class that can come
    return m.astype(m.minimum(found, last), dtype)


@distribution
def _random_order(m: Any, key: Array, *, shape: Shape, axis: int) -> Array:
    """Independent random orders along an axis: indices for `take_along_axis`, int32."""
    order = m.argsort(random_words(m, key, math.prod(shape)).reshape(shape), axis=axis)
    return m.astype(order, "int32")


# --- dropout ------------------------------------------------------------------------------------


def keep_mask(m: Any, key: Array, shape: Shape, keep: float) -> Array:
    """True with probability ``keep``, elementwise: 16 random bits per element.

    Bits are compared with keep · 2¹⁶, rounded up or down at random by one more word of the key, so
    that the probability is exact.
    """
    count = math.prod(shape)
    quarters = random_quarters(m, key, count)
    level = keep * 2**16
    rounding = m.astype(random_halves(m, key, 1, stream=1), "float64") * 2.0**-32
    threshold = math.floor(level) + (rounding < level - math.floor(level))
    return (m.astype(quarters, "uint32") < m.astype(threshold, "uint32")).reshape(shape)


@primitive
def _dropout(x: Array, key: Array, *, rate: float, noise_shape: Shape) -> tuple[Array, Array]:
    """x / (1 - rate) where an element is kept, else 0; and which are kept."""
    m = _namespace((x, key))
    mask = keep_mask(m, m.own(key), noise_shape, 1 - rate)
    keep = xp().broadcast_to(xp().own(mask), x.shape)
    scaled = x * xp().asarray(1 / (1 - rate), dtype=x.dtype)
    return xp().where(keep, scaled, xp().zeros((), x.dtype)), keep


@_dropout.gradient
def _(g: Any, out: Any, x: Tensor, key: Tensor, rate: float):
    return where(out[1], g[0] * (1 / (1 - rate)), zeros_like(x)), None


# --- distributions by rejection -----------------------------------------------------------------


def _until_accepted(
    m: Any, shape: Shape, dtype: str, propose: Callable[[Any], tuple[Array, Array]]
) -> Array:
    """Draws anew for all elements until each has accepted a proposal.

    Args:
        m: the array namespace.
        shape: of the result.
        dtype: of the result.
        propose: takes the number of the round, returns proposals and which of them are accepted.
    """

    def waiting(state: Any) -> Array:
        return m.logical_not(m.all(state[2]))

    def once_more(state: Any) -> Any:
        turn, values, done = state
        proposal, accepted = propose(turn)
        values = m.where(done, values, proposal)
        return turn + m.ones_like(turn), values, done | accepted

    start = (m.ones((), "uint32"), m.zeros(shape, dtype), m.zeros(shape, bool))
    return m.while_loop(waiting, once_more, start)[1]


def log_gamma_variate(m: Any, key: Array, alpha: Array, shape: Shape, stream: int = 0) -> Array:
    """Logarithms of Gamma(α, 1) variates, by Marsaglia and Tsang's method.

    With d = α - 1/3, c = 1/√(9 d) and v = (1 + c z)³, a normal z is accepted where
    log u < z²/2 + d - d v + d log v; the variate is d v. For α < 1 a variate of α + 1 is multiplied
    by u^(1/α).

    Source: Marsaglia and Tsang, ACM TOMS 26 (2000), 363-372.
    """
    dtype = str(alpha.dtype)
    small = alpha < 1
    d = m.where(small, alpha + 1, alpha) - m.asarray(1 / 3, dtype=alpha.dtype)
    c = 1 / m.sqrt(9 * d)
    base = stream << 24  # each variate has streams of its own, two for each round

    def propose(turn: Any) -> tuple[Array, Array]:
        z = standard_normal(m, key, shape, dtype, base + 2 * turn)
        u = 1 - unit_interval(m, key, shape, dtype, base + 2 * turn + 1)  # in (0, 1]
        v = (1 + c * z) ** 3
        log_v = m.log(m.where(v > 0, v, m.ones_like(v)))
        accepted = (v > 0) & (m.log(u) < 0.5 * z * z + d - d * v + d * log_v)
        return m.log(d) + log_v, accepted | m.isnan(alpha)

    found = _until_accepted(m, shape, dtype, propose)
    u = 1 - unit_interval(m, key, shape, dtype, base)
    boost = m.log(u) / m.where(small, alpha, m.ones_like(alpha))
    return m.where(small, found + boost, found)


def _parameters(m: Any, *values: Array, shape: Shape, dtype: str) -> list[Array]:
    """Parameters in the dtype that is worked in, broadcast to the shape of the result."""
    working = "float64" if dtype == "float64" else "float32"
    return [m.broadcast_to(m.astype(v, working), shape) for v in values]


@distribution
def _random_gamma(m: Any, key: Array, alpha: Array, *, shape: Shape, dtype: str) -> Array:
    """Gamma(α, 1)."""
    (a,) = _parameters(m, alpha, shape=shape, dtype=dtype)
    return m.astype(m.exp(log_gamma_variate(m, key, a, shape)), dtype)


@distribution
def _random_beta(
    m: Any, key: Array, alpha: Array, beta: Array, *, shape: Shape, dtype: str
) -> Array:
    """Beta(α, β) = X / (X + Y), X and Y being Gamma(α) and Gamma(β); by their logarithms."""
    a, b = _parameters(m, alpha, beta, shape=shape, dtype=dtype)
    x, y = log_gamma_variate(m, key, a, shape), log_gamma_variate(m, key, b, shape, stream=1)
    return m.astype(1 / (1 + m.exp(y - x)), dtype)


@distribution
def _random_binomial(
    m: Any, key: Array, counts: Array, probabilities: Array, *, shape: Shape, dtype: str
) -> Array:
    """How many of ``counts`` trials succeed.

    Where the expected number is small (below 10, after exchanging success and failure so that
    p <= 1/2) gaps between successes are counted; elsewhere Hörmann's transformed rejection.

    Source: W. Hörmann, The generation of binomial random variates, J. Stat. Comput. Simul. 46
    (1993), 101-110.
    """
    # In float64: the logarithms of large factorials would lose all their digits in float32.
    n, p = _parameters(m, counts, probabilities, shape=shape, dtype="float64")
    n = m.floor(n)
    valid = (n >= 0) & (p >= 0) & (p <= 1)
    n, p = m.where(valid, n, m.zeros_like(n)), m.where(valid, p, m.zeros_like(p))
    q = m.minimum(p, 1 - p)
    few = n * q < 10
    one, half = m.ones_like(n), m.full(shape, 0.5, n.dtype)
    by_gaps = _binomial_by_gaps(m, key, m.where(few, n, 0 * n), m.where(few, q, half), shape)
    by_rejection = _binomial_by_rejection(
        m, key, m.where(few, 100 * one, n), m.where(few, half, q), shape
    )
    successes = m.where(few, by_gaps, by_rejection)
    successes = m.where(p > 0.5, n - successes, successes)
    return m.astype(m.where(valid, successes, m.full(shape, math.nan, n.dtype)), dtype)


def _binomial_by_gaps(m: Any, key: Array, n: Array, p: Array, shape: Shape) -> Array:
    """Sums gaps, geometric with probability p, until they exceed n; their number is one more."""
    dtype = str(n.dtype)
    slope = m.log1p(-p)

    def open_still(state: Any) -> Array:
        return m.any(state[1] <= n)

    def next_gap(state: Any) -> Any:
        turn, reached, found = state
        u = 1 - unit_interval(m, key, shape, dtype, turn)  # in (0, 1]
        gap = m.floor(m.log(u) / slope) + 1
        gap = m.where(p > 0, gap, m.full(shape, math.inf, n.dtype))
        going = reached <= n
        reached = m.where(going, reached + gap, reached)
        found = m.where(going & (reached <= n), found + 1, found)
        return turn + m.ones_like(turn), reached, found

    zero = m.zeros(shape, dtype)
    return m.while_loop(open_still, next_gap, (m.ones((), "uint32"), zero, zero))[2]


def _binomial_by_rejection(m: Any, key: Array, n: Array, p: Array, shape: Shape) -> Array:
    """Hörmann's BTRS, for n p >= 10 and p <= 1/2; the symbols are the paper's."""
    dtype = str(n.dtype)
    deviation = m.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = n * p + 0.5
    v_r = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    log_odds = m.log(p / (1 - p))
    mode = m.floor((n + 1) * p)
    h = m.lgamma(mode + 1) + m.lgamma(n - mode + 1)
    base = 1 << 28  # streams apart from those of the gaps

    def propose(turn: Any) -> tuple[Array, Array]:
        u = unit_interval(m, key, shape, dtype, base + 2 * turn) - 0.5
        v = 1 - unit_interval(m, key, shape, dtype, base + 2 * turn + 1)  # in (0, 1]
        us = 0.5 - m.abs(u)
        k = m.floor((2 * a / us + b) * u + c)
        inside = (k >= 0) & (k <= n)
        safe = m.where(inside, k, mode)
        bound = h - m.lgamma(safe + 1) - m.lgamma(n - safe + 1) + (safe - mode) * log_odds
        ratio = m.log(v * alpha / (a / (us * us) + b))
        at_once = (us >= 0.07) & (v <= v_r)
        return k, inside & (at_once | (ratio <= bound))

    return _until_accepted(m, shape, dtype, propose)
