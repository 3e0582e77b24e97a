"""Dynamic loss scaling: small gradients survive in float16."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from etude import initializers, ops
from etude.autodiff import stop_recording
from etude.errors import ArgumentError
from etude.naming import name_scope
from etude.optimizers.optimizer import Optimizer
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.variable import Variable

__all__ = ["LossScaleOptimizer"]

# Arguments of `Optimizer`, which older files hold although they have no effect here.
_OF_THE_INNER = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class LossScaleOptimizer(Optimizer, common_arguments=False):
    """Multiplies the loss by a scale s, and divides the gradients by it, before another optimizer.

    In float16 what is below 6 · 10⁻⁸ is 0, and what is above 65,504 is infinite. The scale keeps
    gradients in between, and finds its size by itself:

        all gradients finite:    the inner optimizer takes a step with g / s;
                                 after so many of them in a row, s ← 2 s
        any of them not finite:  no step is taken, and s ← s / 2

    `compile` wraps optimizers of models with the policy "mixed_float16". In a training step of your
    own, take gradients of ``optimizer.scale_loss(loss)``.

    Args:
        inner_optimizer: the optimizer that takes the steps. Its own ``loss_scale_factor`` is
            removed, so that gradients are not scaled twice.
        initial_scale: the first s. Too large costs a few steps, too small costs many.
        dynamic_growth_steps: after so many finite steps s is doubled.
        name: a name.
        **kwargs: none is known: other options are those of the inner optimizer.

    Raises:
        ArgumentError: an option is given that belongs to the inner optimizer.

    Reference:
        Micikevicius et al., Mixed Precision Training, 2018.

    Example:
        >>> from etude.optimizers import SGD
        >>> w = Variable([1.0])
        >>> optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=8.0)
        >>> optimizer.apply([ops.array([8.0])], [w])  # a gradient of 1, scaled
        >>> optimizer.apply([ops.array([float("inf")])], [w])
        >>> w.numpy(), float(optimizer.dynamic_scale)
        (array([0.5], dtype=float32), 4.0)
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ArgumentError(
                "A LossScaleOptimizer is dynamic; got `dynamic=False`. For a scale that stays as "
                "it is, set `loss_scale_factor` of the optimizer itself, and do not wrap it."
            )
        for argument, default in _OF_THE_INNER.items():
            if kwargs.pop(argument, default) != default:
                raise ArgumentError(
                    f"LossScaleOptimizer has no `{argument}`: set it on the `inner_optimizer`."
                )
        if kwargs:
            raise ArgumentError(
                f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`."
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the scale and the counter of finite steps, and the state of the inner optimizer."""
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        scale = initializers.Constant(self.initial_scale)
        self.dynamic_scale = self.add_variable((), scale, dtype="float32", name="dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """Its own state, then that of the inner optimizer."""
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """How many steps the inner optimizer has taken."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer; it can be assigned."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        return ops.multiply(loss, self.dynamic_scale if self.built else self.initial_scale)

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """Whether all elements of all gradients are finite, a bool scalar."""
        found = [ops.all(ops.isfinite(g)) for g in grads if g is not None]
        return ops.all(ops.stack(found))

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """Takes one step, where all gradients are finite; see `Optimizer.apply`."""
        gradients = list(grads)
        if not gradients:
            return
        with stop_recording(), name_scope(self.name, caller=self):
            variables = self._known_variables(len(gradients), trainable_variables)
            ops.cond(
                self.check_finite(gradients),
                lambda: self._step(gradients, variables),
                self._shrink,
            )

    def _step(self, gradients: list[Any], variables: Sequence[Variable]) -> None:
        scale = self.dynamic_scale
        self.inner_optimizer.apply(
            [
                g if g is None or v.overwrite_with_gradient else g / ops.cast(scale, v.dtype)
                for g, v in zip(gradients, variables, strict=True)
            ],
            variables,
        )
        count = self.step_counter.assign_add(1)
        is_due = ops.equal(count, self.dynamic_growth_steps)
        scale.assign(ops.where(is_due, scale * 2.0, scale))
        self.step_counter.assign(ops.where(is_due, 0, count))

    def _shrink(self) -> None:
        self.step_counter.assign(0)
        self.dynamic_scale.assign(self.dynamic_scale * 0.5)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Ends training, as the inner optimizer does."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """An optimizer from what `get_config` returned."""
        config = dict(config)
        inner = deserialize_keras_object(config.pop("inner_optimizer"), custom_objects)
        return cls(inner, **config)
