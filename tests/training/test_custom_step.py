"""A `train_step` of one's own: imperative code, compiled on xla, the same numbers on numpy."""

import numpy as np
import pytest

import etude
from etude import Input, Model, Sequential, layers, losses, metrics, ops, optimizers
from tests.training.models import X, Y, classifier

REAL = np.random.default_rng(0).normal(size=(40, 2)).astype("float32") * 0.3 + 1.0


class GAN(Model):
    """Two networks, two optimizers, one step."""

    def __init__(self, discriminator, generator, latent):
        super().__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.latent = latent
        self.seed_generator = etude.random.SeedGenerator(42)
        self.d_loss = metrics.Mean(name="d_loss")
        self.g_loss = metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def train_step(self, real):
        real = real[0] if isinstance(real, tuple) else real
        size = ops.shape(real)[0]
        noise = etude.random.normal((size, self.latent), seed=self.seed_generator)
        fake = self.generator(noise)
        both = ops.concatenate([fake, real], axis=0)
        labels = ops.concatenate([ops.ones((size, 1)), ops.zeros((size, 1))], axis=0)
        with etude.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(both))
        gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(
            zip(gradients, self.discriminator.trainable_weights, strict=True)
        )
        noise = etude.random.normal((size, self.latent), seed=self.seed_generator)
        with etude.GradientTape() as tape:
            fooled = self.discriminator(self.generator(noise))
            g_loss = self.loss_fn(ops.zeros((size, 1)), fooled)
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(
            zip(gradients, self.generator.trainable_weights, strict=True)
        )
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


def gan():
    etude.utils.set_random_seed(3)
    discriminator = Sequential(
        [Input((2,)), layers.Dense(8), layers.LeakyReLU(negative_slope=0.2), layers.Dense(1)]
    )
    generator = Sequential([Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(2)])
    model = GAN(discriminator, generator, latent=3)
    model.compile(
        optimizers.Adam(0.01), optimizers.Adam(0.01), losses.BinaryCrossentropy(from_logits=True)
    )
    return model


def test_a_gan_trains_compiled_and_gives_the_numbers_of_numpy():
    found = {}
    for engine in ("numpy", "xla"):
        etude.config.set_engine(engine)
        model = gan()
        history = model.fit(REAL, epochs=4, batch_size=8, verbose=0).history
        found[engine] = history, model.get_weights()
    assert sorted(found["numpy"][0]) == ["d_loss", "g_loss"]
    for name, values in found["numpy"][0].items():
        np.testing.assert_allclose(values, found["xla"][0][name], rtol=1e-4)
    for a, b in zip(found["numpy"][1], found["xla"][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("ignore:While .* was traced")  # it counts traces on purpose
def test_a_gan_is_compiled_on_xla():
    etude.config.set_engine("xla")
    model = gan()
    calls = []
    step = model.train_step
    model.train_step = lambda data: (calls.append(1), step(data))[1]
    model.fit(REAL, epochs=10, batch_size=8, verbose=0)
    assert int(model.d_optimizer.iterations) == 50
    assert 0 < len(calls) < 15, "the step was traced a few times, not run for every batch"


class Plain(Model):
    """The step of Keras's guide, as for TensorFlow."""

    def train_step(self, data):
        x, y = data
        with etude.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_the_step_of_the_guide_is_that_of_fit(engine):
    expected = classifier()
    start = expected.get_weights()
    history = expected.fit(X[:48], Y[:48], batch_size=8, shuffle=False, verbose=0).history
    x = Input((6,))
    h = layers.Dense(8, activation="relu")(x)
    model = Plain(x, layers.Dense(3, activation="softmax")(h))
    model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.set_weights(start)
    found = model.fit(X[:48], Y[:48], batch_size=8, shuffle=False, verbose=0).history
    assert found["loss"] == pytest.approx(history["loss"], rel=1e-5)
    assert found["accuracy"] == pytest.approx(history["accuracy"])
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_compute_loss_and_metrics_can_be_overridden(engine):
    class Own(Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean(ops.square(y - y_pred)) + ops.sum(self.losses)

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            return {**super().compute_metrics(x, y, y_pred, sample_weight), "seven": 7.0}

    x = Input((6,))
    model = Own(x, layers.Dense(1, kernel_regularizer="l2")(x))
    model.compile("sgd")
    history = model.fit(X, X[:, :1], batch_size=10, verbose=0).history
    assert history["seven"] == [7.0] and np.isfinite(history["loss"][0])


def test_losses_of_layers_count(engine):
    class Push(layers.Layer):
        def __init__(self):
            super().__init__()
            self.w = self.add_weight((1,), "ones")

        def call(self, x):
            self.add_loss(ops.sum(self.w))
            return x * self.w

    model = Sequential([Input((1,)), Push()])
    model.compile(optimizers.SGD(0.5))
    history = model.fit(np.zeros((4, 1)), batch_size=4, epochs=2, verbose=0).history
    assert history["loss"] == pytest.approx([1.0, 0.5])
    assert model.get_weights()[0] == pytest.approx([0.0])


def test_value_dependent_branches_get_the_design_s_error():
    etude.config.set_engine("xla")

    class Branching(Model):
        def train_step(self, data):
            if ops.sum(data[0]) > 0:
                return {"loss": ops.sum(data[0])}
            return {"loss": ops.zeros(())}

    x = Input((6,))
    model = Branching(x, layers.Dense(1)(x))
    model.compile("sgd")
    with pytest.raises(etude.errors.TracingError, match=r"if ops.sum.*run_eagerly=True"):
        model.fit(X, verbose=0)
    model.compile("sgd", run_eagerly=True)
    assert "loss" in model.fit(X, verbose=0).history


@pytest.mark.filterwarnings("ignore:While .* was traced")  # it looks at traces on purpose
@pytest.mark.parametrize(
    ("given", "length"),
    [({}, None), ({"y": Y}, 2), ({"y": Y, "sample_weight": np.ones(len(Y), "float32")}, 3)],
)
def test_data_is_as_long_as_what_was_given(engine, given, length):
    seen = []

    class Recorder(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            seen.append(len(data) if isinstance(data, tuple) else None)
            return {"loss": 0.0}

    model = Recorder()
    model.compile("sgd", "mse")
    model.fit(X, **given, batch_size=4, verbose=0)
    assert set(seen) == {length}


def test_every_validation_sees_the_same_samples(engine):
    x = np.arange(64, dtype="float32")[:, None]
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False)])
    model.layers[0].set_weights([np.ones((1, 1), "float32")])
    model.compile(optimizers.SGD(0.0), "mse")
    data = (x, np.zeros_like(x))
    history = model.fit(
        *data, batch_size=8, epochs=3, validation_data=data, validation_steps=2, verbose=0
    )
    assert history.history["val_loss"] == [77.5] * 3


def test_the_steps_of_keras_2(engine):
    class Old(etude.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with etude.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compiled_loss(y, y_pred)
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            self.compiled_metrics.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

    def history(cls):
        etude.utils.set_random_seed(3)
        model = cls()
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model.fit(x, y, epochs=2, verbose=0, shuffle=False).history

    x = np.random.default_rng(0).random((32, 5), dtype="float32")
    y = np.arange(32) % 3
    New = type("New", (Old,), {"train_step": etude.Model.train_step})
    with pytest.warns(DeprecationWarning, match="deprecated: use"):
        old = history(Old)
    np.testing.assert_allclose(old["loss"], history(New)["loss"], rtol=1e-5)
