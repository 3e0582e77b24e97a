"""Nested values as bytes and back; bytes that are damaged are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude import ops
from etude.errors import SerializationError
from etude.saving.packing import DTYPES, pack, unpack

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_values_come_back(value):
    assert unpack(pack(value)) == value


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_arrays_come_back(dtype, shape):
    array = np.asarray(np.random.default_rng(0).normal(size=shape) * 9, dtype)
    (found,) = unpack(pack([array]))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_bits_of_floats_come_back():
    values = [0.1, math.inf, -math.inf, -0.0, 5e-324, np.float32(0.1), np.float16(0.1)]
    assert np.array(unpack(pack(values))).tobytes() == np.array(values, "float64").tobytes()
    assert math.isnan(unpack(pack(math.nan)))


def test_bfloat16_comes_back_as_float32():
    found = unpack(pack([ops.array([1.5, -3.25, 1e30], "bfloat16").numpy()]))[0]
    np.testing.assert_array_equal(found, np.float32([1.5, -3.25, ops.array(1e30, "bfloat16")]))


def test_what_it_cannot_hold_is_left_out():
    with pytest.warns(UserWarning, match="does not keep this set"):
        assert unpack(pack({"a": {1}, "b": 2})) == {"a": None, "b": 2}
    with pytest.warns(UserWarning, match="does not keep this dict"):
        assert unpack(pack([{1: 2}])) == [None]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"something else",
        pack([np.zeros(9)])[:-1],
        pack({"a": 1})[:-3],
        pack([np.zeros(3)]).replace(b"[3]", b"[9]"),
        pack([np.zeros(3)]).replace(b"[3], 0", b"[3], 9"),
        pack([np.zeros(3)]).replace(b"float64", b"object "),
        pack([np.zeros(3)]).replace(b"[3]", b"[-3]"),
        pack([np.zeros(3)]).replace(b"[3]", b"'3'"),
    ],
)
def test_damaged_bytes_are_refused(content):
    with pytest.raises(SerializationError):
        unpack(content)
