"""What a config may not hold: it may be a stranger's, and objects are made as it says."""

from __future__ import annotations

import json
from typing import Any

from etude.errors import SerializationError

__all__ = [
    "UnrestorableError",
    "not_found",
    "odd_name",
    "parsed",
    "refuse_lambda",
    "refuse_odd_counts",
    "refuse_odd_name",
    "refuse_registered_name",
    "refuse_typespec",
]

Config = dict[str, Any]

MANY = 1 << 16
# Arguments of layers that count what is done or made, and that no weight in a file answers for.
_COUNTS = {
    **dict.fromkeys(
        (
            *("n", "cropping", "padding", "size", "output_padding", "output_size", "pool_size"),
            *("kernel_size", "strides", "dilation_rate", "height", "width", "bins", "max_number"),
            *("fft_length", "sequence_length", "sequence_stride", "num_mel_bins", "num_heads"),
            *("frame_length", "frame_step", "num_oov_indices", "key_dim", "value_dim", "head_dim"),
        ),
        MANY,
    ),
    **dict.fromkeys(("ngrams", "power_iterations", "tile_grid_size"), 256),
    **dict.fromkeys(("num_ops", "num_chains", "chain_depth"), 256),
    **dict.fromkeys(("output_sequence_length", "num_tokens", "max_tokens"), 1 << 24),
}


class UnrestorableError(SerializationError, TypeError):
    """A class does not take the config that the file has for it."""


def parsed(path: Any, text: Any) -> Config:
    """A config, which stands as text in a file.

    Args:
        path: the file, for messages.
        text: the text, or something else where the file is damaged.

    Raises:
        SerializationError: it is no dictionary in JSON.

    >>> parsed("x.h5", '{"units": 3}')
    {'units': 3}
    """
    try:
        config = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise SerializationError(f"{path}: a config in it cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise SerializationError(f"{path}: a config in it is no dictionary.")
    return config


def refuse_odd_counts(inner: Config, config: Config) -> None:
    """Numbers in a config can ask for more time or memory than there is, without any weight."""
    for name in inner.keys() & _COUNTS.keys():
        largest = _largest(inner[name])
        if largest > _COUNTS[name]:
            raise SerializationError(
                f"The config of a {config['class_name']} has `{name}={inner[name]!r}`. More than "
                f"{_COUNTS[name]} are not made from a config."
            )


def _largest(value: Any) -> float:
    """The largest number in a nest of lists."""
    if isinstance(value, (list, tuple)):
        return max(map(_largest, value), default=0)
    return abs(value) if isinstance(value, (int, float)) else 0


def odd_name(name: Any) -> bool:
    """Whether a name could lead to other files, where it becomes a part of a path.

    >>> odd_name("../weights"), odd_name("dense_1")
    (True, False)
    """
    if not isinstance(name, str):
        return False
    return "\0" in name or "\\" in name or ".." in name.split("/") or name.startswith("/")


def refuse_odd_name(name: Any, config: Config) -> None:
    """A name may not lead out of where it is put."""
    if odd_name(name):
        raise SerializationError(
            f"The config names a {config['class_name']} {name!r}. A name with '..', a backslash, a "
            "zero byte, or '/' at its beginning could lead to other files, and is not read."
        )


def refuse_registered_name(config: Config, name: str, resolved: str) -> None:
    """A registered name beside a public one would be a second, hidden identity."""
    explicit = config.get("registered_name")
    if explicit and explicit not in (name, config["class_name"]):
        raise SerializationError(
            f"The config names `registered_name={explicit!r}`, but '{resolved}' resolved to a "
            "Keras built-in, and those are not registered. Take that entry out. The config: "
            f"{config}"
        )


def not_found(kind: str, name: str, config: Config) -> SerializationError:
    """The error for a class or function that nobody has registered."""
    return SerializationError(
        f"Could not locate {kind} '{name}' of module {config.get('module')!r}. If it is your own, "
        "put `@etude.saving.register_keras_serializable()` above it and import it before loading, "
        f"or pass `custom_objects={{{name!r}: ...}}`. The config: {config}"
    )


def refuse_typespec(inner: Any) -> Any:
    """There are no TypeSpecs of TensorFlow here."""
    if not isinstance(inner, (list, tuple)):
        raise UnrestorableError(
            "Expected 'config' to be a list or a tuple, the arguments of a tf.TypeSpec; got "
            f"{type(inner).__name__}."
        )
    raise SerializationError(
        "The config holds a TypeSpec of TensorFlow, of which etude has none. Save the model "
        "without it."
    )


def refuse_lambda(inner: Config) -> Any:
    """A Python lambda stands in a config as code, which is never run."""
    raise SerializationError(
        "The config holds a Python lambda. Loading it would mean arbitrary code execution, which "
        "is never done. Use a named function, decorated with "
        "`@etude.saving.register_keras_serializable()`, and save again."
    )
