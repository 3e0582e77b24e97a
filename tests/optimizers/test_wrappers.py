"""Optimizers that wrap others: a loss scale that is found, an optimizer for each variable."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import etude
from etude import Variable, layers, ops, optimizers
from etude.errors import ArgumentError, DtypeError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

INF, NAN = np.inf, np.nan


# ---- LossScaleOptimizer -------------------------------------------------------------------------


def scaled(**options: Any) -> tuple[Any, Any]:
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5, momentum=0.5), **options)
    return optimizer, Variable([1.0, 2.0])


@pytest.mark.parametrize("compiled", [False, True])
def test_scale_follows_what_is_finite(engine: str, compiled: bool):
    """By hand: two finite steps double the scale, one that is not halves it and does nothing."""
    optimizer, w = scaled(initial_scale=4.0, dynamic_growth_steps=2)

    def step(g: Any) -> None:
        optimizer.apply([g], [w])

    run = etude.function(step) if compiled else step
    seen = []
    for g in ([4.0, 4.0], [4.0, 0.0], [8.0, NAN], [4.0, 4.0], [INF, 1.0], [2.0, 2.0]):
        run(ops.array(g, "float32"))
        seen.append((float(optimizer.dynamic_scale), int(optimizer.iterations)))
    assert seen == [(4, 1), (8, 2), (4, 2), (4, 3), (2, 3), (2, 4)]
    # Momentum 0.5, rate 0.5, gradients 1; 1 and 0; 1; 1.
    m, expected = np.zeros(2), np.array([1.0, 2.0])
    for g in ([1.0, 1.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]):
        m = 0.5 * m - 0.5 * np.array(g)
        expected = expected + m
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-6)


def test_steps_equal_keras(engine: str):
    theirs = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.1, name="adam"), 8.0, 3, name="scaled"
    )
    ours = optimizers.LossScaleOptimizer(optimizers.Adam(0.1, name="adam"), 8.0, 3, name="scaled")
    their_w, our_w = keras.Variable([1.0, 2.0], name="w"), Variable([1.0, 2.0], name="w")
    theirs.build([their_w])
    ours.build([our_w])
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    values = [np.asarray(their_w)]
    state = [np.asarray(v) for v in theirs.variables]
    for g in ([1.0, -2.0], [3.0, 1.0], [INF, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]):
        gradient = np.array(g, "float32")
        values, state = theirs.stateless_apply(state, [gradient], values)
        ours.apply([ops.convert_to_tensor(gradient)], [our_w])
        np.testing.assert_allclose(our_w.numpy(), np.asarray(values[0]), rtol=1e-5)
    for a, e in zip(ours.variables, state, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(e), rtol=1e-5)


def test_loss_is_scaled_by_the_scale_of_now(engine: str):
    optimizer, w = scaled(initial_scale=4.0)
    assert float(optimizer.scale_loss(2.0)) == 8.0
    optimizer.build([w])
    optimizer.dynamic_scale.assign(16.0)
    assert float(optimizer.scale_loss(ops.array(2.0))) == 32.0


def test_learning_rate_is_that_of_the_inner(engine: str):
    optimizer, _ = scaled()
    optimizer.learning_rate = 0.125
    assert float(optimizer.inner_optimizer.learning_rate) == 0.125
    assert (
        optimizers.LossScaleOptimizer(
            optimizers.SGD(loss_scale_factor=3.0)
        ).inner_optimizer.loss_scale_factor
        is None
    )


def test_state_is_set_and_saved_with_that_of_the_inner(engine: str):
    (first, w), (second, other) = scaled(), scaled()
    first.apply([ops.array([3.0, 4.0])], [w])
    second.build([other])
    second.set_weights([v.numpy() for v in first.variables])
    third, _ = scaled()
    third.build([other])
    store: dict[str, Any] = {}
    first.save_own_variables(store)
    third.load_own_variables(store)
    for a, b, c in zip(first.variables, second.variables, third.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        np.testing.assert_array_equal(a.numpy(), c.numpy())


def test_config_of_loss_scaling_is_that_of_keras():
    ours = optimizers.LossScaleOptimizer(optimizers.SGD(0.5, name="s"), 3.0, 2, name="scaled")
    theirs = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.5, name="s"), 3.0, 2, name="scaled"
    )
    config = optimizers.serialize(ours)
    assert config == keras.optimizers.serialize(theirs)
    again = optimizers.deserialize(config)
    assert isinstance(again.inner_optimizer, optimizers.SGD)
    assert optimizers.serialize(again) == config
    older = {**config["config"], "use_ema": False, "ema_momentum": 0.99, "clipnorm": None}
    assert optimizers.LossScaleOptimizer.from_config(older).initial_scale == 3.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dynamic": False}, "set `loss_scale_factor`"),
        ({"clipnorm": 1.0}, "on the `inner_optimizer`"),
        ({"foo": 1, "bar": 2}, "arguments: `foo`, `bar`"),
    ],
)
def test_options_belong_to_the_inner(options: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        scaled(**options)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_models_train_in_mixed_precision(engine: str, policy: str):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4)).astype("float32")
    y = (x @ np.array([[1.0], [-2.0], [0.5], [0.0]])).astype("float32")
    etude.utils.set_random_seed(0)
    model = etude.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(8, activation="relu", dtype=policy),
            layers.Dense(1, dtype=policy),
        ]
    )
    etude.config.set_dtype_policy(policy)
    try:
        model = etude.Sequential(model.layers)
        model.compile(optimizers.Adam(0.05), "mse")
    finally:
        etude.config.set_dtype_policy("float32")
    wrapped = isinstance(model.optimizer, optimizers.LossScaleOptimizer)
    assert wrapped == (policy == "mixed_float16")
    assert str(model(x).dtype) == policy.removeprefix("mixed_")
    assert {v.dtype for v in model.weights} == {"float32"}
    history = model.fit(x, y, batch_size=16, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.2 * history[0]


# ---- MultiOptimizer -----------------------------------------------------------------------------


def two() -> tuple[Any, list[Any]]:
    rule = optimizers.OptimizerMap(optimizers.SGD(0.5), {"slow.*": optimizers.Adam(0.1)})
    return optimizers.MultiOptimizer(rule), [Variable([1.0], name=n) for n in ("slow_w", "fast_w")]


def test_every_variable_has_its_optimizer(engine: str):
    optimizer, (slow, fast) = two()
    alone = Variable([1.0])
    adam = optimizers.Adam(0.1)
    for g in (1.0, -3.0, 2.0):
        optimizer.apply([ops.array([g]), ops.array([g])], [slow, fast])
        adam.apply([ops.array([g])], [alone])
    np.testing.assert_allclose(slow.numpy(), alone.numpy())
    np.testing.assert_allclose(fast.numpy(), [1.0 - 0.5 * (1 - 3 + 2)])
    assert int(optimizer.iterations) == 3
    assert [int(inner.iterations) for inner in optimizer.optimizers] == [3, 3]
    assert len(optimizer.variables) == 2 + 4 + 2


def test_a_function_chooses_the_optimizer(engine: str):
    slow, fast = optimizers.SGD(0.1), optimizers.SGD(1.0)
    optimizer = optimizers.MultiOptimizer(lambda v: slow if v.name == "a" else fast)
    a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
    optimizer.apply([ops.ones(1), ops.ones(1)], [a, b])
    np.testing.assert_allclose([a.numpy()[0], b.numpy()[0]], [0.9, 0.0], atol=1e-6)
    assert optimizer.optimizers == [slow, fast]


def test_multi_optimizer_has_no_learning_rate():
    optimizer, _ = two()
    with pytest.raises(AttributeError, match="read those of its `optimizers`"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match="set those of its `optimizers`"):
        optimizer.learning_rate = 1.0


def test_loss_scale_of_multi_optimizer_is_that_of_all(engine: str):
    optimizer = optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(1.0, loss_scale_factor=2.0)), loss_scale_factor=4.0
    )
    w = Variable([1.0])
    optimizer.apply([ops.array([2.0])], [w])
    assert w.numpy() == 0.5
    assert float(optimizer.scale_loss(1.0)) == 4.0
    optimizers.LossScaleOptimizer(optimizer)
    assert optimizer.optimizers[0].loss_scale_factor is None


def test_multi_optimizer_config_round_trip():
    optimizer, variables = two()
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    again.build(variables)
    assert [type(inner).__name__ for inner in again.optimizers] == ["Adam", "SGD"]
    assert optimizers.serialize(again) == optimizers.serialize(optimizer)


def test_wrappers_cannot_be_wrapped_by_multi_optimizer():
    rule = optimizers.OptimizerMap(optimizers.SGD())
    for wrapper in (optimizers.LossScaleOptimizer(optimizers.SGD()), two()[0]):
        with pytest.raises(ArgumentError, match=f"cannot be {type(wrapper).__name__}"):
            rule["w"] = wrapper
        with pytest.raises(ArgumentError, match="cannot be used inside an MultiOptimizer"):
            optimizers.MultiOptimizer(lambda v, w=wrapper: w).build([Variable([1.0])])


def test_bad_maps():
    with pytest.raises(DtypeError, match="must be an Optimizer"):
        optimizers.OptimizerMap("sgd")  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="must be a dictionary"):
        optimizers.OptimizerMap(optimizers.SGD(), [])  # type: ignore[arg-type]
    rule = optimizers.OptimizerMap(optimizers.SGD(), {"a.*": optimizers.SGD()})
    rule[".*b"] = optimizers.SGD()
    assert sorted(rule) == [".*b", "a.*"]
    with pytest.raises(ArgumentError, match="Multiple optimizers assigned to variable ab"):
        _ = rule["ab"]
    with pytest.raises(ArgumentError, match="already exists"):
        rule["a.*"] = optimizers.SGD()
    del rule["a.*"]
    assert len(rule) == 1
    with pytest.raises(ArgumentError, match="is not an Optimizer instance"):
        optimizers.MultiOptimizer(lambda v: None).build([Variable([1.0])])
