"""`LambdaCallback`: functions in the place of methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude.callbacks.callback import Callback

__all__ = ["LambdaCallback"]

Function = Callable[..., Any] | None


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: called as ``f(epoch, logs)``.
        on_epoch_end: called as ``f(epoch, logs)``.
        on_train_begin: called as ``f(logs)``.
        on_train_end: called as ``f(logs)``.
        on_train_batch_begin: called as ``f(batch, logs)``.
        on_train_batch_end: called as ``f(batch, logs)``.
        **kwargs: any other method of `Callback`.

    Example:
        >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
        >>> callback.on_epoch_end(3, {"loss": 1.0})
        3 {'loss': 1.0}
    """

    def __init__(
        self,
        on_epoch_begin: Function = None,
        on_epoch_end: Function = None,
        on_train_begin: Function = None,
        on_train_end: Function = None,
        on_train_batch_begin: Function = None,
        on_train_batch_end: Function = None,
        **kwargs: Any,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in given.items():
            if function is not None:
                setattr(self, name, function)
