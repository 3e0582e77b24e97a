"""What is answered to a name that is not there: what was meant, or what to do instead."""

import copy
import pickle

import numpy as np
import pytest

import etude
from etude import callbacks, layers, optimizers
from etude.errors import DtypeError, MissingKeyError, MissingNameError, near_names
from tests.training.models import X, Y, classifier


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("layers", "Dese", "'Dense'"),
        ("losses", "MeanSquareError", "'MeanSquaredError'"),
        ("metrics", "Acuracy", "'Accuracy'"),
        ("optimizers", "Addam", "'Adam'"),
        ("callbacks", "EarlyStoping", "'EarlyStopping'"),
        ("ops", "mat_mul", "'matmul'"),
        ("activations", "reLu", "'relu'"),
        ("initializers", "GlorotUnifrm", "'GlorotUniform'"),
        ("regularizers", "L1_L2", "'L1L2'"),
        ("constraints", "MaxNrm", "'MaxNorm'"),
        ("datasets", "mnis", "'mnist'"),
        ("models", "Sequental", "'Sequential'"),
        ("utils", "to_categoricall", "'to_categorical'"),
        ("layers", "Adam", "in another place: etude.optimizers.Adam"),
        ("losses", "Accuracy", "in another place: etude.metrics.Accuracy"),
        ("layers", "qwertz", r"`dir\(etude.layers\)`"),
    ],
)
def test_a_module_names_what_was_meant(module, name, words):
    found = getattr(etude, module)
    assert not hasattr(found, name)
    with pytest.raises(AttributeError, match=rf"{module}' has no attribute '{name}'.*{words}"):
        getattr(found, name)


def test_the_namespace_names_what_was_meant():
    with pytest.raises(MissingNameError, match="Did you mean 'Sequential'"):
        _ = etude.Sequental
    with pytest.raises(MissingNameError, match=r"etude.layers.Dense"):
        _ = etude.Dense


def test_the_spelling_of_what_was_asked_decides_between_cases():
    known = ["SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"]
    assert near_names("sparse_categorical_crossentrop", known) == known[1:]
    assert near_names("SparseCategoricalCrossentrop", known) == known[:1]


def test_messages_are_made_when_they_are_read():
    made = []
    error = MissingNameError(lambda: made.append(1) or "text")
    assert not made
    assert (str(error), str(error), made) == ("text", "text", [1])
    assert str(pickle.loads(pickle.dumps(MissingNameError(lambda: "text")))) == "text"


def test_lr_is_learning_rate(engine):
    for optimizer in (optimizers.Adam(), optimizers.LossScaleOptimizer(optimizers.SGD())):
        assert not hasattr(optimizer, "lr")
        with pytest.raises(AttributeError, match=r"has no attribute 'lr'.*float\(optimizer.learn"):
            _ = optimizer.lr
        with pytest.raises(AttributeError, match=r"change nothing.*optimizer.learning_rate = "):
            optimizer.lr = 0.1
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        _ = optimizers.Adam().learning_rat


def test_an_optimizer_of_ones_own_may_have_an_lr():
    class Own(optimizers.Optimizer):
        def __init__(self, lr):
            super().__init__(lr)
            self.lr = lr

    assert Own(0.5).lr == 0.5


def test_attributes_of_layers_and_models(engine):
    model = classifier()
    with pytest.raises(AttributeError, match=r"'Dense' object has no attribute 'weight'.*`kernel`"):
        _ = model.layers[0].weight
    with pytest.raises(AttributeError, match=r"'kernal'. Did you mean 'kernel'"):
        _ = model.layers[0].kernal
    with pytest.raises(AttributeError, match=r"'kernel'. The layer is not built: .*first call"):
        _ = layers.Dense(3).kernel
    with pytest.raises(AttributeError, match=r"`history.history\['accuracy'\]`.*evaluate"):
        _ = model.accuracy
    with pytest.raises(AttributeError, match=r"model.optimizer.learning_rate"):
        _ = model.lr
    assert not hasattr(model, "anything") and not hasattr(model, "__anything__")


def test_a_property_that_fails_says_why_itself():
    class Failing(layers.Layer):
        @property
        def depth(self):
            return self.missing_part

    with pytest.raises(AttributeError, match="'missing_part'"):
        _ = Failing().depth
    with pytest.raises(AttributeError, match="no defined input: it has never been called"):
        _ = layers.Dense(3).input


def test_models_and_optimizers_are_copied_as_before():
    model = classifier()
    assert copy.deepcopy(model).count_params() == model.count_params()
    assert float(copy.copy(model.optimizer).learning_rate) == pytest.approx(0.1)


def test_what_fit_returns(engine):
    history = classifier().fit(X, Y, verbose=0)
    with pytest.raises(AttributeError, match=r"`history.history\['accuracy'\]`"):
        _ = history.accuracy
    with pytest.raises(DtypeError, match=r"Write `history.history\['loss'\]`"):
        history["loss"]
    with pytest.raises(KeyError, match=r"'acc': recorded were 'accuracy', 'loss'.*'accuracy'"):
        history.history["acc"]
    with pytest.raises(MissingKeyError, match=r"'val_loss'.*`validation_data`"):
        history.history["val_loss"]
    assert history.history.get("acc") is None and "acc" not in history.history
    assert repr(history.history).startswith("{'accuracy': [")
    again = pickle.loads(pickle.dumps(history.history))
    assert again == history.history and np.isfinite(again["loss"]).all()


def test_accuracy_that_was_not_asked_for():
    history = classifier(metrics=None).fit(X, Y, verbose=0)
    with pytest.raises(KeyError, match=r"`metrics=\['accuracy'\]`"):
        history.history["accuracy"]
    with pytest.raises(KeyError, match="not a single epoch"):
        callbacks.History().history["loss"]
