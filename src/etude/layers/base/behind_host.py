"""What a model is given in the place of its inputs, once its layers on the host have run.

It is a dictionary, so that it travels as nested arrays do: as batches, and into compiled programs.
Its keys say that it is no dictionary of inputs.
"""

from __future__ import annotations

from typing import Any

__all__ = ["is_prepared", "key_of"]

PREFIX = "behind the host: "


def key_of(place: str) -> str:
    """The key for a value at some place of a graph."""
    return PREFIX + place


def is_prepared(inputs: Any) -> bool:
    """Whether inputs are what layers on the host have left.

    >>> is_prepared({key_of("slot 3"): [1]}), is_prepared({"x": [1]}), is_prepared([1])
    (True, False, False)
    """
    if not isinstance(inputs, dict) or not inputs:
        return False
    return all(isinstance(key, str) and key.startswith(PREFIX) for key in inputs)
