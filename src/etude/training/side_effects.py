"""Which Python state a step may change while it is traced: what of a model is looked at."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from etude import tree
from etude.autodiff.side_effects import SideEffects
from etude.tracebacks import is_machinery

__all__ = ["watching_side_effects"]

_of_models: weakref.WeakKeyDictionary[Any, SideEffects] = weakref.WeakKeyDictionary()


def watching_side_effects(
    model: Any, step: Callable[..., Any], data: Any
) -> AbstractContextManager[None]:
    """Warns where a trace of a step changes attributes of the model, or what belongs to it.

    Args:
        model: the model.
        step: its step, which is traced inside.
        data: the batch, or symbols of it.
    """
    effects = _of_models.setdefault(model, SideEffects())
    name = getattr(step, "__name__", "a step")
    losses = [term.loss for term in getattr(model._compile_loss, "terms", ())]
    compiled = getattr(model._compile_metrics, "metrics", ())
    parts = [*model._flatten_layers(), *model.metrics, *compiled, *losses, model.optimizer]
    objects = {id(part): part for part in parts if part is not None}
    objects = {
        key: part
        for key, part in objects.items()
        if part is model or not is_machinery(type(part).__module__)
    }
    methods = ("call", "train_step", "test_step", "predict_step", "compute_loss", "update_state")
    functions = [
        getattr(part, method)
        for part in objects.values()
        for method in methods
        if hasattr(type(part), method)
    ]
    wrapped = (getattr(part, "fn", None) for part in (*losses, *compiled))
    functions += [function for function in wrapped if callable(function)]
    shapes = tuple(tuple(leaf.shape) for leaf in tree.flatten(data) if hasattr(leaf, "shape"))
    what = f"`{name}` of the model '{model.name}'"
    return effects.watching(what, objects.values(), functions, (name, shapes))
