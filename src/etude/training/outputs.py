"""The outputs of a model by name, and how settings per output are given: once, as list, as dict.

Losses and metrics are attached to outputs. An output has a place in the flat order of the model's
outputs, and a name: its key where outputs are a dictionary, else the name of the layer it comes
from.
"""

from __future__ import annotations

from typing import Any

from etude import tree
from etude.errors import ArgumentError, UnknownNameError, did_you_mean

__all__ = ["Outputs"]


class Outputs:
    """The structure of a model's outputs.

    Args:
        y_pred: the outputs, or symbols of them.
        names: names of the outputs, flat, where the model knows them.

    Attributes:
        count: how many outputs there are.
        names: a name for each, ``None`` where it has none.
    """

    def __init__(self, y_pred: Any, names: list[str] | None = None) -> None:
        paths = [path for path, _ in tree.flatten_with_path(y_pred)]
        self.count = len(paths)
        self.structure = tree.map_structure(lambda _: None, y_pred)
        self.model_names = names if names and len(names) == self.count else None
        if isinstance(y_pred, dict) and all(len(path) == 1 for path in paths):
            self.names: list[str | None] = [str(path[0]) for path in paths]
        elif self.model_names is not None:
            self.names = list(self.model_names)
        elif self.count > 1 and any(len(path) > 1 for path in paths):
            self.names = ["/".join(map(str, path)) for path in paths]
        else:
            self.names = [None] * self.count

    def flatten(self, values: Any) -> list[Any]:
        """Values given per output, in the flat order; one value alone stays one.

        Returns:
            A list of as many values as there are outputs, or of other length where they do not fit.
        """
        if isinstance(values, dict) and not isinstance(self.structure, dict):
            for names in (self.names, self.model_names):
                if names and set(names) == set(values):
                    return [values[name] for name in names]
        if isinstance(values, dict) and isinstance(self.structure, dict):
            by_name = self.model_names or []
            if set(values) != set(self.structure) and set(values) == set(by_name):
                return [values[name] for name in by_name]
        return tree.flatten(values)

    def spread(self, setting: Any, argument: str) -> list[Any]:
        """A setting per output, from how users give it: a list or a dictionary by name.

        Args:
            setting: a list or tuple with one entry per output, a dictionary from names to entries
                (``None`` for those it lacks), or a structure like that of the outputs.
            argument: for messages.

        Raises:
            ArgumentError: it fits the outputs in none of these ways.
        """
        if isinstance(setting, dict):
            for names in (self.names, self.model_names):
                known = [name for name in names or [] if name is not None]
                if known and set(setting) <= set(known):
                    return [setting.get(name) for name in names or []]
        elif isinstance(setting, (list, tuple)) and not isinstance(self.structure, dict):
            flat = isinstance(self.structure, (list, tuple)) and len(self.structure) == self.count
            if len(setting) == self.count and (flat or self.count == 1):
                return list(setting)
        elif isinstance(setting, (list, tuple)) and len(setting) == self.count:
            return list(setting)
        found = _spread(self.structure, setting)
        if found is None and isinstance(setting, dict) and any(self.names):
            self.check_names(setting, argument)
            raise ArgumentError(
                f"Expected keys {self.names} in the dict `{argument}`, the names of the outputs; "
                f"got {list(setting)}."
            )
        if found is None:
            raise ArgumentError(
                f"`{argument}` does not fit the outputs of the model. There are {self.count} "
                f"outputs, named {self.names}. Expected one entry per output, in a list or in a "
                f"dictionary by name. Received: {argument}={setting}"
            )
        return found

    def check_names(self, setting: dict[Any, Any], argument: str) -> None:
        """Raises where a dictionary names an output that there is not.

        Args:
            setting: a dictionary by the names of outputs.
            argument: for messages.

        Raises:
            UnknownNameError: there is no output of that name; nothing where outputs have no names.
        """
        known = [name for name in self.names if name is not None]
        known += [name for name in self.model_names or [] if name not in known]
        parts = {*known, *(str(name).partition("/")[0] for name in known)}
        unknown = [key for key in setting if key not in parts]
        if known and unknown:
            raise UnknownNameError(
                f"`{argument}` names an output that the model does not have: {unknown[0]!r}."
                f"{did_you_mean(unknown[0], known, cutoff=0.4)} Expected keys {known} in the dict "
                f"`{argument}`, the names of the outputs; got {list(setting)}."
            )


def _spread(structure: Any, setting: Any) -> list[Any] | None:
    """The entries at the leaves of a structure; ``None`` where the setting has another form."""
    if not tree.is_nested(structure):
        return [setting]
    if setting is None:
        return [None] * len(tree.flatten(structure))
    if isinstance(structure, dict):
        if not isinstance(setting, dict) or not set(setting) <= set(structure):
            return None
        parts = [_spread(structure[key], setting.get(key)) for key in sorted(structure)]
    else:
        if not isinstance(setting, (list, tuple)) or len(setting) != len(structure):
            return None
        parts = [_spread(a, b) for a, b in zip(structure, setting, strict=True)]
    if any(part is None for part in parts):
        return None
    return [entry for part in parts for entry in part or ()]
