"""The losses given to ``compile``: resolved by the shapes of targets and outputs, and summed."""

from __future__ import annotations

from typing import Any

from etude import losses, metrics, tree
from etude.errors import ArgumentError, ShapeError, unknown_name
from etude.losses import Loss
from etude.naming import to_snake_case
from etude.ops.core import cast
from etude.tracebacks import warn
from etude.training.outputs import Outputs, Part, assignments
from etude.variable import Variable

__all__ = ["CompileLoss", "kind_of_labels", "resolve_loss"]


def kind_of_labels(y_true: Any, y_pred: Any) -> str:
    """``"binary"``, ``"sparse"`` or ``"categorical"``, as the last axes of labels and outputs say.

    >>> import numpy as np
    >>> kind_of_labels(np.zeros((8,)), np.zeros((8, 10)))
    'sparse'
    """
    if not y_pred.shape or y_pred.shape[-1] == 1:
        return "binary"
    if len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1:
        return "sparse"
    return "categorical"


_CROSSENTROPIES = {
    "binary": "binary_crossentropy",
    "sparse": "sparse_categorical_crossentropy",
    "categorical": "categorical_crossentropy",
}


def resolve_loss(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A loss from an object, a function or a name; ``"crossentropy"`` is resolved by the shapes.

    Raises:
        UnknownNameError: there is no loss of that name.
    """
    if identifier is None:
        return None
    name = identifier
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        identifier = _CROSSENTROPIES[kind_of_labels(y_true, y_pred)]
    found = losses.get(identifier)
    if isinstance(found, Loss):
        return found
    if not isinstance(name, str):
        name = getattr(found, "name", None) or getattr(found, "__name__", type(found).__name__)
        name = to_snake_case(str(name))
    return losses.LossFunctionWrapper(found, name=name)


class CompileLoss:
    """The weighted sum of the losses of all outputs.

    Args:
        loss: a loss for all outputs, or one per output: list, dictionary by name, or structure.
            A list in the place of one loss means their sum. In a structure, a function in the
            place of nested outputs is the loss of all of them.
        loss_weights: factors, given in the same way.
        output_names: names of the outputs, flat, where the model knows them.

    Attributes:
        metrics: means of the losses of each output, where there are several.

    Raises:
        ArgumentError: losses, weights or targets do not fit the outputs.
    """

    def __init__(
        self, loss: Any, loss_weights: Any = None, output_names: list[str] | None = None
    ) -> None:
        if loss_weights is not None and not isinstance(
            loss_weights, (list, tuple, dict, float, int)
        ):
            raise ArgumentError(
                "Expected `loss_weights` argument to be a number, list, tuple, or dict. Received "
                f"instead: loss_weights={loss_weights} of type {type(loss_weights)}"
            )
        self.loss = loss
        self.loss_weights = loss_weights
        self.output_names = output_names
        self.metrics: list[Any] = []
        self.terms: list[_Term] = []
        self.outputs: Outputs | None = None
        self._with_loss: set[int] = set()  # the places of outputs that have one
        self.built = False

    @property
    def variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves the losses by targets and outputs, or symbols of them."""
        outputs = self.outputs = Outputs(y_pred, self.output_names)
        chosen = self._chosen(outputs)
        self._with_loss = {place for part, _, _ in chosen for place in part.places}
        targets, predictions = self._targets(y_true, outputs), tree.flatten(y_pred)
        self.terms = []
        for part, identifier, weight in chosen:
            y, y_hat = part.of(targets), part.of(predictions)
            loss = resolve_loss(identifier, y, y_hat)
            classes = y_hat.shape[-1] if part.is_leaf and len(y_hat.shape) > 1 else None
            self.terms.append(_Term(part, loss, weight, part.name or loss.name, classes))
        if len(self.terms) > 1:
            self.metrics = [metrics.Mean(name=f"{term.name}_loss") for term in self.terms]
        self.built = True

    def _chosen(self, outputs: Outputs) -> list[tuple[Part, Any, Any]]:
        """The losses: of which outputs, what `compile` was given, and its weight."""
        loss, weights = self.loss, self.loss_weights
        if outputs.count == 1:
            loss = _entries(loss, outputs, "loss")
            weights = None if weights is None else _entries(weights, outputs, "loss_weights")
            return list(assignments(loss, weights, outputs.leaves[0]))
        if tree.is_nested(loss) and not _is_per_output(loss, outputs):
            if outputs.are_named_by(weights) and not isinstance(outputs.structure, dict):
                weights = outputs.spread(weights, "loss_weights")
            return list(assignments(loss, weights, outputs.whole))
        per_output = outputs.for_each(loss, "loss")
        factors = outputs.for_each(weights, "loss_weights")
        settings = zip(per_output, factors, outputs.leaves, strict=True)
        return [found for setting in settings for found in assignments(*setting)]

    def _targets(self, y_true: Any, outputs: Outputs) -> list[Any]:
        """The targets in the order of the outputs; ``None`` for outputs without a loss."""
        if isinstance(y_true, dict) and (outputs.count > 1 or len(y_true) == 1):
            by_name = self._targets_by_name(y_true, outputs)
            if by_name is not None:
                return by_name
        flat = outputs.flatten(y_true)
        if len(flat) == outputs.count:
            return flat
        if outputs.count > 1 and len(flat) == len(self._with_loss):
            found = dict(zip(sorted(self._with_loss), flat, strict=True))
            return [found.get(place) for place in range(outputs.count)]
        raise ArgumentError(
            "y_true and y_pred have different structures: the model has "
            f"{outputs.count} outputs, named {outputs.names}, but there are {len(flat)} targets "
            f"with a structure of {tree.map_structure(lambda _: '*', y_true)}. Pass one target per "
            "output, in a list or in a dictionary by name."
        )

    def _targets_by_name(self, y_true: dict[str, Any], outputs: Outputs) -> list[Any] | None:
        """Targets under the names of the outputs; ``None`` where the outputs have no names.

        Raises:
            ArgumentError: a name is that of no output, or an output with a loss has no target.
        """
        known = [names for names in (outputs.names, outputs.model_names) if names and all(names)]
        if not known or any(tree.is_nested(value) for value in y_true.values()):
            return None
        names = max(known, key=lambda names: len(set(names) & set(y_true)))
        unknown = [key for key in y_true if key not in names]
        if unknown:
            raise unknown_name("name of an output in `y`", unknown[0], names)
        missing = [names[i] for i in sorted(self._with_loss) if names[i] not in y_true]
        if missing:
            raise ArgumentError(
                f"The output {missing[0]!r} has a loss, but `y` holds no target of that name; it "
                f"has {list(y_true)}. Add one, or leave the output out of `loss`."
            )
        return [y_true.get(str(name)) for name in names]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum of the losses; ``None`` where no output has one."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = self.outputs
        assert outputs is not None
        targets, predictions = self._targets(y_true, outputs), tree.flatten(y_pred)
        if tree.is_nested(sample_weight):
            weights = outputs.flatten(sample_weight)
            if len(weights) == 1:
                weights = weights * outputs.count
        else:
            weights = [sample_weight] * outputs.count
        total = None
        for index, term in enumerate(self.terms):
            prediction = term.part.of(predictions)
            weight = weights[term.part.place]
            value = _value(term, term.part.of(targets), prediction, weight)
            value = (
                cast(value, "float32") if str(value.dtype).startswith(("int", "uint")) else value
            )
            if self.metrics:
                samples = predictions[term.part.place].shape[0]
                self.metrics[index].update_state(value, sample_weight=samples)
            if term.weight is not None:
                value = value * term.weight
            total = value if total is None else total + value
        return total


def _value(term: _Term, target: Any, prediction: Any, weight: Any) -> Any:
    """The loss of one output; where the shapes do not fit, an error that says what may be wrong."""
    _warn_of_broadcast(term, target, prediction)
    try:
        return term.loss(target, prediction, weight)
    except ShapeError as error:
        both = hasattr(target, "shape") and hasattr(prediction, "shape")
        is_sparse = getattr(term.loss, "fn", None) is losses.sparse_categorical_crossentropy
        shapes = (tuple(target.shape), tuple(prediction.shape)) if both else None
        hint = _hint(*shapes, is_sparse) if shapes else ""
        if not hint or (weight is not None and _fits(term, target, prediction)):
            raise  # as it is: the message speaks of the weights
        raise ShapeError(f"The loss '{term.loss.name}' failed. {hint} ({error})") from error


def _fits(term: _Term, target: Any, prediction: Any) -> bool:
    try:
        term.loss(target, prediction)
    except ShapeError:
        return False
    return True


def _warn_of_broadcast(term: _Term, target: Any, prediction: Any) -> None:
    """Several targets against one output would be broadcast: hardly ever what is meant."""
    shapes: list[tuple[Any, ...]] = [tuple(getattr(v, "shape", ())) for v in (target, prediction)]
    ours = getattr(term.loss, "fn", None) in _ELEMENTWISE
    if not ours or min(map(len, shapes)) < 2 or len(shapes[0]) != len(shapes[1]):
        return
    wanted, given = shapes[0][-1], shapes[1][-1]
    if given == 1 and wanted is not None and wanted > 1:
        warn(
            f"The targets have the shape {shapes[0]} and the outputs {shapes[1]}: every target is "
            f"compared with the one output. The last layer needs {wanted} units, one per target."
        )


_ELEMENTWISE = (
    losses.mean_squared_error,
    losses.mean_absolute_error,
    losses.mean_squared_logarithmic_error,
    losses.huber,
    losses.log_cosh,
    losses.binary_crossentropy,
)


def _hint(target: tuple[int, ...], output: tuple[int, ...], is_sparse: bool) -> str:
    """What a beginner most likely forgot, from the shapes of targets and outputs."""
    shown = f"The targets have the shape {target} and the outputs {output}"
    if len(output) > max(len(target), 2):
        return (
            f"{shown}: the outputs kept axes of the inputs. Is a Flatten or a pooling layer "
            "missing before the last Dense?"
        )
    if len(target) == 1 and len(output) == 2:
        return (
            f"{shown}: one number per sample against {output[1]}. For classes use the loss "
            "'sparse_categorical_crossentropy'; to predict one number, end in Dense(1)."
        )
    if target == output:
        return (
            f"{shown}: vectors against vectors. For one-hot targets use the loss "
            "'categorical_crossentropy'."
        )
    if is_sparse:
        return f"{shown}: of classes, each sample has one integer, here of shape {output[:-1]}."
    if len(target) == len(output) and target[:-1] == output[:-1]:
        return f"{shown}: the last layer needs {target[-1]} units, one per target."
    return ""


class _Term:
    """One loss of a part of the outputs, of which `classes` is the size of the last axis."""

    __slots__ = ("classes", "loss", "name", "part", "weight")

    def __init__(
        self, part: Part, loss: Any, weight: float | None, name: str, classes: int | None
    ) -> None:
        self.part, self.loss, self.weight, self.name = part, loss, weight, name
        self.classes = classes


def _is_per_output(loss: Any, outputs: Outputs) -> bool:
    """Whether losses are given one per output, in a flat list or under the outputs' names."""
    if isinstance(loss, dict):
        return outputs.are_named_by(loss) or not isinstance(outputs.structure, dict)
    return not any(map(tree.is_nested, loss))


def _entries(setting: Any, outputs: Outputs, argument: str) -> list[Any]:
    """The entries for the only output."""
    if isinstance(setting, dict):
        outputs.check_names(setting, argument)
        setting = list(setting.values())
    if isinstance(setting, (list, tuple)):
        return tree.flatten(setting)
    return [setting]
