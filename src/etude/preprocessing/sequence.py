"""Sequences of different lengths; the function is that of `etude.utils`."""

from etude.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
