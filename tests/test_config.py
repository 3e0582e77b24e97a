"""Settings of the process: what they accept, and what they say to mistakes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from etude import config
from etude.errors import ArgumentError, DtypeError, EngineError


def test_engines_are_chosen_by_name() -> None:
    config.set_engine("numpy")
    assert config.backend() == "numpy"


@pytest.mark.parametrize("wrong", ["torch", "NumPy", ""])
def test_unknown_engines_are_refused(wrong: str) -> None:
    before = config.backend()
    with pytest.raises(EngineError, match="'numpy' and 'xla'"):
        config.set_engine(wrong)
    assert config.backend() == before
    with pytest.raises(DtypeError, match="a string"):
        config.set_engine(3)  # pyright: ignore[reportArgumentType]


def test_the_environment_chooses_the_engine() -> None:
    code = "from etude import config; print(config.backend())"
    run = lambda **env: subprocess.run(  # noqa: E731
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": "", **env}
    )
    assert run(ETUDE_ENGINE="numpy").stdout == "numpy\n"
    assert "unknown engine 'gpu'" in run(ETUDE_ENGINE="gpu").stderr


def test_float_types_and_layouts() -> None:
    config.set_floatx("float64")
    assert config.floatx() == "float64"
    with pytest.raises(ArgumentError, match="float31"):
        config.set_floatx("float31")
    config.set_image_data_format("channels_first")
    assert config.standardize_data_format(None) == "channels_first"
    with pytest.raises(ArgumentError, match="channels_middle"):
        config.set_image_data_format("channels_middle")
    config.set_epsilon(1e-3)
    assert config.epsilon() == 1e-3
