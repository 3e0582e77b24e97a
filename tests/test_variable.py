"""Variables: first values, reading, assigning, and what is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from etude import GradientTape, Variable, function, ops
from etude.autodiff import as_tensor
from etude.errors import ArgumentError, DtypeError, ShapeError, UnknownNameError
from etude.naming import current_path, name_scope
from etude.variable import autocast_scope

pytestmark = pytest.mark.usefixtures("engine")


def test_first_values() -> None:
    assert Variable(1.5).dtype == "float32"
    assert Variable(3).dtype == "int32"
    assert Variable(np.ones((2, 3), "float16")).shape == (2, 3)
    made = Variable(lambda shape, dtype: ops.full(shape, 7.0, dtype), shape=(2,), dtype="float64")
    np.testing.assert_array_equal(made.numpy(), [7.0, 7.0])
    assert made.dtype == "float64"


def test_mistakes_are_named() -> None:
    with pytest.raises(ArgumentError, match="the `shape` argument should be"):
        Variable(lambda shape, dtype: ops.ones(shape, dtype))
    with pytest.raises(ArgumentError, match="cannot contain character"):
        Variable(1.0, name="a/b")
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        Variable([1.0, 2.0], name="w").assign([1.0, 2.0, 3.0])
    with pytest.raises(DtypeError, match="assign"):
        Variable([1.0, 2.0])[0] = 3.0


def test_assigning_keeps_the_dtype_and_returns_the_value() -> None:
    v = Variable([1.0, 2.0])
    assert v.assign(np.array([3.0, 4.0])).dtype == "float32"
    np.testing.assert_array_equal(v.assign_add([1.0, 1.0]).numpy(), [4.0, 5.0])
    np.testing.assert_array_equal(v.assign_sub([1.0, 1.0]).numpy(), [3.0, 4.0])


def test_trainable_can_change() -> None:
    v = Variable(2.0)
    v.trainable = False
    with GradientTape() as tape:
        y = v * v
    with pytest.warns(UserWarning, match="Variables that are not trainable"):
        assert tape.gradient(y, v) is None
    v.trainable = True
    with GradientTape() as tape:
        y = v * v
    assert float(tape.gradient(y, v)) == 4.0


def test_reading_in_lower_precision() -> None:
    v, plain = Variable(1.0), Variable(1.0, autocast=False)
    with autocast_scope("float16"):
        assert v.value.dtype == "float16"
        assert plain.value.dtype == "float32"
        with GradientTape() as tape:
            y = v * as_tensor(2.0, "float16")
        assert tape.gradient(y, v).dtype == "float32"
    assert v.value.dtype == "float32"


def test_deep_copies_are_independent() -> None:
    v = Variable([1.0], name="w", trainable=False)
    other = copy.deepcopy(v)
    v.assign([5.0])
    assert (float(other[0]), other.name, other.trainable) == (1.0, "w", False)


def test_integers_are_never_differentiated() -> None:
    count = Variable(1)
    w = Variable(2.0)
    with GradientTape() as tape:
        y = w * ops.cast(count, "float32")
    assert tape.gradient(y, [w, count])[1] is None


def test_assignments_in_abstract_evaluation_leave_no_trace() -> None:
    from etude.autodiff import KerasTensor, eval_shape

    v = Variable(1.0)
    eval_shape(lambda x: v.assign_add(ops.sum(x)), KerasTensor((3,)))
    assert float(v) == 1.0
    assert function(lambda: v * 1.0)() == 1.0


def test_values_are_copies_both_ways() -> None:
    for n in (2, 64, 256):
        given = np.ones((n, n), "float32")
        v, w = Variable(given), Variable(np.zeros((n, n), "float32"))
        w.assign(given)
        given[:] = 5.0
        assert (v.numpy().max(), w.numpy().max()) == (1.0, 1.0)
        taken = v.numpy()
        taken[:] = 7.0
        assert v.numpy().max() == 1.0


def test_values_are_copied_at_once() -> None:
    """Also while the device still computes something else, the caller may write to theirs."""
    given, v = np.ones((256, 256), "float32"), Variable(np.zeros((256, 256), "float32"))
    factor = ops.ones((1000, 1000))
    for _ in range(5):
        ops.matmul(factor, factor)  # the engine xla does not wait for it
        v.assign(given)
        given[:] += 1.0
        assert v.numpy().max() == given.max() - 1.0


def test_names_paths_and_initializers_are_those_of_keras(engine: str) -> None:
    with name_scope("model"), name_scope("dense"):
        v = Variable("ones", shape=(2,), name="kernel")
    assert (v.path, v.name, v.numpy().tolist()) == ("model/dense/kernel", "kernel", [1.0, 1.0])
    first, second = Variable(0.0), Variable(0.0)
    assert (first.name, second.name) == ("variable", "variable_1")
    with pytest.raises(UnknownNameError, match="Unknown initializer: 'one_hot'"):
        Variable("one_hot", shape=(2,))
    with pytest.raises(ShapeError, match="must be fully-defined"):
        Variable("ones", shape=(None, 2))
    with pytest.raises(ArgumentError, match="the `shape` argument should be"):
        Variable("ones")


@pytest.mark.parametrize("name", ["constraint", "regularizer"])
def test_constraints_and_regularizers_are_functions(name: str) -> None:
    v = Variable([1.0])
    setattr(v, name, abs)
    assert getattr(v, name) is abs
    setattr(v, name, None)
    assert getattr(v, name) is None
    with pytest.raises(ArgumentError, match=f"Invalid value for attribute `{name}`"):
        setattr(v, name, "l2")


def test_options_of_replicas_are_checked() -> None:
    v = Variable([1.0], aggregation="mean", synchronization=None)
    assert (v.aggregation, v.synchronization) == ("mean", "none")
    with pytest.raises(ArgumentError, match="Invalid value for argument `aggregation`"):
        Variable([1.0], aggregation="median")
    with pytest.raises(ArgumentError, match="Argument `name` must be a string"):
        Variable([1.0], name=3)  # pyright: ignore[reportArgumentType]


def test_scopes_of_names() -> None:
    with name_scope("outer") as outer:
        assert outer.name == "outer"
        with name_scope("inner", caller=outer), name_scope("inner", caller=outer):
            assert current_path() == "outer/inner"
        with name_scope("inner", override_parent="/a/b"), name_scope("last"):
            assert current_path() == "a/b/inner/last"
        assert current_path() == "outer"
    with pytest.raises(ArgumentError, match="must be a string and cannot contain"):
        name_scope("a/b")
