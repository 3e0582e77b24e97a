"""Reading elements by their places."""

from __future__ import annotations

from typing import Any

from etude.export.graph import Graph
from etude.export.program import Call
from etude.export.sizes import Size, Unruly
from etude.export.translators.shape import FAR
from etude.export.translators.table import refuse, translates


@translates("_take")
def _(g: Graph, call: Call, x: str, places: str):
    return g.add("Gather", x, places, axis=call.options["axis"])


@translates("_take_along")
def _(g: Graph, call: Call, x: str, places: str):
    values, at = call.inputs
    assert values is not None and at is not None
    axis = call.options["axis"] % values.ndim
    wide = [at.shape[i] if i == axis else out for i, out in enumerate(call.outputs[0].shape)]
    if at.shape != tuple(wide):
        places = g.add("Expand", places, g.sizes(wide))
    full = [values.shape[i] if i == axis else out for i, out in enumerate(call.outputs[0].shape)]
    if values.shape != tuple(full):
        x = g.add("Expand", x, g.sizes(full))
    return g.add("GatherElements", x, places, axis=axis)


@translates("_getitem")
def _(g: Graph, call: Call, x: str, *places: str):
    """Slices first, then numbers and arrays, then new axes."""
    value = call.inputs[0]
    assert value is not None
    key = _spelled_out(call.options["key"], value.ndim)
    if any(isinstance(k, (Size, Unruly)) for k in key):
        raise refuse(call, "a number that follows an open size")
    x = _sliced(g, x, [k for k in key if k is not None])
    slots = [k for k in key if k is not None]
    arrays = [i for i, k in enumerate(slots) if not isinstance(k, (int, slice))]
    numbers = [i for i, k in enumerate(slots) if isinstance(k, int)]
    if len(arrays) > 1:
        return _at_several(g, call, x, places, key)
    if arrays and numbers:
        raise refuse(call, "numbers and an array of places together")
    if arrays:
        x = g.add("Gather", x, places[0], axis=arrays[0])
    if numbers:
        x = g.add("Squeeze", x, g.ints(numbers))
    fresh: list[int] = []
    at = 0
    for k in key:
        if k is None:
            fresh.append(at)
        is_array = k is not None and not isinstance(k, (int, slice))
        if is_array:
            index = call.inputs[1]
            at += 0 if index is None else index.ndim
        elif not isinstance(k, int):
            at += 1
    return g.add("Unsqueeze", x, g.ints(fresh)) if fresh else x


def _spelled_out(key: tuple[Any, ...], rank: int) -> list[Any]:
    """A key with an entry for each axis."""
    named = sum(k is not None and k is not Ellipsis for k in key)
    rest = [slice(None)] * (rank - named)
    out: list[Any] = []
    for k in key:
        out += rest if k is Ellipsis else [k]
    return out if Ellipsis in key else [*out, *rest]


def _sliced(g: Graph, x: str, key: list[Any]) -> str:
    """Slices, and numbers as slices of one element."""
    picked: list[tuple[Any, Any, int, int]] = []
    for axis, k in enumerate(key):
        if isinstance(k, int):
            picked.append((k, FAR if k == -1 else k + 1, axis, 1))
        elif isinstance(k, slice) and k != slice(None):
            step = 1 if k.step is None else k.step
            start = (0 if step > 0 else -1) if k.start is None else k.start
            stop = (FAR if step > 0 else -FAR) if k.stop is None else k.stop
            picked.append((start, stop, axis, step))
    if not picked:
        return x
    starts, stops, axes, steps = zip(*picked, strict=True)
    return g.add("Slice", x, g.sizes(starts), g.sizes(stops), g.ints(axes), g.ints(steps))


def _at_several(g: Graph, call: Call, x: str, places: tuple[str, ...], key: list[Any]) -> str:
    """x[a, b, :, ...]: arrays of places for the leading axes."""
    count = len(places)
    if any(k is None or isinstance(k, (int, slice)) for k in key[:count]) or any(
        not isinstance(k, slice) for k in key[count:]
    ):
        raise refuse(call, "arrays of places for axes that are not the first ones")
    shape = call.outputs[0].shape
    rank = max(value.ndim for value in call.inputs[1:] if value is not None)
    wide = g.sizes(shape[:rank])
    columns = [
        g.add("Unsqueeze", g.cast(g.add("Expand", p, wide), "int64"), g.ints([-1])) for p in places
    ]
    return g.add("GatherND", x, g.add("Concat", *columns, axis=-1))


@translates("_window")
def _(g: Graph, call: Call, x: str, start: str):
    """A window of static sizes, kept inside as by the engines."""
    value = call.inputs[0]
    assert value is not None
    window = call.options["shape"]
    begin = g.cast(start, "int64")
    room = g.add("Sub", g.sizes(value.shape), g.sizes(window))
    begin = g.add("Max", g.add("Min", begin, room), g.ints([0] * value.ndim))
    return g.add("Slice", x, begin, g.add("Add", begin, g.sizes(window)))
