"""A graph of ONNX operators while it is built; it becomes a file in `etude.export.onnx_file`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from etude.errors import ExportError
from etude.export.program import Call, Dimension, Value
from etude.export.sizes import Size, Unruly

__all__ = ["Graph", "Node"]

Array = np.ndarray[Any, Any]


@dataclass
class Node:
    """One operator: names of what goes in and what comes out.

    Attributes:
        op: the operator.
        inputs: names; empty for one that is left out.
        outputs: names; empty for one that nobody needs.
        attributes: numbers, texts, sequences of them, or a `Graph`, the body of a loop.
    """

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)


class Graph:
    """Nodes in order, and constants.

    Args:
        sizes: where an unknown size can be read: the name of an input and its axis.
        translate: adds a call of the program.
        outer: the graph around the body of a loop.

    Attributes:
        nodes: the operators.
        constants: arrays, by name.
        bases: what the constants are called, apart from numbers.
        inputs: names, dtypes and shapes of what goes in; None for a size that does not matter.
        outputs: the same of what comes out.
    """

    def __init__(
        self,
        sizes: dict[str, tuple[str, int]] | None = None,
        translate: Callable[[Graph, Call], None] | None = None,
        outer: Graph | None = None,
    ) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.bases: dict[str, str] = {}
        self.inputs: list[tuple[str, str, tuple[Any, ...]]] = []
        self.outputs: list[tuple[str, str, tuple[Any, ...]]] = []
        self._translate = translate
        self._where = sizes or {}
        self._names: dict[int, str] = {}  # of values
        self._kept: list[Value] = []  # so that their ids stay theirs
        self._small: dict[Any, str] = {}  # names of constants with few numbers, by their bytes
        self._used: set[str] = set() if outer is None else outer._used
        self._sizes: dict[Size | str, str] = {}

    # ---- names and nodes -----------------------------------------------------------------------

    def fresh(self, base: str) -> str:
        """A name that is not taken."""
        name, number = base, 0
        while name in self._used:
            number += 1
            name = f"{base}_{number}"
        self._used.add(name)
        return name

    def add(self, op: str, *inputs: str, base: str = "", **attributes: Any) -> str:
        """Adds an operator with one result.

        Args:
            op: its name.
            *inputs: names.
            base: what the result is called, apart from a number.
            **attributes: of the operator; those that are None are left out.

        Returns:
            The name of the result.
        """
        return self.several(op, inputs, 1, base, **attributes)[0]

    def several(
        self, op: str, inputs: Sequence[str], count: int, base: str = "", **attributes: Any
    ) -> list[str]:
        """Adds an operator with several results, and returns their names."""
        outputs = [self.fresh(base or op.lower()) for _ in range(count)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(Node(op, list(inputs), outputs, given))
        return outputs

    def cast(self, name: str, dtype: str) -> str:
        """Another dtype."""
        return self.add("Cast", name, to=dtype)

    # ---- constants and values ------------------------------------------------------------------

    def constant(self, array: Any, dtype: str | None = None, base: str = "") -> str:
        """The name of an array; small ones that are equal share one."""
        array = np.asarray(array, dtype)
        key = (str(array.dtype), array.shape, array.tobytes()) if array.size <= 64 else None
        if key is None or base or key not in self._small:
            name = self.fresh(base or "constant")
            self.bases[name] = base or "constant"
            self.constants[name] = array
            if key is None:
                return name
            self._small[key] = name
        return self._small[key]

    def bind(self, value: Value, name: str) -> None:
        """Says how a value of the program is called."""
        self._names[id(value)] = name
        self._kept.append(value)

    def name(self, value: Value | None) -> str:
        """How a value of the program is called; a constant is added when it is first asked for."""
        if value is None:
            return ""
        if id(value) not in self._names:
            if not value.is_constant:
                raise ExportError(f"A result inside of the layer '{value.layer}' has no form.")
            self._add_constant(value)
        return self._names[id(value)]

    def _add_constant(self, value: Value) -> None:
        if value.array is not None:
            name: str | None = self.constant(value.array, base=value.name.replace("/", "."))
        else:
            name = self._spread(value)
        if name is not None:
            self.bind(value, name)
            return
        call = None if value.made_by is None else value.made_by()
        if call is not None and self._translate is not None:
            self._translate(self, call)
            return
        raise ExportError(
            f"An array of shape {value.arrays[0].shape} in the layer '{value.layer}' is not the "
            "same for all inputs, although it is computed from none: by NumPy, from values of "
            "Tensors? Use operations of `etude.ops` in the layer."
        )

    def _spread(self, value: Value) -> str | None:
        """A constant that follows an unknown size: equal numbers along it, or 0, 1, 2, ..."""
        thin = value.spread()
        if thin is not None:
            return self.add("Expand", self.constant(thin), self.sizes(value.shape))
        end = value.counts()
        return None if end is None else self._counted(end, value.shape, value.dtype)

    def _counted(self, end: Any, shape: Sequence[Any], dtype: str) -> str:
        ends = self.add("Squeeze", self.sizes([end]))
        zero, one = self.constant(0, "int64"), self.constant(1, "int64")
        counted = self.cast(self.add("Range", zero, ends, one), dtype)
        return self.add("Reshape", counted, self.sizes([n if n == 1 else -1 for n in shape]))

    # ---- sizes ---------------------------------------------------------------------------------

    def ints(self, numbers: Sequence[int]) -> str:
        """A list of numbers, as operators take axes and sizes."""
        return self.constant(np.asarray(numbers, "int64").reshape(-1))

    def sizes(self, shape: Sequence[Dimension]) -> str:
        """A list of sizes, some of which may be unknown."""
        known = [n for n in shape if isinstance(n, int)]
        if len(known) == len(shape):
            return self.ints(known)
        parts = [self.ints([n]) if isinstance(n, int) else self._size(n) for n in shape]
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=0)

    def reshaped(self, x: str, shape: Sequence[Dimension]) -> str:
        """The same numbers in another shape; the one unknown size is left to the operator."""
        unknown = [n for n in shape if not isinstance(n, int)]
        if len(unknown) == 1 and 0 not in shape and -1 not in shape:
            shape = [n if isinstance(n, int) else -1 for n in shape]
        return self.add("Reshape", x, self.sizes(shape), allowzero=1 if 0 in shape else None)

    def _size(self, size: Size | Unruly) -> str:
        """An unknown size, as a list of one."""
        if isinstance(size, Unruly):
            raise size.refusal()
        if size not in self._sizes:
            total = ""
            for factor, names in size.terms:
                term = ""
                for name in names:
                    term = self.add("Mul", term, self._read(name)) if term else self._read(name)
                if not term:
                    term = self.ints([factor])
                elif factor != 1:
                    term = self.add("Mul", term, self.ints([factor]))
                total = self.add("Add", total, term) if total else term
            self._sizes[size] = total
        return self._sizes[size]

    def _read(self, name: str) -> str:
        if name not in self._sizes:
            of, axis = self._where[name]
            self._sizes[name] = self.add("Shape", of, start=axis, end=axis + 1, base=f"{name}_size")
        return self._sizes[name]
