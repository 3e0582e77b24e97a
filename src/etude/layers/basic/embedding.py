"""Embedding: a table of vectors, one row for each id."""

from __future__ import annotations

import warnings
from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.errors import DataError
from etude.layers.base.arguments import Shape, positive_integer
from etude.layers.base.configured import ConfiguredLayer, reject_left_out, weight_options

__all__ = ["Embedding"]


class Embedding(ConfiguredLayer):
    """Replaces each id by the row of a table that training shapes.

    ``y[..., :] = E[x[...], :]``

    Args:
        input_dim: number of rows: the largest id plus 1.
        output_dim: length of a row.
        embeddings_initializer: how the table starts.
        embeddings_regularizer: penalty on the table.
        embeddings_constraint: projection of the table after each step.
        mask_zero: whether id 0 means "nothing here"; later layers that know masks skip it.
        weights: a table to start with, of shape (input_dim, output_dim), or a list with it.

    Shapes:
        x: (batch, ...) integers in [0, input_dim); y: (batch, ..., output_dim).

    Raises:
        ArgumentError: a size is not a positive integer.

    Example:
        >>> import numpy as np
        >>> layer = Embedding(3, 2, weights=np.array([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]]))
        >>> layer(np.array([[2, 1]])).numpy().tolist()
        [[[2.0, 20.0], [1.0, 10.0]]]
    """

    config_names = ("input_dim", "output_dim", *weight_options("embeddings"),
                    "activity_regularizer", "mask_zero", "quantization_config")  # fmt: skip
    quantization_config = None

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        reject_left_out("Embedding", lora_rank=lora_rank, quantization_config=quantization_config)
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Argument `input_length` is deprecated. Just remove it.", stacklevel=2)
        super().__init__(**kwargs)
        self.input_dim = positive_integer(input_dim, "input_dim", "Embedding")
        self.output_dim = positive_integer(output_dim, "output_dim", "Embedding")
        self.set_weight_options(
            "embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint
        )
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False  # ids stay integers whatever the layer computes in
        if weights is not None:
            self.build()
            one = isinstance(weights, list) and len(weights) == 1
            self.set_weights(weights if one else [weights])

    def build(self, input_shape: Shape | None = None) -> None:
        """Makes the table; it does not depend on the input."""
        if not self.built:
            self.embeddings = self.add_configured_weight(
                "embeddings", (self.input_dim, self.output_dim)
            )

    def call(self, inputs: Any) -> Any:
        """``E[x]``."""
        ids = ops.convert_to_tensor(inputs)
        if str(ids.dtype) not in ("int32", "int64"):
            ids = ops.cast(ids, "int32")
        if isinstance(ids, Tensor) and ids.is_known():
            self.check_inputs(ids.numpy())
        return ops.cast(ops.take(self.embeddings, ids, axis=0), self.compute_dtype)

    def check_inputs(self, ids: Any, name: str = "inputs") -> None:
        """Raises a `DataError` where an id has no row in the table.

        A compiled program cannot look at values; `fit` and its kin call this before.

        Args:
            ids: a NumPy array.
            name: what the message calls it.
        """
        low, high = (ids.min(), ids.max()) if ids.size else (0, 0)
        if low >= 0 and high < self.input_dim:
            return
        found = int(low) if low < 0 else int(high)
        raise DataError(
            f"Embedding '{self.name}' has {self.input_dim} rows, for ids from 0 to "
            f"{self.input_dim - 1}; `{name}` holds the id {found}. Give `input_dim` the largest id "
            "plus 1, or replace rarer ids, e.g. `numpy.minimum(x, input_dim - 1)`."
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where there is an id other than 0, if ``mask_zero``."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None
