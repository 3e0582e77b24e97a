"""`SwapEMAWeights`: evaluates the model with the moving averages of its weights."""

from __future__ import annotations

from typing import Any

from etude.callbacks.callback import Callback
from etude.errors import ArgumentError

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Puts the moving averages of the weights in their place while the model is evaluated.

    The optimizer keeps the averages: make it with ``use_ema=True``. Where they are in the model,
    the optimizer keeps the weights.

    Args:
        swap_on_epoch: whether the averages are in the model at the end of an epoch, too: then a
            `ModelCheckpoint` that comes after this callback saves them.

    Raises:
        ArgumentError: when it is used, and the optimizer keeps no averages.

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.

    Example:
        >>> from etude.optimizers import SGD
        >>> optimizer, swap = SGD(use_ema=True), SwapEMAWeights()
        >>> # model.compile(optimizer, "mse"); model.fit(x, y, callbacks=[swap])
    """

    _remembered = ("_ema_weights_in_model",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._ema_weights_in_model = False

    def _averages(self) -> list[tuple[Any, Any]]:
        """Pairs of a weight and its average."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        several = getattr(optimizer, "optimizers", [optimizer])
        averaging = [one for one in several if getattr(one, "use_ema", False)]
        if not averaging:
            raise ArgumentError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer, such as "
                f"`Adam(use_ema=True)`; got {type(optimizer).__name__} without it."
            )
        return [
            (weight, average)
            for one in averaging
            for weight, average in zip(
                one._trainable_variables, one._model_variables_moving_average, strict=True
            )
            if average is not None
        ]

    def _show(self, averages: bool) -> None:
        """Has the averages, or the weights, in the model."""
        if self._ema_weights_in_model == averages:
            return
        for weight, average in self._averages():
            before = weight.value
            weight.assign(average.value)
            average.assign(before)
        self._ema_weights_in_model = averages

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the weights back."""
        if self.swap_on_epoch:
            self._show(averages=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the averages into the model, if that was asked for."""
        if not self.swap_on_epoch:
            return
        self._show(averages=True)
        epochs = (self.params or {}).get("epochs", 0)
        if epoch == epochs - 1 or self.model.stop_training:
            # The optimizer will set weights to its averages now: those are in the model already.
            for weight, average in self._averages():
                average.assign(weight.value)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the averages into the model."""
        self._show(averages=True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the weights back."""
        self._show(averages=False)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the averages into the model."""
        self._show(averages=True)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the weights back."""
        self._show(averages=False)
