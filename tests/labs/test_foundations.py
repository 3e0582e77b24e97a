"""The labs that compute with NumPy alone: their targets, and their functions beside references."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from etude.labs import find_lab
from etude.labs.running import runner
from etude.labs.running.results import Options
from tests.labs.runs import quick_run, reached, run


def test_the_perceptron_reaches_its_targets(engine, out):
    result = quick_run("perceptron", engine, out)
    assert reached(result) == dict.fromkeys(find_lab("perceptron").metrics, True)
    for name, count in (("AND", 1), ("OR", 3), ("XOR", 2)):
        assert np.sum(result.namespace["tables"][name] == 1) == count
    repeats = result.namespace["first_repeat"]
    x = result.namespace["with_one"](result.namespace["corners"])
    assert repeats(x, result.namespace["tables"]["AND"], 5) is None
    assert repeats(x, result.namespace["tables"]["XOR"], 50) is not None


def test_the_perceptron_reaches_its_targets_on_keras_too(out):
    pytest.importorskip("keras", reason="Keras is not installed")
    options = Options(quick=True, framework="keras", out=out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jax tells that it takes 32 bits where 64 were asked for
        result = runner.run(find_lab("perceptron"), options, lambda _: None)
    assert result.engine == "keras-jax"
    assert [score.name for score in result.scores if not score.reached] == []
    by_name = {score.name: score for score in result.scores}
    assert by_name["library_difference"].target == 1e-5


@pytest.mark.parametrize(
    ("lab", "settings"),
    [
        ("perceptron", {}),
        ("gradients", {}),
        ("mlp-from-scratch", {"epochs": "2", "ring_steps": "300"}),
    ],
)
def test_the_same_seed_gives_the_same_numbers(lab, settings, tmp_path):
    first, again = (run(lab, "numpy", tmp_path, **settings) for _ in range(2))
    assert [score.value for score in first.scores] == [score.value for score in again.scores]
    assert first.desk.history == again.desk.history


def test_the_widest_margin_is_the_solution_of_the_quadratic_program(out):
    optimize = pytest.importorskip("scipy.optimize", reason="the extra `labs` is not installed")
    lab = quick_run("perceptron", "numpy", out).namespace
    signed = lab["setosa_train"][:, None] * lab["x_one"]  # (N, D)
    # The shortest w with y (w · x) of at least 1: its margin 1 / |w| is the widest.
    outside = {"type": "ineq", "fun": lambda w: signed @ w - 1, "jac": lambda w: signed}
    found = optimize.minimize(
        lambda w: w @ w / 2, 2 * lab["u"] / lab["gamma"], jac=lambda w: w, constraints=[outside]
    )
    assert found.success
    widest = 1 / np.linalg.norm(found.x)
    assert lab["gamma"] <= widest * (1 + 1e-6)
    assert lab["gamma"] == pytest.approx(widest, rel=5e-3)


def test_gradients_reach_their_targets(engine, out):
    result = quick_run("gradients", engine, out)
    assert reached(result) == dict.fromkeys(find_lab("gradients").metrics, True)


def test_derivations_by_hand_are_those_of_jax(out):
    jax = pytest.importorskip("jax", reason="the reference is jax")
    jnp = jax.numpy
    lab = quick_run("gradients", "numpy", out).namespace
    rng = np.random.default_rng(1)
    z, x, truth = rng.normal(size=(4, 3)), rng.normal(size=6), lab["truth"]
    with jax.enable_x64(True):
        expected = {
            "softmax": jax.grad(lambda z: -jnp.sum(lab["classes"] * jax.nn.log_softmax(z)) / 4)(z),
            "sigmoid": jax.grad(
                lambda z: -jnp.mean(jnp.where(truth, *map(jax.nn.log_sigmoid, (z, -z))))
            )(x[:5]),
            "tanh": jax.grad(lambda x: jnp.linalg.norm(jnp.tanh(x)))(x),
            "normalised": jax.grad(
                lambda x: jnp.sum(lab["arriving"] * (x - jnp.mean(x)) / jnp.std(x))
            )(x),
            "hessian": jax.hessian(lab["rosenbrock"])(jnp.asarray(x[:2])),
        }
    found = {
        "softmax": lab["softmax_by_hand"](z)[0],
        "sigmoid": lab["sigmoid_by_hand"](x[:5])[0],
        "tanh": lab["tanh_by_hand"](x)[0],
        "normalised": lab["normalised_by_hand"](x)[0],
        "hessian": lab["hessian_by_hand"](x[:2]),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def test_the_check_tells_right_from_wrong_at_other_points_too(out):
    lab = quick_run("gradients", "numpy", out).namespace
    for seed in range(5):
        z = np.random.default_rng(seed).normal(size=(4, 3))
        measured = lab["differences"](lab["softmax_loss_numpy"], z)
        assert lab["relative_error"](lab["softmax_by_hand"](z)[0], measured) < 1e-8
        assert lab["relative_error"](lab["softmax_wrong"](z)[0], measured) > 0.1


def test_the_network_from_scratch_reaches_its_targets(engine, out):
    result = quick_run("mlp-from-scratch", engine, out)
    assert reached(result) == dict.fromkeys(find_lab("mlp-from-scratch").metrics, True)
    kinds = {exhibit.kind for exhibit in result.desk.exhibits}
    assert kinds == {"drawing", "curves", "confusion", "mistakes"}
    last = result.namespace["ring_path"][-1]
    _, said = result.namespace["forward"](last, result.namespace["rings"])
    assert np.mean(said.argmax(axis=1) == result.namespace["ring"]) > 0.98


def test_back_propagation_by_hand_agrees_with_differences_and_with_scikit_learn(out):
    neural = pytest.importorskip(
        "sklearn.neural_network", reason="the extra `labs` is not installed"
    )
    lab = quick_run("mlp-from-scratch", "numpy", out).namespace
    rng = np.random.default_rng(3)
    network = lab["new_network"]([4, 5, 6, 3], rng)
    x, labels = rng.normal(size=(8, 4)), np.arange(8) % 3
    y = np.eye(3)[labels]
    inputs, y_hat = lab["forward"](network, x)
    gradients = lab["backward"](network, inputs, y_hat, y)

    reference = neural.MLPClassifier((5, 6), activation="tanh", max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step of training is not convergence
        reference.fit(x, labels)
    reference.coefs_ = [w for w, _ in network]
    reference.intercepts_ = [b for _, b in network]
    np.testing.assert_allclose(reference.predict_proba(x), y_hat, rtol=1e-10)

    def loss() -> float:
        return -float(np.mean(np.sum(y * np.log(lab["forward"](network, x)[1]), axis=1)))

    for pair, slopes in zip(network, gradients, strict=True):
        for values, slope in zip(pair, slopes, strict=True):
            assert slope.shape == values.shape
            for i in np.ndindex(values.shape):
                kept = values[i]
                values[i] = kept + 1e-6
                above = loss()
                values[i] = kept - 1e-6
                below = loss()
                values[i] = kept
                assert slope[i] == pytest.approx((above - below) / 2e-6, abs=1e-8)
