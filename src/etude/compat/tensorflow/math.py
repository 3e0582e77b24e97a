"""`tf.math`: arithmetic, comparison, reduction, under TensorFlow's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from etude import ops
from etude.compat.adoption import adopt, at_once_where_known, integer
from etude.compat.missing import lacks
from etude.compat.tensorflow.text import as_text, is_text

# --- element by element -------------------------------------------------------------------------

abs = adopt("ops.abs", "x")
acos = adopt("ops.arccos", "x")
acosh = adopt("ops.arccosh", "x")
angle = adopt("ops.angle", "input")
asin = adopt("ops.arcsin", "x")
asinh = adopt("ops.arcsinh", "x")
atan = adopt("ops.arctan", "x")
atan2 = adopt("ops.arctan2", "y x")
atanh = adopt("ops.arctanh", "x")
ceil = adopt("ops.ceil", "x")
conj = adopt("ops.conj", "x")
cos = adopt("ops.cos", "x")
cosh = adopt("ops.cosh", "x")
divide = truediv = adopt("ops.divide", "x y")
divide_no_nan = adopt("ops.divide_no_nan", "x y")
erf = adopt("ops.erf", "x")
erfinv = adopt("ops.erfinv", "x")
exp = adopt("ops.exp", "x")
expm1 = adopt("ops.expm1", "x")
floor = adopt("ops.floor", "x")
floordiv = adopt("ops.floor_divide", "x y")
floormod = mod = adopt("ops.mod", "x y")
imag = adopt("ops.imag", "input")
is_finite = adopt("ops.isfinite", "x")
is_inf = adopt("ops.isinf", "x")
is_nan = adopt("ops.isnan", "x")
log = adopt("ops.log", "x")
log1p = adopt("ops.log1p", "x")
log_sigmoid = adopt("ops.log_sigmoid", "x")
logical_and = adopt("ops.logical_and", "x y")
logical_not = adopt("ops.logical_not", "x")
logical_or = adopt("ops.logical_or", "x y")
logical_xor = adopt("ops.logical_xor", "x y")
maximum = adopt("ops.maximum", "x y")
minimum = adopt("ops.minimum", "x y")
multiply = adopt("ops.multiply", "x y")
negative = adopt("ops.negative", "x")
pow = adopt("ops.power", "x y")
real = adopt("ops.real", "input")
reciprocal = adopt("ops.reciprocal", "x")
round = rint = adopt("ops.round", "x")
rsqrt = adopt("ops.rsqrt", "x")
scalar_mul = adopt("ops.multiply", "scalar x")
sigmoid = adopt("ops.sigmoid", "x")
sign = adopt("ops.sign", "x")
sin = adopt("ops.sin", "x")
sinh = adopt("ops.sinh", "x")
softplus = adopt("ops.softplus", "features")
softsign = adopt("ops.softsign", "features")
sqrt = adopt("ops.sqrt", "x")
square = adopt("ops.square", "x")
subtract = adopt("ops.subtract", "x y")
tan = adopt("ops.tan", "x")
tanh = adopt("ops.tanh", "x")

greater = adopt("ops.greater", "x y")
greater_equal = adopt("ops.greater_equal", "x y")
less = adopt("ops.less", "x y")
less_equal = adopt("ops.less_equal", "x y")

_add = adopt("ops.add", "x y")
_equal = adopt("ops.equal", "x y")
_not_equal = adopt("ops.not_equal", "x y")


def add(x: Any, y: Any, name: str | None = None) -> Any:
    """x + y; text is joined.

    >>> add(1.0, 2.0).numpy(), add("a", "b").numpy()
    (np.float32(3.0), b'ab')
    """
    return as_text(x) + as_text(y) if is_text(x) or is_text(y) else _add(x, y)


def equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Where x and y are equal; numbers or text.

    >>> equal(["a", "b"], "b").numpy().tolist()
    [False, True]
    """
    return as_text(x) == y if is_text(x) or is_text(y) else _equal(x, y)


def not_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Where x and y differ; numbers or text.

    >>> not_equal([1, 2], 2).numpy().tolist()
    [True, False]
    """
    return as_text(x) != y if is_text(x) or is_text(y) else _not_equal(x, y)


def add_n(inputs: Sequence[Any], name: str | None = None) -> Any:
    """The sum of tensors of one shape.

    >>> add_n([[1.0, 2.0], [3.0, 4.0]]).numpy().tolist()
    [4.0, 6.0]
    """
    return at_once_where_known(lambda parts: ops.sum(ops.stack(list(parts)), axis=0), inputs)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """(x - y)².

    >>> float(squared_difference(1.0, 3.0))
    4.0
    """
    return ops.square(ops.subtract(x, y))


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x y, and 0 wherever y is 0.

    >>> float(multiply_no_nan(float("inf"), 0.0))
    0.0
    """
    return ops.where(ops.equal(y, 0), ops.zeros_like(x), ops.multiply(x, y))


def xlogy(x: Any, y: Any, name: str | None = None) -> Any:
    """x log y, and 0 wherever x is 0.

    >>> float(xlogy(0.0, 0.0))
    0.0
    """
    zero = ops.equal(x, 0)
    return ops.where(zero, ops.zeros_like(y), x * ops.log(ops.where(zero, ops.ones_like(y), y)))


def xdivy(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y, and 0 wherever x is 0.

    >>> float(xdivy(0.0, 0.0))
    0.0
    """
    return ops.divide_no_nan(x, y)


# --- over axes ----------------------------------------------------------------------------------

cumprod = adopt("ops.cumprod", "x axis")
reduce_all = adopt("ops.all", "input_tensor axis keepdims")
reduce_any = adopt("ops.any", "input_tensor axis keepdims")
reduce_logsumexp = adopt("ops.logsumexp", "input_tensor axis keepdims")
reduce_max = adopt("ops.max", "input_tensor axis keepdims")
reduce_mean = adopt("ops.mean", "input_tensor axis keepdims")
reduce_min = adopt("ops.min", "input_tensor axis keepdims")
reduce_prod = adopt("ops.prod", "input_tensor axis keepdims")
reduce_std = adopt("ops.std", "input_tensor axis keepdims")
reduce_sum = adopt("ops.sum", "input_tensor axis keepdims")
reduce_variance = adopt("ops.var", "input_tensor axis keepdims")
in_top_k = adopt("ops.in_top_k", "targets predictions k")


def cumsum(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Any:
    """Running sums along an axis.

    Args:
        x: any shape.
        axis: along which.
        exclusive: whether an element is left out of its own sum.
        reverse: whether to begin at the end.
        name: accepted.

    >>> cumsum([1, 2, 3], exclusive=True, reverse=True).numpy().tolist()
    [5, 3, 0]
    """
    x = ops.flip(x, axis) if reverse else ops.convert_to_tensor(x)
    sums = ops.cumsum(x, axis=axis)
    sums = sums - x if exclusive else sums
    return ops.flip(sums, axis) if reverse else sums


def argmax(
    input: Any, axis: int | None = None, output_type: Any = "int64", name: str | None = None
) -> Any:
    """Where the largest element is, along an axis (the first by default).

    >>> argmax([[1, 5], [3, 2]]).numpy().tolist()
    [1, 0]
    """
    return ops.cast(ops.argmax(input, axis=0 if axis is None else axis), output_type)


def argmin(
    input: Any, axis: int | None = None, output_type: Any = "int64", name: str | None = None
) -> Any:
    """Where the smallest element is, along an axis (the first by default).

    >>> argmin([3, 1, 2]).numpy()
    np.int64(1)
    """
    return ops.cast(ops.argmin(input, axis=0 if axis is None else axis), output_type)


def count_nonzero(
    input: Any,
    axis: Any = None,
    keepdims: bool = False,
    dtype: Any = "int64",
    name: str | None = None,
) -> Any:
    """How many elements are not 0.

    >>> count_nonzero([0, 3, 0, 1]).numpy()
    np.int64(2)
    """
    hits = ops.cast(ops.not_equal(input, 0), dtype)
    return ops.sum(hits, axis=axis, keepdims=keepdims)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """The root of the sum of squares.

    >>> float(reduce_euclidean_norm([3.0, 4.0]))
    5.0
    """
    return ops.sqrt(ops.sum(ops.square(input_tensor), axis=axis, keepdims=keepdims))


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The share of elements that are 0.

    >>> float(zero_fraction([0.0, 1.0, 0.0, 0.0]))
    0.75
    """
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Any:
    """x divided by its Euclidean norm over axes (over all of them by default).

    >>> [f"{v:.1f}" for v in l2_normalize([3.0, 4.0])]
    ['0.6', '0.8']
    """
    return ops.multiply(
        x, ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), epsilon))
    )


class TopK(NamedTuple):
    """The largest elements and where they are."""

    values: Any
    indices: Any


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = None, name: str | None = None
) -> TopK:
    """The k largest elements of the last axis.

    >>> top_k([1, 9, 5], k=2).indices.numpy().tolist()
    [1, 2]
    """
    return TopK(*ops.top_k(input, integer(k), sorted=sorted))


# --- counting and segments ----------------------------------------------------------------------

segment_sum = adopt("ops.segment_sum", "data segment_ids")
segment_max = adopt("ops.segment_max", "data segment_ids")
unsorted_segment_sum = adopt("ops.segment_sum", "data segment_ids num_segments")
unsorted_segment_max = adopt("ops.segment_max", "data segment_ids num_segments")


def unsorted_segment_mean(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """The mean of the rows of each segment; 0 for an empty one.

    >>> unsorted_segment_mean([1.0, 3.0, 5.0], [0, 0, 1], 3).numpy().tolist()
    [2.0, 5.0, 0.0]
    """
    total = ops.segment_sum(data, segment_ids, num_segments)
    count = ops.segment_sum(ops.ones_like(data), segment_ids, num_segments)
    return ops.divide_no_nan(total, count)


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """How often each number occurs.

    >>> bincount([1, 1, 3]).numpy().tolist()
    [0, 2, 0, 1]
    """
    counts = np.bincount(
        np.ravel(np.asarray(arr)),
        None if weights is None else np.ravel(np.asarray(weights)),
        0 if minlength is None else integer(minlength),
    )
    counts = counts if maxlength is None else counts[: integer(maxlength)]
    return ops.convert_to_tensor(
        counts, dtype if weights is None else str(np.asarray(weights).dtype)
    )


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
) -> Any:
    """How often label i (row) was predicted as j (column).

    >>> confusion_matrix([0, 1, 1], [0, 0, 1]).numpy().tolist()
    [[1, 0], [1, 1]]
    """
    labels, predictions = ops.cast(labels, "int32"), ops.cast(predictions, "int32")
    if num_classes is None:
        num_classes = integer(ops.maximum(ops.max(labels), ops.max(predictions))) + 1
    n = integer(num_classes)
    rows = ops.one_hot(labels, n, dtype="float32")  # (N, n)
    if weights is not None:
        rows = rows * ops.expand_dims(ops.cast(weights, "float32"), -1)
    columns = ops.one_hot(predictions, n, dtype="float32")
    return ops.cast(ops.matmul(ops.transpose(rows), columns), dtype)


def polyval(coeffs: Sequence[Any], x: Any, name: str | None = None) -> Any:
    """The polynomial with these coefficients, highest power first, at x.

    >>> float(polyval([1.0, 0.0, 2.0], 3.0))
    11.0
    """
    value = ops.zeros_like(x)
    for c in coeffs:
        value = value * x + c
    return value


softmax = adopt("ops.softmax", "logits axis")

__getattr__ = lacks("tf.math", __name__)
