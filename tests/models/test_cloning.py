"""`clone_model`: new weights, the same connections, and what the arguments change."""

import numpy as np
import pytest

from etude import Input, Model, Sequential, layers
from etude.errors import ArgumentError
from etude.models import clone_model

X = np.random.RandomState(0).rand(3, 4).astype("float32")


def shared():
    """A model that uses a layer twice, and another model as a layer."""
    x = Input((4,), name="x")
    twice = layers.Dense(4, name="twice")
    inner = Sequential([Input((4,)), layers.Dense(2, name="in")], name="inner")
    return Model(x, inner(twice(twice(x))) + 1.0, name="outer")


@pytest.mark.parametrize("recursive", [False, True])
def test_connections_are_kept_and_weights_are_new(recursive):
    model = shared()
    copy = clone_model(model, recursive=recursive)
    assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]
    assert [layer.name for layer in copy.layers if layer.weights] == ["twice", "inner"]
    assert not set(map(id, copy.weights)) & set(map(id, model.weights))
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy(X), model(X))


def test_a_clone_is_compiled_like_the_model():
    model = shared()
    model.compile("adam", "mse", metrics=["mae"])
    copy = clone_model(model)
    assert copy.compiled and copy.optimizer is not model.optimizer
    logs = copy.evaluate(X, np.ones((3, 2)), verbose=0, return_dict=True)
    assert set(logs) == {"loss", "mae"}


def test_functions_that_clone_and_call():
    def narrow(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "units": 3} if "units" in config else config)

    chain = Sequential([Input((4,)), layers.Dense(4), layers.Dense(4)])
    assert clone_model(chain, clone_function=narrow).output_shape == (None, 3)
    x = Input((4,))
    model = Model(x, layers.Dense(4)(x))
    copy = clone_model(
        model,
        clone_function=lambda layer: layer,
        call_function=lambda layer, *args, **kwargs: layer(*args, **kwargs) * 2.0,
    )
    np.testing.assert_allclose(copy(X), 2 * np.asarray(model(X)), rtol=1e-6)


def test_new_inputs():
    x = Input((4,), name="new")
    model = shared()
    copy = clone_model(model, input_tensors=x)
    assert copy.inputs[0] is x
    with pytest.raises(ArgumentError, match="must be KerasTensors"):
        clone_model(model, input_tensors=X)
    with pytest.raises(ArgumentError, match="same structure"):
        clone_model(model, input_tensors=[x, x])


def test_what_cannot_be():
    class Own(Model):
        def call(self, x):
            return x

    with pytest.raises(ArgumentError, match="`call_function` argument is not supported"):
        clone_model(Sequential([layers.Dense(1)]), call_function=lambda layer, x: x)
    with pytest.raises(ArgumentError, match="only supported for Sequential"):
        clone_model(Own(), clone_function=lambda layer: layer)
    with pytest.raises(ArgumentError, match="Model` instance"):
        clone_model(layers.Dense(1))
    assert isinstance(clone_model(Own(name="own")), Own)


def test_a_subclassed_clone_is_built_like_the_model(engine):
    class Q(Model):
        def __init__(self, n=2, **kwargs):
            super().__init__(**kwargs)
            self.n, self.a, self.b = n, layers.Dense(4), layers.Dense(n)

        def call(self, x):
            return self.b(self.a(x))

        def get_config(self):
            return {"n": self.n}

    model = Q()
    x = np.ones((2, 3), "float32")
    model(x)
    copy = clone_model(model)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy(x).numpy(), model(x).numpy())
    assert not clone_model(Q()).built
