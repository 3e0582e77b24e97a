"""The tape against closed forms: orders, broadcasting, sharing, depth, threads."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from etude import GradientTape, Variable, ops
from etude.autodiff import PRIMITIVES, as_tensor, primitive
from etude.engine import xp
from etude.errors import DtypeError, GradientError

pytestmark = pytest.mark.usefixtures("engine")


def test_chain_rule_against_closed_form() -> None:
    x = as_tensor(np.linspace(-2, 2, 9))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sin(x * x)
    expected = 2 * x.numpy() * np.cos(x.numpy() ** 2)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), expected, rtol=1e-14)


def test_third_derivative_by_nested_tapes() -> None:
    x = as_tensor(np.array(0.7))
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as middle:
            middle.watch(x)
            with GradientTape() as inner:
                inner.watch(x)
                y = x**4 * ops.exp(x)
            first = inner.gradient(y, x)
        second = middle.gradient(first, x)
    third = outer.gradient(second, x)
    t = 0.7
    polynomial = t**4 + 12 * t**3 + 36 * t**2 + 24 * t
    assert float(third) == pytest.approx(polynomial * math.exp(t), rel=1e-12)


def test_broadcast_axes_are_summed_once() -> None:
    a, b = as_tensor(np.ones((2, 1, 3))), as_tensor(np.full((4, 1), 2.0))
    with GradientTape() as tape:
        tape.watch([a, b])
        y = a * b  # (2, 4, 3)
    d_a, d_b = tape.gradient(y, [a, b])
    np.testing.assert_array_equal(d_a.numpy(), np.full((2, 1, 3), 8.0))
    np.testing.assert_array_equal(d_b.numpy(), np.full((4, 1), 6.0))


def test_a_value_used_twice_gets_both_contributions() -> None:
    x = as_tensor(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        h = x * x
        y = h * h + h
    assert float(tape.gradient(y, x)) == 4 * 3.0**3 + 2 * 3.0


def test_ten_thousand_chained_operations() -> None:
    x = as_tensor(np.array(1.0))
    with GradientTape() as tape:
        tape.watch(x)
        y = x
        for _ in range(10_000):
            y = y * 1.0001
    assert float(tape.gradient(y, x)) == pytest.approx(1.0001**10_000, rel=1e-9)


def test_variables_are_watched_by_themselves_and_constants_are_not() -> None:
    w, c = Variable(2.0), Variable(5.0, trainable=False)
    with GradientTape() as tape:
        y = w * c
    assert [None if g is None else float(g) for g in tape.gradient(y, [w, c])] == [5.0, None]


def test_a_constant_variable_can_be_watched() -> None:
    c = Variable(5.0, trainable=False)
    with GradientTape() as tape:
        tape.watch(c)
        y = c * c
    assert float(tape.gradient(y, c)) == 10.0


def test_without_watching_accessed_variables() -> None:
    v, w = Variable(2.0), Variable(3.0)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = v * w
    found = tape.gradient(y, [v, w])
    assert float(found[0]) == 3.0
    assert found[1] is None


def test_unconnected_sources_give_none_or_zeros() -> None:
    v, w = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    with GradientTape(persistent=True) as tape:
        y = v * 2.0
    with pytest.warns(UserWarning, match="does not depend on it"):
        assert tape.gradient(y, w) is None
    zeros = tape.gradient(y, w, unconnected_gradients="zero")
    np.testing.assert_array_equal(zeros.numpy(), [0.0, 0.0])


def test_what_was_computed_before_the_tape_is_constant() -> None:
    w = Variable(2.0)
    with GradientTape():
        h = w * w
    with GradientTape() as tape:
        y = h * w
    assert float(tape.gradient(y, w)) == 4.0


def test_output_gradients_weight_the_targets() -> None:
    x = as_tensor([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    np.testing.assert_array_equal(tape.gradient(y, x, [10.0, 1.0]).numpy(), [20.0, 4.0])


def test_sources_keep_their_structure() -> None:
    v, w = Variable(1.0), Variable(2.0)
    with GradientTape() as tape:
        y = v * w * w
    found = tape.gradient(y, {"a": v, "b": (w,)})
    assert float(found["a"]) == 4.0
    assert float(found["b"][0]) == 4.0


def test_gradient_of_an_intermediate_result() -> None:
    x = as_tensor(2.0)
    with GradientTape() as tape:
        tape.watch(x)
        h = x * x
        y = h * h
    assert float(tape.gradient(y, h)) == 8.0


def test_a_tape_gives_one_gradient_unless_persistent() -> None:
    x = as_tensor(2.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(GradientError, match="persistent=True"):
        tape.gradient(y, x)


def test_jacobian_of_a_product() -> None:
    x = as_tensor(np.array([1.0, 2.0, 3.0]))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.cumsum(x * x)
    expected = np.tril(np.ones((3, 3))) * 2 * x.numpy()
    np.testing.assert_allclose(tape.jacobian(y, x).numpy(), expected)


def test_stop_recording_makes_constants() -> None:
    w = Variable(3.0)
    with GradientTape() as tape:
        with tape.stop_recording():
            h = w * w
        y = h * w
    assert float(tape.gradient(y, w)) == 9.0


def test_stop_gradient_makes_constants() -> None:
    w = Variable(3.0)
    with GradientTape() as tape:
        y = ops.stop_gradient(w * w) * w
    assert float(tape.gradient(y, w)) == 9.0


def test_a_missing_rule_raises_and_names_the_operation() -> None:
    @primitive
    def _ruleless(x):
        return xp().sinh(x)

    try:
        x = as_tensor(1.0)
        with GradientTape() as tape:
            tape.watch(x)
            y = _ruleless(x)
        with pytest.raises(GradientError, match="`_ruleless` has no gradient rule"):
            tape.gradient(y, x)
    finally:
        del PRIMITIVES["_ruleless"]


def test_a_rule_of_the_wrong_shape_is_caught() -> None:
    @primitive
    def _misshapen(x):
        return xp().sum(x)

    @_misshapen.gradient
    def _(g, out, x):
        return (ops.ones((7,)),)

    try:
        x = as_tensor([1.0, 2.0])
        with GradientTape() as tape:
            tape.watch(x)
            y = _misshapen(x)
        with pytest.raises(GradientError, match=r"`_misshapen`.*\(7,\).*\(2,\)"):
            tape.gradient(y, x)
    finally:
        del PRIMITIVES["_misshapen"]


def test_arrays_and_integers_cannot_be_watched() -> None:
    with GradientTape() as tape:
        with pytest.raises(DtypeError, match="convert_to_tensor"):
            tape.watch(np.ones(3))
        with pytest.raises(DtypeError, match="int32"):
            tape.watch(as_tensor([1, 2]))


def test_threads_hold_their_own_tapes() -> None:
    found: dict[int, float] = {}
    together = threading.Barrier(4)

    def work(n: int) -> None:
        x = as_tensor(float(n))
        with GradientTape() as tape:
            tape.watch(x)
            together.wait()
            y = x
            for _ in range(50):
                y = y + x * x
        together.wait()
        found[n] = float(tape.gradient(y, x))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {n: 1.0 + 100.0 * n for n in range(4)}


def test_a_thread_without_a_tape_does_not_record() -> None:
    w = Variable(2.0)
    seen: list[object] = []
    with GradientTape():
        thread = threading.Thread(target=lambda: seen.append((w * w).origin))
        thread.start()
        thread.join()
    assert seen == [None]


def test_gradients_have_the_dtype_of_their_source() -> None:
    x = as_tensor(np.array([1.0, 2.0], "float16"))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.cast(x, "float32") * 3.0
    assert tape.gradient(y, x).dtype == "float16"


def test_costly_gradients_are_not_computed_where_nobody_asks() -> None:
    computed: list[str] = []

    @primitive
    def _lazy(a, b):
        return xp().multiply(a, b)

    @_lazy.gradient
    def _(g, out, a, b):
        return (lambda: computed.append("a") or g * b, lambda: computed.append("b") or g * a)

    try:
        w = Variable(2.0)
        with GradientTape() as tape:
            y = _lazy(as_tensor(3.0), w)
        assert float(tape.gradient(y, w)) == 3.0
        assert computed == ["b"]
    finally:
        del PRIMITIVES["_lazy"]


def test_a_gradient_taken_in_silence_ends_the_recording_for_good() -> None:
    w = Variable(2.0)
    with GradientTape() as tape:
        y = w * w
        with tape.stop_recording():
            assert float(tape.gradient(y, w)) == 4.0
    assert (w * w).origin is None


def test_a_tape_opened_in_silence_records() -> None:
    w = Variable(2.0)
    with GradientTape() as outer, outer.stop_recording(), GradientTape() as inner:
        y = w * w
    assert float(inner.gradient(y, w)) == 4.0
