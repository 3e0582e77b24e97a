"""The metrics given to ``compile``: resolved by the shapes of targets and outputs, and updated."""

from __future__ import annotations

from typing import Any

from etude import metrics, tree
from etude.errors import ArgumentError
from etude.naming import to_snake_case
from etude.tracebacks import warn
from etude.training.compiled_losses import kind_of_labels
from etude.training.outputs import Outputs
from etude.variable import Variable

__all__ = ["CompileMetrics", "resolve_metric"]

_ACCURACIES = {
    "binary": "BinaryAccuracy",
    "sparse": "SparseCategoricalAccuracy",
    "categorical": "CategoricalAccuracy",
}
_CROSSENTROPIES = {
    "binary": "BinaryCrossentropy",
    "sparse": "SparseCategoricalCrossentropy",
    "categorical": "CategoricalCrossentropy",
}


def resolve_metric(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A metric from an object, a function or a name; ``"accuracy"`` is resolved by the shapes.

    Raises:
        UnknownNameError: there is no metric of that name.
        ArgumentError: it is ``None``.
    """
    if identifier is None:
        raise ArgumentError("Expected metric, received `None`")
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        found = getattr(metrics, _ACCURACIES[kind_of_labels(y_true, y_pred)])(name=identifier)
    elif isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        found = getattr(metrics, _CROSSENTROPIES[kind_of_labels(y_true, y_pred)])(name=identifier)
    else:
        found = metrics.get(identifier)
    if not isinstance(found, metrics.Metric):
        name = getattr(found, "name", None) or getattr(found, "__name__", type(found).__name__)
        found = metrics.MeanMetricWrapper(found, name=to_snake_case(str(name)))
    if isinstance(identifier, str):
        found.name = identifier
    return found


class CompileMetrics:
    """All metrics of all outputs.

    Args:
        metrics: metrics for the only output, or one list of metrics per output: list, dictionary
            by name, or structure.
        weighted_metrics: likewise; these get the sample weights.
        output_names: names of the outputs, flat, where the model knows them.

    Raises:
        ArgumentError: they do not fit the outputs.
    """

    name = "compile_metrics"

    def __init__(
        self, metrics: Any, weighted_metrics: Any, output_names: list[str] | None = None
    ) -> None:
        for argument, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value and not isinstance(value, (list, tuple, dict)):
                raise ArgumentError(
                    f"compile() takes `{argument}` as a list, a tuple or a dict; got {value!r} of "
                    f"type {type(value).__name__}. Did you mean `{argument}=[{value!r}]`?"
                )
        self.plain, self.weighted = metrics, weighted_metrics
        self.output_names = output_names
        self.outputs: Outputs | None = None
        self.terms: list[_Term] = []
        self.built = False

    @property
    def metrics(self) -> list[Any]:
        """The metrics, resolved."""
        return [term.metric for term in self.terms]

    @property
    def variables(self) -> list[Variable]:
        """The variables of the metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves the metrics by targets and outputs, or symbols of them."""
        outputs = self.outputs = Outputs(y_pred, self.output_names)
        targets, predictions = _targets(y_true, outputs), tree.flatten(y_pred)
        self.terms = []
        for given, weighted in ((self.plain, False), (self.weighted, True)):
            argument = "weighted_metrics" if weighted else "metrics"
            for place, identifiers in enumerate(_per_output(given, outputs, argument)):
                for identifier in identifiers:
                    metric = resolve_metric(identifier, targets[place], predictions[place])
                    prefix = outputs.names[place] if outputs.count > 1 else None
                    _warn_of_sparse_targets(metric, targets[place], predictions[place])
                    self.terms.append(_Term(place, metric, weighted, prefix))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes a batch into account."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = self.outputs
        assert outputs is not None
        targets, predictions = _targets(y_true, outputs), tree.flatten(y_pred)
        weights = [None] * outputs.count
        if sample_weight is not None:
            weights = outputs.flatten(sample_weight)
            if len(weights) < outputs.count:
                weights = [weights[0]] * outputs.count
        for term in self.terms:
            y_t, y_p = targets[term.place], predictions[term.place]
            if y_t is None:
                continue
            if term.weighted:
                term.metric.update_state(y_t, y_p, sample_weight=weights[term.place])
            else:
                term.metric.update_state(y_t, y_p)

    def reset_state(self) -> None:
        """Forgets all batches."""
        for term in self.terms:
            term.metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The values by name; the output's name comes first where there are several outputs."""
        results: dict[str, Any] = {}
        used: dict[str, int] = {}
        for term in self.terms:
            name = term.name
            if name in used and term.weighted and f"weighted_{term.metric.name}" not in used:
                base = f"weighted_{term.metric.name}"
                name = f"{term.prefix}_{base}" if term.prefix else base
            if name in used:
                name, used[name] = f"{name}_{used[name]}", used[name] + 1
            used.setdefault(name, 1)
            result = results[name] = term.metric.result()
            if result is None:
                raise ArgumentError(
                    f"result() of the metric '{term.metric.name}' ({type(term.metric).__name__}) "
                    "returned None. Is a `return` missing?"
                )
        return results


def _warn_of_sparse_targets(metric: Any, target: Any, prediction: Any) -> None:
    """Warns where a metric takes the largest of a target that is one number per sample."""
    fn: Any = getattr(metric, "_fn", None)
    if fn not in (metrics.categorical_accuracy, metrics.top_k_categorical_accuracy):
        return
    shapes = [tuple(getattr(part, "shape", ())) for part in (target, prediction)]
    if len(shapes[0]) < len(shapes[1]) or (shapes[0][-1:] == (1,) and shapes[1][-1:] != (1,)):
        warn(
            f"The metric '{metric.name}' expects one-hot targets of shape {shapes[1]}; got "
            f"{shapes[0]}, and its values mean nothing. For one number per sample use "
            f"'sparse_{fn.__name__}', or simply 'accuracy'."
        )


class _Term:
    """One metric of one output."""

    __slots__ = ("metric", "place", "prefix", "weighted")

    def __init__(self, place: int, metric: Any, weighted: bool, prefix: str | None) -> None:
        self.place, self.metric, self.weighted, self.prefix = place, metric, weighted, prefix

    @property
    def name(self) -> str:
        return f"{self.prefix}_{self.metric.name}" if self.prefix else self.metric.name


def _targets(y_true: Any, outputs: Outputs) -> list[Any]:
    flat = outputs.flatten(y_true)
    if len(flat) < outputs.count:
        flat = flat + [None] * (outputs.count - len(flat))
    return flat


def _per_output(given: Any, outputs: Outputs, argument: str) -> list[list[Any]]:
    """The metrics of each output."""
    if not given:
        return [[] for _ in range(outputs.count)]
    if outputs.count == 1:
        if isinstance(given, dict):
            outputs.check_names(given, argument)
        return [tree.flatten(given)]
    entries = outputs.spread(given, argument)
    return [[] if e is None else list(e) if isinstance(e, (list, tuple)) else [e] for e in entries]
