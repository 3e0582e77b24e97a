"""GroupQueryAttention: several heads of queries share one head of keys and values."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import ops
from etude.errors import ArgumentError, ShapeError
from etude.layers.attention.multi_head import MultiHeadAttention
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import weight_options

__all__ = ["GroupedQueryAttention"]


class GroupedQueryAttention(MultiHeadAttention):
    """Attention in which several heads of queries share one head of keys and values.

    ``head_i = softmax(Q W_i^Q (K W_j^K)' / sqrt(head_dim) + mask) V W_j^V;
    y = [head_1, ..., head_h] W^O``, where ``j = i // (num_query_heads / num_key_value_heads)``

    With as many heads of keys as of queries it is `MultiHeadAttention`; with one it is multi-query
    attention. Fewer heads of keys and values are less to remember while text is generated.

    Args:
        head_dim: length of projected queries, keys and values.
        num_query_heads: number h of heads.
        num_key_value_heads: number of heads of keys and values, a divisor of h.
        dropout: share of the attention weights that is dropped in training.
        use_bias: whether projections have a bias.
        sliding_window: a query sees only keys less than this many positions away; None: all.
        flash_attention: accepted for Keras; the engine chooses.
        kernel_initializer, bias_initializer: how the projections' weights start.
        kernel_regularizer, bias_regularizer: penalties on them.
        activity_regularizer: penalty on the output, and on the outputs of the projections.
        kernel_constraint, bias_constraint: projections of them after each step.
        use_gate: whether the heads' outputs are gated by a sigmoid of the query.
        seed: an integer makes the dropout repeat.

    Shapes:
        query: (batch, T, features); value, key: (batch, S, features); attention_mask: (batch, T,
        S), True where a query may see a key; y: (batch, T, features); scores: (batch,
        num_query_heads, T, S).

    Raises:
        ArgumentError: the heads of queries do not divide into groups, or a size is not positive.
        ShapeError: key and value differ in length, or query and value in features.

    Example:
        >>> import numpy as np
        >>> layer = GroupedQueryAttention(head_dim=4, num_query_heads=6, num_key_value_heads=2)
        >>> x = np.zeros((1, 5, 8))
        >>> layer(x, x).shape, layer.key_dense.kernel.shape
        ((1, 5, 8), (8, 2, 4))

    Source:
        Ainslie, Lee-Thorp, de Jong, Zemlyanskiy, Lebrón, Sanghai (2023), arXiv:2305.13245.
    """

    config_names = (
        "head_dim", "num_query_heads", "num_key_value_heads", "use_bias", "use_gate",
        "sliding_window", "dropout", *weight_options("kernel"), *weight_options("bias"), "seed",
    )  # fmt: skip

    saved_names: ClassVar[dict[str, str]] = {}  # Keras has them under their own names

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_query_heads,
            head_dim,
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        if num_query_heads % num_key_value_heads:
            raise ArgumentError(
                "GroupQueryAttention: `num_query_heads` must be divisible by "
                f"`num_key_value_heads`; got {num_query_heads} and {num_key_value_heads}."
            )
        self.head_dim = head_dim
        self.num_query_heads = num_query_heads
        self.num_key_value_heads = num_key_value_heads
        self.activity_regularizer = self._projections_regularizer

    @property
    def _key_heads(self) -> int:
        return self.num_key_value_heads

    def _for_all_heads(self, x: Any) -> Any:
        """Each head again for all queries of its group: (batch, S, num_query_heads, head_dim)."""
        return ops.repeat(x, self.num_query_heads // self.num_key_value_heads, axis=2)

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None
    ) -> Shape:
        """The query's shape."""
        if query_shape[-1] != value_shape[-1]:
            raise ShapeError(
                "GroupQueryAttention: the last dimension of `query_shape` and `value_shape` must "
                f"be equal; got query_shape={query_shape} and value_shape={value_shape}."
            )
        return super().compute_output_shape(query_shape, value_shape, key_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        arguments = super().get_config()
        del arguments["output_shape"]
        return arguments
