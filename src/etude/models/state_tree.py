"""The variables of a model as nested dictionaries, by the parts of their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etude.errors import ArgumentError
from etude.variable import Variable

__all__ = ["assign_state", "nested_state"]


def _groups(model: Any) -> dict[str, list[Variable]]:
    """The variables of a model, by what they are for."""
    optimizer = getattr(model, "optimizer", None)
    return {
        "trainable_variables": model.trainable_variables,
        "non_trainable_variables": model.non_trainable_variables,
        "optimizer_variables": [] if optimizer is None else optimizer.variables,
        "metrics_variables": model.metrics_variables,
    }


def nested_state(model: Any, value_format: str) -> dict[str, Any]:
    """The values of all variables of a model; see `etude.Model.get_state_tree`."""
    return {name: _nested(group, value_format) for name, group in _groups(model).items()}


def _nested(variables: list[Variable], value_format: str) -> dict[str, Any]:
    """Values by the parts of their paths: ``{"dense": {"kernel": ...}}``.

    Raises:
        ArgumentError: two variables have one path, or the format is unknown.

    >>> _nested([Variable([1.0], name="v")], "numpy_array")
    {'v': array([1.], dtype=float32)}
    """
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ArgumentError(
            "Invalid `value_format` argument. Expected one of {'numpy_array', 'backend_tensor'}. "
            f"Received: value_format={value_format}"
        )
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for variable in variables:
        if variable.path in seen:
            raise ArgumentError(
                f"The following variable path is found twice in the model: '{variable.path}'. A "
                "state tree needs unique paths: give unique names to layers and other objects."
            )
        seen.add(variable.path)
        *outer, last = variable.path.split("/")
        place = found
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = variable.numpy() if value_format == "numpy_array" else variable.value
    return found


def assign_state(model: Any, tree: dict[str, Any]) -> None:
    """Assigns the values of a state tree to the variables of these paths.

    Raises:
        ArgumentError: a key of the tree is unknown.
    """
    known = _groups(model)
    for group, values in tree.items():
        if group not in known:
            raise ArgumentError(f"Unknown variable name: {group}. Known: {', '.join(known)}.")
        by_path = dict(_paths(values, ""))
        for variable in known[group]:
            if variable.path in by_path:
                variable.assign(by_path[variable.path])


def _paths(values: dict[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{before}{name}/")
        else:
            yield f"{before}{name}", value
