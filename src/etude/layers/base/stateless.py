"""Calls without side effects: values of variables go in as arguments, and new ones come out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from etude.errors import ArgumentError, NotBuiltError
from etude.variable import Variable

__all__ = ["check_values", "stateless_call", "with_values"]


def check_values(values: Sequence[Any], variables: Sequence[Variable], name: str, of: str) -> None:
    """Raises where there is not one value for each variable.

    Raises:
        ArgumentError: their numbers differ.
    """
    if len(values) != len(variables):
        raise ArgumentError(
            f"Argument `{name}` must be a list of tensors corresponding 1:1 to {of}().{name}. "
            f"Received list with length {len(values)}, but expected {len(variables)} variables."
        )


@contextmanager
def with_values(variables: Sequence[Variable], values: Sequence[Any]) -> Generator[None]:
    """Inside, the variables have other values; afterwards those that they had before."""
    before = [variable.value for variable in variables]
    try:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def stateless_call(
    layer: Any,
    trainable_variables: Sequence[Any],
    non_trainable_variables: Sequence[Any],
    call: Callable[[], Any],
    return_losses: bool,
) -> tuple[Any, ...]:
    """What a call of a layer would give with other values of its variables; nothing is kept.

    Args:
        layer: a built layer.
        trainable_variables: a value for each of its ``trainable_variables``.
        non_trainable_variables: a value for each of its ``non_trainable_variables``.
        call: calls the layer.
        return_losses: whether the losses of the call are returned too.

    Returns:
        The outputs, the new values of the non-trainable variables, and perhaps the losses.

    Raises:
        NotBuiltError: the layer has no variables yet.
        ArgumentError: there is not one value for each variable.
    """
    kind = type(layer).__name__
    if not layer.built:
        raise NotBuiltError(
            f"To call stateless_call, {kind} must be built (i.e. its variables must have been "
            "already created). You can build it by calling it on some data."
        )
    trainable, others = layer.trainable_variables, layer.non_trainable_variables
    check_values(trainable_variables, trainable, "trainable_variables", kind)
    check_values(non_trainable_variables, others, "non_trainable_variables", kind)
    kept = {id(inner): list(inner._losses) for inner in layer._walk()}
    with with_values([*trainable, *others], [*trainable_variables, *non_trainable_variables]):
        try:
            outputs = call()
            updated = [variable.value for variable in others]
            losses = layer.losses if return_losses else None
        finally:
            for inner in layer._walk():
                inner._losses[:] = kept.get(id(inner), [])
    return (outputs, updated, losses) if return_losses else (outputs, updated)
