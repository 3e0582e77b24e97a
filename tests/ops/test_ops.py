"""Runs every row of `tests.ops.cases`: forwards, gradients, second derivatives, both engines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from etude import config, ops
from etude.autodiff import (
    OPS,
    PRIMITIVES,
    GradientTape,
    Primitive,
    as_tensor,
    check,
    eval_shape,
    function,
)
from etude.autodiff.symbolic import KerasTensor
from etude.tree import flatten
from tests.ops.case import Case
from tests.ops.cases import ALL


def rows(wanted: Callable[[Case], Any]) -> pytest.MarkDecorator:
    """Parametrises a test over the rows that have what it is about, under readable names."""
    seen: Counter[str] = Counter()
    found, names = [], []
    for case in filter(wanted, ALL):
        seen[case.id] += 1
        found.append(case)
        names.append(case.id if seen[case.id] == 1 else f"{case.id}#{seen[case.id]}")
    return pytest.mark.parametrize("case", found, ids=names)


every_case = rows(lambda case: True)


def inputs_of(case: Case) -> tuple[Any, ...]:
    return case.inputs(np.random.default_rng(7))


def call_of(case: Case) -> Callable[..., Any]:
    op = case.call or OPS.get(case.op) or PRIMITIVES[case.op]
    return lambda *inputs: op(*inputs, **case.options)


def tensors(inputs: tuple[Any, ...]) -> list[Any]:
    return [as_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]


def arrays(result: Any) -> list[Any]:
    return [np.asarray(t) for t in flatten(result) if t is not None]


def assert_equal(found: Any, expected: Any, rtol: float, atol: float = 1e-12) -> None:
    found, expected = arrays(found), arrays(expected)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def float_places(case: Case, inputs: tuple[Any, ...]) -> list[int]:
    floats = [i for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    return floats if case.differentiable is None else list(case.differentiable)


def varying(case: Case) -> tuple[Callable[..., Any], list[Any]]:
    """The case as a function of its differentiable inputs alone."""
    inputs, call = inputs_of(case), call_of(case)
    places = float_places(case, inputs)

    def fn(*moved: Any) -> Any:
        full = list(tensors(inputs))
        for place, x in zip(places, moved, strict=True):
            full[place] = x
        return call(*full)

    return fn, [inputs[i] for i in places]


@every_case
def test_forward_equals_reference(case: Case) -> None:
    config.set_engine("numpy")
    inputs = inputs_of(case)
    found = call_of(case)(*tensors(inputs))
    assert_equal(found, case.reference(*inputs, **case.options), rtol=case.rtol)


@every_case
def test_shapes_are_found_abstractly(case: Case) -> None:
    config.set_engine("numpy")
    assert_forms(case, call_of(case)(*tensors(inputs_of(case))))


def abstractly(case: Case) -> list[tuple[tuple[int, ...], str]]:
    """Shapes and dtypes of the outputs without values."""
    inputs = inputs_of(case)
    symbols = [KerasTensor(x.shape, x.dtype) if isinstance(x, np.ndarray) else x for x in inputs]
    return forms(eval_shape(call_of(case), *symbols))


def forms(result: Any) -> list[tuple[tuple[int, ...], str]]:
    leaves = [t for t in flatten(result) if t is not None]
    return [(tuple(np.shape(t)), str(getattr(t, "dtype", ""))) for t in leaves]


def assert_forms(case: Case, real: Any) -> None:
    """Shapes found without values are those of real outputs; what depends on values stays open."""
    found, real = abstractly(case), forms(real)
    assert [dtype for _, dtype in found] == [dtype for _, dtype in real]
    for (symbol, _), (shape, _) in zip(found, real, strict=True):
        assert len(symbol) == len(shape)
        assert all(n in (None, m) for n, m in zip(symbol, shape, strict=True))
        assert None not in symbol or case.op in ("nonzero", "unique", "where")


@every_case
def test_gradient_equals_central_differences(case: Case) -> None:
    config.set_engine("numpy")
    fn, inputs = varying(case)
    if not inputs:
        assert_no_derivative(case)
        return
    check(fn, inputs, order=2 if case.second else 1)


def with_derivatives(case: Case) -> tuple[Callable[..., Any], list[Any]]:
    """The outputs of a case, and derivatives of first and second order of their projections."""
    fn, inputs = varying(case)

    def run(*moved: Any) -> tuple[list[Any], list[Any], list[Any]]:
        with GradientTape() as outer:
            outer.watch(moved)
            with GradientTape() as inner:
                inner.watch(moved)
                outputs = [y for y in flatten(fn(*moved)) if y is not None]
                total = projection(outputs, seed=1)
            first = inner.gradient(total, list(moved), unconnected_gradients="zero")
            again = projection(first, seed=2)
        if not case.second:
            return outputs, first, []
        return outputs, first, outer.gradient(again, list(moved), unconnected_gradients="zero")

    return run, inputs


def projection(values: list[Any], seed: int) -> Any:
    """The sum of the floats among the values, each with a random factor."""
    draw = np.random.default_rng(seed)
    total = as_tensor(0.0, "float64")
    for y in values:
        if hasattr(y, "dtype") and y.dtype.kind == "f":
            total = total + (y * as_tensor(draw.standard_normal(y.shape))).sum()
    return total


@every_case
def test_one_compiled_program_gives_outputs_and_derivatives(case: Case) -> None:
    """What numpy gives, which is held to central differences above, in one program of xla."""
    pytest.importorskip("jax", reason="the engine xla needs jax")
    run, inputs = with_derivatives(case)
    config.set_engine("numpy")
    _, *expected = run(*map(as_tensor, inputs))
    config.set_engine("xla")
    outputs, *found = function(run)(*map(as_tensor, inputs))
    full = inputs_of(case)
    assert_equal(outputs, case.reference(*full, **case.options), rtol=case.rtol)
    assert_forms(case, outputs)
    assert_equal(found, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.slow
@every_case
def test_central_differences_on_xla(case: Case) -> None:
    pytest.importorskip("jax", reason="the engine xla needs jax")
    config.set_engine("xla")
    inputs = inputs_of(case)
    found = call_of(case)(*tensors(inputs))  # eagerly, too
    assert_equal(found, case.reference(*inputs, **case.options), rtol=case.rtol)
    fn, varied = varying(case)
    if varied:
        check(fn, varied, order=2 if case.second else 1, compiled=True)
    else:
        assert_no_derivative(case)


def assert_no_derivative(case: Case) -> None:
    """Where a row says that nothing is differentiable, the tape gives None, and says so."""
    given = tensors(inputs_of(case))
    sources = [t for t in given if hasattr(t, "dtype") and t.dtype.kind == "f"]
    with GradientTape() as tape:
        tape.watch(sources)
        out = call_of(case)(*given)
    with pytest.warns(UserWarning, match="The gradient is None") if sources else nullcontext():
        gradients = tape.gradient(out, sources)
    assert gradients == [None] * len(sources)


def float_outputs(result: Any) -> list[Any]:
    return [y for y in flatten(result) if y is not None and y.dtype.kind == "f"]


@rows(lambda case: 0 < sum(x.size for x in varying(case)[1]) <= 24)
def test_full_jacobian_where_it_is_small(case: Case) -> None:
    config.set_engine("numpy")
    fn, inputs = varying(case)
    given = [as_tensor(x) for x in inputs]
    with GradientTape(persistent=True) as tape:
        tape.watch(given)
        outputs = float_outputs(fn(*given))
    expected = [[np.zeros((*y.shape, *x.shape)) for x in inputs] for y in outputs]
    for i, x in enumerate(inputs):
        for at in np.ndindex(x.shape):
            ends = []
            for sign in (1, -1):
                moved = [v.copy() for v in inputs]
                moved[i][at] += sign * 1e-6
                ends.append([y.numpy() for y in float_outputs(fn(*map(as_tensor, moved)))])
            for k, (high, low) in enumerate(zip(*ends, strict=True)):
                expected[k][i][(..., *at)] = (high - low) / 2e-6
    for y, wanted in zip(outputs, expected, strict=True):
        found = tape.jacobian(y, given, unconnected_gradients="zero")
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-5, atol=1e-7)


@every_case
def test_float32_stays_float32_and_close(case: Case, engine: str) -> None:
    inputs = inputs_of(case)
    single = tuple(
        x.astype("float32") if isinstance(x, np.ndarray) and x.dtype == "float64" else x
        for x in inputs
    )
    given = [x for x in single if isinstance(x, np.ndarray)]

    def fn(*moved: Any) -> Any:
        rest = iter(moved)
        return call_of(case)(*(next(rest) if isinstance(x, np.ndarray) else x for x in inputs))

    found = [t for t in flatten(function(fn)(*map(as_tensor, given))) if hasattr(t, "dtype")]
    config.set_engine("numpy")
    double = [t for t in flatten(call_of(case)(*tensors(inputs))) if hasattr(t, "dtype")]
    assert "float64" not in {str(t.dtype) for t in found}
    for a, b in zip(found, double, strict=True):
        if b.dtype == "float64":
            scale = float(np.max(np.abs(b.numpy()), initial=1.0))
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=2e-5 * scale)


@rows(lambda case: case.special)
def test_special_values(case: Case, engine: str) -> None:
    for inputs, expected in case.special:
        given = [np.asarray(x) if isinstance(x, (list, float)) else x for x in inputs]
        found = call_of(case)(*tensors(tuple(given)))
        assert_equal(found, expected, rtol=1e-9)


@rows(lambda case: case.kinks)
def test_kinks_take_the_stated_choice(case: Case, engine: str) -> None:
    for inputs, expected in case.kinks:
        given = [as_tensor(np.asarray(x)) for x in inputs]
        sources = [t for t in given if t.dtype.kind == "f"]
        with GradientTape() as tape:
            tape.watch(sources)
            out = call_of(case)(*given)
        found = tape.gradient(out, sources)
        wanted = [e for e, t in zip(expected, given, strict=True) if t.dtype.kind == "f"]
        assert_equal(found, wanted, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:The gradient is None")  # of rows without a derivative
def test_every_primitive_is_run_by_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    config.set_engine("numpy")
    seen: set[str] = set()
    run = Primitive._run

    def spy(self: Primitive, inputs: Any, options: Any) -> Any:
        seen.add(self.name)
        return run(self, inputs, options)

    monkeypatch.setattr(Primitive, "_run", spy)
    for case in ALL:
        fn, inputs = varying(case)
        given = [as_tensor(x) for x in inputs]
        with GradientTape() as tape:
            tape.watch(given)
            out = [t for t in flatten(fn(*given)) if hasattr(t, "dtype")]
        tape.gradient(out, given)
    elsewhere = {"_scan", "_cond", "_end_of_loop"}  # tests of their own: test_loops_and_branches.py
    assert not PRIMITIVES.keys() - seen - elsewhere


def test_every_primitive_has_a_rule_or_says_that_it_has_none() -> None:
    assert [p.name for p in PRIMITIVES.values() if p.rule is None and p.reason is None] == []


def test_every_row_names_an_operation() -> None:
    assert [c.op for c in ALL if c.op not in OPS and c.op not in PRIMITIVES] == []
    assert hasattr(ops, "add")
