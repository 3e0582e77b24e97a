"""One seed for everything."""

from __future__ import annotations

import random as python_random

import numpy as np

from etude.errors import ArgumentError

__all__ = ["set_random_seed"]


def set_random_seed(seed: int) -> None:
    """Seeds Python, NumPy and etude: weights, masks, shuffles and splits repeat from here on.

    Args:
        seed: an integer.

    Raises:
        ArgumentError: it is no integer.

    Example:
        >>> set_random_seed(0)
    """
    if not isinstance(seed, int):
        raise ArgumentError(
            "Expected `seed` argument to be an integer. "
            f"Received: seed={seed} (of type {type(seed)})"
        )
    python_random.seed(seed)
    np.random.seed(seed % 2**32)
