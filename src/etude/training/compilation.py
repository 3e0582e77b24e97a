"""`compile`: how a model is to be trained; its metrics, and which programs still hold for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etude import metrics, optimizers
from etude.errors import ArgumentError, StateError
from etude.layers.base.tracking import no_automatic_dependency_tracking
from etude.optimizers import LossScaleOptimizer
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.tracebacks import shortened, warn
from etude.training.arguments import check_names
from etude.training.compiled_losses import CompileLoss
from etude.training.compiled_metrics import CompileMetrics
from etude.training.keras2 import Keras2Steps

__all__ = ["Compilable", "NotCompiledError"]


class NotCompiledError(StateError, ArgumentError):
    """A model was to be trained before `compile` said how."""


class Compilable(Keras2Steps):
    """A model that `compile` tells how it is trained, and that remembers it."""

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

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`, as a config; empty before it was called."""
        if not self.compiled:
            return {}
        return {name: serialize_keras_object(v) for name, v in self._compile_config.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Calls `compile` with what `get_compile_config` returned."""
        if type(self).compile is not Compilable.compile:
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
            if not isinstance(layer, Compilable):
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

    # ---- programs ------------------------------------------------------------------------------

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
