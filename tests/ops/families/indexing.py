"""Indexing, scatter, segments, order. References: loops over places."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import INF, NAN, at, by_index, integers, kink, normal, signed

ALL = slice(None)
LEAST = np.iinfo("int64").min


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]


def read(key: Any, *, inputs: Any = None) -> Case:
    """x[key] for x of shape (3, 4, 2), against the same on nested lists of places."""
    shape = (3, 4, 2)
    places = np.arange(24).reshape(shape)
    return Case(
        "getitem",
        normal(shape),
        lambda x: x.ravel()[places[key]],
        call=lambda x: x[key],
        second=False,
    )


def read_at(shape: tuple[int, ...], indices: Any, call: Callable[..., Any], reference: Any) -> Case:
    """x[...] with index tensors as inputs."""
    return Case(
        "getitem",
        lambda r: (r.standard_normal(shape), *(np.array(i, "int32") for i in indices)),
        reference,
        call=call,
    )


READING = [
    *(
        read(key)
        for key in (
            1,
            -1,
            (0, slice(1, None)),
            (Ellipsis, 0),
            (ALL, None, slice(None, None, 2)),
            slice(None, None, -1),
            (slice(2, 0, -1), slice(3, None, -2)),
            (1, 2, 0),
            (ALL, [0, 0, 3]),
            ([0, 2], slice(1, 3), [1, 0]),
            ([[0], [2]], [[1, 2, 1]]),
            np.arange(24).reshape(3, 4, 2) % 3 == 0,
            (ALL, np.array([True, False, True, True])),
        )
    ),
    read_at((4, 2), ([0, 3, 0, -1],), lambda x, i: x[i], lambda x, i: np.array([x[j] for j in i])),
    read_at(
        (2, 3, 4),
        ([[0, 1], [2, 2]],),
        lambda x, i: x[:, i],
        lambda x, i: by_index((2, 2, 2, 4), lambda a, b, c, d: x[a, i[b, c], d]),
    ),
    read_at(
        (2, 3, 4),
        ([0, 1, 1], [3, 0, 0]),
        lambda x, i, j: x[i, :, j],
        lambda x, i, j: by_index((3, 3), lambda a, b: x[i[a], b, j[a]]),
    ),
    read_at((3,), (2,), lambda x, i: x[i], lambda x, i: x[int(i)]),
    Case("get_item", normal((3, 2)), lambda x, key: x[1], {"key": 1}),
    Case(
        "take",
        lambda r: (r.standard_normal((3, 2)), np.array([[2, 0], [-1, 2]], "int32")),
        lambda x, i, axis: by_index((2, 2, 2), lambda a, b, c: x[i[a, b], c]),
        {"axis": 0},
    ),
    Case(
        "take",
        lambda r: (r.standard_normal((2, 3, 2)), np.array([2, 2, 0, 1], "int32")),
        lambda x, i, axis: by_index((2, 4, 2), lambda a, b, c: x[a, i[b], c]),
        {"axis": 1},
    ),
    Case(
        "take",
        lambda r: (r.standard_normal((2, 3)), np.array([5, 0], "int32")),
        lambda x, i: np.array([x[1, 2], x[0, 0]]),
    ),
    Case(
        "take_along_axis",
        lambda r: (r.standard_normal((2, 3, 2)), r.integers(-3, 3, (2, 4, 2)).astype("int32")),
        lambda x, i, axis: by_index((2, 4, 2), lambda a, b, c: x[a, i[a, b, c], c]),
        {"axis": 1},
    ),
    Case(
        "take_along_axis",
        lambda r: (r.standard_normal((2, 3)), np.array([[1], [2]], "int32")),
        lambda x, i, axis: np.array([[x[0, 1]], [x[1, 2]]]),
        {"axis": -1},
    ),
    Case(
        "take_along_axis",
        lambda r: (r.standard_normal((3, 2)), np.array([[0], [2]], "int32")),
        lambda x, i, axis: np.array([x[0], x[2]]),
        {"axis": 0},
    ),
    Case(
        "take_along_axis",
        lambda r: (r.standard_normal((2, 2)), np.array([3, 3, 0], "int32")),
        lambda x, i: np.array([x[1, 1], x[1, 1], x[0, 0]]),
    ),
    Case(
        "slice",
        normal((3, 4)),
        lambda x, **_: by_index((2, 3), lambda i, j: x[i + 1, j + 1]),
        {"start_indices": (1, 1), "shape": (2, -1)},
    ),
    Case(
        "slice",
        lambda r: (r.standard_normal((3, 4)), np.array([5, -2], "int32")),
        lambda x, s: by_index((2, 3), lambda i, j: x[i + 1, j]),
        call=lambda x, s: op("slice")(x, s, (2, 3)),
    ),
    Case(
        "slice_update",
        lambda r: (r.standard_normal((3, 4)), np.array([1, 2], "int32"), r.standard_normal((2, 2))),
        lambda x, s, u: by_index(
            (3, 4), lambda i, j: u[i - 1, j - 2] if i >= 1 and j >= 2 else x[i, j]
        ),
    ),
    Case(
        "select",
        signed(2, 3),
        lambda x: np.array([[v * v if v < -1 else -v if v > 1 else 7.0 for v in row] for row in x]),
        call=lambda x: op("select")([x < -1, x > 1], [x * x, -x], 7.0),
    ),
    Case(
        "unravel_index",
        integers((4,), high=24),
        lambda i, shape: [np.array(v) for v in zip(*(divmod(int(k), 6) for k in i), strict=True)],
        {"shape": (4, 6)},
        differentiable=(),
    ),
]


def scattered(indices: Any, values: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, values.dtype)
    for place in np.ndindex(*indices.shape[:-1]):
        target = tuple(int(i) for i in indices[place])
        out[target] = out[target] + values[place]
    return out


def updated(x: Any, indices: Any, updates: Any, reduction: Any = None) -> Any:
    combine = {
        None: lambda a, b: b,
        "add": np.add,
        "max": np.maximum,
        "min": np.minimum,
        "mul": np.multiply,
    }
    out = x.copy()
    for place in np.ndindex(*indices.shape[:-1]):
        target = tuple(int(i) for i in indices[place])
        out[target] = combine[reduction](out[target], updates[place])
    return out


def three_updates(last: list[int]) -> Callable[[Any], tuple[Any, ...]]:
    places = np.array([[0, 1], [2, 0], last], "int32")
    return lambda r: (r.uniform(0.3, 2, (3, 2)), places, r.uniform(0.3, 2, 3))


def segments(start: float, combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def reference(data: Any, ids: Any, num_segments: int) -> Any:
        out = np.full((num_segments, *data.shape[1:]), start)
        for k, row in zip(ids, data, strict=True):
            if 0 <= k < num_segments:
                out[k] = combine(out[k], row)
        return out

    return reference


def segmented(r: Any) -> tuple[Any, ...]:
    return r.uniform(0.3, 2, (7, 2)), np.array([2, 0, 2, 5, 0, 1, -1], "int32")


WRITING = [
    Case(
        "scatter",
        lambda r: (np.array([[0], [3], [0]], "int32"), r.standard_normal((3, 2))),
        scattered,
        {"shape": (4, 2)},
    ),
    Case(
        "scatter",
        lambda r: (np.array([[[0, 1]], [[2, 2]]], "int32"), r.standard_normal((2, 1))),
        scattered,
        {"shape": (3, 3)},
    ),
    *(
        Case(
            "scatter_update",
            three_updates([1, 1] if name is None else [0, 1]),
            updated,
            {"reduction": name},
        )
        for name in (None, "add", "max", "min", "mul")
    ),
    Case(
        "scatter_update",
        lambda r: (
            r.standard_normal((4, 2)),
            np.array([[3], [0]], "int32"),
            r.standard_normal((2, 2)),
        ),
        updated,
    ),
    Case("segment_sum", segmented, segments(0.0, np.add), {"num_segments": 4}),
    Case(
        "segment_max",
        segmented,
        segments(-INF, np.maximum),
        {"num_segments": 3},
        special=(
            at([5.0, 2.0, 7.0], [2, 0, 2], [2.0, -INF, 7.0]),
            at([5, 7], [2, 2], [LEAST, LEAST, 7]),
            at(np.zeros((0,)), np.zeros((0,), "int32"), [-INF] * 3),
        ),
        kinks=(kink(([5.0, 5.0, 1.0], [1, 1, 1]), ([0.0, 1.0, 0.0], [0, 0, 0])),),
    ),
    Case(
        "segment_min",
        segmented,
        segments(INF, np.minimum),
        {"num_segments": 3},
        special=(
            at([5.0, 2.0, 7.0], [2, 0, 2], [2.0, INF, 5.0]),
            at([5, 7], [2, 2], [-1 - LEAST, -1 - LEAST, 5]),
        ),
    ),
    Case(
        "segment_prod",
        segmented,
        segments(1.0, np.multiply),
        {"num_segments": 4},
        special=(
            # What is infinite or NaN stays in its own segment.
            at([1.0, INF, 2.0, 3.0], [0, 0, 1, 1], [INF, 6.0, 1.0, 1.0]),
            at([NAN, 1.0, 2.0, 3.0], [0, 0, 2, 2], [NAN, 1.0, 6.0, 1.0]),
            at(np.zeros((0,)), np.zeros((0,), "int32"), [1.0] * 4),
        ),
        kinks=(kink(([0.0, 5.0, INF, 2.0], [0, 0, 1, 2]), ([5.0, 0.0, 1.0, 1.0], [0] * 4)),),
    ),
    Case(
        "one_hot",
        integers((2, 3), low=-1, high=5),
        lambda x, num_classes: by_index((2, 3, 4), lambda i, j, k: float(x[i, j] == k)),
        {"num_classes": 4},
        differentiable=(),
    ),
    Case(
        "one_hot",
        integers((2, 3), high=4),
        lambda x, **_: by_index((4, 2, 3), lambda k, i, j: int(x[i, j] == k)),
        {"num_classes": 4, "axis": 0, "dtype": "int32"},
        differentiable=(),
    ),
    Case(  # more classes than an 8-bit number can name
        "one_hot",
        lambda r: (r.integers(0, 40, 3).astype("uint8"),),
        lambda x, num_classes: by_index((3, 300), lambda i, k: float(x[i] == k)),
        {"num_classes": 300},
        differentiable=(),
    ),
    Case(
        "multi_hot",
        integers((2, 3), high=4),
        lambda x, num_classes: by_index((2, 4), lambda i, k: float(k in x[i])),
        {"num_classes": 4},
        differentiable=(),
    ),
    Case(
        "multi_hot",
        integers((3,), high=4),
        lambda x, num_classes: by_index((4,), lambda k: float(k in x)),
        {"num_classes": 4},
        differentiable=(),
    ),
    Case(
        "bincount", lambda r: ([1, 1, 3, 0],), lambda x: np.array([1, 2, 0, 1]), differentiable=()
    ),
    Case(
        "bincount",
        lambda r: ([[1, 1], [2, 0]],),
        lambda x, minlength: np.array([[0, 2, 0, 0], [1, 0, 1, 0]]),
        {"minlength": 4},
        differentiable=(),
    ),
    Case(
        "bincount",
        lambda r: ([1, 1, 3], r.standard_normal(3)),
        lambda x, w: np.array([0.0, w[0] + w[1], 0.0, w[2]]),
    ),
]


def ordered(x: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return np.array(sorted(x.ravel().tolist()))
    return np.apply_along_axis(lambda row: np.array(sorted(row.tolist())), axis, x)


def order_of(x: Any, axis: int | None = -1) -> Any:
    def places(row: Any) -> Any:
        return np.array(sorted(range(len(row)), key=row.tolist().__getitem__))

    return places(x.ravel()) if axis is None else np.apply_along_axis(places, axis, x)


ORDER = [
    Case("sort", normal((2, 5)), ordered, special=(at([NAN, 2.0, -INF], [-INF, 2.0, NAN]),)),
    Case("sort", normal((3, 2)), ordered, {"axis": 0}),
    Case("sort", normal((3, 2)), ordered, {"axis": None}),
    Case(
        "argsort",
        normal((2, 5)),
        order_of,
        differentiable=(),
        special=(at([1.0, 0.0, 1.0, 0.0], [1, 3, 0, 2]),),
    ),
    Case("argsort", normal((3, 2)), order_of, {"axis": 0}, differentiable=()),
    Case("argsort", normal((3, 2)), order_of, {"axis": None}, differentiable=()),
    Case(
        "argpartition",
        normal((5,)),
        order_of,
        differentiable=(),
        call=lambda x: op("argpartition")(x, 2),
    ),
    Case(
        "top_k",
        normal((2, 5)),
        lambda x, k: [-ordered(-x)[:, :k], order_of(-x)[:, :k]],
        {"k": 3},
        kinks=(kink(([5.0, 1.0, 5.0, 5.0],), ([1.0, 0.0, 1.0, 1.0],)),),
        special=(
            (at([1.0, 3.0, 3.0, 2.0], 0)[0], [np.array([3.0, 3.0, 2.0]), np.array([1, 2, 3])]),
        ),
    ),
    Case(
        "in_top_k",
        lambda r: (np.array([0, 2, 1], "int32"), r.standard_normal((3, 4))),
        lambda t, p, k: np.array(
            [sum(v > row[i] for v in row) < k for i, row in zip(t, p, strict=True)]
        ),
        {"k": 2},
        differentiable=(),
    ),
    Case(
        "searchsorted",
        lambda r: (np.sort(r.standard_normal(5)), r.standard_normal((2, 3))),
        lambda s, v: np.vectorize(lambda y: bisect.bisect_left(s.tolist(), y))(v),
        differentiable=(),
        special=(at([1.0, 2.0, 2.0], [2.0, 0.0], [1, 0]),),
    ),
    Case(
        "searchsorted",
        lambda r: (np.arange(5, dtype="int32"), r.integers(0, 5, 4).astype("int32")),
        lambda s, v, side: np.vectorize(lambda y: bisect.bisect_right(s.tolist(), y))(v),
        {"side": "right"},
        differentiable=(),
    ),
    Case(
        "digitize",
        lambda r: (r.standard_normal(6), np.array([-1.0, 0.0, 1.0])),
        lambda x, bins: np.array([sum(b <= v for b in bins) for v in x]),
        differentiable=(),
    ),
    Case(
        "isin",
        integers((2, 3), (4,)),
        lambda a, b: by_index((2, 3), lambda i, j: a[i, j] in b.tolist()),
        differentiable=(),
    ),
    Case(
        "isin",
        integers((4,), (4,)),
        lambda a, b, invert: np.array([v not in b.tolist() for v in a]),
        {"invert": True},
        differentiable=(),
    ),
    Case(
        "nonzero",
        lambda r: ([[0, 1], [1, 1]],),
        lambda x: [np.array([0, 1, 1]), np.array([1, 0, 1])],
        differentiable=(),
    ),
    Case("unique", lambda r: ([3, 1, 3],), lambda x: np.array([1, 3]), differentiable=()),
    Case(
        "unique",
        lambda r: ([3, 1, 3],),
        lambda x, **_: [np.array([1, 3]), np.array([1, 0]), np.array([1, 0, 1]), np.array([1, 2])],
        {"return_index": True, "return_inverse": True, "return_counts": True},
        differentiable=(),
    ),
    Case(
        "unique",
        lambda r: ([3, 1, 3],),
        lambda x, **_: np.array([1, 3, 9]),
        {"size": 3, "fill_value": 9},
        differentiable=(),
    ),
]

CASES = [*READING, *WRITING, *ORDER]
