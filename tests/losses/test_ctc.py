"""Connectionist temporal classification against a sum over all alignments, one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import etude
from etude import layers, losses
from etude.errors import ShapeError


def reads(path: tuple[int, ...]) -> list[int]:
    """What an alignment reads: without repetitions, then without blanks."""
    return [label for label, _ in itertools.groupby(path) if label]


def by_hand(labels: list[int], logits: np.ndarray) -> float:
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    paths = itertools.product(range(p.shape[1]), repeat=p.shape[0])
    wanted = [label for label in labels if label]
    found = [np.prod(p[range(len(path)), path]) for path in paths if reads(path) == wanted]
    return -np.log(sum(found))


def test_ctc_sums_over_alignments(engine: str):
    logits = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    labels = [[1, 2, 1], [2, 0, 0], [1, 1, 0], [0, 0, 0]]
    expected = [by_hand(row, x) for row, x in zip(labels, logits, strict=True)]
    np.testing.assert_allclose(losses.ctc(labels, logits).numpy(), expected, rtol=1e-5)
    assert float(losses.CTC()(labels, logits)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_ctc_trains(engine: str):
    etude.utils.set_random_seed(0)
    x, y = np.eye(4, dtype="float32")[None, [1, 1, 2, 3, 3, 0]], np.array([[2, 1, 3]])
    model = etude.Sequential([layers.Dense(4)])
    model.compile(etude.optimizers.Adam(0.2), losses.CTC())
    history = model.fit(x, y, epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.2 < history[0]


def test_bad_shapes():
    with pytest.raises(ShapeError, match="Targets `y_true` are expected"):
        losses.ctc([1, 2], np.ones((2, 3, 4)))
    with pytest.raises(ShapeError, match="Logits `y_pred` are expected"):
        losses.ctc([[1], [2]], np.ones((2, 3)))
