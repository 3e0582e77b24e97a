"""Attention: each query gets a mean of values, weighted by how well their keys match it."""

from __future__ import annotations

from typing import Any

from etude import ops, random
from etude.errors import ArgumentError
from etude.layers.base.configured import ConfiguredLayer

__all__ = ["AdditiveAttention", "Attention", "relative_positions"]


class Attention(ConfiguredLayer):
    """Attention without projections, by the inner product of queries and keys.

    ``y = softmax(scale q k' + mask) v``; with ``score_mode="concat"`` the scores are
    ``w sum tanh(scale (q + k))``

    Args:
        use_scale: whether the scale is a weight; else it is 1.
        score_mode: ``"dot"`` or ``"concat"``.
        dropout: share of the attention weights that is dropped in training.
        seed: an integer makes the dropout repeat.

    Shapes:
        inputs: a list of query (batch, T, dim), value (batch, S, dim), and perhaps key (batch, S,
        dim); mask: a list of (batch, T), (batch, S); y: (batch, T, dim); scores: (batch, T, S).

    Raises:
        ArgumentError: the score mode is unknown, or the inputs are no list of two or three.

    Example:
        >>> import numpy as np
        >>> q, v = np.zeros((1, 2, 4)), np.ones((1, 3, 4))
        >>> Attention()([q, v]).numpy().tolist()
        [[[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]]

    Source:
        Luong, Pham, Manning (2015), arXiv:1508.04025.
    """

    config_names = ("use_scale", "score_mode", "dropout", "seed")
    scale: Any = None
    concat_score_weight: Any = None

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        if self.dropout > 0:
            self.seed_generator = random.SeedGenerator(seed=seed)
        if score_mode not in ("dot", "concat"):
            raise ArgumentError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}; got "
                f"{score_mode!r}."
            )

    def build(self, input_shape: Any) -> None:
        """Makes the scale, and the weight of the sum."""
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(shape=(), name="scale", initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                shape=(), name="concat_score_weight", initializer="ones"
            )

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """How well each key matches each query: (batch, T, S)."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)  # (batch, T, S, dim)
        pairs = pairs if self.scale is None else self.scale * pairs
        return self.concat_score_weight * ops.sum(ops.tanh(pairs), axis=-1)

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The attended values; with ``return_attention_scores`` a pair of them and the scores."""
        self._check(inputs, mask)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        scores = self._calculate_scores(query, key)
        if value_mask is not None:
            value_mask = ops.expand_dims(ops.cast(value_mask, "bool"), -2)  # (batch, 1, S)
        visible = value_mask
        if use_causal_mask:
            causal = relative_positions(query, value) <= 0
            visible = causal if visible is None else ops.logical_and(visible, causal)
        if visible is not None:
            low = 65504.0 if str(scores.dtype) == "float16" else 1e9
            scores = ops.where(visible, scores, scores - low)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        output = ops.matmul(weights, value)
        if query_mask is not None:
            present = ops.expand_dims(ops.cast(query_mask, "bool"), -1)
            output = ops.where(present, output, ops.zeros_like(output))
        return (output, weights) if return_attention_scores else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the query."""
        self._check(inputs, mask)
        return None if mask is None or mask[0] is None else ops.convert_to_tensor(mask[0])

    def _check(self, inputs: Any, mask: Any = None) -> None:
        name = type(self).__name__
        if not isinstance(inputs, list):
            raise ArgumentError(
                f"{name} must be called on a list: [query, value], or with a key "
                f"[query, value, key]; got "
                f"{type(inputs).__name__ if isinstance(inputs, dict) else 'one tensor'}. For "
                "attention of a sequence to itself: layer([x, x])."
            )
        if len(inputs) < 2 or len(inputs) > 3:
            raise ArgumentError(
                f"{name} takes [query, value] or [query, value, key], so length 2 or 3; got a "
                f"list with {len(inputs)} entries."
            )
        if mask is not None and not isinstance(mask, list):
            raise ArgumentError(
                f"{name} layer mask must be a list with the masks of query and value, either of "
                f"which may be None; got {type(mask).__name__}."
            )
        if mask is not None and not 2 <= len(mask) <= 3:
            raise ArgumentError(
                f"{name}: the list of masks has length 2 or 3, one for each input; got "
                f"{len(mask)}, for {len(inputs)} inputs."
            )


class AdditiveAttention(Attention):
    """Attention without projections, by the sum of queries and keys.

    ``y = softmax(sum scale tanh(q + k) + mask) v``

    Args:
        use_scale: whether there is a weight for each feature; else it is 1.
        dropout: share of the attention weights that is dropped in training.

    Shapes:
        inputs: a list of query (batch, T, dim), value (batch, S, dim), and perhaps key (batch, S,
        dim); mask: a list of (batch, T), (batch, S); y: (batch, T, dim); scores: (batch, T, S).

    Raises:
        ArgumentError: the inputs are no list of two or three.

    Example:
        >>> import numpy as np
        >>> AdditiveAttention()([np.zeros((1, 2, 4)), np.ones((1, 3, 4))]).shape
        (1, 2, 4)

    Source:
        Bahdanau, Cho, Bengio (2015), arXiv:1409.0473.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Makes the weight of each feature."""
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(
                shape=(input_shape[0][-1],), name="scale", initializer="glorot_uniform"
            )

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """How well each key matches each query: (batch, T, S)."""
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)  # (batch, T, S, dim)
        scores = ops.tanh(pairs)
        return ops.sum(scores if self.scale is None else self.scale * scores, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        arguments = super().get_config()
        del arguments["score_mode"]
        return arguments


def relative_positions(query: Any, value: Any) -> Any:
    """Position of the key less that of the query: (1, T, S)."""
    rows = ops.arange(query.shape[1], dtype="int32")[None, :, None]
    columns = ops.arange(value.shape[1], dtype="int32")[None, None, :]
    return columns - rows
