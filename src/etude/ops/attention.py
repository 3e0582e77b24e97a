"""Attention: averages of values, weighted by how well queries and keys agree."""

from __future__ import annotations

import math
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.dtypes import result_type
from etude.errors import ShapeError
from etude.ops.activation import softmax
from etude.ops.core import cast
from etude.ops.creation import ones, tril
from etude.ops.elementwise import where
from etude.ops.products import matmul
from etude.ops.shape import expand_dims, reshape, swapaxes, transpose
from etude.ops.trigonometry import tanh

__all__ = ["dot_product_attention"]


@composite
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """softmax(scale · Q Kᵀ + bias) V, for each head.

    The softmax is taken in float32 at least. Several heads of the query may share one of the keys
    and values (grouped queries).

    Args:
        query: Q, (B, T, N, H): T places, N heads of size H.
        key: K, (B, S, M, H), where M divides N.
        value: V, (B, S, M, H).
        bias: added to the logits, (B, N, T, S), or what broadcasts to it.
        mask: truth values of the same shape; where False, a place is not looked at.
        scale: 1 / √H by default.
        is_causal: whether place t looks at places s ≤ t only.
        flash_attention: accepted for Keras; XLA decides how the product is computed.
        attn_logits_soft_cap: a, to keep logits in (-a, a): a tanh(logits / a).

    Returns:
        (B, T, N, H).

    Source: Vaswani et al., Attention is all you need, 2017.

    >>> q = ones((1, 2, 1, 4))
    >>> dot_product_attention(q, q, q).numpy()[0, 0, 0].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    q, k, v = as_tensor(query), as_tensor(key), as_tensor(value)
    _check(q, k, v)
    dtype = result_type(*(str(t.dtype) for t in (q, k, v)))
    q, k, v = (transpose(cast(t, dtype), (0, 2, 1, 3)) for t in (q, k, v))  # (B, N, T, H)
    batch, heads, places, size = q.shape
    shared, seen = k.shape[1], k.shape[2]
    grouped = (batch, shared, heads // shared, places, size)
    scale = 1 / math.sqrt(size) if scale is None else scale
    logits = matmul(reshape(q, grouped), expand_dims(swapaxes(k, -1, -2), 2))  # (B, M, G, T, S)
    logits = reshape(logits, (batch, heads, places, seen))
    logits = cast(logits, result_type(dtype, "float32")) * scale
    if attn_logits_soft_cap is not None:
        logits = attn_logits_soft_cap * tanh(logits / attn_logits_soft_cap)
    if bias is not None:
        logits = logits + cast(_four_axes(as_tensor(bias), heads), logits.dtype)
    if mask is not None:
        logits = where(cast(_four_axes(as_tensor(mask), heads), "bool"), logits, _LEAST)
    if is_causal:
        logits = where(tril(ones((places, seen), "bool")), logits, _LEAST)
    weights = reshape(cast(softmax(logits), dtype), (batch, shared, heads // shared, places, seen))
    found = matmul(weights, expand_dims(v, 2))  # (B, M, G, T, H)
    return transpose(reshape(found, (batch, heads, places, size)), (0, 2, 1, 3))


_LEAST = -0.7 * 3.4028234663852886e38
"""The logit of a place that is not looked at: finite, so that a row of them has no NaN."""


def _four_axes(x: Tensor, heads: int) -> Tensor:
    """(B, N, T, S) of (T, S), (B, T, S), (B, N, S) and the like: what lacks an axis gets size 1."""
    while x.ndim < 4:
        x = expand_dims(x, 2 if x.ndim == 3 and x.shape[1] == heads else 1 if x.ndim == 3 else 0)
    return x


def _check(q: Tensor, k: Tensor, v: Tensor) -> None:
    if q.ndim != 4 or k.ndim != 4 or v.ndim != 4:
        raise ShapeError(
            "dot_product_attention expects `query`, `key`, and `value` to be 4D tensors, (batch, "
            f"places, heads, size). Received: query.shape={q.shape}, key.shape={k.shape}, "
            f"value.shape={v.shape}."
        )
    if k.shape != v.shape or q.shape[-1] != k.shape[-1] or q.shape[2] % k.shape[2]:
        raise ShapeError(
            "dot_product_attention expects keys and values of one shape, queries of the same size, "
            "and heads of the query that are a multiple of those of the keys. Received: "
            f"query.shape={q.shape}, key.shape={k.shape}, value.shape={v.shape}."
        )
