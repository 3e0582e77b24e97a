"""Students that learn from teachers: losses against Keras, training on both engines, files."""

import keras
import numpy as np
import pytest

import etude
from etude import Input, Model, Sequential, layers, losses, ops
from etude.distillation import (
    DistillationLoss,
    Distiller,
    FeatureDistillation,
    LogitsDistillation,
)
from etude.errors import ArgumentError, ShapeError
from tests.parity.reference import keras_alone

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 4)).astype("float32")
Y = RNG.integers(0, 3, 16)
A, B = RNG.normal(size=(2, 5, 3)).astype("float32")


def network(units, k=etude, name=None):
    return k.Sequential(
        [
            k.Input((4,)),
            k.layers.Dense(units, "tanh", name="hidden"),
            k.layers.Dense(3, name="logits"),
        ],
        name=name,
    )


def distiller(teacher_units=8, distillation_losses=None, **options):
    made = Distiller(
        network(teacher_units, name="teacher"),
        network(8, name="student"),
        distillation_losses or LogitsDistillation(temperature=2.0),
        **options,
    )
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


MAKERS = {
    "default": lambda k: k.distillation.LogitsDistillation(),
    "kl": lambda k: k.distillation.LogitsDistillation(4.0, k.losses.KLDivergence()),
    "mse": lambda k: k.distillation.LogitsDistillation(2.0, "mse"),
    "features": lambda k: k.distillation.FeatureDistillation("cosine_similarity"),
    "several": lambda k: k.distillation.FeatureDistillation(["mse", None]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_losses_are_those_of_keras(name):
    etude.config.set_engine("numpy")
    teacher, student = ([A, B], [B, B]) if name == "several" else (A, B)
    ours = MAKERS[name](etude)
    with keras_alone():
        theirs = MAKERS[name](keras)
        expected = float(theirs.compute_loss(teacher, student))
        config = theirs.get_config()
    assert float(ours.compute_loss(teacher, student)) == pytest.approx(expected, rel=1e-5)
    assert ours.get_config() == config
    again = type(ours).from_config(config)
    assert float(again.compute_loss(teacher, student)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.filterwarnings("ignore:.*The structure of `inputs`")  # of Keras, to itself
def test_compute_loss_is_that_of_keras():
    etude.config.set_engine("numpy")
    models = {}
    for k in (etude, keras):
        with keras_alone():
            kinds = k.distillation
            made = kinds.Distiller(
                network(8, k),
                network(8, k),
                [
                    kinds.LogitsDistillation(2.0),
                    kinds.FeatureDistillation("mae", "hidden", "hidden"),
                ],
                [1.0, 0.5],
                student_loss_weight=0.3,
            )
            made.compile("sgd", k.losses.SparseCategoricalCrossentropy(from_logits=True))
            models[k] = made
    for part in ("teacher", "student"):
        values = getattr(models[etude], part).get_weights()
        with keras_alone():
            getattr(models[keras], part).set_weights(values)
    with keras_alone():
        expected = float(models[keras].compute_loss(X, Y))
        found = [float(m.result()) for m in models[keras].metrics if m.name != "loss"]
    assert float(models[etude].compute_loss(X, Y)) == pytest.approx(expected, rel=1e-5)
    own = [float(m.result()) for m in models[etude].metrics if m.name != "loss"]
    np.testing.assert_allclose(own, found, rtol=1e-5)


def test_only_the_student_learns(engine):
    model = distiller(
        distillation_losses=[
            LogitsDistillation(2.0),
            FeatureDistillation("mse", "hidden", "hidden"),
        ]
    )
    before = [w.copy() for w in model.teacher.get_weights()]
    student = model.student.get_weights()[0].copy()
    history = model.fit(X, Y, epochs=4, batch_size=8, verbose=0).history
    for a, b in zip(before, model.teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(student - model.student.get_weights()[0]).max() > 1e-3
    assert not model.teacher.trainable and len(model.trainable_variables) == 4
    assert history["total_loss"][-1] < history["total_loss"][0]
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert {"accuracy", "distillation_loss", "student_loss", "total_loss"} <= results.keys()
    np.testing.assert_allclose(
        model.predict(X, verbose=0), model.student(X).numpy(), rtol=1e-5, atol=1e-6
    )


def test_a_student_comes_near_its_teacher():
    etude.config.set_engine("numpy")
    model = distiller(student_loss_weight=0.0, distillation_losses=FeatureDistillation("mse"))
    model.compile(etude.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=150, verbose=0)
    gap = model.teacher(X).numpy() - model.student(X).numpy()
    assert np.square(gap).mean() < 0.02


def test_several_outputs_and_own_losses():
    etude.config.set_engine("numpy")

    def two_heads():
        x = Input((4,))
        return Model(x, [layers.Dense(2)(x), layers.Dense(1)(x)])

    class Gap(DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
            return ops.mean(ops.abs(teacher_outputs[0] - student_outputs[0]))

    model = Distiller(two_heads(), two_heads(), [Gap(), LogitsDistillation(loss=["mse", None])])
    model.compile("sgd", loss=["mse", "mae"])
    history = model.fit(X, [X[:, :2], X[:, :1]], epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.filterwarnings("ignore:`compile")
def test_files(tmp_path):
    etude.config.set_engine("numpy")
    model = distiller(
        distillation_losses=[
            LogitsDistillation(3.0, losses.KLDivergence()),
            FeatureDistillation("mse", "hidden", "hidden"),
        ],
        distillation_loss_weights=[1.0, 2.0],
        student_loss_weight=0.25,
    )
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "distiller.keras")
    again = etude.saving.load_model(tmp_path / "distiller.keras")
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())
    np.testing.assert_array_equal(again.teacher(X).numpy(), model.teacher(X).numpy())
    assert again.student_loss_weight == 0.25 and again.distillation_loss_weights == [1.0, 2.0]
    assert isinstance(again.distillation_losses[0].loss, losses.KLDivergence)
    with keras_alone():
        theirs = keras.saving.load_model(tmp_path / "distiller.keras")
        np.testing.assert_allclose(np.asarray(theirs(X)), model(X).numpy(), rtol=1e-5, atol=1e-6)


def test_mistakes_are_explained():
    etude.config.set_engine("numpy")
    loss, teacher, student = LogitsDistillation(), network(4), network(4)
    wide = Sequential([Input((5,)), layers.Dense(3)])

    class Subclassed(Model):
        def call(self, x):
            return x

    for arguments, error, words in (
        ((teacher, student, None), ArgumentError, "cannot be `None`"),
        ((teacher, "student", loss), ArgumentError, "Student must be a keras.Model"),
        ((teacher, wide, loss), ShapeError, "input shapes are incompatible"),
        ((teacher, student, [loss], [1.0, 2.0]), ArgumentError, "must match"),
        ((teacher, student, loss, None, 1.5), ArgumentError, "between 0.0 and 1.0"),
        ((teacher, student, loss, None, "x"), ArgumentError, "must be a number"),
        ((teacher, student, FeatureDistillation("mse", "no", "hidden")), ArgumentError, "teacher"),
        (
            (Subclassed(), student, FeatureDistillation("mse", "a", "hidden")),
            ArgumentError,
            "Functional or Sequential",
        ),
    ):
        with pytest.raises(error, match=words):
            Distiller(*arguments)
    with pytest.raises(ArgumentError, match="'loss' cannot be"):
        Distiller(teacher, student, loss).compile("sgd")
    with pytest.raises(ArgumentError, match="must be positive"):
        LogitsDistillation(temperature=0.0)
    with pytest.raises(ArgumentError, match="at least one non-`None`"):
        FeatureDistillation([None])
    with pytest.raises(ArgumentError, match="structure"):
        FeatureDistillation(["mse", "mse"]).validate_outputs(A, B)
