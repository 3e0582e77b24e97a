"""`etude.function`: imperative code as one compiled program, the same on both engines."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from etude import GradientTape, Variable, config, function, ops
from etude.autodiff import as_tensor
from etude.errors import DtypeError, TracingError


@pytest.fixture
def xla() -> None:
    pytest.importorskip("jax", reason="the engine xla needs jax")
    config.set_engine("xla")


def test_reads_and_assigns_variables(engine: str) -> None:
    w, count = Variable(np.ones(3, "float32")), Variable(0, dtype="int32", trainable=False)

    @function
    def step(x):
        with GradientTape() as tape:
            loss = ops.sum(w * w * x)
        w.assign_sub(0.1 * tape.gradient(loss, w))
        count.assign_add(1)
        return loss

    expected = np.ones(3)
    x = np.array([1.0, 2.0, 3.0])
    for i in range(3):
        assert float(step(as_tensor(x, "float32"))) == pytest.approx(
            np.sum(expected**2 * x), rel=1e-5
        )
        expected = expected - 0.2 * expected * x
        assert int(count) == i + 1
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-5)


@pytest.mark.usefixtures("xla")
def test_traces_only_for_new_shapes_and_dtypes() -> None:
    w = Variable([1.0, 2.0])

    @function
    def f(x, scale):
        return w * x * scale

    f(as_tensor([1.0, 1.0]), 2.0)
    after_first = f.traces
    f(as_tensor([5.0, 6.0]), 3.0)
    w.assign([7.0, 8.0])
    np.testing.assert_array_equal(f(as_tensor([1.0, 1.0]), 1.0).numpy(), [7.0, 8.0])
    assert f.traces == after_first
    f(as_tensor([[1.0, 1.0]]), 2.0)
    assert f.traces == after_first + 1  # another shape; its variables are known already
    f(as_tensor([1, 1]), 2.0)
    assert f.traces == after_first + 2  # another dtype


@pytest.mark.usefixtures("xla")
def test_python_side_effects_happen_while_tracing_only() -> None:
    seen = []

    @function
    def f(x, training=False):
        seen.append(training)
        return x + 1.0

    f(1.0, training=False)
    with pytest.warns(UserWarning, match="`seen` changed from 1 to 2 items"):
        f(1.0, training=True)
    for flag in (False, True):
        f(1.0, training=flag)
    assert sorted(seen) == [False, True]


def test_structures_and_constants_pass_through(engine: str) -> None:
    @function
    def f(pair, options):
        return {"sum": pair[0] + pair[1], "name": options["name"], "none": None}

    out = f((1.0, 2.0), {"name": "x"})
    assert float(out["sum"]) == 3.0
    assert (out["name"], out["none"]) == ("x", None)


def test_variables_made_inside_stay(engine: str) -> None:
    made = {}

    @function
    def f(x):
        if "w" not in made:
            made["w"] = Variable(lambda shape, dtype: ops.ones(shape, dtype), shape=(2,))
        made["w"].assign_add(x)
        return ops.sum(made["w"])

    assert [float(f(1.0)), float(f(1.0))] == [4.0, 6.0]
    np.testing.assert_array_equal(made["w"].numpy(), [3.0, 3.0])


def test_a_value_held_outside_survives_later_steps(engine: str) -> None:
    w = Variable([1.0, 2.0])

    @function
    def double():
        w.assign(w * 2.0)

    double()
    held = w.value
    double()
    double()
    np.testing.assert_array_equal(held.numpy(), [2.0, 4.0])
    np.testing.assert_array_equal(w.numpy(), [8.0, 16.0])


def test_two_variables_never_share_donated_memory(engine: str) -> None:
    source, target = Variable([1.0, 2.0]), Variable([0.0, 0.0])

    @function
    def copy():
        target.assign(source)

    @function
    def change():
        target.assign_add([10.0, 10.0])

    for _ in range(3):
        copy()
        change()
    change()
    np.testing.assert_array_equal(source.numpy(), [1.0, 2.0])
    np.testing.assert_array_equal(target.numpy(), [21.0, 22.0])


def test_swapping_two_variables(engine: str) -> None:
    a, b = Variable(1.0), Variable(2.0)

    @function
    def swap():
        old = a.value
        a.assign(b)
        b.assign(old)

    for _ in range(3):
        swap()
    assert (float(a), float(b)) == (2.0, 1.0)


@pytest.mark.usefixtures("xla")
def test_a_branch_on_a_value_names_the_line_and_the_way_out() -> None:
    @function
    def f(x):
        if x > 0:
            return x
        return -x

    with pytest.raises(TracingError) as caught:
        f(as_tensor(2.0))
    message = str(caught.value)
    assert __file__ in message
    assert "if x > 0:" in message
    for hint in ("ops.cond", "ops.where", "run_eagerly=True"):
        assert hint in message


@pytest.mark.usefixtures("xla")
@pytest.mark.parametrize(
    "use",
    [float, int, np.asarray, lambda x: x.numpy(), lambda x: [0, 1, 2][x], lambda x: x.item()],
)
def test_other_uses_of_unknown_values_raise_too(use) -> None:
    with pytest.raises(TracingError, match="being traced"):
        function(lambda x: use(x))(as_tensor(1))


@pytest.mark.usefixtures("xla")
def test_after_a_failed_trace_variables_are_as_before() -> None:
    w = Variable(1.0)

    @function
    def f(x):
        w.assign_add(1.0)
        return float(x)

    with pytest.raises(TracingError):
        f(as_tensor(2.0))
    assert float(w) == 1.0


def test_functions_call_functions(engine: str) -> None:
    w = Variable(1.0)
    inner = function(lambda x: w.assign_add(x))

    @function
    def outer(x):
        inner(x)
        return inner(x) * 2.0

    assert float(outer(3.0)) == 14.0
    assert float(w) == 7.0


def test_methods_can_be_compiled(engine: str) -> None:
    class Counter:
        def __init__(self) -> None:
            self.total = Variable(0.0)

        @function
        def add(self, x):
            return self.total.assign_add(x)

    first, second = Counter(), Counter()
    first.add(1.0)
    first.add(1.0)
    second.add(5.0)
    assert (float(first.total), float(second.total)) == (2.0, 5.0)


@pytest.mark.usefixtures("xla")
def test_unhashable_constants_are_refused_with_a_reason() -> None:
    with pytest.raises(DtypeError, match="hashable"):
        function(lambda x: x)({1, 2})


def test_threads_may_share_a_compiled_function(engine: str) -> None:
    w = Variable(np.arange(4.0))
    f = function(lambda x: ops.sum(w * x))
    found: dict[int, float] = {}

    def work(n: int) -> None:
        for _ in range(20):
            found[n] = float(f(as_tensor(float(n), "float64")))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {n: 6.0 * n for n in range(6)}


def test_engines_can_be_switched_between_calls() -> None:
    pytest.importorskip("jax", reason="the engine xla needs jax")
    w = Variable([1.0, 2.0])
    f = function(lambda x: ops.sum(w.assign_add(x)))
    found = []
    for name in ("numpy", "xla", "numpy"):
        config.set_engine(name)
        found.append(float(f(1.0)))
    assert found == [5.0, 7.0, 9.0]


def test_under_a_tape_a_function_is_differentiated(engine: str) -> None:
    w = Variable(2.0)
    f = function(lambda x: w * x)
    with GradientTape() as tape:
        y = f(3.0)
    assert float(tape.gradient(y, w)) == 3.0


@pytest.mark.usefixtures("xla")
def test_new_variables_at_every_call_are_refused() -> None:
    @function
    def f(x):
        return Variable(0.0).assign_add(x)

    with pytest.raises(TracingError, match="Make them once"):
        f(1.0)


@pytest.mark.usefixtures("xla")
def test_one_thread_trains_while_another_reads() -> None:
    """A compiled program sees all its Variables at one moment."""
    w = Variable(np.zeros(4))
    step = function(lambda: w.assign_add(np.ones(4)))
    read = function(lambda: ops.max(w) - ops.min(w))
    spreads: list[float] = []

    def look() -> None:
        spreads.extend(float(read()) for _ in range(200))

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(200):
        step()
    thread.join()
    assert spreads == [0.0] * 200
    np.testing.assert_array_equal(w.numpy(), np.full(4, 200.0))


def test_seeds_first_drawn_while_tracing(engine: str) -> None:
    from etude import random

    @function
    def draw():
        generator = made.setdefault("generator", None) or random.SeedGenerator(3)
        made["generator"] = generator
        return random.uniform((4,), seed=generator)

    made: dict[str, object] = {}
    first, second = draw().numpy(), draw().numpy()
    assert not np.array_equal(first, second)
    assert np.all((first >= 0) & (first < 1))
