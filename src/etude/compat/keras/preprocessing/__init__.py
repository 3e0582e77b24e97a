"""`tf.keras.preprocessing`: etude's own, and the older `text` and `ImageDataGenerator`."""

from __future__ import annotations

from typing import Any

import etude
from etude.compat.keras.preprocessing import image as image
from etude.compat.keras.preprocessing import text as text


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(etude.preprocessing, name)
