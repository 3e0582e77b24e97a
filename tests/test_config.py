"""Settings of the process: what they accept, and what they say to mistakes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import etude
from etude import config, messages
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


def test_messages_go_to_the_log_where_that_is_wanted(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    messages.say("shown")
    config.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", logger="etude"):
            messages.say("logged")
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr().out == "shown\n"
    assert caplog.messages == ["logged"]


@pytest.mark.filterwarnings("ignore:.*is limited to")
def test_training_can_be_limited() -> None:
    model = etude.Sequential([etude.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((10, 2)), np.ones((10, 1))
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    try:
        with pytest.warns(UserWarning, match="after 2 of 3 steps"):  # 5 batches: 3 and 2
            history = model.fit(x, y, batch_size=2, epochs=4, verbose=0).history
        assert (len(history["loss"]), int(model.optimizer.iterations)) == (2, 5)
        assert len(model.predict(x, batch_size=2, verbose=0)) == 6
        assert len(model.predict(x, batch_size=5, verbose=0)) == 10
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    assert int(model.optimizer.iterations) == 10
    with pytest.raises(ArgumentError, match=r"must be a whole number or None; got 0\.5"):
        config.set_max_epochs(0.5)  # pyright: ignore[reportArgumentType]


def test_what_does_not_exist_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_flash_attention", None)
    with pytest.raises(EngineError, match="nothing in it is ever executed"):
        config.enable_unsafe_deserialization()
    with pytest.raises(EngineError, match="does not run on torch"):
        config.set_backend("torch")
    config.set_backend("numpy")
    assert config.backend() == "numpy"
    assert config.is_nnx_enabled() is False
    config.enable_flash_attention()
    assert config.is_flash_attention_enabled() is True
    config.disable_flash_attention()
    assert config.is_flash_attention_enabled() is False
