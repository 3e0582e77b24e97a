"""Programs of XLA as bytes that run without etude: `jax.export`."""

# Jax leaves many of its types open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import export

from etude.engine import xla_native

__all__ = ["called_back", "serialized"]

Array = Any


def serialized(
    fn: Callable[[list[Array], dict[str, Any]], list[Array]],
    inputs: Sequence[tuple[tuple[int | str, ...], str]],
    platforms: Sequence[str] | None = None,
) -> bytes:
    """A function of arrays as a program for any size that has a name.

    Args:
        fn: takes arrays and the sizes that are open, by name; returns arrays.
        inputs: shapes, with names for open sizes, and dtypes.
        platforms: for which devices; None for the one that is there.
    """
    names = sorted({n for shape, _ in inputs for n in shape if isinstance(n, str)})
    sizes = dict(zip(names, export.symbolic_shape(", ".join(names)), strict=True)) if names else {}
    specs = [
        jax.ShapeDtypeStruct(tuple(sizes.get(n, n) for n in shape), dtype)  # pyright: ignore[reportArgumentType, reportCallIssue]
        for shape, dtype in inputs
    ]

    def program(*arrays: Array) -> list[Array]:
        found: dict[str, Any] = {}
        for array, (shape, _) in zip(arrays, inputs, strict=True):
            found |= {n: array.shape[i] for i, n in enumerate(shape) if isinstance(n, str)}
        return fn(list(arrays), found)

    with xla_native.left_out():
        exported = export.export(jax.jit(program), platforms=platforms)(*specs)
    return bytes(exported.serialize())


def called_back(content: bytes) -> Callable[..., list[Array]]:
    """The function of `serialized`, of arrays."""
    program: Any = export.deserialize(bytearray(content))
    return program.call
