"""A lab as a Jupyter notebook. Needs jupytext, of the extra ``labs``."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

from etude.errors import ArgumentError, EngineError
from etude.labs.running.header import Header
from etude.labs.running.record import write_whole

__all__ = ["INSTALL", "as_notebook", "open_in_jupyter", "write"]

INSTALL = """\
# On a hosted notebook service, this installs etude; where it is there already, nothing is done.
import importlib.util

if importlib.util.find_spec("etude") is None:
    %pip install --quiet "etude[xla,labs]"\
"""
"""The first cell of a notebook."""

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def as_notebook(header: Header) -> str:
    """The text of the notebook. The same lab gives the same text.

    Raises:
        EngineError: jupytext is not installed.
    """
    if importlib.util.find_spec("jupytext") is None:
        raise EngineError("Notebooks need jupytext: pip install 'etude[labs]'")
    import jupytext  # noqa: PLC0415 - optional
    import nbformat  # noqa: PLC0415 - comes with jupytext

    book = jupytext.reads(header.path.read_text(encoding="utf-8"), fmt="py:percent")
    book.metadata["kernelspec"] = _KERNEL
    book.cells.insert(0, nbformat.v4.new_code_cell(INSTALL))
    for number, cell in enumerate(book.cells):
        cell["id"] = f"{header.name}-{number}"  # jupytext draws identifiers at random
    return jupytext.writes(book, fmt="ipynb")


def write(header: Header, path: Path) -> None:
    """Writes the notebook of a lab.

    Raises:
        ArgumentError: the file cannot be written.
    """
    if path.is_dir() or path.suffix != ".ipynb":
        raise ArgumentError(
            f"--out names the file of the notebook, which ends in .ipynb; got {path}. For example: "
            f"--out {(path if path.is_dir() else path.parent) / header.path.stem}.ipynb"
        )
    text = as_notebook(header)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise ArgumentError(f"{path} cannot be written: {error.strerror}.") from error


def open_in_jupyter(path: Path) -> bool:
    """Opens a notebook, and waits until Jupyter ends; False where there is no Jupyter."""
    program = shutil.which("jupyter-lab") or shutil.which("jupyter-notebook")
    if program is None:
        return False
    subprocess.run([program, str(path)], check=False)
    return True
