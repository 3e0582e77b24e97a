"""Import hooks: names of one package answered by another.

`import keras.layers` asks every finder of `sys.meta_path` for that name. The one here answers for
whole trees of names with the modules of etude that stand for them: the very same objects, so that
``keras.layers.Dense is etude.layers.Dense``. Nothing of an installed keras or tensorflow is loaded.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["STAND_INS", "Views", "stand_ins"]

STAND_INS = {
    "keras": "etude.compat.keras",
    "tensorflow": "etude.compat.tensorflow",
    "tensorflow.keras": "etude.compat.keras",
    "tf_keras": "etude.compat.keras",
}
"""Which module of etude stands for a package that course code imports."""


class Views(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers imports below some names with the modules below others.

    Args:
        roots: name to the name of the module that stands for it; the longest that fits counts. A
            root that stands for itself only says better what it has not.
    """

    def __init__(self, roots: Mapping[str, str]):
        self.roots = sorted(roots.items(), key=lambda item: -len(item[0]))
        self._specs: dict[int, Any] = {}

    def real_name(self, name: str) -> str | None:
        """The name of the module that stands for another, or None.

        >>> Views(STAND_INS).real_name("tensorflow.keras.layers")
        'etude.compat.keras.layers'
        """
        for root, real in self.roots:
            if name == root or name.startswith(root + "."):
                return real + name[len(root) :]
        return None

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The spec of a view, where the name is one of ours."""
        real = self.real_name(fullname)
        if real is None:
            return None
        if real == fullname:  # the finders of files have looked for it before
            raise ModuleNotFoundError(_message(fullname, real))
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        """The module that stands for the name: itself, not a copy.

        Raises:
            ModuleNotFoundError: etude has nothing of that name.
        """
        real = self.real_name(spec.name) or ""
        module = _module(real)
        if module is None:
            # Without `name`: else `from package import x` would swallow what is said here.
            raise ModuleNotFoundError(_message(spec.name, real))
        self._specs[id(module)] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Gives the module back its own spec, which importing it under this name has replaced."""
        module.__spec__ = self._specs.pop(id(module), module.__spec__)


def _module(name: str) -> ModuleType | None:
    """A module by its name, or by the names of attributes on the way to it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        parent, _, leaf = name.rpartition(".")
        if not parent or not str(error.name or name).startswith("etude"):
            raise
        found = _module(parent)
        value = None if found is None else getattr(found, leaf, None)
        return value if isinstance(value, ModuleType) else None


def _message(name: str, real: str) -> str:
    """What to say of a name that is not there: the words of its parent, where it has some."""
    parent, _, leaf = real.rpartition(".")
    found = _module(parent)
    try:
        getattr(found, leaf)
    except AttributeError as error:
        if str(error).startswith("`"):
            return str(error)
    return f"No module named {name!r}: etude, which stands for it here, has no {leaf!r} there."


@contextmanager
def stand_ins() -> Generator[None]:
    """Inside, imports of keras and tensorflow give etude, whatever is installed or imported."""
    finder = Views(STAND_INS)
    before = {name: module for name, module in sys.modules.items() if finder.real_name(name)}
    for name in before:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if finder.real_name(name)]:
            del sys.modules[name]
        sys.modules.update(before)
