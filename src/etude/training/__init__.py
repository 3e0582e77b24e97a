"""Training: the step, the loops around it, and what ``compile`` is told."""

from etude.training.trainer import Trainer

__all__ = ["Trainer"]
