"""Normalisation within a sample: shifted and scaled to mean 0 and variance 1, or to length 1."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from etude import ops
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.layers.base.arguments import Shape, is_integer, known_axis
from etude.layers.base.configured import ConfiguredLayer, weight_options
from etude.layers.base.input_spec import InputSpec

__all__ = ["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]


class ScaledNormalization(ConfiguredLayer):
    """Base of the normalisations with a scale gamma and an offset beta."""

    gamma: Any = None
    beta: Any = None

    def set_scale_options(
        self, center: bool, scale: bool, beta: tuple[Any, ...], gamma: tuple[Any, ...]
    ) -> None:
        """Keeps whether there are beta and gamma, and their options."""
        self.center = center
        self.scale = scale
        self.set_weight_options("beta", *beta)
        self.set_weight_options("gamma", *gamma)
        self.supports_masking = True

    def build_scale(self, shape: Sequence[int]) -> None:
        """Makes gamma and beta of a shape, where they are wanted."""
        if self.scale:
            self.gamma = self.add_configured_weight("gamma", shape, autocast=False)
        if self.center:
            self.beta = self.add_configured_weight("beta", shape, autocast=False)


class LayerNormalization(ScaledNormalization):
    """Normalises each sample by itself.

    ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``, with the moments over ``axis``

    Args:
        axis: the axis, or the axes, that the moments are taken over.
        epsilon: keeps the division finite.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: how beta and gamma start.
        beta_regularizer, gamma_regularizer: penalties on beta and gamma.
        beta_constraint, gamma_constraint: projections of beta and gamma after each step.

    Shapes:
        x: (batch, ...); gamma and beta: the sizes of ``axis``; y: as x.

    Raises:
        DtypeError: axis is no integer and no list of integers.
        ShapeError: the input has no such axis, or its size is unknown.

    Example:
        >>> import numpy as np
        >>> LayerNormalization()(np.array([[0.0, 2.0], [5.0, 9.0]])).numpy().round(2).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]

    Source:
        Ba, Kiros, Hinton (2016), arXiv:1607.06450.
    """

    config_names = (
        "axis", "epsilon", "center", "scale", "rms_scaling", *weight_options("beta"),
        *weight_options("gamma"),
    )  # fmt: skip

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        self.rms_scaling = kwargs.pop("rms_scaling", False)
        if self.rms_scaling:
            warnings.warn(
                "You passed `rms_scaling=True`, which is deprecated: it divides by the standard "
                "deviation around the mean, where RMS normalization divides by the root of the "
                "mean square. `etude.layers.RMSNormalization` does the latter.",
                stacklevel=2,
            )
        super().__init__(**kwargs)
        self.axis = _checked_axes(axis, type(self).__name__)
        self.epsilon = epsilon
        self.set_scale_options(
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        """Makes gamma and beta with the sizes of the axes."""
        axes = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        name = f"LayerNormalization layer {self.name!r}"
        shape = [known_axis(input_shape, axis, name) for axis in axes]
        self.axis = axes
        if self.rms_scaling:
            self.gamma = self.add_configured_weight("gamma", shape, autocast=False)
        else:
            self.build_scale(shape)

    def call(self, inputs: Any) -> Any:
        """The normalised inputs."""
        options = {"rms_scaling": True} if self.rms_scaling else {}
        outputs = ops.layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, **options
        )
        return ops.cast(outputs, self.compute_dtype)


def _checked_axes(axis: Any, layer: str) -> int | list[int]:
    if is_integer(axis):
        return int(axis)
    if isinstance(axis, (list, tuple)):
        return list(axis)
    raise DtypeError(
        f"{layer}: Expected an int or a list/tuple of ints for the argument 'axis'; got {axis!r}."
    )


class GroupNormalization(ScaledNormalization):
    """Normalises each group of channels of each sample by itself.

    ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``, with the moments over all axes but
    the batch within a group of channels

    Args:
        groups: number of groups, a divisor of the channels; -1: each channel by itself.
        axis: the axis of the channels.
        epsilon: keeps the division finite.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: how beta and gamma start.
        beta_regularizer, gamma_regularizer: penalties on beta and gamma.
        beta_constraint, gamma_constraint: projections of beta and gamma after each step.

    Shapes:
        x: (batch, ..., channels); gamma and beta: (channels,); y: as x.

    Raises:
        ArgumentError: groups is neither positive nor -1.
        ShapeError: the channels do not divide into the groups, or their number is unknown.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0, 2.0, 10.0, 30.0]])
        >>> GroupNormalization(groups=2)(x).numpy().round(2).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]

    Source:
        Wu, He (2018), arXiv:1803.08494.
    """

    config_names = (
        "groups", "axis", "epsilon", "center", "scale", *weight_options("beta"),
        *weight_options("gamma"),
    )  # fmt: skip

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        if not is_integer(groups) or (groups <= 0 and groups != -1):
            raise ArgumentError(
                "GroupNormalization: argument `groups` must be a positive integer, or -1 for one "
                f"group per channel; got {groups!r}."
            )
        super().__init__(**kwargs)
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.set_scale_options(
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        """Makes gamma and beta, one number for each channel."""
        size = known_axis(input_shape, self.axis, f"GroupNormalization layer {self.name!r}")
        self.groups = size if self.groups == -1 else self.groups
        if size < self.groups:
            raise ShapeError(
                "GroupNormalization: `groups` cannot be more than the number of channels; got "
                f"{self.groups} groups for {size} channels."
            )
        if size % self.groups:
            raise ShapeError(
                f"GroupNormalization: {size} channels cannot make {self.groups} groups of one "
                "size: all of them must be a multiple of the number of channels in a group. "
                f"Choose `groups` so that it divides {size}."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        self.build_scale((size,))

    def call(self, inputs: Any) -> Any:
        """The normalised inputs."""
        outputs = ops.group_normalization(
            inputs,
            self.groups,
            self.axis,
            offset=self.beta,
            scale=self.gamma,
            epsilon=self.epsilon,
        )
        return ops.cast(outputs, self.compute_dtype)


class RMSNormalization(ConfiguredLayer):
    """Scales by the root mean square: ``y = scale x / sqrt(mean(x²) + epsilon)``.

    Args:
        axis: the axis, or the axes, that the mean is taken over.
        epsilon: keeps the division finite.

    Shapes:
        x: (batch, ...); scale: the sizes of ``axis``; y: as x.

    Raises:
        ShapeError: the input has no such axis, or its size is unknown.

    Example:
        >>> import numpy as np
        >>> RMSNormalization()(np.array([[3.0, -3.0]])).numpy().round(2).tolist()
        [[1.0, -1.0]]

    Source:
        Zhang, Sennrich (2019), arXiv:1910.07467.
    """

    config_names = ("axis", "epsilon")

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        """Makes the scale with the sizes of the axes."""
        axes = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        name = f"RMSNormalization layer {self.name!r}"
        shape = [known_axis(input_shape, axis, name) for axis in axes]
        self.axis = axes
        self.scale = self.add_weight(shape=tuple(shape), name="scale", initializer="ones")

    def call(self, inputs: Any) -> Any:
        """The scaled inputs."""
        return ops.rms_normalization(inputs, scale=self.scale, axis=self.axis, epsilon=self.epsilon)


class UnitNormalization(ConfiguredLayer):
    """Scales to length 1: ``y = x / |x|``, with the length over ``axis``.

    Args:
        axis: the axis, or the axes, that the length is taken over.

    Shapes:
        x: (batch, ...); y: the same.

    Raises:
        DtypeError: axis is no integer and no list of integers.

    Example:
        >>> import numpy as np
        >>> UnitNormalization()(np.array([[3.0, 4.0]])).numpy()
        array([[0.6, 0.8]], dtype=float32)
    """

    config_names = ("axis",)

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _checked_axes(axis, type(self).__name__)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The scaled inputs."""
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)
