"""Cells, frames and programs, below anything that knows of tensors."""

from __future__ import annotations

import numpy as np
import pytest

from etude import config
from etude.engine import Cell, Frame, in_frame, xp
from etude.engine.cell import no_frame, note, shapes_only


@pytest.fixture
def xla():
    pytest.importorskip("jax", reason="the engine xla needs jax")
    config.set_engine("xla")
    return xp()


def test_frames_keep_writes_to_themselves() -> None:
    a, b = Cell(1), Cell(2)
    with Frame([(a, 10)]) as outer:
        assert (a.read(), b.read()) == (10, 2)
        with Frame() as inner:
            a.write(11)
            assert a.read() == 11
        assert a.read() == 10
        b.write(20)
    assert (list(inner.writes), list(inner.reads)) == ([a], [])
    assert (list(outer.writes), list(outer.reads)) == ([b], [b])
    assert (a.array, b.array) == (1, 2)
    assert not in_frame()


def test_frames_can_be_suspended() -> None:
    a = Cell(1)
    with Frame([(a, 10)]), no_frame():
        assert a.read() == 1
        a.write(2)
    assert a.array == 2


def test_notes_reach_the_outermost_frame() -> None:
    with Frame() as outer, Frame(shapes_only=True):
        note("convolution")
        assert shapes_only()
    assert outer.notes == {"convolution"}
    assert not shapes_only()


def test_a_program_finds_its_cells_and_is_traced_no_more(xla) -> None:
    state, weight = Cell(xla.array([1.0, 2.0])), Cell(xla.array([3.0, 4.0]))
    traced = []

    def fn(arrays, static):
        traced.append(static)
        state.write(state.read() + arrays[0] * weight.read())
        return [state.read().sum()], "extra"

    program = xla.Program(fn)
    outputs = [program([xla.array([1.0, 1.0])], "key") for _ in range(4)]
    assert len(traced) == 2  # once to find the cells, once with them
    assert [float(o[0]) for o, _ in outputs] == [10.0, 17.0, 24.0, 31.0]
    assert outputs[0][1] == "extra"
    np.testing.assert_array_equal(weight.array, [3.0, 4.0])


def test_memory_of_written_cells_is_donated_unless_shared(xla) -> None:
    cell = Cell(xla.array(np.zeros(1000)))
    first = cell.array

    def fn(arrays, static):
        cell.write(cell.read() + 1.0)
        return [], None

    program = xla.Program(fn)
    program([])
    assert not first.is_deleted()  # someone outside held it
    second = cell.array
    program([])
    assert second.is_deleted()  # nobody else could hold it
    held = cell.read()
    program([])
    np.testing.assert_array_equal(held, np.full(1000, 2.0))


def test_programs_remember_what_was_noted_while_tracing(xla) -> None:
    def fn(arrays, static):
        note("convolution")
        return arrays, None

    program = xla.Program(fn)
    program.prepare([xla.array([1.0])])
    assert program.notes == {"convolution"}


def test_loops_thread_the_cells_that_they_write(xla) -> None:
    total = Cell(xla.array(0.0))

    def body(carry, x):
        total.write(total.read() + x)
        return carry * 2.0, total.read()

    def fn(arrays, static):
        last, ys = xla.scan(body, xla.array(1.0), arrays[0], stateful=True)
        return [last, ys], None

    program = xla.Program(fn)
    (last, ys), _ = program([xla.array([1.0, 2.0, 3.0])])
    assert (float(last), float(total.array)) == (8.0, 6.0)
    np.testing.assert_array_equal(ys, [1.0, 3.0, 6.0])


def test_concrete_work_in_the_middle_of_a_trace(xla) -> None:
    made = []

    def fn(arrays, static):
        with xla.concretely():
            made.append(xla.zeros(3, "float32") + 1.0)
        return [arrays[0] + made[-1]], None

    xla.Program(fn)([xla.array([1.0, 2.0, 3.0])])
    assert not xla.is_traced(made[-1])
    np.testing.assert_array_equal(made[-1], [1.0, 1.0, 1.0])


def test_shapes_without_arithmetic(engine: str) -> None:
    found = xp().eval_shape(lambda a: [a[0] @ a[1]], [((2, 3), "float32"), ((3, 4), "float32")])
    assert found == [((2, 4), "float32")]


def test_logarithm_of_zero_is_silent(engine: str) -> None:
    with xp().quiet():
        assert np.isneginf(xp().log(xp().array(0.0)))


def test_sixty_four_bits_are_kept_on_both_engines(engine: str) -> None:
    assert str(xp().array(np.ones(2)).dtype) == "float64"
    assert str(xp().array(2**40).dtype) == "int64"


def test_devices_are_named(engine: str) -> None:
    assert all(isinstance(d, str) and d for d in xp().devices())
