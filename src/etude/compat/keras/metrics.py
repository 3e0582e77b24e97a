"""`tf.keras.metrics`: etude's own, and the older, shorter names of its functions."""

from __future__ import annotations

from typing import Any

from etude import metrics
from etude.compat.keras import losses

globals().update({name: getattr(losses, name) for name in losses.SHORT_NAMES.split()})


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(metrics, name)


def __dir__() -> list[str]:
    return sorted({*dir(metrics), *losses.SHORT_NAMES.split()})
