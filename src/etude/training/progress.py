"""Where a call of `fit` is, as what a checkpoint keeps; and how another call goes on from there.

The weights and the optimizer are in the file as always. What else decides how training goes on is
here: the epoch and the step, the metrics so far, the order of the data, all generators, and what
callbacks remember. So a run that was killed, and goes on, ends with the bits of one that was not.

An epoch has three stages: its steps, its validation, and its end, at which callbacks are called one
after another. One of them makes the checkpoint: those after it are called once more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from etude import random
from etude.autodiff import eval_shape
from etude.callbacks.callback_list import CallbackList, to_numbers
from etude.engine.interrupts import ending_signals
from etude.errors import ArgumentError, SerializationError
from etude.optimizers import Optimizer
from etude.saving import checkpoints
from etude.saving.checkpoints import Checkpoint
from etude.tracebacks import warn
from etude.training.building import symbols_of
from etude.training.runner import first_batch, guarded
from etude.training.watch import LossWatch

__all__ = ["Progress"]

STEPS, VALIDATION, END = "steps", "validation", "end"


class Progress:
    """What `fit` knows of where it is.

    Attributes:
        epoch: the epoch, from 0.
        stage: the part of it that is under way.
        step: how many of its steps were taken.
        step_logs: the logs of the last step.
        epoch_logs: those of the epoch, after its steps.
        evaluator: runs the validation, once there was one; None before.
        watch: looks after the loss.
    """

    def __init__(
        self,
        model: Any,
        callbacks: CallbackList,
        runner: Any,
        make_evaluator: Callable[[], Any] | None,
    ) -> None:
        self.model, self.callbacks, self.runner = model, callbacks, runner
        self.make_evaluator = make_evaluator
        self.epoch, self.stage, self.step = 0, STEPS, 0
        self.step_logs: Any = None
        self.epoch_logs: dict[str, Any] = {}
        self.evaluator: Any = None
        self.before_validation: Any = None
        self.watch = LossWatch(model)
        self.signals = ending_signals()
        self._pending: Checkpoint | None = None

    @contextmanager
    def under_way(self) -> Generator[None]:
        """Inside, callbacks find it, and Ctrl-C and SIGTERM wait for the end of a step."""
        around = self.model.__dict__.get("_progress")  # where a callback trains the same model
        self.model.__dict__["_progress"] = self
        try:
            with self.signals:
                yield
        finally:
            self.model.__dict__["_progress"] = around
            if around is None:
                del self.model.__dict__["_progress"]

    def end_where_asked(self) -> None:
        """After Ctrl-C or SIGTERM: has callbacks save, and ends training.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after SIGTERM.
        """
        if self.signals.pending:
            try:
                self.callbacks.on_interrupt(to_numbers(self.step_logs))
            finally:
                self.signals.end()

    # ---- through the epochs --------------------------------------------------------------------

    def first_epoch(self, initial_epoch: int) -> int:
        """The epoch to begin with; once all callbacks know that training begins."""
        if self._pending is not None:
            return self._pending.state["epoch"]
        found = self.model._initial_epoch  # a callback of the user's own may have set it
        return initial_epoch if found is None else found

    def enter(self, epoch: int) -> None:
        """An epoch begins, or goes on where the checkpoint was made."""
        checkpoint, self._pending = self._pending, None
        if checkpoint is None or checkpoint.state["stage"] != END:
            self.epoch, self.stage, self.step = epoch, STEPS, 0
            self.step_logs, self.epoch_logs = None, {}
            self.model.reset_metrics()
            self.callbacks.on_epoch_begin(epoch)
        if checkpoint is not None:
            self._restore(checkpoint)

    def begin_validation(self) -> Any:
        """Validation begins; returns what runs it."""
        assert self.make_evaluator is not None
        self.evaluator = self.evaluator or self.make_evaluator()
        self.stage, self.before_validation = VALIDATION, self.evaluator.state()
        return self.evaluator

    # ---- out and in ----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that decides how training goes on, but for the weights and the optimizer."""
        model = self.model
        validation = self.before_validation
        if self.evaluator is not None and self.stage != VALIDATION:
            validation = self.evaluator.state()
        return {
            "epoch": self.epoch,
            "stage": self.stage,
            "step": self.step,
            "step_logs": to_numbers(self.step_logs) if self.stage == STEPS else None,
            "epoch_logs": self.epoch_logs,
            "place": self.callbacks.place,
            "callbacks": self.callbacks.get_state(),
            "stop_training": bool(model.stop_training),
            "data": self.runner.state(self.step if self.stage == STEPS else 0),
            "validation": validation,
            "metrics": [v.numpy() for v in model.metrics_variables],
            "generators": random.generator_states(),
        }

    def resume(self, checkpoint: Checkpoint) -> None:
        """Has training go on from a checkpoint; a callback calls it as training begins.

        Raises:
            SerializationError: the file is of another model, or holds no state of training.
        """
        if checkpoint.state is None or "stage" not in checkpoint.state:
            raise SerializationError(
                f"{checkpoint.path} holds weights, but not where training was. Load it by "
                "`model.load_weights` or `etude.saving.load_model`, and pass `initial_epoch` to "
                "`fit`."
            )
        self._build_optimizers()
        _restore_weights(self.model, checkpoint)
        self._pending = checkpoint
        state = checkpoint.state
        self.model._initial_epoch = state["epoch"] + (state["stage"] == END)

    def _restore(self, checkpoint: Checkpoint) -> None:
        state, model = checkpoint.state, self.model
        self.epoch, self.stage, self.step = state["epoch"], state["stage"], state["step"]
        self.step_logs, self.epoch_logs = state["step_logs"], state["epoch_logs"]
        self._warn_of_other_data(state["data"])
        # Those that make their batches once more do so with the generators of the begin.
        if state["validation"] is not None and self.make_evaluator is not None:
            self.evaluator = self.evaluator or self.make_evaluator()
            self.evaluator.resume(state["validation"])
        self.runner.resume(state["data"], self.step if self.stage == STEPS else 0)
        # What callbacks and data did in between is undone: all is as it was.
        _restore_weights(model, checkpoint)
        _assign_metrics(model, state["metrics"])
        model.stop_training = state["stop_training"]
        self.callbacks.set_state(state["callbacks"])
        random.set_generator_states(state["generators"])
        if self.stage == STEPS and self.step:
            self.callbacks.go_on(
                "on_train_batch_end", state["place"], self.step - 1, self.step_logs
            )
        elif self.stage == END:
            self.callbacks.go_on("on_epoch_end", state["place"], self.epoch, self.epoch_logs)

    def _build_optimizers(self) -> None:
        """Makes the state of optimizers that only a ``train_step`` of the user's own builds."""
        model = self.model
        optimizers = [part for part in vars(model).values() if isinstance(part, Optimizer)]
        if all(optimizer.built for optimizer in optimizers):
            return
        batch = symbols_of(first_batch(self.runner.batches))
        eval_shape(guarded(model, model.train_step), batch)

    def _warn_of_other_data(self, before: dict[str, Any]) -> None:
        now = self.runner.batches.state()
        for name in ("samples", "batch_size"):
            if now.get(name) != before["batches"].get(name):
                warn(
                    f"Training goes on from a checkpoint, but with other data: {name} was "
                    f"{before['batches'].get(name)}, and is {now.get(name)} now. The result is not "
                    "that of an uninterrupted run."
                )


def _restore_weights(model: Any, checkpoint: Checkpoint) -> None:
    try:
        checkpoints.restore_weights(model, checkpoint)
    except (ArgumentError, SerializationError) as error:
        error.args = (
            f"{error} The checkpoint is of another model: give `fit` another place for "
            f"checkpoints, or delete {checkpoint.path} to begin anew.",
        )
        raise


def _assign_metrics(model: Any, values: list[Any]) -> None:
    variables = model.metrics_variables
    if [tuple(v.shape) for v in variables] != [np.shape(value) for value in values]:
        warn("The metrics are not those of the checkpoint: in this epoch they begin anew.")
        return
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
