"""Makes all weights and metrics before the first step, from one batch of data.

A batch is replaced by symbols, and the model, its metrics and its loss are evaluated abstractly on
them. So wrong shapes are found before anything is compiled, and nothing is computed twice. (A model
that runs eagerly is called on the batch itself.)
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from etude import tree
from etude.autodiff import KerasTensor, eval_shape, symbolic
from etude.data.unpacking import unpack_x_y_sample_weight
from etude.dtypes import standardize_dtype
from etude.errors import EtudeError, NotBuiltError
from etude.training.step import batch_size_of

__all__ = ["build_from_batch", "symbols_of"]


def symbols_of(batch: Any) -> Any:
    """A batch with symbols in the place of arrays; floats get the dtype that steps will see."""
    return tree.map_structure(
        lambda a: KerasTensor(a.shape, standardize_dtype(a.dtype)) if hasattr(a, "shape") else a,
        batch,
    )


def build_from_batch(model: Any, batch: Any, targets: bool = True, even: bool = True) -> None:
    """Builds what of a compiled model is not built yet.

    Args:
        model: the model.
        batch: a batch of data ``(x, y, sample_weight)``.
        targets: whether loss and metrics are built too.
        even: whether all batches have the size of this one; if not, it is a sample, and what is
            built is open to other sizes.

    Raises:
        NotBuiltError: ``call`` fails for a reason that is none of the data.
    """
    x, y, _ = unpack_x_y_sample_weight(batch if model.run_eagerly else symbols_of(batch))
    unbuilt = not all(layer.built for layer in model._flatten_layers())
    metrics, loss = model._compile_metrics, model._compile_loss
    wanted = [part for part in (metrics, loss) if targets and part is not None and not part.built]
    if unbuilt or wanted:
        y_pred = _outputs(model, x, even)
        if y_pred is not None and y is not None:
            for part in wanted:
                if part is metrics or not _is_built_by_own_compute_loss(model, x, y, y_pred):
                    part.build(y, y_pred)
    optimizer = getattr(model, "optimizer", None)
    unbuilt = not all(layer.built for layer in model._flatten_layers())
    if not targets or optimizer is None or unbuilt or getattr(optimizer, "built", True):
        return
    if model.trainable_weights:
        optimizer.build(model.trainable_weights)


def _outputs(model: Any, x: Any, even: bool) -> Any:
    """The symbolic outputs of a model; ``None`` where only its own ``train_step`` can say.

    A model that runs eagerly computes real ones: its ``call`` may look at values.
    """
    try:
        if model.run_eagerly:
            return model(x, training=False)
        arrays = any(leaf is not None for leaf in tree.flatten(x))
        known = even or not arrays
        with nullcontext() if known else symbolic.sample_batch(batch_size_of(x)):
            return eval_shape(lambda inputs: model(inputs, training=False), x)
    except EtudeError:
        if _trains_itself(model):
            return None
        raise
    except Exception as error:
        if _trains_itself(model):
            return None
        if isinstance(error, (ValueError, NotImplementedError)):
            raise
        raise NotBuiltError(
            f"Model '{model.name}' cannot be built from the data: its `call()` raised "
            f"{type(error).__name__}: {error}. Inputs: {tree.map_structure(repr, x)}. Call the "
            "model on a batch of data to see where."
        ) from error


def _is_built_by_own_compute_loss(model: Any, x: Any, y: Any, y_pred: Any) -> bool:
    """Evaluates a user's ``compute_loss``, which may give the losses other outputs than ``call``'s.

    Returns:
        Whether the losses are built; or, in a model that runs eagerly, will be by its first step.
    """
    if type(model).compute_loss.__module__ == "etude.training.step":
        return False
    if model.run_eagerly:
        return True
    try:
        eval_shape(lambda *data: model._compute_loss(*data, None, training=False), x, y, y_pred)
    except Exception:
        return False
    return model._compile_loss.built


def _trains_itself(model: Any) -> bool:
    """Whether the model has a ``train_step`` of its own, which may never run ``call``."""
    return type(model).train_step.__module__ != "etude.training.step"
