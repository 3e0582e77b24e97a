"""The outputs of a model by name, and how settings per output are given: once, as list, as dict.

Losses and metrics are attached to outputs. An output has a place in the flat order of the model's
outputs, and a name: its key where outputs are a dictionary, else the name of the layer it comes
from. Outputs may be nested; a loss may then be that of a whole part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from etude import tree
from etude.errors import ArgumentError, MissingKeyError, UnknownNameError, did_you_mean

__all__ = ["Outputs", "Part", "assignments"]


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

    @property
    def leaves(self) -> list[Part]:
        """A part for each output."""
        return [Part(None, place, self.names[place : place + 1]) for place in range(self.count)]

    @property
    def whole(self) -> Part:
        """The part that is all outputs."""
        return Part(self.structure, 0, self.names)

    def for_each(self, setting: Any, argument: str) -> list[Any]:
        """A setting per output, where one that is no structure is that of all; see `spread`."""
        return self.spread(setting, argument) if tree.is_nested(setting) else [setting] * self.count

    def are_named_by(self, setting: Any) -> bool:
        """Whether a setting is a dictionary of nothing but names of outputs."""
        return isinstance(setting, dict) and any(
            set(setting) <= {name for name in names or [] if name is not None}
            for names in (self.names, self.model_names)
        )

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
                f"Invalid `{argument}`: {unknown[0]!r}, in the `{argument}` argument, can't be "
                "found in either the model's outputs or their names."
                f"{did_you_mean(unknown[0], known, cutoff=0.4)} Expected keys {known} in the dict "
                f"`{argument}`, the names of the outputs; got {list(setting)}."
            )


class Part(NamedTuple):
    """One output, or a structure of several: outputs `place` and following, in the flat order."""

    structure: Any
    place: int
    names: list[str | None]
    path: tuple[str, ...] = ()

    @property
    def places(self) -> range:
        """The places of its outputs in the flat order."""
        return range(self.place, self.place + len(self.names))

    @property
    def is_leaf(self) -> bool:
        """Whether it is one output."""
        return not tree.is_nested(self.structure)

    @property
    def name(self) -> str | None:
        """Where it is among the outputs, or, for all of them, their names; None without names."""
        if self.path:
            return "/".join(self.path)
        return "_".join(map(str, self.names)) if all(self.names) else None

    def children(self) -> dict[Any, Part]:
        """The parts one level below, by key or place."""
        by_key = isinstance(self.structure, dict)
        found, at = {}, 0
        for key in sorted(self.structure) if by_key else range(len(self.structure)):
            count = len(tree.flatten(self.structure[key]))
            names = self.names[at : at + count]
            step = (names[0] or "").rpartition("/")[2] if count == 1 and not by_key else ""
            found[key] = Part(
                self.structure[key], self.place + at, names, (*self.path, step or str(key))
            )
            at += count
        return found

    @property
    def leaves(self) -> list[Part]:
        """A part for each output of it."""
        if self.is_leaf:
            return [self]
        return [leaf for child in self.children().values() for leaf in child.leaves]

    def of(self, flat: list[Any]) -> Any:
        """This part of values given per output, in their flat order."""
        if self.is_leaf:
            return flat[self.place]
        return tree.pack_sequence_as(self.structure, [flat[place] for place in self.places])


def assignments(setting: Any, weight: Any, part: Part) -> Iterator[tuple[Part, Any, Any]]:
    """Which loss belongs to which part of nested outputs, and its weight.

    A list of as many losses as there are outputs gives one to each. Any other list or tuple, where
    the outputs are of another kind (one output, a dictionary, a tuple for a list), means that each
    of its entries holds for the same part. What is no structure is the loss of a whole part.

    Raises:
        MissingKeyError: the setting names a part that there is not.
        ArgumentError: there are not as many losses as outputs, or as many weights as losses.
    """
    if setting is None:
        return
    if not tree.is_nested(setting):
        if isinstance(setting, str) and not part.is_leaf:
            raise ArgumentError(
                f"`loss` does not fit the outputs of the model: {setting!r} is the loss of one "
                f"output, and there are {len(part.names)}, named {part.names}. Expected one entry "
                "per output, in a structure like that of the outputs."
            )
        yield part, setting, weight[0] if isinstance(weight, (list, tuple)) else weight
        return
    if isinstance(setting, (list, tuple)):
        count = len(part.names)
        flat = count > 1 and len(setting) == count and not any(map(tree.is_nested, setting))
        if flat or not isinstance(part.structure, type(setting)):
            parts = part.leaves if flat else [part] * len(setting)
            for one, own, factor in zip(parts, setting, _split(weight, setting), strict=True):
                yield from assignments(own, factor, one)
            return
    keys = list(setting) if isinstance(setting, dict) else range(len(setting))
    children = {} if part.is_leaf else part.children()
    if not isinstance(setting, dict) and len(setting) != len(children):
        raise ArgumentError(
            f"`loss` does not fit the outputs of the model: {len(setting)} entries for "
            f"{len(children)} outputs, named {part.names}. Expected one entry per output, in a "
            f"list or in a dictionary by name. Received: loss={setting}"
        )
    for key, factor in zip(keys, _split(weight, setting), strict=True):
        if setting[key] is None:
            continue
        if key not in children:
            path = (*part.path, str(key))
            raise MissingKeyError(
                f"The path {path}, in the `loss` argument, can't be found in either the model's "
                f"outputs or their names. There are {list(children) or 'no parts'} at that place."
                f"{did_you_mean(str(key), map(str, children))} Give the losses in a structure like "
                "that of the outputs."
            )
        yield from assignments(setting[key], factor, children[key])


def _split(weight: Any, setting: Any) -> list[Any]:
    """The weights of the entries of a setting: one for all, or a structure like it."""
    if isinstance(weight, dict) and isinstance(setting, dict):
        return [weight.get(key) for key in setting]
    if not tree.is_nested(weight):
        return [weight] * len(setting)
    if len(weight) != len(setting):
        raise ArgumentError(
            "`loss_weights` must match the number of losses; there are "
            f"{len(weight)} weights for {len(setting)} losses."
        )
    return list(weight.values()) if isinstance(weight, dict) else list(weight)


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
