"""`MonitorCallback`: watches one value, and knows whether it got better."""

from __future__ import annotations

import warnings
from typing import Any

from etude import ops
from etude.callbacks.callback import Callback
from etude.errors import ArgumentError

__all__ = ["MonitorCallback"]


class MonitorCallback(Callback):
    """The base of callbacks that act when a value improves, or no longer does.

    Args:
        monitor: the name of the value in the logs.
        mode: ``"min"``, ``"max"``, or ``"auto"``: as the metric of that name says; a loss is
            minimised.
        baseline: the value to beat at first.
        min_delta: a change by less is no improvement.

    Attributes:
        monitor_op: `ops.less` or `ops.greater`, once it is known which.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode '{mode}' is unknown (known: 'auto', 'min', 'max'); it "
                "goes on with 'auto'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Any = None

    def _set_monitor_op(self) -> None:
        """Finds whether more or less is better, which metrics tell once they are there.

        Raises:
            ArgumentError: nothing tells which.
        """
        if self.monitor_op is not None:
            return
        sign = {"min": -1, "max": 1}.get(self.mode) or self._told_direction()
        if sign is None:
            raise ArgumentError(
                f"{type(self).__name__} does not know if a higher or a lower '{self.monitor}' is "
                "better. Pass `mode='max'` or `mode='min'`."
            )
        self.monitor_op = ops.greater if sign > 0 else ops.less

    def _told_direction(self) -> int | None:
        """1 where more is better, -1 where less is, by the name and by the metric of that name."""
        name = self.monitor.removeprefix("val_")
        sign = -1 if name == "loss" or name.endswith("_loss") else None
        for metric in _all_metrics(self.model):
            if metric.name == name or name.endswith(f"_{metric.name}"):
                sign = _direction(metric) or sign
        return sign

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        if reference is None:
            return True
        self._set_monitor_op()
        least = -self.min_delta if self.monitor_op is ops.less else self.min_delta
        return bool(self.monitor_op(value - least, reference))

    def _monitored(self, logs: dict[str, Any] | None, what: str) -> Any:
        """The value in the logs; ``None``, after a warning, where it is not there."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            hint = ""
            if self.monitor.startswith("val_") and self.monitor[4:] in (logs or {}):
                hint = (
                    " Values that begin with `val_` need `validation_data` or `validation_split`."
                )
            warnings.warn(
                f"{what} `{self.monitor}` which is not available. The logs hold: "
                f"{', '.join(logs or {})}.{hint}",
                stacklevel=3,
            )
        return value


# Parts of the names of classes of metrics that are better when they are larger, or smaller.
_UP = (
    *("Accuracy", "AUC", "CosineSimilarity", "F1", "FBeta", "IoU", "Precision", "R2", "Recall"),
    *("Sensitivity", "Specificity", "TruePositives", "TrueNegatives", "Pearson", "Concordance"),
)
_DOWN = (
    *("Error", "Crossentropy", "Hinge", "Poisson", "Divergence", "LogCosh"),
    *("FalsePositives", "FalseNegatives"),
)


def _direction(metric: Any) -> int | None:
    """Whether more (1) or less (-1) of a metric is better; ``None`` where that is not known."""
    told = getattr(metric, "_direction", None)
    if told is not None:
        return {"up": 1, "down": -1}.get(told)
    name = type(metric).__name__
    if any(part in name for part in _UP):
        return 1
    return -1 if any(part in name for part in _DOWN) else None


def _all_metrics(model: Any) -> list[Any]:
    found: list[Any] = []
    for metric in getattr(model, "metrics", []):
        found.extend(metric.metrics if hasattr(metric, "terms") else [metric])
    return found
