"""Models as estimators: what scikit-learn itself checks, and what it cannot know."""

import sys

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.utils.estimator_checks import check_estimator

import etude
from etude.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

QUIET = {"verbose": 0, "epochs": 5}


@pytest.fixture(autouse=True)
def numpy_engine():
    etude.config.set_engine("numpy")
    etude.config.disable_interactive_logging()
    yield
    etude.config.enable_interactive_logging()


def network(X, y, loss, activation=None, layers=(10,)):
    """A network for the shapes of the data; two fits to the same data are the same."""
    etude.utils.set_random_seed(0)
    x = inputs = etude.Input((X.shape[1],))
    for units in layers:
        x = etude.layers.Dense(units, "relu")(x)
    outputs = etude.layers.Dense(y.shape[1] if y.ndim > 1 else 1, activation)(x)
    model = etude.Model(inputs, outputs)
    model.compile("rmsprop", loss=loss)
    return model


# What fails with Keras's own estimators too: a few epochs do not teach what these checks ask for.
EXPECTED = {
    "check_classifiers_one_label_sample_weights": "weights of 0 are not ignored",
    "check_classifiers_classes": "a small fit may miss a class",
    "check_classifiers_train": "outputs are probabilities or logits",
}

ESTIMATORS = [
    SKLearnClassifier(
        network,
        model_kwargs={"loss": "categorical_crossentropy", "activation": "softmax"},
        fit_kwargs=QUIET,
    ),
    SKLearnRegressor(network, model_kwargs={"loss": "mse"}, fit_kwargs=QUIET),
    SKLearnTransformer(network, model_kwargs={"loss": "mse"}, fit_kwargs=QUIET),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_scikit_learn_has_nothing_to_object(estimator):
    expected = EXPECTED if isinstance(estimator, SKLearnClassifier) else {}
    found = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=expected)
    failed = {r["check_name"]: str(r["exception"]) for r in found if r["status"] == "failed"}
    assert failed == {} and sum(r["status"] == "passed" for r in found) > 30


def test_classifies_labels_of_any_kind():
    X, numbers = make_classification(n_samples=60, n_features=4, random_state=0)
    y = np.array(["no", "yes"])[numbers]
    estimator = clone(ESTIMATORS[0]).set_params(fit_kwargs={"epochs": 60, "verbose": 0})
    estimator.fit(X, y, batch_size=10)
    assert estimator.classes_.tolist() == ["no", "yes"] and estimator.epoch_ == 60
    scores = estimator.decision_function(X)
    assert scores.shape == (60, 2)
    assert (estimator.classes_[scores.argmax(-1)] == estimator.predict(X)).all()
    assert estimator.score(X, y) > 0.8


def test_a_model_is_cloned_unless_the_start_is_warm():
    X, y = make_regression(n_samples=20, n_features=3, random_state=0)
    model = network(X, y, "mse")
    before = model.get_weights()
    cold = SKLearnRegressor(model, fit_kwargs=QUIET).fit(X, y)
    assert cold.model_ is not model and cold.predict(X).shape == (20,)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    warm = SKLearnRegressor(model, warm_start=True, fit_kwargs=QUIET).fit(X, y)
    assert warm.model_ is model and warm.fit(X, y).model_ is model
    assert clone(warm).fit_kwargs == QUIET


def test_transforms():
    X, y = make_regression(n_samples=20, n_features=3, random_state=0)
    estimator = clone(ESTIMATORS[2]).fit(X, y)
    assert estimator.transform(X).shape == (20, 1)
    np.testing.assert_allclose(estimator.transform(X), estimator.model_(X).numpy(), rtol=1e-5)


def test_mistakes_are_explained(monkeypatch):
    X, y = make_regression(n_samples=20, n_features=3, random_state=0)
    raw = etude.Sequential([etude.Input((3,)), etude.layers.Dense(1)])
    with pytest.raises(RuntimeError, match="needs to be compiled"):
        SKLearnRegressor(raw).fit(X, y)
    with pytest.raises(ValueError, match="Only binary and multiclass"):
        ESTIMATORS[0].fit(X, y)
    with pytest.raises(ValueError, match="only one class"):
        ESTIMATORS[0].fit(X, np.ones(20, int))
    with pytest.raises(sklearn.exceptions.NotFittedError):
        SKLearnRegressor(raw).predict(X)
    with pytest.raises(RuntimeError, match="metadata routing"):
        SKLearnRegressor(raw).set_fit_request(sample_weight=True)
    monkeypatch.delitem(sys.modules, "etude.wrappers.estimators")
    monkeypatch.delattr(etude.wrappers, "estimators")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        _ = etude.wrappers.SKLearnRegressor
