"""Where a NaN or an infinity came from: one step, run operation by operation and looked at.

Every operation whose result is not finite is kept, with its inputs. Afterwards the way is followed
back from the weights and the loss, from a result that is not finite to the inputs that are not, as
far as it goes: to an operation whose inputs were all finite, to the data, or to a weight that was
not finite before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from etude import tree
from etude.autodiff.function import as_input
from etude.autodiff.watching import Observer, watched_by
from etude.dtypes import is_float_dtype
from etude.engine import xp
from etude.naming import current_path
from etude.tracebacks import is_machinery

__all__ = ["Anomaly", "find_anomaly"]


@dataclass(frozen=True)
class Anomaly:
    """The first place at which a number was no number any more, or infinite.

    Attributes:
        epoch: the epoch, from 0.
        step: the step in it, from 0.
        kind: ``"forward"``, ``"gradient"``, ``"optimizer"``, ``"data"`` or ``"weights"``.
        layer: the path of names that leads to the layer, or None outside of all layers.
        operation: the operation; the name of the input or of the weight for the last two kinds.
        values: what was found, as words: ``"NaN"``, ``"infinity"``.
        count: how many elements of how many.
        inputs: what went into the operation, as words.
        line: the line of the user's own code, where there is one.
    """

    epoch: int
    step: int
    kind: str
    layer: str | None
    operation: str
    values: str
    count: tuple[int, int]
    inputs: str = ""
    line: str | None = None

    def __str__(self) -> str:
        return f"{self.place} {self.advice}".strip()

    @property
    def place(self) -> str:
        """Where it was, as a sentence."""
        when = f"in epoch {self.epoch + 1}, step {self.step + 1}"
        some = f"{self.values} in {self.count[0]} of {self.count[1]} numbers"
        layer = f"layer '{self.layer}'" if self.layer else "in the loss or a metric"
        line = f" ({self.line})" if self.line else ""
        if self.kind == "data":
            return f"First {when}: the data hold {self.values}: {self.operation}, {some}."
        if self.kind == "weights":
            return f"{when.capitalize()} the weight '{self.operation}' held {some} already."
        if self.kind == "gradient":
            where = f"in the gradient of `{self.operation}`, {layer}"
        elif self.kind == "optimizer":
            where = f"in `{self.operation}`, as the optimizer changed the weights"
        else:
            where = f"in `{self.operation}`, {layer}"
        return f"First {when}, {where}{line}: {some}. Its inputs were finite{self.inputs}."

    @property
    def advice(self) -> str:
        """What to do, as a sentence or two."""
        if self.kind == "data":
            return "Find these samples, and leave them out or fill them in before training."
        if self.kind == "weights":
            return "Begin anew with fresh weights."
        if self.kind == "gradient" and self.operation in _STEEP:
            return _STEEP[self.operation]
        if self.kind != "gradient" and self.operation in _CAUSES:
            return _CAUSES[self.operation]
        return _TOO_LARGE


_TOO_LARGE = (
    "The numbers have grown beyond what the dtype can hold. Most often the learning rate is too "
    "large: try a tenth of it, or `clipnorm=1.0` in the optimizer; and bring inputs and targets to "
    "about the range from -1 to 1."
)
_CAUSES = {
    "log": "The logarithm of 0 is minus infinity, and that of a negative number NaN: keep its "
    "input above 0, as in `ops.log(ops.maximum(x, 1e-7))`, or take a loss `from_logits=True`.",
    "divide": "Something was divided by 0, or by a number that is almost 0: add a small number to "
    "the divisor, or use `ops.divide_no_nan`.",
    "sqrt": "The square root of a negative number is NaN: is a variance computed by subtraction?",
    "rsqrt": "It divides by a root of 0, or of a negative number: add a small number inside.",
    "exp": "In float32 the exponential of more than 88 is infinite. Use `ops.softmax` or "
    "`ops.logsumexp`, which subtract the largest number first; or make its inputs smaller, by a "
    "lower learning rate or normalization.",
    "power": "A power is NaN for a negative base with a fractional exponent, and infinite for 0 "
    "with a negative one: keep the base above 0.",
    "arccos": "It is only defined from -1 to 1: clip its input to a little less.",
    "arcsin": "It is only defined from -1 to 1: clip its input to a little less.",
}
_CAUSES["true_divide"] = _CAUSES["divide"]
_CAUSES["log1p"] = _CAUSES["log2"] = _CAUSES["log10"] = _CAUSES["log"]
"""What to do where an operation itself gives it, by its name."""

_AT_ZERO = (
    "The function is finite there, but its slope at 0 is not: add a small number inside, as in "
    "`ops.sqrt(x + 1e-7)`."
)
_STEEP = {
    **dict.fromkeys(("sqrt", "rsqrt", "power", "norm", "_norm", "arccos", "arcsin"), _AT_ZERO),
    "log": "The slope of the logarithm at 0 is infinite: keep its input above 0, as in "
    "`ops.log(ops.maximum(x, 1e-7))`.",
    "where": "A gradient passes through both branches of `where`, and 0 times infinity is NaN: "
    "make the input safe before the function, not its result after it.",
    "divide": "The divisor is almost 0, and the slope of 1/x there is too large: add a small "
    "number to it.",
}
"""What to do where the rule of an operation gives it."""


class _Call:
    """An operation whose result is not finite."""

    __slots__ = ("inputs", "kind", "layer", "line", "name", "order", "outputs")

    def __init__(self, order: int, name: str, inputs: list[Any], outputs: tuple[Any, ...]) -> None:
        self.order, self.name, self.inputs, self.outputs = order, name, inputs, outputs
        self.kind, self.layer = "forward", ""
        self.line: str | None = None


class _Trace(Observer):
    """Looks at every operation of a step."""

    def __init__(self, optimizers: set[str]) -> None:
        self.optimizers = optimizers  # their names: they open scopes of these
        self.calls: dict[int, _Call] = {}  # by the ids of their results, which they keep alive
        self.layers: list[Any] = []
        self.layer_of: dict[int, tuple[Any, str]] = {}  # results of operations, for gradients
        self.call: Any = None
        self.count = 0

    def ran(
        self, primitive: Any, inputs: list[Any], outputs: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        """Keeps an operation whose result is not finite."""
        self.count += 1
        layer = "/".join(layer.name for layer in self.layers)
        for array in outputs:
            self.layer_of[id(array)] = (array, layer)
            if _is_finite(array):
                continue
            call = self.calls.get(id(array)) or _Call(
                self.count, primitive.name.lstrip("_"), inputs, outputs
            )
            call.layer, call.line = layer, _line_of_user()
            if self.call is not None:
                call.kind, call.name = "gradient", self.call.primitive.name.lstrip("_")
                call.layer = self.layer_of.get(id(self.call.arrays[0]), (None, ""))[1]
            elif not self.layers and current_path().partition("/")[0] in self.optimizers:
                call.kind = "optimizer"
            self.calls[id(array)] = call

    def pulling_back(self, call: Any) -> None:
        """The operation whose gradient is computed from now on."""
        self.call = call

    def enters(self, layer: Any) -> None:
        """Notes in which layer the next operations are."""
        self.layers.append(layer)

    def leaves(self, layer: Any, outputs: Any) -> None:
        """They are outside of it again."""
        self.layers.pop()

    def origin(self, array: Any) -> tuple[_Call | None, Any]:
        """The operation from which an array got what is not finite, and where that came in.

        Returns:
            An operation all of whose inputs are finite; or None, and an array that none made.
        """
        first: tuple[_Call | None, Any] = (None, array)
        waiting, seen = [array], {id(array)}
        found: list[tuple[_Call | None, Any]] = []
        while waiting:
            array = waiting.pop()
            call = self.calls.get(id(array))
            if call is None:
                found.append((None, array))
                continue
            bad = [x for x in call.inputs if x is not None and not _is_finite(x)]
            if not bad:
                found.append((call, array))
            for x in bad:
                if id(x) not in seen:
                    seen.add(id(x))
                    waiting.append(x)
        # What no operation made was there first; of operations the earliest is the origin.
        return min(found, key=lambda f: -1 if f[0] is None else f[0].order, default=first)


def _is_finite(array: Any) -> bool:
    if not hasattr(array, "dtype") or xp().is_traced(array):
        return True
    if not is_float_dtype(str(array.dtype)) and not str(array.dtype).startswith("complex"):
        return True
    return bool(xp().isfinite(array).all())


def _line_of_user() -> str | None:
    """The innermost line that is none of etude's or of jax's, of those inside of the step."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is run_watched.__code__:  # outside is only the call of `fit`
            return None
        if not is_machinery(str(frame.f_globals.get("__name__", ""))):
            name = frame.f_code.co_filename.rpartition("/")[2]
            return f"{name}, line {frame.f_lineno}, in {frame.f_code.co_name}"
        frame = frame.f_back
    return None


def run_watched(step: Callable[[Any], Any], batch: Any, optimizers: set[str]) -> _Trace:
    """Runs a step, operation by operation, and keeps what is not finite."""
    trace = _Trace(optimizers)
    with watched_by(trace):
        step(batch)
    return trace


def find_anomaly(
    step: Callable[[Any], Any],
    batch: Any,
    variables: list[Any],
    epoch: int,
    number: int,
    optimizers: set[str],
) -> Anomaly | None:
    """Runs a step once more, and finds where a NaN or an infinity appeared in it.

    Args:
        step: takes a batch, and changes the variables.
        batch: tensors of the engine.
        variables: all that the step changes, those first from which to look back first.
        epoch: the epoch, for the report.
        number: the step, for the report.
        optimizers: the names of those that take part.

    Returns:
        None where all was finite this time.
    """
    before = {id(v.cell.read()): (v, v.cell.read()) for v in variables}
    batch = tree.map_structure(as_input, batch)
    trace = run_watched(step, batch, optimizers)
    origins = [trace.origin(value) for v in variables if not _is_finite(value := v.cell.read())]
    if not origins:
        return None
    call, array = min(origins, key=lambda o: -1 if o[0] is None else o[0].order)
    values, count = _what(array)
    if call is not None:
        where = (call.kind, call.layer or None, call.name)
        return Anomaly(epoch, number, *where, values, count, _ranges(call.inputs), call.line)
    if id(array) in before:
        path = before[id(array)][0].path
        return Anomaly(epoch, number, "weights", None, path, values, count)
    return Anomaly(epoch, number, "data", None, _name_in(batch, array), values, count)


def _what(array: Any) -> tuple[str, tuple[int, int]]:
    numbers = np.asarray(array, "complex128" if "complex" in str(array.dtype) else "float64")
    nan, infinite = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
    words = [word for word, n in (("NaN", nan), ("infinity", infinite)) if n]
    return " and ".join(words), (nan + infinite, numbers.size)


def _ranges(inputs: list[Any]) -> str:
    """The ranges of the inputs of an operation, as words."""
    found = [
        f"from {float(array.min()):.4g} to {float(array.max()):.4g}"
        if array.size > 1
        else f"{float(array):.4g}"
        for x in inputs
        if x is not None and (array := np.asarray(x)).size and array.dtype.kind in "fiub"
    ]
    return f" ({'; '.join(found[:3])})" if found else ""


def _name_in(batch: Any, array: Any) -> str:
    """What of a batch an array is."""
    names = ("x", "y", "sample_weight")
    for name, part in zip(names, batch, strict=False):
        for path, leaf in tree.flatten_with_path(part):
            if getattr(leaf, "array", leaf) is array:
                inner = "".join(f"[{key!r}]" for key in path)
                rows = np.asarray(array).reshape(len(array), -1)
                bad = np.flatnonzero(~np.isfinite(np.asarray(rows, "float64")).all(axis=1))
                return f"`{name}{inner}`, in sample {bad[0]} of the batch"
    return "a constant"
