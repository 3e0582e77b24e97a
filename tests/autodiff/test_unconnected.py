"""Why a gradient is None: said where it looks like an accident, once per line."""

import warnings

import numpy as np
import pytest

from etude import GradientTape, Sequential, Variable, layers, ops
from tests.training.models import X, Y


@pytest.fixture
def v():
    return Variable([1.0, 2.0], name="v")


def through_argmax(v):
    return ops.cast(ops.argmax(v * 2.0), "float32")


def through_integers(v):
    return ops.cast(ops.cast(v, "int32"), "float32")


def through_numpy(v):
    return ops.sum(ops.convert_to_tensor((v * 2.0).numpy()))


def through_a_number(v):
    return ops.convert_to_tensor(float(ops.sum(v)) ** 2)


def through_rounding(v):
    return ops.sum(ops.round(ops.relu(v)))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (through_argmax, "went into `argmax`, .*places have no derivative"),
        (through_integers, "went into `cast`, .*of dtype int32"),
        (through_numpy, r"went into `numpy\(\)`, .*a constant to the tape"),
        (through_a_number, r"went into `numpy\(\)`"),
        (through_rounding, "went into `round`"),
        (lambda v: ops.ones(3) * 2.0, "was not recorded by this tape.*NumPy arrays"),
    ],
)
def test_what_cuts_a_variable_off_is_named(engine, v, target, words):
    with GradientTape() as tape:
        y = target(v)
    with pytest.warns(UserWarning, match=f"None for 'v': .*{words}") as caught:
        assert tape.gradient(y, v) is None
    assert caught[0].filename == __file__


def test_a_target_from_outside_of_the_tape(v):
    early = v * 2.0
    with GradientTape(persistent=True) as tape:
        _ = v * 3.0
    late = v * 2.0
    with pytest.warns(UserWarning, match="before or after .*Compute it inside"):
        assert tape.gradient(early, v) is None
    with pytest.warns(UserWarning, match="before or after .*Compute it inside"):
        assert tape.gradient(late, v) is None


def test_a_target_that_does_not_depend_on_it(v):
    w = Variable(1.0, name="w")
    with GradientTape() as tape:
        y = v * 2.0
    with pytest.warns(UserWarning, match="None for 'w': the target does not depend on it"):
        assert tape.gradient(y, [v, w])[1] is None


def test_sources_that_are_not_watched():
    x, frozen, whole = ops.ones(3), Variable(1.0, trainable=False), Variable(1, dtype="int32")
    with GradientTape() as tape:
        y = ops.sum(x) * frozen * ops.cast(whole, "float32")
    with pytest.warns(UserWarning) as caught:
        assert tape.gradient(y, [x, frozen, whole]) == [None] * 3
    told = str(caught[0].message)
    assert "a Tensor of shape (3,): this tape watches Tensors only when told to" in told
    assert "Variables that are not trainable only when told to; call `tape.watch(x)`" in told
    assert "it holds int32, and only floats have derivatives" in told


def test_a_line_is_told_once(v):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            with GradientTape() as tape:
                y = through_argmax(v)
            tape.gradient(y, v)
    assert len(caught) == 1


def test_what_may_be_meant_is_passed_over(v):
    w, frozen = Variable(1.0), Variable(1.0, trainable=False)
    with GradientTape(persistent=True) as tape:
        known = v * 2.0 + ops.stop_gradient(w * 3.0)
        accuracy = ops.mean(ops.cast(ops.argmax(v) == 1, "float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tape.gradient(known, [v, frozen])[1] is None
        assert tape.gradient(known, [v, w])[1] is None
        assert float(tape.gradient(accuracy, w, unconnected_gradients="zero")) == 0.0


def test_two_networks_with_two_losses(engine):
    """As in a GAN: each network gets its own gradients, and nothing is said."""
    maker, judge = layers.Dense(2), layers.Dense(1)
    x = ops.ones((4, 3))
    judge(maker(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with GradientTape(persistent=True) as tape:
            score = judge(maker(x))
            of_judge = ops.mean(score**2) + ops.mean(judge(ops.stop_gradient(maker(x))))
            of_maker = -ops.mean(score)
        for loss, network in ((of_judge, judge), (of_maker, maker)):
            found = tape.gradient(loss, network.trainable_weights)
            assert all(g is not None for g in found)


def test_in_fit_a_loss_without_derivative_names_its_operation(engine):
    def mistakes(y_true, y_pred):
        chosen = ops.cast(ops.argmax(y_pred, axis=-1), "float32")
        return ops.mean(ops.abs(chosen - ops.reshape(ops.cast(y_true, "float32"), (-1,))))

    model = Sequential([layers.Dense(3, name="last")])
    model.compile("sgd", mistakes)
    with (
        pytest.warns(UserWarning, match="'.*last/kernel'.* went into `argmax`"),
        pytest.raises(ValueError, match="No gradients provided"),
    ):
        model.fit(X, Y, verbose=0)


def test_what_cuts_off_does_not_keep_memory_alive():
    x = Variable(np.ones(3, "float32"))
    with GradientTape() as tape:
        y = ops.sum(x * x)
        ops.argmax(x * 2.0)
    assert len(tape._cuts) == 1
    tape.gradient(y, x)
    assert len(tape._cuts) == 0
