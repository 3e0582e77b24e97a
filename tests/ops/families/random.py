"""Random numbers. Reference: Threefry and the distributions in Python integers and floats.

The reference follows the published algorithms draw by draw; statistical tests of what comes out
are in `tests/test_random.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from tests.ops.case import Case

MASK = 0xFFFFFFFF


def threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Threefry-2x32 with 20 rounds (Salmon et al. 2011, section 3), in Python integers."""
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    a, b = (counter[0] + keys[0]) & MASK, (counter[1] + keys[1]) & MASK
    for i in range(20):
        by = (13, 15, 26, 6, 17, 29, 16, 24)[i % 8]
        a = (a + b) & MASK
        b = (b << by | b >> (32 - by)) & MASK
        b ^= a
        if i % 4 == 3:
            n = i // 4 + 1
            a = (a + keys[n % 3]) & MASK
            b = (b + keys[(n + 1) % 3] + n) & MASK
    return a, b


def words(key: Any, count: int, stream: int = 0) -> list[int]:
    pairs = (threefry((int(key[0]), int(key[1])), (i, stream)) for i in range(count))
    return [a << 32 | b for a, b in pairs]


def halves(key: Any, count: int, stream: int = 0) -> list[int]:
    found = words(key, (count + 1) // 2, stream)
    return [*(w >> 32 for w in found), *(w & MASK for w in found)][:count]


def quarters(key: Any, count: int) -> list[int]:
    found = words(key, (count + 3) // 4)
    return [w >> n & 0xFFFF for n in (48, 32, 16, 0) for w in found][:count]


def unit(key: Any, count: int, stream: int = 0, double: bool = False) -> list[float]:
    if double:
        return [(w >> 11) * 2.0**-53 for w in words(key, count, stream)]
    return [(w >> 8) * 2.0**-24 for w in halves(key, count, stream)]


def symmetric(key: Any, count: int, stream: int = 0) -> list[float]:
    return [(2 * (w >> 8) + 1 - 2**24) * 2.0**-24 for w in halves(key, count, stream)]


def normals(key: Any, count: int, stream: int = 0) -> list[float]:
    return [NormalDist().inv_cdf((1 + u) / 2) for u in symmetric(key, count, stream)]


def _filled(shape: Any, values: list[Any]) -> Any:
    return np.reshape(np.array(values), shape)


def uniform(key: Any, low: Any, high: Any, *, shape: Any, dtype: str) -> Any:
    return low + (high - low) * _filled(shape, unit(key, math.prod(shape)))


def normal(key: Any, *, shape: Any, dtype: str) -> Any:
    return _filled(shape, normals(key, math.prod(shape)))


def truncated_normal(key: Any, *, shape: Any, dtype: str) -> Any:
    inside = math.erf(math.sqrt(2))
    values = symmetric(key, math.prod(shape))
    return _filled(shape, [NormalDist().inv_cdf((1 + u * inside) / 2) for u in values])


def integers(key: Any, low: Any, high: Any, *, shape: Any, dtype: str) -> Any:
    span = int(high) - int(low)
    return _filled(shape, [(w * span >> 64) + int(low) for w in words(key, math.prod(shape))])


def categorical(key: Any, logits: Any, *, samples: int, dtype: str) -> Any:
    levels = _filled((len(logits), samples), unit(key, len(logits) * samples, double=True))
    out = np.zeros(levels.shape, "int64")
    for (n, s), level in np.ndenumerate(levels):
        steps = np.cumsum(np.exp(logits[n]))
        out[n, s] = next(i for i, step in enumerate(steps) if step > level * steps[-1])
    return out


def order(key: Any, *, shape: Any, axis: int) -> Any:
    return np.argsort(_filled(shape, words(key, math.prod(shape))), axis=axis)


def dropout(x: Any, key: Any, *, rate: float, noise_shape: Any) -> Any:
    level = (1 - rate) * 2**16
    rounding = halves(key, 1, stream=1)[0] * 2.0**-32
    threshold = math.floor(level) + (rounding < level - math.floor(level))
    kept = _filled(noise_shape, [q < threshold for q in quarters(key, math.prod(noise_shape))])
    kept = np.broadcast_to(kept, x.shape)
    return np.where(kept, x / (1 - rate), 0), kept


def log_gammas(key: Any, alphas: list[float], variate: int = 0) -> list[float]:
    """Marsaglia and Tsang (2000), one element at a time."""
    base, n = variate << 24, len(alphas)
    found = []
    for i, alpha in enumerate(alphas):
        d = (alpha + 1 if alpha < 1 else alpha) - 1 / 3
        c = 1 / math.sqrt(9 * d)
        turn = 1
        while True:
            z = normals(key, n, base + 2 * turn)[i]
            u = 1 - unit(key, n, base + 2 * turn + 1)[i]
            v = (1 + c * z) ** 3
            if v > 0 and math.log(u) < 0.5 * z * z + d - d * v + d * math.log(v):
                break
            turn += 1
        boost = math.log(1 - unit(key, n, base)[i]) / alpha if alpha < 1 else 0.0
        found.append(math.log(d * v) + boost)
    return found


def gamma(key: Any, alpha: Any, *, shape: Any, dtype: str) -> Any:
    alphas = np.broadcast_to(alpha, shape).ravel().tolist()
    return np.exp(_filled(shape, log_gammas(key, alphas)))


def beta(key: Any, alpha: Any, beta: Any, *, shape: Any, dtype: str) -> Any:
    a, b = (np.broadcast_to(v, shape).ravel().tolist() for v in (alpha, beta))
    x, y = log_gammas(key, a), log_gammas(key, b, 1)
    return _filled(
        shape, [math.exp(p) / (math.exp(p) + math.exp(q)) for p, q in zip(x, y, strict=True)]
    )


def binomial(key: Any, counts: Any, probabilities: Any, *, shape: Any, dtype: str) -> Any:
    n_all, p_all = (np.broadcast_to(v, shape).ravel().tolist() for v in (counts, probabilities))
    found = []
    for i, (n, p) in enumerate(zip(n_all, p_all, strict=True)):
        q = min(p, 1 - p)
        k = (
            by_gaps(key, n, q, i, len(n_all))
            if n * q < 10
            else by_rejection(key, n, q, i, len(n_all))
        )
        found.append(n - k if p > 0.5 else k)
    return _filled(shape, found)


def by_gaps(key: Any, n: float, p: float, i: int, size: int) -> int:
    reached, successes, turn = 0.0, 0, 1
    while p > 0:
        u = 1 - unit(key, size, turn, double=True)[i]
        reached += math.floor(math.log(u) / math.log1p(-p)) + 1
        if reached > n:
            break
        successes, turn = successes + 1, turn + 1
    return successes


def by_rejection(key: Any, n: float, p: float, i: int, size: int) -> float:
    """Hörmann's algorithm BTRS (1993), with the binomial ratio by `math.lgamma`."""
    spread = math.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * spread
    mode = math.floor((n + 1) * p)
    turn = 1
    while True:
        u = unit(key, size, (1 << 28) + 2 * turn, double=True)[i] - 0.5
        v = 1 - unit(key, size, (1 << 28) + 2 * turn + 1, double=True)[i]
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + n * p + 0.5)
        turn += 1
        if not 0 <= k <= n:
            continue
        if us >= 0.07 and v <= 0.92 - 4.2 / b:
            return k
        ratio = (
            math.lgamma(mode + 1) + math.lgamma(n - mode + 1)
            - math.lgamma(k + 1) - math.lgamma(n - k + 1) + (k - mode) * math.log(p / (1 - p))
        )  # fmt: skip
        if math.log(v * alpha / (a / us**2 + b)) <= ratio:
            return k


def key_and(*values: Any) -> Callable[[Any], tuple[Any, ...]]:
    """A key, and parameters as they are."""
    return lambda r: (r.integers(0, 2**32, 2, dtype="uint32"), *map(np.asarray, values))


def _draw(op: str, reference: Any, *parameters: Any, rtol: float = 2e-5, **options: Any) -> Case:
    return Case(op, key_and(*parameters), reference, options, differentiable=(), rtol=rtol)


EXACT = 1e-12

CASES: list[Case] = [
    _draw("_random_uniform", uniform, -1.0, 3.0, shape=(2, 5), dtype="float32"),
    _draw("_random_uniform", uniform, 0.0, 1.0, shape=(3,), dtype="float32", rtol=EXACT),
    _draw("_random_normal", normal, shape=(3, 5), dtype="float32"),
    _draw("_random_truncated_normal", truncated_normal, shape=(15,), dtype="float32"),
    _draw(
        "_random_integers", integers, np.int64(-3), np.int64(1000), shape=(7,), dtype="int32",
        rtol=EXACT,
    ),
    _draw(
        "_random_integers", integers, np.int64(-(2**62)), np.int64(2**62 + 5), shape=(4,),
        dtype="int64", rtol=EXACT,
    ),
    _draw(
        "_random_categorical", categorical, np.log([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]),
        samples=6, dtype="int32", rtol=EXACT,
    ),
    _draw("_random_order", order, shape=(5, 2), axis=0, rtol=EXACT),
    _draw("_random_gamma", gamma, [0.3, 1.0, 4.5], shape=(2, 3), dtype="float32", rtol=1e-4),
    _draw("_random_beta", beta, [0.5, 2.0], [0.7, 3.0], shape=(3, 2), dtype="float32", rtol=1e-4),
    _draw(
        "_random_binomial", binomial, [5.0, 12.0, 300.0, 1000.0], [0.25, 0.9, 0.1, 0.8],
        shape=(2, 4), dtype="float32", rtol=EXACT,
    ),
    Case(
        "_dropout",
        lambda r: (r.standard_normal((3, 4)), r.integers(0, 2**32, 2, dtype="uint32")),
        dropout,
        {"rate": 0.3, "noise_shape": (3, 1)},
    ),
    Case(
        "_dropout",
        lambda r: (r.standard_normal((2, 5)), r.integers(0, 2**32, 2, dtype="uint32")),
        dropout,
        {"rate": 0.5, "noise_shape": (2, 5)},
    ),
]  # fmt: skip
