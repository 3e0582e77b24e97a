"""Result dtypes and shapes are those of Keras 3 on JAX, for each operation and each dtype.

Keras runs in a process of its own: the engine `xla` switches the 64-bit types of jax on, which
changes what Keras answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from etude import config, ops

pytest.importorskip("keras", reason="Keras is the reference")

DTYPES = ("bool", "int8", "int32", "float16", "bfloat16", "float32")

UNARY = [
    "abs",
    "absolute",
    "negative",
    "square",
    "sqrt",
    "reciprocal",
    "sign",
    "floor",
    "ceil",
    "trunc",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "erfinv",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "deg2rad",
    "rad2deg",
    "isnan",
    "isinf",
    "isfinite",
    "isposinf",
    "isneginf",
    "signbit",
    "logical_not",
    "nan_to_num",
    "fabs",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "softplus",
    "softsign",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "squareplus",
    "sparse_plus",
    "sparse_sigmoid",
    "tanh_shrink",
    "soft_shrink",
    "hard_shrink",
    "sum",
    "mean",
    "prod",
    "var",
    "std",
    "max",
    "min",
    "amax",
    "all",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumsum",
    "cumprod",
    "logsumexp",
    "median",
    "ptp",
    "sort",
    "argsort",
    "ravel",
    "transpose",
    "flip",
    "zeros_like",
    "ones_like",
    "tril",
    "diff",
    "norm",
    "trace",
    "average",
    "unique",
]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "mod",
    "power",
    "maximum",
    "minimum",
    "divide_no_nan",
    "equal",
    "less",
    "logical_and",
    "hypot",
    "matmul",
    "outer",
    "kron",
    "isclose",
    "append",
    "cross",
    "inner",
    "bitwise_and",
    "left_shift",
]

PROGRAM = """
import json, sys, warnings
import jax
import numpy as np
warnings.filterwarnings("ignore")
import keras
from keras import ops

def kind(f, *arrays):
    try:
        found = jax.eval_shape(f, *arrays)  # traced, not compiled: fast
    except Exception:
        return None
    return [keras.backend.standardize_dtype(found.dtype), list(found.shape)]

request = json.load(sys.stdin)
values = {d: ops.cast(np.array([[1, 0, 2], [1, 1, 0], [2, 2, 1]]), d) for d in request["dtypes"]}
answer = {}
for name in request["unary"]:
    for d in request["dtypes"]:
        answer[f"{name}({d})"] = kind(getattr(ops, name), values[d])
for name in request["binary"]:
    for d in request["dtypes"]:
        for e in request["dtypes"]:
            answer[f"{name}({d},{e})"] = kind(getattr(ops, name), values[d], values[e])
json.dump(answer, sys.stdout)
"""


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    request = {"unary": UNARY, "binary": BINARY, "dtypes": DTYPES}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    )
    return json.loads(done.stdout)


def values() -> dict[str, Any]:
    array = np.array([[1, 0, 2], [1, 1, 0], [2, 2, 1]])
    return {d: ops.cast(array, d) for d in DTYPES}


def kind(found: Any) -> list[Any]:
    return [ops.dtype(found), list(found.shape)]


def test_one_operand(reference: dict[str, Any]) -> None:
    config.set_engine("numpy")
    given, wrong = values(), {}
    for name in UNARY:
        for d in DTYPES:
            expected = reference[f"{name}({d})"]
            if expected is not None:
                found = kind(getattr(ops, name)(given[d]))
                if found != expected:
                    wrong[f"{name}({d})"] = (found, expected)
    assert wrong == {}


def test_two_operands(reference: dict[str, Any]) -> None:
    config.set_engine("numpy")
    given, wrong = values(), {}
    for name in BINARY:
        for d in DTYPES:
            for e in DTYPES:
                expected = reference[f"{name}({d},{e})"]
                if (name, {d, e}) == ("matmul", {"bool", "int8"}):
                    continue  # Keras sums in int32 only where both are int8 already
                if expected is not None:
                    found = kind(getattr(ops, name)(given[d], given[e]))
                    if found != expected:
                        wrong[f"{name}({d},{e})"] = (found, expected)
    assert wrong == {}


def test_the_reference_answered(reference: dict[str, Any]) -> None:
    answered = [key for key, value in reference.items() if value is not None]
    assert len(answered) > 0.9 * len(reference)
