"""Activations as layers: elementwise functions, and softmax."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from etude import activations, ops
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer, weight_options
from etude.layers.base.input_spec import InputSpec

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class Activation(ConfiguredLayer):
    """Applies an activation by name, or any callable.

    Args:
        activation: e.g. ``"relu"``, or a callable ``tensor -> tensor``.

    Shapes:
        x: any; y: the same.

    Example:
        >>> import numpy as np
        >>> Activation("relu")(np.array([-1.0, 0.0, 2.0])).numpy().tolist()
        [0.0, 0.0, 2.0]
    """

    config_names = ("activation",)

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The activation of each element."""
        return self.activation(inputs)


class ReLU(ConfiguredLayer):
    """The rectifier, with its three variations.

    ``y = max_value if x >= max_value, x if threshold <= x, else negative_slope (x - threshold)``

    Args:
        max_value: upper bound of the output; None: none.
        negative_slope: slope below the threshold.
        threshold: where the identity begins.

    Shapes:
        x: any; y: the same.

    Raises:
        ArgumentError: an argument is negative.

    Example:
        >>> import numpy as np
        >>> ReLU(max_value=6.0)(np.array([-1.0, 2.0, 9.0])).numpy().tolist()
        [0.0, 2.0, 6.0]
    """

    config_names = ("max_value", "negative_slope", "threshold")

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise ArgumentError(
                "max_value of a ReLU layer cannot be a negative value; got "
                f"{max_value}. Use None for no limit."
            )
        for name, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0.0:
                raise ArgumentError(
                    f"{name} of a ReLU layer cannot be None or a negative value; got {value}. "
                    "Leave it out for 0."
                )
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The rectified elements."""
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


class LeakyReLU(ConfiguredLayer):
    """The rectifier that leaks: ``y = x if x >= 0 else negative_slope x``.

    Args:
        negative_slope: slope for negative inputs, 0.3 as in Keras.

    Shapes:
        x: any; y: the same.

    Example:
        >>> import numpy as np
        >>> LeakyReLU(0.5)(np.array([-2.0, 3.0])).numpy().tolist()
        [-1.0, 3.0]

    Source:
        Maas, Hannun, Ng (2013), Rectifier nonlinearities improve neural network acoustic models.
    """

    config_names = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn(
                "Argument `alpha` is deprecated. Use `negative_slope` instead.", stacklevel=2
            )
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ArgumentError(
                "The negative_slope value of a Leaky ReLU layer cannot be None or below 0; got "
                f"{negative_slope}. The usual choice is 0.3."
            )
        self.negative_slope = negative_slope
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The leaky rectification of each element."""
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class PReLU(ConfiguredLayer):
    """A leaky rectifier that learns its slopes: ``y = max(x, 0) - alpha max(-x, 0)``.

    Args:
        alpha_initializer: how the slopes start.
        alpha_regularizer: penalty on the slopes.
        alpha_constraint: projection of the slopes after each step.
        shared_axes: axes along which one slope serves all; e.g. (1, 2) after a Conv2D.

    Shapes:
        x: (batch, ...); alpha: x without its batch axis, 1 along shared axes; y: as x.

    Example:
        >>> import numpy as np
        >>> PReLU(alpha_initializer="ones")(np.array([[-2.0, 3.0]])).numpy().tolist()
        [[-2.0, 3.0]]

    Source:
        He, Zhang, Ren, Sun (2015), Delving deep into rectifiers.
    """

    config_names = (*weight_options("alpha"), "shared_axes")

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.set_weight_options("alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        if shared_axes is None:
            self.shared_axes = None
        else:
            self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else list(shared_axes)

    def build(self, input_shape: Shape) -> None:
        """Makes a slope for each feature that is not shared."""
        shared = self.shared_axes or []
        shape = [1 if axis in shared else n for axis, n in enumerate(input_shape)][1:]
        if None in shape:
            raise ShapeError(
                f"PReLU layer {self.name!r} needs a size for each axis with slopes of its own; the "
                f"input has shape {input_shape}. Give the sizes in `Input(shape=...)`, or name the "
                "axes in `shared_axes`."
            )
        self.alpha = self.add_configured_weight("alpha", [n for n in shape if n is not None])
        axes = {i: n for i, n in enumerate(input_shape) if i and i not in shared} if shared else {}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        """``max(x, 0) - alpha max(-x, 0)``."""
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)


class ELU(ConfiguredLayer):
    """The exponential linear unit: ``y = x if x > 0 else alpha (e^x - 1)``.

    Args:
        alpha: the limit for very negative inputs is ``-alpha``.

    Shapes:
        x: any; y: the same.

    Example:
        >>> import numpy as np
        >>> ELU()(np.array([-100.0, 2.0])).numpy().tolist()
        [-1.0, 2.0]

    Source:
        Clevert, Unterthiner, Hochreiter (2016), arXiv:1511.07289.
    """

    config_names = ("alpha",)

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The exponential linear unit of each element."""
        return activations.elu(inputs, alpha=self.alpha)


class Softmax(ConfiguredLayer):
    """Turns scores into shares that sum to 1: ``y_i = e^{x_i} / sum_j e^{x_j}``.

    Args:
        axis: the axis, or the axes, along which the shares sum to 1.

    Shapes:
        x: any; mask: broadcasts to x, False where there is nothing; y: as x, 0 where masked.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 1.0, 5.0]])
        >>> Softmax()(x, mask=np.array([[True, True, False]])).numpy().tolist()
        [[0.5, 0.5, 0.0]]
    """

    config_names = ("axis",)

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The shares; where the mask is False they are 0."""
        if mask is not None:
            mask = _boolean_mask(mask, inputs)
            low = -3e4 if str(inputs.dtype) == "float16" else -1e9
            inputs = ops.where(mask, inputs, ops.cast(low, inputs.dtype))
        if isinstance(self.axis, int):
            outputs = activations.softmax(inputs, axis=self.axis)
        elif len(self.axis) == 1:
            outputs = activations.softmax(inputs, axis=self.axis[0])
        else:
            outputs = ops.exp(inputs - ops.logsumexp(inputs, axis=tuple(self.axis), keepdims=True))
        if mask is None:
            return outputs
        return ops.where(mask, outputs, ops.cast(0.0, outputs.dtype))


def _boolean_mask(mask: Any, inputs: Any) -> Any:
    """The mask as booleans; its shape must broadcast to that of the inputs."""
    mask = ops.convert_to_tensor(mask)
    pairs = zip(reversed(mask.shape), reversed(inputs.shape), strict=False)
    if len(mask.shape) > len(inputs.shape) or any(m not in (1, n) for m, n in pairs):
        raise ShapeError(
            "Softmax: `mask` must be broadcastable to the inputs: every size of `mask` is 1 or "
            "that of `inputs` at the same place from the end, and the mask must not have more "
            f"dimensions; got inputs of shape {tuple(inputs.shape)} and a mask of shape "
            f"{tuple(mask.shape)}."
        )
    return mask if str(mask.dtype) == "bool" else ops.greater(mask, ops.cast(0.5, mask.dtype))
