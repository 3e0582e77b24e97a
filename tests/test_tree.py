"""Nested structures, against Keras's `keras.tree`."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude import tree
from etude.errors import ArgumentError, DtypeError

Point = namedtuple("Point", "x y")
leaves = st.integers() | st.none() | st.text(max_size=3)
structures = st.recursive(
    leaves,
    lambda s: (
        st.lists(s, max_size=3)
        | st.lists(s, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), s, max_size=3)
        | st.builds(Point, s, s)
    ),
    max_leaves=12,
)


@given(structures)
def test_flatten_and_pack_are_those_of_keras(structure) -> None:
    flat = tree.flatten(structure)
    assert flat == keras.tree.flatten(structure)
    packed = tree.pack_sequence_as(structure, flat)
    assert packed == structure
    assert type(packed) is type(structure)


@given(structures)
def test_map_keeps_the_form(structure) -> None:
    mapped = tree.map_structure(str, structure)
    tree.assert_same_structure(structure, mapped)
    assert tree.flatten(mapped) == [str(leaf) for leaf in tree.flatten(structure)]


def test_named_and_ordered_containers_stay_what_they_are() -> None:
    doubled = tree.map_structure(lambda x: 2 * x, Point(1, OrderedDict(b=2, a=3)))
    assert doubled == Point(2, OrderedDict(b=4, a=6))
    assert list(doubled.y) == ["b", "a"]


def test_forms_that_differ_are_refused() -> None:
    with pytest.raises(ArgumentError, match="differ"):
        tree.map_structure(lambda a, b: a, [1, 2], [1])
    with pytest.raises(ArgumentError, match="keys"):
        tree.assert_same_structure({"a": 1}, {"b": 1})
    with pytest.raises(DtypeError, match="type"):
        tree.assert_same_structure([1], (1,))
    with pytest.raises(ArgumentError, match="3 leaves, but 2"):
        tree.pack_sequence_as([1, 2, 3], [1, 2])
    with pytest.raises(ArgumentError, match="paths"):
        tree.assert_same_paths([1], {"a": 1})


def test_traverse_puts_none_where_asked_to() -> None:
    def drop(s: object) -> object:
        return tree.MAP_TO_NONE if s in (2, (3,)) else None

    assert tree.traverse(drop, [1, 2, (3,)]) == [1, None, None]
    assert tree.traverse(drop, [1, 2, (3,)], top_down=False) == [1, None, None]


def test_traverse_replaces_subtrees() -> None:
    assert tree.traverse(lambda s: "T" if isinstance(s, tuple) else None, [1, (2, 3)]) == [1, "T"]


def test_shapes_are_leaves() -> None:
    assert tree.map_shape_structure(lambda s: s[0], [(1, 2), {"a": (None, 4)}]) == [1, {"a": None}]
