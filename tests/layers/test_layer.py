"""The base of all layers: what it owns, how it is built and called."""

import copy
from typing import Any

import numpy as np
import pytest

import etude
from etude import Input, Layer, layers, ops
from etude.errors import ArgumentError, DtypeError, NotBuiltError, ShapeError, StateError
from etude.layers.base.auto_config import NoAutoConfig
from etude.layers.base.masks import get_mask
from etude.variable import Variable


class Scale(Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1],), "ones", name="w")
        self.count = self.add_weight((), "zeros", trainable=False, name="count")

    def call(self, x):
        return x * self.w * self.factor


class Block(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Scale()
        self.rest = [Scale(), {"inner": Scale()}]
        self.own = self.add_weight((1,), "zeros", name="own")

    def call(self, x):
        return self.rest[1]["inner"](self.rest[0](self.first(x))) + self.own


@pytest.fixture
def x(engine):
    return np.ones((2, 3), "float32")


def test_is_built_by_its_first_call(x):
    layer = Scale(name="scale")
    assert not layer.built and layer.weights == []
    y = layer(x)
    assert layer.built and y.numpy().tolist() == [[2.0] * 3] * 2
    assert [w.path for w in layer.weights] == ["scale/w", "scale/count"]
    assert [w.shape for w in layer.weights] == [(3,), ()]
    assert layer.count_params() == 4


def test_owns_what_its_attributes_hold_also_in_lists_and_dictionaries(x):
    block = Block(name="block")
    block(x)
    own, *rest = [w.path for w in block.weights]
    assert own == "block/own" and len(rest) == 6
    assert all(path.startswith("block/scale") for path in rest)
    assert len(block.trainable_weights) == 4 and len(block.non_trainable_weights) == 3


def test_tracks_what_is_put_into_a_list_later(engine):
    layer = Layer()
    layer.parts = []
    layer.parts.append(Scale())
    layer.parts += [Scale()]
    layer.more = {}
    layer.more["a"] = Scale()
    assert len(layer._layers) == 3
    layer.parts.pop()
    assert len(layer._layers) == 2


def test_nothing_can_be_added_after_building(x):
    layer = Scale()
    layer(x)
    with pytest.raises(ArgumentError, match="already built"):
        layer.late = Scale()


def test_trainable_reaches_all_inside(x):
    block = Block()
    block(x)
    block.trainable = False
    assert block.trainable_weights == [] and len(block.non_trainable_weights) == 7
    assert not block.first.trainable and not block.first.w.trainable
    block.trainable = True
    assert len(block.trainable_weights) == 4  # the counters were never trainable


def test_weights_can_be_read_and_set(x):
    layer = Scale()
    layer(x)
    layer.set_weights([np.full(3, 5.0), np.array(1.0)])
    assert layer.get_weights()[0].tolist() == [5.0] * 3
    with pytest.raises(ShapeError, match=r"length 1.*expecting 2"):
        layer.set_weights([np.zeros(3)])
    with pytest.raises(ShapeError, match=r"\(3,\).*\(4,\)"):
        layer.set_weights([np.zeros(4), np.array(1.0)])
    assert layer.get_weights()[0].tolist() == [5.0] * 3, "nothing was changed by the attempt"


def test_config_is_noted_without_get_config(engine):
    config = Scale(3.0, name="a").get_config()
    assert config["factor"] == 3.0 and config["name"] == "a" and config["trainable"] is True
    again = Scale.from_config(config)
    assert again.factor == 3.0 and again.name == "a"


def test_config_needs_help_for_objects(engine):
    class Odd(Layer):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(NoAutoConfig, match="get_config"):
        Odd(object()).get_config()
    assert issubclass(NoAutoConfig, NotImplementedError)


def test_names_count_up_and_start_again(engine):
    etude.utils.clear_session()
    assert [Scale().name for _ in range(3)] == ["scale", "scale_1", "scale_2"]
    etude.utils.clear_session()
    assert Scale().name == "scale"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Layer(unknown=1), ArgumentError, "Unrecognized keyword"),
        (lambda: Layer(name="a/b"), ArgumentError, "cannot contain character"),
        (lambda: Layer(trainable="yes"), ArgumentError, "boolean"),
        (lambda: Layer(dtype="flaot32"), ArgumentError, "flaot32"),
        (lambda: Layer().count_params(), NotBuiltError, "isn't built"),
        (lambda: Layer().add_weight((None, 2)), ShapeError, "fully known"),
        (lambda: Layer().add_weight("kernel"), ArgumentError, "keyword argument"),
        (lambda: Layer()(np.ones(2)), NotImplementedError, "`call` method"),
        (lambda: Scale()([[1.0, 2.0]]), ArgumentError, "numpy.array"),
        (lambda: Layer().add_loss(3.0), DtypeError, "tensor"),
    ],
)
def test_mistakes_are_explained(engine, make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_forgotten_super_call_is_named(engine):
    class Forgetful(Layer):
        def __init__(self):
            self.inner = Scale()

    with pytest.raises(StateError, match=r"super\(\).__init__\(\)"):
        Forgetful()(np.ones((1, 2)))


def test_errors_name_the_layer_and_the_shapes(x):
    class Broken(Layer):
        def call(self, x):
            return ops.matmul(x, np.ones((7, 7), "float32"))

    with pytest.raises(Exception) as caught:
        Broken(name="broken")(x)
    notes = " ".join(caught.value.__notes__)
    assert "broken" in notes and "(2, 3)" in notes


class Spy(Layer):
    """Notes which `training` it was called with."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = ()

    def call(self, x, training=None):
        self.seen = (*self.seen, training)
        return x


class Outer(Layer):
    def __init__(self):
        super().__init__()
        self.a, self.b = Spy(), Spy()

    def call(self, x):
        return self.b(self.a(x, training=False))


def test_training_is_handed_down_and_holds_where_it_is_given(x):
    outer = Outer()
    outer(x, training=True)
    outer(x)
    assert outer.a.seen == (False, False)
    assert outer.b.seen == (True, None)


def test_registered_arguments_are_handed_down(x):
    class Inner(Layer):
        def __init__(self):
            super().__init__()
            self._register_call_context_args("mode")

        def call(self, x, mode=False):
            return x + 1.0 if mode else x

    class Around(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def call(self, x):
            return self.inner(x)

    around = Around()
    around._register_call_context_args("mode")
    assert around(x, mode=True).numpy().max() == 2.0
    assert around(x).numpy().max() == 1.0


def test_losses_are_those_of_the_last_call(x):
    class Lossy(Layer):
        def __init__(self, **kwargs):
            super().__init__(activity_regularizer="l2", **kwargs)
            self.scale = self.add_weight((), "ones", regularizer="l2")

        def call(self, x):
            self.add_loss(ops.sum(x))
            return x * self.scale

    layer = Lossy()
    for _ in range(2):
        layer(x)
        added, activity, penalty = (float(v) for v in layer.losses)
    assert added == 6.0
    assert activity == pytest.approx(0.01 * 6 / 2)
    assert penalty == pytest.approx(0.01)


def test_inputs_are_cast_to_the_compute_dtype(engine):
    class Same(Layer):
        def call(self, x):
            return x

    assert Same()(np.ones(2, "float64")).dtype == "float32"
    assert Same()(np.ones(2, "int32")).dtype == "int32"
    assert Same(dtype="float64")(np.ones(2, "float32")).dtype == "float64"
    assert Same(autocast=False)(np.ones(2, "float64")).dtype == "float64"


def test_mixed_precision_computes_in_half_and_keeps_full(engine):
    layer = Scale(dtype="mixed_float16")
    y = layer(np.ones((2, 3), "float32"))
    assert y.dtype == "float16" and layer.w.dtype == "float32"

    class Full(Layer):
        def __init__(self):
            super().__init__(dtype="mixed_float16")
            self.inner = Scale(dtype="float32")

        def call(self, x):
            return self.inner(x)

    assert Full()(np.ones((2, 3), "float32")).dtype == "float32"


def test_symbolic_calls_make_nodes_and_shapes(engine):
    x = Input((3,))
    layer = Scale()
    y = layer(x)
    assert y.shape == (None, 3) and layer.built
    assert layer.input is x and layer.output is y
    with pytest.raises(AttributeError, match="never been called"):
        _ = Scale().output


def test_output_shapes_without_data(engine):
    layer = Block()
    assert layer.compute_output_shape((None, 3)) == (None, 3)
    assert not layer.built, "a twin was built in its place"

    class Two(Layer):
        def call(self, a, b):
            return ops.concatenate([a, b], axis=-1), a

    assert Two().compute_output_shape(a_shape=(2, 3), b_shape=(2, 4)) == ((2, 7), (2, 3))


def test_own_compute_output_shape_is_believed(engine):
    class Opaque(Layer):
        def call(self, x):
            return ops.convert_to_tensor(np.asarray(x) + 1.0)

        def compute_output_shape(self, input_shape):
            return (*input_shape, 5)

    assert Opaque()(Input((3,))).shape == (None, 3, 5)


def test_build_takes_a_shape_for_each_argument(engine):
    class Two(Layer):
        def build(self, a_shape, b_shape):
            self.w = self.add_weight((a_shape[-1], b_shape[-1]))

        def call(self, a, b):
            return ops.matmul(a, self.w) + b

    layer = Two()
    layer(np.ones((2, 3), "float32"), b=np.ones((2, 4), "float32"))
    assert layer.w.shape == (3, 4)

    class Wrong(Two):
        def build(self, a_shape, other):
            pass

    with pytest.raises(ArgumentError, match="_shape"):
        Wrong()(np.ones((2, 3), "float32"), b=np.ones((2, 4), "float32"))


def test_masks_are_passed_on_and_losing_one_is_said(x):
    class Ignorant(Layer):
        def call(self, x):
            return x * 1.0

    class Knowing(Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, mask=None):
            return x if mask is None else x * ops.cast(mask, "float32")[..., None]

    ids = np.array([[1, 2, 0]])
    embedded = layers.Embedding(5, 2, mask_zero=True)(ids)
    assert get_mask(embedded).numpy().tolist() == [[True, True, False]]
    y = Knowing()(embedded)
    assert get_mask(y).numpy().tolist() == [[True, True, False]]
    assert y.numpy()[0, 2].tolist() == [0.0, 0.0]
    with pytest.warns(UserWarning, match="does not support masking"):
        Ignorant()(embedded)


def test_a_copy_owns_its_own_weights(x):
    layer = Block()
    layer(x)
    twin = copy.deepcopy(layer)
    twin.first.w.assign(np.zeros(3, "float32"))
    assert layer.first.w.numpy().tolist() == [1.0] * 3
    assert all(w.path.startswith("block/") for w in twin.weights)
    assert not {id(w) for w in twin.weights} & {id(w) for w in layer.weights}


def test_a_variable_set_as_attribute_is_a_weight(engine):
    layer = Layer()
    layer.v = Variable(np.zeros(2, "float32"))
    layer.n = Variable(np.zeros(2, "float32"), trainable=False)
    assert layer.weights[0] is layer.v and layer.non_trainable_weights[0] is layer.n
    del layer.v
    assert len(layer.weights) == 1


def test_self_may_have_another_name(engine):
    class Scale(Layer):
        def build(layer, input_shape):
            layer.w = layer.add_weight((input_shape[-1],), "ones")

        def call(layer, x):
            return x * layer.w

    assert Scale()(np.ones((2, 3))).shape == (2, 3)


def test_the_dtype_of_a_weight_is_the_one_in_which_it_is_read() -> None:
    seen = []

    class Looks(Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.w = self.add_weight(shape=(), initializer="ones")
            self.kept = self.add_weight(shape=(), initializer="ones", autocast=False)

        def call(self, x: Any) -> Any:
            seen.append((self.w.dtype, self.kept.dtype))
            return x + self.w

    layer = Looks(dtype="mixed_float16")
    layer(np.zeros(2))
    assert seen == [("float16", "float32")]
    assert layer.w.dtype == "float32"


def test_what_a_layer_without_build_owns_is_fixed_before_its_first_call() -> None:
    class Late(Layer):
        def call(self, x: Any) -> Any:
            self.w = self.add_weight(shape=(), initializer="zeros")
            return x

    with pytest.raises(ArgumentError, match="cannot add new elements of state"):
        Late()(np.zeros(2))


def test_weights_can_be_added_after_unlocking_under_the_path_of_the_layer() -> None:
    class Inner(Layer):
        def build(self, _: Any) -> None:
            self.w = self.add_weight(shape=(2,), name="w")

        def call(self, x: Any) -> Any:
            return x + self.w

    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.inner = Inner(name="inner")

        def call(self, x: Any) -> Any:
            return self.inner(x)

    outer = Outer()
    outer(np.zeros((1, 2)))
    outer.inner._tracker.unlock()
    outer.inner.more = outer.inner.add_weight(shape=(), name="more")
    outer.inner._tracker.lock()
    assert [w.path for w in outer.weights] == ["outer/inner/w", "outer/inner/more"]
    with pytest.raises(ArgumentError):
        outer.inner.add_weight(shape=())


def test_losses_of_an_abstract_run_are_not_kept() -> None:
    class Loss(Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(ops.sum(x))
            return x

    model = etude.Sequential([Loss()])
    model(np.ones((1, 3)))  # makes the graph first
    assert [float(loss) for loss in model.losses] == [3.0]


def test_names_handed_down_are_registered_before_the_first_call() -> None:
    layer = layers.Dense(1)
    layer._register_call_context_args("mode")
    assert layer._call_context_args == {"training", "mode"}
    layer(np.ones((1, 2)))
    with pytest.raises(StateError, match="after the layer has been called"):
        layer._register_call_context_args("other")


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        (("matrix",), {"shape": (3, 4)}, "name.*keyword argument"),
        (((3, 4),), {"shape": (3, 4)}, "both positionally and as a keyword"),
        (((3, 4), "zeros", "float32", "w"), {}, "at most 3 positional arguments"),
    ],
)
def test_add_weight_takes_three_arguments_by_their_place(args: Any, kwargs: Any, words: str):
    with pytest.raises((ArgumentError, DtypeError), match=words):
        Layer().add_weight(*args, **kwargs)
    assert Layer().add_weight((3, 4), "ones", "float16").dtype == "float16"


def test_a_layer_called_by_itself_may_return_nothing(engine):
    class Prints(layers.Layer):
        def call(self, x):
            self.seen = x.shape

    silent = Prints()
    assert silent(np.zeros((2, 3))) is None
    assert silent.seen == (2, 3)
    with pytest.raises(ArgumentError, match="returned None"):
        silent(Input((3,)))
    with pytest.raises(ArgumentError, match="returned None"):
        etude.Sequential([silent])(np.zeros((2, 3)))
