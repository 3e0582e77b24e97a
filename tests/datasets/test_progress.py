from __future__ import annotations

import io
import sys

import pytest

from etude.datasets.progress import transfer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("size", [10, None])
def test_on_a_terminal_it_goes_to_standard_error(monkeypatch, capsys, size):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with transfer("mnist.npz", size) as advance:
        advance(4)
        advance(6)
    assert "mnist.npz" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_elsewhere_it_is_silent(capsys):
    with transfer("mnist.npz", 10) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")


def test_an_interrupted_transfer_leaves_the_terminal_in_order(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(KeyboardInterrupt), transfer("mnist.npz", 10):
        raise KeyboardInterrupt
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")
