"""MultiHeadAttention: several attentions side by side, on projections of their own."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any, ClassVar

from etude import ops, regularizers
from etude.autodiff import eval_shape
from etude.errors import ArgumentError, ShapeError
from etude.layers.attention.single_head import relative_positions
from etude.layers.base.arguments import Shape, is_integer
from etude.layers.base.configured import ConfiguredLayer, weight_options
from etude.layers.base.layer import Layer
from etude.layers.base.masks import get_mask, set_mask
from etude.layers.basic.activations import Softmax
from etude.layers.basic.dense import EinsumDense
from etude.layers.basic.regularization import Dropout

__all__ = ["MultiHeadAttention"]


class MultiHeadAttention(ConfiguredLayer):
    """Several attentions side by side, each on projections of its own.

    ``head_i = softmax(Q W_i^Q (K W_i^K)' / sqrt(key_dim) + mask) V W_i^V;
    y = [head_1, ..., head_h] W^O``

    Args:
        num_heads: number h of heads.
        key_dim: length of projected queries and keys.
        value_dim: length of projected values; None: as the keys.
        dropout: share of the attention weights that is dropped in training.
        use_bias: whether projections have a bias.
        output_shape: shape of the output without the batch and the sequence; None: as the query.
        attention_axes: the axes that attention runs over; None: all between batch and features.
        sliding_window: a query sees only keys less than this many positions away; None: all.
        flash_attention: accepted for Keras; the engine chooses.
        kernel_initializer, bias_initializer: how the projections' weights start.
        kernel_regularizer, bias_regularizer: penalties on them.
        activity_regularizer: penalty on the outputs of the projections.
        kernel_constraint, bias_constraint: projections of them after each step.
        use_gate: whether the heads' outputs are gated by a sigmoid of the query.
        seed: an integer makes the dropout repeat.

    Shapes:
        query: (batch, T, features); value, key: (batch, S, features); attention_mask: (batch, T,
        S), True where a query may see a key; y: (batch, T, *output_shape); scores: (batch,
        num_heads, T, S).

    Raises:
        ArgumentError: a size is not positive, or the attention axes are no integers.
        ShapeError: key and value differ in length.

    Example:
        >>> import numpy as np
        >>> layer = MultiHeadAttention(num_heads=2, key_dim=3)
        >>> x = np.zeros((1, 5, 8))
        >>> y, scores = layer(x, x, return_attention_scores=True)
        >>> y.shape, scores.shape
        ((1, 5, 8), (1, 2, 5, 5))

    Source:
        Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017),
        arXiv:1706.03762.
    """

    config_names = (
        "num_heads", "key_dim", "value_dim", "dropout", "use_bias", "use_gate", "attention_axes",
        "sliding_window", *weight_options("kernel"), *weight_options("bias"),
        "activity_regularizer", "seed",
    )  # fmt: skip
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any

    saved_names: ClassVar[dict[str, str]] = {
        f"_{part}_dense": f"{part}_dense" for part in ("query", "key", "value", "output")
    }

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
        super().__init__(**kwargs)
        self.supports_masking = True
        self.num_heads = _checked_size(num_heads, "num_heads")
        self.key_dim = _checked_size(key_dim, "key_dim")
        self.value_dim = key_dim if value_dim is None else _checked_size(value_dim, "value_dim")
        self.dropout = dropout
        self.use_bias = use_bias
        self.use_gate = use_gate
        self._output_shape = _checked_output_shape(output_shape)
        self.attention_axes = _checked_axes(attention_axes)
        if sliding_window is not None and not (is_integer(sliding_window) and sliding_window > 0):
            raise ArgumentError(
                "`sliding_window`, the number of steps a query sees, must be a positive integer, "
                f"or None for all; got {sliding_window}."
            )
        self.sliding_window = sliding_window
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)
        # The projections have the penalty, not this layer.
        self._projections_regularizer = regularizers.get(activity_regularizer)
        if flash_attention and dropout > 0.0:
            raise ArgumentError(
                "Dropout is not supported when flash attention is enabled. Use `dropout=0.0` or "
                f"`flash_attention=False`; got dropout={dropout}."
            )
        self.seed = seed

    # ---- weights -------------------------------------------------------------------------------

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Makes the projections for inputs of these shapes."""
        key_shape = value_shape if key_shape is None else key_shape
        _check_lengths(value_shape, key_shape)
        rank = len(query_shape)
        heads = self.num_heads
        self._query_dense = self._into_heads("query", query_shape, heads, self.key_dim)
        self._key_dense = self._into_heads("key", key_shape, self._key_heads, self.key_dim)
        if self.use_gate:
            self._gate_dense = self._into_heads(
                "gate", query_shape, heads, self.value_dim, activation="sigmoid"
            )
        self._value_dense = self._into_heads("value", value_shape, self._key_heads, self.value_dim)
        self._build_attention(rank)
        output_shape = self._output_shape or (query_shape[-1],)
        self._output_dense = self._projection(
            "attention_output", _projection_equation(rank - 1, 2, len(output_shape)), output_shape,
            rank, (*query_shape[:-1], heads, self.value_dim),
        )  # fmt: skip

    @property
    def _key_heads(self) -> int:
        """How many heads keys and values have."""
        return self.num_heads

    def _for_all_heads(self, x: Any) -> Any:
        """Projected keys or values as the heads of the queries take them."""
        return x

    def _into_heads(
        self, name: str, shape: Shape, heads: int, size: int, **options: Any
    ) -> EinsumDense:
        """A projection of the features into heads: (..., features) -> (..., heads, size)."""
        rank = len(shape)
        equation = _projection_equation(rank - 1, 1, 2)
        return self._projection(name, equation, (heads, size), rank, shape, **options)

    def _projection(
        self,
        name: str,
        equation: tuple[str, str],
        output_shape: Any,
        rank: int,
        input_shape: Shape,
        **options: Any,
    ) -> EinsumDense:
        letters, bias_axes = equation
        layer = EinsumDense(
            letters,
            output_shape=(*(None,) * (rank - 2), *output_shape),
            bias_axes=bias_axes if self.use_bias else None,
            kernel_initializer=_fresh(self.kernel_initializer),
            bias_initializer=_fresh(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._projections_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
            **options,
        )
        layer.build(input_shape)
        return layer

    def _build_attention(self, rank: int) -> None:
        """Makes what runs between the projections, for queries of this rank."""
        if self.attention_axes is None:
            self.attention_axes = tuple(range(1, rank - 1))
        self.attention_axes = tuple(a if a >= 0 else rank + a for a in self.attention_axes)
        self._score_equation, self._combine_equation, score_rank = _attention_equations(
            rank + 1, self.attention_axes
        )
        axes = tuple(range(score_rank - len(self.attention_axes), score_rank))
        self._softmax = Softmax(axis=axes, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy, seed=self.seed)

    @property
    def query_dense(self) -> EinsumDense:
        """The projection of the queries."""
        return self._query_dense

    @property
    def key_dense(self) -> EinsumDense:
        """The projection of the keys."""
        return self._key_dense

    @property
    def value_dense(self) -> EinsumDense:
        """The projection of the values."""
        return self._value_dense

    @property
    def output_dense(self) -> EinsumDense:
        """The projection of the heads' outputs."""
        return self._output_dense

    # ---- attention -----------------------------------------------------------------------------

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """The attended values; with ``return_attention_scores`` a pair of them and the scores."""
        key = value if key is None else key
        mask = self._attention_mask(
            query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
        )
        output, scores = self._compute_attention(
            _unmasked(self._query_dense, query),
            self._for_all_heads(_unmasked(self._key_dense, key)),
            self._for_all_heads(_unmasked(self._value_dense, value)),
            mask,
            training,
            return_attention_scores,
        )
        if self.use_gate:
            output = ops.multiply(output, _unmasked(self._gate_dense, query))
        output = self._output_dense(output)
        return (output, scores) if return_attention_scores else output

    def _compute_attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> tuple[Any, Any]:
        """Attention of projected queries, keys and values: the outputs, and the scores or None."""
        axes = len(self.attention_axes or ())
        if attention_mask is not None:  # (batch, T, S) -> (batch, 1, T, S)
            score_rank = len(query.shape) - 1 + axes
            for _ in range(score_rank - len(attention_mask.shape)):
                attention_mask = ops.expand_dims(attention_mask, -2 * axes - 1)
        query = query * ops.cast(1.0 / math.sqrt(self.key_dim), query.dtype)
        scores = ops.einsum(self._score_equation, key, query)
        if self.dropout == 0.0 and not return_attention_scores and len(query.shape) == 4:
            # As Keras: a query that may see nothing sees the mean of all values here, and zeros
            # where the scores are asked for.
            if attention_mask is not None:
                low = -3e4 if str(scores.dtype) == "float16" else -1e30
                scores = ops.where(attention_mask, scores, ops.cast(low, scores.dtype))
            scores = ops.softmax(scores, axis=-1)
        else:
            scores = self._softmax(scores, mask=attention_mask)
        weights = self._dropout_layer(scores, training=training) if self.dropout > 0 else scores
        return ops.einsum(self._combine_equation, weights, value), scores

    def _attention_mask(
        self,
        query: Any,
        value: Any,
        query_mask: Any,
        value_mask: Any,
        key_mask: Any,
        attention_mask: Any,
        use_causal_mask: bool,
    ) -> Any:
        """True where a query may see a key: (batch, T, S); None if it may everywhere."""
        masks = []
        if query_mask is not None:
            masks.append(ops.expand_dims(ops.cast(query_mask, "bool"), -1))  # (batch, T, 1)
        masks += [  # (batch, 1, S)
            ops.expand_dims(ops.cast(mask, "bool"), -2)
            for mask in (value_mask, key_mask)
            if mask is not None
        ]
        if use_causal_mask:
            masks.append(relative_positions(query, value) <= 0)
        if self.sliding_window is not None:
            masks.append(ops.abs(relative_positions(query, value)) < self.sliding_window)
        if attention_mask is not None:
            masks.append(ops.cast(attention_mask, "bool"))
        combined = None
        for mask in masks:
            combined = mask if combined is None else ops.logical_and(combined, mask)
        return combined

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic output, and the scores where they are asked for."""
        return eval_shape(self._call_by_policy, args, kwargs)

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None
    ) -> Shape:
        """The query's shape, or ``output_shape`` in the place of its last axis."""
        _check_lengths(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *(self._output_shape or (query_shape[-1],)))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        penalty = regularizers.serialize(self._projections_regularizer)
        return {
            **super().get_config(),
            "output_shape": self._output_shape,
            "activity_regularizer": penalty,
        }


def _checked_size(value: Any, name: str) -> int:
    if not is_integer(value) or value <= 0:
        raise ArgumentError(
            f"Received an invalid value for argument `{name}`, expected a positive integer. "
            f"Received: {name}={value}"
        )
    return int(value)


def _checked_output_shape(output_shape: Any) -> tuple[int, ...] | None:
    if not output_shape:
        return None
    if is_integer(output_shape):
        return (int(output_shape),)
    if isinstance(output_shape, (list, tuple)):
        return tuple(output_shape)
    raise ArgumentError(
        f"Invalid `output_shape`: {output_shape}. Expected the sizes of the output's last axes: "
        "a number, or a tuple or list of numbers."
    )


def _checked_axes(axes: Any) -> tuple[int, ...] | None:
    if axes is None or isinstance(axes, (list, tuple)):
        return None if axes is None else tuple(axes)
    if is_integer(axes):
        return (int(axes),)
    raise ArgumentError(
        f"`attention_axes` must be an int, list, or tuple. Received: attention_axes={axes}"
    )


def _check_lengths(value_shape: Shape, key_shape: Shape) -> None:
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise ShapeError(
            "`value` and `key` hold the same steps, so their shapes up to the last axis must be "
            f"equal; got {value_shape} and {key_shape}."
        )


def _unmasked(layer: Layer, x: Any) -> Any:
    """A layer on a tensor without its mask, which a projection has no use for."""
    mask = get_mask(x)
    if mask is None:
        return layer(x)
    set_mask(x, None)
    try:
        return layer(x)
    finally:
        set_mask(x, mask)


def _fresh(initializer: Any) -> Any:
    """An initializer like the given one, so that two weights do not start alike."""
    if not hasattr(initializer, "get_config"):
        return initializer
    return type(initializer).from_config(initializer.get_config())


def _projection_equation(free: int, bound: int, outputs: int) -> tuple[str, str]:
    """The equation that keeps ``free`` axes and maps ``bound`` ones to ``outputs`` new ones.

    >>> _projection_equation(2, 1, 2)
    ('abc,cde->abde', 'de')
    """
    letters = string.ascii_lowercase
    kept, summed = letters[:free], letters[free : free + bound]
    new = letters[free + bound : free + bound + outputs]
    return f"{kept}{summed},{summed}{new}->{kept}{new}", new


def _attention_equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str, int]:
    """The equations of the scores (keys, queries -> scores) and of their use (scores, values -> y).

    Args:
        rank: of projected queries, (batch, T, heads, size).
        axes: the axes that attention runs over.

    Returns:
        Both equations, and the rank of the scores.

    >>> _attention_equations(4, (1,))
    ('aecd,abcd->acbe', 'acbe,aecd->abcd', 4)
    """
    letters = iter(string.ascii_lowercase[rank:])
    target = string.ascii_lowercase[:rank]
    batch = [i for i in range(rank - 1) if i not in axes]
    source = "".join(
        target[i] if i in batch or i == rank - 1 else next(letters) for i in range(rank)
    )
    scores = "".join([target[i] for i in batch] + [t[i] for t in (target, source) for i in axes])
    return f"{source},{target}->{scores}", f"{scores},{source}->{target}", len(scores)
