"""`keras` and `tf.keras` for code that is run unchanged: etude, and the older names of `tf.keras`.

Whatever is not here is etude's own: ``etude.compat.keras.layers is etude.layers``.
"""

from __future__ import annotations

import sys
from typing import Any

import etude
from etude.compat.keras import backend as backend
from etude.compat.keras import losses as losses
from etude.compat.keras import metrics as metrics
from etude.compat.keras import preprocessing as preprocessing
from etude.compat.views import Views

__version__ = "3.15.1"
"""The release of Keras whose names these are."""


def version() -> str:
    """The release of Keras whose names these are.

    >>> version()
    '3.15.1'
    """
    return __version__


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'etude.compat.keras' has no attribute {name!r}")
    return getattr(etude, name)


def __dir__() -> list[str]:
    return sorted({*vars(etude), "backend", "losses", "metrics", "preprocessing"})


# Last of all finders: files of this package come first, etude's own modules for the rest.
sys.meta_path.append(Views({__name__: "etude"}))
