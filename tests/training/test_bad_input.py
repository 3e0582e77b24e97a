"""What goes wrong with a beginner's data: a clear message each, before anything is trained."""

import numpy as np
import pytest

import etude
from etude import Input, Sequential, callbacks, layers
from etude.errors import (
    ArgumentError,
    DataError,
    EtudeError,
    MissingKeyError,
    ShapeError,
    UnknownNameError,
)
from tests.training.models import X, Y, classifier


@pytest.fixture
def model(engine):
    return classifier()


def fit(model, x=X, y=Y, **options):
    return model.fit(x, y, verbose=0, **options)


def test_compile_was_forgotten(engine):
    model = Sequential([Input((6,)), layers.Dense(3)])
    for call in (lambda: fit(model), lambda: model.evaluate(X, Y), lambda: model.train_on_batch(X)):
        with pytest.raises(ArgumentError, match=r"must call `compile\(\)`"):
            call()
    assert model.predict(X, verbose=0).shape == (50, 3), "prediction needs no compile"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "sparse_categorical_crossentrop"}, "sparse_categorical_crossentropy"),
        ({"optimizer": "adm"}, "adam"),
        ({"metrics": ["acuracy"]}, "acuracy"),
    ],
)
def test_misspelt_names_are_reported_by_compile_with_near_ones(engine, options, words):
    with pytest.raises(UnknownNameError, match=words):
        classifier(**options)


def test_metrics_must_be_a_list(engine):
    with pytest.raises(ArgumentError, match=r"metrics=\['accuracy'\]"):
        classifier(metrics="accuracy")


def test_unknown_layer_in_a_config(engine):
    with pytest.raises(EtudeError, match="Dens"):
        etude.layers.deserialize({"module": "keras.layers", "class_name": "Dens", "config": {}})


def test_wrong_shape_shows_both(model):
    with pytest.raises(ShapeError, match=r"\(None, 6\).*\(32, 5\)"):
        fit(model, X[:, :5])
    with pytest.raises(ShapeError, match=r"\(None, 6\).*\(32, 2, 3\)"):
        fit(model, X.reshape(50, 2, 3))


SUBCLASS = "SUBCLASS"


@pytest.mark.parametrize(
    ("parts", "shape"),
    [
        ([Input((28, 28)), layers.Flatten(), layers.Dense(3)], (28, 28)),
        ([Input((784,)), layers.Dense(3)], (784,)),
        ([Input((8, 8, 1)), layers.Conv2D(1, 3), layers.Flatten(), layers.Dense(3)], (8, 8, 1)),
        ([layers.Flatten(), layers.Dense(3)], (4, 4)),
        (SUBCLASS, (4, 4)),
    ],
)
def test_a_single_sample_needs_the_batch_axis(engine, parts, shape):
    class Own(etude.Model):
        def __init__(self):
            super().__init__()
            self.inner = Sequential([layers.Flatten(), layers.Dense(3)])

        def call(self, x):
            return self.inner(x)

    model = Own() if parts == SUBCLASS else etude.models.clone_model(Sequential(parts))
    model.compile("sgd", etude.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.zeros(shape, "float32")
    fit(model, x[None], Y[:1])
    calls = (
        lambda: model.predict(x, verbose=0),
        lambda: model.evaluate(x, Y[:1], verbose=0),
        lambda: fit(model, x, Y[0]),
        lambda: model.train_on_batch(x, Y[:1]),
        lambda: model.predict_on_batch(etude.ops.convert_to_tensor(x)),
    )
    for call in calls:
        with pytest.raises(ShapeError, match=r"single sample.*Add that axis: `x\[None\]`"):
            call()
    if parts != SUBCLASS:
        with pytest.raises(ShapeError, match=r"single sample: add the batch axis, `x\[None\]`"):
            model(x)


def test_a_single_sample_in_lists_and_by_name(engine):
    with pytest.raises(ShapeError, match=r"`x` has the shape \(6,\).*numpy.array\(\[x\]\)"):
        classifier().predict([1.0, 2, 3, 4, 5, 6], verbose=0)
    a, b = Input((6,), name="a"), Input((2,), name="b")
    model = etude.Model([a, b], layers.Concatenate()([a, b]))
    for x in ({"a": X[0], "b": X[0, :2]}, [X[0], X[0, :2]]):
        with pytest.raises(ShapeError, match=r"`x\[('a'|0)\]` has the shape \(6,\)"):
            model.predict(x, verbose=0)


def test_columns_of_one_number_are_no_single_sample(engine):
    model = Sequential([Input((1,)), layers.Dense(1)])
    assert model.predict(np.array([10.0]), verbose=0).shape == (1, 1)
    assert model.predict([10.0, 20.0], verbose=0).shape == (2, 1)
    model = Sequential([Input((4, 4, 1)), layers.Flatten()])
    assert model.predict(np.zeros((3, 4, 4)), verbose=0).shape == (3, 16)


def test_a_layer_called_on_a_single_sample_says_so(engine):
    with pytest.raises(ShapeError, match=r"min_ndim=2, found ndim=1.*`x\[None\]`"):
        layers.Dense(3)(X[0])


def test_wrong_target_shape(engine):
    model = classifier(loss="categorical_crossentropy")
    with pytest.raises(DataError, match=r"\(50,\).*one-hot.*sparse_categorical_crossentropy"):
        fit(model)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (Y + 1, "Subtract 1"),
        (np.where(np.arange(50) == 17, 9, Y), r"label 9 \(at index 17\).*3 classes.*0 to 2"),
        (np.where(np.arange(50) == 4, -1, Y), r"label -1 \(at index 4\)"),
    ],
)
def test_labels_out_of_range_are_found_before_training(model, labels, words):
    labels = np.concatenate([[1], labels[1:]]) if words == "Subtract 1" else labels
    before = model.get_weights()
    with pytest.raises(DataError, match=words):
        fit(model, X, labels)
    with pytest.raises(DataError, match=words):
        model.evaluate(X, labels, verbose=0)
    with pytest.raises(DataError, match=words):
        fit(model, X, Y, validation_data=(X, labels))
    with pytest.raises(DataError, match="label"):
        model.train_on_batch(X, labels)
    with pytest.raises(DataError, match="label"):
        model.fit(iter([(X, labels)]), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_fractions_are_no_classes(model):
    with pytest.raises(DataError, match=r"label 0.5 \(at index 2\).*'mse'"):
        fit(model, X, np.where(np.arange(50) == 2, 0.5, Y.astype("float32")))


def test_labels_of_a_binary_loss(engine):
    model = Sequential([Input((6,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(DataError, match=r"`y` holds the label 2 .*between 0 and 1"):
        fit(model, X, Y)


def calls_on(model, x, y):
    yield lambda: model.fit(x, y, verbose=0)
    yield lambda: model.evaluate(x, y, verbose=0)
    yield lambda: model.train_on_batch(x, y)
    yield lambda: model.predict(x, verbose=0)
    yield lambda: model.fit(iter([(x, y)]), verbose=0)


def test_ids_without_a_row_in_the_embedding(engine):
    ids = np.arange(50).reshape(25, 2) % 9
    first = Sequential([layers.Embedding(5, 3), layers.Flatten(), layers.Dense(3)])
    a, b = Input((2,), name="a"), Input((2,), name="b", dtype="int32")
    table = layers.Embedding(5, 3)
    both = etude.Model(
        [a, b], layers.Dense(3)(layers.Concatenate()([a, layers.Flatten()(table(b))]))
    )
    for model, x, name in (
        (first, ids, "`x`"),
        (both, [ids, ids], r"`x\['b'\]`"),
        (both, {"a": ids, "b": ids}, r"`x\['b'\]`"),
    ):
        model.compile("sgd", "mse")
        for call in calls_on(model, x, np.zeros((25, 3))):
            with pytest.raises(DataError, match=rf"5 rows.*from 0 to 4; {name} holds the id 8"):
                call()
    with pytest.raises(DataError, match="`inputs` holds the id -1"):
        layers.Embedding(5, 3)(np.array([[1, -1]]))


def test_ignored_classes_are_not_out_of_range(engine):
    loss = etude.losses.SparseCategoricalCrossentropy(ignore_class=255)
    model = classifier(loss=loss, metrics=None)
    fit(model, X, np.where(np.arange(50) == 3, 255, Y))


def test_text_and_objects(model):
    with pytest.raises(DataError, match=r"text.*'cat'"):
        fit(model, np.array(["cat"] * 50))
    with pytest.raises(DataError, match="`y` must hold numbers"):
        fit(model, X, np.array(["a", "b"] * 25))
    with pytest.raises(DataError, match="different lengths"):
        fit(model, [[1.0, 2.0], [3.0]], [0, 1])
    with pytest.raises(DataError, match="Python objects"):
        fit(model, np.array([{}, {}], dtype=object), np.zeros(2))
    with pytest.raises(DataError, match="Unrecognized data type"):
        fit(model, "data.csv")


def test_lengths_that_differ(model):
    with pytest.raises(DataError, match=r"x: 50 .*y: 40"):
        fit(model, X, Y[:40])
    with pytest.raises(DataError, match=r"sample_weight: 3"):
        fit(model, sample_weight=np.ones(3))


def test_no_data(model):
    with pytest.raises(DataError, match="no data"):
        fit(model, X[:0], Y[:0])
    with pytest.raises(DataError, match="no data"):
        fit(model, None, None)
    with pytest.raises(DataError, match="empty"):
        model.fit(iter([]), verbose=0)
    with pytest.raises(DataError, match="no data"):
        model.predict(X[:0], verbose=0)


def test_no_targets(model):
    with pytest.raises(DataError, match="`y`, the targets, is missing"):
        fit(model, X, None)
    with pytest.raises(DataError, match="missing"):
        model.fit(iter([(X,)]), verbose=0)


def test_targets_beside_a_generator(model):
    with pytest.raises(ArgumentError, match="should not be passed"):
        model.fit(iter([(X, Y)]), Y, verbose=0)


def test_nan_in_the_data_is_said_with_its_place(model):
    x = X.copy()
    x[7, 2] = np.nan
    with (
        pytest.warns(UserWarning, match=r"`x` holds NaN: 1 of 300.*\(7, 2\)"),
        pytest.warns(UserWarning, match="loss became NaN"),
    ):
        fit(model, x)


def test_infinity_is_said_with_its_place(model):
    x = X.copy()
    x[7, 2] = np.inf
    with (
        pytest.warns(UserWarning, match=r"`x` holds infinity: 1 of 300.*\(7, 2\)"),
        pytest.warns(UserWarning, match="loss became NaN"),
    ):
        fit(model, x)


def test_nan_in_validation_data_is_said(model):
    x = X.copy()
    x[7, 2] = np.nan
    with pytest.warns(UserWarning, match=r"`x` for validation holds NaN: 1 of 300.*\(7, 2\)"):
        fit(model, validation_data=(x, Y))


def test_a_loss_that_becomes_nan_is_said(engine):
    model = classifier(optimizer=etude.optimizers.SGD(1e38), loss="mse", metrics=None)
    with pytest.warns(UserWarning, match="learning rate"):
        fit(model, X, np.ones((50, 3)), epochs=3)


@pytest.mark.parametrize("name", ["epochs", "steps_per_epoch", "validation_steps", "initial_epoch"])
@pytest.mark.parametrize("value", ["3", 2.5, -1, True])
def test_counts_are_whole_numbers(model, name, value):
    with pytest.raises(ArgumentError, match=f"`{name}` must be"):
        fit(model, **{name: value})


def test_numpy_integers_are_counts(model):
    assert len(fit(model, epochs=np.int64(2), steps_per_epoch=np.int32(1)).epoch) == 2


@pytest.mark.parametrize("split", ["0.2", 1.0, -0.1, 1.5])
def test_validation_split_out_of_range(model, split):
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        fit(model, validation_split=split)


def test_validation_split_that_leaves_nothing(model):
    with pytest.raises(ArgumentError, match="not sufficient"):
        fit(model, X[:1], Y[:1], validation_split=0.1)


def test_callbacks_must_be_instances(model):
    with pytest.raises(ArgumentError, match="parentheses"):
        fit(model, callbacks=[callbacks.EarlyStopping])
    with pytest.raises(ArgumentError, match="instances"):
        fit(model, callbacks=["early"])


@pytest.mark.parametrize("size", [0, -3, 2.5, "8"])
def test_batch_size_must_be_a_positive_integer(model, size):
    with pytest.raises(ArgumentError, match="batch_size"):
        fit(model, batch_size=size)


def test_number_of_targets_must_fit_the_outputs(engine):
    x = Input((6,))
    model = etude.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match=r"2 outputs.*1 targets"):
        fit(model, X, X[:, :1])
    model.compile("sgd", {"a": "mse", "c": "mse"})
    with pytest.raises(ArgumentError, match=r"Expected keys .* in the dict `loss`"):
        fit(model, X, [X[:, :1], X[:, :1]])


def test_names_of_targets_must_be_those_of_outputs(engine):
    x = Input((6,))
    model = etude.Model(x, [layers.Dense(1, name="first")(x), layers.Dense(1, name="second")(x)])
    model.compile("sgd", {"first": "mse", "second": "mse"})
    y = X[:, :1]
    with pytest.raises(UnknownNameError, match=r"'secnd'.*Did you mean 'second'"):
        fit(model, X, {"first": y, "secnd": y})
    with pytest.raises(ArgumentError, match=r"'second' has a loss, but `y` holds no target"):
        fit(model, X, {"first": y})
    model.compile("sgd", {"second": "mse"})
    with pytest.warns(UserWarning, match="Gradients do not exist for variables .*first"):
        fit(model, X, {"second": y})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("loss", {"age": "mse", "pric": "mse"}),
        ("loss_weights", {"pric": 0.5}),
        ("metrics", {"pric": ["mae"]}),
        ("weighted_metrics", {"pric": "mae"}),
    ],
)
def test_settings_by_name_must_name_outputs(engine, argument, value):
    x = Input((6,))
    two = etude.Model(x, [layers.Dense(1, name="age")(x), layers.Dense(1, name="price")(x)])
    one = etude.Model(x, layers.Dense(1, name="price")(x))
    y = X[:, :1]
    for model, target in ((two, [y, y]), (one, y)):
        model.compile("sgd", **{"loss": "mse", argument: value})
        words = rf"Invalid `{argument}`: '(pric|age)'.*Expected keys .*'price'"
        with pytest.raises(UnknownNameError, match=words) as caught:
            fit(model, X, target)
        if model is two:
            assert "Did you mean 'price'?" in str(caught.value)


def test_settings_by_name_of_outputs_in_a_dictionary(engine):
    class Named(etude.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return {"first": self.dense(x), "second": -self.dense(x)}

    model = Named()
    model.compile("sgd", {"first": "mse", "secnd": "mse"})
    with pytest.raises(MissingKeyError, match=r"'secnd'.*Did you mean 'second'"):
        fit(model, X, {"first": X[:, :1], "second": X[:, :1]})


@pytest.mark.parametrize(
    ("last", "loss", "y", "words"),
    [
        (layers.Dense(3, "softmax"), "sparse_categorical_crossentropy", Y, "Is a Flatten"),
        (layers.Dense(3), "mse", Y.astype("float32"), "Is a Flatten"),
    ],
)
def test_a_forgotten_flatten_is_guessed(engine, last, loss, y, words):
    model = Sequential([Input((2, 3)), layers.Dense.from_config(last.get_config())])
    model.compile("sgd", loss)
    with pytest.raises(ShapeError, match=words):
        fit(model, X.reshape(50, 2, 3), y)


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("mse", Y.astype("float32"), r"one number per sample against 3.*Dense\(1\)"),
        ("mse", X[:, :2], "needs 2 units"),
        ("sparse_categorical_crossentropy", np.eye(3)[Y], "'categorical_crossentropy'"),
    ],
)
def test_shapes_of_targets_that_do_not_fit_give_advice(engine, loss, y, words):
    with pytest.raises(ShapeError, match=words):
        fit(classifier(loss=loss, metrics=None), X, y)


def test_a_step_of_ones_own_returns_a_dictionary_or_nothing(engine):
    class Own(Sequential):
        result = None

        def train_step(self, data):
            return self.result

    model = Own([layers.Dense(3)])
    model.compile("sgd", "mse")
    assert fit(model).history == {}
    model = Own([layers.Dense(3)])
    model.result = 3.0
    model.compile("sgd", "mse")
    with pytest.raises(
        etude.errors.DtypeError, match=r"Own.train_step\(\) must return a dict.*float"
    ):
        fit(model)


def test_layers_one_by_one_instead_of_in_a_list(engine):
    with pytest.raises(ArgumentError, match="one list"):
        Sequential(layers.Dense(3), layers.Dense(2))


def test_eager_models_may_look_at_values_from_the_first_call_on(engine):
    class Looks(etude.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            y = self.dense(x)
            return y if etude.ops.sum(y) > 0 else -y

    model = Looks()
    model.compile("sgd", "mse", run_eagerly=True)
    assert np.isfinite(fit(model, X, np.zeros((50, 3))).history["loss"]).all()


def test_a_loss_of_ones_own_under_the_name_loss_is_what_is_reported(engine):
    class Own(Sequential):
        def train_step(self, data):
            x, y = data
            with etude.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    model = Own([Input((6,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    assert fit(model, X, np.ones((50, 3))).history["loss"][0] > 0.1


def test_a_model_without_trainable_weights_is_said(model):
    model.trainable = False
    with pytest.warns(UserWarning, match="not have any trainable weights"):
        fit(model)


@pytest.mark.parametrize(
    ("units", "activation", "loss", "words"),
    [
        (3, None, "sparse_categorical_crossentropy", "activation='softmax', or the loss from"),
        (1, None, "binary_crossentropy", "activation='sigmoid'"),
        (1, "softmax", "binary_crossentropy", "use activation='sigmoid'"),
        (3, "softmax", etude.losses.SparseCategoricalCrossentropy(from_logits=True), "Leave out"),
    ],
)
def test_activation_and_loss_that_disagree(engine, units, activation, loss, words):
    model = Sequential([Input((6,)), layers.Dense(units, activation=activation)])
    model.compile("sgd", loss)
    with pytest.warns(UserWarning, match=words):
        fit(model, X, Y % 2)


def test_several_targets_against_one_output(engine):
    model = Sequential([Input((6,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="needs 3 units"):
        fit(model, X, X[:, :3])


def test_keys_of_class_weights_are_numbers(model):
    with pytest.raises(ArgumentError, match="got '0' of type str"):
        fit(model, class_weight={"0": 1.0})


def test_forgotten_lines_of_ones_own_classes(engine):
    class NoReturn(etude.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            self.dense(x)

    class NoSuper(etude.Model):
        def __init__(self):
            self.dense = layers.Dense(3)

    model = NoReturn()
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match=r"NoReturn\) returned None. Is a `return` missing"):
        fit(model)
    with pytest.raises(etude.errors.StateError, match=r"forgot `super\(\).__init__\(\)`"):
        NoSuper().compile("sgd", "mse")


def test_a_variable_is_not_replaced_by_a_tensor(engine):
    class Total(etude.metrics.Metric):
        def __init__(self):
            super().__init__()
            self.total = self.add_weight(shape=(), name="total")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total += etude.ops.sum(y_pred)

    with pytest.raises(etude.errors.DtypeError, match=r"self.total.assign_add"):
        Total().update_state(X, X)


def test_the_output_of_a_layer_is_no_layer(engine):
    with pytest.raises(ArgumentError, match=r"add\(Dense\(3\)\)"):
        Sequential().add(layers.Dense(3)(layers.Dense(5)(Input((4,)))))


def test_weights_of_a_model_that_has_none_yet_are_not_saved(engine, tmp_path):
    with pytest.raises(etude.errors.NotBuiltError, match="no weights to save"):
        Sequential([layers.Dense(3)]).save_weights(tmp_path / "m.weights.h5")
