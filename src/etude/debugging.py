"""To see what goes wrong in training: where a NaN comes from, gradients, units that are dead.

`fit` looks after the loss by itself, and says where a NaN or an infinity first appeared: in which
step, layer and operation. Here is what to ask for it with, and for more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from etude.autodiff import GradientTape, function
from etude.autodiff.watching import Observer, watched_by
from etude.callbacks import Callback
from etude.callbacks.terminate_on_nan import NaNLossError
from etude.data.arrays import to_arrays
from etude.data.unpacking import unpack_x_y_sample_weight
from etude.errors import StateError
from etude.messages import say
from etude.training import host_part
from etude.training.anomaly import Anomaly
from etude.training.building import build_from_batch
from etude.training.watch import LossWatch

__all__ = ["Anomaly", "FindAnomaly", "NaNLossError", "TrainingHealth", "find_anomaly"]


def find_anomaly(model: Any, x: Any, y: Any = None, sample_weight: Any = None) -> Anomaly | None:
    """Takes one training step, looks at each operation in it, and leaves the model as it was.

    Args:
        model: a compiled model.
        x: the inputs of a batch.
        y: its targets.
        sample_weight: its weights.

    Returns:
        The first place at which a number was NaN or infinite; None where all were finite.

    Example:
        >>> import etude
        >>> model = etude.Sequential([etude.Input((1,)), etude.layers.Dense(1, "exponential")])
        >>> model.compile("sgd", "mse")
        >>> find_anomaly(model, np.zeros((2, 1)), np.zeros((2, 1))) is None
        True
        >>> model.set_weights([np.ones((1, 1)), np.zeros(1)])
        >>> found = find_anomaly(model, np.full((2, 1), 100.0), np.zeros((2, 1)))
        >>> found.kind, found.operation, found.values, found.count
        ('forward', 'exp', 'infinity', (2, 2))
    """
    x = to_arrays(host_part.prepare(model, x), "x")
    batch = (x, to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight"))
    build_from_batch(model, batch)
    return LossWatch(model).examine(batch)


class FindAnomaly(Callback):
    """Ends training soon after the loss became NaN or infinite, with a report of where it began.

    `fit` reports it by itself, as a warning. With this callback it ends, and also looks where the
    variables take so much memory that by itself it would not: until the next look at the loss, a
    few times a second, it holds the values that they had.

    Args:
        raise_error: whether training ends, by a `NaNLossError`; if not, a warning is given.

    Attributes:
        anomaly: what was found; None where all is well.

    Example:
        >>> import etude
        >>> model = etude.Sequential([etude.Input((1,)), etude.layers.Dense(1)])
        >>> model.compile("sgd", lambda y, p: etude.ops.log(y - y) * p)
        >>> try:
        ...     _ = model.fit(np.ones((4, 1)), np.ones(4), verbose=0, callbacks=[FindAnomaly()])
        ... except NaNLossError as error:
        ...     print(error)
        The loss became infinite in epoch 1. First in epoch 1, step 1, in `log`, in the loss or...
    """

    def __init__(self, raise_error: bool = True) -> None:
        self.raise_error = raise_error
        self._watch: LossWatch | None = None

    @property
    def anomaly(self) -> Anomaly | None:
        """What was found."""
        return None if self._watch is None else self._watch.found

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Tells `fit` what is wanted."""
        watch: LossWatch = _progress(self.model).watch
        watch.replays, watch.stops = True, self.raise_error
        self._watch = watch


class TrainingHealth(Callback):
    """Measures, after every epoch, the norms of gradients, and counts units that are dead.

    The gradient of the loss on one batch is taken anew, without dropout. The norm of a layer is
    that of the gradients of all of its weights together,

        ‖g‖ = √ Σ gᵢ²

    A unit of a layer with ReLU is dead on a batch where it is 0 for all samples: no gradient
    passes through it. The whole gradient's norm, and the share of dead units, are put into the logs
    as ``gradient_norm`` and ``dead_units``.

    Args:
        x: the inputs of a batch; by default it is the last that was trained on.
        y: its targets.
        sample_weight: its weights.
        verbose: whether it says what it found.

    Attributes:
        gradient_norms: by the name of the layer, a number for each epoch.
        dead_units: by the name of the layer, for each epoch the number of dead units and of all.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010.

    Example:
        >>> import etude
        >>> model = etude.Sequential([etude.Input((1,)), etude.layers.Dense(3, "relu", name="one")])
        >>> model.set_weights([np.array([[1.0, -1.0, 2.0]]), np.zeros(3)])
        >>> model.compile(etude.optimizers.SGD(0.0), "mse")
        >>> health = TrainingHealth()
        >>> history = model.fit(np.ones((2, 1)), np.zeros((2, 3)), verbose=0, callbacks=[health])
        >>> health.dead_units
        {'one': [(1, 3)]}
    """

    _remembered = ("gradient_norms", "dead_units")

    def __init__(
        self, x: Any = None, y: Any = None, sample_weight: Any = None, verbose: int = 0
    ) -> None:
        given = (("x", x), ("y", y), ("sample_weight", sample_weight))
        self._data = None if x is None else tuple(to_arrays(part, name) for name, part in given)
        self.verbose = verbose
        self.gradient_norms: dict[str, list[float]] = {}
        self.dead_units: dict[str, list[tuple[int, int]]] = {}
        self._measure: Callable[[Any], Any] | None = None

    def set_model(self, model: Any) -> None:
        """Notes the model."""
        super().set_model(model)
        self._measure = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures."""
        progress = _progress(self.model)
        batch = self._data
        if batch is None:
            if progress.watch.last is None:
                return
            batch = progress.watch.last.batch(progress.watch.last.end)
        measure = self._measure
        if measure is None:
            measure = lambda batch: _measured(self.model, batch)  # noqa: E731
            measure = self._measure = measure if self.model.run_eagerly else function(measure)
        with progress.watch.undone():
            squares, alive = measure(batch)
        norms = {name: math.sqrt(float(square)) for name, square in squares.items()}
        dead = {name: (int(np.sum(~np.asarray(a))), int(np.size(a))) for name, a in alive.items()}
        for name, norm in norms.items():
            self.gradient_norms.setdefault(name, []).append(norm)
        for name, counts in dead.items():
            self.dead_units.setdefault(name, []).append(counts)
        if logs is not None:
            logs["gradient_norm"] = math.sqrt(sum(norm**2 for norm in norms.values()))
            if dead:
                units = sum(total for _, total in dead.values())
                logs["dead_units"] = sum(count for count, _ in dead.values()) / units
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: {self.report()}")

    def report(self) -> str:
        """What the last measurement says, in words.

        Raises:
            StateError: nothing was measured yet.
        """
        if not self.gradient_norms:
            raise StateError("Nothing was measured yet: give this callback to `fit` first.")
        norms = {name: values[-1] for name, values in self.gradient_norms.items()}
        lines = [f"norms of gradients: {', '.join(f'{k} {v:.3g}' for k, v in norms.items())}."]
        for name, counts in self.dead_units.items():
            dead, total = counts[-1]
            if dead:
                lines.append(f"{dead} of {total} units of '{name}' are dead.")
            if dead > total / 2:
                lines.append(
                    "They no longer learn: lower the learning rate, or use LeakyReLU or GELU."
                )
        smallest, largest = min(norms, key=norms.__getitem__), max(norms, key=norms.__getitem__)
        if norms[largest] > 1e4 * norms[smallest]:
            lines.append(
                f"The gradient of '{smallest}' is smaller than that of '{largest}' by a factor of "
                "more than 10,000, so it hardly learns: try normalization layers, residual "
                "connections, or another initializer."
            )
        if norms[largest] > 1e3:
            lines.append(
                "Gradients are large, and a step may go too far: lower the learning rate, or pass "
                "`clipnorm=1.0` to the optimizer."
            )
        return " ".join(lines)


class _Outputs(Observer):
    """Keeps the outputs of layers with ReLU."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def leaves(self, layer: Any, outputs: Any) -> None:
        """Keeps them."""
        rectified = getattr(getattr(layer, "activation", None), "__name__", "") in ("relu", "relu6")
        if (rectified or type(layer).__name__ == "ReLU") and getattr(outputs, "ndim", 0) > 1:
            self.found[layer.name] = outputs


def _measured(model: Any, batch: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The squared norms of gradients, and which units are alive, by the names of layers."""
    x, y, sample_weight = unpack_x_y_sample_weight(batch)
    outputs = _Outputs()
    try:
        with GradientTape() as tape:
            with watched_by(outputs):
                y_pred = model(x, training=False)
            loss = model._compute_loss(x, y, y_pred, sample_weight, training=False)
    finally:
        model._clear_losses()
    layers = {layer.name: layer._own_variables() for layer in model._flatten_layers()}
    weights = {name: [v for v in own if v.trainable] for name, own in layers.items()}
    weights = {name: own for name, own in weights.items() if own}
    gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
    squares = {
        name: sum(ops.sum(ops.square(ops.cast(g, "float32"))) for g in own)
        for name, own in gradients.items()
    }
    alive = {
        name: ops.any(output > 0, axis=tuple(range(output.ndim - 1)))
        for name, output in outputs.found.items()
    }
    return squares, alive


def _progress(model: Any) -> Any:
    progress = model.__dict__.get("_progress")
    if progress is None:
        raise StateError("This callback is for `fit`, which knows the steps that it looks at.")
    return progress
