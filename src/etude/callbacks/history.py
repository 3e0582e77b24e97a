"""`History`: losses and metrics, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etude.callbacks.callback import Callback
from etude.errors import DtypeError, MissingKeyError, MissingNameError, did_you_mean

__all__ = ["History"]


class History(Callback):
    """What ``fit`` returns.

    Attributes:
        history: a list of values, one per epoch, for every name.
        epoch: the numbers of the epochs.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = Records()
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins to count epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the values of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self

    def get_state(self) -> dict[str, Any]:
        """The epochs so far."""
        return {"history": dict(self.history), "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        """Puts the epochs before in front."""
        self.history.clear()
        self.history.update(state["history"])
        self.epoch = state["epoch"]

    if not TYPE_CHECKING:  # checkers shall go on to find names that are not there

        def __getattr__(self, name: str) -> Any:
            """Only reached for what is not there, such as the name of a metric.

            Raises:
                MissingNameError: always.
            """
            if name.startswith("__"):  # Python asks for these by itself
                raise AttributeError(f"'History' object has no attribute {name!r}")
            raise MissingNameError(lambda: self._explain_missing(name))

    def _explain_missing(self, name: str) -> str:
        text = f"'History' object has no attribute {name!r}."
        if name in self.__dict__.get("history", {}):
            return f"{text} Values are kept by name: `history.history[{name!r}]`."
        return text + did_you_mean(name, ("history", "epoch", "params", "model"))

    def __getitem__(self, name: Any) -> Any:
        """A History is no dictionary, but holds one.

        Raises:
            DtypeError: always.
        """
        raise DtypeError(
            "What `fit` returns is a History, which cannot be indexed itself: the values are in "
            f"its dictionary `history`. Write `history.history[{name!r}]`."
        )


class Records(dict[str, list[Any]]):
    """Values by name; a name that is not there is answered with those that are."""

    def __missing__(self, name: Any) -> Any:
        text = f"There are no values of {name!r}: "
        if not self:
            raise MissingKeyError(f"{text}nothing was recorded, not a single epoch has ended.")
        text += f"recorded were {', '.join(map(repr, self))}."
        validated = any(str(known).startswith("val_") for known in self)
        if str(name).startswith("val_") and not validated:
            text += " Pass `validation_data` or `validation_split` to `fit`."
        elif str(name).removeprefix("val_") in ("acc", "accuracy") and len(self) <= 1 + validated:
            text += " Pass `metrics=['accuracy']` to `compile`."
        else:
            text += did_you_mean(name, self, cutoff=0.5)
        raise MissingKeyError(text)
