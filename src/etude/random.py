"""Random numbers: seeds, and draws from distributions.

A draw is a function of its seed: an integer gives the same numbers at every call, a `SeedGenerator`
others each time, and no seed at all means the generator of the process, which `set_random_seed`
resets. The numbers are the same on both engines, bit for bit where they are integers, and to float
tolerance elsewhere; how they are made stands in `etude.ops.random`.
"""

from __future__ import annotations

import random as python_random
from collections.abc import Sequence
from typing import Any

import numpy as np

from etude.autodiff import OPS, Tensor, as_tensor, composite, is_tensor
from etude.dtypes import is_float_dtype, is_int_dtype, standardize_dtype
from etude.errors import ArgumentError, ShapeError
from etude.naming import auto_name, name_scope
from etude.ops import random as kernels
from etude.variable import Variable

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]

Seed = Any
"""An int, a `SeedGenerator`, or None."""


# --- seeds --------------------------------------------------------------------------------------


class SeedGenerator:
    """Gives a new seed at each call of `next`; its state is a Variable.

    The state is (seed, counter). A compiled program that draws from it advances the counter, so
    that each run of the program draws other numbers.

    Args:
        seed: an int; drawn from Python's ``random`` where there is none.
        name: of the generator, part of the path of its state.
        **kwargs: none; others are refused.

    Raises:
        ArgumentError: the seed is no int, or there are other arguments.

    >>> generator = SeedGenerator(seed=7)
    >>> generator.next().numpy().tolist(), generator.next().numpy().tolist()
    ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        kwargs.pop("backend", None)
        if kwargs:
            raise ArgumentError(f"Unrecognized keyword arguments: {kwargs}")
        self.name = auto_name(type(self).__name__) if name is None else name
        self._initial_seed = seed
        if seed is None:
            seed = make_default_seed()
        if not isinstance(seed, (int, np.integer)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(f"Argument `seed` must be an integer; got {seed!r}.")
        with name_scope(self.name, caller=self):
            self.state = Variable(  # a function: it runs for good, also in the middle of a trace
                lambda shape, dtype: _key(seed),
                shape=(2,),
                dtype="uint32",
                trainable=False,
                name="seed_generator_state",
            )

    def next(self, ordered: bool = True) -> Tensor:
        """The seed that comes next, uint32, (2,).

        Args:
            ordered: whether seeds are counted up; else they go around in a scattered order.
        """
        seed = as_tensor(self.state.value)
        if ordered:
            following = OPS["add"](seed, as_tensor([0, 1], "uint32"))
        else:
            following = OPS["cast"]((OPS["cast"](seed, "int64") + 1) * 5387 % 933199, "uint32")
        self.state.assign(following)
        return seed

    def get_config(self) -> dict[str, Any]:
        """The seed and the name."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A generator with the seed and the name of a config."""
        return cls(**config)


def _key(seed: int) -> Tensor:
    """The key of an integer: its lower 32 bits, and counter 0."""
    return as_tensor(np.array([int(seed) & 0xFFFFFFFF, 0], "uint32"))


_global: dict[str, Any] = {"generator": None, "seed": None}


def global_seed_generator() -> SeedGenerator:
    """The generator that draws without a seed use."""
    if _global["generator"] is None:
        _global["generator"] = SeedGenerator(_global["seed"], name="global_seed_generator")
    return _global["generator"]


def global_state() -> list[Variable]:
    """The state of that generator; nothing where no draw has needed it yet."""
    return [] if _global["generator"] is None else [_global["generator"].state]


def make_default_seed() -> int:
    """A seed that was not asked for, 1 ... 10⁹, drawn from Python's own generator.

    So it repeats after `set_random_seed`, and, as scripts for Keras expect, after ``random.seed``.
    """
    return python_random.randint(1, int(1e9))


def make_shuffle_seed() -> int:
    """A seed for the order of data, 1 ... 10⁹, drawn from NumPy's generator.

    Keras shuffles with that one; so ``np.random.seed`` makes orders repeat, and a shuffle leaves
    the seeds of layers as they would be without it.
    """
    return int(np.random.randint(1, int(1e9)))


@composite  # by its name also operations find it that stand on a floor below: elastic_transform
def draw_seed(seed: Seed) -> Tensor:
    """A key from a seed: uint32, (2,).

    Args:
        seed: an int, a `SeedGenerator` (which moves on), None for the generator of the process, or
            a key.

    Raises:
        ArgumentError: it is something else.

    >>> draw_seed(7).numpy().tolist()
    [7, 0]
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, (int, np.integer)):
        return _key(int(seed))
    if seed is None:
        return global_seed_generator().next()
    if is_tensor(seed) and tuple(seed.shape) == (2,):
        return OPS["cast"](seed, "uint32")
    raise ArgumentError(
        "Argument `seed` must be either an integer, a SeedGenerator, or None; got "
        f"{seed!r} of type {type(seed).__name__}."
    )


def set_random_seed(seed: int) -> None:
    """Seeds Python's and NumPy's generators and the one of etude.

    What follows, initial weights, dropout and shuffles, then repeats.

    Args:
        seed: an int.

    Raises:
        ArgumentError: it is something else.

    >>> set_random_seed(1)
    >>> first = float(uniform(()))
    >>> set_random_seed(1)
    >>> float(uniform(())) == first
    True
    """
    if not isinstance(seed, (int, np.integer)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(
            "Expected `seed` argument to be an integer; got "
            f"{seed!r} of type {type(seed).__name__}."
        )
    python_random.seed(int(seed))
    np.random.seed(int(seed) % 2**32)
    _global["seed"] = int(seed)
    if _global["generator"] is not None:  # the same one: compiled programs hold its state
        _global["generator"].state.assign(_key(int(seed)))


def get_random_seed() -> int | None:
    """The seed that `set_random_seed` was given, or None."""
    return _global["seed"]


def generator_states() -> dict[str, Any]:
    """The states of all generators of the process: Python's, NumPy's and etude's.

    >>> before = generator_states()
    >>> first = float(uniform(())), np.random.random()
    >>> set_generator_states(before)
    >>> (float(uniform(())), np.random.random()) == first
    True
    """
    name, keys, *rest = np.random.get_state(legacy=True)
    return {
        "python": python_random.getstate(),
        "numpy": [name, np.asarray(keys), *rest],
        "seed": _global["seed"],
        "global": [state.numpy() for state in global_state()],
    }


def set_generator_states(states: dict[str, Any]) -> None:
    """Has all generators of the process go on from where they were.

    Args:
        states: what `generator_states` returned, also after it was in a file.
    """
    version, numbers, rest = states["python"]
    python_random.setstate((version, tuple(numbers), rest))
    np.random.set_state(tuple(states["numpy"]))
    _global["seed"] = states["seed"]
    for state in states["global"]:
        global_seed_generator().state.assign(state)


# --- arguments ----------------------------------------------------------------------------------


def _shape(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)


def _float(name: str, dtype: Any) -> str:
    if dtype is not None and not is_float_dtype(dtype):
        raise ArgumentError(
            f"`keras.random.{name}` requires a floating point `dtype`. Received: dtype={dtype}. "
            "For whole numbers use `randint`."
        )
    return standardize_dtype(dtype)


# --- distributions ------------------------------------------------------------------------------


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """Normal (Gaussian) numbers, with density exp(-(x - μ)² / 2σ²) / √(2π) σ.

    Args:
        shape: of the result.
        mean: μ.
        stddev: σ.
        dtype: a float dtype; None for `config.floatx`.
        seed: an int, a `SeedGenerator`, or None.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    z = kernels._random_normal(draw_seed(seed), shape=_shape(shape), dtype=_float("normal", dtype))
    return _moved(z, mean, stddev)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """Normal numbers that lie within two standard deviations of the mean.

    Args:
        shape: of the result.
        mean: of the untruncated distribution.
        stddev: of the untruncated distribution.
        dtype: a float dtype; None for `config.floatx`.
        seed: an int, a `SeedGenerator`, or None.

    >>> bool(abs(truncated_normal((100,), seed=1).numpy()).max() < 2)
    True
    """
    z = kernels._random_truncated_normal(
        draw_seed(seed), shape=_shape(shape), dtype=_float("truncated_normal", dtype)
    )
    return _moved(z, mean, stddev)


def _moved(z: Tensor, mean: Any, stddev: Any) -> Tensor:
    """z σ + μ, in the dtype of z."""
    scaled = z if _is_number(stddev, 1) else z * as_tensor(stddev, z.dtype)
    return scaled if _is_number(mean, 0) else scaled + as_tensor(mean, z.dtype)


def _is_number(value: Any, number: int) -> bool:
    return isinstance(value, (int, float)) and value == number


def uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """Numbers that are uniform on [minval, maxval).

    Args:
        shape: of the result.
        minval: the lower bound, which may come.
        maxval: the upper bound, which does not.
        dtype: a float dtype; None for `config.floatx`.
        seed: an int, a `SeedGenerator`, or None.

    >>> bool((uniform((100,), 2.0, 3.0, seed=1).numpy() >= 2).all())
    True
    """
    name = _float("uniform", dtype)
    low, high = as_tensor(minval, name), as_tensor(maxval, name)
    return kernels._random_uniform(draw_seed(seed), low, high, shape=_shape(shape), dtype=name)


def randint(
    shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Seed = None
) -> Tensor:
    """Integers that are uniform on minval ... maxval - 1.

    Args:
        shape: of the result.
        minval: the lower bound, which may come.
        maxval: the upper bound, which does not.
        dtype: an integer dtype.
        seed: an int, a `SeedGenerator`, or None.

    >>> sorted(set(randint((100,), 0, 3, seed=1).numpy().tolist()))
    [0, 1, 2]
    """
    if not is_int_dtype(dtype):
        raise ArgumentError(
            f"`keras.random.randint` requires an integer `dtype`. Received: dtype={dtype}"
        )
    low, high = as_tensor(minval, "int64"), as_tensor(maxval, "int64")
    return kernels._random_integers(
        draw_seed(seed), low, high, shape=_shape(shape), dtype=standardize_dtype(dtype)
    )


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Seed = None) -> Tensor:
    """Classes with probabilities softmax(logits).

    Args:
        logits: (N, C).
        num_samples: how many classes to draw for each row.
        dtype: of the result.
        seed: an int, a `SeedGenerator`, or None.

    Returns:
        (N, num_samples).

    Raises:
        ShapeError: the logits are no matrix.

    >>> categorical([[0.0, 100.0]], 3, seed=1).numpy().tolist()
    [[1, 1, 1]]
    """
    x = as_tensor(logits)
    if x.ndim != 2:
        raise ShapeError(
            "categorical() takes 2-D `logits`, a row for each sample and a column for each class; "
            f"got shape {x.shape}."
        )
    x = OPS["cast"](x, "float64" if x.dtype == "float64" else "float32")
    return kernels._random_categorical(
        draw_seed(seed), x, samples=int(num_samples), dtype=standardize_dtype(dtype)
    )


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Gamma numbers, with density x^(α - 1) exp(-x) / Γ(α).

    Args:
        shape: of the result.
        alpha: α > 0; broadcasts to the shape.
        dtype: a float dtype; None for `config.floatx`.
        seed: an int, a `SeedGenerator`, or None.

    >>> bool((gamma((100,), 0.5, seed=1).numpy() > 0).all())
    True
    """
    name = _float("gamma", dtype)
    return kernels._random_gamma(
        draw_seed(seed), _parameter(alpha), shape=_shape(shape), dtype=name
    )


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Beta numbers, with density proportional to x^(α - 1) (1 - x)^(β - 1) on [0, 1].

    Args:
        shape: of the result.
        alpha: α > 0; broadcasts to the shape.
        beta: β > 0; broadcasts to the shape.
        dtype: a float dtype; None for `config.floatx`.
        seed: an int, a `SeedGenerator`, or None.

    >>> beta((2, 3), 2.0, 3.0, seed=1).shape
    (2, 3)
    """
    name = _float("beta", dtype)
    return kernels._random_beta(
        draw_seed(seed), _parameter(alpha), _parameter(beta), shape=_shape(shape), dtype=name
    )


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """How many of ``counts`` trials succeed, each with its probability.

    Args:
        shape: of the result.
        counts: numbers of trials; broadcast to the shape.
        probabilities: of success; broadcast to the shape.
        dtype: a float dtype; None for `config.floatx`.
        seed: an int, a `SeedGenerator`, or None.

    >>> binomial((3,), 5.0, 1.0, seed=1).numpy().tolist()
    [5.0, 5.0, 5.0]
    """
    name = _float("binomial", dtype)
    return kernels._random_binomial(
        draw_seed(seed),
        _parameter(counts),
        _parameter(probabilities),
        shape=_shape(shape),
        dtype=name,
    )


def _parameter(value: Any) -> Tensor:
    t = as_tensor(value)
    return t if is_float_dtype(t.dtype) else OPS["cast"](t, "float64")


# --- of given tensors ---------------------------------------------------------------------------


@composite
def dropout(
    inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None
) -> Tensor:
    """Sets each element to 0 with probability ``rate``, and divides the others by 1 - rate.

    Args:
        inputs: any tensor.
        rate: 0 ... 1.
        noise_shape: the shape of the mask, which broadcasts to the inputs; None stands for their
            size along that axis.
        seed: an int, a `SeedGenerator`, or None.

    Raises:
        ArgumentError: the rate is not between 0 and 1.

    Source: Srivastava et al., JMLR 15 (2014), 1929-1958.

    >>> sorted(set(dropout([1.0] * 50, 0.5, seed=1).numpy().tolist()))
    [0.0, 2.0]
    """
    x = as_tensor(inputs)
    if not 0 <= rate <= 1:
        raise ArgumentError(f"The dropout rate must be between 0 and 1; got rate={rate!r}.")
    if rate == 0:
        return x
    if rate == 1:
        return OPS["zeros_like"](x)
    shape = x.shape
    if noise_shape is not None:
        given = tuple(noise_shape)
        rest = x.shape[x.ndim - len(given) :]
        shape = tuple(n if s is None else int(s) for s, n in zip(given, rest, strict=True))
    return kernels._dropout(x, draw_seed(seed), rate=float(rate), noise_shape=shape)[0]


@composite
def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> Tensor:
    """The elements in random order along an axis.

    Each line along the axis is shuffled by itself, as Keras does on JAX and on NumPy. To shuffle
    whole rows, take them by a shuffled range: ``ops.take(x, random.shuffle(ops.arange(n)), 0)``.

    Args:
        x: any tensor.
        axis: along which to shuffle.
        seed: an int, a `SeedGenerator`, or None.

    >>> sorted(shuffle([1, 2, 3], seed=1).numpy().tolist())
    [1, 2, 3]
    """
    t = as_tensor(x)
    order = kernels._random_order(draw_seed(seed), shape=t.shape, axis=axis % t.ndim)
    return OPS["take_along_axis"](t, order, axis=axis)
