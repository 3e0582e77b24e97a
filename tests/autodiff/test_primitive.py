"""How primitives take arguments, bring them to one dtype, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from etude import Variable, ops
from etude.autodiff import KerasTensor, Tensor, as_tensor
from etude.errors import DtypeError, ShapeError

pytestmark = pytest.mark.usefixtures("engine")


def test_inputs_by_keyword_and_options_by_position() -> None:
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(ops.sum(x, 1).numpy(), [3.0, 12.0])
    np.testing.assert_array_equal(ops.sum(x=x, axis=0, keepdims=True).numpy(), [[3.0, 5.0, 7.0]])
    assert float(ops.subtract(x2=1.0, x1=3.0)) == 2.0


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(DtypeError, match=r"add\(x1, x2\) misses its argument 'x2'"):
        ops.add(1.0)
    with pytest.raises(DtypeError, match="'x1' twice"):
        ops.add(1.0, 2.0, x1=3.0)
    with pytest.raises(DtypeError, match="at most"):
        ops.add(1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (np.float32(1), 2, "float32"),
        (np.ones(2, "float16"), 2.5, "float16"),
        (np.ones(2, "int32"), 2.5, "float32"),
        (np.ones(2, "int8"), 2, "int8"),
        (np.ones(2, bool), 2, "int32"),
        (np.ones(2, "int32"), np.ones(2, "float16"), "float16"),
        (np.ones(2, "uint8"), np.ones(2, "int8"), "int16"),
        (np.ones(2, "float32"), np.ones(2, "float64"), "float64"),
        (np.ones(2, "float32"), np.float64(2.0), "float32"),
    ],
)
def test_promotion(a: object, b: object, expected: str) -> None:
    assert ops.add(a, b).dtype == expected
    assert ops.add(b, a).dtype == expected


def test_python_operators_take_variables_arrays_and_numbers() -> None:
    v, x = Variable([1.0, 2.0]), np.array([3.0, 4.0], "float32")
    for found in (v + x, x + v, ops.add(v, x)):
        assert isinstance(found, Tensor)
        np.testing.assert_array_equal(found.numpy(), [4.0, 6.0])
    np.testing.assert_array_equal((2.0 / as_tensor([1.0, 4.0])).numpy(), [2.0, 0.5])
    np.testing.assert_array_equal((-v).numpy(), [-1.0, -2.0])
    np.testing.assert_array_equal((v @ as_tensor([[1.0], [1.0]])).numpy(), [3.0])
    np.testing.assert_array_equal((as_tensor([5, 7]) % 3).numpy(), [2, 1])
    np.testing.assert_array_equal((as_tensor([1.0, 3.0]) > 2).numpy(), [False, True])


def test_tensors_in_numpy_functions() -> None:
    t = as_tensor([1.0, 4.0])
    assert np.mean(t) == 2.5
    assert isinstance(np.sqrt(t), Tensor)
    np.testing.assert_array_equal(np.concatenate([t, t]), [1.0, 4.0, 1.0, 4.0])


def test_what_is_no_number_is_refused_with_a_reason() -> None:
    with pytest.raises(DtypeError, match="numbers"):
        ops.add("text", 1.0)
    with pytest.raises(DtypeError, match="equal lengths"):
        as_tensor([[1.0], [1.0, 2.0]])
    with pytest.raises(DtypeError, match="object"):
        as_tensor(np.array([[1], [1, 2]], dtype=object))


def test_symbolic_calls_find_shapes_and_make_a_node() -> None:
    x, y = KerasTensor((None, 3)), KerasTensor((3, 5))
    z = ops.matmul(x, y)
    assert (z.shape, z.dtype) == ((None, 5), "float32")
    node, index = z.producer
    assert (node.operation.name, node.inputs, index) == ("matmul", [x, y], 0)
    assert (x + 1).shape == (None, 3)
    assert ops.sum(x, axis=1).shape == (None,)
    assert x[:, 0].shape == (None,)


def test_several_unknown_dimensions() -> None:
    x, y = KerasTensor((None, None, 3)), KerasTensor((None, 1, 3))
    assert ops.add(x, y).shape == (None, None, 3)
    assert ops.concatenate([x, x], axis=1).shape == (None, None, 3)
    assert ops.reshape(KerasTensor((None, 4, 5)), (-1, 20)).shape == (None, 20)


def test_symbolic_tensors_have_no_values() -> None:
    x = KerasTensor((2,))
    for use in (bool, float, np.asarray, list):
        with pytest.raises(DtypeError, match="any actual numerical value"):
            use(x)


def test_sizes_that_are_not_known_are_not_guessed() -> None:
    x = KerasTensor((None, None, 3))
    assert x[:, :80].shape == (None, None, 3)
    assert x[:, ::50].shape == (None, None, 3)


def test_symbolic_shapes_that_do_not_fit_are_shown_as_they_are() -> None:
    with pytest.raises(ShapeError, match=r"\(None, 3\), \(None, 4\)"):
        ops.add(KerasTensor((None, 3)), KerasTensor((None, 4)))
