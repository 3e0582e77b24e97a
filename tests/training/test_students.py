"""Mistakes of a first course, each answered with what was expected, what came and what to do."""

import json
import warnings

import numpy as np
import pytest

import etude
from etude import Input, Sequential, config, layers, utils
from etude.data import Dataset
from etude.errors import ArgumentError, DataError, DtypeError, SerializationError, ShapeError
from tests.training.models import X, Y, classifier


@pytest.fixture(autouse=True)
def eager():
    """All of this is found on the host, before an engine is asked."""
    config.set_engine("numpy")


# ---- names of arguments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: layers.Dense(3, activaton="relu"), "Did you mean 'activation'"),
        (lambda: layers.Conv2D(3, 3, stride=2), "Did you mean 'strides'"),
        (lambda: layers.LSTM(3, return_sequence=True), "Did you mean 'return_sequences'"),
        (lambda: etude.optimizers.Adam(lr=0.1), "`lr` is called `learning_rate`"),
        (lambda: etude.optimizers.Adam(learning_rte=0.1), "Did you mean 'learning_rate'"),
        (lambda: etude.optimizers.SGD(clip_norm=0.1), "Did you mean 'clipnorm'"),
        (lambda: classifier().fit(X, Y, epoch=2), "'epoch'. Did you mean 'epochs'"),
        (lambda: classifier().compile(optimiser="adam"), "Did you mean 'optimizer'"),
        (lambda: classifier().predict(X, batchsize=2), "Did you mean 'batch_size'"),
    ],
)
def test_misspelt_arguments_are_told_the_near_one(call, words):
    with pytest.raises((TypeError, ArgumentError), match=words):
        call()


def test_an_unknown_argument_inside_is_not_taken_for_one_of_fit():
    class Own(etude.Model):
        def call(self, x):
            return np.sum(x, epoch=1)

    model = Own()
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(Exception, match="epoch") as caught:
        model.fit(X, Y, verbose=0)
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("make", [layers.Dense, lambda n, **o: layers.Conv2D(n, 3, **o)])
def test_the_old_input_shape_is_reported_at_the_line_of_the_user(make):
    with pytest.warns(UserWarning, match="old way") as caught:
        make(2, input_shape=(8, 8, 1))
    assert caught[0].filename == __file__, "not at a line of etude"


def test_the_class_of_an_optimizer_needs_parentheses():
    with pytest.raises(ArgumentError, match=r"add parentheses, `Adam\(\)`"):
        classifier(optimizer=etude.optimizers.Adam)


@pytest.mark.parametrize("verbose", ["loud", 0.5])
def test_verbose_is_a_number(verbose):
    with pytest.raises(ArgumentError, match="`verbose` must be 0"):
        classifier().fit(X, Y, verbose=verbose)


# ---- shapes -------------------------------------------------------------------------------------


def test_recurrent_layers_say_what_is_missing():
    with pytest.raises(ShapeError, match=r"\(batch, steps, features\).*return_sequences") as caught:
        Sequential([Input((6, 2)), layers.LSTM(4), layers.LSTM(4)])
    assert "single sample" not in str(caught.value), "its batch axis is there"
    with pytest.raises(ShapeError, match=r"Embedding.*x\[\.\.\., None\].*single sample"):
        layers.GRU(4)(X)


def test_symbolic_inputs_are_no_single_samples():
    with pytest.raises(ShapeError, match="min_ndim=2, found ndim=1") as caught:
        layers.Dense(2)(Input(()))
    assert "single sample" not in str(caught.value)


def test_data_sets_that_were_not_batched():
    data = Dataset.from_tensor_slices((X, Y))
    for call in (
        lambda: classifier().fit(data, verbose=0),
        lambda: classifier().evaluate(data, verbose=0),
        lambda: classifier().predict(data, verbose=0),
        lambda: classifier().fit(iter([(X[0], Y[0])]), verbose=0),
    ):
        with pytest.raises(ShapeError, match=r"single samples.*\(6,\).*dataset.batch\(32\)"):
            call()


def test_other_features_than_those_adapted_to():
    layer = layers.Normalization(name="norm")
    layer.adapt(X)
    with pytest.raises(ShapeError, match=r"'norm' .*\(None, 6\); got \(50, 4\)"):
        layer(X[:, :4])


def test_weights_of_the_size_of_the_batch():
    class Own(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[0], 3))

        def call(self, x):
            return x

    with pytest.raises(ShapeError, match=r"\(None, 3\).*input_shape\[-1\]"):
        Own()(Input((6,)))


# ---- text where numbers are expected -------------------------------------------------------------


def test_text_in_layers_of_numbers():
    for layer in (layers.Dense(2), layers.BatchNormalization(), layers.LayerNormalization()):
        with pytest.raises(DtypeError, match="Expected numbers; got"):
            layer(np.array([["a"]]))
    with pytest.raises(DtypeError, match=r"learns from numbers.*StringLookup"):
        layers.Normalization().adapt(np.array(["a"]))
    layer = layers.Normalization()
    layer.adapt(np.array([[1], [3]], dtype=object))  # as tables give them
    assert float(layer.mean[0, 0]) == 2


def test_text_in_helpers():
    with pytest.raises(DataError, match=r"got text, e.g. 'cat'.*return_inverse"):
        utils.to_categorical(["cat", "dog"])
    with pytest.raises(ArgumentError, match=r"holds: 'a b'.*TextVectorization"):
        utils.pad_sequences(["a b", "c"])
    with pytest.raises(ArgumentError, match="not compatible with text"):
        utils.pad_sequences([["a"], ["b", "c"]])
    assert utils.pad_sequences([["a"], ["b", "c"]], dtype=object, value="").shape == (2, 2)


@pytest.mark.parametrize("layer", [layers.StringLookup, layers.TextVectorization])
def test_vocabularies_that_were_never_learnt(layer):
    with pytest.warns(UserWarning, match=r"knows no terms.*\[UNK\].*adapt"):
        layer()(["good film"])


def test_text_vectorization_speaks_of_itself():
    with pytest.raises(ArgumentError, match=r"TextVectorization: `output_mode`.*'onehot'"):
        layers.TextVectorization(output_mode="onehot")


# ---- data ---------------------------------------------------------------------------------------


def test_validation_data_is_named():
    with pytest.raises(DataError, match=r"validation_data=\(x_val, y_val\)"):
        classifier().fit(X, Y, validation_data=X, verbose=0)
    with pytest.raises(DataError, match=r"In `validation_data`: .*x: 50 .*y: 3"):
        classifier().fit(X, Y, validation_data=(X, Y[:3]), verbose=0)


def test_a_generator_function_must_be_called():
    def batches():
        yield X, Y

    with pytest.raises(DataError, match="Call the function"):
        classifier().fit(batches, verbose=0)


def test_functions_given_to_map():
    data = Dataset.from_tensor_slices((X, Y))
    with pytest.raises(TypeError, match="positional argument") as caught:
        list(data.map(lambda x: x))
    assert any("`lambda x, y: ...`" in note for note in caught.value.__notes__)
    with pytest.raises(DtypeError, match=r"returned None\. Is a `return` missing"):
        list(data.map(lambda x, y: None))


def test_windows_that_are_longer_than_the_series():
    with pytest.warns(UserWarning, match="no window of 30 steps.*20 steps of data"):
        data = utils.timeseries_dataset_from_array(np.arange(20), None, sequence_length=30)
    assert list(data) == []


# ---- models, losses and optimizers --------------------------------------------------------------


def test_models_that_lack_an_end():
    x = Input((6,))
    with pytest.raises(DtypeError, match=r"`Model\(inputs, outputs\)`; got only one"):
        etude.Model(x)
    with pytest.raises(ArgumentError, match=r"Call the layer: `layer\(x\)`"):
        etude.Model(x, layers.Dense(3))


def test_layers_that_take_several_inputs():
    with pytest.raises(
        DtypeError,
        match=r"Attention.call\(\) .* a required argument: 'value'.*takes \(query, value, key,",
    ):
        layers.MultiHeadAttention(2, 4)(X)
    with pytest.raises(ArgumentError, match=r"one tensor.*layer\(\[x, x\]\)"):
        layers.Attention()(Input((4, 3)))
    with pytest.raises(ArgumentError, match="got a Dense, which has no `go_backwards`"):
        layers.Bidirectional(layers.Dense(3))


def test_what_the_call_is_filled_up_with_is_not_missing():
    class Own(layers.Layer):
        def call(self, x, training):
            return x if training is not None else -x

    np.testing.assert_array_equal(Own()(X, training=True), X)
    model = Sequential([Own(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Dense(3, kernel_regularizer=0.01), r"`L2\(0.01\)`"),
        (lambda: layers.Dense(3, kernel_initializer=0), r"`Constant\(0.1\)`"),
        (lambda: layers.Dense(3, activation=etude.activations.relu(X)), "not what it returns"),
    ],
)
def test_identifiers_of_other_kinds(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_gradients_go_to_their_variables():
    variable = etude.Variable(np.zeros((6, 1), "float32"), name="kernel")
    gradient = etude.ops.ones((6, 1))
    optimizer = etude.optimizers.SGD()
    with pytest.raises(DtypeError, match=r"in this order.*Tensor in the place of a variable"):
        optimizer.apply_gradients([(variable, gradient)])
    with pytest.raises(DtypeError, match="got Tensor in the place of a pair"):
        optimizer.apply_gradients([gradient])
    with pytest.raises(ShapeError, match=r"'kernel' must have its shape, \(6, 1\); got \(3, 1\)"):
        optimizer.apply_gradients([(gradient[:3], variable)])
    assert int(optimizer.apply_gradients(zip([gradient], [variable], strict=True))) == 1


def test_functions_with_another_number_of_arguments():
    model = classifier(loss=lambda y: y, metrics=None)
    with pytest.raises(TypeError) as caught:
        model.fit(X, Y, verbose=0)
    assert any("`fn(y_true, y_pred)`" in note for note in caught.value.__notes__)


def test_metrics_that_return_nothing():
    class Own(etude.metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            pass

    with pytest.raises(ArgumentError, match=r"result\(\) of the metric 'own'.*`return` missing"):
        classifier(metrics=[Own()]).fit(X, Y, verbose=0)


def test_metrics_of_one_hot_targets():
    with pytest.raises(ShapeError, match=r"\(50, 3\) .*\(50,\) .*to_categorical"):
        classifier(metrics=["AUC"]).fit(X, Y, batch_size=50, verbose=0)
    with pytest.warns(UserWarning, match="one-hot targets .*'sparse_categorical_accuracy'"):
        classifier(metrics=["categorical_accuracy"]).fit(X, Y, verbose=0)
    one_hot = utils.to_categorical(Y, 3)
    model = classifier(loss="categorical_crossentropy", metrics=["categorical_accuracy"])
    model.fit(X, one_hot, verbose=0)


def test_an_optimizer_of_another_model_names_the_variable():
    optimizer = etude.optimizers.SGD()
    classifier(optimizer=optimizer).fit(X, Y, verbose=0)
    with pytest.raises(ArgumentError, match=r"Unknown variable: '\S+/kernel' of shape \(6, 8\)"):
        classifier(optimizer=optimizer).fit(X, Y, verbose=0)


def test_layers_that_were_unfrozen_need_a_new_optimizer():
    model = classifier()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = True
    with pytest.raises(ArgumentError, match=r"unfrozen since\? Call `model.compile"):
        model.fit(X, Y, verbose=0)


def test_two_columns_of_class_numbers():
    with pytest.raises(ShapeError, match="each sample has one integer"):
        classifier().fit(X, np.stack([Y, Y], axis=1), verbose=0)


def test_targets_are_no_part_of_a_call():
    with pytest.raises(DtypeError, match=r"`training` is True or False.*model.fit\(x, y\)"):
        classifier()(X, Y)


def test_networks_that_are_built_while_they_train_are_not_called_fruitless():
    class Own(etude.Model):
        def __init__(self):
            super().__init__()
            self.inner = Sequential([layers.Dense(1)])

        def train_step(self, data):
            self.inner(data[0])
            return {}

    model = Own()
    model.compile("sgd")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)


def test_a_list_of_rows_is_no_array():
    with pytest.raises(DataError, match=r"numpy.array\(x\)") as caught:
        classifier().fit(list(X), Y, verbose=0)
    assert len(str(caught.value)) < 500


def test_a_loss_that_returns_nothing():
    with pytest.raises(ArgumentError, match=r"loss .* returned None.*`return` missing"):
        classifier(loss=lambda y_true, y_pred: None).fit(X, Y, verbose=0)


def test_targets_under_a_name_that_is_no_output():
    with pytest.raises(ArgumentError, match="name of an output in `y`"):
        classifier().fit(X, {"classes": Y}, verbose=0)


def test_dates_are_no_numbers():
    with pytest.raises(DataError, match="`x` must hold numbers, but holds dates"):
        classifier().fit(np.zeros((50, 6), dtype="datetime64[D]"), Y, verbose=0)


def test_tensors_do_not_change():
    with pytest.raises(TypeError, match=r"item assignment.*slice_update"):
        etude.ops.zeros((3,))[0] = 1.0


# ---- files --------------------------------------------------------------------------------------


def test_json_that_is_none():
    with pytest.raises(SerializationError, match=r"no JSON: 'model.json'.*read\(\)"):
        etude.models.model_from_json("model.json")
    with pytest.raises(DtypeError, match="got dict"):
        etude.models.model_from_json(json.loads(classifier().to_json()))


def test_custom_objects_are_a_dictionary(tmp_path):
    classifier().save(tmp_path / "m.keras")
    with pytest.raises(DtypeError, match=r"dictionary from names.*got list"):
        etude.models.load_model(tmp_path / "m.keras", custom_objects=[layers.Dense])


def test_files_that_are_cut_short(tmp_path):
    classifier().save(tmp_path / "m.keras")
    stored = (tmp_path / "m.keras").read_bytes()
    (tmp_path / "m.keras").write_bytes(stored[:500])
    with pytest.raises(SerializationError, match="cut short"):
        etude.models.load_model(tmp_path / "m.keras")
    (tmp_path / "cat.png").write_bytes(b"none")
    with pytest.raises(OSError, match=r"cat.png cannot be read as an image.*4 bytes"):
        utils.load_img(tmp_path / "cat.png")
