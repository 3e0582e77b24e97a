"""The catalogue: every file beside this package that carries a lab's header."""

from __future__ import annotations

from pathlib import Path

from etude.errors import ArgumentError, unknown_name
from etude.labs.running.header import Header, has_header, lab_name, parse_header, read_header

__all__ = ["LABS", "catalog", "find_lab"]

LABS = Path(__file__).resolve().parent.parent


def catalog(folder: Path = LABS) -> list[Header]:
    """The headers of all labs in a folder, in the order of the course."""
    texts = [(path, path.read_text(encoding="utf-8")) for path in folder.glob("*.py")]
    headers = [parse_header(text, path) for path, text in texts if has_header(text)]
    return sorted(headers, key=lambda header: (header.unit, header.name))


def find_lab(name: str) -> Header:
    """The lab of that name, or the lab in the file that ``name`` is the path of.

    Raises:
        UnknownNameError: no lab has that name; the message lists near matches.
        ArgumentError: the path leads to no file, or the file is no lab.
    """
    if name.endswith((".py", ".ipynb")) or "/" in name or "\\" in name:
        return _lab_in_file(Path(name))
    wanted = name.replace("_", "-")
    known = {lab_name(path): path for path in LABS.glob("*.py") if path.name != "__init__.py"}
    if wanted not in known:
        raise unknown_name("lab", name, known)
    return read_header(known[wanted])


def _lab_in_file(path: Path) -> Header:
    if path.suffix == ".ipynb":
        raise ArgumentError(
            f"{path} is a notebook; a lab is a Python file in percent format. "
            f"Turn it into one: jupytext --to py:percent {path}"
        )
    if not path.is_file():
        raise ArgumentError(f"There is no lab at {path}: no such file.")
    return read_header(path)
