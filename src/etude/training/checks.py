"""What a beginner's data often gets wrong, found on the host before the first step."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import losses, tree
from etude.errors import DataError, ShapeError
from etude.layers.base.input_spec import is_one_sample
from etude.tracebacks import warn

__all__ = [
    "check_batch_axis",
    "check_ids",
    "check_labels",
    "check_targets",
    "warn_of_fruitless_training",
    "warn_of_not_finite",
]


def check_batch_axis(model: Any, x: Any, y: Any = None, streamed: bool = False) -> None:
    """Raises where a single sample is passed, which lacks the axis of the batch.

    Args:
        model: the model; one that was never called on anything may take what it likes.
        x: the inputs as they were given.
        y: the targets.
        streamed: whether `x` is what a data set or generator gave as its first batch.

    Raises:
        ShapeError: an input is a single sample.
    """
    if streamed and type(model).train_step.__module__ != "etude.training.step":
        return  # its batches may be anything
    shapes = _input_shapes(model)
    by_name = isinstance(x, dict)
    if by_name:
        values = [x.get(name) for name, _ in shapes]
    elif isinstance(x, (list, tuple)) and any(hasattr(part, "shape") for part in x):
        values = tree.flatten(x)
    else:
        values = [x]
    if len(values) != len(shapes):
        return
    for place, (value, (name, expected)) in enumerate(zip(values, shapes, strict=True)):
        shape = _shape_of(value)
        if shape is None or not is_one_sample(shape, expected):
            continue
        shown = f"x[{name!r}]" if by_name else f"x[{place}]" if len(shapes) > 1 else "x"
        if streamed:
            raise ShapeError(
                f"The data gives single samples: `{shown}` has the shape {shape}, but the model "
                f"'{model.name}' expects batches of shape {expected}, where the first axis counts "
                "the samples. Group them: `dataset.batch(32)`; a generator yields arrays of "
                "several samples."
            )
        fix = f"{shown}[None]" if hasattr(value, "shape") else f"numpy.array([{shown}])"
        raise ShapeError(
            f"`{shown}` has the shape {shape}, which is that of a single sample: the model "
            f"'{model.name}' expects {expected}, where the first axis counts the samples. Add that "
            f"axis: `{fix}`{'' if y is None else ', and to `y` where it lacks it too'}."
        )


def _input_shapes(model: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Names and shapes of the inputs, batch included; empty where they are not known."""
    graph = _graph_of(model)
    if graph is not None:
        return [(t.name, t.shape) for t in graph.inputs if t.shape]
    built = list((getattr(model, "_build_shapes", None) or {}).items())
    if len(built) != 1 or not isinstance(built[0][1], tuple):
        return []
    name, shape = built[0]
    sizes = all(size is None or isinstance(size, int) for size in shape)
    return [(name, (None, *shape[1:]))] if sizes and shape else []


def _shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of an array or of nested lists of numbers; ``None`` for all else."""
    if hasattr(value, "__array__") and hasattr(value, "shape"):
        return tuple(value.shape)
    sizes: list[int] = []
    while isinstance(value, (list, tuple)) and value:
        sizes.append(len(value))
        value = value[0]
    return tuple(sizes) if sizes and isinstance(value, (int, float)) else None


def check_targets(model: Any, y: Any, expected: str = "fit(x, y, ...)") -> None:
    """Raises where the model was compiled with a loss, but there are no targets.

    Args:
        model: a compiled model.
        y: the targets.
        expected: what should have been written, for the message.

    Raises:
        DataError: there are none.
    """
    compiled = model._compile_loss
    if y is None and compiled is not None and compiled.loss is not None:
        if type(model).compute_loss.__module__ != "etude.training.step":
            return
        if type(model).train_step.__module__ != "etude.training.step":
            return
        raise DataError(
            "The model was compiled with a loss, but `y`, the targets, is missing. Pass "
            f"`{expected}`, or data that gives batches `(x, y)`; a dictionary counts as `x` alone."
        )


def check_labels(model: Any, y: Any) -> None:
    """Has every loss look at its targets, e.g. for classes that the model does not have.

    Args:
        model: a model whose losses are built.
        y: the targets as NumPy arrays, in their structure.

    Raises:
        DataError: targets are of no use to their loss.
    """
    compiled = model._compile_loss
    if compiled is None or not compiled.built or compiled.outputs is None or y is None:
        return
    flat = compiled._targets(y, compiled.outputs)
    for term in compiled.terms:
        labels = term.part.of(flat)
        if isinstance(labels, np.ndarray) and labels.size:
            name = "y" if len(flat) == 1 else f"y[{term.name!r}]"
            term.loss.check_targets(labels, term.classes, name)


def check_ids(model: Any, x: Any) -> None:
    """Has every layer that reads an input directly look at it, e.g. for ids without an embedding.

    Args:
        model: a built model; only the inputs of functional and sequential ones are known.
        x: the inputs as NumPy arrays, in their structure.

    Raises:
        DataError: an input is of no use to its layer.
    """
    graph = _graph_of(model)
    if graph is None or not (readers := graph.readers_of_inputs):
        return
    by_name = isinstance(x, dict)
    flat = [x.get(t.name) for t in graph.inputs] if by_name else tree.flatten(x)
    for place, layer in readers:
        value = flat[place] if place < len(flat) else None
        if isinstance(value, np.ndarray) and value.size:
            layer.check_inputs(value, f"x[{graph.inputs[place].name!r}]" if len(flat) > 1 else "x")


def warn_of_fruitless_training(model: Any) -> None:
    """Warns where training changes nothing, or where the last activation and the loss disagree."""
    if not model.trainable_weights and all(layer.built for layer in model._walk()):
        warn(
            f"The model does not have any trainable weights, so training changes nothing: {model}. "
            "Are all layers frozen, or made in `call` instead of `__init__`?"
        )
    graph, compiled = _graph_of(model), model._compile_loss
    if graph is None or compiled is None or not compiled.built:
        return
    for term in compiled.terms:
        if not term.part.is_leaf or compiled.outputs.count != len(graph.outputs):
            continue  # a loss of several outputs, or of others than those of the graph
        layer = graph.producer_of_output(term.part.place)
        activation = getattr(getattr(layer, "activation", None), "__name__", None)
        options = getattr(term.loss, "_fn_kwargs", {})
        wanted = _PROBABILITIES.get(getattr(term.loss, "fn", None))
        if wanted is None or activation is None:
            continue
        if options.get("from_logits") and activation in ("softmax", "sigmoid"):
            advice = "Leave out the activation, or from_logits=True."
        elif not options.get("from_logits") and activation == "linear":
            advice = f"Give that layer activation='{wanted}', or the loss from_logits=True."
        elif getattr(layer, "units", None) == 1 and activation == "softmax":
            advice = "A softmax over one unit is always 1: use activation='sigmoid'."
        else:
            continue
        expects = "logits" if options.get("from_logits") else "probabilities"
        warn(
            f"The loss '{term.loss.name}' expects {expects}, but the last layer, '{layer.name}', "
            f"has the activation '{activation}'. {advice}"
        )


_PROBABILITIES = {
    losses.binary_crossentropy: "sigmoid",
    losses.categorical_crossentropy: "softmax",
    losses.sparse_categorical_crossentropy: "softmax",
}
"""For losses of probabilities, the activation that makes them."""


def _graph_of(model: Any) -> Any:
    """The graph of a functional or sequential model; ``None`` for others."""
    inner = getattr(model, "_functional", None)
    return getattr(model, "_graph", None) or getattr(inner, "_graph", None)


def warn_of_not_finite(arrays: Any, where: str = "") -> None:
    """Warns where inputs, targets or weights hold NaN or infinity: the loss would become NaN.

    It does not raise, because a loss of one's own may well pass over them.

    Args:
        arrays: ``(x, y, sample_weight)``, nested NumPy arrays.
        where: what to say of the data, e.g. that it is for validation.
    """
    names = ("x", "y", "sample_weight")
    for name, part in zip(names, arrays, strict=False):
        for path, leaf in tree.flatten_with_path(part):
            if not isinstance(leaf, np.ndarray) or leaf.dtype.kind != "f":
                continue
            with np.errstate(all="ignore"):
                if np.isfinite(leaf.sum()):
                    continue
            shown = f"{name}{''.join(f'[{key!r}]' for key in path)}"
            for what, bad in (("NaN", np.isnan(leaf)), ("infinity", np.isinf(leaf))):
                if bad.any():
                    place = tuple(int(i) for i in np.argwhere(bad)[0])
                    warn(
                        f"`{shown}`{where} holds {what}: {int(bad.sum())} of {leaf.size} values, "
                        f"the first at index {place}. The loss and the weights will most likely "
                        "become NaN. Drop those samples, or fill them in, e.g. with "
                        "`numpy.nan_to_num`."
                    )
