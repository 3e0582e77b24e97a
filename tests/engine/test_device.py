"""Devices are chosen by name."""

from __future__ import annotations

import numpy as np
import pytest

import etude
from etude import ops
from etude.errors import ArgumentError, EngineError


@pytest.mark.parametrize("name", ["cpu:0", "cpu", "CPU:0"])
def test_work_is_done_on_a_device(engine: str, name: str):
    with etude.device(name):
        np.testing.assert_array_equal(ops.ones(2) + 1, [2.0, 2.0])


def test_devices_that_do_not_exist(engine: str):
    for name in ("cpu:99", "tpu:7"):
        with pytest.raises(EngineError, match=r"runs on the CPU|There is no device"):
            etude.device(name)
    for name in ("desk", "cpu:first", ""):
        with pytest.raises(ArgumentError, match="by its kind and its number"):
            etude.device(name)
