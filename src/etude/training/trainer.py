"""`Trainer`: ``fit``, ``evaluate``, ``predict``. What a step does is in `step`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import config, tree
from etude.callbacks.automatic import automatic
from etude.callbacks.callback_list import CallbackList, to_numbers
from etude.data.adapters import batches_of
from etude.data.arrays import ArrayBatches, split_for_validation
from etude.data.unpacking import unpack_x_y_sample_weight
from etude.engine import xp
from etude.engine.interrupts import whole_steps
from etude.errors import ArgumentError, DataError
from etude.tracebacks import shortened
from etude.training import checks, host_part
from etude.training.arguments import checked_count, is_due, limited, limited_steps
from etude.training.building import build_from_batch
from etude.training.predictions import Predictions, as_numpy
from etude.training.progress import Progress
from etude.training.runner import first_batch, make_runner, program
from etude.training.single_batches import SingleBatches

__all__ = ["Trainer"]


class Trainer(SingleBatches):
    """What makes a model trainable; `etude.Model` inherits it."""

    def _epoch_logs(self, logs: Any) -> dict[str, Any]:
        """The logs of the last step; the values of the metrics where these have the same names."""
        found = to_numbers(logs)
        own = to_numbers(self.get_metrics_result())
        if set(own) != set(found):
            return found
        if self._loss_tracker in self.metrics and not float(self._loss_tracker.count):
            own["loss"] = found["loss"]  # a step of the user's own that reports a loss by itself
        return own

    # ---- training ------------------------------------------------------------------------------

    @shortened
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list[int] = 1,
    ) -> Any:
        """Trains the model.

        Args:
            x: inputs: arrays (N, ...), nested as the model's inputs are; or a `PyDataset`, a
                generator, or an iterable of batches ``(x, y)``.
            y: targets, for arrays.
            batch_size: samples in a step; 32 by default.
            epochs: number of the last epoch, counted from 1.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch; ``"auto"`` is 1.
            callbacks: objects whose methods are called in between.
            validation_split: share of the last samples that are kept for validation.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or batches.
            shuffle: whether every epoch has another order.
            class_weight: a weight of the loss for each class.
            sample_weight: a weight of the loss for each sample.
            initial_epoch: number of epochs that were trained before.
            steps_per_epoch: steps in an epoch; all batches by default.
            validation_steps: steps in a validation; all batches by default.
            validation_batch_size: as ``batch_size``, for validation.
            validation_freq: validate after every so many epochs, or after those in a list.

        Returns:
            The `History`: its ``history`` is a dictionary from names to a value per epoch.

        Raises:
            NotCompiledError: `compile` was not called.
            DataError: the data is empty, mismatched, no numbers, or labels are out of range.
        """
        self._require_compile("fit")
        epochs = limited(checked_count(epochs, "epochs"), None, config.max_epochs(), "epochs")
        initial_epoch = checked_count(initial_epoch, "initial_epoch")
        steps_per_epoch = checked_count(steps_per_epoch, "steps_per_epoch", least=1)
        validation_steps = checked_count(validation_steps, "validation_steps", least=1)
        checks.check_batch_axis(self, x, y)
        x = host_part.prepare(self, x)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_for_validation(
                (x, y, sample_weight), validation_split
            )
        batches = batches_of(
            x,
            y,
            sample_weight,
            batch_size,
            steps_per_epoch,
            shuffle,
            class_weight,
        )
        steps_per_epoch = limited_steps(steps_per_epoch, batches)
        self._prepare(batches)
        checks.warn_of_fruitless_training(self)
        validation: Any = None
        if validation_data is not None:
            validation = self._validation_batches(
                validation_data, validation_batch_size or batch_size
            )
        callbacks = self._callbacks(
            callbacks, verbose, epochs, batches, steps_per_epoch, automatic()
        )
        runner = make_runner(self, "train", batches, steps_per_epoch, callbacks.looks("train"))
        self.stop_training = False
        self._initial_epoch = None  # `BackupAndRestore` sets it

        def make_evaluator() -> Any:
            looks = callbacks.looks("test")
            return make_runner(self, "test", validation, validation_steps, looks)

        progress = Progress(self, callbacks, runner, None if validation is None else make_evaluator)
        try:
            with progress.under_way():
                callbacks.on_train_begin()
                for epoch in range(progress.first_epoch(initial_epoch), epochs):
                    self._fit_epoch(epoch, progress, is_due(epoch, validation_freq))
                    if self.stop_training or runner.ran_out:
                        break
        finally:
            finalize = getattr(self.optimizer, "finalize_variable_values", None)
            if finalize is not None and getattr(self.optimizer, "built", False) and epochs > 0:
                finalize(self.trainable_weights)
        callbacks.on_train_end(progress.epoch_logs)
        return self.history

    def _fit_epoch(self, epoch: int, progress: Progress, validates: bool) -> None:
        """An epoch, or what is left of it where training goes on from a checkpoint."""
        progress.enter(epoch)
        if progress.stage == "end":
            return
        if self._forget_stale_programs():  # a callback has frozen a layer, say
            progress.runner.attach()
            if progress.evaluator is not None:
                progress.evaluator.attach()
        if progress.stage == "steps":
            progress.epoch_logs = self._train_epoch(epoch, progress)
        if validates and progress.make_evaluator is not None:
            evaluator = progress.begin_validation()
            found = self._evaluate_epoch(evaluator, progress.callbacks, progress.end_where_asked)
            progress.epoch_logs.update({f"val_{name}": value for name, value in found.items()})
        progress.stage = "end"
        progress.callbacks.on_epoch_end(epoch, progress.epoch_logs)
        xp().settle()
        progress.end_where_asked()

    def _train_epoch(self, epoch: int, progress: Progress) -> dict[str, Any]:
        callbacks, watch, logs = progress.callbacks, progress.watch, progress.step_logs
        runs = () if self.stop_training else progress.runner.runs(epoch, progress.step)
        for run in runs:
            callbacks.on_train_batch_begin(run.begin)
            watch.begins(run, epoch)
            with whole_steps():
                logs = run.call()
            watch.ended(logs, epoch)
            progress.step, progress.step_logs = run.end + 1, logs
            callbacks.on_train_batch_end(run.end, logs)
            progress.end_where_asked()
            if self.stop_training:
                break
        if logs is None and epoch == 0:
            raise DataError("The data is empty: there is not a single batch in it.")
        found = self._epoch_logs(logs)
        watch.look(found, epoch)
        return found

    def _prepare(self, batches: Any, targets: bool = True) -> None:
        """Builds the model for some data, and checks the data against the model."""
        batch = first_batch(batches)
        if targets:
            checks.check_targets(self, batch[1])
        if not isinstance(batches, ArrayBatches):
            checks.check_batch_axis(self, batch[0], streamed=True)
        build_from_batch(self, batch, targets, batches.even)
        self._forget_stale_programs()
        if targets and isinstance(batches, ArrayBatches):
            checks.warn_of_not_finite(batches.arrays)
            checks.check_labels(self, batches.y)
        if isinstance(batches, ArrayBatches):
            checks.check_ids(self, batches.x)

    def _check_batch(self, batch: Any) -> None:
        """Labels and ids of streamed data are checked as they come."""
        checks.check_labels(self, batch[1])
        checks.check_ids(self, batch[0])

    def _validation_batches(self, data: Any, batch_size: int | None) -> Any:
        if isinstance(data, (list, tuple)):
            x, y, sample_weight = unpack_x_y_sample_weight(tuple(data))
        else:
            x, y, sample_weight = data, None, None
        try:
            batches = batches_of(host_part.prepare(self, x), y, sample_weight, batch_size)
        except DataError as error:
            error.args = (f"In `validation_data`: {error}",)
            raise
        if isinstance(batches, ArrayBatches):
            checks.check_targets(self, batches.y, "validation_data=(x_val, y_val)")
            checks.check_labels(self, batches.y)
            checks.check_ids(self, batches.x)
            checks.warn_of_not_finite(batches.arrays, where=" for validation")
        return batches

    def _callbacks(
        self,
        callbacks: Any,
        verbose: Any,
        epochs: int,
        batches: Any,
        steps: int | None,
        more: Any = None,
    ) -> CallbackList:
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            [callbacks, more],
            add_history=True,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=steps or batches.num_batches,
            model=self,
        )

    # ---- evaluation ----------------------------------------------------------------------------

    @shortened
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on some data.

        Args:
            x: inputs, or batches, as for `fit`.
            y: targets.
            batch_size: samples in a step; 32 by default.
            verbose: 0 silent, 1 a progress bar, 2 a line.
            sample_weight: a weight for each sample.
            steps: how many batches; all by default.
            callbacks: objects whose methods are called in between.
            return_dict: whether names come with the values.
            **kwargs: none is known.

        Returns:
            The loss, or a list of the loss and the metrics, or a dictionary of them.
        """
        self._require_compile("evaluate")
        if kwargs:
            raise ArgumentError(f"Arguments not recognized: {kwargs}")
        steps = checked_count(steps, "steps", least=1)
        checks.check_batch_axis(self, x, y)
        x = host_part.prepare(self, x)
        batches = batches_of(x, y, sample_weight, batch_size, steps)
        steps = limited_steps(steps, batches)
        self._prepare(batches)
        callbacks = self._callbacks(callbacks, verbose, 1, batches, steps)
        runner = make_runner(self, "test", batches, steps, callbacks.looks("test"))
        logs = self._evaluate_epoch(runner, callbacks)
        return logs if return_dict else self._in_order(logs)

    def _evaluate_epoch(
        self, runner: Any, callbacks: CallbackList, look_up: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        callbacks.on_test_begin()
        self.reset_metrics()
        self.stop_evaluating = False
        runner.restart()
        logs: Any = None
        for run in runner.runs(0):
            callbacks.on_test_batch_begin(run.begin)
            with whole_steps():
                logs = run.call()
            callbacks.on_test_batch_end(run.end, logs)
            look_up()
            if self.stop_evaluating:
                break
        found = self._epoch_logs(logs)
        callbacks.on_test_end(found)
        return found

    # ---- prediction ----------------------------------------------------------------------------

    @shortened
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for some inputs.

        Args:
            x: inputs, or batches, as for `fit`.
            batch_size: samples in a step; 32 by default.
            verbose: 0 silent, 1 a progress bar.
            steps: how many batches; all by default.
            callbacks: objects whose methods are called in between.

        Returns:
            NumPy arrays in the structure of the model's outputs.
        """
        steps = checked_count(steps, "steps", least=1)
        checks.check_batch_axis(self, x)
        x = host_part.prepare(self, x)
        batches = batches_of(x, batch_size=batch_size, steps=steps)
        steps = limited_steps(steps, batches)
        self._prepare(batches, targets=False)
        callbacks = self._callbacks(callbacks, verbose, 1, batches, steps)
        step = program(self, "predict", lambda step: step)
        found = Predictions()
        self.stop_predicting = False
        callbacks.on_predict_begin()
        count = steps or batches.num_batches
        for i, batch in enumerate(batches.epoch(0)):
            if count is not None and i >= count:
                break
            callbacks.on_predict_batch_begin(i)
            with whole_steps():
                outputs = step((batch[0],))
            found.add(outputs)
            if callbacks.looks("predict"):
                callbacks.on_predict_batch_end(
                    i, {"outputs": tree.map_structure(as_numpy, outputs)}
                )
            else:
                callbacks.on_predict_batch_end(i, None)
            if self.stop_predicting:
                break
        callbacks.on_predict_end()
        return found.joined()
