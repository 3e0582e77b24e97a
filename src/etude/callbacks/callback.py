"""`Callback`: what is called in between, while a model is trained, evaluated, or predicts."""

from __future__ import annotations

from typing import Any

__all__ = ["Callback"]

Logs = dict[str, Any] | None


class Callback:
    """The base of all callbacks; a subclass overrides the methods that it needs.

    Methods get ``logs``: losses and metrics by name, as numbers. Where a method for batches is
    overridden, training looks up after every batch (or ``steps_per_execution`` of them), which
    takes time; methods for epochs cost nothing.

    A callback that remembers something between epochs names these attributes in ``_remembered``, or
    overrides `get_state` and `set_state`: so it goes on as well where training goes on from a
    checkpoint.

    Attributes:
        params: ``verbose``, ``epochs`` and ``steps``.
        model: the model that is trained.

    Example:
        >>> class Say(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: {sorted(logs)}")
        >>> Say().on_epoch_end(0, {"loss": 1.0})
        epoch 0: ['loss']
    """

    params: dict[str, Any] | None = None
    _model: Any = None
    _remembered: tuple[str, ...] = ()

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before training with ``verbose``, ``epochs`` and ``steps``."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before training with the model."""
        self._model = model

    def get_state(self) -> dict[str, Any]:
        """What it remembers, for checkpoints: numbers, texts, arrays, lists and dictionaries."""
        return {name: getattr(self, name) for name in self._remembered}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from what `get_state` returned; called after `on_train_begin`."""
        for name in self._remembered:
            if name in state:
                setattr(self, name, state[name])

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """An older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """An older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before every epoch, the first of which is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after every epoch and its validation; what is put into ``logs`` is kept."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before every batch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after every batch of training."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before every batch of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after every batch of evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before every batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after every batch of prediction, with ``logs["outputs"]``."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called before training."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called after training."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called before evaluation, that within training included."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called after evaluation."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called before prediction."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called after prediction."""
