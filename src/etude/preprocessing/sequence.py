"""The older path of `etude.utils.pad_sequences`."""

from etude.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
