"""Nested structures: lists, tuples, named tuples and dictionaries of leaves.

Everything else, ``None`` included, is a leaf. Dictionaries are walked in the order of their sorted
keys, so that structures with equal keys line up.
"""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from etude.errors import ArgumentError, DtypeError

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


def is_nested(structure: Any) -> bool:
    """Whether a value is a list, a tuple or a dictionary.

    >>> is_nested([1]), is_nested("ab"), is_nested({})
    (True, False, True)
    """
    return isinstance(structure, (list, tuple, dict))


def _keys(structure: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(structure)
    except TypeError:  # keys of several types have no order: keep theirs
        return list(structure)


def _children(structure: Any) -> list[tuple[Any, Any]]:
    if isinstance(structure, dict):
        mapping: dict[Any, Any] = structure
        return [(key, mapping[key]) for key in _keys(mapping)]
    return list(enumerate(structure))


def _rebuild(structure: Any, children: list[Any]) -> Any:
    """A structure of the type and keys of the given one, with other children."""
    if isinstance(structure, dict):
        mapping: dict[Any, Any] = structure
        found = dict(zip(_keys(mapping), children, strict=True))
        ordered = [(key, found[key]) for key in mapping]
        if isinstance(mapping, defaultdict):
            return defaultdict(mapping.default_factory, ordered)
        return OrderedDict(ordered) if isinstance(mapping, OrderedDict) else dict(ordered)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*children)
    return tuple(children) if isinstance(structure, tuple) else children


def _leaves(structure: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if not is_nested(structure):
        yield path, structure
        return
    for key, child in _children(structure):
        yield from _leaves(child, (*path, key))


def flatten(structure: Any) -> list[Any]:
    """The leaves of a structure, in order.

    >>> flatten({"b": 1, "a": [2, (3, None)]})
    [2, 3, None, 1]
    """
    if not isinstance(structure, (list, tuple, dict)):
        return [structure]
    out: list[Any] = []
    _flatten_into(structure, out)
    return out


def _flatten_into(structure: Any, out: list[Any]) -> None:
    for _, child in _children(structure):
        if isinstance(child, (list, tuple, dict)):
            _flatten_into(child, out)
        else:
            out.append(child)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Pairs of path and leaf, in order.

    >>> flatten_with_path({"a": [5, 6]})
    [(('a', 0), 5), (('a', 1), 6)]
    """
    return list(_leaves(structure, ()))


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Applies a function to the leaves of structures of one form; returns that form.

    Args:
        func: takes one leaf of each structure.
        *structures: at least one; all of the form of the first.
        none_is_leaf: if false, ``None`` stays ``None`` and the function is not called.

    Raises:
        DtypeError: ``func`` is not callable.
        ArgumentError: no structure was given, or the forms differ.

    >>> map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
    [11, (22,)]
    """
    if not callable(func):
        raise DtypeError(f"`func` must be callable. Received: func={func!r}.")
    if not structures:
        raise ArgumentError("map_structure expects at least one structure; got none.")
    first, *others = structures
    if not isinstance(first, (list, tuple, dict)):
        if first is None and not none_is_leaf:
            return None
        return func(*structures)
    for other in others:
        _check_form(first, other, check_types=False)
    columns = [[child for _, child in _children(s)] for s in structures]
    return _rebuild(
        first,
        [
            map_structure(func, *row, none_is_leaf=none_is_leaf)
            for row in zip(*columns, strict=True)
        ],
    )


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Applies a function at the leaves of the shallow structure, whatever the others hold below.

    >>> map_structure_up_to([0, 0], lambda s: s, [[1, 2], 3])
    [[1, 2], 3]
    """
    if not is_nested(shallow_structure):
        return func(*structures)
    columns = [[child for _, child in _children(s)] for s in (shallow_structure, *structures)]
    if len({len(c) for c in columns}) != 1:
        raise ArgumentError(
            f"The structures differ in length from the shallow one, {shallow_structure!r}."
        )
    children = [map_structure_up_to(a, func, *r) for a, *r in zip(*columns, strict=True)]
    return _rebuild(shallow_structure, children)


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """The inverse of `flatten`: leaves put back into the form of a structure.

    Raises:
        ArgumentError: there are too few or too many leaves.

    >>> pack_sequence_as({"a": 0, "b": [0, 0]}, [1, 2, 3])
    {'a': 1, 'b': [2, 3]}
    """
    leaves = list(flat_sequence)
    places = len(flatten(structure))
    if places != len(leaves):
        raise ArgumentError(
            f"The structure has {places} leaves, but {len(leaves)} were given. "
            f"Structure: {structure!r}."
        )
    rest = iter(leaves)
    return map_structure(lambda _: next(rest), structure)


class MAP_TO_NONE:
    """What the function given to `traverse` returns to have None in a place."""


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Walks a structure; where ``func`` returns something, it stands in that place.

    Args:
        func: called with every sub-structure and leaf; ``None`` means "go on"; with
            ``top_down`` any other result is not walked further; `MAP_TO_NONE` puts None there.
        structure: what to walk.
        top_down: whether parents come before children.

    Raises:
        DtypeError: ``func`` is not callable.

    >>> traverse(lambda x: x + 1 if isinstance(x, int) else None, [1, {"a": 2}])
    [2, {'a': 3}]
    """
    if not callable(func):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DtypeError(f"`func` must be callable. Received: func={func!r}.")
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(structure):
        structure = _rebuild(
            structure, [traverse(func, c, top_down) for _, c in _children(structure)]
        )
    if top_down:
        return structure
    found = func(structure)
    if found is None:
        return structure
    return None if found is MAP_TO_NONE else found


def _check_form(a: Any, b: Any, check_types: bool) -> None:
    if is_nested(a) != is_nested(b):
        raise ArgumentError(
            f"The structures differ: {a!r} against {b!r}. Expected {type(a).__name__}; got "
            f"{type(b).__name__}."
        )
    if not is_nested(a):
        return
    if (
        check_types
        and type(a) is not type(b)
        and not (isinstance(a, Mapping) and isinstance(b, Mapping))
    ):
        raise DtypeError(f"The structures differ in type: {a!r} against {b!r}.")
    if isinstance(a, dict) != isinstance(b, dict) or len(a) != len(b):
        raise ArgumentError(f"The structures differ: {a!r} against {b!r}.")
    if isinstance(a, dict) and isinstance(b, dict) and _keys(a) != _keys(b):
        raise ArgumentError(f"The structures differ in their keys: {a!r} against {b!r}.")


def assert_same_structure(a: Any, b: Any, check_types: bool = True) -> None:
    """Raises unless two structures have the same form.

    Raises:
        ArgumentError: lengths or keys differ.
        DtypeError: types differ, where ``check_types`` asks for it.
    """
    _check_form(a, b, check_types)
    if is_nested(a):
        for (_, x), (_, y) in zip(_children(a), _children(b), strict=True):
            assert_same_structure(x, y, check_types)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises unless two structures have leaves at the same paths."""
    first, second = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if first != second:
        raise ArgumentError(
            f"The structures have different paths. Only in the first: {sorted(first - second)}; "
            f"only in the second: {sorted(second - first)}."
        )


def lists_to_tuples(structure: Any) -> Any:
    """The same structure with tuples in the place of lists.

    >>> lists_to_tuples([1, {"a": [2]}])
    (1, {'a': (2,)})
    """
    if not is_nested(structure):
        return structure
    children = [lists_to_tuples(child) for _, child in _children(structure)]
    return tuple(children) if isinstance(structure, list) else _rebuild(structure, children)


def is_shape(value: Any) -> bool:
    """Whether a value is one shape: a list or tuple of integers and ``None``."""
    return isinstance(value, (list, tuple)) and all(d is None or isinstance(d, int) for d in value)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to every shape in a structure of shapes.

    >>> map_shape_structure(len, {"a": (None, 3)})
    {'a': 2}
    """
    if is_shape(structure):
        return func(tuple(structure))
    if isinstance(structure, (list, tuple, dict)):
        return _rebuild(structure, [map_shape_structure(func, c) for _, c in _children(structure)])
    raise ArgumentError(f"Expected a shape or a structure of shapes; got {structure!r}.")
