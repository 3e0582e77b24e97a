"""The namespace `keras.legacy`: what Keras keeps for code of older versions."""

from etude.legacy import saving

__all__ = ["saving"]
