"""`Distiller`: trains a student on labels and on what its teacher says."""

from __future__ import annotations

from typing import Any

from etude import metrics, ops, tree
from etude.distillation.losses import as_losses
from etude.errors import ArgumentError, ShapeError
from etude.models import Model, Sequential
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Distiller"]

FINAL = "final_output"


class Distiller(Model):
    """A model that trains ``student`` with the help of ``teacher``, which stays as it is.

    L = α L_student + (1 - α) Σ wᵢ Lᵢ, where L_student is what `compile` was given as the loss, and
    Lᵢ are distillation losses. The distiller computes what the student computes.

    Args:
        teacher: a trained model; it is frozen.
        student: the model to train, with inputs and outputs of the same shapes.
        distillation_losses: one distillation loss, or a list.
        distillation_loss_weights: wᵢ, one for each loss of a list; 1 by default.
        student_loss_weight: α, from 0 to 1.
        name: the name of the distiller.
        **kwargs: what `Model` takes.

    Attributes:
        student: the student, for use by itself after the training.

    Raises:
        ArgumentError: an argument has a value that cannot be used.
        ShapeError: the shapes of teacher and student do not fit together.

    Example:
        >>> import numpy as np
        >>> from etude import Input, distillation, layers
        >>> teacher = Sequential([Input((2,)), layers.Dense(8, "tanh"), layers.Dense(3)])
        >>> student = Sequential([Input((2,)), layers.Dense(3)])
        >>> distiller = Distiller(teacher, student, distillation.LogitsDistillation(2.0))
        >>> distiller.compile("sgd", loss="sparse_categorical_crossentropy")
        >>> history = distiller.fit(np.ones((4, 2)), np.array([0, 1, 2, 0]), verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss', 'total_loss']
    """

    def __init__(
        self,
        teacher: Any,
        student: Any,
        distillation_losses: Any,
        distillation_loss_weights: Any = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        self.teacher, self.student = teacher, student
        self.student_loss_weight = _checked_weight(student_loss_weight)
        self.distillation_losses, self.distillation_loss_weights = _paired(
            distillation_losses, distillation_loss_weights
        )
        for loss in self.distillation_losses:
            loss.validate_model_compatibility(teacher, student)
        self._teacher_feature_extractor = self._extractor(teacher, "teacher_layer_name")
        self._student_feature_extractor = self._extractor(student, "student_layer_name")
        self.teacher.trainable = False
        self.student_loss_tracker = metrics.Mean(name="student_loss")
        self.distillation_loss_tracker = metrics.Mean(name="distillation_loss")
        self.total_loss_tracker = metrics.Mean(name="total_loss")

    def _extractor(self, model: Any, attribute: str) -> Any:
        """A model that also gives what the named layers compute; None where no layer is named."""
        names = {getattr(loss, attribute, None): None for loss in self.distillation_losses}
        names.pop(None, None)
        if not names:
            return None
        final = model.layers[-1].output if isinstance(model, Sequential) else model.output
        outputs = {FINAL: final, **{name: model.get_layer(name=name).output for name in names}}
        return Model(model.inputs, outputs, name=f"{model.name}_multi_feature_extractor")

    def compile(
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Says how the student is trained.

        Args:
            optimizer: an optimizer or its name.
            loss: the loss between labels and the student's outputs, or a structure of losses.
            metrics: a list of metrics of the student's outputs.
            **kwargs: more arguments of `Model.compile`.

        Raises:
            ArgumentError: there is no loss, or the metrics are no list.
        """
        if loss is None:
            raise ArgumentError(
                "'loss' cannot be `None`: it is what the student is told about the labels."
            )
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise ArgumentError(f"metrics must be a list or tuple, got {type(metrics)}")
        self._student_loss = as_losses(loss)
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: Any = None, **kwargs: Any) -> Any:
        """What the student computes."""
        return self.student(inputs, training=training, **kwargs)

    # ---- losses --------------------------------------------------------------------------------

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The weighted sum of the student's loss and the distillation losses, a scalar.

        Args:
            x: inputs.
            y: labels.
            y_pred: what the student computes from ``x``; computed here by default.
            sample_weight: not used, as in Keras.
            training: whether the student runs as in training, where ``y_pred`` is not given.
        """
        if y_pred is None:
            y_pred = self(x, training=training)
        alpha = self.student_loss_weight
        student_loss = self._supervised_loss(y, y_pred) if alpha > 0 and y is not None else 0.0
        distillation_loss = self._distillation_loss(x, y_pred) if alpha < 1 else 0.0
        total = ops.add(
            ops.multiply(alpha, student_loss), ops.multiply(1 - alpha, distillation_loss)
        )
        self.student_loss_tracker.update_state(student_loss)
        self.distillation_loss_tracker.update_state(distillation_loss)
        self.total_loss_tracker.update_state(total)
        return total

    def _supervised_loss(self, y: Any, y_pred: Any) -> Any:
        values = tree.map_structure(lambda loss, a, b: loss(a, b), self._student_loss, y, y_pred)
        flat = tree.flatten(values)
        total = flat[0] if len(flat) == 1 else ops.sum(ops.stack(flat))
        return ops.mean(total) if total.ndim else total

    def _distillation_loss(self, x: Any, y_pred: Any) -> Any:
        of_teacher, of_student = self._teacher_feature_extractor, self._student_feature_extractor
        teacher = {FINAL: self.teacher(x, training=False)} if of_teacher is None else of_teacher(
            x, training=False
        )  # fmt: skip
        student = {FINAL: y_pred} if of_student is None else of_student(x, training=True)
        total: Any = 0.0
        for loss, weight in zip(
            self.distillation_losses, self.distillation_loss_weights, strict=True
        ):
            teacher_name = getattr(loss, "teacher_layer_name", None)
            if teacher_name is None:
                found = teacher[FINAL], y_pred
            else:
                found = teacher[teacher_name], student[loss.student_layer_name or FINAL]
            loss.validate_outputs(*found)
            value = loss.compute_loss(*found)
            if getattr(value, "shape", ()):
                raise ShapeError(
                    f"The compute_loss method of {type(loss).__name__} must return a scalar; it "
                    f"returned a non-scalar loss with shape {tuple(value.shape)}. Take its mean."
                )
            total = ops.add(total, ops.multiply(weight, value))
        return total

    # ---- configs -------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The models, the losses and their weights, as plain data."""
        return {
            **super().get_config(),
            "teacher": serialize_keras_object(self.teacher),
            "student": serialize_keras_object(self.student),
            "distillation_losses": [serialize_keras_object(x) for x in self.distillation_losses],
            "distillation_loss_weights": list(self.distillation_loss_weights),
            "student_loss_weight": self.student_loss_weight,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """The distiller with these models and losses."""
        objects = ("teacher", "student", "distillation_losses")
        read = {name: deserialize_keras_object(config[name], custom_objects) for name in objects}
        return cls(**{**config, **read})


def _paired(losses: Any, weights: Any) -> tuple[list[Any], list[float]]:
    """The distillation losses as a list, and a weight for each."""
    if losses is None:
        raise ArgumentError(
            "'distillation_losses' cannot be `None`. Pass a distillation loss, such as "
            "LogitsDistillation or FeatureDistillation, or a list of them."
        )
    if not isinstance(losses, (list, tuple)):
        return [losses], [1.0]
    if weights is None:
        return list(losses), [1.0] * len(losses)
    if len(weights) != len(losses):
        raise ArgumentError(
            f"Number of distillation_loss_weights ({len(weights)}) must match number of "
            f"distillation_losses ({len(losses)})"
        )
    return list(losses), list(weights)


def _checked_weight(weight: Any) -> float:
    if not isinstance(weight, (int, float)):
        raise ArgumentError(f"student_loss_weight must be a number, got {type(weight)}")
    if not 0 <= weight <= 1:
        raise ArgumentError(f"student_loss_weight must be between 0.0 and 1.0, got {weight}")
    return weight


def _check_models(teacher: Any, student: Any) -> None:
    """Raises where two models cannot be teacher and student.

    Raises:
        ArgumentError: one is no model, or their dtypes differ.
        ShapeError: their shapes differ.
    """
    for role, model in (("Teacher", teacher), ("Student", student)):
        if not isinstance(model, Model):
            raise ArgumentError(f"{role} must be a keras.Model, got {type(model)}")
    for which in ("input", "output"):
        if hasattr(teacher, f"{which}s") and hasattr(student, f"{which}s"):
            tree.map_structure(
                lambda a, b, which=which: _check_alike(a, b, which),
                getattr(teacher, f"{which}s"),
                getattr(student, f"{which}s"),
            )


def _check_alike(teacher: Any, student: Any, which: str) -> None:
    shown = f"Teacher: {teacher.shape}, Student: {student.shape}."
    if len(teacher.shape) != len(student.shape):
        raise ShapeError(f"Teacher and student {which} shapes have different dimensions. {shown}")
    pairs = zip(teacher.shape, student.shape, strict=True)
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ShapeError(
            f"Teacher and student {which} shapes are incompatible. {shown} All dimensions must "
            "match."
        )
    if teacher.dtype != student.dtype:
        raise ArgumentError(
            f"Teacher and student {which} dtypes must match. Teacher: {teacher.dtype}, Student: "
            f"{student.dtype}."
        )


register_public("keras.distillation", Distiller)
