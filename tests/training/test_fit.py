"""`fit`: every way of giving data, the same batches in every way of running them."""

import numpy as np
import pytest

import etude
from etude import Input, Model, Sequential, callbacks, layers
from etude.data import PyDataset
from etude.training import runner
from tests.training.models import X, Y, classifier

OPTIONS = {"batch_size": 8, "verbose": 0}


class Pairs(PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.ends = 0

    def __len__(self):
        return 7

    def __getitem__(self, index):
        part = slice(8 * index, 8 * index + 8)
        return X[part], Y[part]

    def on_epoch_end(self):
        self.ends += 1


def endless():
    while True:
        for index in range(7):
            yield Pairs()[index]


def weights_after(**options):
    model = classifier()
    history = model.fit(**{**OPTIONS, **options})
    return model.get_weights(), history.history


def test_loss_falls_and_history_tells(engine):
    model = classifier()
    history = model.fit(X, Y, epochs=10, **OPTIONS)
    assert history is model.history and history.epoch == list(range(10))
    assert list(history.history) == ["accuracy", "loss"], "in alphabetical order, as in Keras"
    losses = history.history["loss"]
    assert len(losses) == 10 and losses[-1] < 0.7 * losses[0]
    assert all(isinstance(value, float) for value in losses)


def test_all_forms_of_data_give_the_same_steps(engine):
    expected, history = weights_after(x=X, y=Y, shuffle=False, epochs=2)
    forms = {
        "dataset": {"x": Pairs(), "shuffle": False, "batch_size": None},
        "threads": {"x": Pairs(workers=3, max_queue_size=2), "shuffle": False},
        "generator": {"x": endless(), "steps_per_epoch": 7, "shuffle": False},
        "batches": {"x": _Iterable(), "shuffle": False},
        "lists": {"x": X.tolist(), "y": Y.tolist(), "shuffle": False},
        "tensors": {"x": etude.ops.convert_to_tensor(X), "y": Y, "shuffle": False},
        "steps": {"x": X, "y": Y, "steps_per_epoch": 7, "shuffle": False},
        "looking": {"x": X, "y": Y, "shuffle": False, "callbacks": [_Looking()]},
    }
    for name, arguments in forms.items():
        weights, found = weights_after(epochs=2, **arguments)
        for a, b in zip(weights, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(found["loss"], history["loss"], rtol=1e-5, err_msg=name)


class _Iterable:
    def __iter__(self):
        return iter(Pairs())


class _Looking(callbacks.Callback):
    def __init__(self):
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append((batch, logs["loss"]))


def test_streaming_and_resident_data_give_the_same(engine, monkeypatch):
    expected, history = weights_after(x=X, y=Y, epochs=3)
    monkeypatch.setattr(runner, "RESIDENT_BYTES", 0)
    weights, found = weights_after(x=X, y=Y, epochs=3)
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["loss"], history["loss"], rtol=1e-5)


def test_engines_agree_with_shuffling_and_dropout():
    found = {}
    for engine in ("numpy", "xla"):
        etude.config.set_engine(engine)
        model = classifier(dropout=0.4, batch_norm=True)
        found[engine] = model.fit(X, Y, epochs=4, **OPTIONS).history["loss"]
    np.testing.assert_allclose(found["numpy"], found["xla"], rtol=1e-4)


def test_a_seed_repeats_bit_for_bit(engine):
    def run():
        model = classifier(dropout=0.3)
        model.fit(X, Y, epochs=3, **OPTIONS)
        return model.get_weights()

    for a, b in zip(run(), run(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_another_seed_gives_another_order(engine):
    model = classifier()
    start = model.get_weights()
    etude.utils.set_random_seed(1)
    model.fit(X, Y, **OPTIONS)
    first = model.get_weights()
    model.set_weights(start)
    etude.utils.set_random_seed(2)
    model.fit(X, Y, **OPTIONS)
    assert not np.array_equal(first[0], model.get_weights()[0])


def test_validation_is_what_evaluate_says(engine):
    model = classifier()
    history = model.fit(X, Y, validation_data=(X[:13], Y[:13]), epochs=2, **OPTIONS).history
    found = model.evaluate(X[:13], Y[:13], verbose=0, return_dict=True, batch_size=8)
    assert history["val_loss"][-1] == pytest.approx(found["loss"], rel=1e-5)
    assert history["val_accuracy"][-1] == pytest.approx(found["accuracy"])
    assert model.evaluate(X[:13], Y[:13], verbose=0) == pytest.approx(
        [found["loss"], found["accuracy"]], rel=1e-5
    )


def test_validation_split_takes_the_last_samples(engine):
    model = classifier()
    start = model.get_weights()
    split = model.fit(X, Y, validation_split=0.2, shuffle=False, **OPTIONS).history
    model = classifier()
    model.set_weights(start)
    data = (X[40:], Y[40:])
    given = model.fit(X[:40], Y[:40], validation_data=data, shuffle=False, **OPTIONS).history
    for name, values in given.items():
        assert split[name] == pytest.approx(values), name


def test_validation_steps_and_frequency(engine):
    model = classifier()
    history = model.fit(
        X,
        Y,
        epochs=4,
        validation_data=endless(),
        validation_steps=2,
        validation_freq=[2, 4],
        **OPTIONS,
    ).history
    assert len(history["val_loss"]) == 2 and len(history["loss"]) == 4


def test_weights_of_classes_are_weights_of_samples(engine):
    by_class = {0: 1.0, 1: 3.0, 2: 0.5}
    first, _ = weights_after(x=X, y=Y, class_weight=by_class)
    second, _ = weights_after(x=X, y=Y, sample_weight=np.array([by_class[c] for c in Y]))
    plain, _ = weights_after(x=X, y=Y)
    for a, b, c in zip(first, second, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        assert not np.allclose(a, c)


def test_initial_epoch_and_steps_per_epoch(engine):
    seen = _Epochs()
    model = classifier()
    with pytest.warns(UserWarning, match="after 1 of 3 steps"):  # 7 batches: 3, 3 and 1
        model.fit(X, Y, initial_epoch=2, epochs=6, steps_per_epoch=3, callbacks=[seen], **OPTIONS)
    assert seen.epochs == [2, 3, 4, 5]
    assert int(model.optimizer.iterations) == 3 + 3 + 1 + 3  # as Keras counts


class _Epochs(callbacks.Callback):
    def __init__(self):
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)


@pytest.mark.parametrize("data", ["arrays", "PyDataset", "iterable"])
def test_more_steps_than_batches_end_the_epoch(engine, data):
    looking = _Looking()
    model = classifier()
    pairs = Pairs()
    x = {
        "arrays": {"x": X, "y": Y, **OPTIONS},
        "PyDataset": {"x": pairs, "verbose": 0},
        "iterable": {"x": _Iterable(), "verbose": 0},
    }[data]
    with pytest.warns(UserWarning, match="ran out of data: the epoch ends after 2 of 5 steps"):
        model.fit(epochs=3, steps_per_epoch=5, callbacks=[looking], **x)
    assert [batch for batch, _ in looking.batches] == [0, 1, 2, 3, 4, 0, 1, 0, 1, 2, 3, 4]


def test_data_that_runs_out_ends_training(engine):
    model = classifier()
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit((Pairs()[i] for i in range(7)), steps_per_epoch=5, epochs=4, verbose=0)
    assert len(history.history["loss"]) == 2


def test_callbacks_of_batches_see_every_batch(engine):
    looking = _Looking()
    classifier().fit(X, Y, callbacks=[looking], **OPTIONS)
    assert [batch for batch, _ in looking.batches] == list(range(7))
    looking = _Looking()
    model = classifier(steps_per_execution=3)
    model.fit(X, Y, callbacks=[looking], **OPTIONS)
    assert [batch for batch, _ in looking.batches][-1] == 6
    assert len(looking.batches) <= 4


def test_training_can_be_stopped_in_the_middle(engine):
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    model = classifier()
    history = model.fit(X, Y, epochs=5, callbacks=[Stop()], **OPTIONS)
    assert int(model.optimizer.iterations) == 3 and len(history.history["loss"]) == 1


def test_several_inputs_outputs_and_losses(engine):
    a, b = Input((6,), name="a"), Input((2,), name="b")
    h = layers.Dense(4, activation="relu")(layers.concatenate([a, b]))
    outputs = {
        "kind": layers.Dense(3, activation="softmax", name="kind")(h),
        "size": layers.Dense(1, name="size")(h),
    }
    model = Model([a, b], outputs)
    model.compile(
        "adam",
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"size": 0.1},
        metrics={"kind": ["accuracy"]},
        weighted_metrics={"size": ["mae"]},
    )
    y = {"kind": Y, "size": X[:, :1]}
    history = model.fit({"a": X, "b": X[:, :2]}, y, epochs=2, **OPTIONS).history
    assert sorted(history) == ["kind_accuracy", "kind_loss", "loss", "size_loss", "size_mae"]
    total = history["kind_loss"][-1] + 0.1 * history["size_loss"][-1]
    assert history["loss"][-1] == pytest.approx(total, rel=1e-4)
    predicted = model.predict({"a": X, "b": X[:, :2]}, verbose=0)
    assert predicted["kind"].shape == (50, 3) and predicted["size"].shape == (50, 1)


def test_models_without_shapes_are_built_by_the_data(engine):
    model = Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
    model.compile("rmsprop", "mse", metrics=["mae"])
    model.fit(X, X[:, :1], **OPTIONS)
    assert model.built and len(model.weights) == 4


def test_frozen_layers_stay_as_they_are(engine):
    model = classifier()
    model.fit(X, Y, **OPTIONS)
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(X, Y, **OPTIONS)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])


def test_the_learning_rate_can_be_changed_between_epochs(engine):
    model = classifier()
    model.fit(X, Y, **OPTIONS)
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    model.fit(X, Y, **OPTIONS)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_eager_running_gives_the_same(engine):
    expected, _ = weights_after(x=X, y=Y, epochs=2)
    model = classifier(run_eagerly=True)
    model.fit(X, Y, epochs=2, **OPTIONS)
    for a, b in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_convolutions_train(engine):
    model = Sequential(
        [
            Input((6, 6, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(20, 6, 6, 1))
    history = model.fit(x, x[:, 0, :2, 0], epochs=15, **OPTIONS).history["loss"]
    assert history[-1] < history[0]


def test_predict_joins_batches(engine):
    model = classifier()
    whole = model.predict(X, batch_size=50, verbose=0)
    parts = model.predict(X, batch_size=7, verbose=0)
    assert isinstance(whole, np.ndarray) and whole.shape == (50, 3)
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(model.predict_on_batch(X), whole, rtol=1e-5, atol=1e-7)
    assert model.predict(X, batch_size=8, steps=2, verbose=0).shape == (16, 3)
    assert model.predict((Pairs()[i] for i in range(3)), verbose=0).shape == (24, 3)


def test_single_batches(engine):
    model = classifier()
    first = model.train_on_batch(X[:8], Y[:8], return_dict=True)
    again = model.train_on_batch(X[:8], Y[:8])
    assert sorted(first) == ["accuracy", "loss"] and len(again) == 2
    found = model.test_on_batch(X[:8], Y[:8], return_dict=True)
    assert found["loss"] < first["loss"]
    with pytest.raises(etude.errors.ArgumentError, match="same time"):
        model.train_on_batch(X, Y, sample_weight=np.ones(50), class_weight={0: 1.0})


def test_progress_is_printed(engine, capsys):
    model = classifier()
    model.fit(X, Y, epochs=2, batch_size=8, verbose=2)
    shown = capsys.readouterr().out
    assert "Epoch 1/2" in shown and "7/7 - " in shown and "accuracy: " in shown
    model.fit(X, Y, batch_size=8)
    assert "7/7" in capsys.readouterr().out
    model.fit(X, Y, batch_size=8, verbose=0)
    model.predict(X, verbose=0)
    assert capsys.readouterr().out == ""
