"""Loops and branches: values, gradients, state inside, and what is refused."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from etude import GradientTape, Variable, config, function, ops
from etude.autodiff import KerasTensor, as_tensor, check
from etude.errors import ArgumentError, DtypeError, GradientError, ShapeError

XS = np.array([0.3, -0.5, 0.8, 1.1])


def step(carry, x):
    new = ops.tanh(carry * 0.9 + x)
    return new, new * x


def by_hand(c: float, xs: np.ndarray) -> tuple[float, list[float]]:
    ys = []
    for x in xs:
        c = np.tanh(c * 0.9 + x)
        ys.append(c * x)
    return c, ys


def test_scan_equals_the_loop(engine: str) -> None:
    last, ys = ops.scan(step, as_tensor(np.array(0.2)), XS)
    expected_last, expected_ys = by_hand(0.2, XS)
    assert float(last) == pytest.approx(expected_last, rel=1e-12)
    np.testing.assert_allclose(ys.numpy(), expected_ys, rtol=1e-12)


def test_scan_reversed_keeps_the_order_of_the_ys(engine: str) -> None:
    last, ys = ops.scan(step, as_tensor(np.array(0.2)), XS, reverse=True)
    expected_last, expected_ys = by_hand(0.2, XS[::-1])
    assert float(last) == pytest.approx(expected_last, rel=1e-12)
    np.testing.assert_allclose(ys.numpy(), expected_ys[::-1], rtol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_gradient_first_and_second(engine: str, compiled: bool, reverse: bool) -> None:
    check(
        lambda xs, c: ops.scan(step, c, xs, reverse=reverse),
        [XS, np.array(0.2)],
        order=2,
        compiled=compiled,
    )


def test_scan_gradient_through_closures(engine: str) -> None:
    """Weights used inside get their gradient, as by the unrolled loop in plain NumPy."""
    w = Variable(np.array(0.7))

    def loss(value: float) -> float:
        c = 0.1
        for x in XS:
            c = np.tanh(value * c + x)
        return c

    @function
    def gradient():
        with GradientTape() as tape:
            last, _ = ops.scan(
                lambda c, x: (ops.tanh(w * c + x), None), as_tensor(0.1, "float64"), as_tensor(XS)
            )
        return tape.gradient(last, w)

    expected = (loss(0.7 + 1e-6) - loss(0.7 - 1e-6)) / 2e-6
    assert float(gradient()) == pytest.approx(expected, rel=1e-7)


def test_scan_over_structures_without_xs(engine: str) -> None:
    last, ys = ops.scan(
        lambda c, _: ({"a": c["a"] + 1.0, "b": c["b"] * 2.0}, (c["a"], None)),
        {"a": 0.0, "b": 1.0},
        length=5,
    )
    assert (float(last["a"]), float(last["b"])) == (5.0, 32.0)
    np.testing.assert_array_equal(ys[0].numpy(), [0.0, 1.0, 2.0, 3.0, 4.0])
    assert ys[1] is None


@pytest.mark.parametrize("recorded", [False, True])
def test_scan_bodies_assign_variables(engine: str, recorded: bool) -> None:
    count, w = Variable(0, dtype="int32", trainable=False), Variable(2.0)

    def body(c, x):
        count.assign_add(1)
        return c + w * x, None

    @function
    def run(xs):
        if not recorded:
            return ops.scan(body, 0.0, xs)[0]
        with GradientTape() as tape:
            last = ops.scan(body, 0.0, xs)[0]
        return tape.gradient(last, w)

    assert float(run(as_tensor([1.0, 2.0, 3.0]))) == (6.0 if recorded else 12.0)
    assert int(count) == 3


def test_scan_goes_back_through_the_state_each_step_had(engine: str) -> None:
    """A factor drawn from a Variable that the body changes is the same on the way back."""
    factor, w = Variable(1.0, trainable=False), Variable(3.0)

    def body(c, x):
        factor.assign(factor * 2.0)
        return c + w * x * factor, None

    @function
    def run(xs):
        with GradientTape() as tape:
            last = ops.scan(body, 0.0, xs)[0]
        return tape.gradient(last, w)

    assert float(run(as_tensor([1.0, 1.0, 1.0]))) == 2.0 + 4.0 + 8.0
    assert float(factor) == 8.0


def test_scan_of_no_steps(engine: str) -> None:
    last, ys = ops.scan(lambda c, x: (c + x, c * x), 1.5, ops.zeros((0,)))
    assert float(last) == 1.5
    assert ys.shape == (0,)


def test_scan_is_found_abstractly(engine: str) -> None:
    last, ys = ops.scan(step, KerasTensor((None, 2)), KerasTensor((7, None, 2)))
    assert (last.shape, ys.shape) == ((None, 2), (7, None, 2))


def test_scan_needs_a_length(engine: str) -> None:
    with pytest.raises(ArgumentError, match="length"):
        ops.scan(step, 0.0)
    with pytest.raises(ArgumentError, match=r"2.*3"):
        ops.scan(lambda c, x: (c, None), 0.0, (ops.zeros((2,)), ops.zeros((3,))))


def test_while_loop(engine: str) -> None:
    i, total = ops.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + 2.0), (0, 0.0))
    assert (int(i), float(total)) == (5, 10.0)
    assert int(ops.while_loop(lambda i: i < 100, lambda i: i + 1, 0, maximum_iterations=7)) == 7


def test_while_loop_with_state_under_compilation(engine: str) -> None:
    count = Variable(0, dtype="int32", trainable=False)

    def body(x):
        count.assign_add(1)
        return x * 2.0

    run = function(lambda x: ops.while_loop(lambda x: x < 100.0, body, x))
    assert float(run(3.0)) == 192.0
    assert int(count) == 6


def test_no_gradient_through_an_open_loop(engine: str) -> None:
    w = Variable(1.5)
    with GradientTape() as tape:
        y = ops.while_loop(lambda v: v < 10.0, lambda v: v * v, w.value)
    with pytest.raises(GradientError, match=r"ops\.scan"):
        tape.gradient(y, w)


def test_fori_loop_with_fixed_bounds_has_a_gradient(engine: str) -> None:
    check(lambda x: ops.fori_loop(0, 3, lambda i, v: v * v, x), [np.array(0.9)], order=2)
    with GradientTape() as tape:
        x = as_tensor(np.array(1.1))
        tape.watch(x)
        y = ops.fori_loop(0, 3, lambda i, v: v * v, x)
    assert float(tape.gradient(y, x)) == pytest.approx(8 * 1.1**7, rel=1e-12)


def test_fori_loop_with_open_bounds_is_one_program(engine: str) -> None:
    total = Variable(0.0)

    @function
    def run(n):
        return ops.fori_loop(0, n, lambda i, v: total.assign_add(ops.cast(i, "float32")), 0.0)

    assert float(run(4)) == 6.0
    traces = run.traces
    assert float(run(5)) == 6.0 + 10.0
    assert run.traces == traces + (engine == "numpy") * 0


@pytest.mark.parametrize("x", [-0.7, 0.7])
@pytest.mark.parametrize("compiled", [False, True])
def test_cond_gradient(engine: str, x: float, compiled: bool) -> None:
    w = Variable(np.array(2.0))
    check(
        lambda a: ops.cond(a > 0.0, lambda: ops.sin(a) * w, lambda: a * a),
        [np.array(x)],
        order=2,
        compiled=compiled,
    )


def test_cond_runs_one_branch_and_its_assignments(engine: str) -> None:
    v = Variable(0.0)

    @function
    def run(flag):
        return ops.cond(flag > 0, lambda: v.assign_add(1.0), lambda: v.assign_sub(10.0))

    assert [float(run(1)), float(run(1)), float(run(-1))] == [1.0, 2.0, -8.0]


def test_cond_under_a_tape_inside_a_program() -> None:
    pytest.importorskip("jax", reason="the engine xla needs jax")
    config.set_engine("xla")
    w = Variable(3.0)

    @function
    def gradient(flag):
        with GradientTape() as tape:
            y = ops.cond(flag > 0, lambda: w * w, lambda: w * 5.0)
        return tape.gradient(y, w)

    assert [float(gradient(1)), float(gradient(-1))] == [6.0, 5.0]


def test_map_applies_to_slices(engine: str) -> None:
    found = ops.map(lambda x: ops.sum(x), np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(found.numpy(), [1.0, 5.0, 9.0])


@pytest.mark.parametrize("loop", ["scan", "cond"])
def test_later_assignments_do_not_change_the_way_back(engine: str, loop: str) -> None:
    w = Variable(2.0)

    @function
    def gradient(x):
        with GradientTape() as tape:
            if loop == "scan":
                y = ops.scan(lambda c, _: (c * w, None), x, None, length=3)[0]
            else:
                y = ops.cond(x > 0.0, lambda: w * w * x, lambda: x)
        w.assign(10.0)
        return tape.gradient(y, w)

    assert float(gradient(1.0)) == (12.0 if loop == "scan" else 4.0)
    w.assign(2.0)
    with GradientTape() as tape:
        y = ops.scan(lambda c, _: (c * w, None), 1.0, None, length=3)[0]
    w.assign(10.0)
    assert float(tape.gradient(y, w)) == 12.0


def test_no_gradient_for_weights_used_inside_an_open_loop(engine: str) -> None:
    w = Variable(2.0)
    with GradientTape(persistent=True) as tape:
        y = ops.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * w), (0, 1.0))[1]
        z = ops.fori_loop(0, as_tensor(3), lambda i, a: a * w, 1.0)
    assert (float(y), float(z)) == (8.0, 8.0)
    for target in (y, z):
        with pytest.raises(GradientError, match=r"ops\.scan"):
            tape.gradient(target, w)


@pytest.mark.parametrize("recording", [False, True])
def test_branches_and_carries_of_other_shapes_are_said(recording: bool) -> None:
    config.set_engine("xla")

    def branches(x: Any) -> Any:
        return ops.cond(ops.sum(x) > 0, lambda: x, lambda: x[:1])

    def carries(x: Any) -> Any:
        return ops.while_loop(lambda v: ops.sum(v) < 9, lambda v: ops.concatenate([v, v]), x)

    def scans(x: Any) -> Any:
        return ops.scan(lambda c, v: (ops.concatenate([c, c]), v), x, x)[0]

    x = ops.convert_to_tensor([1.0, 2.0])
    for program, shapes in (
        (branches, r"float32\(2,\) and .*float32\(1,\)"),
        (carries, r"float32\(4,\) for float32\(2,\)"),
        (scans, r"float32\(4,\) for float32\(2,\)"),
    ):

        def run(x: Any, program: Any = program) -> Any:
            with GradientTape() if recording else nullcontext() as tape:
                if tape is not None:
                    tape.watch(x)
                return program(x)

        with pytest.raises(ShapeError, match=shapes):
            function(run)(x)


@pytest.mark.parametrize("recording", [False, True])
def test_numbers_of_python_take_the_dtype_that_the_body_gives(engine: str, recording: bool) -> None:
    w = Variable(1.0)
    with GradientTape() if recording else nullcontext():
        halves = ops.fori_loop(0, 3, lambda i, c: c + 0.5 * w, 0)
        sums, _ = ops.scan(lambda c, x: (c + x, x), 0, np.array([0.5, 0.25]))
        doubled = ops.while_loop(lambda v: v < 2, lambda v: v * 1.5, 1)
    assert float(halves) == 1.5
    assert float(sums) == 0.75
    assert float(doubled) == 2.25


@pytest.mark.parametrize("recording", [False, True])
def test_a_carry_that_would_be_cut_off_is_refused(engine: str, recording: bool) -> None:
    whole = as_tensor(np.array(0, "int32"))
    with GradientTape() if recording else nullcontext():
        with pytest.raises(DtypeError, match=r"float\d\d for a value that began as int32"):
            ops.fori_loop(0, 3, lambda i, c: c + 0.5, whole)
        with pytest.raises(ShapeError, match=r"\(2,\).*\(1,\)"):
            ops.scan(lambda c, x: (ops.concatenate([c, c]), x), as_tensor([1.0]), XS)
