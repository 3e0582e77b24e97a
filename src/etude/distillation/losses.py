"""How far a student's outputs, or its features, are from those of its teacher."""

from __future__ import annotations

from typing import Any

from etude import losses, ops, tree
from etude.errors import ArgumentError
from etude.saving.registration import register_public
from etude.saving.serialization import serialize_keras_object

__all__ = ["DistillationLoss", "FeatureDistillation", "LogitsDistillation", "as_losses"]


class DistillationLoss:
    """How far a student is from its teacher; the base of such losses.

    Subclasses write ``compute_loss``, and ``get_config`` where they are to be saved.

    Example:
        >>> class Gap(DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        ...         return ops.max(ops.abs(teacher_outputs - student_outputs))
        >>> float(Gap().compute_loss(ops.array([1.0, 2.0]), ops.array([1.0, 5.0])))
        3.0
    """

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """A scalar: how far the student is from the teacher; subclasses write it."""
        raise NotImplementedError(
            f"{type(self).__name__} must implement compute_loss(teacher_outputs, student_outputs), "
            "which returns a scalar."
        )

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Checks that teacher and student have outputs of one structure.

        Raises:
            ArgumentError: they have not.
        """
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Checks that this loss can be taken between two models; subclasses may write it."""


def as_losses(loss: Any) -> Any:
    """A structure of losses and their names with the losses themselves; None stays.

    >>> as_losses(["mse", None])[0].__name__
    'mean_squared_error'
    """
    return tree.map_structure(
        lambda item: losses.get(item) if isinstance(item, str) else item, loss
    )


class _LossPerOutput(DistillationLoss):
    """A loss for each output, or None for an output that is left out."""

    def _set_loss(self, loss: Any) -> None:
        self.loss = as_losses(loss)
        if all(item is None for item in tree.flatten(self.loss)):
            raise ArgumentError(
                f"The `loss` of {type(self).__name__} must contain at least one non-`None` value; "
                f"got {loss!r}."
            )

    def _sum(self, teacher_outputs: Any, student_outputs: Any) -> Any:
        """Σ over outputs of the mean loss."""
        found = tree.map_structure(self._one, self.loss, teacher_outputs, student_outputs)
        return ops.sum(ops.stack(tree.flatten(found)))

    def _one(self, loss: Any, teacher: Any, student: Any) -> Any:
        return 0.0 if loss is None else ops.mean(loss(teacher, student))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The loss with these arguments."""
        return cls(**{**config, "loss": _read(config["loss"])})


def _read(loss: Any) -> Any:
    """The losses that configs in a structure describe."""
    if isinstance(loss, (list, tuple)):
        return type(loss)(map(_read, loss))
    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _read(item) for key, item in loss.items()}
    return losses.deserialize(loss)


class FeatureDistillation(_LossPerOutput):
    """The loss between the outputs of a layer of the teacher and of a layer of the student.

    L = Σ over outputs of mean ℓ(teacher's, student's).

    Args:
        loss: ℓ, a loss or its name; for a layer with several outputs a structure of them, with None
            for an output that is left out.
        teacher_layer_name: the layer of the teacher; its final output by default.
        student_layer_name: the layer of the student; its final output by default.

    Raises:
        ArgumentError: there is no loss at all.

    Source: Romero et al. 2015, "FitNets: Hints for Thin Deep Nets".

    Example:
        >>> loss = FeatureDistillation("mse")
        >>> float(loss.compute_loss(ops.array([[1.0, 3.0]]), ops.array([[0.0, 1.0]])))
        2.5
    """

    def __init__(
        self,
        loss: Any = "mse",
        teacher_layer_name: str | None = None,
        student_layer_name: str | None = None,
    ) -> None:
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name
        self._set_loss(loss)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Checks that both models have the layers, and know their graphs.

        Raises:
            ArgumentError: they have not.
        """
        for role, model, layer in (
            ("teacher", teacher, self.teacher_layer_name),
            ("student", student, self.student_layer_name),
        ):
            if (self.teacher_layer_name or self.student_layer_name) and not hasattr(
                model, "inputs"
            ):
                raise ArgumentError(
                    "FeatureDistillation with layer names requires Functional or Sequential "
                    f"models, whose layers can be looked into; the {role} is a "
                    f"{type(model).__name__} without symbolic inputs. Leave the names out, "
                    "which compares the final outputs, or use LogitsDistillation."
                )
            if layer is not None:
                try:
                    model.get_layer(name=layer)
                except ValueError as error:
                    raise ArgumentError(f"In {role} model: {error}") from error

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Checks that the losses have the structure of the outputs, too.

        Raises:
            ArgumentError: they have not.
        """
        super().validate_outputs(teacher_outputs, student_outputs)
        try:
            tree.assert_same_structure(self.loss, teacher_outputs)
        except ValueError as error:
            raise ArgumentError(f"Loss structure mismatch: {error}") from error

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum of the mean losses, a scalar."""
        return self._sum(teacher_outputs, student_outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments, as plain data."""
        return {
            "loss": serialize_keras_object(self.loss),
            "teacher_layer_name": self.teacher_layer_name,
            "student_layer_name": self.student_layer_name,
        }


class LogitsDistillation(_LossPerOutput):
    """The loss between the outputs of teacher and student, softened by a temperature.

    With the logits divided by T, L = Σ over outputs of mean ℓ(teacher's, student's). Where ℓ is a
    `KLDivergence`, both become probabilities by a softmax, and the loss is multiplied by T², so
    that its gradient does not shrink with T.

    Args:
        temperature: T; more is softer, typically 3 to 5.
        loss: ℓ, a loss or its name; for several outputs a structure of them, with None for an
            output that is left out.

    Raises:
        ArgumentError: the temperature is no positive number, or there is no loss at all.

    Source: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network".

    Example:
        >>> loss = LogitsDistillation(temperature=2.0, loss=losses.KLDivergence())
        >>> float(loss.compute_loss(ops.array([[1.0, 3.0]]), ops.array([[1.0, 3.0]])))
        0.0
    """

    teacher_layer_name = student_layer_name = None

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        self.temperature = temperature
        self._set_loss(loss)
        if not isinstance(temperature, (int, float)):
            raise ArgumentError(f"temperature must be a number, got {type(temperature).__name__}.")
        if temperature <= 0:
            raise ArgumentError(f"temperature must be positive; got {temperature}.")

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum of the mean losses of the softened outputs, a scalar."""
        soft_teacher, soft_student = (
            tree.map_structure(lambda x: ops.divide(x, self.temperature), outputs)
            for outputs in (teacher_outputs, student_outputs)
        )
        return self._sum(soft_teacher, soft_student)

    def _one(self, loss: Any, teacher: Any, student: Any) -> Any:
        if not isinstance(loss, losses.KLDivergence):
            return super()._one(loss, teacher, student)
        p, q = ops.softmax(teacher, axis=-1), ops.softmax(student, axis=-1)
        return ops.mean(loss(p, q)) * self.temperature**2

    def get_config(self) -> dict[str, Any]:
        """The arguments, as plain data."""
        return {"temperature": self.temperature, "loss": serialize_keras_object(self.loss)}


register_public("keras.distillation", DistillationLoss, FeatureDistillation, LogitsDistillation)
