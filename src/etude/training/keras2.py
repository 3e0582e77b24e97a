"""`compiled_loss`, `compiled_metrics`: what `train_step` used in Keras 2, and in many courses."""

from __future__ import annotations

import warnings
from typing import Any

from etude.training.step import Steps

__all__ = ["Keras2Steps"]


class Keras2Steps(Steps):
    """Adds the two older ways to compute loss and metrics to a model; each says what to use now."""

    def compiled_loss(
        self, y: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The loss given to ``compile`` and those of layers, of which it notes the mean.

        Args:
            y: the targets.
            y_pred: the outputs.
            sample_weight: a weight for each sample.
            regularization_losses: without effect: the losses of layers are added anyhow.
        """
        warnings.warn(
            "`model.compiled_loss()` is deprecated: use `model.compute_loss(x, y, y_pred, "
            "sample_weight)`.",
            DeprecationWarning,
            stacklevel=2,
        )
        loss = self.compute_loss(x=None, y=y, y_pred=y_pred, sample_weight=sample_weight)
        if self._loss_tracker is not None:
            self._loss_tracker.update_state(loss)
        return loss

    @property
    def compiled_metrics(self) -> Any:
        """The metrics given to ``compile``, as one object with ``update_state``."""
        warnings.warn(
            "`model.compiled_metrics` is deprecated: use `model.compute_metrics(x, y, y_pred, "
            "sample_weight)`, or update each of `model.metrics`.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self._compile_metrics
