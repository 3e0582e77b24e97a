"""Random initializers: normal, uniform, orthogonal, and those that keep the variance of a layer.

A layer adds up many terms. If its kernel has variance 1 / fan_in, the outputs have the variance
of the inputs; with 1 / fan_out this holds for the gradients on their way back. Glorot takes the
mean of both, He doubles the variance because relu sets half of the terms to zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude import ops, random
from etude.autodiff import Tensor
from etude.dtypes import standardize_dtype
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.initializers.initializer import Initializer
from etude.random import SeedGenerator, make_default_seed
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "compute_fans",
]

Seed = int | SeedGenerator | dict[str, Any] | None

# The standard deviation of a standard normal distribution cut off at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


class RandomInitializer(Initializer):
    """The base class of initializers that draw from a distribution.

    Args:
        seed: an int gives the same values at every call, a `SeedGenerator` others each time.
            Without a seed one is drawn, so that two initializers differ, while one initializer
            repeats itself.

    Raises:
        ArgumentError: the seed is neither.
    """

    def __init__(self, seed: Seed = None) -> None:
        self._init_seed = seed
        if seed is None:
            seed = make_default_seed()
        elif isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        elif not isinstance(seed, (int, SeedGenerator)):
            raise ArgumentError(
                "`seed` argument should be an instance of `etude.random.SeedGenerator()` or an "
                f"integer. Received: seed={seed}"
            )
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        """The seed as it was given."""
        return {"seed": serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Draws from N(mean, stddev²).

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: see `RandomInitializer`.

    Example:
        >>> RandomNormal(stddev=1.0, seed=7)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        return random.normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """Seed, mean and standard deviation."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Draws from N(mean, stddev²), without what lies more than two standard deviations away.

    Args:
        mean: the mean.
        stddev: the standard deviation before the tails are cut off.
        seed: see `RandomInitializer`.

    Example:
        >>> values = TruncatedNormal(stddev=1.0, seed=7)((100,)).numpy()
        >>> bool((abs(values) <= 2.0).all())
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        return random.truncated_normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """Seed, mean and standard deviation."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Draws from the uniform distribution over [minval, maxval).

    Args:
        minval: the lower bound, included.
        maxval: the upper bound, excluded.
        seed: see `RandomInitializer`.

    Example:
        >>> values = RandomUniform(0.0, 1.0, seed=7)((100,)).numpy()
        >>> bool((values >= 0).all() and (values < 1).all())
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        return random.uniform(shape, self.minval, self.maxval, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """Seed and bounds."""
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """Draws with variance scale / n, where n counts the connections of one unit.

    Args:
        scale: the factor; positive.
        mode: what n is: ``"fan_in"``, ``"fan_out"``, or their mean, ``"fan_avg"``.
        distribution: ``"truncated_normal"``, ``"untruncated_normal"`` or ``"uniform"``.
        seed: see `RandomInitializer`.
        input_axes: the axes of the kernel that are summed over. With `output_axes`, these decide
            the fans; without, the last two axes are inputs and outputs, as in `compute_fans`.
        output_axes: the axes of the kernel that number the outputs.

    Raises:
        ArgumentError: an argument has none of the values above.

    Example:
        >>> values = VarianceScaling(2.0, "fan_in", "uniform", seed=7)((6, 50)).numpy()
        >>> bool((abs(values) <= 1.0).all())  # sqrt(3 · 2 / 6)
        True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if scale <= 0.0:
            raise ArgumentError(f"Argument `scale` must be positive float; got {scale!r}.")
        modes = ("fan_in", "fan_out", "fan_avg")
        if mode not in modes:
            raise ArgumentError(f"Invalid `mode` argument: {mode!r}. Expected one of {modes}.")
        distribution = {"normal": "truncated_normal"}.get(
            distribution.lower(), distribution.lower()
        )
        distributions = ("uniform", "truncated_normal", "untruncated_normal")
        if distribution not in distributions:
            raise ArgumentError(
                f"Invalid `distribution` argument: {distribution}. "
                f"Please use one of {distributions}"
            )
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype=dtype, seed=self.seed)
        return random.truncated_normal(
            shape, 0.0, stddev / TRUNCATED_STDDEV, dtype=dtype, seed=self.seed
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Named(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution have a name of their own."""

    rule: tuple[float, str, str]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self.rule, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        """Seed and axes; the rest is in the name."""
        seed = serialize_keras_object(self._init_seed)
        return {"seed": seed, "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_Named):
    """Uniform over ±sqrt(6 / (fan_in + fan_out)); also called Xavier. The default of most layers.

    Args:
        seed: see `RandomInitializer`.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Reference:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
        networks, 2010.

    Example:
        >>> values = GlorotUniform(seed=7)((2, 4)).numpy()
        >>> bool((abs(values) <= 1.0).all())
        True
    """

    rule = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal with variance 2 / (fan_in + fan_out).

    Args:
        seed: see `RandomInitializer`.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Reference:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
        networks, 2010.

    Example:
        >>> GlorotNormal(seed=7)((2, 4)).shape
        (2, 4)
    """

    rule = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_Named):
    """Truncated normal with variance 1 / fan_in: for selu.

    Args:
        seed: see `RandomInitializer`.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Reference:
        Klambauer et al., Self-Normalizing Neural Networks, 2017.

    Example:
        >>> LecunNormal(seed=7)((2, 4)).shape
        (2, 4)
    """

    rule = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform over ±sqrt(3 / fan_in).

    Args:
        seed: see `RandomInitializer`.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Reference:
        LeCun et al., Efficient BackProp, 1998.

    Example:
        >>> values = LecunUniform(seed=7)((3, 4)).numpy()
        >>> bool((abs(values) <= 1.0).all())
        True
    """

    rule = (1.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal with variance 2 / fan_in: for relu.

    Args:
        seed: see `RandomInitializer`.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Reference:
        He et al., Delving Deep into Rectifiers, 2015.

    Example:
        >>> HeNormal(seed=7)((2, 4)).shape
        (2, 4)
    """

    rule = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Named):
    """Uniform over ±sqrt(6 / fan_in): for relu.

    Args:
        seed: see `RandomInitializer`.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Reference:
        He et al., Delving Deep into Rectifiers, 2015.

    Example:
        >>> values = HeUniform(seed=7)((6, 4)).numpy()
        >>> bool((abs(values) <= 1.0).all())
        True
    """

    rule = (2.0, "fan_in", "uniform")


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns, whichever are fewer.

    With QR = A, A standard normal, Q·sign(diag R) is uniform over all such matrices. A kernel of
    more than two axes is that of a matrix whose rows run over all axes but the last.

    Args:
        gain: a factor.
        seed: see `RandomInitializer`.

    Raises:
        ShapeError: the shape asked for has fewer than two axes.

    Reference:
        Saxe et al., Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks, 2014.

    Example:
        >>> q = Orthogonal(seed=7)((3, 3))
        >>> (abs((q @ q.T).numpy() - [[1, 0, 0], [0, 1, 0], [0, 0, 1]]) < 1e-5).all().item()
        True
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        if len(shape) < 2:
            raise ShapeError(
                "Orthogonal fills matrices: expected a shape of two sizes or more; got "
                f"{tuple(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        dtype = standardize_dtype(dtype)
        single = "float64" if dtype == "float64" else "float32"  # LAPACK knows no 16-bit floats
        a = random.normal(tall, dtype=single, seed=self.seed)
        q, r = xp().linalg.qr(a.array)
        q = Tensor(q * xp().sign(xp().diagonal(r)))
        if rows < columns:
            q = ops.transpose(q)
        return ops.cast(self.gain * ops.reshape(q, tuple(shape)), dtype)

    def get_config(self) -> dict[str, Any]:
        """Seed and gain."""
        return {**super().get_config(), "gain": self.gain}


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """How many inputs and outputs one unit of a kernel is connected to.

    Args:
        shape: the shape of the kernel: (..., inputs, outputs), the leading axes spatial.
        input_axes: the axes that are summed over, where that is not so.
        output_axes: the axes that number the outputs, where that is not so.

    >>> compute_fans((5, 3)), compute_fans((3, 3, 16, 32))
    ((5, 3), (144, 288))
    >>> compute_fans((64, 8, 16), input_axes=(0,), output_axes=(1, 2))
    (64, 128)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        fans = [math.prod(shape[axis] for axis in axes) for axes in (input_axes, output_axes)]
        return int(fans[0]), int(fans[1])
    if len(shape) < 2:
        fan = int(shape[0]) if shape else 1
        return fan, fan
    field = math.prod(shape[:-2])
    return int(shape[-2] * field), int(shape[-1] * field)
