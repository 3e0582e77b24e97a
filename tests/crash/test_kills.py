"""A few kills on each engine; `make crash-test` does a hundred."""

from __future__ import annotations

import os

import pytest

from tests.crash.kills import crash


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has SIGKILL")
@pytest.mark.parametrize(("name", "kills"), [("numpy", 3), ("xla", 1)])
def test_training_that_is_killed_ends_as_if_it_had_not_been(name: str, kills: int) -> None:
    if name == "xla":
        pytest.importorskip("jax", reason="the engine xla needs jax")
    outcome = crash(name, kills, seed=1, short=True)
    assert not outcome.wrong
    assert outcome.kills.total() == kills
