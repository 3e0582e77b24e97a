"""`save_weights` and `load_weights`: the numbers of a model in files."""

from __future__ import annotations

from typing import Any

from etude.errors import ArgumentError

__all__ = ["load_weights", "save_weights"]


def save_weights(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    max_shard_size: float | None = None,
    **kwargs: Any,
) -> None:
    """Writes the weights of a model to a file.

    A file ``*.weights.h5`` has the layout of Keras 3, and the state of the optimizer too. A file
    ``*.safetensors`` has the weights under names such as ``layers.dense_1.kernel``, which depend
    on the architecture alone.

    Args:
        model: the model.
        filepath: ``*.weights.h5`` or ``*.safetensors``; ``*.weights.json`` where there are several.
        overwrite: whether a file of that name may be replaced.
        max_shard_size: gigabytes, where the weights are to go into several files.
        **kwargs: ``objects_to_skip``, a list of layers to leave out.

    Raises:
        ArgumentError: the name has another ending, or the file exists and may not be replaced.
    """
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    skipped = kwargs.pop("objects_to_skip", None)
    _refuse(kwargs)
    weights.save(model, filepath, overwrite, max_shard_size, skipped)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads the weights of a model from a file.

    Args:
        model: the model.
        filepath: ``*.weights.h5``, ``*.weights.json``, ``*.keras``, ``*.safetensors``, or ``*.h5``
            of Keras 2.
        skip_mismatch: whether layers whose weights do not fit are left as they are.
        **kwargs: ``objects_to_skip``, a list of layers to leave as they are; ``by_name``, for
            safetensors and files of Keras 2: whether layers are found by their names.

    Raises:
        ArgumentError: the name has another ending, or the file does not fit the model.
    """
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    skipped, by_name = kwargs.pop("objects_to_skip", None), kwargs.pop("by_name", None)
    _refuse(kwargs)
    weights.load(model, filepath, skip_mismatch, skipped, by_name)


def _refuse(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise ArgumentError(f"Invalid keyword arguments: {kwargs}")
