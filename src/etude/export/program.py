"""A model as a list of calls of primitives, from its inputs to its outputs.

The model is run for inference on the engine ``numpy``, while an observer keeps each call with its
arrays. What depends on no input of the model is a constant: its value is known, however it was
computed. Sizes that are unknown, the batch above all, are found by running again with other sizes,
and on other numbers: what differs then although no input leads to it cannot be exported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from etude import config, tree
from etude.autodiff import Tensor, stop_recording
from etude.autodiff.watching import Observer, watched_by
from etude.engine import Frame, xp
from etude.errors import ArgumentError, ExportError, StateError, TracingError
from etude.export.sizes import Box, Size, Unruly

__all__ = ["RANDOM", "Call", "InputSpec", "Program", "Value", "record"]

Array = np.ndarray[Any, Any]
Dimension = int | Size | Unruly

RANDOM = ("_random_", "_dropout")
"""How the names of primitives begin whose results are not the same in each run."""


@dataclass(frozen=True)
class InputSpec:
    """An input of the program.

    Attributes:
        name: its name.
        shape: its sizes; names stand for those that are unknown.
        dtype: the name of its dtype.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclass(eq=False)
class Value:
    """An array of the program.

    Attributes:
        arrays: what it was in each run.
        box: the sizes in each run.
        name: that of an input or of a weight; else empty.
        is_constant: whether it does not depend on the inputs.
        layer: the layer in which it was made or used first, for messages.
        made_by: gives the call that made a constant, where one did: where it follows an unknown
            size it has to be computed.
    """

    arrays: list[Array]
    box: Box
    name: str = ""
    is_constant: bool = False
    layer: str = ""
    made_by: Callable[[], Call | None] | None = None

    @property
    def shape(self) -> tuple[Dimension, ...]:
        """Its sizes."""
        return tuple(
            self.box.size(sizes) for sizes in zip(*(a.shape for a in self.arrays), strict=True)
        )

    @property
    def ndim(self) -> int:
        """The number of its axes."""
        return self.arrays[0].ndim

    @property
    def dtype(self) -> str:
        """The name of its dtype."""
        return str(self.arrays[0].dtype)

    @property
    def array(self) -> Array | None:
        """The numbers, of a constant that is the same for all sizes; else None."""
        first = self.arrays[0]
        if not self.is_constant or any(not _same(first, a) for a in self.arrays[1:]):
            return None
        return first

    def spread(self) -> Array | None:
        """Of a constant that is equal along open sizes: a slice to broadcast; else None."""
        shape = self.shape
        key = tuple(slice(0, 1) if not isinstance(n, int) else slice(None) for n in shape)
        thin = self.arrays[0][key]
        even = self.is_constant and all(
            np.array_equal(thin, a[key]) and np.array_equal(a, np.broadcast_to(thin, a.shape))
            for a in self.arrays
        )
        return thin if even else None

    def counts(self) -> Dimension | None:
        """Of a constant 0, 1, 2, ... along one open size: that size; else None."""
        ends = [n for n in self.shape if n != 1]
        if not self.is_constant or len(ends) != 1 or self.dtype == "bool":
            return None
        same = all(np.array_equal(a.ravel(), np.arange(a.size, dtype=a.dtype)) for a in self.arrays)
        return ends[0] if same else None


@dataclass(eq=False)
class Call:
    """A call of a primitive.

    Attributes:
        name: of the primitive.
        inputs: its arrays; None where one is missing.
        outputs: its results.
        options: its static options, with `Size` in the place of numbers that follow unknown sizes.
        layer: the path of the layer it was made in.
        forward: the function of arrays.
    """

    name: str
    inputs: list[Value | None]
    outputs: list[Value]
    options: dict[str, Any]
    layer: str
    forward: Callable[..., Any]

    @property
    def place(self) -> str:
        """The operation and the layer, as words."""
        where = f", in the layer '{self.layer}'" if self.layer else ""
        return f"the operation `{self.name.lstrip('_')}`{where}"


@dataclass
class Program:
    """What a model computes.

    Attributes:
        name: the model's.
        inputs: what goes in.
        outputs: what comes out, with names.
        calls: in order; those alone that the outputs need.
        structure: how the inputs are nested; leaves are their numbers.
        specs: the inputs as they were described.
        form: how the outputs are nested; leaves are their numbers.
    """

    name: str
    inputs: list[Value]
    outputs: dict[str, Value]
    calls: list[Call]
    specs: list[InputSpec]
    structure: Any = None
    form: Any = None


# ---- running -----------------------------------------------------------------------------------


@dataclass
class _Seen:
    """A call as it was seen in one run."""

    primitive: Any
    inputs: list[Any]
    outputs: tuple[Any, ...]
    options: dict[str, Any]
    layer: str
    depends: bool


@dataclass
class _Recorder(Observer):
    """Keeps every operation, and in which layer it was."""

    dependent: dict[int, Any]  # arrays that depend on the inputs, by id; they are kept alive
    calls: list[_Seen] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)

    def ran(
        self, primitive: Any, inputs: list[Any], outputs: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        random = primitive.name.startswith(RANDOM)
        depends = random or any(id(x) in self.dependent for x in inputs if x is not None)
        if depends:
            self.dependent.update((id(x), x) for x in outputs)
        layer = "/".join(self.layers)
        self.calls.append(_Seen(primitive, inputs, outputs, options, layer, depends))

    def hides(self, array: Any) -> bool:
        return id(array) in self.dependent

    def enters(self, layer: Any) -> None:
        self.layers.append(layer.name)

    def leaves(self, layer: Any, outputs: Any) -> None:
        self.layers.pop()


class _Weights(Frame):
    """Shows the variables as NumPy arrays, the same at each look; what is assigned is forgotten."""

    def __init__(self, known: dict[Any, Array]) -> None:
        super().__init__()
        self.known = known

    def read(self, cell: Any) -> Any:
        if cell in self.values:
            return self.values[cell]
        if cell not in self.known:
            self.known[cell] = np.asarray(super().read(cell))
        return self.known[cell]


@dataclass
class _Run:
    """One run: its inputs, what was seen, its outputs (nested)."""

    inputs: list[Array]
    recorder: _Recorder
    outputs: Any


def _run(model: Any, arrays: list[Array], structure: Any, known: dict[Any, Array]) -> _Run:
    recorder = _Recorder({id(a): a for a in arrays})
    tensors = tree.map_structure(lambda i: Tensor(arrays[i]), structure)
    try:
        with config.engine_scope("numpy"), stop_recording(), _Weights(known):
            with watched_by(recorder):
                found = model(tensors, training=False)
            own = xp().own
            outputs = tree.map_structure(lambda t: own(t.array), found)
    except StateError as error:
        raise ExportError(f"Model '{model.name}' cannot be exported: {error}") from error
    except TracingError as error:
        raise ExportError(
            f"Model '{model.name}' cannot be exported: what it does depends on the values of its "
            f"inputs, not on their sizes alone. {error}"
        ) from error
    return _Run(arrays, recorder, outputs)


def record(
    model: Any,
    specs: Sequence[InputSpec],
    structure: Any,
    names: Callable[[int], list[str]],
    tried: tuple[int, int] = (13, 20),
) -> Program:
    """What a model computes for inference.

    Args:
        model: called as ``model(inputs, training=False)``.
        specs: its inputs, flat.
        structure: the numbers of the inputs, nested as the model takes them.
        names: takes the number of outputs; gives their names.
        tried: two sizes for what is open, apart from the batch.

    Raises:
        ExportError: what it computes is not settled by its inputs' sizes alone.
    """
    box = _box(specs, tried)
    known: dict[Any, Array] = {}
    if getattr(model, "_graph", None) is None:  # the first call may make layers and weights
        _run(model, [_example(spec, box.low, 0) for spec in specs], structure, {})
    runs = [
        _run(model, [_example(spec, sizes, number) for spec in specs], structure, known)
        for number, sizes in enumerate(box.corners)
    ]
    return _Builder(model, box, runs, known).program(specs, structure, names)


def _box(specs: Sequence[InputSpec], tried: tuple[int, int]) -> Box:
    unknown = list(dict.fromkeys(n for spec in specs for n in spec.shape if isinstance(n, str)))
    if len(unknown) > 3:
        raise ArgumentError(
            f"At most 3 sizes of inputs can stay open; there are {unknown}. Give `input_signature` "
            "with known sizes for the others."
        )
    low, high = (
        {name: batch if name == "batch" else other for name in unknown}
        for batch, other in zip((2, 3), tried, strict=True)
    )
    return Box(low, high)


def _example(spec: InputSpec, sizes: dict[str, int], number: int) -> Array:
    """Numbers for a run; small whole ones for integers, which may be places in a table."""
    shape = tuple(sizes[n] if isinstance(n, str) else n for n in spec.shape)
    generator = np.random.default_rng(number)
    if spec.dtype == "bool":
        return generator.random(shape) < 0.5
    if "int" in spec.dtype:
        return generator.integers(0, 2, shape).astype(spec.dtype)
    numbers = generator.random(shape)
    with config.engine_scope("numpy"):
        return np.asarray(xp().array(numbers, spec.dtype))


# ---- from runs to a program --------------------------------------------------------------------


class _Builder:
    """Lines several runs up, and finds what is a constant, what a size, and what is needed."""

    def __init__(self, model: Any, box: Box, runs: list[_Run], known: dict[Any, Array]) -> None:
        self.model, self.box, self.runs = model, box, runs
        self.values: list[dict[int, Value]] = [{} for _ in runs]  # by the ids of arrays
        paths = {id(v.cell): v.path for v in model.variables}
        self.names = {id(array): paths.get(id(cell), "") for cell, array in known.items()}

    def program(self, specs: Sequence[InputSpec], structure: Any, names: Any) -> Program:
        """The program of all runs."""
        for i, spec in enumerate(specs):
            self._add([run.inputs[i] for run in self.runs], spec.name)
        seen = [run.recorder.calls for run in self.runs]
        orders = [[call.primitive.name for call in calls] for calls in seen]
        if any(order != orders[0] for order in orders):
            raise ExportError(
                f"Model '{self.model.name}' cannot be exported: which operations it makes depends "
                "on the sizes of its inputs. Give `input_signature` with known sizes."
            )
        calls = [c for same in zip(*seen, strict=True) if (c := self._noted(same)) is not None]
        first = self.runs[0].outputs
        flat = [tree.flatten(run.outputs) for run in self.runs]
        outputs = [self._value([f[i] for f in flat], "") for i in range(len(flat[0]))]
        numbers = iter(range(len(outputs)))
        program = Program(
            name=self.model.name,
            inputs=[self.values[0][id(array)] for array in self.runs[0].inputs],
            outputs=dict(zip(names(len(outputs)), outputs, strict=True)),
            calls=_needed(calls, outputs),
            specs=list(specs),
            structure=structure,
            form=tree.map_structure(lambda _: next(numbers), first),
        )
        return program

    def _add(self, arrays: list[Array], name: str = "", layer: str = "") -> Value:
        value = Value(arrays, self.box, name, layer=layer)
        for values, array in zip(self.values, arrays, strict=True):
            values[id(array)] = value
        return value

    def _value(self, arrays: list[Any], layer: str) -> Value:
        """What was made before, or a constant."""
        found = [values.get(id(array)) for values, array in zip(self.values, arrays, strict=True)]
        if any(value is not found[0] for value in found):
            raise ExportError(f"In the layer '{layer}', what is computed depends on the data.")
        if found[0] is not None:
            return found[0]
        value = self._add(arrays, self.names.get(id(arrays[0]), ""), layer)
        value.is_constant = True
        return value

    def _noted(self, same: tuple[_Seen, ...]) -> Call | None:
        """Notes the results of a call; the call itself, where it depends on the inputs."""
        one = same[0]
        inputs = self._inputs(same) if one.depends else []
        if id(one.outputs[0]) in self.values[0] or any(one.outputs[0] is x for x in one.inputs):
            return None  # it gave back what it got
        outputs = [
            self._add([s.outputs[i] for s in same], layer=one.layer)
            for i in range(len(one.outputs))
        ]
        if one.depends:
            return self._call(same, inputs, outputs)
        for value in outputs:
            value.is_constant = True
            value.made_by = lambda: self._call(same, self._inputs(same), outputs)
        return None

    def _inputs(self, same: tuple[_Seen, ...]) -> list[Value | None]:
        layer = same[0].layer
        return [
            None if x is None else self._value([s.inputs[i] for s in same], layer)
            for i, x in enumerate(same[0].inputs)
        ]

    def _call(
        self, same: tuple[_Seen, ...], inputs: list[Value | None], outputs: list[Value]
    ) -> Call:
        primitive = same[0].primitive
        options = _merged([{**primitive.defaults, **s.options} for s in same], self.box)
        return Call(primitive.name, inputs, outputs, options, same[0].layer, primitive.forward)


def _needed(calls: list[Call], outputs: list[Value]) -> list[Call]:
    """Those calls whose results lead to the outputs."""
    wanted = {id(value) for value in outputs}
    kept: list[Call] = []
    for call in reversed(calls):
        if any(id(value) in wanted for value in call.outputs):
            kept.append(call)
            wanted |= {id(value) for value in call.inputs if value is not None}
    return kept[::-1]


def _merged(found: list[Any], box: Box) -> Any:
    """Options of several runs as one, with `Size` where numbers differ."""
    first = found[0]
    if isinstance(first, dict):
        return {key: _merged([f[key] for f in found], box) for key in first}
    if isinstance(first, (tuple, list)) and all(len(f) == len(first) for f in found):
        return type(first)(_merged(list(same), box) for same in zip(*found, strict=True))
    if isinstance(first, slice):
        ends = zip(*((f.start, f.stop, f.step) for f in found), strict=True)
        return slice(*(_merged(list(same), box) for same in ends))
    if isinstance(first, (int, np.integer)) and not isinstance(first, bool):
        return box.size([int(f) for f in found])
    return first


def _same(a: Array, b: Array) -> bool:
    return a is b or (a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
