"""The promotion lattice, against that of Keras."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

from etude import dtypes
from etude.errors import DtypeError

NAMES = [
    "bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64",
    "bfloat16", "float16", "float32", "float64", int, float,
]  # fmt: skip


SIGNED = ("int8", "int16", "int32", "int64")


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations_with_replacement(NAMES, 2)])
def test_pairs_promote_as_in_keras(a: object, b: object) -> None:
    wide = {a, b} & {"int64", "float64"} or ("uint32" in (a, b) and {a, b} & set(SIGNED))
    # Keras on JAX has no 64-bit types. Without Python scalars the lattice is then NumPy's, but
    # for int64 with a float, which becomes that float.
    expected = widest(a, b) if wide else keras.backend.result_type(a, b)
    assert dtypes.result_type(a, b) == expected
    assert dtypes.result_type(b, a) == expected


def widest(a: object, b: object) -> str:
    if "float64" in (a, b):
        return "float64"
    floats = [d for d in (a, b) if d is float or str(d).startswith(("float", "bfloat"))]
    if floats:
        return "float32" if floats[0] is float else str(floats[0])
    return "int64"


def test_names_are_standardised() -> None:
    for given, name in [
        (np.float32, "float32"), (np.dtype("int8"), "int8"), (bool, "bool"), (np.bool_, "bool"),
        (float, "float32"), (int, "int32"), (None, "float32"), ("float16", "float16"),
    ]:  # fmt: skip
        assert dtypes.standardize_dtype(given) == name


def test_unknown_names_are_refused() -> None:
    with pytest.raises(DtypeError, match=r"float31.*Known dtypes"):
        dtypes.standardize_dtype("float31")
