"""Preprocessing as layers: it travels with the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from etude import config, ops
from etude.autodiff import is_tensor
from etude.errors import ArgumentError, DataError, DtypeError, ShapeError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Normalization", "Rescaling"]


class Rescaling(ConfiguredLayer):
    """Scales and shifts: ``y = scale x + offset``.

    Args:
        scale: a number, or one for each channel.
        offset: a number, or one for each channel.

    Shapes:
        x: any, numbers of any dtype; y: the same, floats.

    Example:
        >>> import numpy as np
        >>> Rescaling(1 / 255)(np.array([0, 255], "uint8")).numpy().tolist()
        [0.0, 1.0]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True
        self._allow_non_tensor_positional_args = True

    def call(self, inputs: Any) -> Any:
        """``scale x + offset``."""
        dtype = self.compute_dtype
        scale = ops.cast(ops.convert_to_tensor(self.scale), dtype)
        offset = ops.cast(ops.convert_to_tensor(self.offset), dtype)
        if scale.ndim > 0 and config.image_data_format() == "channels_first":
            scale = ops.reshape(scale, (*scale.shape, *(1,) * (3 - scale.ndim)))
        return ops.cast(inputs, dtype) * scale + offset

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {
            **super().get_config(),
            "scale": serialize_keras_object(self.scale),
            "offset": serialize_keras_object(self.offset),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer of a config."""
        read = {
            name: deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in ("scale", "offset")
        }
        return super().from_config({**config, **read})


class Normalization(ConfiguredLayer):
    """Shifts and scales features by moments that are known, or learnt from data by `adapt`.

    ``y = (x - mean) / max(sqrt(variance), epsilon)``; inverted, ``y = x max(...) + mean``

    Args:
        axis: the axes that have moments of their own; the others share them. None: one mean and
            one variance for all.
        mean: the mean, if it is known; its shape broadcasts to the axes.
        variance: the variance, if it is known.
        invert: whether to undo a normalisation.

    Shapes:
        x: (batch, ..., features); y: the same, floats.

    Raises:
        ArgumentError: only one of mean and variance is given, or their shapes do not fit.
        ShapeError: the input has no such axis, or its size is unknown.

    Example:
        >>> import numpy as np
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer(np.array([[1.0, 30.0]])).numpy().tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True
        self._allow_non_tensor_positional_args = True
        self._build_input_shape: Shape | None = None
        self._check_moments()

    def _check_moments(self) -> None:
        mean, variance = self.input_mean, self.input_variance
        if (mean is None) != (variance is None):
            raise ArgumentError(
                "Normalization: to skip `adapt()`, both `mean` and `variance` must be set; got "
                f"mean={mean} and variance={variance}."
            )
        if mean is not None and np.shape(mean) != np.shape(variance):
            raise ArgumentError(
                "Normalization: `mean` and `variance` must have the same shape; got "
                f"{np.shape(mean)} and {np.shape(variance)}."
            )
        if mean is not None and len(np.shape(mean)) > len(self.axis):
            raise ArgumentError(
                f"Normalization over axis {self.axis} keeps {len(self.axis)} axes, and `mean` "
                f"cannot have more; got a mean of shape {np.shape(mean)}."
            )

    def build(self, input_shape: Shape) -> None:
        """Makes the moments for inputs of this shape."""
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ShapeError(
                f"Normalization: All `axis` values must be in the range [{-rank}, {rank}) for "
                f"inputs with {rank} axes; got {self.axis}."
            )
        self._keep_axis = tuple(sorted(a % rank for a in self.axis))
        for axis in self._keep_axis:
            if input_shape[axis] is None:
                raise ShapeError(
                    f"Normalization: All `axis` values to be kept, {self.axis}, need a known size; "
                    f"got inputs of shape {input_shape}, in which axis {axis} is open."
                )
        self._build_input_shape = tuple(input_shape)
        self._reduce_axis = tuple(i for i in range(rank) if i not in self._keep_axis)
        self._broadcast_shape = tuple(
            (n or 0) if i in self._keep_axis else 1 for i, n in enumerate(input_shape)
        )
        if self.input_mean is None:
            shape = tuple(input_shape[i] or 0 for i in self._keep_axis)
            self.adapt_mean = self._moment("mean", shape, "zeros")
            self.adapt_variance = self._moment("variance", shape, "ones")
            self.count = self.add_weight(
                shape=(), name="count", dtype="int", initializer="zeros", trainable=False
            )
        _ = self.mean  # a given mean that does not fit is refused here

    def _moment(self, name: str, shape: tuple[int, ...], initializer: str) -> Any:
        return self.add_weight(shape=shape, name=name, initializer=initializer, trainable=False)

    @property
    def mean(self) -> Any:
        """The mean in use, in a shape that broadcasts to the inputs; None before `build`."""
        return self._in_use("mean")

    @property
    def variance(self) -> Any:
        """The variance in use, in a shape that broadcasts to the inputs; None before `build`."""
        return self._in_use("variance")

    def _in_use(self, moment: str) -> Any:
        if self._build_input_shape is None:
            return None
        given = getattr(self, f"input_{moment}")
        return self._spread(getattr(self, f"adapt_{moment}") if given is None else given)

    def _spread(self, moment: Any) -> Any:
        """A moment in a shape that broadcasts to the inputs."""
        moment = ops.cast(ops.convert_to_tensor(moment), self.compute_dtype)
        shape = [1] * len(self._broadcast_shape)
        for i in range(1, moment.ndim + 1):
            shape[self._keep_axis[-i]] = moment.shape[-i]
        return ops.broadcast_to(ops.reshape(moment, shape), self._broadcast_shape)

    def finalize_state(self) -> None:
        """Nothing to do: the moments in use are always those of the weights. Kept for Keras."""

    def adapt(self, data: Any) -> None:
        """Learns mean and variance from data; what was learnt before is forgotten.

        Args:
            data: an array, or an iterable of batches, or of pairs whose first part is the batch.

        Raises:
            DataError: there is no batch.
            DtypeError: the batches are no arrays.
            ShapeError: a batch has another shape than the layer was built for.
        """
        if isinstance(data, np.ndarray) or is_tensor(data):
            batches: Iterable[Any] = [data]
        elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
            batches = (data[i] for i in range(len(data)))
        elif hasattr(data, "__iter__"):
            batches = data
        else:
            raise DtypeError(
                "Normalization.adapt() learns from NumPy arrays, tensors, a PyDataset, or a list "
                f"or generator of batches; got {type(data).__name__}."
            )
        total: _Moments | None = None
        for batch in batches:
            array = self._checked_batch(batch[0] if isinstance(batch, tuple) else batch)
            moments = _Moments.of(array, self._reduce_axis)
            total = moments if total is None else total.joined(moments)
        if total is None:
            raise DataError(
                "Normalization.adapt() has nothing to learn from: it got an empty iterable. Pass "
                "an array, or batches: layer.adapt(x), layer.adapt([batch, batch])."
            )
        self.adapt_mean.assign(total.mean)
        self.adapt_variance.assign(total.variance)

    def _checked_batch(self, batch: Any) -> np.ndarray:
        """A batch as an array of the shape that the layer is built for; builds it if it is not."""
        if not hasattr(batch, "shape"):
            raise DtypeError(
                "Normalization.adapt() expected batches that are arrays or tensors, which have a "
                f"`.shape`; got one of type {type(batch).__name__}. Make each an array: "
                "`numpy.array(...)`."
            )
        array = np.asarray(ops.convert_to_numpy(batch) if is_tensor(batch) else batch)
        try:
            array = array.astype("float64") if array.dtype.kind in "OUS" else array
        except (TypeError, ValueError) as error:
            raise DtypeError(
                f"Normalization.adapt() learns from numbers; got text or objects ({error}). "
                "Categories in text go through `StringLookup`, missing values are filled in first."
            ) from error
        if not self.built:
            self.build(array.shape)
        expected = self._build_input_shape or ()
        fits = len(expected) == array.ndim and all(
            array.shape[i] == expected[i] for i in self._keep_axis
        )
        if not fits:
            raise ShapeError(
                f"Normalization.adapt() got data of an incompatible shape, {array.shape}: the "
                f"layer was built for {expected}."
            )
        return array

    def call(self, inputs: Any) -> Any:
        """The normalised inputs, or what they were before if ``invert``."""
        x = ops.cast(ops.convert_to_tensor(inputs), self.compute_dtype)
        expected = self._build_input_shape or ()
        same_rank = len(x.shape) == len(expected)
        if same_rank and any(x.shape[i] not in (None, expected[i]) for i in self._keep_axis):
            raise ShapeError(
                f"Normalization layer '{self.name}' knows mean and variance for inputs of shape "
                f"{(None, *expected[1:])}; got {tuple(x.shape)}. Pass the same features that it "
                "was adapted to, in the same order."
            )
        mean, stddev = self.mean, ops.maximum(ops.sqrt(self.variance), config.epsilon())
        return mean + x * stddev if self.invert else (x - mean) / stddev

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": np.array(self.input_mean).tolist(),
            "variance": np.array(self.input_variance).tolist(),
        }


class _Moments:
    """Count, mean and variance of some data, which can be joined with those of more data."""

    def __init__(self, count: int, mean: Any, variance: Any) -> None:
        self.count, self.mean, self.variance = count, mean, variance

    @classmethod
    def of(cls, array: np.ndarray, axes: tuple[int, ...]) -> _Moments:
        """Those of an array, over some axes, in float64."""
        array = array.astype("float64")
        count = math.prod(array.shape[i] for i in axes)
        return cls(count, array.mean(axis=axes), array.var(axis=axes))

    def joined(self, other: _Moments) -> _Moments:
        """Those of both data together (Chan, Golub, LeVeque, 1979)."""
        count = self.count + other.count
        a, b = self.count / count, other.count / count
        mean = a * self.mean + b * other.mean
        spread = a * (self.mean - mean) ** 2 + b * (other.mean - mean) ** 2
        return _Moments(count, mean, a * self.variance + b * other.variance + spread)
