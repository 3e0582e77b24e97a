"""Names of dtypes, and which dtype a mix of dtypes becomes.

The promotion lattice is that of Keras 3: within a kind the wider type wins, a float beats an
integer of any width, and Python scalars are *weak*: they take the dtype of what they meet.

    bool -> uint8 -> ... -> int64 -> float (Python) -> bfloat16 | float16 -> float32 -> float64
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from etude import config
from etude.errors import DtypeError

with suppress(ImportError):  # optional: it comes with jax
    import ml_dtypes as _  # noqa: F401  (teaches NumPy the name: np.array(0, "bfloat16"))

__all__ = ["is_float_dtype", "is_int_dtype", "itemsize", "result_type", "standardize_dtype"]

SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
FLOATS = ("bfloat16", "float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
NAMES = frozenset(("bool", *SIGNED, *UNSIGNED, *FLOATS, *COMPLEX, "string"))
GREATEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}
"""The greatest finite number of each float."""
_PYTHON = {bool: "bool", int: "int", float: "float", complex: "complex"}


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a string, a NumPy or jax dtype, a type, or ``None``.

    Args:
        dtype: e.g. ``"float32"``, ``numpy.float32``, ``float``, or ``None`` for `config.floatx`.

    Raises:
        DtypeError: it names no dtype that etude has.

    >>> standardize_dtype(None), standardize_dtype(int), standardize_dtype("float64")
    ('float32', 'int32', 'float64')
    """
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, str):
        name = {"int": "int32", "float": config.floatx()}.get(dtype, dtype)
    elif isinstance(dtype, type) and dtype in (bool, int, float):
        name = {bool: "bool", int: "int32", float: config.floatx()}[dtype]
    else:
        name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
        name = name.removesuffix("_") if name == "bool_" else name
        name = "string" if dtype is str or str(name).startswith("str") else name
    if name not in NAMES:
        raise DtypeError(
            f"Expected a dtype such as 'float32', 'int32' or 'bool'; got {dtype!r}. "
            f"Known dtypes: {', '.join(sorted(NAMES))}."
        )
    return name


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is of floating point.

    >>> is_float_dtype("bfloat16"), is_float_dtype("int32")
    (True, False)
    """
    return standardize_dtype(dtype) in FLOATS


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is an integer, signed or not; bool is none.

    >>> is_int_dtype("uint8"), is_int_dtype("bool")
    (True, False)
    """
    name = standardize_dtype(dtype)
    return name in SIGNED or name in UNSIGNED


def itemsize(dtype: Any) -> int:
    """How many bytes a number of a dtype takes; 8, a reference, for texts.

    >>> itemsize("float32"), itemsize("bool"), itemsize("complex64")
    (4, 1, 8)
    """
    digits = "".join(c for c in standardize_dtype(dtype) if c.isdigit())
    return int(digits) // 8 if digits else {"bool": 1}.get(standardize_dtype(dtype), 8)


def result_type(*dtypes: Any) -> str:
    """The dtype in which values of these dtypes are combined.

    Args:
        *dtypes: dtypes, or the Python types ``bool``, ``int`` and ``float``, which are weak; none
            for `config.floatx`.

    >>> result_type("int32", "float16"), result_type("int8", float), result_type("uint8", int)
    ('float16', 'float32', 'uint8')
    """
    if not dtypes:
        return config.floatx()
    names = [_PYTHON.get(d) if isinstance(d, type) and d in _PYTHON else None for d in dtypes]
    strong = {standardize_dtype(d) for d, n in zip(dtypes, names, strict=True) if n is None}
    return _join(frozenset(strong), frozenset(n for n in names if n is not None))


_cache: dict[tuple[frozenset[str], frozenset[str], str], str] = {}


def _join(strong: frozenset[str], weak: frozenset[str]) -> str:
    key = (strong, weak, config.floatx())
    if key not in _cache:
        _cache[key] = _lattice(strong, weak)
    return _cache[key]


def _lattice(strong: frozenset[str], weak: frozenset[str]) -> str:
    if strong & set(COMPLEX) or "complex" in weak:
        return "complex128" if strong & {"float64", "complex128"} else "complex64"
    floats = [d for d in FLOATS if d in strong]
    if floats:
        return "float32" if floats == ["bfloat16", "float16"] else floats[-1]
    if "float" in weak:
        return config.floatx()
    signed = [d for d in SIGNED if d in strong]
    unsigned = [d for d in UNSIGNED if d in strong]
    if signed and unsigned:
        return _mixed_integers(signed[-1], unsigned[-1])
    if signed or unsigned:
        return (signed or unsigned)[-1]
    return "int32" if "int" in weak else "bool"


def _mixed_integers(signed: str, unsigned: str) -> str:
    """The narrowest signed type that holds both; a float where there is none (uint64)."""
    index = max(SIGNED.index(signed), UNSIGNED.index(unsigned) + 1)
    return SIGNED[index] if index < len(SIGNED) else config.floatx()
