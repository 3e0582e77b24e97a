"""Functions of functions: what the rows of the table do not say of them."""

from __future__ import annotations

import numpy as np
import pytest

from etude import ops
from etude.autodiff import GradientTape, KerasTensor, as_tensor
from etude.errors import ArgumentError, GradientError, ShapeError


def test_jvp_is_the_derivative_along_a_direction(engine: str) -> None:
    a, b = 0.3, 2.0
    value, slope = ops.jvp(lambda x, y: ops.sin(x) * y, (a, b), (1.0, 0.5))
    assert float(value) == pytest.approx(np.sin(a) * b, rel=1e-6)
    assert float(slope) == pytest.approx(np.cos(a) * b + np.sin(a) * 0.5, rel=1e-6)


def test_jvp_passes_auxiliary_values_through() -> None:
    value, slope, aux = ops.jvp(lambda x: (x * x, "seen"), (3.0,), (1.0,), has_aux=True)
    assert (float(value), float(slope), aux) == (9.0, 6.0, "seen")


def test_vectorize_broadcasts_and_knows_core_axes(engine: str) -> None:
    dot = ops.vectorize(lambda a, b: ops.sum(a * b), signature="(n),(n)->()")
    a, b = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(dot(a, b), a @ b)
    with pytest.raises(ShapeError, match="broadcast"):
        ops.vectorize(lambda a, b: a + b)(np.ones(2), np.ones(3))


def test_custom_gradient_wants_one_gradient_per_argument() -> None:
    f = ops.custom_gradient(lambda x, y: (x * y, lambda g: g))
    x = as_tensor(2.0)
    with GradientTape() as tape:
        tape.watch(x)
        out = f(x, 3.0)
    with pytest.raises(GradientError, match="each of the 2 arguments"):
        tape.gradient(out, x)


def test_associative_scan_wants_one_size() -> None:
    with pytest.raises(ShapeError, match="first dimension"):
        ops.associative_scan(lambda a, b: a, [np.ones(2), np.ones(3)])


def test_beam_search_adds_up_the_alignments_of_a_sequence(engine: str) -> None:
    logits = np.log(np.array([[[0.6, 0.4], [0.6, 0.4]]]))
    labels, scores = ops.ctc_decode(logits, [2], strategy="beam_search", top_paths=2)
    # the empty sequence: 0.36; [1]: 0.24 + 0.24 + 0.16
    assert labels.numpy().tolist() == [[[1, -1]], [[-1, -1]]]
    np.testing.assert_allclose(np.exp(scores.numpy()), [[0.64, 0.36]], rtol=1e-6)


def test_symbolic_checks_say_what_is_missing() -> None:
    with pytest.raises(ShapeError, match="Cannot infer argument `num`"):
        ops.unstack(KerasTensor((2, None)), axis=1)
    with pytest.raises(ShapeError, match="fully-defined"):
        ops.qr(KerasTensor((None, 4)))
    with pytest.raises(ArgumentError, match="not positive definite"):
        ops.cholesky(-np.eye(2))
