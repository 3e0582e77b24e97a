"""`tf.keras.backend`: etude's own, and the functions of tensors that `keras.ops` has replaced."""

# ruff: noqa: F403
from __future__ import annotations

from typing import Any

from etude import activations, config, layers, ops, random
from etude.backend import *
from etude.compat.adoption import adopt, integers
from etude.compat.missing import lacks
from etude.dtypes import standardize_dtype
from etude.naming import name_scope as name_scope
from etude.variable import Variable

# --- element by element -------------------------------------------------------------------------

abs = adopt("ops.abs", "x")
cast = adopt("ops.cast", "x dtype")
clip = adopt("ops.clip", "x min_value max_value")
cos = adopt("ops.cos", "x")
elu = adopt("ops.elu", "x alpha")
equal = adopt("ops.equal", "x y")
exp = adopt("ops.exp", "x")
greater = adopt("ops.greater", "x y")
greater_equal = adopt("ops.greater_equal", "x y")
hard_sigmoid = adopt("ops.hard_sigmoid", "x")
less = adopt("ops.less", "x y")
less_equal = adopt("ops.less_equal", "x y")
log = adopt("ops.log", "x")
maximum = adopt("ops.maximum", "x y")
minimum = adopt("ops.minimum", "x y")
not_equal = adopt("ops.not_equal", "x y")
pow = adopt("ops.power", "x a")
round = adopt("ops.round", "x")
sigmoid = adopt("ops.sigmoid", "x")
sign = adopt("ops.sign", "x")
sin = adopt("ops.sin", "x")
softmax = adopt("ops.softmax", "x axis")
softplus = adopt("ops.softplus", "x")
softsign = adopt("ops.softsign", "x")
square = adopt("ops.square", "x")
stop_gradient = adopt("ops.stop_gradient", "variables")
tanh = adopt("ops.tanh", "x")


def sqrt(x: Any) -> Any:
    """The square root; of what is below 0, that of 0.

    >>> sqrt([-1.0, 4.0]).numpy().tolist()
    [0.0, 2.0]
    """
    return ops.sqrt(ops.maximum(x, 0.0))


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0) -> Any:
    """x above the threshold, a slope of alpha below, at most ``max_value``.

    >>> relu([-1.0, 3.0], max_value=2.0).numpy().tolist()
    [0.0, 2.0]
    """
    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


# --- over axes ----------------------------------------------------------------------------------

all = adopt("ops.all", "x axis keepdims")
any = adopt("ops.any", "x axis keepdims")
argmax = adopt("ops.argmax", "x axis")
argmin = adopt("ops.argmin", "x axis")
cumprod = adopt("ops.cumprod", "x axis")
cumsum = adopt("ops.cumsum", "x axis")
logsumexp = adopt("ops.logsumexp", "x axis keepdims")
max = adopt("ops.max", "x axis keepdims")
mean = adopt("ops.mean", "x axis keepdims")
min = adopt("ops.min", "x axis keepdims")
prod = adopt("ops.prod", "x axis keepdims")
std = adopt("ops.std", "x axis keepdims")
sum = adopt("ops.sum", "x axis keepdims")
var = adopt("ops.var", "x axis keepdims")


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """x divided by its Euclidean norm.

    >>> [f"{v:.1f}" for v in l2_normalize([3.0, 4.0])]
    ['0.6', '0.8']
    """
    norm = ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))
    return ops.divide(x, norm)


# --- shapes -------------------------------------------------------------------------------------

concatenate = adopt("ops.concatenate", "tensors axis")
expand_dims = adopt("ops.expand_dims", "x axis")
gather = adopt("ops.take", "reference indices")
permute_dimensions = adopt("ops.transpose", "x pattern")
repeat_elements = adopt("ops.repeat", "x rep axis")
reshape = adopt("ops.reshape", "x shape")
reverse = adopt("ops.flip", "x axes")
squeeze = adopt("ops.squeeze", "x axis")
stack = adopt("ops.stack", "x axis")
tile = adopt("ops.tile", "x n")
transpose = adopt("ops.transpose", "x")


def shape(x: Any) -> Any:
    """The sizes of a tensor.

    >>> tuple(shape([[1, 2]]))
    (1, 2)
    """
    return ops.shape(x)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of a tensor, None where they are not known.

    >>> int_shape([[1, 2]])
    (1, 2)
    """
    return tuple(ops.shape(x))


def ndim(x: Any) -> int:
    """The number of axes.

    >>> ndim([[1, 2]])
    2
    """
    return len(ops.shape(x))


def dtype(x: Any) -> str:
    """The name of the dtype.

    >>> dtype([1.0])
    'float32'
    """
    return ops.dtype(x)


def flatten(x: Any) -> Any:
    """All elements in one axis.

    >>> flatten([[1, 2]]).shape
    (2,)
    """
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """All elements of a sample in one axis.

    >>> batch_flatten([[[1, 2]]]).shape
    (1, 2)
    """
    return ops.reshape(x, (ops.shape(x)[0], -1))


def repeat(x: Any, n: int) -> Any:
    """A matrix n times along a new middle axis.

    >>> repeat([[1, 2]], 3).shape
    (1, 3, 2)
    """
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """start, start + step, ... below stop.

    >>> arange(3).numpy().tolist()
    [0, 1, 2]
    """
    return ops.arange(start, stop, step, dtype=dtype)


# --- making -------------------------------------------------------------------------------------


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A tensor of these values.

    >>> constant(2.0, shape=(2,)).numpy().tolist()
    [2.0, 2.0]
    """
    tensor = ops.convert_to_tensor(value, dtype)
    return tensor if shape is None else ops.broadcast_to(tensor, integers(shape))


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A Variable with this value.

    >>> variable([1.0]).numpy().tolist()
    [1.0]
    """
    return Variable(value, dtype=standardize_dtype(dtype), name=name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of zeros.

    >>> zeros((2,)).numpy().tolist()
    [0.0, 0.0]
    """
    return variable(ops.zeros(integers(shape), standardize_dtype(dtype)), dtype)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of ones.

    >>> ones((2,)).numpy().tolist()
    [1.0, 1.0]
    """
    return variable(ops.ones(integers(shape), standardize_dtype(dtype)), dtype)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros in the shape of a tensor.

    >>> zeros_like([1.0]).numpy().tolist()
    [0.0]
    """
    return ops.zeros_like(x, dtype=dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones in the shape of a tensor.

    >>> ones_like([0.0]).numpy().tolist()
    [1.0]
    """
    return ops.ones_like(x, dtype=dtype)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable with the identity matrix.

    >>> eye(2).numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = size if isinstance(size, (tuple, list)) else (size, size)
    return variable(ops.eye(rows, columns), dtype)


def one_hot(indices: Any, num_classes: int) -> Any:
    """A vector for each index, with 1 at the index.

    >>> one_hot([1], 3).numpy().tolist()
    [[0.0, 1.0, 0.0]]
    """
    return ops.one_hot(indices, num_classes)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draws from a normal distribution.

    >>> random_normal((2,), seed=1).shape
    (2,)
    """
    return random.normal(integers(shape), mean, stddev, dtype, seed=seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draws from [minval, maxval), evenly.

    >>> random_uniform((2,), seed=1).shape
    (2,)
    """
    return random.uniform(integers(shape), minval, maxval, dtype, seed=seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draws from a normal distribution, none further than two deviations from the mean.

    >>> truncated_normal((2,), seed=1).shape
    (2,)
    """
    return random.truncated_normal(integers(shape), mean, stddev, dtype, seed=seed)


# --- values -------------------------------------------------------------------------------------


def get_value(x: Any) -> Any:
    """The values as a NumPy array.

    >>> get_value(variable([1.0])).tolist()
    [1.0]
    """
    return x.numpy() if hasattr(x, "numpy") else x


eval = get_value


def batch_get_value(tensors: Any) -> list[Any]:
    """The values of several as NumPy arrays.

    >>> [v.tolist() for v in batch_get_value([variable(1.0), variable(2.0)])]
    [1.0, 2.0]
    """
    return [get_value(t) for t in tensors]


def set_value(x: Any, value: Any) -> None:
    """Assigns a value to a Variable.

    >>> v = variable([1.0])
    >>> set_value(v, [2.0])
    >>> v.numpy().tolist()
    [2.0]
    """
    x.assign(value)


def batch_set_value(tuples: Any) -> None:
    """Assigns values to several Variables.

    >>> batch_set_value([(variable(1.0), 2.0)])
    """
    for x, value in tuples:
        x.assign(value)


update = set_value


def update_add(x: Any, increment: Any) -> Any:
    """Adds to a Variable.

    >>> float(update_add(variable(1.0), 2.0))
    3.0
    """
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtracts from a Variable.

    >>> float(update_sub(variable(1.0), 2.0))
    -1.0
    """
    return x.assign_sub(decrement)


def count_params(x: Any) -> int:
    """The number of elements.

    >>> count_params(variable([[1.0, 2.0]]))
    2
    """
    return int(ops.size(x))


def cast_to_floatx(x: Any) -> Any:
    """The values in the default dtype for floats.

    >>> cast_to_floatx([1]).dtype
    dtype('float32')
    """
    return ops.convert_to_numpy(ops.cast(x, standardize_dtype(None)))


# --- layers' functions --------------------------------------------------------------------------

binary_crossentropy = adopt("ops.binary_crossentropy", "target output from_logits")
categorical_crossentropy = adopt("ops.categorical_crossentropy", "target output from_logits axis")
sparse_categorical_crossentropy = adopt(
    "ops.sparse_categorical_crossentropy", "target output from_logits axis"
)
in_top_k = adopt("ops.in_top_k", "targets predictions k")


def dot(x: Any, y: Any) -> Any:
    """The product of matrices: the last axis of x with the second to last of y.

    >>> dot([[1.0, 2.0]], [[3.0], [4.0]]).numpy().tolist()
    [[11.0]]
    """
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Products of samples with samples, along an axis of each.

    >>> batch_dot([[1.0, 2.0]], [[3.0, 4.0]], axes=1).numpy().tolist()
    [[11.0]]
    """
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    if axes is None:
        axes = (x.ndim - 1, 1 if y.ndim == 2 else y.ndim - 2)
    return layers.Dot(axes)([x, y])


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """A bias added to each channel, the last axis.

    >>> bias_add([[1.0]], [2.0]).numpy().tolist()
    [[3.0]]
    """
    if data_format == "channels_first":
        bias = ops.reshape(bias, (-1, *(1,) * (len(ops.shape(x)) - 2)))
    return ops.add(x, bias)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """A share of the elements set to 0, the others scaled up.

    >>> dropout([1.0], 0.0).numpy().tolist()
    [1.0]
    """
    return random.dropout(x, level, noise_shape, seed=seed)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values, or what one of two functions gives.

    >>> float(switch(True, 1.0, 2.0))
    1.0
    """
    if callable(then_expression):
        return ops.cond(condition, then_expression, else_expression)
    return ops.where(condition, then_expression, else_expression)


def map_fn(fn: Any, elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """What a function gives for each row.

    >>> map_fn(lambda x: x + 1, variable([1.0, 2.0])).numpy().tolist()
    [2.0, 3.0]
    """
    return ops.map(fn, ops.convert_to_tensor(elems))


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The loss of sequences of labels whose places are not known; the last class is the blank.

    Args:
        y_true: labels, (batch, labels).
        y_pred: probabilities, as a softmax gives them, (batch, steps, classes).
        input_length: how many steps count, (batch, 1).
        label_length: how many labels count, (batch, 1).

    Returns:
        -ln p(labels | probabilities), (batch, 1).

    >>> f"{float(ctc_batch_cost([[0]], [[[0.5, 0.5]]], [[1]], [[1]])[0, 0]):.3f}"
    '0.693'
    """
    lengths = [ops.reshape(length, (-1,)) for length in (label_length, input_length)]
    logs = ops.log(ops.convert_to_tensor(y_pred) + config.epsilon())
    return ops.expand_dims(ops.ctc_loss(y_true, logs, *lengths, mask_index=logs.shape[-1] - 1), 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> Any:
    """The likeliest sequences of labels; the last class is the blank.

    Args:
        y_pred: probabilities, as a softmax gives them, (batch, steps, classes).
        input_length: how many steps count, (batch,).
        greedy: whether the best class of each step is taken, instead of a beam search.
        beam_width: how many sequences the search keeps.
        top_paths: how many it returns.

    Returns:
        A list of labels, (batch, steps), each filled up with -1; and scores, (batch, paths).

    >>> labels, _ = ctc_decode([[[0.9, 0.1], [0.1, 0.9]]], [2])
    >>> labels[0].numpy().tolist()
    [[0, -1]]
    """
    logs = ops.log(ops.convert_to_tensor(y_pred) + config.epsilon())
    strategy, paths = ("greedy", 1) if greedy else ("beam_search", top_paths)
    found, scores = ops.ctc_decode(
        logs,
        ops.reshape(input_length, (-1,)),
        strategy,
        beam_width=beam_width,
        top_paths=paths,
        mask_index=logs.shape[-1] - 1,
    )
    return [found[i] for i in range(paths)], scores


def manual_variable_initialization(value: bool) -> None:
    """Accepted."""


__getattr__ = lacks("tf.keras.backend", __name__)
