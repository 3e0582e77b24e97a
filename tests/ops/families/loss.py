"""Cross-entropies. Reference: their definitions, with probabilities formed explicitly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import at, kink

EPSILON = 1e-7


def probabilities(x: Any, from_logits: bool, axis: int) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True)) if from_logits else x
    p = e / e.sum(axis, keepdims=True)
    return p if from_logits else np.clip(p, EPSILON, 1 - EPSILON)


def categorical(t: Any, x: Any, from_logits: bool = False, axis: int = -1) -> Any:
    return -np.sum(t * np.log(probabilities(x, from_logits, axis)), axis=axis)


def sparse(t: Any, x: Any, from_logits: bool = False, axis: int = -1) -> Any:
    log_p = np.log(probabilities(x, from_logits, axis))
    log_p = np.moveaxis(log_p, axis, -1)
    t = t.reshape(log_p.shape[:-1])
    out = np.zeros(t.shape)
    for i in np.ndindex(*t.shape):
        out[i] = -log_p[i][t[i]] if 0 <= t[i] < log_p.shape[-1] else 0.0
    return out


def binary(t: Any, x: Any, from_logits: bool = False) -> Any:
    p = 1 / (1 + np.exp(-x)) if from_logits else np.clip(x, EPSILON, 1 - EPSILON)
    return -t * np.log(p) - (1 - t) * np.log(1 - p)


def soft(shape: tuple[int, ...], logits: bool, axis: int = -1) -> Callable[[Any], Any]:
    def build(r: Any) -> tuple[Any, ...]:
        t = r.random(shape) + 0.1
        x = r.standard_normal(shape) if logits else r.random(shape) + 0.2
        return t / t.sum(axis, keepdims=True), x

    return build


def labels(shape: tuple[int, ...], classes: int, logits: bool, column: bool = False) -> Any:
    def build(r: Any) -> tuple[Any, ...]:
        t = r.integers(0, classes, (*shape, 1) if column else shape).astype("int32")
        x = r.standard_normal((*shape, classes))
        return t, x if logits else np.abs(x) + 0.2

    return build


def yes_or_no(shape: tuple[int, ...], logits: bool) -> Callable[[Any], Any]:
    def build(r: Any) -> tuple[Any, ...]:
        return r.random(shape), r.standard_normal(shape) if logits else r.uniform(0.1, 0.9, shape)

    return build


CLIPPED = -np.log(EPSILON)

CASES: list[Case] = [
    Case("categorical_crossentropy", soft((3, 4), False), categorical),
    Case("categorical_crossentropy", soft((3, 4), True), categorical, {"from_logits": True}),
    Case(
        "categorical_crossentropy", soft((2, 3, 2), True, 1), categorical,
        {"from_logits": True, "axis": 1},
    ),
    Case("categorical_crossentropy", soft((2, 3, 2), False, 1), categorical, {"axis": 1}),
    Case(
        "categorical_crossentropy", soft((2, 3), True), categorical, {"from_logits": True},
        special=(
            at([[1.0, 0.0]], [[1000.0, -1000.0]], [0.0]),
            at([[0.0, 1.0]], [[1000.0, -1000.0]], [2000.0]),
        ),
    ),
    Case(
        "categorical_crossentropy", soft((2, 3), False), categorical,
        special=(at([[1.0, 0.0]], [[0.0, 1.0]], [CLIPPED]),),
        # A probability of 0 is clipped: it has no gradient.
        kinks=(
            kink(
                ([[1.0, 0.0]], [[0.0, 1.0]]),
                ([[CLIPPED, -np.log(1 - EPSILON)]], [[0.0, 0.0]]),
            ),
        ),
    ),
    Case("sparse_categorical_crossentropy", labels((3,), 4, False), sparse),
    Case("sparse_categorical_crossentropy", labels((3,), 4, True), sparse, {"from_logits": True}),
    Case(
        "sparse_categorical_crossentropy", labels((3,), 4, True, column=True), sparse,
        {"from_logits": True},
    ),
    Case(
        "sparse_categorical_crossentropy", labels((2, 3), 3, True), sparse, {"from_logits": True},
        special=(
            at([0, 1], [[1000.0, -1000.0], [1000.0, -1000.0]], [0.0, 2000.0]),
            at([2, -1], [[1.0, 2.0], [3.0, 4.0]], [0.0, 0.0]),  # no such classes
        ),
    ),
    Case(
        "sparse_categorical_crossentropy", labels((2, 3), 3, False), sparse,
        special=(at([0], [[0.0, 1.0]], [CLIPPED]),),
        kinks=(kink(([0], [[0.0, 1.0]]), (0, [[0.0, 0.0]])),),
    ),
    Case("binary_crossentropy", yes_or_no((3, 2), False), binary),
    Case(
        "binary_crossentropy", yes_or_no((3, 2), True), binary, {"from_logits": True},
        special=(at([1.0, 0.0, 0.5], [-1000.0, 1000.0, 0.0], [1000.0, 1000.0, np.log(2)]),),
        kinks=(kink(([1.0, 0.25], [0.0, 0.0]), ([0.0, 0.0], [-0.5, 0.25])),),
    ),
    Case(
        "binary_crossentropy", yes_or_no((2,), False), binary,
        special=(at([1.0, 0.0], [0.0, 1.0], [CLIPPED, -np.log(1 - (1 - EPSILON))]),),
        kinks=(
            kink(([1.0], [0.0]), ([np.log(1 - EPSILON) - np.log(EPSILON)], [0.0])),
        ),
    ),
]  # fmt: skip
