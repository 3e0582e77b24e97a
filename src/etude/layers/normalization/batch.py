"""Batch normalisation: each channel over the batch; in use, with the moments seen in training."""

from __future__ import annotations

from typing import Any

from etude import config, initializers, ops
from etude.dtypes import result_type
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import Shape, known_axis
from etude.layers.base.configured import weight_options
from etude.layers.base.input_spec import InputSpec
from etude.layers.normalization.sample import ScaledNormalization

__all__ = ["BatchNormalization"]


class BatchNormalization(ScaledNormalization):
    """Normalises each channel over the batch; in use, with the moments seen in training.

    ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``

    In training, mean and variance are those of the batch, and the moving ones follow them:
    ``moving = momentum moving + (1 - momentum) batch``. Otherwise, or with ``trainable = False``,
    they are the moving ones.

    Args:
        axis: the axis of the channels.
        momentum: how much of the moving moments stays at each step.
        epsilon: keeps the division finite.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: how beta and gamma start.
        moving_mean_initializer, moving_variance_initializer: how the moving moments start.
        beta_regularizer, gamma_regularizer: penalties on beta and gamma.
        beta_constraint, gamma_constraint: projections of beta and gamma after each step.
        renorm: batch renormalisation: in training, too, y is close to what use gives.
        renorm_clipping: bounds ``rmin``, ``rmax``, ``dmax`` of the renormalisation.
        renorm_momentum: momentum of the moments that renormalisation compares with.
        synchronized: refused: moments are those of the whole batch anyway.

    Shapes:
        x: (batch, ..., channels); mask: x without its last axis; y: as x; each weight: (channels,).

    Raises:
        ArgumentError: an option of the renormalisation is unknown or contradictory.
        ShapeError: the input has no such axis, or its size is unknown.

    Example:
        >>> import numpy as np
        >>> layer = BatchNormalization()
        >>> y = layer(np.array([[1.0], [3.0]]), training=True)
        >>> y.numpy().round(2).tolist()
        [[-1.0], [1.0]]
        >>> [w.name for w in layer.weights]
        ['gamma', 'beta', 'moving_mean', 'moving_variance']

    Source:
        Ioffe, Szegedy (2015), arXiv:1502.03167; Ioffe (2017), arXiv:1702.03275.
    """

    config_names = (
        "axis", "momentum", "epsilon", "center", "scale", *weight_options("beta"),
        *weight_options("gamma"), "moving_mean_initializer", "moving_variance_initializer",
        "synchronized", "renorm", "renorm_clipping", "renorm_momentum",
    )  # fmt: skip

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = int(axis)
        if synchronized:
            raise ArgumentError(
                "BatchNormalization: `synchronized=True` has no meaning here, for the moments are "
                "always those of the whole batch. Leave it out."
            )
        self.synchronized = synchronized
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.set_scale_options(
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = _checked_clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum

    def build(self, input_shape: Shape) -> None:
        """Makes gamma, beta and the moving moments, one number for each channel."""
        size = known_axis(input_shape, self.axis, f"BatchNormalization layer {self.name!r}")
        self.build_scale((size,))
        self.moving_mean = self._moment("moving_mean", size, self.moving_mean_initializer)
        self.moving_variance = self._moment(
            "moving_variance", size, self.moving_variance_initializer
        )
        if self.renorm:
            stddev = self._initial_stddev
            self.moving_stddev = self._moment("moving_stddev", size, stddev)
            self.renorm_mean = self._moment("renorm_mean", size, self.moving_mean_initializer)
            self.renorm_stddev = self._moment("renorm_stddev", size, stddev)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def _moment(self, name: str, size: int, initializer: Any) -> Any:
        return self.add_weight(
            shape=(size,), name=name, initializer=initializer, trainable=False, autocast=False
        )

    def _initial_stddev(self, shape: Any, dtype: Any = None) -> Any:
        return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The normalised inputs; in training, the moving moments follow."""
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ShapeError(
                "BatchNormalization: a mask has the axes of the inputs without the last; got a "
                f"mask of shape {mask.shape} for inputs of shape {inputs.shape}."
            )
        dtype = result_type(inputs.dtype, "float32")
        x = ops.cast(inputs, dtype)
        gamma = None if self.gamma is None else ops.cast(self.gamma, dtype)
        beta = None if self.beta is None else ops.cast(self.beta, dtype)
        learning = training and self.trainable
        if learning and mask is None and not self.renorm:
            outputs, mean, variance = ops.batch_standardization(
                x, self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
            )
            self._follow_moments(mean, variance)
            return ops.cast(outputs, self.compute_dtype)
        if learning:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._renormalised(mean, variance, gamma, beta)
            else:
                self._follow_moments(mean, variance)
        else:
            mean = ops.cast(self.moving_mean, dtype)
            variance = ops.cast(self.moving_variance, dtype)
        outputs = ops.batch_normalization(
            x, mean, variance, self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def _follow_moments(self, mean: Any, variance: Any) -> None:
        self._follow(self.moving_mean, mean, self.momentum)
        self._follow(self.moving_variance, variance, self.momentum)

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance of each channel, over the elements that are not masked."""
        axes = [i for i in range(len(x.shape)) if i != self.axis % len(x.shape)]
        if mask is None:
            return ops.moments(x, axes=axes)
        present = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
        zeros = ops.zeros_like(x)
        count = ops.sum(ops.cast(present, x.dtype), axes, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(present, x, zeros), axes, keepdims=True) / count
        deviation = ops.where(present, x - mean, zeros)
        variance = ops.sum(ops.square(deviation), axes, keepdims=True) / count
        return ops.squeeze(mean, axes), ops.squeeze(variance, axes)

    def _follow(self, moving: Any, new: Any, momentum: float) -> Any:
        value = ops.cast(moving, new.dtype) * momentum + new * (1.0 - momentum)
        moving.assign(value)
        return value

    def _renormalised(self, mean: Any, variance: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        """Gamma and beta that bring the batch's normalisation close to the moving one.

        ``r = stddev / moving stddev, d = (mean - moving mean) / moving stddev``, both clipped and
        constant to the gradient; ``y = gamma (r (x - mean) / stddev + d) + beta``.
        """
        stddev = ops.sqrt(variance + self.epsilon)
        moving = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), self.epsilon**0.5)
        bounds = self.renorm_clipping or {}
        r, d = stddev / moving, (mean - ops.cast(self.renorm_mean, mean.dtype)) / moving
        r = ops.maximum(r, bounds["rmin"]) if bounds.get("rmin") is not None else r
        r = ops.minimum(r, bounds["rmax"]) if bounds.get("rmax") is not None else r
        dmax = bounds.get("dmax")
        d = ops.clip(d, -dmax, dmax) if dmax is not None else d
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        self._follow(self.renorm_mean, mean, self.renorm_momentum)
        self._follow(self.renorm_stddev, stddev, self.renorm_momentum)
        self._follow(self.moving_mean, mean, self.momentum)
        new_stddev = self._follow(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(ops.relu(new_stddev * new_stddev - self.epsilon))
        new_gamma, new_beta = (r, d) if gamma is None else (r * gamma, d * gamma)
        return new_gamma, new_beta if beta is None else new_beta + beta


def _checked_clipping(clipping: dict[str, float] | None) -> dict[str, float]:
    clipping = clipping or {}
    unknown = set(clipping) - {"rmax", "rmin", "dmax"}
    if unknown:
        raise ArgumentError(
            f"Received invalid keys in `renorm_clipping`: {clipping}. It may hold 'rmax', 'rmin' "
            "and 'dmax'."
        )
    rmin, rmax, dmax = clipping.get("rmin"), clipping.get("rmax"), clipping.get("dmax")
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ArgumentError(
            f"`renorm_clipping`: rmax should be at least rmin; got rmax={rmax} and rmin={rmin}."
        )
    if dmax is not None and dmax < 0:
        raise ArgumentError(f"`renorm_clipping`: dmax should be non-negative; got {dmax}.")
    return clipping
