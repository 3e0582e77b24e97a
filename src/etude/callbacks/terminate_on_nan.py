"""`TerminateOnNaN`: ends training when the loss is no number."""

from __future__ import annotations

import math
from typing import Any

from etude.callbacks.callback import Callback
from etude.errors import StateError
from etude.messages import say

__all__ = ["TerminateOnNaN"]


class NaNLossError(StateError):
    """The loss became NaN or infinite."""


class TerminateOnNaN(Callback):
    """Ends training at the first batch whose loss is NaN or infinite.

    Args:
        raise_error: whether it raises, in the place of ending training in the usual way.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the loss.

        Raises:
            NaNLossError: it is no number, and ``raise_error`` was set.
        """
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise NaNLossError(
                f"NaN or Inf loss encountered: the loss of batch {batch} is {loss}, and training "
                "stops here. Try a lower learning rate, and look for NaN in the data."
            )
        say(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
