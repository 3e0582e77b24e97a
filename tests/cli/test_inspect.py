"""`etude inspect`."""

from __future__ import annotations

import json

from etude import config
from tests.saving.hostile import layer_config, network, with_layer


def test_a_file_is_shown(etude, tmp_path):
    config.set_engine("numpy")
    network().save(tmp_path / "m.keras")
    ended = etude("inspect", tmp_path / "m.keras")
    assert ended.status == 0
    for text in ("a model of Keras 3", "SHA-256", "Dense", "(4, 8) float32", "58 numbers"):
        assert text in ended.out
    assert "Nothing in it would be refused" in ended.out
    found = json.loads(etude("inspect", "--json", tmp_path / "m.keras").out)
    assert found["parts"][1]["arrays"][0]["shape"] == [4, 8]


def test_what_would_be_refused_is_told_without_commanding_the_terminal(etude, tmp_path):
    config.set_engine("numpy")
    evil = layer_config("StringLookup", vocabulary="/etc/passwd", name="\x1b[2J[bold]words")
    ended = etude("inspect", with_layer(tmp_path / "m.keras", evil))
    assert ended.status == 2
    assert "Refused" in ended.out and "/etc/passwd" in ended.out
    assert "\x1b" not in ended.out and "[bold]words" in ended.out
    assert etude("inspect", tmp_path / "none.keras").status == 2
