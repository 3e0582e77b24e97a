"""Depthwise convolutions of the compiling engine against those of NumPy, for many shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("jax", reason="the engine xla needs jax")

from etude.engine import numpy_kernels, xla_depthwise, xla_kernels


@st.composite
def cases(draw: Any) -> dict[str, Any]:
    rank = draw(st.integers(1, 3))
    several = st.tuples(*[st.integers(1, 3)] * rank)
    strides, dilation = draw(several), draw(several)
    window = draw(st.tuples(*[st.integers(1, 3 if rank < 3 else 2)] * rank))
    padding = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * rank))
    extra = draw(st.tuples(*[st.integers(0, 4)] * rank))
    sizes = [(k - 1) * d + 1 + e for k, d, e in zip(window, dilation, extra, strict=True)]
    return {
        "x": (draw(st.integers(1, 3)), *sizes, draw(st.integers(2, 4))),
        "window": window,
        "multiplier": draw(st.integers(1, 3)),
        "how": {"strides": strides, "padding": padding, "dilation": dilation},
    }


@given(cases())
@settings(max_examples=8)
def test_shapes_of_all_kinds(case: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    channels = case["x"][-1]
    x = rng.normal(size=case["x"]).astype("float32")
    w = rng.normal(size=(*case["window"], 1, channels * case["multiplier"])).astype("float32")
    how = {**case["how"], "groups": channels}
    assert xla_depthwise.serves(w.shape[:-2], w.shape[-2], channels)
    y = numpy_kernels.conv(x, w, **how)
    close(xla_kernels.conv(x, w, **how), y)
    g = rng.normal(size=y.shape).astype("float32")
    for arguments, name in (((g, w, x.shape), "input"), ((x, g, w.shape), "filter")):
        found = getattr(xla_kernels, f"conv_{name}_gradient")(*arguments, **how)
        close(found, getattr(numpy_kernels, f"conv_{name}_gradient")(*arguments, **how))


def close(found: Any, wanted: Any) -> None:
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_sums_of_16_bits_are_made_in_32() -> None:
    x = np.ones((1, 60, 60, 2), "float16")
    g = np.ones((1, 60, 60, 2), "float16")
    how = {"strides": (1, 1), "padding": ((0, 0),) * 2, "dilation": (1, 1), "groups": 2}
    found = xla_kernels.conv_filter_gradient(x, g, (1, 1, 1, 2), **how)
    assert found.dtype == "float16"
    np.testing.assert_array_equal(found, np.full((1, 1, 1, 2), 3600, "float16"))


def test_large_filters_and_other_groups_are_those_of_xla() -> None:
    assert not xla_depthwise.serves((9, 9), 1, 4)  # too many taps to write out
    assert not xla_depthwise.serves((3, 3), 2, 4)  # two channels per group
    assert not xla_depthwise.serves((3, 3), 1, 1)  # one channel, one group: not depthwise
