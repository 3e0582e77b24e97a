"""`CallbackList`: calls all callbacks, and knows whether any looks at single batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from etude import tree
from etude.callbacks.callback import Callback
from etude.callbacks.history import History
from etude.callbacks.hooks import check_hooks
from etude.callbacks.progress import ProgbarLogger
from etude.errors import ArgumentError

__all__ = ["CallbackList"]

_BATCH_METHODS = {
    "train": ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList:
    """Several callbacks in the place of one.

    Args:
        callbacks: a callback, or several, nested or not.
        add_history: whether a `History` is added, which becomes ``model.history``.
        add_progbar: whether a `ProgbarLogger` is added.
        model: the model.
        **params: ``verbose``, ``epochs`` and ``steps``.

    Raises:
        ArgumentError: one of them is no callback.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        found = [c for c in tree.flatten(callbacks) if c is not None] if callbacks else []
        for callback in found:
            if not callable(getattr(callback, "set_model", None)):
                hint = " Add parentheses to make one." if isinstance(callback, type) else ""
                raise ArgumentError(
                    "`callbacks` must be instances of `etude.callbacks.Callback`; got "
                    f"{callback!r}.{hint}"
                )
            if isinstance(callback, type):
                raise ArgumentError(
                    f"`callbacks` must be instances, but got the class {callback.__name__}. Add "
                    "parentheses to make one."
                )
            check_hooks(callback)
        self.callbacks: list[Any] = list(found)
        self.place: str | None = None
        self._progbar: Any = _first(self.callbacks, ProgbarLogger)
        if self._progbar is None and add_progbar:
            self._progbar = ProgbarLogger()
            self.callbacks.append(self._progbar)
        self._history: Any = _first(self.callbacks, History)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        self._watchers = {
            kind: [c for c in self.callbacks if c is not self._progbar and _watches(c, methods)]
            for kind, methods in _BATCH_METHODS.items()
        }
        self.params = params
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def append(self, callback: Any) -> None:
        """Adds a callback."""
        check_hooks(callback)
        self.callbacks.append(callback)
        for kind, methods in _BATCH_METHODS.items():
            if _watches(callback, methods):
                self._watchers[kind].append(callback)

    def looks(self, kind: str) -> bool:
        """Whether a callback, other than the progress bar, looks at single batches.

        Args:
            kind: ``"train"``, ``"test"`` or ``"predict"``.
        """
        return bool(self._watchers[kind])

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands parameters to all."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hands the model to all."""
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    # ---- epochs --------------------------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Calls all."""
        self._call("on_epoch_begin", epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Calls all; the history comes last, with what the others put into the logs."""
        logs = {} if logs is None else logs
        self._in_turn("on_epoch_end", self._at_epoch_end(), epoch, logs)

    def _at_epoch_end(self) -> list[Any]:
        return sorted(self.callbacks, key=lambda c: c is self._history)

    def _call(self, method: str, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, method)(*args)

    # ---- batches -------------------------------------------------------------------------------

    @property
    def model(self) -> Any:
        """The model of the callbacks; None where there are none."""
        return self.callbacks[0].model if self.callbacks else None

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_begin`."""
        self.on_train_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_end`."""
        self.on_train_batch_end(batch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls those that look at batches."""
        for callback in self._watchers["train"]:
            callback.on_train_batch_begin(batch, {})

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls those that look at batches, and the progress bar when it is due."""
        self._end("train", "on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls those that look at batches."""
        for callback in self._watchers["test"]:
            callback.on_test_batch_begin(batch, {})

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls those that look at batches, and the progress bar when it is due."""
        self._end("test", "on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls those that look at batches."""
        for callback in self._watchers["predict"]:
            callback.on_predict_batch_begin(batch, {})

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls those that look at batches, and the progress bar when it is due."""
        self._end("predict", "on_predict_batch_end", batch, logs)

    def _end(self, kind: str, method: str, batch: int, logs: Any) -> None:
        watchers = self._watchers[kind]
        drawn = self._progbar is not None and self._progbar.is_due()
        if not watchers and not drawn:
            return  # the logs are not even fetched from the device
        logs = logs if kind == "predict" else to_numbers(logs)
        self._in_turn(method, watchers, batch, logs)
        if drawn:
            getattr(self._progbar, method)(batch, logs)

    # ---- checkpoints ---------------------------------------------------------------------------

    def _in_turn(self, method: str, callbacks: list[Any], *args: Any) -> None:
        """Calls some, one after another, and keeps in mind which is at work."""
        for callback in callbacks:
            self.place = self._name(callback)
            getattr(callback, method)(*args)
        self.place = None

    def _name(self, callback: Any) -> str:
        """The class of a callback, with its number among those of this class."""
        kind = type(callback)
        same = [other for other in self.callbacks if type(other) is kind]
        return f"{kind.__name__} {next(i for i, c in enumerate(same) if c is callback)}"

    def go_on(self, method: str, place: str | None, *args: Any) -> None:
        """Calls those whose turn comes after that of the one which made a checkpoint.

        Args:
            method: ``"on_train_batch_end"`` or ``"on_epoch_end"``.
            place: which one made it; with None all had their turn.
            *args: arguments of the method.
        """
        watchers = self._watchers["train"]
        callbacks = self._at_epoch_end() if method == "on_epoch_end" else watchers
        names = [self._name(callback) for callback in callbacks]
        if place in names:
            self._in_turn(method, callbacks[names.index(place) + 1 :], *args)

    def get_state(self) -> dict[str, Any]:
        """What each callback remembers, by its name here."""
        found = {
            self._name(callback): callback.get_state()
            for callback in self.callbacks
            if hasattr(callback, "get_state")
        }
        return {name: state for name, state in found.items() if state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Has each callback go on from what it remembered; those that are new begin anew."""
        for callback in self.callbacks:
            name = self._name(callback)
            if name in state:
                callback.set_state(state[name])

    def on_interrupt(self, logs: dict[str, Any]) -> None:
        """Has those that make checkpoints make one, before Ctrl-C or SIGTERM ends training."""
        for callback in self.callbacks:
            save = getattr(callback, "_on_interrupt", None)
            if save is not None:
                save(logs)

    # ---- whole runs ----------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """Calls all."""
        self._call("on_train_begin", logs or {})

    def on_train_end(self, logs: Any = None) -> None:
        """Calls all."""
        self._call("on_train_end", logs or {})

    def on_test_begin(self, logs: Any = None) -> None:
        """Calls all."""
        self._call("on_test_begin", logs or {})

    def on_test_end(self, logs: Any = None) -> None:
        """Calls all."""
        self._call("on_test_end", logs or {})

    def on_predict_begin(self, logs: Any = None) -> None:
        """Calls all."""
        self._call("on_predict_begin", logs or {})

    def on_predict_end(self, logs: Any = None) -> None:
        """Calls all."""
        self._call("on_predict_end", logs or {})


def to_numbers(logs: Any) -> dict[str, Any]:
    """Logs as plain numbers, nested dictionaries made one; waits until they are computed.

    The names are in alphabetical order, as in Keras: tables and plots of a history show it.

    >>> to_numbers({"loss": np.float32(0.5), "more": {"acc": 1.0}})
    {'acc': 1.0, 'loss': 0.5}
    """
    found: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        if isinstance(value, dict):
            found.update(to_numbers(value))
        elif hasattr(value, "dtype"):
            array = np.asarray(value)
            found[name] = array.item() if array.size == 1 else array
        else:
            found[name] = value
    return dict(sorted(found.items()))


def _first(callbacks: list[Any], cls: type) -> Any:
    return next((callback for callback in callbacks if isinstance(callback, cls)), None)


def _watches(callback: Any, methods: tuple[str, ...]) -> bool:
    """Whether a callback overrides one of these methods."""
    switch = getattr(callback, "watches_batches", None)
    if switch is not None and not switch:
        return False
    for name in methods:
        method = getattr(callback, name, None)
        base = getattr(Callback, name)
        if method is not None and getattr(method, "__func__", method) is not base:
            return True
    return False
