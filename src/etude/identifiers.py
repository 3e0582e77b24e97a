"""What users may give in the place of an object: its name, its config, its class, or itself."""

from __future__ import annotations

import inspect
from typing import Any

from etude.errors import ArgumentError, unknown_name
from etude.saving.serialization import deserialize_member

__all__ = ["identified"]


def identified(kind: str, identifier: Any, members: dict[str, Any], example: str = "") -> Any:
    """The object or function that an identifier stands for; of a class, a new instance.

    Args:
        kind: what it should be, for the message, e.g. ``"loss"``.
        identifier: a name, a config, a class, or any callable; None stays None.
        members: the classes and functions of this kind by name.
        example: for the message, how an object of this kind is made.

    Raises:
        UnknownNameError: none has this name.
        ArgumentError: it is nothing of all this.

    >>> identified("number", int, {}), identified("number", "largest", {"largest": max})
    (0, <built-in function max>)
    """
    if identifier is None:
        return None
    found = deserialize_member(identifier, members)
    if isinstance(found, str):
        raise unknown_name(kind, found, members)
    if not callable(found):
        name = next((f", such as {name!r}" for name in members if name.islower()), "")
        such = f", such as `{example}`" if example else ""
        raise ArgumentError(
            f"Could not interpret {kind} identifier: {identifier}. Expected a name{name}, or an "
            f"object{such}."
        )
    return found() if inspect.isclass(found) else found
