"""The namespace ``keras.ops.linalg``.

Linear algebra: factorizations, inverses, systems of equations, norms.

Each is defined in the file of its subject; here are the names alone.

>>> inv([[2.0]]).numpy().tolist()
[[0.5]]
"""

from __future__ import annotations

from etude.errors import explain_missing as _explain_missing
from etude.ops.decompositions import (
    cholesky,
    eig,
    eigh,
    lstsq,
    lu_factor,
    matrix_rank,
    pinv,
    qr,
    svd,
)
from etude.ops.linear_systems import (
    cholesky_inverse,
    det,
    inv,
    solve,
    solve_triangular,
)
from etude.ops.norms import (
    norm,
)
from etude.ops.transformations import (
    jvp,
)

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "jvp",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]

_explain_missing(__name__)
