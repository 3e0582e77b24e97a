"""A run that was killed and goes on ends with the bits of one that was not, whatever it does."""

from __future__ import annotations

import numpy as np
import pytest

import etude
from etude import callbacks, layers, ops, optimizers
from etude.data import Dataset, PyDataset
from tests.training.models import X, Y

EPOCHS = 4


class Killed(RuntimeError):
    pass


class Kill(callbacks.Callback):
    """Raises after so many batches; nothing of what training remembers is left."""

    def __init__(self, batches):
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise Killed


def model(optimizer=None, **options):
    parts = [layers.Input((6,)), layers.Dense(8, "relu"), layers.BatchNormalization()]
    built = etude.Sequential([*parts, layers.Dropout(0.3), layers.Dense(3, "softmax")])
    options = {"metrics": ["accuracy"], **options}
    built.compile(optimizer or "adam", "sparse_categorical_crossentropy", **options)
    return built


class Script:
    """A script that trains, which is run again as it is after it was killed."""

    def __init__(self, folder, make=model, data=None, save_freq=2, more=(), **fit):
        self.folder, self.make, self.save_freq, self.more = folder, make, save_freq, more
        self.data = data or (lambda: {"x": X, "y": Y, "batch_size": 16})
        self.fit = {"epochs": EPOCHS, "verbose": 0, **fit}

    def run(self, kill=None):
        etude.utils.set_random_seed(3)
        found = self.make()
        backup = callbacks.BackupAndRestore(self.folder, self.save_freq, delete_checkpoint=False)
        called = [*(make() for make in self.more[:1]), backup, *(make() for make in self.more[1:])]
        if kill:
            called.append(Kill(kill))
        self.history = found.fit(**self.data(), callbacks=called, **self.fit)
        return found

    def result(self):
        found = self.run()
        rules = [part for part in vars(found).values() if isinstance(part, optimizers.Optimizer)]
        state = [v for rule in rules for v in rule.variables]
        values = [np.array(v.numpy()) for v in [*found.variables, *state, *found.metrics_variables]]
        return values, self.history.history, self.history.epoch


def check(folder, kills, **how):
    expected = Script(folder / "whole", **how).result()
    script = Script(folder / "killed", **how)
    for kill in kills:
        with pytest.raises(Killed):
            script.run(kill)
    values, history, epochs = script.result()
    assert history == expected[1]
    assert epochs == expected[2]
    for value, wanted in zip(values, expected[0], strict=True):
        np.testing.assert_array_equal(value, wanted)


# ---- what is trained on -------------------------------------------------------------------------


class Indexed(PyDataset):
    """Shuffles itself after every epoch, as many examples do, and makes noise."""

    def __init__(self):
        super().__init__()
        self.order = np.arange(48)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        chosen = self.order[16 * index : 16 * index + 16]
        return X[chosen] + np.random.normal(size=(16, 6)), Y[chosen]

    def on_epoch_end(self):
        np.random.default_rng(self.order[0]).shuffle(self.order)


def generated():
    while True:
        chosen = np.random.randint(0, 50, 16)
        yield X[chosen], Y[chosen]


def streamed():
    data = Dataset.from_tensor_slices((X, Y)).shuffle(50)
    return data.map(lambda x, y: (x + np.random.normal(size=6), y)).batch(16)


def repeated():
    return Dataset.from_tensor_slices((X, Y)).cache().shuffle(20).repeat().batch(16).prefetch(2)


SOURCES = {
    "arrays": (lambda: {"x": X, "y": Y, "batch_size": 16}, {}),
    "arrays, in shuffled batches": (
        lambda: {"x": X, "y": Y, "batch_size": 16},
        {"shuffle": "batch"},
    ),
    "part of the arrays in an epoch": (
        lambda: {"x": X, "y": Y, "batch_size": 8},
        {"steps_per_epoch": 3},
    ),
    "PyDataset": (lambda: {"x": Indexed()}, {}),
    "generator": (lambda: {"x": generated()}, {"steps_per_epoch": 3}),
    "Dataset": (lambda: {"x": streamed()}, {}),
    "Dataset without end": (lambda: {"x": repeated()}, {"steps_per_epoch": 3}),
    "list of batches": (lambda: {"x": Batches()}, {}),
}


class Batches:
    def __iter__(self):
        return iter([(X[i : i + 16] * np.random.normal(), Y[i : i + 16]) for i in (0, 16, 32)])


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_whatever_it_is_trained_on(name: str, save_freq, tmp_path):
    etude.config.set_engine("numpy")
    data, fit = SOURCES[name]
    check(tmp_path, (5, 2, 4), data=data, save_freq=save_freq, **fit)


def test_validation_on_a_stream_goes_on_too(tmp_path):
    etude.config.set_engine("numpy")

    def data():
        return {
            "x": X,
            "y": Y,
            "batch_size": 16,
            "validation_data": generated(),
            "validation_steps": 2,
        }

    check(tmp_path, (6, 3), data=data)


# ---- how it is trained --------------------------------------------------------------------------


def half_precision():
    policy = etude.mixed_precision.dtype_policy()
    etude.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        return model(optimizers.Adam(0.01))
    finally:
        etude.mixed_precision.set_dtype_policy(policy)


class TwoOptimizers(etude.Model):
    """As generators and discriminators are trained: the optimizers are built in the step."""

    def __init__(self):
        super().__init__()
        self.one, self.other = layers.Dense(4), layers.Dense(3)
        self.first_rule, self.second_rule = optimizers.Adam(0.01), optimizers.SGD(0.1, momentum=0.9)
        self.mean = etude.metrics.Mean(name="mean")

    def call(self, x):
        return self.other(ops.tanh(self.one(x)))

    def train_step(self, data):
        x, y = data
        with etude.GradientTape(persistent=True) as tape:
            losses = etude.losses.sparse_categorical_crossentropy(y, self(x), from_logits=True)
            loss = ops.mean(losses)
        for rule, part in ((self.first_rule, self.one), (self.second_rule, self.other)):
            rule.apply(tape.gradient(loss, part.trainable_variables), part.trainable_variables)
        self.mean.update_state(loss)
        return {"mean": self.mean.result()}


def two_optimizers():
    found = TwoOptimizers()
    found.compile()
    return found


def averages():
    return model(optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3))


def scheduled():
    return model(optimizers.SGD(optimizers.schedules.CosineDecay(0.2, 16), momentum=0.9))


def accumulating():
    return model(optimizers.RMSprop(0.01, gradient_accumulation_steps=3))


def several_optimizers():
    rules = optimizers.OptimizerMap(optimizers.Adam(), {".*kernel": optimizers.SGD(momentum=0.9)})
    return model(optimizers.MultiOptimizer(rules))


VALIDATED = {"validation_data": (X[:20], Y[:20])}
NO_GAIN = {"monitor": "val_accuracy", "mode": "min"}
WAYS = {
    "moving averages": {"make": averages},
    "averages are evaluated": {"make": averages, "more": (callbacks.SwapEMAWeights,), **VALIDATED},
    "a schedule": {"make": scheduled},
    "gradients that accumulate": {"make": accumulating},
    "half precision": {"make": half_precision},
    "optimizers of its own": {"make": two_optimizers},
    "several optimizers": {"make": several_optimizers},
    "steps in one execution": {"make": lambda: model(steps_per_execution=3)},
    "eagerly": {"make": lambda: model(run_eagerly=True)},
    "early stopping": {
        "more": (
            lambda: callbacks.EarlyStopping(patience=1, restore_best_weights=True, **NO_GAIN),
            lambda: callbacks.EarlyStopping(patience=2, restore_best_weights=True, **NO_GAIN),
        ),
        **VALIDATED,
    },
    "a lower rate on a plateau": {
        "more": (
            lambda: callbacks.ReduceLROnPlateau(patience=1, cooldown=1, **NO_GAIN),
            lambda: callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ),
        **VALIDATED,
    },
}


@pytest.mark.parametrize("name", WAYS)
def test_however_it_is_trained(name: str, tmp_path):
    etude.config.set_engine("numpy")
    check(tmp_path, (6, 3), **WAYS[name])


def test_a_stream_and_averages_in_compiled_programs(tmp_path):
    etude.config.set_engine("xla")
    check(tmp_path, (6,), make=averages, data=lambda: {"x": streamed()}, **VALIDATED)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["half precision", "several optimizers", "optimizers of its own"])
def test_other_ways_in_compiled_programs(name: str, tmp_path):
    etude.config.set_engine("xla")
    check(tmp_path, (6, 3), save_freq=3, **WAYS[name])


# ---- what is written beside ---------------------------------------------------------------------


def test_a_table_of_epochs_has_each_once(tmp_path):
    etude.config.set_engine("numpy")
    for name, kills in (("whole", ()), ("killed", (9, 3))):
        table = tmp_path / f"{name}.csv"
        made = []

        def logger(table=table, made=made):
            made.append(callbacks.CSVLogger(table))
            return made[-1]

        script = Script(tmp_path / name, more=(logger,))
        for kill in kills:
            with pytest.raises(Killed):
                script.run(kill)
            made[-1].on_train_end()  # the end of a process closes its files
        script.run()
    lines = (tmp_path / "whole.csv").read_text()
    assert lines.count("\n") == EPOCHS + 1
    assert (tmp_path / "killed.csv").read_text() == lines


def test_callbacks_of_the_user_take_part(tmp_path):
    etude.config.set_engine("numpy")
    seen = []

    class Count(callbacks.Callback):
        _remembered = ("batches",)

        def __init__(self):
            self.batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1
            seen.append(self.batches)

    script = Script(tmp_path, save_freq=1, more=(Count, Count))
    with pytest.raises(Killed):
        script.run(7)
    seen.clear()
    script.run()
    assert seen == [7, *(n for n in range(8, 17) for _ in range(2))]  # the second saw no 7th batch


def test_what_a_checkpoint_cannot_hold_is_named_and_left_out(tmp_path):
    etude.config.set_engine("numpy")

    class Odd(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["odd"] = object()

    script = Script(tmp_path, save_freq="epoch", more=(Odd,))
    with pytest.warns(UserWarning, match="It does not keep this object"):
        script.run()
