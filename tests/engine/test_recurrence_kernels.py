"""Etude's kernels for LSTM, GRU and simple RNN, against the engine numpy in 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude import GradientTape, config, ops
from etude.engine import xla_native, xp

pytestmark = pytest.mark.skipif(xla_native.loaded().path is None, reason=xla_native.loaded().reason)

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
    kernels = xp().recurrence_kernels(xp().ones((1, 1), "float32"))
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


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bits_are_computed_in_32(kind: str, dtype: str) -> None:
    arrays, _ = inputs_of(kind, (6, 40, 2, 24), False)
    exact = results("numpy", "float64", kind, arrays, None, "all")[0]
    found = results("xla", dtype, kind, arrays, None, "all")[0]
    unit = 2.0**-11 if dtype == "float16" else 2.0**-8
    assert str(found.dtype) == dtype
    # Weights and projections are rounded once; forty steps add no rounding of their own.
    assert np.abs(found.astype("float64") - exact).max() < 8 * unit


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
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_no_steps_are_left_to_the_loop() -> None:
    arrays, _ = inputs_of("lstm", (2, 3, 2, 4), False)
    arrays[0] = arrays[0][:, :0]
    y, h, c, *_ = results("xla", "float32", "lstm", arrays, None, "last")
    assert y.shape == (2, 0, 4)
    np.testing.assert_array_equal(h, arrays[1].astype("float32"))
    np.testing.assert_array_equal(c, arrays[2].astype("float32"))
