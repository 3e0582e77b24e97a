"""Models with the weights of Keras models: equal outputs, equal first three optimizer steps."""

import numpy as np
import pytest

import etude
from tests.parity.reference import Pair, keras_alone


def mlp(k):
    return k.Sequential(
        [
            k.Input((12,)),
            k.layers.Dense(16, activation="relu", kernel_regularizer=k.regularizers.L2(1e-3)),
            k.layers.Dense(8, activation="tanh"),
            k.layers.Dense(4, activation="softmax"),
        ]
    )


def cnn(k):
    return k.Sequential(
        [
            k.Input((10, 10, 2)),
            k.layers.Conv2D(4, 3, padding="same", use_bias=False),
            k.layers.BatchNormalization(),
            k.layers.Activation("relu"),
            k.layers.MaxPooling2D(2),
            k.layers.Conv2D(6, 3, strides=2, activation="relu"),
            k.layers.GlobalAveragePooling2D(),
            k.layers.Dense(4),
        ]
    )


def lstm(k):
    return k.Sequential(
        [
            k.Input((7,), dtype="int32"),
            k.layers.Embedding(20, 5, mask_zero=True),
            k.layers.Bidirectional(k.layers.LSTM(6)),
            k.layers.Dense(1, activation="sigmoid"),
        ]
    )


def two_inputs(k):
    image = k.Input((6, 6, 1), name="image")
    table = k.Input((5,), name="table")
    a = k.layers.Flatten()(k.layers.Conv2D(3, 3, activation="relu")(image))
    b = k.layers.Dense(7, activation="relu")(table)
    joined = k.layers.concatenate([a, b])
    kind = k.layers.Dense(3, activation="softmax", name="kind")(joined)
    size = k.layers.Dense(1, name="size")(joined)
    return k.Model([image, table], [kind, size])


RNG = np.random.default_rng(1)
N = 8


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


CASES = {
    "mlp": (
        mlp,
        floats(N, 12),
        RNG.integers(0, 4, N),
        lambda k: {
            "optimizer": k.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
    ),
    "cnn": (
        cnn,
        floats(N, 10, 10, 2),
        RNG.integers(0, 4, N),
        lambda k: {
            "optimizer": k.optimizers.Adam(0.01),
            "loss": k.losses.SparseCategoricalCrossentropy(from_logits=True),
            "metrics": ["accuracy"],
        },
    ),
    "lstm": (
        lstm,
        np.where(np.arange(7) < RNG.integers(3, 8, (N, 1)), RNG.integers(1, 20, (N, 7)), 0),
        RNG.integers(0, 2, (N, 1)),
        lambda k: {
            "optimizer": k.optimizers.RMSprop(0.01),
            "loss": "binary_crossentropy",
            "metrics": ["accuracy"],
        },
    ),
    "two_inputs": (
        two_inputs,
        [floats(N, 6, 6, 1), floats(N, 5)],
        [np.eye(3, dtype="float32")[RNG.integers(0, 3, N)], floats(N, 1)],
        lambda k: {
            "optimizer": k.optimizers.AdamW(0.01),
            "loss": {"kind": "categorical_crossentropy", "size": "mse"},
            "loss_weights": {"kind": 1.0, "size": 0.3},
            "metrics": {"kind": ["accuracy"], "size": ["mae"]},
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_keras(engine, name):
    build, x, _, _ = CASES[name]
    pair = Pair(build)
    ours, theirs = pair.both(lambda model: model.predict(x, verbose=0))
    for a, b in zip(_list(ours), _list(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_three_steps_are_those_of_keras(engine, name):
    build, x, y, arguments = CASES[name]
    pair = Pair(build)
    pair.compile(arguments)
    for _ in range(3):
        ours, theirs = pair.both(lambda model: model.train_on_batch(x, y, return_dict=True))
        assert sorted(ours) == sorted(theirs)
        for key, value in ours.items():
            assert value == pytest.approx(float(theirs[key]), rel=1e-5, abs=1e-5), key
        pair.assert_equal_weights()


@pytest.mark.parametrize("name", ["mlp", "two_inputs"])
def test_fit_and_evaluate_are_those_of_keras(engine, name):
    build, x, y, arguments = CASES[name]
    pair = Pair(build)
    pair.compile(arguments)
    options = {"batch_size": 3, "epochs": 3, "shuffle": False, "verbose": 0}
    ours, theirs = pair.both(
        lambda model: model.fit(x, y, validation_data=(x, y), **options).history
    )
    assert sorted(ours) == sorted(theirs)
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], rtol=1e-4, atol=1e-5, err_msg=key)
    ours, theirs = pair.both(lambda model: model.evaluate(x, y, batch_size=3, verbose=0))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    pair.assert_equal_weights(1e-4, 1e-5)


def test_class_weights_and_validation_split_are_those_of_keras(engine):
    build, x, y, _ = CASES["mlp"]
    pair = Pair(build)
    pair.compile(
        lambda k: {
            "optimizer": k.optimizers.Adagrad(0.1),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
            "weighted_metrics": ["accuracy"],
        }
    )
    weights = {0: 1.0, 1: 2.0, 2: 0.5, 3: 3.0}
    ours, theirs = pair.both(
        lambda model: (
            model.fit(
                x,
                y,
                batch_size=2,
                epochs=2,
                class_weight=weights,
                validation_split=0.25,
                shuffle=False,
                verbose=0,
            ).history
        )
    )
    assert sorted(ours) == sorted(theirs)
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], rtol=1e-4, atol=1e-5, err_msg=key)
    pair.assert_equal_weights(1e-4, 1e-5)


def test_sample_weights_per_output_are_those_of_keras(engine):
    build, x, y, arguments = CASES["two_inputs"]
    pair = Pair(build)
    pair.compile(arguments)
    weights = [np.linspace(0, 2, N).astype("float32"), np.ones(N, "float32")]
    ours, theirs = pair.both(
        lambda model: model.train_on_batch(x, y, sample_weight=weights, return_dict=True)
    )
    for key, value in ours.items():
        assert value == pytest.approx(float(theirs[key]), rel=1e-5, abs=1e-5), key
    pair.assert_equal_weights()


def test_weights_files_are_read_by_keras_and_back(engine, tmp_path):
    build, x, _, _ = CASES["cnn"]
    pair = Pair(build)
    before = pair.ours.predict(x, verbose=0)
    pair.ours.save_weights(tmp_path / "ours.weights.h5")
    with keras_alone():
        pair.theirs.set_weights([np.ones(w.shape, "float32") for w in pair.theirs.weights])
        pair.theirs.load_weights(tmp_path / "ours.weights.h5")
        np.testing.assert_allclose(pair.theirs.predict(x, verbose=0), before, 1e-5, 1e-5)
        pair.theirs.save_weights(tmp_path / "theirs.weights.h5")
    other = build(etude)
    other.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(other.predict(x, verbose=0), before, 1e-6, 1e-6)


def _list(value):
    return value if isinstance(value, list) else [value]
