"""The form of a row in the table of operations, `tests/ops/cases.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One operation on one kind of input, and what it is held to.

    Attributes:
        op: name of the op in `etude.ops` (private primitives: their own name).
        inputs: builds the inputs from a `numpy.random.Generator`; a tuple of float64 (or integer)
            arrays, kept away from kinks, so that central differences hold.
        reference: the forward in plain NumPy or SciPy-free Python, called with the same inputs and
            options; None where ``against`` says who else is the reference.
        options: static keyword arguments of the op.
        call: takes the inputs as Tensors and the options, and calls the op, where
            ``op(*inputs, **options)`` is not it, e.g. for lists.
        differentiable: indices of the inputs that have a gradient; None for all float inputs.
        second: whether second derivatives are checked.
        special: pairs (inputs, expected) of special values: 0, inf, nan, extremes, ties.
        kinks: pairs (inputs, expected gradients of the sum of the output), one gradient per input.
        rtol: relative tolerance of the forward in float64.
    """

    op: str
    inputs: Callable[[Any], tuple[Any, ...]]
    reference: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None
    differentiable: tuple[int, ...] | None = None
    second: bool = True
    special: tuple[tuple[tuple[Any, ...], Any], ...] = ()
    kinks: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = ()
    rtol: float = 1e-10

    @property
    def id(self) -> str:
        """A readable name for the test report."""
        shown = ",".join(f"{k}={v}" for k, v in self.options.items())
        return f"{self.op}({shown})"
