"""Optimizers: steps, state and configs of Keras; descent; compiled and eager; base options."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import keras
import numpy as np
import pytest

import etude
from etude import Variable, ops, optimizers
from etude.errors import (
    ArgumentError,
    DtypeError,
    NotBuiltError,
    ShapeError,
    StateError,
    UnknownNameError,
)

# Keras's own Variables do not know NumPy's newest argument.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"initial_accumulator_value": 0.2}),
    ("Adadelta", {"rho": 0.9, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_1": 0.7, "epsilon": 1e-3}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.3}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Lion", {}),
    ("Ftrl", {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2, "beta": 0.1}),
    ("Ftrl", {"learning_rate_power": -0.6, "l2_shrinkage_regularization_strength": 0.1}),
    ("Lamb", {}),
    ("Adafactor", {}),
    ("Adafactor", {"beta_2_decay": -0.5, "clip_threshold": 0.3, "epsilon_2": 0.5}),
    ("Muon", {}),
    ("Muon", {"exclude_layers": ["w"], "adam_lr_ratio": 0.5, "adam_weight_decay": None}),
    ("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 3, "momentum": 0.5}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"warmup_steps": 3, "beta_1": 0.7, "weight_decay": 0.1}),
    # Options of the base class.
    ("SGD", {"clipnorm": 0.5}),
    ("SGD", {"clipvalue": 0.2}),
    ("SGD", {"global_clipnorm": 0.5}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2}),
    ("Adam", {"loss_scale_factor": 8.0}),
    ("Adam", {"gradient_accumulation_steps": 2, "weight_decay": 0.1}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(ROWS)]
W, B = np.array([[1.0, -2.0], [0.5, 3.0]], "float32"), np.array([0.3, -0.1], "float32")
RNG = np.random.default_rng(0)
GRADIENTS = [(RNG.normal(size=W.shape), RNG.normal(size=B.shape)) for _ in range(5)]
GRADIENTS = [tuple(g.astype("float32") for g in pair) for pair in GRADIENTS]


def test_every_optimizer_has_a_row():
    assert {name for name, _ in ROWS} == {cls.__name__ for cls in optimizers.CLASSES}


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_muon_makes_steps_orthogonal(engine: str, shape: tuple[int, int]):
    """With the coefficients of the cubic iteration, the limit is U Vᵀ, as NumPy finds it."""
    g = RNG.normal(size=shape).astype("float32")
    u, _, vt = np.linalg.svd(g, full_matrices=False)
    muon = optimizers.Muon(muon_a=1.5, muon_b=-0.5, muon_c=0.0)
    found = muon.zeropower_via_newtonschulz5(g, 40)
    np.testing.assert_allclose(found.numpy(), u @ vt, atol=1e-5)
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        muon.zeropower_via_newtonschulz5(ops.ones(3), 1)


def test_schedule_free_state_made_in_a_trace_is_made_once(engine: str):
    """z begins at the value of the variable, also where the first step is part of a program."""
    results = []
    for compiled in (False, True):
        w, optimizer = Variable(W), optimizers.ScheduleFreeAdamW(0.05)

        def step(g: Any, w: Any = w, optimizer: Any = optimizer) -> None:
            optimizer.apply([g], [w])

        run = etude.function(step) if compiled else step
        for gradients in GRADIENTS:
            run(ops.convert_to_tensor(gradients[0]))
        results.append(w.numpy())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)


@pytest.mark.parametrize(("name", "options"), ROWS, ids=IDS)
def test_steps_and_state_equal_keras(engine: str, name: str, options: dict[str, Any]):
    expected, actual = getattr(keras.optimizers, name), getattr(optimizers, name)
    expected, actual = expected(0.05, **options), actual(0.05, **options)
    theirs = [keras.Variable(W, name="w"), keras.Variable(B, name="b")]
    ours = [Variable(W, name="w"), Variable(B, name="b")]
    for gradients in GRADIENTS:
        expected.apply(list(gradients), theirs)
        actual.apply([ops.convert_to_tensor(g) for g in gradients], ours)
        for a, e in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.numpy(), np.asarray(e), rtol=2e-6, atol=1e-6)
    for a, e in zip(actual.variables, expected.variables, strict=True):
        assert a.shape == tuple(e.shape)
        if name != "Adafactor" or a.shape:  # its placeholders have Keras's widest integer
            assert a.dtype == e.dtype
        if name != "Nadam" or a.shape:  # in Keras its product is called "variable_17" or so
            assert a.name.split("variable")[0] == e.name.split("variable")[0]
        np.testing.assert_allclose(a.numpy(), np.asarray(e), rtol=5e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "options"), ROWS, ids=IDS)
def test_config_round_trip(name: str, options: dict[str, Any]):
    optimizer = getattr(optimizers, name)(0.05, name="mine", **options)
    config = optimizers.serialize(optimizer)
    expected = getattr(keras.optimizers, name)(0.05, name="mine", **options)
    assert config == keras.optimizers.serialize(expected)
    again = optimizers.deserialize(config)
    assert type(again) is type(optimizer)
    assert optimizers.serialize(again) == config


@pytest.mark.parametrize("cls", optimizers.CLASSES, ids=lambda cls: cls.__name__)
def test_signature_is_that_of_keras(cls: type[optimizers.Optimizer]):
    theirs = inspect.signature(getattr(keras.optimizers, cls.__name__)).parameters
    ours = inspect.signature(cls).parameters
    assert {n: p.default for n, p in ours.items() if n != "kwargs"} == {
        n: p.default for n, p in theirs.items() if n != "kwargs"
    }


PARABOLA: dict[str, dict[str, Any]] = {
    "Adafactor": {"learning_rate": 0.1},
    "ScheduleFreeAdamW": {"learning_rate": 0.5},
    "SGD": {"learning_rate": 0.02},
    "Adadelta": {"learning_rate": 1.0, "epsilon": 1e-2},
    "Adagrad": {"learning_rate": 0.5},
    "Ftrl": {"learning_rate": 0.5},
    "Lion": {"learning_rate": 0.01},
    "Lamb": {"learning_rate": 0.02},
}


@pytest.mark.parametrize("cls", optimizers.CLASSES, ids=lambda cls: cls.__name__)
def test_parabola(engine: str, cls: Any):
    target = np.array([1.0, -2.0], "float32")
    x = Variable(np.array([3.0, 3.0], "float32"))
    optimizer = cls(**PARABOLA.get(cls.__name__, {"learning_rate": 0.05}))

    @etude.function
    def step():
        optimizer.apply([2.0 * (x - target)], [x])

    for _ in range(500):
        step()
    np.testing.assert_allclose(x.numpy(), target, atol=0.15)


@pytest.mark.parametrize("cls", optimizers.CLASSES, ids=lambda cls: cls.__name__)
def test_rosenbrock(engine: str, cls: Any):
    """(1 - x)² + 100 (y - x²)², from the classic start (-1.2, 1)."""
    rates = {"SGD": 5e-4, "Adadelta": 1.0, "Ftrl": 0.3, "Adagrad": 0.3, "Lamb": 0.01, "Lion": 0.01}
    x = Variable(np.array([-1.2, 1.0], "float32"))
    optimizer = cls(rates.get(cls.__name__, 0.02))

    def value() -> Any:
        return ops.square(1 - x[0]) + 100 * ops.square(x[1] - ops.square(x[0]))

    @etude.function
    def step():
        with etude.GradientTape() as tape:
            loss = value()
        optimizer.apply(tape.gradient(loss, [x]), [x])

    start = float(value())
    for _ in range(200):
        step()
    assert float(value()) < 0.25 * start


def test_compiled_steps_equal_eager_ones_and_are_not_traced_again():
    etude.config.set_engine("xla")
    for name, options in ROWS:
        results = []
        for compiled in (False, True):
            variables = [Variable(W), Variable(B)]
            optimizer = getattr(optimizers, name)(0.05, **options)
            optimizer.build(variables)

            def step(w: Any, b: Any, optimizer: Any = optimizer, v: Any = variables) -> None:
                optimizer.apply([w, b], v)

            run = etude.function(step) if compiled else step
            traces = []
            for gradients in GRADIENTS:
                run(*map(ops.convert_to_tensor, gradients))
                traces.append(getattr(run, "traces", 0))
            assert len(set(traces)) == 1  # all of them before the first step is over
            results.append([v.numpy() for v in (*variables, *optimizer.variables)])
        for eager, fast in zip(*results, strict=True):
            scale = max(1.0, np.abs(eager).max())  # sums cancel: roundings are those of the terms
            np.testing.assert_allclose(fast, eager, rtol=3e-6, atol=1e-6 * scale)


# ---- learning rate ------------------------------------------------------------------------------


def test_learning_rate_is_a_number_that_can_be_set(engine: str):
    optimizer = optimizers.SGD(0.5)
    w = Variable([1.0])
    optimizer.learning_rate = 0.25
    optimizer.apply([ops.ones(1)], [w])
    assert w.numpy() == 0.75
    assert [v.path for v in optimizer.variables] == [
        f"{optimizer.name}/iteration",
        f"{optimizer.name}/learning_rate",
    ]


def test_learning_rate_is_a_schedule_of_the_step(engine: str):
    optimizer = optimizers.SGD(
        optimizers.schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25])
    )
    w = Variable([4.0])
    for expected in (3.0, 2.5, 2.25):
        optimizer.apply([ops.ones(1)], [w])
        assert w.numpy() == expected
    assert len(optimizer.variables) == 1
    with pytest.raises(DtypeError, match="its learning rate is not settable"):
        optimizer.learning_rate = 0.1


def test_learning_rate_is_a_function_or_a_variable(engine: str):
    w = Variable([1.0])
    optimizers.SGD(lambda: 0.25).apply([ops.ones(1)], [w])
    rate = Variable(0.5, trainable=False)
    optimizer = optimizers.SGD(rate)
    optimizer.apply([ops.ones(1)], [w])
    assert w.numpy() == 0.25
    assert optimizer.learning_rate is rate


def test_schedule_in_the_place_of_a_number_drops_the_variable():
    optimizer = optimizers.Adam(0.001)
    assert len(optimizer.variables) == 2
    optimizer.learning_rate = optimizers.schedules.PolynomialDecay(0.001, 4)
    assert len(optimizer.variables) == 1


def test_schedules_survive_configs():
    optimizer = optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 10, warmup_target=0.2))
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again._learning_rate.get_config() == optimizer._learning_rate.get_config()


@pytest.mark.parametrize("rate", ["0.1", None, True])
def test_bad_learning_rate(rate: Any):
    with pytest.raises(ArgumentError, match="Argument `learning_rate` should be float"):
        optimizers.SGD(rate)


# ---- the base class -----------------------------------------------------------------------------


def test_names_in_any_case():
    assert isinstance(optimizers.get("sgd"), optimizers.SGD)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)
    assert isinstance(optimizers.get({"class_name": "ADAMW", "config": {}}), optimizers.AdamW)
    optimizer = optimizers.Adam()
    assert optimizers.get(optimizer) is optimizer
    assert optimizers.get(None) is None
    with pytest.raises(UnknownNameError, match=r"Unknown optimizer: 'adm'. Did you mean 'adam"):
        optimizers.get("adm")
    with pytest.raises(ArgumentError, match="Could not interpret optimizer identifier: 7"):
        optimizers.get(7)


def test_iterations_count(engine: str):
    optimizer, w = optimizers.Adam(), Variable([1.0])
    assert int(optimizer.iterations) == 0
    assert int(optimizer.apply_gradients([(ops.ones(1), w)])) == 1
    assert int(optimizer.iterations) == 1


def test_missing_gradients(engine: str):
    v, w = Variable([1.0], name="v"), Variable([1.0], name="w")
    with pytest.raises(ArgumentError, match=r"No gradients provided for any variable.*'v'"):
        optimizers.SGD(1.0).apply([None], [v])
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables \['v'\]"):
        optimizers.SGD(1.0).apply([None, ops.ones(1)], [v, w])
    assert (v.numpy(), w.numpy()) == (1.0, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizers.SGD(1.0).apply([])


def test_variables_are_those_of_build(engine: str):
    v, w = Variable([1.0]), Variable([1.0])
    optimizer = optimizers.SGD(1.0)
    with pytest.raises(NotBuiltError, match="must already be built"):
        optimizer.apply([ops.ones(1)])
    optimizer.build([v])
    with pytest.raises(ArgumentError, match="Unknown variable"):
        optimizer.apply([ops.ones(1)], [w])
    with pytest.raises(ArgumentError, match=r"Received a list of 2 gradients, but .* tracking 1"):
        optimizer.apply([ops.ones(1), ops.ones(1)])
    optimizer.apply([ops.ones(1)])
    assert v.numpy() == 0.0


def test_constraints_hold_after_a_step(engine: str):
    w = Variable([1.0])
    w.constraint = etude.constraints.NonNeg()
    optimizers.SGD(1.0).apply([ops.array([3.0])], [w])
    assert w.numpy() == 0.0


def test_weight_decay_leaves_out_what_is_excluded(engine: str):
    kernel, bias, other = (Variable([1.0], name=n) for n in ("kernel", "bias", "other"))
    optimizer = optimizers.AdamW(0.1, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_list=[other], var_names=["bias"])
    optimizer.apply([ops.zeros(1)] * 3, [kernel, bias, other])
    np.testing.assert_allclose([v.numpy()[0] for v in (kernel, bias, other)], [0.9, 1.0, 1.0])
    with pytest.raises(ArgumentError, match="only be configured before"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_accumulated_gradients_are_one_step_of_their_mean(engine: str):
    gradients = RNG.normal(size=(8, 3, 2)).astype("float32")
    once, thrice = Variable([0.9, 0.5]), Variable([0.9, 0.5])
    one, three = optimizers.Adam(0.1), optimizers.Adam(0.1, gradient_accumulation_steps=3)
    for batch in gradients:
        one.apply([ops.convert_to_tensor(batch.mean(0))], [once])
        for gradient in batch:
            three.apply([ops.convert_to_tensor(gradient)], [thrice])
    np.testing.assert_allclose(thrice.numpy(), once.numpy(), rtol=1e-5)
    assert int(three.iterations) == int(one.iterations) == 8


def test_finalize_uses_the_averages(engine: str):
    w = Variable([0.0])
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([-ops.ones(1)], [w])
    optimizer.finalize_variable_values([w])
    assert w.numpy() == 1.5  # half of 1, half of 2


def test_infinite_gradients_are_seen_after_global_clipping(engine: str):
    w = Variable([0.0, 0.0])
    optimizers.SGD(1.0, global_clipnorm=1.0).apply([ops.array([np.inf, 1.0])], [w])
    assert np.isnan(w.numpy()).all()


def test_overwrite_with_gradient(engine: str):
    w, scale = Variable([1.0]), Variable([5.0])
    scale.overwrite_with_gradient = True
    optimizer = optimizers.Adam(0.5)
    optimizer.apply([ops.ones(1), ops.array([7.0])], [w, scale])
    assert scale.numpy() == 7.0
    assert len(optimizer.variables) == 4  # no slots for the scale


def test_stateless_apply_changes_nothing(engine: str):
    w = Variable([1.0])
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    optimizer.build([w])
    state = [v.numpy() for v in optimizer.variables]
    [new_w], new_state = optimizer.stateless_apply(state, [ops.ones(1)], [np.array([3.0])])
    assert new_w.numpy() == 2.5
    assert [s.numpy().item() for s in new_state] == [1, 0.5, -0.5]
    assert (w.numpy(), optimizer.iterations.numpy()) == (1.0, 0)


def test_weights_are_set_saved_and_loaded(engine: str):
    w = Variable([1.0])
    first, second, third = optimizers.Adam(), optimizers.Adam(), optimizers.Adam()
    first.apply([ops.ones(1)], [w])
    with pytest.raises(NotBuiltError, match="You are calling `set_weights"):
        second.set_weights(first.variables)
    second.build([w])
    third.build([w])
    second.set_weights(first.variables)
    store: dict[str, Any] = {}
    first.save_own_variables(store)
    third.load_own_variables(store)
    for a, b, c in zip(first.variables, second.variables, third.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        np.testing.assert_array_equal(a.numpy(), c.numpy())
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        third.load_own_variables({"0": 1})


def test_keras_style_subclass(engine: str):
    class Momentum(optimizers.Optimizer):
        def __init__(self, learning_rate=0.5, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.momentum = 0.5

        def build(self, variables):
            super().build(variables)
            self.momentums = [
                self.add_variable_from_reference(v, name="momentum") for v in variables
            ]

        def update_step(self, gradient, variable, learning_rate):
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, m * self.momentum - gradient * learning_rate)
            self.assign_add(variable, m)

    w, v = Variable([1.0]), Variable([1.0])
    mine, theirs = Momentum(), optimizers.SGD(0.5, momentum=0.5)
    for _ in range(3):
        mine.apply([2.0 * w], [w])
        theirs.apply([2.0 * v], [v])
    np.testing.assert_array_equal(w.numpy(), v.numpy())
    assert len(mine.variables) == 3


def test_forgotten_super_is_named():
    class Forgetful(optimizers.Optimizer):
        def __init__(self):
            self.momentum = 0.5

    with pytest.raises(StateError, match=r"In optimizer 'Forgetful', you forgot"):
        Forgetful()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of `clipnorm`, `clipvalue`"),
        ({"gradient_accumulation_steps": 1}, "must be an integer >= 2"),
        ({"use_ema": True, "ema_momentum": 1.5}, r"range \[0, 1\]"),
        ({"use_ema": True, "ema_overwrite_frequency": 0.5}, "must be an integer >= 1 or None"),
        ({"lr": 0.1}, "not recognized"),
        ({"momentum": 1.5}, r"`momentum` must be a float between \[0, 1\]"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        optimizers.SGD(0.1, **options)


def test_decay_of_old_is_ignored_with_a_warning():
    with pytest.warns(UserWarning, match="`decay` is no longer supported"):
        optimizers.SGD(0.1, decay=1e-6)


def test_low_precision_variables_stay_low(engine: str):
    w, expected = Variable(np.ones(2, "float16")), keras.Variable(np.ones(2, "float16"))
    optimizers.Adam(0.1).apply([ops.ones(2, dtype="float32")], [w])
    keras.optimizers.Adam(0.1).apply([np.ones(2, "float32")], [expected])
    assert w.dtype == expected.dtype == "float16"
    np.testing.assert_allclose(w.numpy(), np.asarray(expected), rtol=1e-3)
