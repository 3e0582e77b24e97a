"""Distillation: a small model learns from a large one, and from the labels (Hinton et al. 2015)."""

from etude.distillation.distiller import Distiller
from etude.distillation.losses import DistillationLoss, FeatureDistillation, LogitsDistillation

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]
