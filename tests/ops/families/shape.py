"""Shape, joining, repetition, padding, creation. References: element by element, by formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import NAN, at, by_index, integers, kink, normal

X = (2, 3, 2)


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]


def listed(name: str) -> Callable[..., Any]:
    """Calls an operation that takes its tensors in a list."""
    return lambda *xs, **options: op(name)(list(xs), **options)


def filled(shape: tuple[int, ...]) -> Callable[..., Any]:
    """The elements, row by row, in a shape."""

    def reference(x: Any, **_: Any) -> Any:
        elements = iter(x.ravel().tolist())
        return by_index(shape, lambda *_: next(elements))

    return reference


def picked(shape: tuple[int, ...], where: Callable[..., tuple[int, ...]]) -> Callable[..., Any]:
    """out[i, j, ...] = x[where(i, j, ...)]."""
    return lambda x, **_: by_index(shape, lambda *i: x[where(*i)])


def joined(*parts: Any, axis: int = 0) -> Any:
    """Concatenation along an axis, through lists."""
    moved = [np.moveaxis(p, axis, 0).tolist() for p in parts]
    return np.moveaxis(np.array([row for part in moved for row in part]), 0, axis)


def cut(x: Any, ends: list[int], axis: int = 0) -> list[Any]:
    rows = list(np.moveaxis(x, axis, 0))
    starts = [0, *ends]
    return [
        np.moveaxis(np.array(rows[a:b]).reshape(-1, *rows[0].shape), 0, axis)
        for a, b in zip(starts, [*ends, len(rows)], strict=True)
    ]


SHAPE = [
    Case("reshape", normal((2, 6)), filled((3, 4)), {"newshape": (3, 4)}),
    Case("reshape", normal((2, 6)), filled((2, 3, 2)), {"newshape": (2, -1, 2)}),
    Case("reshape", normal((1, 1)), filled(()), {"newshape": ()}),
    Case("ravel", normal((2, 3)), filled((6,))),
    Case("copy", normal((2, 3)), filled((2, 3))),
    Case("transpose", normal(X), picked((2, 3, 2), lambda i, j, k: (k, j, i))),
    Case(
        "transpose",
        normal((2, 3, 4)),
        picked((3, 4, 2), lambda i, j, k: (k, i, j)),
        {"axes": (1, 2, 0)},
    ),
    Case(
        "swapaxes",
        normal(X),
        picked((3, 2, 2), lambda i, j, k: (j, i, k)),
        {"axis1": 0, "axis2": -2},
    ),
    Case(
        "moveaxis",
        normal((2, 3, 4)),
        picked((4, 2, 3), lambda i, j, k: (j, k, i)),
        {"source": -1, "destination": 0},
    ),
    Case(
        "moveaxis",
        normal((2, 3, 4)),
        picked((3, 4, 2), lambda i, j, k: (k, i, j)),
        {"source": (0, 1), "destination": (2, 0)},
    ),
    Case("expand_dims", normal((2, 3)), filled((2, 1, 3)), {"axis": 1}),
    Case("expand_dims", normal((2, 3)), filled((1, 2, 3, 1)), {"axis": (0, -1)}),
    Case("squeeze", normal((1, 2, 1)), filled((2,))),
    Case("squeeze", normal((1, 2, 1)), filled((1, 2)), {"axis": -1}),
    Case(
        "broadcast_to",
        normal((3, 1)),
        picked((2, 3, 2), lambda i, j, k: (j, 0)),
        {"shape": (2, 3, 2)},
    ),
    Case("flip", normal((2, 3)), picked((2, 3), lambda i, j: (1 - i, 2 - j))),
    Case("flip", normal((2, 3)), picked((2, 3), lambda i, j: (i, 2 - j)), {"axis": 1}),
    Case("flip", normal(X), picked(X, lambda i, j, k: (1 - i, j, 1 - k)), {"axis": (0, 2)}),
    Case("fliplr", normal((2, 3)), picked((2, 3), lambda i, j: (i, 2 - j))),
    Case("flipud", normal((2, 3)), picked((2, 3), lambda i, j: (1 - i, j))),
    Case(
        "roll",
        normal((2, 3)),
        picked((2, 3), lambda i, j: divmod((3 * i + j - 2) % 6, 3)),
        {"shift": 2},
    ),
    Case(
        "roll",
        normal((2, 3)),
        picked((2, 3), lambda i, j: (i, (j + 1) % 3)),
        {"shift": -1, "axis": 1},
    ),
    Case(
        "roll",
        normal((2, 3)),
        picked((2, 3), lambda i, j: ((i - 1) % 2, (j - 2) % 3)),
        {"shift": (1, 2), "axis": (0, 1)},
    ),
    Case("rot90", normal((2, 3)), picked((3, 2), lambda i, j: (j, 2 - i))),
    Case("rot90", normal((2, 3)), picked((2, 3), lambda i, j: (1 - i, 2 - j)), {"k": 2}),
    Case("rot90", normal((2, 3)), picked((3, 2), lambda i, j: (1 - j, i)), {"k": -1}),
    Case("rot90", normal((2, 3)), picked((2, 3), lambda i, j: (i, j)), {"k": 0}),
]

JOINING = [
    Case(
        "concatenate", normal((2, 3), (1, 3)), lambda *xs: joined(*xs), call=listed("concatenate")
    ),
    Case("concatenate", normal((2, 3), (2, 1)), joined, {"axis": 1}, call=listed("concatenate")),
    Case(
        "concatenate",
        normal((2, 1, 2), (2, 3, 2)),
        joined,
        {"axis": -2},
        call=listed("concatenate"),
    ),
    Case(
        "concatenate",
        normal((2, 2), (3,)),
        lambda a, b, axis: np.array([*a.ravel(), *b]),
        {"axis": None},
        call=listed("concatenate"),
    ),
    Case(
        "stack",
        normal((2, 3), (2, 3)),
        lambda *xs: np.array([x.tolist() for x in xs]),
        call=listed("stack"),
    ),
    Case(
        "stack",
        normal((2, 3), (2, 3)),
        lambda *xs, axis: by_index((2, 3, 2), lambda i, j, k: xs[k][i, j]),
        {"axis": -1},
        call=listed("stack"),
    ),
    Case("unstack", normal((2, 3)), lambda x: [x[0], x[1]]),
    Case(
        "unstack",
        normal((2, 3)),
        lambda x, axis, num: [x[:, i] for i in range(3)],
        {"axis": -1, "num": 3},
    ),
    Case("split", normal((6, 2)), lambda x, **_: cut(x, [2, 4]), {"indices_or_sections": 3}),
    Case(
        "split",
        normal((2, 5)),
        lambda x, **_: cut(x, [1, 3], 1),
        {"indices_or_sections": [1, 3], "axis": 1},
    ),
    Case("array_split", normal((5, 2)), lambda x, **_: cut(x, [2, 4]), {"indices_or_sections": 3}),
    Case("hsplit", normal((2, 4)), lambda x, **_: cut(x, [2], 1), {"indices_or_sections": 2}),
    Case("vsplit", normal((4, 2)), lambda x, **_: cut(x, [2]), {"indices_or_sections": 2}),
    Case("dsplit", normal((1, 2, 4)), lambda x, **_: cut(x, [2], 2), {"indices_or_sections": 2}),
    Case("append", normal((2, 2), (3,)), lambda a, b: np.array([*a.ravel(), *b])),
    Case("append", normal((2, 2), (1, 2)), joined, {"axis": 0}),
    Case("vstack", normal((3,), (3,)), lambda a, b: np.array([a, b]), call=listed("vstack")),
    Case("hstack", normal((3,), (2,)), lambda a, b: np.array([*a, *b]), call=listed("hstack")),
    Case(
        "hstack", normal((2, 1), (2, 2)), lambda a, b: joined(a, b, axis=1), call=listed("hstack")
    ),
    Case(
        "dstack",
        normal((3,), (3,)),
        lambda a, b: by_index((1, 3, 2), lambda i, j, k: (a, b)[k][j]),
        call=listed("dstack"),
    ),
]

REPETITION = [
    Case("tile", normal((2, 3)), picked((2, 6), lambda i, j: (i, j % 3)), {"repeats": 2}),
    Case("tile", normal((2, 3)), picked((4, 9), lambda i, j: (i % 2, j % 3)), {"repeats": (2, 3)}),
    Case("tile", normal((2,)), picked((4,), lambda i: (i % 2,)), {"repeats": np.int64(2)}),
    Case("tile", normal((2,)), picked((3, 1, 4), lambda i, j, k: (k % 2,)), {"repeats": (3, 1, 2)}),
    Case(
        "repeat",
        normal((2, 3)),
        lambda x, repeats: np.array([v for v in x.ravel() for _ in range(2)]),
        {"repeats": 2},
    ),
    Case(
        "repeat",
        normal((2, 3)),
        picked((2, 6), lambda i, j: (i, j // 2)),
        {"repeats": 2, "axis": -1},
    ),
    Case(
        "repeat",
        normal((3, 2)),
        picked((4, 2), lambda i, j: ((0, 2, 2, 2)[i], j)),
        {"repeats": [1, 0, 3], "axis": 0},
    ),
    Case(
        "meshgrid",
        normal((2,), (3,)),
        lambda a, b: [by_index((3, 2), lambda i, j: a[j]), by_index((3, 2), lambda i, j: b[i])],
    ),
    Case(
        "meshgrid",
        normal((2,), (3,), (2,)),
        lambda a, b, c, indexing: [
            by_index((2, 3, 2), lambda i, j, k: a[i]),
            by_index((2, 3, 2), lambda i, j, k: b[j]),
            by_index((2, 3, 2), lambda i, j, k: c[k]),
        ],
        {"indexing": "ij"},
    ),
    Case(
        "pad",
        normal((2, 3)),
        lambda x, **_: by_index((3, 6), lambda i, j: x[i, j - 1] if i < 2 and 1 <= j < 4 else 0.0),
        {"pad_width": ((0, 1), (1, 2))},
    ),
    Case(
        "pad",
        normal((2,)),
        lambda x, **_: np.array([7.0, 7.0, *x, 7.0, 7.0]),
        {"pad_width": 2, "constant_values": 7.0},
    ),
    *(
        Case(
            "pad",
            normal((2, 4)),
            picked((2, 4 + 3 + 2), lambda i, j, order=order: (i, order[j])),
            {"pad_width": ((0, 0), (3, 2)), "mode": mode},
        )
        for mode, order in (
            ("edge", (0, 0, 0, 0, 1, 2, 3, 3, 3)),
            ("reflect", (3, 2, 1, 0, 1, 2, 3, 2, 1)),
            ("symmetric", (2, 1, 0, 0, 1, 2, 3, 3, 2)),
            ("wrap", (1, 2, 3, 0, 1, 2, 3, 0, 1)),
        )
    ),
]


def made(name: str, expected: Any, *args: Any, **options: Any) -> Case:
    """A creation from sizes alone."""
    return Case(
        name,
        lambda r: (),
        lambda: expected,
        differentiable=(),
        call=lambda: op(name)(*args, **options),
        rtol=1e-6,
    )


CREATION = [
    made("zeros", np.array([[0.0, 0.0]]), (1, 2)),
    made("ones", np.array([[1.0, 1.0]]), (1, 2)),
    made("empty", np.array([0.0]), 1),
    made("full", np.array([3, 3]), (2,), 3, "int32"),
    made("eye", by_index((2, 3), lambda i, j: float(j - i == 1)), 2, 3, 1),
    made("identity", by_index((3, 3), lambda i, j: float(i == j)), 3),
    made("tri", by_index((3, 2), lambda i, j: float(j - i <= -1)), 3, 2, -1),
    made("arange", np.array([0, 1, 2]), 3),
    made("arange", np.array([1.0, 1.5, 2.0, 2.5]), 1.0, 3.0, 0.5),
    made("arange", np.array([5, 3, 1]), 5, 0, -2),
    made("linspace", np.array([0.0, 0.5, 1.0]), 0.0, 1.0, 3),
    made("linspace", np.array([0, 0, 1, 2]), 0, 2, 4, dtype="int32"),
    made("logspace", np.array([1.0, 10.0, 100.0]), 0.0, 2.0, 3),
    Case("array", normal((2,)), lambda x: x),
    Case(
        "zeros_like",
        normal((2, 3)),
        lambda x: by_index((2, 3), lambda i, j: 0.0),
        differentiable=(),
    ),
    Case(
        "ones_like", integers((2, 3)), lambda x: by_index((2, 3), lambda i, j: 1), differentiable=()
    ),
    Case("empty_like", normal((2,)), lambda x: np.array([0.0, 0.0]), differentiable=()),
    Case(
        "full_like",
        normal((2, 3)),
        lambda x, **_: by_index((2, 3), lambda i, j: 4.0),
        {"fill_value": 4},
        differentiable=(),
    ),
    Case(
        "linspace",
        normal((2,), (2,)),
        lambda a, b, num: by_index((4, 2), lambda i, j: a[j] + (b[j] - a[j]) * i / 3),
        {"num": 4},
    ),
    Case(
        "linspace",
        normal((2,), ()),
        lambda a, b, **_: by_index((2, 4), lambda i, j: a[i] + (b - a[i]) * j / 4),
        {"num": 4, "endpoint": False, "axis": -1},
    ),
    Case(
        "linspace",
        normal((), ()),
        lambda a, b, **_: [np.array([a, (a + b) / 2, b]), (b - a) / 2],
        {"num": 3, "retstep": True},
    ),
    Case(
        "tril", normal((3, 3)), lambda x: by_index((3, 3), lambda i, j: x[i, j] if j <= i else 0.0)
    ),
    Case(
        "tril",
        normal((2, 2, 3)),
        lambda x, k: by_index((2, 2, 3), lambda n, i, j: x[n, i, j] if j - i <= 1 else 0.0),
        {"k": 1},
    ),
    Case(
        "triu",
        normal((3, 3)),
        lambda x: by_index((3, 3), lambda i, j: x[i, j] if j >= i else 0.0),
        special=(at([[1.0, 2.0], [NAN, 3.0]], [[1.0, 2.0], [0.0, 3.0]]),),
        kinks=(kink(([[1.0, 2.0], [NAN, 3.0]],), ([[1.0, 1.0], [0.0, 1.0]],)),),
    ),
    Case("diag", normal((3,)), lambda x: by_index((3, 3), lambda i, j: x[i] if i == j else 0.0)),
    Case(
        "diag",
        normal((2,)),
        lambda x, k: by_index((3, 3), lambda i, j: x[i] if j == i + 1 else 0.0),
        {"k": 1},
    ),
    Case(
        "diag",
        normal((2,)),
        lambda x, k: by_index((4, 4), lambda i, j: x[j] if i == j + 2 else 0.0),
        {"k": -2},
    ),
    Case("diag", normal((3, 4)), lambda x, k: np.array([x[0, 1], x[1, 2], x[2, 3]]), {"k": 1}),
    Case("diagflat", normal((1, 2)), lambda x: np.array([[x[0, 0], 0.0], [0.0, x[0, 1]]])),
]

CASES = [*SHAPE, *JOINING, *REPETITION, *CREATION]
