"""Runs a script or a notebook unchanged, with etude in the place of keras and tensorflow."""

from __future__ import annotations

import ast
import contextlib
import linecache
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import traceback
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from etude import config, random
from etude.compat.notebooks import MAGIC, SHELL, as_python, read_notebook
from etude.compat.views import stand_ins
from etude.errors import ArgumentError

__all__ = ["own_frames", "prepared"]

_SHOW = "__etude_show__"
_OWN = str(Path(__file__).resolve().parents[1])
_LIBRARIES = tuple({sysconfig.get_path(k) for k in ("stdlib", "platstdlib", "purelib", "platlib")})


def prepared(
    path: Path, arguments: Sequence[str] = (), engine: str | None = None, seed: int | None = None
) -> Callable[[], None]:
    """A script or a notebook as a function that runs it as the main program.

    What it prints, asks for, writes and raises is its own; `keras` and `tensorflow` are etude.

    Args:
        path: a ``.py`` or an ``.ipynb`` file.
        arguments: what it finds in ``sys.argv`` after its own name.
        engine: the engine; by default the one that etude chooses.
        seed: of everything random.

    Raises:
        ArgumentError: there is no such file, or it has another ending.
        DataError: the notebook is none.
    """
    if not path.is_file() or path.suffix not in (".py", ".ipynb"):
        raise ArgumentError(
            f"Expected the path of a script (.py) or a notebook (.ipynb); got {str(path)!r}"
            + ("." if path.exists() else ", which does not exist.")
        )
    program = _notebook(path) if path.suffix == ".ipynb" else _script(path)

    def run() -> None:
        if engine is not None:
            config.set_engine(engine)
        if seed is not None:
            random.set_random_seed(seed)
        with _as_main(path, arguments) as space, stand_ins():
            program(space)

    return run


@contextlib.contextmanager
def _as_main(path: Path, arguments: Sequence[str]) -> Generator[dict[str, Any]]:
    """The namespace of a new main module; Python's view of the program is put back afterwards."""
    main = ModuleType("__main__")
    main.__file__ = str(path)
    before, argv, folders = sys.modules["__main__"], sys.argv, list(sys.path)
    sys.modules["__main__"] = main
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    try:
        yield main.__dict__
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = before, argv, folders


def own_frames(error: BaseException) -> traceback.TracebackException:
    """An error with the frames of the user's own files only, innermost last."""
    seen = traceback.TracebackException.from_exception(error, capture_locals=False)
    link: Any = seen
    while link is not None:
        link.stack = traceback.StackSummary.from_list(
            [frame for frame in link.stack if _is_users(frame.filename)]
        )
        link = link.__cause__ if link.__cause__ is not None else link.__context__
    seen.__cause__ = seen.__context__ = None
    return seen


def _is_users(filename: str) -> bool:
    if filename.startswith("<"):  # frozen modules of Python, code made on the way
        return False
    return not filename.startswith((_OWN, *_LIBRARIES))


# --- scripts ------------------------------------------------------------------------------------


def _script(path: Path) -> Callable[[dict[str, Any]], None]:
    def program(space: dict[str, Any]) -> None:
        exec(compile(path.read_bytes(), str(path), "exec"), space)

    return program


# --- notebooks ----------------------------------------------------------------------------------


def _notebook(path: Path) -> Callable[[dict[str, Any]], None]:
    cells = read_notebook(path)

    def program(space: dict[str, Any]) -> None:
        os.environ.setdefault("MPLBACKEND", "Agg")  # figures belong into a page, not into windows
        space.update({SHELL: _shell, MAGIC: _magic, _SHOW: _show, "display": _display})
        space["get_ipython"] = lambda: _Shell(space)
        for cell in cells:
            name = f"{path.name}, cell {cell.number}"
            source = as_python(cell.source)
            lines = source.splitlines(keepends=True)
            linecache.cache[name] = (len(source), None, lines, name)
            exec(_compiled(source, name), space)

    return program


def _compiled(source: str, name: str) -> CodeType:
    """The code of a cell; the value of an expression at its end is shown."""
    tree = ast.parse(source, name)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and not source.rstrip().endswith(";"):
        call = ast.Call(ast.Name(_SHOW, ast.Load()), [last.value], [])
        tree.body[-1] = ast.copy_location(ast.Expr(call), last)
        ast.fix_missing_locations(tree)
    return compile(tree, name, "exec")


def _display(*values: Any, **_: Any) -> None:
    for value in values:
        print(value if isinstance(value, str) else repr(value))


def _show(value: Any) -> None:
    if value is not None:
        _display(value)


# --- magics -------------------------------------------------------------------------------------

_INSTALLERS = re.compile(
    r"(sudo\s+)?(python[\d.]*\s+-m\s+)?(pip[\d.]*|conda|mamba|uv|apt|apt-get)\b"
)


def _shell(command: str, space: dict[str, Any], quiet: bool = False) -> list[str] | None:
    """Runs a command of the shell as a notebook does; the lines that it prints, if ``quiet``.

    What would install packages is left out: the program is to run with what is here.
    """
    command = _filled(command, space)
    if _INSTALLERS.match(command.strip()):
        print(f"etude: left out: {command.strip()}", file=sys.stderr)
        return [] if quiet else None
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE, check=False)
    if quiet:
        return done.stdout.splitlines()
    print(done.stdout, end="")
    return None


def _filled(command: str, space: dict[str, Any]) -> str:
    """A command with ``{expressions}`` and ``$names`` of the program filled in."""

    def value(match: re.Match[str]) -> str:
        try:
            return str(eval(match[1] or match[2], space))
        except Exception:  # braces and dollars of the shell's own
            return match[0]

    return re.sub(r"\{([^{}]+)\}|\$([A-Za-z_]\w*)", value, command)


def _magic(line: str, space: dict[str, Any], body: str | None = None) -> Any:
    """Does what a magic line (or, with a body, a magic cell) asks, as far as it matters here."""
    if body is not None:
        return _cell(line.lstrip("%"), space, body)
    name, _, rest = line.partition(" ")
    rest = rest.strip()
    if name in ("pip", "conda", "mamba", "uv"):
        return _shell(line, space)
    if name in ("sx", "system"):
        return _shell(rest, space)
    if name == "cd":
        os.chdir(os.path.expanduser(_filled(rest, space)))
    elif name in ("env", "set_env") and rest:
        key, _, value = rest.partition("=" if "=" in rest else " ")
        os.environ[key.strip()] = _filled(value.strip(), space)
    elif name == "run":
        file, *arguments = shlex.split(_filled(rest, space))
        source = Path(file).read_bytes()
        sys.argv = [file, *arguments]
        exec(compile(source, file, "exec"), space)
    elif name == "pwd":
        return os.getcwd()
    return None  # %matplotlib, %load_ext, %autoreload, %config, ...: about showing and editing


def _cell(line: str, space: dict[str, Any], body: str) -> None:
    name, _, rest = line.partition(" ")
    if name in ("bash", "sh", "system", "script"):
        _shell(body, space)
    elif name in ("writefile", "file"):
        append, target = rest.startswith("-a "), rest.removeprefix("-a ").strip()
        with open(target, "a" if append else "w", encoding="utf-8") as file:
            file.write(body)
    # %%html, %%javascript, %%latex, ...: about showing


class _Shell:
    """What ``get_ipython()`` gives to a program."""

    def __init__(self, space: dict[str, Any]):
        self.user_ns = space

    def run_line_magic(self, name: str, line: str, *_: Any) -> Any:
        """Does what a magic line asks."""
        return _magic(f"{name} {line}", self.user_ns)

    def magic(self, line: str) -> Any:
        """Does what a magic line asks."""
        return _magic(line.lstrip("%"), self.user_ns)

    def system(self, command: str) -> None:
        """Runs a command of the shell."""
        _shell(command, self.user_ns)

    getoutput = system
