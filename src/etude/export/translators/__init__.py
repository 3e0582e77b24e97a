"""How each primitive is written in operators of ONNX; beside each other by subject."""

from etude.export.translators import (
    convolution,
    elementwise,
    indexing,
    products,
    recurrence,
    reduction,
    shape,
)
from etude.export.translators.table import TRANSLATORS, translate

__all__ = [
    "TRANSLATORS",
    "convolution",
    "elementwise",
    "indexing",
    "products",
    "recurrence",
    "reduction",
    "shape",
    "translate",
]
