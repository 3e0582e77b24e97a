"""The loop of recurrent layers: a step is applied along a sequence, except where it is masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import ops, tree

__all__ = ["flat_mask", "loop"]


def loop(
    step: Callable[[Any, Any], tuple[Any, Any]],
    sequences: Any,
    states: Any,
    mask: Any = None,
    go_backwards: bool = False,
    unroll: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Any, Any, Any]:
    """Applies a step along a sequence.

    At a masked step the states stay as they are, and the output is the one before (the first
    state), or zero.

    Args:
        step: ``(x, states) -> (output, new states)`` for one step; x: (batch, ...).
        sequences: (batch, steps, ...), or a nest of such.
        states: what the first step gets.
        mask: (batch, steps), True where there is a step; or None.
        go_backwards: whether the last step comes first; outputs are in the order of computation.
        unroll: whether to write out the steps instead of looping.
        zero_output_for_mask: whether the output at masked steps is zero.

    Returns:
        The last output, all outputs (batch, steps, ...), and the last states.
    """
    xs = tree.map_structure(_swap_time_and_batch, sequences)
    present = None if mask is None else _swap_time_and_batch(flat_mask(mask))

    def masked_step(states: Any, x: Any) -> tuple[Any, Any]:
        x, here = x
        output, new_states = step(x, states)
        new = tree.flatten(new_states)
        if here is not None:
            before = ops.zeros_like(output) if zero_output_for_mask else _last_output(states)
            output = _select(here, output, before)
            new = [_select(here, *pair) for pair in zip(new, tree.flatten(states), strict=True)]
        return tree.pack_sequence_as(states, new), output

    if unroll:
        states, outputs = _unrolled(masked_step, states, (xs, present), go_backwards)
    else:
        states, outputs = ops.scan(masked_step, states, (xs, present), reverse=go_backwards)
        outputs = ops.flip(outputs, axis=0) if go_backwards else outputs
    return outputs[-1], _swap_time_and_batch(outputs), states


def _swap_time_and_batch(x: Any) -> Any:
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))


def flat_mask(mask: Any) -> Any:
    """A mask (batch, steps); a step with several flags is there if any of them is set."""
    mask = ops.cast(mask, "bool")
    return ops.any(mask, axis=tuple(range(2, len(mask.shape)))) if len(mask.shape) > 2 else mask


def _select(here: Any, new: Any, old: Any) -> Any:
    """New where the step is there, old elsewhere; here: (batch,), new and old: (batch, ...)."""
    shaped = ops.reshape(here, (here.shape[0], *(1,) * (len(new.shape) - 1)))
    return ops.where(shaped, new, old)


def _last_output(states: Any) -> Any:
    """The output of the step before, which is the first state (of the last cell, if stacked)."""
    return states[-1][0] if tree.is_nested(states[0]) else states[0]


def _unrolled(
    step: Callable[[Any, Any], tuple[Any, Any]], states: Any, xs: Any, go_backwards: bool
) -> tuple[Any, Any]:
    steps = tree.flatten(xs)[0].shape[0]
    outputs = []
    for t in reversed(range(steps)) if go_backwards else range(steps):
        here = tree.map_structure(lambda x, t=t: None if x is None else x[t], xs)
        states, output = step(states, here)
        outputs.append(output)
    return states, ops.stack(outputs)
