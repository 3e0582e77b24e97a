"""Arguments of ``compile``, ``fit`` and their kin, checked."""

from __future__ import annotations

from typing import Any

from etude import config, losses, metrics, tree
from etude.errors import ArgumentError
from etude.tracebacks import warn

__all__ = ["check_names", "checked_count", "is_due", "limited", "limited_steps"]


def check_names(loss: Any, *metric_groups: Any) -> None:
    """Looks up names early, so that a misspelt one is reported by ``compile``."""
    late = ("accuracy", "acc", "crossentropy", "ce")
    for name in tree.flatten(loss):
        if isinstance(name, str) and name.lower() not in late:
            losses.get(name)
    for group in metric_groups:
        for name in tree.flatten(group):
            if isinstance(name, str) and name.lower() not in late:
                metrics.get(name)


def checked_count(value: Any, name: str, least: int = 0) -> Any:
    """A number of epochs or steps as given, checked; ``None`` stays."""
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentError(
            f"`{name}` must be a whole number; got {value!r} of type {type(value).__name__}."
            + (
                " Round it: `len(x) // batch_size`."
                if isinstance(value, float) and "steps" in name
                else ""
            )
        )
    if value < least:
        raise ArgumentError(f"`{name}` must be at least {least}; got {value}.")
    return int(value)


def limited(value: Any, default: int | None, limit: int | None, name: str) -> Any:
    """A number of epochs or steps, or the limit that `etude.config` sets if it is lower."""
    wanted = default if value is None else value
    if not limit or (wanted is not None and wanted <= limit):
        return value
    warn(f"`{name}` is limited to {limit} by `etude.config`.")
    return limit


def limited_steps(steps: int | None, batches: Any) -> int | None:
    """The steps of an epoch, or the limit that `etude.config` sets if it is lower."""
    return limited(steps, batches.num_batches, config.max_steps_per_epoch(), "steps_per_epoch")


def is_due(epoch: int, validation_freq: Any) -> bool:
    """Whether to validate after an epoch, which is counted from 0."""
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    if isinstance(validation_freq, (list, tuple, set)):
        return epoch + 1 in validation_freq
    raise ArgumentError(
        "`validation_freq` is a number of epochs, or a list of the epochs to validate after; got "
        f"{validation_freq!r} of type {type(validation_freq).__name__}."
    )
