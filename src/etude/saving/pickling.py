"""`Saveable`: pickling by way of an archive, as `save_model` writes it.

What a pickle holds of a layer, model, loss, metric or optimizer is the archive of a ``*.keras``
file, and the classes and functions of yours that its config names, by reference, as pickles hold
classes. So `copy.deepcopy`, `multiprocessing` and scikit-learn can hand models on. The archive is
read as `load_model` reads it: nothing in it is run. A pickle as such can run anything; load none
that you do not trust.
"""

from __future__ import annotations

import sys
from typing import Any

from etude.saving.model_file import from_archive, to_archive
from etude.saving.registration import get_custom_objects

__all__ = ["Saveable"]


class Saveable:
    """What `etude.saving` can write as a config and variables, and what can therefore be pickled.

    >>> import copy
    >>> from etude import layers
    >>> layer = layers.Dense(2, name="twin")
    >>> layer.build((None, 3))
    >>> bool((copy.deepcopy(layer).kernel.numpy() == layer.kernel.numpy()).all())
    True
    """

    def __reduce__(self) -> Any:
        archive, named = to_archive(self)
        registered = get_custom_objects()
        own = {
            name: obj
            for name, obj in named.items()
            if registered.get(name) is not obj or _has_place(obj)
        }
        return from_archive, (archive, own)


def _has_place(obj: Any) -> bool:
    """Whether an object can be found again by its module and name, as pickles do."""
    found: Any = sys.modules.get(getattr(obj, "__module__", None) or "")
    for part in getattr(obj, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is obj
