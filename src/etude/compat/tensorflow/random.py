"""`tf.random`: draws from distributions, under TensorFlow's names."""

from __future__ import annotations

from typing import Any

from etude import ops, random
from etude.compat.adoption import adopt, integers
from etude.compat.missing import lacks
from etude.dtypes import is_int_dtype
from etude.errors import ArgumentError

Seed = Any

set_seed = adopt("random.set_random_seed", "seed")


def _seed(seed: Seed) -> Any:
    """An int, a SeedGenerator or None; of TensorFlow's pairs of numbers, a number for both."""
    if isinstance(seed, (list, tuple)) or getattr(seed, "shape", None):
        first, second = integers(seed)
        return first * 1_000_003 + second
    return seed


def normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Seed = None,
    name: str | None = None,
) -> Any:
    """Draws from a normal distribution.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    return random.normal(integers(shape), mean, stddev, dtype, seed=_seed(seed))


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Seed = None,
    name: str | None = None,
) -> Any:
    """Draws from a normal distribution, none further than two deviations from the mean.

    >>> bool(ops.all(ops.abs(truncated_normal((100,), seed=1)) <= 2))
    True
    """
    return random.truncated_normal(integers(shape), mean, stddev, dtype, seed=_seed(seed))


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Seed = None,
    name: str | None = None,
) -> Any:
    """Draws from [minval, maxval), evenly; to 1 by default, whole numbers for an integer dtype.

    >>> bool(ops.all(uniform((9,), maxval=3, dtype="int32", seed=1) < 3))
    True
    """
    if is_int_dtype(dtype):
        if maxval is None:
            raise ArgumentError(f"random.uniform() of {dtype} needs a `maxval`.")
        return random.randint(integers(shape), minval, maxval, dtype, seed=_seed(seed))
    top = 1.0 if maxval is None else maxval
    return random.uniform(integers(shape), minval, top, dtype, seed=_seed(seed))


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Any:
    """Classes drawn by their logits, (N, num_samples).

    >>> categorical([[0.0, -1e9]], 3).numpy().tolist()
    [[0, 0, 0]]
    """
    return random.categorical(logits, int(num_samples), dtype or "int64", seed=_seed(seed))


def shuffle(value: Any, seed: Seed = None, name: str | None = None) -> Any:
    """The rows in random order.

    >>> sorted(shuffle([1, 2, 3]).numpy().tolist())
    [1, 2, 3]
    """
    return random.shuffle(value, seed=_seed(seed))


def gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = "float32",
    seed: Seed = None,
    name: str | None = None,
) -> Any:
    """Draws from a gamma distribution: the shape, then that of the parameters.

    >>> gamma([5], alpha=[1.0, 2.0], seed=1).shape
    (5, 2)
    """
    alpha = ops.convert_to_tensor(alpha, dtype)
    full = (*integers(shape), *alpha.shape)
    drawn = random.gamma(full, ops.broadcast_to(alpha, full), dtype, seed=_seed(seed))
    return drawn if beta is None else ops.divide(drawn, beta)


def stateless_normal(
    shape: Any,
    seed: Seed,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    """`normal`, the same for the same seed.

    >>> float(stateless_normal((), (1, 2))) == float(stateless_normal((), (1, 2)))
    True
    """
    return normal(shape, mean, stddev, dtype, seed)


def stateless_uniform(
    shape: Any,
    seed: Seed,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    """`uniform`, the same for the same seed.

    >>> float(stateless_uniform((), (1, 2))) == float(stateless_uniform((), (1, 2)))
    True
    """
    return uniform(shape, minval, maxval, dtype, seed)


class Generator:
    """Draws that follow one another from one seed.

    >>> g = Generator.from_seed(1)
    >>> float(g.normal(())) != float(g.normal(()))
    True
    """

    def __init__(self, seed: int | None = None):
        self._seeds = random.SeedGenerator(seed)

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Generator:
        """A generator that begins with a seed."""
        return cls(int(seed))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that begins somewhere."""
        return cls()

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", name: Any = ""
    ) -> Any:
        """Draws from a normal distribution."""
        return normal(shape, mean, stddev, dtype, self._seeds)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", name: Any = ""
    ) -> Any:
        """Draws from a normal distribution, none further than two deviations from the mean."""
        return truncated_normal(shape, mean, stddev, dtype, self._seeds)

    def uniform(
        self,
        shape: Any,
        minval: Any = 0,
        maxval: Any = None,
        dtype: Any = "float32",
        name: str | None = None,
    ) -> Any:
        """Draws from [minval, maxval), evenly."""
        return uniform(shape, minval, maxval, dtype, self._seeds)

    def make_seeds(self, count: int = 1) -> Any:
        """Pairs of numbers as seeds, (2, count)."""
        return ops.stack([ops.cast(self._seeds.next(), "int64") for _ in range(count)], axis=1)


_generator: list[Generator] = []


def get_global_generator() -> Generator:
    """One generator for the whole process.

    >>> get_global_generator() is get_global_generator()
    True
    """
    if not _generator:
        _generator.append(Generator())
    return _generator[0]


__getattr__ = lacks("tf.random", __name__)
