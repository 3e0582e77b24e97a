"""SpectralNormalization: a wrapper that keeps the largest singular value of a kernel at 1."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.errors import ArgumentError
from etude.initializers import TruncatedNormal
from etude.layers.base.arguments import Shape
from etude.layers.base.input_spec import InputSpec
from etude.layers.base.layer import Layer
from etude.layers.basic.wrappers import Wrapper

__all__ = ["SpectralNormalization"]


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value before each step of training.

    ``v = u W' / |u W'|; u = v W / |v W|``, again and again; ``W <- W / (v W u')``

    u stays from step to step, so that one iteration is usually enough: the kernel changes little
    in between. It holds the Lipschitz constant of the layer down, e.g. in the critic of a GAN.

    Args:
        layer: a layer with a ``kernel`` or with ``embeddings``.
        power_iterations: how many iterations a step makes.

    Shapes:
        As the layer inside. W: the kernel as (..., n); u: (1, n).

    Raises:
        ArgumentError: the number of iterations is not positive, or the layer has no kernel.

    Example:
        >>> import numpy as np
        >>> from etude.layers import Dense
        >>> layer = SpectralNormalization(Dense(3), power_iterations=20)
        >>> y = layer(np.ones((1, 4)), training=True)
        >>> float(np.linalg.norm(layer.layer.kernel.numpy(), 2).round(3))
        1.0

    Source:
        Miyato, Kataoka, Koyama, Yoshida (2018), arXiv:1802.05957.
    """

    config_names = ("power_iterations",)

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ArgumentError(
                "SpectralNormalization: `power_iterations` should be greater than zero; got "
                f"{power_iterations}. One is the usual number."
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside, and makes the vector u."""
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if kernel is None:
            raise ArgumentError(
                f"SpectralNormalization: a {type(self.layer).__name__} object has no attribute "
                "'kernel' nor 'embeddings', so there is nothing to normalise. Wrap a Dense, a "
                "convolution or an Embedding."
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            shape=(1, kernel.shape[-1]),
            initializer=TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
            dtype=kernel.dtype,
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The layer's output; in training, the kernel is normalised before."""
        if training:
            u, kernel = self.normalized_weights()
            is_zero = ops.all(ops.equal(self.kernel, 0))  # it has no direction to normalise
            self.vector_u.assign(ops.where(is_zero, self.vector_u, u))
            self.kernel.assign(ops.where(is_zero, self.kernel, kernel))
        return ops.cast(self.layer(inputs), inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """As the layer inside."""
        return self.layer.compute_output_shape(input_shape)

    def normalized_weights(self) -> tuple[Any, Any]:
        """The next u, and the kernel divided by its largest singular value."""
        kernel = ops.convert_to_tensor(self.kernel)
        weights = ops.reshape(kernel, (-1, kernel.shape[-1]))  # (m, n)
        u = ops.convert_to_tensor(self.vector_u)  # (1, n)
        v = u
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(weights)), axis=None)  # (1, m)
            u = ops.normalize(ops.matmul(v, weights), axis=None)
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))  # (1, 1)
        return u, kernel / ops.reshape(sigma, ())
