"""Metrics that ask for a margin: the means of the losses of the same names."""

from __future__ import annotations

from typing import Any

from etude.losses.hinge import categorical_hinge, hinge, squared_hinge
from etude.metrics.reduction import NamedMean

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


class Hinge(NamedMean):
    """The mean of max(1 - y_true · y_pred, 0).

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(Hinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.0
    """

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)


class SquaredHinge(NamedMean):
    """The mean of max(1 - y_true · y_pred, 0)².

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.25
    """

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(NamedMean):
    """By how much the best wrong class comes within 1 of the right one.

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]]))
        0.75
    """

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)
