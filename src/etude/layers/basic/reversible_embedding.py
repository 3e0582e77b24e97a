"""ReversibleEmbedding: a table of vectors that also turns vectors into scores of ids."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.autodiff import KerasTensor
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import reject_left_out
from etude.layers.base.masks import set_mask
from etude.layers.basic.embedding import Embedding

__all__ = ["ReversibleEmbedding"]


class ReversibleEmbedding(Embedding):
    """An embedding whose table serves at both ends of a language model.

    ``y[..., :] = E[x[...], :]``; reversed, the scores of all ids: ``y = x E'``, or ``y = x R`` with
    a table R of its own; capped, ``c tanh(y / c)``.

    Args:
        input_dim: number of rows: the largest id plus 1.
        output_dim: length of a row.
        tie_weights: whether both directions share one table.
        embeddings_initializer: how the table starts.
        embeddings_regularizer: penalty on the table.
        embeddings_constraint: projection of the table after each step.
        mask_zero: whether id 0 means "nothing here".
        reverse_dtype: the dtype of the reverse product; None: the compute dtype.
        logit_soft_cap: the bound c of the scores; None: none.

    Shapes:
        x: (batch, ...) integers, y: (batch, ..., output_dim); reversed: x: (batch, ...,
        output_dim), y: (batch, ..., input_dim).

    Raises:
        ArgumentError: a size is not a positive integer.

    Example:
        >>> import numpy as np
        >>> layer = ReversibleEmbedding(input_dim=7, output_dim=3)
        >>> vectors = layer(np.array([[1, 2]]))
        >>> layer(vectors, reverse=True).shape
        (1, 2, 7)

    Source:
        Press, Wolf (2017), Using the output embedding to improve language models,
        arXiv:1608.05859.
    """

    config_names = (*Embedding.config_names, "tie_weights", "reverse_dtype", "logit_soft_cap")
    embeddings_initializer: Any

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        reject_left_out("ReversibleEmbedding", lora_rank=kwargs.pop("lora_rank", None))
        self.tie_weights = tie_weights
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.autocast = True  # the reverse takes floats
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Shape | None = None) -> None:
        """Makes the table, or both."""
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
                name="reverse_embeddings",
            )

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        """``E[x]``, with its mask; or the scores of all ids."""
        if not reverse:
            output = super().call(inputs)
            mask = super().compute_mask(inputs)
            if mask is not None:
                set_mask(output, mask)
            return output
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self.reverse_dtype is not None:
            inputs = ops.cast(inputs, self.reverse_dtype)
            kernel = ops.cast(kernel, self.reverse_dtype)
        scores = ops.matmul(inputs, kernel)
        cap = self.logit_soft_cap
        return scores if cap is None else cap * ops.tanh(scores / cap)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: `call` attaches the mask, for only it knows the direction."""
        return None

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        """One more axis, or the scores in the place of the last."""
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> KerasTensor:
        """The symbolic output."""
        shape = self.compute_output_shape(inputs.shape, reverse)
        dtype = self.compute_dtype if self.reverse_dtype is None or not reverse else None
        return KerasTensor(shape, dtype=dtype or self.reverse_dtype)
