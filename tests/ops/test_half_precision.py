"""Long sums of 16-bit floats: 256 + 1 is 256 in bfloat16, 2048 + 1 is 2048 in float16.

Added up in their own dtype, sums would stand still there; results are held to the exact ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from etude import config, ops
from etude.autodiff import GradientTape, Tensor
from etude.variable import Variable

N = 5000
Op = Callable[[Any], Any]

SUMS: dict[str, tuple[Op, float]] = {
    "sum": (lambda x: ops.sum(x, axis=0), N),
    "mean": (lambda x: ops.mean(x, axis=0), 1),
    "var": (lambda x: ops.var(x * ops.cast(ops.arange(N) % 2, x.dtype)[:, None], axis=0), 0.25),
    "std": (lambda x: ops.std(x * ops.cast(ops.arange(N) % 2, x.dtype)[:, None], axis=0), 0.5),
    "cumsum": (lambda x: ops.cumsum(x, axis=0)[-1], N),
    "norm": (lambda x: ops.norm(x, axis=0), math.sqrt(N)),
    "softmax": (lambda x: ops.softmax(x, axis=0)[0], 1 / N),
    "log_softmax": (lambda x: ops.log_softmax(x, axis=0)[0], -math.log(N)),
    "logsumexp": (lambda x: ops.logsumexp(x, axis=0), 1 + math.log(N)),
    "segment_sum": (lambda x: ops.segment_sum(x, np.zeros(N, "int32"), 1), N),
    "sparse_categorical_crossentropy": (
        lambda x: ops.sparse_categorical_crossentropy([0, 0], ops.transpose(x), from_logits=True),
        math.log(N),
    ),
}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", SUMS)
def test_long_sums_do_not_stand_still(name: str, dtype: str, engine: str) -> None:
    op, expected = SUMS[name]
    found = op(ops.ones((N, 2), dtype=dtype))
    assert str(found.dtype) == dtype
    np.testing.assert_allclose(ops.cast(found, "float32").numpy().ravel(), expected, rtol=1e-2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_large_windows_do_not_stand_still(dtype: str) -> None:
    config.set_engine("numpy")  # XLA takes minutes to compile so large a window
    found = ops.average_pool(ops.ones((1, N, 1), dtype=dtype), N)
    np.testing.assert_allclose(ops.cast(found, "float32").numpy(), [[[1.0]]], rtol=1e-2)


def test_colours_in_bfloat16(engine: str) -> None:
    hsv = ops.image.rgb_to_hsv(ops.convert_to_tensor([[[0.0, 0.5, 0.0]]], dtype="bfloat16"))
    assert str(hsv.dtype) == "bfloat16"
    np.testing.assert_allclose(ops.cast(hsv, "float32").numpy(), [[[1 / 3, 1, 0.5]]], rtol=1e-2)


@pytest.mark.parametrize("name", ["quantile", "nanquantile", "percentile", "nanpercentile"])
def test_places_among_many_elements_are_found(name: str) -> None:
    x = ops.cast(ops.arange(0, 256, 0.5), "bfloat16")  # place 0.123 · 511 = 62.853
    found = getattr(ops, name)(x, 12.3 if "percentile" in name else 0.123)
    assert str(found.dtype) == "bfloat16"
    assert float(found) == float(ops.cast(62.853 / 2, "bfloat16"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_row_that_is_read_often_gets_all_of_its_gradient(dtype: str, engine: str) -> None:
    table = Variable(np.ones((3, 2)), dtype=dtype)
    with GradientTape() as tape:
        loss = ops.sum(ops.take(table, np.zeros(N, "int32"), axis=0))
    gradient = tape.gradient(loss, table)
    assert isinstance(gradient, Tensor)
    np.testing.assert_allclose(ops.cast(gradient, "float32").numpy()[0], [N, N], rtol=1e-2)
