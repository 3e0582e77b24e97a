"""The base class of all losses: weights, masks, and how many values become one."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from etude import dtype_policies, ops, tree
from etude.autodiff import Tensor
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError, ShapeError
from etude.naming import auto_name, name_scope
from etude.saving.pickling import Saveable

__all__ = [
    "Loss",
    "apply_mask",
    "get_mask",
    "reduce_weighted_values",
    "squeeze_or_expand_to_same_rank",
    "standardize_reduction",
]

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss(Saveable):
    """How far predictions are from targets.

    Subclasses define ``call(y_true, y_pred)``, which returns one value per sample: the last axis
    of the predictions is reduced, the others stay.

    Args:
        name: a name; by default made from that of the class.
        reduction: what becomes of the values per sample:
            ``"sum_over_batch_size"`` and ``"mean"``: their sum, divided by their number;
            ``"mean_with_sample_weight"``: their weighted sum, divided by the sum of the weights;
            ``"sum"``: their sum; ``"none"`` or None: they stay as they are.
        dtype: the dtype to compute in, or a dtype policy; `etude.config.floatx` by default.

    Raises:
        ArgumentError: there is no such reduction.

    Example:
        >>> class MaxError(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.max(ops.abs(y_true - y_pred), axis=-1)
        >>> float(MaxError()([[0.0, 1.0], [2.0, 3.0]], [[0.0, 2.0], [2.0, 6.0]]))
        2.0
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype = compute_dtype(dtype)

    @property
    def dtype(self) -> str:
        """The dtype that the loss computes in."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of a batch.

        Args:
            y_true: the targets, of shape (samples, ...), or a nest of such.
            y_pred: the predictions, likewise. A mask that a layer put on them is honoured.
            sample_weight: a weight per sample, (samples,), or per value, (samples, ...).
        """
        mask = get_mask(y_pred)
        with name_scope(self.name):
            y_pred, y_true = self._convert(y_pred), self._convert(y_true)
            values = self.call(y_true, y_pred)
            if values is None:
                raise ArgumentError(
                    f"The loss '{self.name}' returned None; expected one value per sample. Is a "
                    "`return` missing in it?"
                )
            own_mask = get_mask(values)
            if own_mask is not None:
                mask = own_mask if mask is None else ops.logical_and(mask, own_mask)
            return reduce_weighted_values(
                values, sample_weight, mask, reduction=self.reduction, dtype=self.dtype
            )

    def _convert(self, values: Any) -> Any:
        """Tensors in the place of arrays; nested lists of numbers are one array."""
        leaves = tree.flatten(values)
        if leaves and all(isinstance(leaf, (int, float, np.generic)) for leaf in leaves):
            return ops.convert_to_tensor(values, dtype=self.dtype)
        return tree.map_structure(lambda x: ops.convert_to_tensor(x, dtype=self.dtype), values)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One loss value per sample."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(y_true, y_pred)`.")

    def check_targets(self, y_true: Any, num_outputs: int | None, name: str = "y_true") -> None:
        """Raises a `DataError` where targets are of no use to this loss.

        A compiled program cannot look at values; whoever feeds it calls this before.

        Args:
            y_true: the targets, a NumPy array.
            num_outputs: the size of the last axis of the predictions, where it is known.
            name: what messages call the targets.
        """

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss from what `get_config` returned."""
        return cls(**config)


def compute_dtype(dtype: Any) -> str:
    """The name of the dtype that a dtype, a policy, its name, its config, or None asks for.

    >>> compute_dtype(None), compute_dtype("mixed_float16"), compute_dtype("int")
    ('float32', 'float16', 'int32')
    """
    if dtype is None or dtype in ("int", "float"):
        return standardize_dtype(dtype)
    return dtype_policies.get(dtype).compute_dtype


def standardize_reduction(reduction: str | None) -> str | None:
    """A reduction as given, checked."""
    if reduction not in REDUCTIONS:
        raise ArgumentError(
            f"Invalid value for argument `reduction`: {reduction!r}. Choose from {REDUCTIONS}."
        )
    return reduction


def get_mask(values: Any) -> Any:
    """The mask that a layer or a loss has put on a tensor, or None."""
    return getattr(values, "_keras_mask", None)


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Drops or adds a last axis of length 1 where two ranks differ by one.

    Args:
        x1: any shape.
        x2: any shape.
        expand_rank_1: whether (n, 1) against (n,) gives (n, 1) twice, rather than (n,) twice.

    >>> a, b = squeeze_or_expand_to_same_rank(ops.ones((4, 3, 1)), ops.ones((4, 3)))
    >>> a.shape, b.shape
    ((4, 3), (4, 3))
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: Any = None,
) -> Tensor:
    """Weighs values per sample, and reduces them.

    Args:
        values: one loss value per sample, of shape (samples, ...).
        sample_weight: weights that broadcast to it.
        mask: true where a value counts.
        reduction: as in `Loss`.
        dtype: the dtype to compute in; by default that of the values.

    >>> float(reduce_weighted_values([1.0, 2.0, 6.0], mask=[True, True, False]))
    1.5
    """
    values = ops.convert_to_tensor(values, dtype=dtype)
    weight = apply_mask(sample_weight, mask, values.dtype, standardize_reduction(reduction))
    if weight is not None:
        values, weight = squeeze_or_expand_to_same_rank(values, weight)
        _check_broadcast(values.shape, weight.shape)
        values = values * weight
    if reduction in (None, "none") or tuple(values.shape) in ((), (0,)):
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(total, ops.sum(weight))
    return ops.divide_no_nan(total, ops.cast(ops.size(values), total.dtype))


def apply_mask(sample_weight: Any, mask: Any, dtype: Any, reduction: str | None) -> Any:
    """Weights and mask as weights, or None where there is neither.

    Where the values will be divided by their number, those that count weigh total / valid, so that
    the result is the mean over what counts.
    """
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    if mask is None:
        return sample_weight
    weight = ops.cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        total = ops.cast(ops.size(weight), dtype)
        weight = weight * ops.divide_no_nan(total, ops.sum(weight))
    if sample_weight is None:
        return weight
    weight, sample_weight = squeeze_or_expand_to_same_rank(weight, sample_weight)
    return sample_weight * weight


def _check_broadcast(values: tuple[int | None, ...], weight: tuple[int | None, ...]) -> None:
    pairs = zip(reversed(values), reversed(weight), strict=False)
    if any(1 not in (v, w) and None not in (v, w) and v != w for v, w in pairs):
        raise ShapeError(
            f"`sample_weight` of shape {tuple(weight)} does not fit the loss values, which have "
            f"shape {tuple(values)}. Expected a weight per sample, or one per value."
        )
