"""What owns variables in a model (layers, optimizers, metrics, generators of seeds), by paths.

They are found by their attributes, in the order of Keras; nothing here knows of layers, models or
optimizers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etude.naming import to_snake_case

__all__ = ["is_seed_generator", "named_weights", "owners", "variables_of"]


def _owns_variables(value: Any) -> bool:
    return not isinstance(value, type) and (
        hasattr(value, "save_own_variables") or is_seed_generator(value)
    )


def is_seed_generator(value: Any) -> bool:
    """Whether an object is a generator of seeds, whose state is one variable."""
    return type(value).__name__ == "SeedGenerator" and hasattr(value, "state")


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object that may own variables, in the order of Keras.

    What Keras offers under a public name too, such as ``query_dense``, has that name in files: a
    class says so in ``saved_names``. The layers of a graph come first. Other models have theirs
    under the name ``layers`` between their attributes: those with names before it have paths of
    their own. Private ones come last.
    """
    own = vars(owner)
    layers = None if "layers" in own else getattr(owner, "layers", None)
    in_order = isinstance(layers, list) and getattr(owner, "_graph", None) is not None
    names = [name for name in own if name not in _HIDDEN and not name.startswith("__")]
    if in_order or type(owner).__name__ == "Sequential":
        yield "layers", layers
    elif isinstance(layers, list):
        names.append("layers")
    shown: dict[str, str] = getattr(type(owner), "saved_names", {})
    found: list[tuple[str, str]] = [(shown.get(name) or name, name) for name in names]
    for name, kept in sorted(found, key=lambda pair: (pair[0].startswith("_"), pair[0])):
        yield name, layers if name == "layers" and layers is not None else own[kept]


# What `Layer` and `Trainer` keep of their own; what users own is found under its own name too.
_HIDDEN = frozenset(
    (
        "_auto_config", "_compile_loss", "_compile_metrics", "_functional", "_graph",
        "_inbound_nodes", "_layers", "_loss_tracker", "_losses", "_metrics",
        "_non_trainable_variables", "_outbound_nodes", "_programs", "_seed_generators", "_tracker",
        "_trainable_variables", "_compile_config", "history", "loss",
    )
)  # fmt: skip


def _walk(owner: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    if id(owner) in seen:
        return
    seen[id(owner)] = owner
    yield path, owner
    if is_seed_generator(owner):
        return
    for name, child in _children(owner):
        inner = f"{path}/{name}" if path else name
        if _owns_variables(child):
            yield from _walk(child, inner, seen)
        elif isinstance(child, (list, tuple, dict, set)):
            yield from _walk_container(child, inner, seen)


def owners(model: Any) -> Iterator[tuple[str, Any]]:
    """All objects in a model that own variables or files, with their paths, each once."""
    return _walk(model, "", {})


def named_weights(model: Any, objects_to_skip: Any = ()) -> tuple[dict[str, Any], dict[str, str]]:
    """The weights of a model by names that depend on its architecture alone.

    Returns:
        The Variables by names such as ``layers.dense_1.kernel``; and the names of the objects that
        own them, by their paths, such as ``layers.dense_1``.
    """
    skipped = {id(item) for item in objects_to_skip or ()}
    wanted = {id(weight) for weight in model.weights}
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    for path, owner in owners(model):
        start = path.replace("/", ".")
        if id(owner) in skipped or is_seed_generator(owner):
            continue
        for weight in variables_of(owner):
            if id(weight) not in wanted:
                continue  # of an optimizer or a metric
            wanted.discard(id(weight))
            own = f"{start}.{weight.name}" if start else weight.name
            if own in found:
                own += f"_{sum(name == own or name.startswith(f'{own}_') for name in found)}"
            found[own] = weight
            if isinstance(getattr(owner, "name", None), str):
                names[start] = owner.name
    return found, names


def _walk_container(container: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    if id(container) in seen:
        return
    seen[id(container)] = container  # held, so that its id stays its own
    used: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        is_owner = _owns_variables(item)
        if not is_owner and not isinstance(item, (list, tuple, dict)):
            continue
        name = to_snake_case(type(item).__name__) if is_owner else "container"
        count = used[name] = used.get(name, -1) + 1
        inner = f"{path}/{name}_{count}" if count else f"{path}/{name}"
        if is_owner:
            yield from _walk(item, inner, seen)
        else:
            yield from _walk_container(item, inner, seen)


def variables_of(owner: Any) -> list[Any]:
    """The variables that an object owns itself."""
    if is_seed_generator(owner):
        return [owner.state]
    if hasattr(owner, "_own_variables"):
        return owner._own_variables()
    return list(getattr(owner, "variables", []))
