"""What layers expect of their inputs."""

import numpy as np
import pytest

from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.layers.base.input_spec import InputSpec, assert_input_compatibility


@pytest.mark.parametrize(
    ("spec", "value", "words"),
    [
        (InputSpec(ndim=3), np.zeros((2, 3)), "expected ndim=3, found ndim=2"),
        (InputSpec(min_ndim=3), np.zeros((2, 3)), "expected min_ndim=3"),
        (InputSpec(max_ndim=1), np.zeros((2, 3)), "expected max_ndim=1"),
        (InputSpec(axes={-1: 4}), np.zeros((2, 3)), "expected axis -1"),
        (InputSpec(shape=(None, 4)), np.zeros((2, 3)), r"expected shape=\(None, 4\)"),
    ],
)
def test_other_shapes_are_refused(spec, value, words):
    with pytest.raises(ShapeError, match=words):
        assert_input_compatibility(spec, value, "dense")


def test_dtype_number_and_names_are_checked():
    with pytest.raises(ArgumentError, match="expected dtype=int32"):
        assert_input_compatibility(InputSpec(dtype="int32"), np.zeros(2, "float32"), "embedding")
    with pytest.raises(ArgumentError, match="expects 2 input"):
        assert_input_compatibility([InputSpec(), InputSpec()], np.zeros(2), "add")
    with pytest.raises(ArgumentError, match='Missing data for input "b"'):
        specs = [InputSpec(name="a"), InputSpec(name="b")]
        assert_input_compatibility(specs, {"a": np.zeros(2)}, "model")
    with pytest.raises(DtypeError, match="integer keys"):
        InputSpec(axes={"x": 1})


def test_what_fits_is_accepted():
    spec = InputSpec(shape=(None, 3, 1), allow_last_axis_squeeze=True)
    for shape in [(2, 3, 1), (2, 3)]:
        assert_input_compatibility(spec, np.zeros(shape), "layer")
    assert_input_compatibility(InputSpec(ndim=2, optional=True), None, "layer")
    assert InputSpec.from_config(spec.get_config()).shape == (None, 3, 1)
