"""Arguments that cannot be used: which error, and what its message names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from etude import config, ops
from etude.autodiff import KerasTensor, function
from etude.errors import ArgumentError, DtypeError, EtudeError, ShapeError, TracingError

X = np.arange(6.0).reshape(2, 3)

BAD: list[tuple[str, Callable[[], Any], type[EtudeError], str]] = [
    ("matmul", lambda: ops.matmul(X, X), ShapeError, r"\(2, 3\) and \(2, 3\)"),
    ("matmul scalar", lambda: ops.matmul(X, 2.0), ShapeError, r"\(\)"),
    ("reshape", lambda: ops.reshape(X, (4, 2)), ShapeError, "6 elements"),
    ("reshape two -1", lambda: ops.reshape(X, (-1, -1)), ShapeError, r"\(-1, -1\)"),
    (
        "transpose",
        lambda: ops.transpose(X, (0, 0)),
        ArgumentError,
        "valid permutation of the 2 axes",
    ),
    ("squeeze", lambda: ops.squeeze(X, 0), ShapeError, "size 1"),
    ("axis", lambda: ops.cumsum(X, axis=2), ArgumentError, "axis 2 is out of bounds"),
    ("concatenate", lambda: ops.concatenate([X, X.T]), ShapeError, r"\(2, 3\), \(3, 2\)"),
    (
        "concatenate symbols",
        lambda: ops.concatenate([KerasTensor((2,))], axis=None),
        ArgumentError,
        "takes an axis",
    ),
    ("shape", lambda: KerasTensor(3), ShapeError, r"Cannot convert 3 to a shape: write \(3,\)"),
    ("stack", lambda: ops.stack([X, X.T]), ShapeError, "one shape"),
    ("split", lambda: ops.split(X, 2, axis=1), ShapeError, "2 equal parts"),
    ("unstack", lambda: ops.unstack(X, 3), ShapeError, "size 3"),
    ("repeat", lambda: ops.repeat(X, [1, 2], axis=1), ArgumentError, "one for each of the 3"),
    ("pad mode", lambda: ops.pad(X, 1, "mirror"), ArgumentError, "'reflect'"),
    ("pad value", lambda: ops.pad(X, 1, "edge", 3.0), ArgumentError, "mode == 'constant'"),
    ("pad widths", lambda: ops.pad(X, ((1, 1),) * 3), ArgumentError, "each of 2 axes"),
    ("index", lambda: ops.array(X)[2], ArgumentError, "out of range for axis 0"),
    ("index behind ...", lambda: ops.array(X)[..., 3], ArgumentError, "out of range for axis 1"),
    ("many indices", lambda: ops.array(X)[0, 0, 0], ArgumentError, "3 indices"),
    ("float index", lambda: ops.array(X)[1.5], DtypeError, "1.5"),
    ("float indices", lambda: ops.array(X)[np.array([0.5])], DtypeError, "float64"),
    ("take", lambda: ops.take(X, [0.5]), DtypeError, "integers"),
    ("take_along_axis", lambda: ops.take_along_axis(X, [0], 1), ArgumentError, "as many axes"),
    ("slice", lambda: ops.slice(X, (0, 0), (3, 3)), ArgumentError, "does not fit"),
    ("scatter", lambda: ops.scatter([[0.5]], [1.0], (2,)), DtypeError, "integers"),
    ("reduction", lambda: ops.scatter_update(X, [[0]], X[:1], "mean"), ArgumentError, "'mean'"),
    ("multi_hot", lambda: ops.multi_hot([0, 1]), ArgumentError, "num_classes"),
    ("bincount", lambda: ops.bincount([0.5]), DtypeError, "integers"),
    ("top_k", lambda: ops.top_k(X, 4), ShapeError, "no 4 elements"),
    ("searchsorted", lambda: ops.searchsorted(X, 1.0), ShapeError, "1-D"),
    ("quantile", lambda: ops.quantile(X, 0.5, method="best"), ArgumentError, "'midpoint'"),
    ("average", lambda: ops.average(X, 1, weights=[1.0]), ArgumentError, "shape of x"),
    ("einsum count", lambda: ops.einsum("ij,jk", X), ArgumentError, "2 operands; got 1"),
    ("einsum rank", lambda: ops.einsum("ijk->i", X), ArgumentError, "2 axes"),
    ("einsum sizes", lambda: ops.einsum("ij,ij->i", X, X.T), ShapeError, "the letter"),
    ("tensordot", lambda: ops.tensordot(X, X, 1), ShapeError, "axes=1"),
    ("cross", lambda: ops.cross(np.ones(4), np.ones(4)), ShapeError, "2 or 3 components"),
    ("norm", lambda: ops.norm(X, "max"), ArgumentError, "'max'"),
    ("diag", lambda: ops.diag(np.ones((1, 1, 1))), ArgumentError, "a vector or a matrix"),
    ("meshgrid", lambda: ops.meshgrid([1], indexing="ji"), ArgumentError, "'ji'"),
    ("rot90", lambda: ops.rot90(X, axes=(0, 0)), ArgumentError, "two different axes"),
    ("linspace", lambda: ops.linspace(0, 1, -1), ArgumentError, "-1"),
    ("select", lambda: ops.select([X > 1], []), ArgumentError, "a choice for each"),
]


@pytest.mark.parametrize(("call", "error", "says"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_says_what_is_wrong(
    call: Callable[[], Any], error: type[EtudeError], says: str, engine: str
) -> None:
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: x[x > 2],
        ops.nonzero,
        ops.unique,
        lambda x: ops.bincount(ops.cast(x, "int32")),
        lambda x: ops.segment_sum(x, ops.cast(x, "int32")),
        lambda x: ops.arange(ops.sum(x)),
    ],
)
def test_sizes_that_depend_on_values_are_refused_while_tracing(fn: Callable[[Any], Any]) -> None:
    config.set_engine("xla")
    with pytest.raises(TracingError):
        function(fn)(ops.array(X[0]))
