"""What happens in one step of training: forward, loss, gradients, optimizer, metrics.

These are the methods that a user overrides to train in another way. They are written in the
imperative style, read and assign Variables, and run on both engines: on ``xla`` the trainer
compiles them as they are.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from etude import config, ops, tree
from etude.autodiff import VariablesTape
from etude.data.unpacking import unpack_x_y_sample_weight
from etude.dtypes import is_float_dtype
from etude.errors import ArgumentError, DataError
from etude.layers.base.stateless import check_values, with_values

__all__ = ["Steps"]


class Steps:
    """One step of training, of evaluation, of prediction; and the loss and metrics in it."""

    optimizer: Any
    _compile_loss: Any
    _compile_metrics: Any
    _loss_tracker: Any

    if TYPE_CHECKING:  # `Layer` and `Trainer` supply these

        @property
        def metrics(self) -> list[Any]: ...  # noqa: D102

        @property
        def losses(self) -> list[Any]: ...  # noqa: D102

        @property
        def trainable_weights(self) -> list[Any]: ...  # noqa: D102

        @property
        def trainable_variables(self) -> list[Any]: ...  # noqa: D102

        @property
        def non_trainable_variables(self) -> list[Any]: ...  # noqa: D102

        @property
        def metrics_variables(self) -> list[Any]: ...  # noqa: D102

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102

    def train_step(self, data: Any) -> dict[str, Any]:
        """Updates the weights by one batch.

        Args:
            data: a batch ``(x, y, sample_weight)``, where the last two may be missing.

        Returns:
            The values of the metrics by name.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with VariablesTape() as tape:
            y_pred = self(x, training=True)
            loss = self._compute_loss(x, y, y_pred, sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        weights = self.trainable_weights
        if weights:
            gradients = tape.gradient(scaled, weights)
            self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        self._loss_tracker.update_state(loss, sample_weight=batch_size_of(x))
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluates the model on one batch; as `train_step`, without updating weights."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self._compute_loss(x, y, y_pred, sample_weight, training=False)
        self._loss_tracker.update_state(loss, sample_weight=batch_size_of(x))
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss that is minimised: that given to ``compile``, and those that layers added.

        Raises:
            ArgumentError: there is neither.
        """
        found = []
        if self._compile_loss is not None:
            if y is None and self._compile_loss.loss is not None:
                raise DataError(
                    "The model was compiled with a loss, but no targets came with the data: pass "
                    "`y` to `fit` or `evaluate`, or batches `(x, y)`."
                )
            loss = self._compile_loss(y, y_pred, sample_weight)
            if loss is not None:
                found.append(loss)
        found += [_scalar(loss) for loss in self.losses]
        if not found:
            raise ArgumentError("No loss to compute: give one, as in `compile(loss='mse')`.")
        total = found[0]
        for loss in found[1:]:
            total = total + loss
        return total

    def _compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """`compute_loss`, also where an older override of it takes no ``training``."""
        takes_training = self.__dict__.get("_compute_loss_takes_training")
        if takes_training is None:
            takes_training = "training" in inspect.signature(self.compute_loss).parameters
            self.__dict__["_compute_loss_takes_training"] = takes_training
        if takes_training:
            return self.compute_loss(x, y, y_pred, sample_weight, training=training)
        return self.compute_loss(x, y, y_pred, sample_weight)

    def stateless_compute_loss(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, tuple[Any, list[Any], list[Any]]]:
        """`compute_loss` with other values of all variables, which leaves the model as it is.

        Returns:
            The loss; and the values of the trainable variables, the new values of the others, and
            those of the metrics.
        """
        state = [
            ("trainable_variables", self.trainable_variables, trainable_variables),
            ("non_trainable_variables", self.non_trainable_variables, non_trainable_variables),
            ("metrics_variables", self.metrics_variables, metrics_variables),
        ]
        for name, variables, values in state:
            check_values(values, variables, name, type(self).__name__)
        owned = [variable for _, variables, _ in state for variable in variables]
        with with_values(owned, [value for _, _, values in state for value in values]):
            loss = self._compute_loss(x, y, y_pred, sample_weight, training)
            _, others, metrics = ([v.value for v in variables] for _, variables, _ in state)
        return loss, (trainable_variables, others, metrics)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Takes a batch into account in the metrics given to ``compile``.

        Returns:
            The values of all metrics by name.
        """
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The values of all metrics by name."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            results.update(result if isinstance(result, dict) else {metric.name: result})
        return results


def batch_size_of(x: Any) -> int:
    """How many samples a batch has."""
    return next(leaf.shape[0] for leaf in tree.flatten(x) if leaf is not None)


def _scalar(loss: Any) -> Any:
    """A loss that a layer added, as a float scalar."""
    if not is_float_dtype(loss.dtype):
        loss = ops.cast(loss, config.floatx())
    return ops.sum(loss) if loss.shape else loss
