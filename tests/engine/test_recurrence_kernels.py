"""Etude's kernels for LSTM, GRU and simple RNN, against the engine numpy in 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude import GradientTape, config, layers, ops
from etude.engine import xp
from etude.engine.xla import xla_kernels  # by way of the engine, which turns 64-bit types on
from etude.engine.xla_convolution import xla_native
from etude.errors import ShapeError

pytestmark = pytest.mark.skipif(xla_native.loaded().path is None, reason=xla_native.loaded().reason)


@pytest.fixture(autouse=True)
def for_few_sequences_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small cases, which are left to XLA otherwise."""
    monkeypatch.setattr(xla_kernels, "FEW_SEQUENCES", 1)
    monkeypatch.setattr(xla_kernels, "FEW_ROWS", 1)


GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}

# Each shape is a program to compile.
few = settings(max_examples=max(settings.default.max_examples // 5, 1))


@st.composite
def cases(draw: Callable[..., Any]) -> tuple[Any, ...]:
    """A recurrence; sequences, steps, features, units; whether masked; which outputs count."""
    kind = draw(st.sampled_from(sorted(GATES)))
    sizes = tuple(draw(st.integers(1, most)) for most in (19, 5, 4, 37))
    return kind, sizes, draw(st.booleans()), draw(st.sampled_from(["all", "last", "both"]))


def inputs_of(kind: str, sizes: tuple[int, ...], masked: bool) -> tuple[list[Any], Any]:
    n, steps, features, units = sizes
    rng = np.random.default_rng(0)
    width = GATES[kind] * units
    shapes = [
        (n, steps, features),
        *[(n, units)] * (2 if kind == "lstm" else 1),
        (features, width),
        (units, width),
        (2, width) if kind == "gru" else (width,),
    ]
    scale = 1 / np.sqrt(units)  # so that rounding does not grow from step to step
    arrays = [scale * rng.standard_normal(shape) for shape in shapes]
    return arrays, rng.random((n, steps)) < 0.7 if masked else None


def results(
    engine: str, dtype: str, kind: str, arrays: list[Any], mask: Any, counts: str
) -> list[Any]:
    """Outputs, last states, and the gradients of all inputs of a loss on those that count."""
    config.set_engine(engine)
    tensors = [ops.convert_to_tensor(a, dtype) for a in arrays]
    x, *states, w, u, b = tensors
    with GradientTape() as tape:
        tape.watch(tensors)
        y, last = getattr(ops, kind)(x, states, w, u, b, mask=mask)
        loss = ops.sum(y * y * y) if counts != "last" else 0.0
        if counts != "all":
            loss = sum((ops.sum(s * s) for s in last), loss)
    found = [y, *last, *tape.gradient(loss, tensors)]
    return [ops.convert_to_numpy(f) for f in found]


@few
@given(cases())
def test_they_give_what_the_engine_numpy_gives(case: tuple[Any, ...]) -> None:
    kind, sizes, masked, counts = case
    arrays, mask = inputs_of(kind, sizes, masked)
    expected = results("numpy", "float64", kind, arrays, mask, counts)
    found = results("xla", "float32", kind, arrays, mask, counts)
    for own, other in zip(found, expected, strict=True):
        assert own.dtype == "float32"
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-5 * np.abs(other).max() + 1e-30)


@pytest.mark.parametrize("kind", GATES)
def test_they_run(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    config.set_engine("xla")
    kernels = xp().recurrence_kernels(xp().ones((1, 1, 1), "float32"))
    for name in (kind, f"{kind}_back"):
        kernel = getattr(kernels, name)
        monkeypatch.setattr(
            kernels, name, lambda *a, name=name, kernel=kernel: (called.append(name), kernel(*a))[1]
        )
    arrays, mask = inputs_of(kind, (4, 3, 2, 5), True)
    results("xla", "float32", kind, arrays, mask, "both")
    assert called == [kind, f"{kind}_back"]
    called.clear()
    results("xla", "float64", kind, arrays, mask, "both")
    assert not called


@pytest.mark.parametrize("kind", GATES)
def test_a_gradient_of_their_gradient_is_that_of_the_engine_numpy(kind: str) -> None:
    arrays, mask = inputs_of(kind, (3, 4, 2, 9), True)

    def second(engine: str, dtype: str) -> Any:
        config.set_engine(engine)
        x, *states, w, u, b = (ops.convert_to_tensor(a, dtype) for a in arrays)
        with GradientTape() as outer:
            outer.watch(u)
            with GradientTape() as inner:
                inner.watch(x)
                y, _ = getattr(ops, kind)(x, states, w, u, b, mask=mask)
                loss = ops.sum(y * y)
            slope = inner.gradient(loss, x)
            penalty = ops.sum(slope * slope)
        return ops.convert_to_numpy(outer.gradient(penalty, u))

    expected = second("numpy", "float64")
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(
        second("xla", "float32"), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
    )


# Weights and projections are rounded once, to half a unit. A loop in 16 bits rounds at every step:
# it is off by 0.8 and 1.3 units.
@pytest.mark.parametrize(("kind", "units"), [("lstm", 0.55), ("gru", 0.9)])
def test_16_bits_are_computed_in_32(kind: str, units: float) -> None:
    arrays, _ = inputs_of(kind, (6, 40, 2, 24), False)
    arrays = [a.astype("float16").astype("float64") for a in arrays]
    exact = results("numpy", "float64", kind, arrays, None, "all")
    found = results("xla", "float16", kind, arrays, None, "all")
    assert found[0].dtype == "float16"
    assert np.abs(found[0].astype("float64") - exact[0]).max() < units * 2.0**-11
    for own, other in zip(found[1:], exact[1:], strict=True):
        assert own.dtype == "float16"
        np.testing.assert_allclose(own, other, rtol=0.01, atol=0.01 * np.abs(other).max())


@pytest.mark.parametrize("kind", GATES)
def test_runs_repeat_bit_for_bit(kind: str) -> None:
    arrays, mask = inputs_of(kind, (33, 12, 3, 30), True)
    first = results("xla", "float32", kind, arrays, mask, "both")
    for _ in range(5):
        for own, other in zip(
            results("xla", "float32", kind, arrays, mask, "both"), first, strict=True
        ):
            np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("kind", GATES)
def test_what_is_not_a_number_stays_where_it_was(kind: str) -> None:
    arrays, _ = inputs_of(kind, (9, 4, 2, 11), False)
    arrays[0][3, 2, 0] = np.nan
    y = results("xla", "float32", kind, arrays, None, "all")[0]
    broken = np.isnan(y)
    assert broken[3, 2:].all()
    broken[3, 2:] = False
    assert not broken.any()


@pytest.mark.parametrize("kind", GATES)
def test_great_numbers_saturate(kind: str) -> None:
    arrays, _ = inputs_of(kind, (2, 3, 2, 10), False)
    arrays[0] *= 1e30
    expected = results("numpy", "float64", kind, arrays, None, "all")[0]
    found = results("xla", "float32", kind, arrays, None, "all")[0]
    np.testing.assert_allclose(found, expected, atol=5e-7)
    assert np.abs(found).max() <= 1


def test_gates_stay_within_their_bounds() -> None:
    x = np.linspace(-20, 20, 40_001).reshape(1, -1, 1)
    one, none = np.ones((1, 1)), np.zeros((1, 1))
    config.set_engine("xla")
    y, _ = ops.simple_rnn(*(ops.convert_to_tensor(a, "float32") for a in (x,)), [none], one, none)
    y = ops.convert_to_numpy(y).ravel()
    assert np.abs(y).max() == 1
    np.testing.assert_allclose(y, np.tanh(x.ravel().astype("float32")), rtol=4e-7, atol=1e-30)


@pytest.mark.parametrize("kind", GATES)
def test_without_steps_the_states_stay(kind: str) -> None:
    arrays, _ = inputs_of(kind, (2, 3, 2, 4), False)
    arrays[0] = arrays[0][:, :0]
    y, *rest = results("xla", "float32", kind, arrays, None, "last")
    assert y.shape == (2, 0, 4)
    states = arrays[1:-3]
    for own, other in zip(rest, states, strict=False):
        np.testing.assert_array_equal(own, other.astype("float32"))
    assert np.abs(rest[-1]).max() == 0  # the bias was not used


def test_few_rows_are_left_to_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    config.set_engine("xla")
    assert xp().recurrence_kernels(xp().ones((1, 1, 2048), "float32")) is None
    assert xp().recurrence_kernels(xp().ones((200, 3, 2048), "float32")) is None
    assert xp().recurrence_kernels(xp().ones((16, 4, 2048), "float32")) is not None


@pytest.mark.parametrize("engine", ["numpy", "xla"])
@pytest.mark.parametrize("kind", GATES)
def test_states_masks_and_biases_of_other_shapes(engine: str, kind: str) -> None:
    arrays, mask = inputs_of(kind, (9, 3, 2, 5), True)
    config.set_engine(engine)
    x, *states, w, u, b = (ops.convert_to_tensor(a, "float32") for a in arrays)

    def run(states: Any = states, u: Any = u, b: Any = b, mask: Any = mask) -> Any:
        return getattr(ops, kind)(x, states, w, u, b, mask=mask)

    y, _ = run([s[:1] for s in states], b=b[..., :1], mask=mask[:1])
    full = [ops.repeat(s[:1], 9, 0) for s in states]
    same, _ = run(full, b=ops.broadcast_to(b[..., :1], b.shape), mask=np.repeat(mask[:1], 9, 0))
    np.testing.assert_array_equal(y, same)
    wide = ops.convert_to_tensor(arrays[-2], "float64")
    np.testing.assert_array_equal(run(u=wide)[0], run()[0])
    with pytest.raises(ShapeError, match=r"initial states of shape \(9, 5\); got \(9, 8\)"):
        run([np.zeros((9, 8), "float32")] * len(states))
    with pytest.raises(ShapeError, match=r"a mask of shape \(9, 3\); got \(9, 2\)"):
        run(mask=mask[:, :2])
    with pytest.raises(ShapeError, match="a bias of shape"):
        run(b=b[..., :4])
    with pytest.raises(ShapeError, match="recurrent kernel"):
        run(u=np.zeros((5, 5 * (GATES[kind] + 1)), "float32"))


def test_a_layer_refuses_states_of_another_batch() -> None:
    config.set_engine("xla")
    x = np.zeros((8, 30, 4), "float32")
    with pytest.raises(ShapeError, match="initial states of shape"):
        layers.LSTM(6)(x, initial_state=[np.zeros((3, 6), "float32")] * 2)
