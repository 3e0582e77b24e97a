"""Runs the steps of an epoch, as many in one dispatch as nobody needs to look in between.

There are two ways. `StreamRunner` takes batch after batch from the host: generators, big data, the
engine ``numpy``. `ResidentRunner` keeps arrays on the device of the engine ``xla``, with the order
of the epoch beside them, and runs a loop over steps there: one program for any number of steps,
since its bounds are inputs. Both see the same batches and do the same arithmetic.

XLA's own convolutions are slow inside of its loops on the CPU (jax-ml/jax#12868). There a step that
holds one is dispatched by itself, again and again; our own kernels do not mind.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from etude import ops, tree
from etude.autodiff import Tensor, as_tensor, eval_shape, function
from etude.autodiff.function import as_input
from etude.data.adapters import Batches
from etude.data.arrays import ArrayBatches
from etude.data.unpacking import pack_x_y_sample_weight, unpack_x_y_sample_weight
from etude.engine import Frame, in_frame, xp
from etude.errors import DataError, DtypeError
from etude.tracebacks import warn
from etude.training.building import symbols_of
from etude.training.side_effects import watching_side_effects

__all__ = ["ResidentRunner", "Run", "StreamRunner", "make_runner"]

RESIDENT_BYTES = 1 << 30  # data up to this size is kept on the device
ALIGNMENT = 64  # bytes
GLANCE = 0.1  # seconds between two looks at what is going on

Step = Callable[[Any], Any]


class Run(NamedTuple):
    """Some steps that are dispatched together.

    Attributes:
        begin: number of the first step in the epoch.
        end: number of the last.
        call: runs them and returns the logs of the last.
        again: runs one of them, by its number, by itself.
        batch: the data of one of them.
    """

    begin: int
    end: int
    call: Callable[[], Any]
    again: Callable[[int], Any]
    batch: Callable[[int], Any]


def make_runner(
    model: Any,
    kind: str,
    batches: Batches,
    steps: int | None = None,
    looks: bool = False,
) -> StreamRunner | ResidentRunner:
    """The runner for some batches.

    Args:
        model: a compiled model.
        kind: ``"train"`` or ``"test"``.
        batches: the data.
        steps: steps in an epoch; all batches by default.
        looks: whether someone looks after every run of ``steps_per_execution`` steps.
    """
    resident = (
        isinstance(batches, ArrayBatches)
        and xp().name == "xla"
        and not model.run_eagerly
        and batches.nbytes <= RESIDENT_BYTES
        and batches.num_samples >= batches.batch_size
    )
    cls = ResidentRunner if resident else StreamRunner
    return cls(model, kind, batches, steps, looks)  # type: ignore[arg-type]


class StreamRunner:
    """Hands batches to the step one by one."""

    def __init__(
        self, model: Any, kind: str, batches: Batches, steps: int | None, looks: bool
    ) -> None:
        self.batches = batches
        self.steps = steps
        self.per_run = int(model.steps_per_execution)
        self.model, self.kind = model, kind
        self.attach()
        self.iterator: Iterator[Any] | None = None
        self.passes = 0
        self.taken = 0  # batches of this pass
        self.resumed = False
        self.ran_out = False
        self.last_glance = time.monotonic()

    def attach(self) -> None:
        """Takes the model's step as it is now."""
        self.step = program(self.model, self.kind, lambda step: step)

    @property
    def num_steps(self) -> int | None:
        """Steps in an epoch; ``None`` where that is not known yet."""
        return self.steps or self.batches.num_batches

    def runs(self, epoch: int, first: int = 0) -> Iterator[Run]:
        """The runs of an epoch; from step ``first`` on where that one was resumed."""
        begin = first
        group: list[Any] = []
        for batch in self._batches(epoch, first):
            group.append(batch)
            if len(group) == self.per_run:
                yield self._run(begin, group)
                begin, group = begin + len(group), []
        if group:
            yield self._run(begin, group)
        self.batches.on_epoch_end()

    def _run(self, begin: int, group: list[Any]) -> Run:
        return Run(
            begin,
            begin + len(group) - 1,
            lambda: self._call(group),
            lambda step: self.step(group[step - begin]),
            lambda step: group[step - begin],
        )

    def restart(self) -> None:
        """Begins at the first batch again, where the data can be gone through twice."""
        if self.batches.num_batches is not None:
            self.iterator, self.passes, self.taken = None, 0, 0

    def state(self, step: int = 0) -> dict[str, Any]:
        """Which pass over the data is under way, and how far it is.

        Args:
            step: how many steps of the epoch were taken.
        """
        under_way = self.iterator is not None
        return {
            "pass": self.passes - under_way,
            "taken": self.taken if under_way else 0,
            "batches": self.batches.state(),
        }

    def resume(self, state: dict[str, Any], step: int = 0) -> None:
        """Goes to where another runner was when its `state` was asked for."""
        self.passes, self.taken = state["pass"], state["taken"]
        self.iterator = self.batches.resume(state["batches"], self.passes, self.taken)
        if self.iterator is not None:
            self.passes += 1
        self.resumed = step > 0

    def _call(self, group: list[Any]) -> Any:
        logs = None
        for batch in group:
            self.model._check_batch(batch)
            logs = self.step(batch)
        now = time.monotonic()
        if now - self.last_glance > GLANCE:  # lets the device catch up, so that Ctrl-C is heard
            wait_for(logs)
            self.last_glance = now
        return logs

    def _batches(self, epoch: int, first: int) -> Iterator[Any]:
        if self.steps is None:
            if not self.resumed:
                self.iterator, self.passes = None, epoch
            self.resumed = False
            found = first > 0
            while (batch := self._next()) is not None:
                found = True
                yield batch
            self._note_end(found)
            return
        for step in range(first, self.steps):
            batch = self._next()
            if batch is None and (step == 0 or self.batches.num_batches is None):
                batch = self._next()  # of the next pass over the data
                if batch is None:
                    self._note_end(False)
                    return
                if step:
                    self.iterator = itertools.chain([batch], self.iterator)  # type: ignore[arg-type]
                    self.taken -= 1
                    batch = None
            if batch is None:
                warn_of_short_epoch(step, self.steps)
                return
            yield batch

    def _next(self) -> Any:
        """The next batch; None at the end of a pass over the data, and then that of a new one."""
        if self.iterator is None:
            self.iterator = self.batches.epoch(self.passes)
            self.passes += 1
            self.taken = 0
        batch = next(self.iterator, None)
        self.taken += 1
        if batch is None:
            self.iterator = None
        return batch

    def _note_end(self, found: bool) -> None:
        if not found:
            self.ran_out = True
            warn(
                "Your input ran out of data, so the run ends early. It takes `steps_per_epoch` "
                "batches for each epoch: lower that number, or let the generator go on forever."
            )


def warn_of_short_epoch(steps: int, wanted: int) -> None:
    """Says that the data ended in the middle of an epoch; the next one begins with its start."""
    warn(
        f"Your input ran out of data: the epoch ends after {steps} of {wanted} steps. Leave "
        "`steps_per_epoch` (or `validation_steps`) out to go through all of the data once in each "
        "epoch, or let a data set go on without an end, `dataset.repeat()`."
    )


class ResidentRunner:
    """Keeps the data on the device, and runs a loop over steps there."""

    ran_out = False

    def __init__(
        self, model: Any, kind: str, batches: ArrayBatches, steps: int | None, looks: bool
    ) -> None:
        self.batches = batches
        self.steps = steps
        self.arrays = tree.map_structure(_on_device, batches.arrays)
        self.pace = _Pace(int(model.steps_per_execution) if looks else None)
        self.model, self.kind = model, kind
        self.attach()
        self.position = (0, 0)  # pass over the data, step in it

    def attach(self) -> None:
        """Takes the model's step as it is now."""
        model, kind = self.model, self.kind
        self.logs, self.loops = self._look_ahead(model, kind)
        if self.loops:
            self.loop = program(model, f"{kind}_loop", _looped)
        else:
            self.single = program(model, f"{kind}_single", _gathered)

    def _look_ahead(self, model: Any, kind: str) -> tuple[Any, bool]:
        """Evaluates a step abstractly: what its logs look like, and whether it may be looped."""
        indices = np.zeros(self.batches.batch_size, dtype="int32")
        first = symbols_of(self.batches.batch(indices))
        shapes = [(s.shape, s.dtype) if hasattr(s, "shape") else s for s in tree.flatten(first)]
        key = f"{kind}_ahead {shapes}"  # kept with the programs: the next fit is like this one
        if key not in model._programs:
            with Frame(shapes_only=True) as frame:
                logs = eval_shape(guarded(model, getattr(model, f"{kind}_step")), first)
            model._programs[key] = (
                tree.map_structure(_zeros_like, logs),
                "convolution" not in frame.notes or not xp().devices()[0].startswith("cpu"),
            )
        return model._programs[key]

    @property
    def num_steps(self) -> int:
        """Steps in an epoch."""
        return self.steps or self.batches.num_batches

    def restart(self) -> None:
        """Begins at the first sample again: each validation sees the same ones."""
        self.position = (0, 0)

    def state(self, step: int = 0) -> dict[str, Any]:
        """As `StreamRunner.state`."""
        passes, start = self.position
        return {"pass": passes, "taken": start + step, "batches": self.batches.state()}

    def resume(self, state: dict[str, Any], step: int = 0) -> None:
        """As `StreamRunner.resume`."""
        self.batches.resume(state["batches"], 0, 0)
        self.position = (state["pass"], state["taken"] - step)
        if self.position[1] >= self.batches.num_batches:
            self.position = (state["pass"] + 1, 0)

    def runs(self, epoch: int, first: int = 0) -> Iterator[Run]:
        """The runs of an epoch; from step ``first`` on where that one was resumed."""
        if self.steps is None:
            self.position = (epoch, 0)
        passes, step = self.position
        stop = min(step + self.num_steps, self.batches.num_batches)
        for run in self._pass(passes, step + first, stop):
            yield Run(
                run.begin - step,
                run.end - step,
                run.call,
                lambda number, again=run.again: again(number + step),
                lambda number, batch=run.batch: batch(number + step),
            )
        self.position = (passes, stop) if stop < self.batches.num_batches else (passes + 1, 0)
        if stop - step < self.num_steps:
            warn_of_short_epoch(stop - step, self.num_steps)

    def _pass(self, passes: int, start: int, stop: int) -> Iterator[Run]:
        """The runs over some steps of one pass; the short last batch is one by itself."""
        order, size = self.batches.order(passes), self.batches.batch_size
        whole = self.batches.num_samples // size
        matrix = as_tensor(order[: whole * size].reshape(whole, size))

        def batch(step: int) -> Any:
            return self.batches.batch(order[step * size : (step + 1) * size])

        at = start
        while at < min(stop, whole):
            end = min(at + self.pace.steps, stop, whole)
            again = lambda step: self._dispatch(matrix, step, step + 1)  # noqa: E731
            yield Run(at, end - 1, self._timed(matrix, at, end), again, batch)
            at = end
        if at == whole < stop:
            rest = as_tensor(order[whole * size :].reshape(1, -1))
            last = lambda *_: self._dispatch(rest, 0, 1)  # noqa: E731
            yield Run(whole, whole, last, last, batch)

    def _timed(self, matrix: Any, start: int, stop: int) -> Callable[[], Any]:
        def call() -> Any:
            began = time.monotonic()
            logs = self._dispatch(matrix, start, stop)
            wait_for(logs)
            self.pace.took(stop - start, time.monotonic() - began)
            return logs

        return call

    def _dispatch(self, matrix: Any, start: int, stop: int) -> Any:
        if self.loops:
            return self.loop(self.arrays, matrix, start, stop, self.logs)
        logs = None
        for i in range(start, stop):
            logs = self.single(self.arrays, matrix, i)
        return logs


def _on_device(array: np.ndarray[Any, Any] | None) -> Tensor | None:
    """A copy on the device. Aligned as XLA wants it, the copy on the host is that on the CPU."""
    if array is None:
        return None
    memory = np.empty(array.nbytes + ALIGNMENT, "uint8")
    start = -memory.ctypes.data % ALIGNMENT
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    np.copyto(copy, array)
    return Tensor(xp().place(copy))


def _zeros_like(leaf: Any) -> Any:
    return ops.zeros(leaf.shape, leaf.dtype) if hasattr(leaf, "shape") else as_tensor(leaf)


class _Pace:
    """How many steps go into one dispatch: as many as take about a tenth of a second."""

    def __init__(self, fixed: int | None) -> None:
        self.fixed = fixed
        self.steps = fixed or 1
        self.runs = 0

    def took(self, steps: int, seconds: float) -> None:
        self.runs += 1
        if self.fixed is not None or self.runs == 1:  # the first one compiles
            return
        wanted = int(GLANCE * steps / max(seconds, 1e-9))
        self.steps = max(1, min(wanted, 8 * self.steps))


def program(model: Any, key: str, form: Callable[[Step], Callable[..., Any]]) -> Any:
    """The compiled form of a step of a model, kept with the model as long as it is valid."""
    if key not in model._programs:
        kind = key.partition("_")[0]
        body = form(guarded(model, getattr(model, f"{kind}_step")))
        model._programs[key] = body if model.run_eagerly else function(body)
    return model._programs[key]


def guarded(model: Any, step: Step) -> Step:
    """A step on a batch as users unpack it, ``x, y = data`` where there are no sample weights.

    It leaves no tensors of a trace behind in the losses of layers.

    Raises:
        DtypeError: a step of the user's own returns neither a dictionary nor None.
    """
    name = getattr(step, "__name__", "")

    def run(data: Any) -> Any:
        try:
            data = tree.map_structure(as_input, data)  # also where it runs eagerly
            data = pack_x_y_sample_weight(*unpack_x_y_sample_weight(data))
            if in_frame():  # it is traced; what Python does besides, it does only now
                with watching_side_effects(model, step, data):
                    logs = step(data)
            else:
                logs = step(data)
            if name == "predict_step" or isinstance(logs, dict):
                return logs
            if logs is None:
                return {}
            raise DtypeError(
                f"{type(model).__name__}.{name}() must return a dictionary of what to report, "
                f"e.g. {{'loss': loss}}; got {type(logs).__name__}."
            )
        finally:
            if in_frame():
                model._clear_losses()

    return run


def _gathered(step: Step) -> Callable[..., Any]:
    """A step on the samples that row ``i`` of a matrix of indices names."""

    def run(arrays: Any, matrix: Any, i: Any) -> Any:
        indices = ops.take(matrix, i, axis=0)  # (B,)
        batch = tree.map_structure(
            lambda a: None if a is None else ops.take(a, indices, axis=0), arrays
        )
        return step(batch)

    return run


def _looped(step: Step) -> Callable[..., Any]:
    """Steps ``start`` to ``stop - 1`` in one loop; the logs of the last come out."""
    one = _gathered(step)

    def run(arrays: Any, matrix: Any, start: Any, stop: Any, logs: Any) -> Any:
        return ops.fori_loop(start, stop, lambda i, _: one(arrays, matrix, i), logs)

    return run


def wait_for(logs: Any) -> None:
    """Waits until logs are computed."""
    for leaf in tree.flatten(logs):
        if hasattr(leaf, "array"):
            xp().block(leaf.array)
            return


def first_batch(batches: Any) -> Any:
    """A batch to build a model from; it will be seen again in training.

    Raises:
        DataError: there is none.
    """
    peek = getattr(batches, "peek", None)
    batch = peek() if peek is not None else next(iter(batches.epoch(0)), None)
    if batch is None:
        raise DataError("The data is empty: there is not a single batch in it.")
    return batch
