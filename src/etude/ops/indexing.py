"""Reading and replacing elements by their places.

A gradient is put back where its element was read; what is read twice gets the sum.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from etude import tree
from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive, unknown_size
from etude.dtypes import is_float_dtype, is_int_dtype
from etude.engine import xp
from etude.errors import ArgumentError, DtypeError
from etude.ops.core import cast
from etude.ops.elementwise import where
from etude.ops.shape import axis_index, broadcast_to, ravel

__all__ = [
    "get_item",
    "getitem",
    "select",
    "slice",
    "slice_update",
    "take",
    "take_along_axis",
    "unravel_index",
]

Array = Any
PLACES = "places have no derivative"

_slice = slice  # Python's own; the operation of Keras takes its name below


class _Slot:
    """Stands in a key for the next of the index arrays."""

    def __repr__(self) -> str:
        return "·"


_SLOT = _Slot()
Key = tuple[Any, ...]


# --- x[key] -----------------------------------------------------------------------------------


@composite
def getitem(x: Any, key: Any) -> Tensor:
    """x[key], as in NumPy: integers, slices, None, ..., and arrays of integers or truth values.

    Args:
        x: any.
        key: what stands in the brackets; a tuple for several axes.

    Raises:
        ArgumentError: an index is out of range, or there are too many.
        DtypeError: an index is neither integer nor truth value.
        TracingError: how many elements a mask selects is not known while a program is traced.

    >>> x = as_tensor([[1, 2, 3], [4, 5, 6]])
    >>> getitem(x, (0, -1)).numpy().tolist()
    3
    >>> x[:, [2, 0]].numpy().tolist(), x[x > 4].numpy().tolist()
    ([[3, 1], [6, 4]], [5, 6])
    """
    x = as_tensor(x)
    static: list[Any] = []
    arrays: list[Tensor] = []
    for item in key if isinstance(key, tuple) else (key,):  # pyright: ignore[reportUnknownVariableType]
        for part in _parts(item):
            static.append(_SLOT if isinstance(part, Tensor) else part)
            arrays += [part] if isinstance(part, Tensor) else []
    _check_range(static, x.shape)
    return _getitem(x, *arrays, key=tuple(static))


@composite
def get_item(x: Any, key: Any) -> Tensor:
    """x[key]: another name of `getitem`.

    >>> int(get_item([1, 2, 3], -1))
    3
    """
    return getitem(x, key)


def _parts(item: Any) -> list[Any]:
    """One entry of a key as static entries and Tensors of integers."""
    if item is None or item is Ellipsis:
        return [item]
    if isinstance(item, _slice):
        ends = (item.start, item.stop, item.step)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return [_slice(*(None if e is None else operator.index(e) for e in ends))]  # type: ignore[arg-type]
    if not hasattr(item, "shape") and not isinstance(item, (list, bool)):
        try:
            return [operator.index(item)]
        except TypeError:
            raise DtypeError(
                "A Tensor is indexed with integers, slices, None, ..., and arrays of integers or "
                f"truth values; got {item!r}."
            ) from None
    t = static_tensor(item)
    if isinstance(item, list) and not item:
        t = as_tensor(t, "int32")
    if t.dtype == "bool":
        return list(places_of(t))
    if not is_int_dtype(t.dtype):
        raise DtypeError(f"An index must be an integer; got a tensor of dtype {t.dtype}.")
    return [t]


def static_tensor(value: Any) -> Tensor:
    """A Tensor; what is given as numbers or a NumPy array is known also while a program is traced.

    >>> static_tensor([1, 2]).shape
    (2,)
    """
    if any(hasattr(v, "node") or hasattr(v, "__etude_tensor__") for v in tree.flatten(value)):
        return as_tensor(value)
    with xp().concretely():
        return as_tensor(value)


def places_of(mask: Tensor) -> tuple[Tensor, ...]:
    """Where a mask holds: int32 places, one tensor for each axis.

    Raises:
        TracingError: how many there are is not known while a program is traced.

    >>> [t.numpy().tolist() for t in places_of(as_tensor([False, True, True]))]
    [[1, 2]]
    """
    if xp().is_traced(mask.array):
        mask.numpy()  # says which line needs the values
    with xp().concretely():
        return tuple(Tensor(xp().astype(a, "int32")) for a in xp().nonzero(mask.array))


def _check_range(key: list[Any], shape: tuple[int, ...]) -> None:
    """Static indices are checked here: XLA would clamp them in silence."""
    used = [k for k in key if k is not None and k is not Ellipsis]
    if len(used) > len(shape):
        raise ArgumentError(f"{len(used)} indices for a tensor of shape {shape}.")
    if key.count(Ellipsis) > 1:
        raise ArgumentError("An index can contain `...` only once.")
    front = True
    for place, k in enumerate(key):
        front = front and k is not Ellipsis
        if isinstance(k, int):
            rest = key[:place] if front else key[place:]
            counted = [r for r in rest if r is not None and r is not Ellipsis]
            axis = len(counted) if front else len(shape) - len(counted)
            if not -shape[axis] <= k < shape[axis]:
                raise ArgumentError(
                    f"Index {k} is out of range for axis {axis} of a tensor of shape {shape}."
                )


def _filled(key: Key, arrays: Sequence[Array]) -> Key:
    rest = iter(arrays)
    return tuple(next(rest) if k is _SLOT else k for k in key)


@primitive
def _getitem(*xs: Array, key: Key) -> Array:
    """x[key]; the inputs are x, and the index arrays for the slots of the key."""
    return xs[0][_filled(key, xs[1:])]


@_getitem.gradient
def _(g: Tensor, out: Tensor, *xs: Tensor, key: Key):
    return _put(g, *xs[1:], key=key, shape=xs[0].shape), *(None for _ in xs[1:])


@primitive
def _put(*xs: Array, key: Key, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape with values added at a key; the inputs are values and index arrays."""
    zeros = xp().zeros(shape, str(xs[0].dtype))
    full = _filled(key, xs[1:])
    if len(xs) == 1:  # only slices and integers: no place occurs twice
        return xp().scatter_set(zeros, full, xs[0])
    *before, last = full
    if len(xs) == 2 and key[-1] is _SLOT and all(k == _slice(None) for k in before):
        return _put_rows(zeros, last, xs[0], len(before))
    return xp().scatter_add(zeros, full, xs[0])


def _put_rows(zeros: Array, rows: Array, values: Array, axis: int) -> Array:
    """Adds values at places of one axis, which is brought to the front: engines are fast there."""
    behind = tuple(range(axis, axis + rows.ndim))
    rest = (*range(axis), *range(axis + rows.ndim, values.ndim))
    added = xp().scatter_add(
        xp().moveaxis(zeros, axis, 0), (rows,), xp().transpose(values, (*behind, *rest))
    )
    return xp().moveaxis(added, 0, axis)


@_put.gradient
def _(g: Tensor, out: Tensor, *xs: Tensor, key: Key):
    return _getitem(g, *xs[1:], key=key), *(None for _ in xs[1:])


# --- along an axis ----------------------------------------------------------------------------


@composite
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Slices of x along an axis, by their indices.

    Args:
        x: any, (*A, n, *B) with n at the axis.
        indices: integers from -n to n - 1, of any shape I; floats that are whole numbers, too.
        axis: along which axis; of the flat tensor by default.

    Returns:
        (*A, *I, *B). Where an index is out of range, the engine 'numpy' raises an IndexError;
        a compiled program cannot, and gives NaN (for integers, the least one).

    >>> take([[1, 2], [3, 4], [5, 6]], [2, 0], axis=0).numpy().tolist()
    [[5, 6], [1, 2]]
    """
    x = ravel(x) if axis is None else as_tensor(x)
    places = as_tensor(indices)
    if not is_int_dtype(places.dtype):
        places = whole(places)
    return _take(x, places, axis=axis_index(0 if axis is None else axis, x.ndim))


def whole(places: Tensor) -> Tensor:
    """Floats as the integers that they are; of what is not known yet, only the dtype changes.

    >>> whole(as_tensor([1.0, 2.0])).numpy().tolist()
    [1, 2]
    """
    found = cast(places, "int32")
    known = is_float_dtype(places.dtype) and not xp().is_traced(places.array)
    if places.dtype == "bool" or (known and bool(xp().any(found.array != places.array))):
        raise DtypeError(f"take expects integers as indices; got dtype {places.dtype}.")
    return found


@primitive
def _take(x: Array, indices: Array, *, axis: int) -> Array:
    """`take` along one axis."""
    return xp().take(x, indices, axis=axis)


@_take.gradient
def _(g: Tensor, out: Tensor, x: Tensor, indices: Tensor, axis: int):
    key = (*(_slice(None),) * axis, _SLOT)
    return _put(g, indices, key=key, shape=x.shape), None


@composite
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """One element for each index: out[i, j, k] = x[i, indices[i, j, k], k], for axis 1.

    Args:
        x: any.
        indices: integers, of as many axes as x; other axes broadcast.
        axis: along which axis; of the flat tensor by default.

    >>> take_along_axis([[1, 2, 3], [4, 5, 6]], [[2], [0]], axis=1).numpy().tolist()
    [[3], [4]]
    """
    x = ravel(x) if axis is None else as_tensor(x)
    places = as_tensor(indices)
    places = places if is_int_dtype(places.dtype) else whole(places)
    if places.ndim != x.ndim:
        raise ArgumentError(
            "take_along_axis expects integers with as many axes as x; got indices of shape "
            f"{places.shape} and dtype {places.dtype} for x of shape {x.shape}."
        )
    return _take_along(x, places, axis=axis_index(0 if axis is None else axis, x.ndim))


@primitive
def _take_along(x: Array, indices: Array, *, axis: int) -> Array:
    """`take_along_axis` along one axis."""
    return xp().take_along_axis(x, indices, axis)


@_take_along.gradient
def _(g: Tensor, out: Tensor, x: Tensor, indices: Tensor, axis: int):
    return put_along(g, indices, axis=axis, shape=x.shape), None


@primitive
def _put_along(g: Array, indices: Array, *, axis: int, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape with g added where `_take_along` reads."""
    key: list[Array] = []
    for i, n in enumerate(shape):
        place = tuple(-1 if i == j else 1 for j in range(len(shape)))
        own = xp().arange(g.shape[i] if n > 1 else 1, dtype="int32").reshape(place)
        key.append(indices if i == axis else own)
    return xp().scatter_add(xp().zeros(shape, str(g.dtype)), tuple(key), g)


@_put_along.gradient
def _(g: Tensor, out: Tensor, values: Tensor, indices: Tensor, axis: int):
    return broadcast_to(_take_along(g, indices, axis=axis), values.shape), None


def put_along(g: Tensor, indices: Tensor, axis: int, shape: tuple[int, ...]) -> Tensor:
    """Zeros of a shape, with values added along an axis at indices: undoes `take_along_axis`.

    >>> put_along(as_tensor([5, 6]), as_tensor([2, 0]), 0, (3,)).numpy().tolist()
    [6, 0, 5]
    """
    return _put_along(g, indices, axis=axis_index(axis, len(shape)), shape=shape)


# --- windows ----------------------------------------------------------------------------------


@composite
def slice(inputs: Any, start_indices: Any, shape: Sequence[int]) -> Tensor:
    """The window of a shape that begins at start_indices.

    Args:
        inputs: any.
        start_indices: where it begins, an integer for each axis; may be a Tensor. A window that
            would stick out is moved inside.
        shape: its size for each axis; -1 for all that is left.

    >>> slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, -1]).numpy().tolist()
    [[2, 3], [5, 6]]
    """
    x = as_tensor(inputs)
    if len(shape) != x.ndim:
        raise ArgumentError(
            f"slice: The number of dimensions in `inputs` must match the number of dimensions in "
            f"`shape`; got shape={tuple(shape)} for inputs of shape {x.shape}."
        )
    if len(start_indices) != x.ndim:
        raise ArgumentError(
            "slice: The number of dimensions in `start_indices` must match the number of "
            f"dimensions in `inputs`; got {len(start_indices)} for inputs of shape {x.shape}."
        )
    probe = unknown_size() if isinstance(start_indices, Tensor) else None
    sizes = tuple(
        int(n) if n != -1 else probe or x.shape[i] - int(start_indices[i])
        for i, n in enumerate(shape)
    )
    if probe is not None and -1 in shape:  # how much is left depends on values
        return Tensor(xp().zeros(sizes, str(x.dtype)))
    return _window(x, _start(start_indices, sizes, x.shape), shape=sizes)


@composite
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """A copy of inputs, with a window that begins at start_indices replaced by updates.

    >>> slice_update([1, 2, 3, 4], [1], [8, 9]).numpy().tolist()
    [1, 8, 9, 4]
    """
    x = as_tensor(inputs)
    new = as_tensor(updates, x.dtype)
    return _window_set(x, _start(start_indices, new.shape, x.shape), new)


def _start(start: Any, window: Sequence[int], shape: Sequence[int]) -> Tensor:
    t = cast(static_tensor(start), "int32")
    if t.shape != (len(shape),) or len(window) != len(shape):
        raise ArgumentError(
            f"A slice of a tensor of shape {tuple(shape)} takes a start and a size for each axis; "
            f"got {t.shape} starts, and the sizes {tuple(window)}."
        )
    if any(w > n for w, n in zip(window, shape, strict=True)):
        raise ArgumentError(
            f"A window of shape {tuple(window)} does not fit into shape {tuple(shape)}."
        )
    return t


def _window_key(start: Array, window: Sequence[int], shape: Sequence[int]) -> Key:
    """The key of a window: slices, or index arrays where the start is not known yet."""
    rank = len(shape)
    room = [n - w for n, w in zip(shape, window, strict=True)]
    if not xp().is_traced(start):
        first = [min(max(int(s), 0), r) for s, r in zip(xp().to_numpy(start), room, strict=True)]
        return tuple(_slice(s, s + w) for s, w in zip(first, window, strict=True))
    return tuple(
        xp().clip(start[i], 0, room[i])
        + xp().arange(w, dtype="int32").reshape(tuple(-1 if i == j else 1 for j in range(rank)))
        for i, w in enumerate(window)
    )


@primitive
def _window(x: Array, start: Array, *, shape: tuple[int, ...]) -> Array:
    """`slice` with the start as an input."""
    return x[_window_key(start, shape, x.shape)]


@_window.gradient
def _(g: Tensor, out: Tensor, x: Tensor, start: Tensor):
    return _window_set(OPS["zeros_like"](x), start, g), None


@primitive
def _window_set(x: Array, start: Array, updates: Array) -> Array:
    """`slice_update` with the start as an input."""
    return xp().scatter_set(x, _window_key(start, updates.shape, x.shape), updates)


@_window_set.gradient
def _(g: Tensor, out: Tensor, x: Tensor, start: Tensor, updates: Tensor):
    return (
        lambda: _window_set(g, start, OPS["zeros_like"](updates)),
        None,
        lambda: _window(g, start, shape=updates.shape),
    )


# --- choice and places ------------------------------------------------------------------------


@composite
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """For each element the choice of the first condition that holds, else the default.

    >>> x = as_tensor([1, 5, 9])
    >>> select([x < 3, x < 7], [-x, 10 * x], 0).numpy().tolist()
    [-1, 50, 0]
    """
    if len(condlist) != len(choicelist):
        raise ArgumentError(
            f"select expects a choice for each condition; got {len(condlist)} conditions, "
            f"{len(choicelist)} choices."
        )
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(condition, choice, out)
    return as_tensor(out)


@composite
def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """Places in a flat tensor as places in a tensor of a shape: one tensor for each axis.

    >>> [int(i) for i in unravel_index(5, (2, 3))]
    [1, 2]
    """
    rest = as_tensor(indices)
    places: list[Tensor] = []
    for n in reversed(shape):
        places.append(rest % n)
        rest = rest // n
    return tuple(reversed(places))
