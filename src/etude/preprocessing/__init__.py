"""Helpers that make arrays of files and lists, under the names that they have in Keras."""

from etude.preprocessing import image, sequence

__all__ = ["image", "sequence"]
