"""GradientTape: records operations, and walks them back.

Recording itself is done by `Primitive`: while a tape is open, the output of an operation on a
watched Tensor remembers its `RecordedCall`. The tape only knows where its recording began. Walking
back visits the calls between the targets and the sources in the reverse order of recording, so
there is no recursion and no limit on depth.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from etude import tree
from etude.autodiff.operators import OPS
from etude.autodiff.primitive import RecordedCall, next_sequence
from etude.autodiff.recording import cuts, start_tape, stop_recording, stop_tape
from etude.autodiff.tensor import Leaf, Tensor, as_tensor
from etude.autodiff.unconnected import warn_of_none
from etude.autodiff.watching import observer
from etude.dtypes import is_float_dtype
from etude.engine import xp
from etude.errors import ArgumentError, DtypeError, GradientError

__all__ = ["GradientTape", "stop_recording"]

Place = tuple[Any, int]
"""Which output of which call: where a Tensor stands in the graph."""


class GradientTape:
    """Records what is computed inside its ``with`` block, for derivatives.

    Trainable Variables are watched by themselves; other Tensors by `watch`. Tapes nest: a
    gradient taken inside an outer tape's block is recorded by it, which gives second derivatives.
    Each thread has its own tapes.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable Variables are watched by themselves.

    Example:
    >>> import etude
    >>> x = etude.ops.convert_to_tensor(3.0)
    >>> with etude.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0
    """

    _curious = True  # may be asked for derivatives of what was computed on the way

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self._watched: dict[int, Any] = {}
        self._recording = False
        self._level = 0
        self._used = False
        self._start = next_sequence()
        self._cuts: Any = ()

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise GradientError("This tape is recording already: use a new GradientTape.")
        self._start_recording()
        return self

    def __exit__(self, *_: object) -> None:
        if self._recording:
            self._stop_recording()

    def _start_recording(self) -> None:
        self._recording = True
        self._level = start_tape(self._curious)
        self._cuts = cuts()

    def _stop_recording(self) -> None:
        self._recording = False
        stop_tape(self._level, self._curious)

    def watch(self, tensor: Any) -> None:
        """Makes a Tensor or a Variable (or each in a structure) a source of derivatives.

        Raises:
            DtypeError: it is neither, or holds no floats.
        """
        for t in tree.flatten(tensor):
            if not isinstance(t, Tensor) and not hasattr(t, "__etude_tensor__"):
                raise DtypeError(
                    "GradientTape.watch() expects a Tensor or a Variable; got "
                    f"{type(t).__name__}. Make a Tensor of it: `ops.convert_to_tensor(x)`."
                )
            if not is_float_dtype(t.dtype):
                raise DtypeError(
                    f"Only floats have derivatives; the watched Tensor has dtype {t.dtype}. "
                    "Cast it first: `ops.cast(x, 'float32')`."
                )
            if isinstance(t, Tensor):
                t.origin = t.origin or Leaf(t.shape)
            else:
                t.__etude_watch__()
            self._watched[id(t)] = t

    def watched_variables(self) -> tuple[Any, ...]:
        """The Variables that were watched by `watch`."""
        return tuple(t for t in self._watched.values() if not isinstance(t, Tensor))

    def reset(self) -> None:
        """Forgets what was recorded so far."""
        self._start = next_sequence()
        self._used = False

    @contextmanager
    def stop_recording(self) -> Generator[None]:
        """Leaves out what is computed inside."""
        with stop_recording():
            yield

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """Derivatives of the sum of the targets with respect to the sources.

        Args:
            target: a Tensor, or a structure of them, computed while the tape recorded.
            sources: Tensors or Variables, in any structure.
            output_gradients: what each target is weighted with, of its shape; ones by default.
            unconnected_gradients: ``"none"`` or ``"zero"``: what to give for a source on which no
                target depends.

        Returns:
            Tensors in the structure of the sources; with ``"none"`` also None, and a warning that
            says why where that looks like an accident.

        Raises:
            GradientError: the tape was used up, or an operation on the way has no rule.
        """
        if self._used and not self.persistent:
            raise GradientError(
                "A GradientTape gives one gradient. To call `gradient` (or `jacobian`) more than "
                "once, make it with GradientTape(persistent=True)."
            )
        if unconnected_gradients not in ("none", "zero"):
            raise ArgumentError(
                f"unconnected_gradients must be 'none' or 'zero'; got {unconnected_gradients!r}."
            )
        self._used = True
        if self._recording and not self.persistent:  # what follows would be recorded in vain
            self._stop_recording()
        flat_sources = tree.flatten(sources)
        targets = [as_tensor(t) for t in tree.flatten(target) if t is not None]
        if not tree.is_nested(target):
            output_gradients = None if output_gradients is None else [as_tensor(output_gradients)]
        seeds = _seeds(targets, output_gradients)
        places = [self._place(source) for source in flat_sources]
        found = _walk_back(targets, seeds, {p for p in places if p is not None}, self._start)
        gradients = [None if p is None else found.get(p) for p in places]
        if unconnected_gradients == "none" and any(g is None for g in gradients):
            watched = [place is not None for place in places]
            warn_of_none(flat_sources, watched, gradients, targets, self._start, self._cuts)
        if not self.persistent:
            self._cuts = ()  # they keep arrays alive
        if unconnected_gradients == "zero":
            gradients = [
                OPS["zeros_like"](as_tensor(s)) if g is None else g
                for g, s in zip(gradients, flat_sources, strict=True)
            ]
        return tree.pack_sequence_as(sources, gradients)

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: str = "none") -> Any:
        """Derivatives of every element of the target, (*target, *source) for each source."""
        before, self.persistent = self.persistent, True
        try:
            y = as_tensor(target)
            rows: list[Any] = []
            for i in range(y.size):
                one = xp().arange(y.size, dtype="int32") == i
                seed = Tensor(xp().astype(one, str(y.dtype)).reshape(y.shape))
                rows.append(tree.flatten(self.gradient(y, sources, seed, unconnected_gradients)))
        finally:
            self.persistent = before
        columns = [
            None
            if column[0] is None
            else OPS["reshape"](OPS["stack"](list(column)), (*y.shape, *column[0].shape))
            for column in zip(*rows, strict=True)
        ]
        return tree.pack_sequence_as(sources, columns)

    def batch_jacobian(self, target: Any, source: Any) -> Any:
        """Derivatives of each example by itself: (N, *target[1:], *source[1:])."""
        full = self.jacobian(target, source)  # (N, *target, N, *source)
        n, rest = full.shape[0], as_tensor(target).ndim - 1
        return OPS["stack"]([full[(i, *(slice(None),) * rest, i)] for i in range(n)])

    def _place(self, source: Any) -> Place | None:
        if isinstance(source, Tensor):
            return None if source.origin is None else (source.origin, source.index)
        if not hasattr(source, "__etude_tensor__"):
            raise DtypeError(
                "GradientTape.gradient() expects Tensors or Variables as sources; got "
                f"{type(source).__name__}. Arrays and numbers are copied when they are used, so "
                "make a Tensor first, `x = ops.convert_to_tensor(x)`, and `tape.watch(x)`."
            )
        if not self.watch_accessed_variables and id(source) not in self._watched:
            return None
        leaf = source.__etude_source__().origin
        return None if leaf is None else (leaf, 0)


class VariablesTape(GradientTape):
    """A tape that gives derivatives of Variables alone, as a training step needs them.

    While no other tape records, operations may take another way to the same values, which goes
    round Tensors on the way. A derivative with respect to one of those could then be missing.
    """

    _curious = False

    def gradient(self, target: Any, sources: Any, *args: Any, **options: Any) -> Any:
        """As `GradientTape.gradient`; the sources are Variables.

        Raises:
            GradientError: a source is a Tensor.
        """
        if any(isinstance(source, Tensor) for source in tree.flatten(sources)):
            raise GradientError("This tape gives derivatives of Variables alone; got a Tensor.")
        return super().gradient(target, sources, *args, **options)


def _seeds(targets: list[Tensor], output_gradients: Any) -> list[Tensor]:
    given = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
    if len(given) != len(targets):
        raise ArgumentError(f"There are {len(targets)} targets but {len(given)} output_gradients.")
    return [
        OPS["ones_like"](t) if g is None else as_tensor(g, t.dtype)
        for t, g in zip(targets, given, strict=True)
    ]


def _walk_back(
    targets: list[Tensor], seeds: list[Tensor], sources: set[Place], start: int
) -> dict[Place, Tensor]:
    """Cotangents of the sources: the reverse pass over the calls in between.

    Args:
        targets: where to begin.
        seeds: their cotangents.
        sources: the places whose cotangents are wanted.
        start: calls recorded before this number are constants.
    """
    cotangents: dict[Place, Tensor] = {}
    for target, seed in zip(targets, seeds, strict=True):
        if target.origin is not None:
            _accumulate(cotangents, (target.origin, target.index), seed)
    calls = _between(targets, sources, start)
    who = observer()
    for call in sorted(calls, key=lambda c: c.seq, reverse=True):
        count = len(call.arrays)
        g = tuple(cotangents.get((call, i)) for i in range(count))
        if all(own is None for own in g):
            continue
        for i in range(count):
            if (call, i) not in sources:
                cotangents.pop((call, i), None)
        outputs = tuple(Tensor(a, call, i) for i, a in enumerate(call.arrays))
        if who is not None:
            who.pulling_back(call)
        entries = call.primitive.pull_back(call, g, outputs)
        if len(entries) != len(call.inputs):
            raise GradientError(
                f"The gradient rule of `{call.primitive.name}` gave {len(entries)} gradients for "
                f"{len(call.inputs)} inputs."
            )
        for x, entry in zip(call.inputs, entries, strict=True):
            if x is None or entry is None or x.origin is None:
                continue
            place = (x.origin, x.index)
            if place in sources or x.origin in calls:
                gradient = entry() if callable(entry) else entry
                _accumulate(cotangents, place, _fit(gradient, x, call.primitive.name))
    if who is not None:
        who.pulling_back(None)
    return {place: cotangents[place] for place in sources if place in cotangents}


def _between(targets: list[Tensor], sources: set[Place], start: int) -> set[RecordedCall]:
    """The recorded calls on the ways from the sources to the targets."""
    found: set[RecordedCall] = set()
    waiting = [
        t.origin for t in targets if isinstance(t.origin, RecordedCall) and t.origin.seq >= start
    ]
    while waiting:
        call = waiting.pop()
        if call not in found:
            found.add(call)
            waiting += [
                x.origin
                for x in call.inputs
                if x is not None and isinstance(x.origin, RecordedCall) and x.origin.seq >= start
            ]
    useful: set[RecordedCall] = set()
    for call in sorted(found, key=lambda c: c.seq):
        for x in call.inputs:
            if (
                x is not None
                and x.origin is not None
                and ((x.origin, x.index) in sources or x.origin in useful)
            ):
                useful.add(call)
                break
    return useful


def _accumulate(cotangents: dict[Place, Tensor], place: Place, g: Tensor) -> None:
    before = cotangents.get(place)
    cotangents[place] = g if before is None else OPS["add"](before, g)


def _fit(g: Any, x: Tensor, name: str) -> Tensor:
    """Brings a gradient to its input: sums over broadcast axes, casts to its dtype."""
    g = as_tensor(g)
    shape = x.shape
    if g.shape != shape:
        extra = g.ndim - len(shape)
        axes = (
            *range(extra),
            *(i + extra for i, n in enumerate(shape) if n == 1 != g.shape[i + extra]),
        )
        if extra < 0 or any(n not in (1, m) for n, m in zip(shape, g.shape[extra:], strict=True)):
            raise GradientError(
                f"The gradient rule of `{name}` gave a gradient of shape {g.shape} for an input "
                f"of shape {shape}."
            )
        g = OPS["reshape"](OPS["sum"](g, axis=axes), shape)
    return g if g.dtype == x.dtype else OPS["cast"](g, x.dtype)
