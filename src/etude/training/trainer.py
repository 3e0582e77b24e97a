"""`Trainer`: ``compile``, ``fit``, ``evaluate``, ``predict``. What a step does is in `step`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etude import config, metrics, optimizers, tree
from etude.callbacks.callback_list import CallbackList, to_numbers
from etude.data.adapters import batches_of
from etude.data.arrays import ArrayBatches, split_for_validation, to_arrays
from etude.data.class_weights import class_weights_to_sample_weights
from etude.data.unpacking import unpack_x_y_sample_weight
from etude.engine.interrupts import whole_steps
from etude.errors import ArgumentError, DataError, StateError
from etude.layers.base.tracking import no_automatic_dependency_tracking
from etude.optimizers import LossScaleOptimizer
from etude.random import make_default_seed
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.tracebacks import shortened, warn
from etude.training import checks, host_part
from etude.training.arguments import check_names, checked_count, is_due, limited, limited_steps
from etude.training.building import build_from_batch
from etude.training.compiled_losses import CompileLoss
from etude.training.compiled_metrics import CompileMetrics
from etude.training.keras2 import Keras2Steps
from etude.training.predictions import Predictions, as_numpy
from etude.training.runner import first_batch, make_runner, program

__all__ = ["Trainer"]


class NotCompiledError(StateError, ArgumentError):
    """A model was to be trained before `compile` said how."""


class Trainer(Keras2Steps):
    """What makes a model trainable; `etude.Model` inherits it."""

    def __init__(self) -> None:
        self.__dict__.setdefault("_programs", {})
        self.compiled = False
        self.loss = None
        self.optimizer = None
        self.stop_training = False
        self.steps_per_execution = 1
        self.run_eagerly = False
        self.jit_compile: Any = "auto"
        self._compile_loss: Any = None
        self._compile_metrics: Any = None
        self._loss_tracker: Any = None
        self._compile_config: dict[str, Any] = {}
        self._initial_epoch: int | None = None

    @shortened
    @no_automatic_dependency_tracking
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Says how the model is trained.

        Compiling again replaces what is given; loss and metrics that are not given stay.

        Args:
            optimizer: an optimizer or its name.
            loss: a loss, its name or a function ``(y_true, y_pred)``; for several outputs a list
                or a dictionary by name.
            loss_weights: factors of the losses, likewise.
            metrics: a list of metrics, names or functions; for several outputs a list of lists or
                a dictionary by name.
            weighted_metrics: likewise; these get sample weights and class weights.
            run_eagerly: whether steps run without being compiled, e.g. to debug them.
            steps_per_execution: how many steps at least run before a callback's per-batch hook.
            jit_compile: accepted; steps are compiled wherever the engine compiles.
            auto_scale_loss: whether the loss is scaled in half precision.

        Raises:
            UnknownNameError: a name of an optimizer is not known. Names of losses and metrics are
                looked up here too, where they do not depend on shapes.
        """
        if not self._super_called:
            raise StateError(
                f"In model '{type(self).__name__}', you forgot `super().__init__()`. Make it the "
                "first line of the constructor."
            )
        self.optimizer = optimizers.get(optimizer)
        self._scale_if_half(auto_scale_loss)
        names = getattr(self, "output_names", None)
        names = names or getattr(getattr(self, "_functional", None), "output_names", None)
        check_names(loss, metrics, weighted_metrics)
        before = self._compile_config.get
        if loss is not None:
            self.loss, self._compile_loss = loss, CompileLoss(loss, loss_weights, names)
        else:
            loss, loss_weights = before("loss"), before("loss_weights")
        if metrics is not None or weighted_metrics is not None:
            self._compile_metrics = CompileMetrics(metrics, weighted_metrics, names)
        else:
            metrics, weighted_metrics = before("metrics"), before("weighted_metrics")
        self._loss_tracker = _mean("loss")
        self.run_eagerly = bool(run_eagerly)
        self.jit_compile = jit_compile
        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ArgumentError(
                f"`steps_per_execution` must be a positive integer; got {steps_per_execution!r}."
            )
        self.steps_per_execution = steps_per_execution
        self.stop_training = False
        self.compiled = True
        self._programs.clear()
        self._compile_config = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }

    def _scale_if_half(self, wanted: bool) -> None:
        """Wraps the optimizer, so that small gradients survive in float16."""
        policy = getattr(self, "dtype_policy", None)
        if not wanted or policy is None or policy.name != "mixed_float16":
            return
        if self.optimizer is not None and not isinstance(self.optimizer, LossScaleOptimizer):
            self.optimizer = LossScaleOptimizer(self.optimizer, name="loss_scale_optimizer")

    def _explain_missing(self, name: str) -> str:
        """What to say of an attribute that is not there."""
        text = f"{type(self).__name__!r} object has no attribute {name!r}."
        terms = getattr(self._compile_metrics, "terms", []) if self.compiled else []
        names = [known for term in terms for known in (term.name, term.metric.name)]
        if name.removeprefix("val_") in ("loss", "acc", "accuracy", *names):
            return (
                f"{text} Metrics of epochs are in what `fit` returns, `history = model.fit(...)`: "
                f"`history.history[{name!r}]`. Those on other data: `model.evaluate(x, y)`."
            )
        if name in _OTHERWISE:
            return f"{text} {_OTHERWISE[name]}"
        return super()._explain_missing(name)  # type: ignore[misc]

    # ---- metrics -------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The mean of the loss, the metrics given to `compile`, and those that layers own."""
        found = []
        if self.compiled:
            found = [m for m in (self._loss_tracker, self._compile_metrics) if m is not None]
            if self._compile_loss is not None:
                found.extend(self._compile_loss.metrics)
        found.extend(self._metrics)
        for layer in self._flatten_layers(include_self=False):
            if not isinstance(layer, Trainer):
                found.extend(layer._metrics)
        return found

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Forgets all batches in all metrics."""
        for metric in self.metrics:
            metric.reset_state()

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
            make_default_seed(),
        )
        steps_per_epoch = limited_steps(steps_per_epoch, batches)
        self._prepare(batches)
        checks.warn_of_fruitless_training(self)
        validation: Any = None
        if validation_data is not None:
            validation = self._validation_batches(
                validation_data, validation_batch_size or batch_size
            )
        callbacks = self._callbacks(callbacks, verbose, epochs, batches, steps_per_epoch)
        runner = make_runner(self, "train", batches, steps_per_epoch, callbacks.looks("train"))
        evaluator: Any = None
        self.stop_training = False
        logs: dict[str, Any] = {}
        self._initial_epoch = None  # `BackupAndRestore` sets it
        callbacks.on_train_begin()
        try:
            for epoch in range(self._initial_epoch or initial_epoch, epochs):
                self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                if self._forget_stale_programs():  # a callback has frozen a layer, say
                    runner.attach()
                    if evaluator is not None:
                        evaluator.attach()
                logs = self._train_epoch(runner, epoch, callbacks)
                if validation is not None and is_due(epoch, validation_freq):
                    evaluator = evaluator or make_runner(
                        self, "test", validation, validation_steps, callbacks.looks("test")
                    )
                    found = self._evaluate_epoch(evaluator, callbacks)
                    logs.update({f"val_{name}": value for name, value in found.items()})
                callbacks.on_epoch_end(epoch, logs)
                if self.stop_training or runner.ran_out:
                    break
        finally:
            finalize = getattr(self.optimizer, "finalize_variable_values", None)
            if finalize is not None and getattr(self.optimizer, "built", False) and epochs > 0:
                finalize(self.trainable_weights)
        callbacks.on_train_end(logs)
        return self.history

    def _train_epoch(self, runner: Any, epoch: int, callbacks: CallbackList) -> dict[str, Any]:
        logs: Any = None
        for run in runner.runs(epoch):
            callbacks.on_train_batch_begin(run.begin)
            with whole_steps():
                logs = run.call()
            callbacks.on_train_batch_end(run.end, logs)
            if self.stop_training:
                break
        if logs is None and epoch == 0:
            raise DataError("The data is empty: there is not a single batch in it.")
        found = self._epoch_logs(logs)
        _warn_of_nan_loss(found, epoch)
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

    def _forget_stale_programs(self) -> bool:
        """Whether programs were dropped: they hold for the layers and settings of their trace."""
        parts = [*self._flatten_layers(), *self.variables, *_settings_of(self.optimizer)]
        state = [(part, getattr(part, "trainable", None)) for part in parts]
        known = self._programs.get("", [])
        same = len(known) == len(state) and all(
            (a is b or (isinstance(a, _PLAIN) and a == b)) and trained == trains
            for (a, trained), (b, trains) in zip(known, state, strict=True)
        )
        if not same:
            self._programs.clear()
            self._programs[""] = state
        return not same

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
        self, callbacks: Any, verbose: Any, epochs: int, batches: Any, steps: int | None
    ) -> CallbackList:
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks,
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

    def _evaluate_epoch(self, runner: Any, callbacks: CallbackList) -> dict[str, Any]:
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
            if self.stop_evaluating:
                break
        found = self._epoch_logs(logs)
        callbacks.on_test_end(found)
        return found

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """Values in the order of `metrics`, then those by other names; a single one alone.

        As in Keras, metrics of models with several outputs count as others, since their names in
        the logs begin with that of the output.
        """
        names: list[str] = []
        for metric in self.metrics:
            terms = getattr(metric, "terms", None)
            names += [metric.name] if terms is None else [term.metric.name for term in terms]
        values = [logs[name] for name in dict.fromkeys(names) if name in logs]
        values += [logs[name] for name in sorted(logs) if name not in names]
        return values[0] if len(values) == 1 else values

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

    # ---- single batches ------------------------------------------------------------------------

    @shortened
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on the given samples; metrics are those of these samples alone."""
        self._require_compile("train_on_batch")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    @shortened
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation on the given samples; metrics are those of these alone."""
        self._require_compile("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        checks.check_batch_axis(self, x, y)
        x = host_part.prepare(self, x)
        x, y, sample_weight = (
            to_arrays(part, name)
            for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight))
        )
        if class_weight is not None:
            if sample_weight is not None:
                raise ArgumentError(
                    "`sample_weight` and `class_weight` cannot be given at the same time. Multiply "
                    "the weights of the classes into `sample_weight`."
                )
            sample_weight = class_weights_to_sample_weights(y, class_weight)
        batch = (x, y, sample_weight)
        checks.check_targets(self, y)
        build_from_batch(self, batch)
        self._forget_stale_programs()
        checks.check_labels(self, y)
        checks.check_ids(self, x)
        self.reset_metrics()
        step = program(self, kind, lambda step: step)
        with whole_steps():
            logs = to_numbers(step(batch))
        return logs if return_dict else self._in_order(logs)

    @shortened
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for the given samples, as NumPy arrays."""
        checks.check_batch_axis(self, x)
        x = to_arrays(host_part.prepare(self, x), "x")
        build_from_batch(self, (x,), targets=False)
        self._forget_stale_programs()
        checks.check_ids(self, x)
        step = program(self, "predict", lambda step: step)
        return tree.map_structure(as_numpy, step((x,)))

    # ---- functions of Keras --------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> Any:
        """The compiled `train_step`, which takes a batch; made anew with ``force``."""
        return self._make("train", force)

    def make_test_function(self, force: bool = False) -> Any:
        """The compiled `test_step`, which takes a batch; made anew with ``force``."""
        return self._make("test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """The compiled `predict_step`, which takes a batch; made anew with ``force``."""
        return self._make("predict", force)

    def _make(self, kind: str, force: bool) -> Any:
        if force:
            self._programs.clear()
        return program(self, kind, lambda step: step)

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`, as a config; empty before it was called."""
        if not self.compiled:
            return {}
        return {name: serialize_keras_object(v) for name, v in self._compile_config.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Calls `compile` with what `get_compile_config` returned."""
        if type(self).compile is not Trainer.compile:
            warn(
                "`compile()` was not called as part of model loading because the model's "
                "`compile()` method is custom. Write a `compile_from_config(config)` for "
                f"{type(self).__name__}, or compile it after loading."
            )
            return
        self.compile(**deserialize_keras_object(config))
        if self.optimizer is not None and getattr(self, "built", False):
            self.optimizer.build(self.trainable_weights)

    def _require_compile(self, method: str) -> None:
        if not self.compiled:
            raise NotCompiledError(
                f"You must call `compile()` before calling `{method}()`. It says how the model is "
                "trained, e.g. `model.compile(optimizer='adam', "
                "loss='sparse_categorical_crossentropy', metrics=['accuracy'])`."
            )

    if TYPE_CHECKING:  # `Layer` supplies these
        _super_called: bool
        _metrics: list[Any]
        _programs: dict[str, Any]
        history: Any

        @property
        def variables(self) -> list[Any]: ...  # noqa: D102

        def _flatten_layers(
            self, include_self: bool = True, recursive: bool = True
        ) -> list[Any]: ...


_PLAIN = (bool, int, float, str, type(None))

_OTHERWISE = {
    "lr": "It is a setting of the optimizer: `model.optimizer.learning_rate`.",
    "learning_rate": "It is a setting of the optimizer: `model.optimizer.learning_rate`.",
    "train": "`fit` trains; a call is told whether it is part of that: `model(x, training=True)`.",
    "eval": "`evaluate` gives loss and metrics; `model(x, training=False)` calls it for use.",
    "fit_generator": "`fit` takes generators and other iterables of batches.",
    "evaluate_generator": "`evaluate` takes generators and other iterables of batches.",
    "predict_generator": "`predict` takes generators and other iterables of batches.",
    "predict_classes": "Write `model.predict(x).argmax(axis=-1)`.",
    "predict_proba": "`predict` gives what the last layer gives: probabilities after a softmax.",
}
"""What older versions, or other libraries, have."""


def _settings_of(optimizer: Any) -> list[Any]:
    """The optimizer, and what of it is no Variable: a program keeps it as it was when traced."""
    if optimizer is None:
        return [None]
    found: list[Any] = [optimizer]
    for name, value in sorted(vars(optimizer).items()):
        setting = isinstance(value, _PLAIN) and not name.startswith("_") and name != "built"
        if setting or name == "_learning_rate":
            found.append(value)
        elif name == "inner_optimizer":
            found += _settings_of(value)
    return found


def _mean(name: str) -> Any:
    return metrics.Mean(name=name)


def _warn_of_nan_loss(logs: dict[str, Any], epoch: int) -> None:
    loss = logs.get("loss")
    if isinstance(loss, float) and loss != loss:
        warn(
            f"The loss became NaN in epoch {epoch + 1}. Frequent causes: a learning rate that is "
            "too large, NaN or very large values in the data, a logarithm or division of zero in a "
            "loss of your own. The callback `TerminateOnNaN` stops training when it happens."
        )
