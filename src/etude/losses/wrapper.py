"""A function of targets and predictions as a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from etude import tree
from etude.losses.loss import Loss, squeeze_or_expand_to_same_rank
from etude.losses.targets import TARGET_CHECKS
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["LossFunctionWrapper", "NamedLoss"]

LossFunction = Callable[..., Any]


class LossFunctionWrapper(Loss):
    """A loss from a function ``fn(y_true, y_pred, **kwargs)`` that gives one value per sample.

    Args:
        fn: the function.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.
        **kwargs: passed on to the function.

    Example:
        >>> from etude.losses import mean_squared_error
        >>> float(LossFunctionWrapper(mean_squared_error)([[0.0]], [[2.0]]))
        4.0
    """

    def __init__(
        self,
        fn: LossFunction,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One loss value per sample."""
        pairs = tree.map_structure(squeeze_or_expand_to_same_rank, y_true, y_pred)
        y_true = tree.map_structure_up_to(y_true, lambda pair: pair[0], pairs)
        y_pred = tree.map_structure_up_to(y_pred, lambda pair: pair[1], pairs)
        try:
            return self.fn(y_true, y_pred, **self._fn_kwargs)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                error.add_note("A loss or metric is called as `fn(y_true, y_pred)`.")
            raise

    def check_targets(self, y_true: Any, num_outputs: int | None, name: str = "y_true") -> None:
        """Raises a `DataError` where targets are of no use to the function."""
        check = TARGET_CHECKS.get(self.fn)
        if check is not None:
            check(y_true, num_outputs, name, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        function = {"fn": serialize_keras_object(self.fn)}
        return {**super().get_config(), **function, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss from what `get_config` returned."""
        return cls(**(deserialize_keras_object(config) if "fn" in config else config))

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


class NamedLoss(LossFunctionWrapper):
    """A loss whose function is given by its class; its options are attributes, and in its config.

    Keras leaves ``axis`` and ``delta`` out of some configs, so that they are lost when a model is
    saved; here every option is in the config.
    """

    def __init__(
        self, fn: LossFunction, reduction: str | None, name: str | None, dtype: Any, **options: Any
    ) -> None:
        super().__init__(fn, reduction=reduction, name=name, dtype=dtype, **options)
        for key, value in options.items():
            setattr(self, key, value)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**Loss.get_config(self), **self._fn_kwargs}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
