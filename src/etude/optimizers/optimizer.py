"""The base class of all optimizers: everything but the formula.

One call of `Optimizer.apply` does, in this order: leave out what has no gradient, undo the loss
scale, accumulate, clip, decay the weights, update each variable by the formula of the subclass,
average, and apply constraints. It holds no branch on values, so that it can be part of a compiled
program. What it remembers between steps is in `state`.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypedDict

import numpy as np

from etude import config, initializers, ops
from etude.autodiff import Tensor, stop_recording
from etude.errors import (
    ArgumentError,
    DtypeError,
    NotBuiltError,
    ShapeError,
    did_you_mean_arguments,
)
from etude.naming import auto_name, name_scope
from etude.optimizers.clipping import clip_by_global_norm, clip_by_norm
from etude.optimizers.schedules import LearningRateSchedule
from etude.optimizers.state import OptimizerState, Slots
from etude.saving.pickling import Saveable
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.variable import Variable

__all__ = ["LearningRate", "Optimizer", "OptimizerArguments"]

LearningRate = float | LearningRateSchedule | Variable | Callable[[], Any]


class OptimizerArguments(TypedDict, total=False):
    """The arguments that every optimizer has beside its own; see `Optimizer`."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class _Signature:
    """Shows the arguments of `Optimizer` in the signatures of those that take them.

    It is made when somebody looks: help and editors do, training does not.
    """

    def __get__(self, instance: Any, cls: type[Optimizer]) -> inspect.Signature:
        return _signature_of(cls)


@functools.cache
def _signature_of(cls: type[Optimizer]) -> inspect.Signature:
    own = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = [p for p in own if p.kind is not p.VAR_KEYWORD]
    if cls is not Optimizer and cls._common_arguments and len(named) < len(own):
        common = _signature_of(Optimizer).parameters.values()
        named += [p for p in common if p.name not in {q.name for q in named}]
    return inspect.Signature(sorted(named, key=lambda parameter: parameter.kind))


class Optimizer(OptimizerState, Saveable):
    """Changes variables so that a loss falls.

    Subclasses define `build`, which makes their slots (momenta and the like), and `update_step`,
    which changes one variable.

    Args:
        learning_rate: η: a number, a schedule of the step, a Variable, or a function of no
            arguments.
        weight_decay: λ: before each update a variable becomes w - λ η w.
        clipnorm: the largest norm of the gradient of one variable.
        clipvalue: the largest absolute value of an element of a gradient.
        global_clipnorm: the largest norm of all gradients together.
        use_ema: whether an exponential moving average of each variable is kept.
        ema_momentum: β: the average becomes β · average + (1 - β) · variable.
        ema_overwrite_frequency: every so many steps variables are set to their averages; by default
            only at the end of training.
        loss_scale_factor: the factor that the loss was multiplied with; gradients are divided by
            it. It keeps gradients of 16 bits from becoming 0.
        gradient_accumulation_steps: variables change once in so many steps, by the mean of the
            gradients since.
        name: a name; by default made from that of the class.

    Raises:
        ArgumentError: an argument has no sense, or is not known.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         variable.assign_sub(learning_rate * ops.sign(gradient))
        >>> w = Variable([1.0, -3.0])
        >>> optimizer = SignDescent(0.5)
        >>> optimizer.apply([ops.array([2.0, -0.1])], [w])
        >>> w.numpy()
        array([ 0.5, -2.5], dtype=float32)
    """

    __signature__ = _Signature()
    _common_arguments = True

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._variables: list[Variable] = []
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                "`decay` is no longer supported: it has no effect. For a falling learning rate "
                "pass a schedule, such as `schedules.InverseTimeDecay`.",
                stacklevel=2,
            )
        if kwargs:
            near = " `lr` is called `learning_rate`." if "lr" in kwargs else ""
            near = near or did_you_mean_arguments(kwargs, type(self))
            raise ArgumentError(
                f"{type(self).__name__}: Argument(s) not recognized: {kwargs}.{near}"
            )
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()

        self.built = False
        self._trainable_variables: list[Variable] = []
        self._index_of: dict[int, int] = {}
        self._model_variables_moving_average: Slots = []
        self._accumulated_gradients: Slots = []
        self._decay_excluded: set[int] = set()
        self._decay_excluded_names: re.Pattern[str] | None = None
        self._iterations = self.add_variable((), dtype="int32", name="iteration")
        self._learning_rate = self._make_learning_rate(learning_rate)

    def __init_subclass__(cls, common_arguments: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._common_arguments = common_arguments

    def _check_arguments(self) -> None:
        steps = self.gradient_accumulation_steps
        if steps and not steps >= 2:
            raise ArgumentError(
                "`gradient_accumulation_steps` must be an integer >= 2, or None for an update in "
                f"every step; got {steps!r}."
            )
        frequency = self.ema_overwrite_frequency
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ArgumentError(
                "`ema_momentum`, the share of the old average in the new, has the range [0, 1]; "
                f"got {self.ema_momentum!r}."
            )
        if self.use_ema and frequency and (not isinstance(frequency, int) or frequency < 1):
            raise ArgumentError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None for never; got "
                f"{frequency!r}."
            )
        clips = (self.clipnorm, self.clipvalue, self.global_clipnorm)
        if sum(clip is not None for clip in clips) > 1:
            raise ArgumentError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be used; got "
                f"clipnorm={self.clipnorm}, clipvalue={self.clipvalue}, "
                f"global_clipnorm={self.global_clipnorm}."
            )

    # ---- steps and the learning rate --------------------------------------------------------

    @property
    def iterations(self) -> Any:
        """How many times variables have changed."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the current step; it can be assigned."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations)
        return rate() if callable(rate) else rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: LearningRate) -> None:
        before = self._learning_rate
        if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
            self._learning_rate = learning_rate
            if isinstance(before, Variable):
                self._variables = [v for v in self._variables if v is not before]
        elif isinstance(before, Variable):
            before.assign(learning_rate)
        else:
            raise DtypeError(
                "This optimizer was created with a `LearningRateSchedule` or a function, so its "
                "learning rate is not settable. To set it, give the constructor a number."
            )

    def _make_learning_rate(self, rate: Any) -> Any:
        if isinstance(rate, (LearningRateSchedule, Variable)) or callable(rate):
            return rate
        if isinstance(rate, bool) or not isinstance(rate, (numbers.Real, Tensor, np.ndarray)):
            raise ArgumentError(
                "Argument `learning_rate` should be float, a LearningRateSchedule, or a function "
                f"without arguments that returns a number; got {rate!r}."
            )
        constant = initializers.Constant(rate)
        return self.add_variable((), constant, dtype=config.floatx(), name="learning_rate")

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the state for a list of variables; subclasses add their slots after it."""
        self._trainable_variables = list(variables)
        self._index_of = {id(v): i for i, v in enumerate(variables)}
        if self.use_ema:
            averages = self.add_optimizer_variables(variables, "average")
            self._model_variables_moving_average = averages
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = [
                self.add_variable_from_reference(v, "gradient_accumulator") for v in variables
            ]
        self.built = True

    # ---- one step ---------------------------------------------------------------------------

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable, and its slots, by the formula of this optimizer.

        Args:
            gradient: the gradient of the loss, of the shape of the variable.
            variable: the variable.
            learning_rate: η, a scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `update_step`.")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """Takes one step from pairs of a gradient and a variable; returns the number of steps."""
        pairs = list(grads_and_vars)
        for pair in pairs:
            is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
            if not is_pair or not hasattr(pair[1], "assign"):
                got = type(pair[1] if is_pair else pair).__name__
                raise DtypeError(
                    "apply_gradients() takes pairs of a gradient and its variable, in this order: "
                    "`apply_gradients(zip(gradients, model.trainable_variables))`; got "
                    f"{got} in the place of a {'variable' if is_pair else 'pair'}."
                )
        gradients, variables = zip(*pairs, strict=True)
        self.apply(gradients, variables)
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """Takes one step.

        Args:
            grads: one gradient per variable; None where there is none.
            trainable_variables: the variables. Those of `build` by default.

        Raises:
            ArgumentError: there is no gradient at all, or a variable is not one of those that the
                optimizer was built with.
            NotBuiltError: no variables are given, and `build` was not called.
        """
        gradients = list(grads)
        if not gradients:
            return
        with stop_recording(), name_scope(self.name, caller=self):
            variables = self._known_variables(len(gradients), trainable_variables)
            pairs = self._with_gradient(gradients, variables)
            pairs = self._without_overwritten(pairs)
            if pairs:
                self._update([gradient for gradient, _ in pairs], [v for _, v in pairs])
                for _, variable in pairs:
                    if variable.constraint is not None:
                        variable.assign(variable.constraint(variable))
            self._iterations.assign_add(1)

    def _known_variables(
        self, count: int, variables: Sequence[Variable] | None
    ) -> Sequence[Variable]:
        if variables is not None:
            variables = list(variables)
            if not self.built:
                self.build(variables)
                self.built = True
            for variable in variables:
                if id(variable) not in self._index_of:
                    raise ArgumentError(
                        f"Unknown variable: '{variable.path}' of shape {tuple(variable.shape)}. An "
                        "optimizer keeps state for the variables of its first call. Were layers "
                        "added or unfrozen since? Call `model.compile(...)` again, which makes a "
                        "new optimizer; in a loop of your own, make another optimizer."
                    )
            return variables
        if not self.built:
            raise NotBuiltError(
                "apply() got gradients without their variables, and for that the optimizer must "
                "already be built: call `optimizer.build(trainable_variables)` first."
            )
        if count != len(self._trainable_variables):
            raise ArgumentError(
                "The optimizer needs one gradient for each variable it was built with, in their "
                f"order. Received a list of {count} gradients, but it is tracking "
                f"{len(self._trainable_variables)} variables."
            )
        return self._trainable_variables

    def _with_gradient(self, gradients: list[Any], variables: Sequence[Variable]) -> list[Any]:
        pairs = list(zip(gradients, variables, strict=True))
        for gradient, v in pairs:
            shape = getattr(gradient, "shape", v.shape)
            if tuple(shape) != tuple(v.shape):
                raise ShapeError(
                    f"The gradient for the variable '{v.path}' must have its shape, "
                    f"{tuple(v.shape)}; got {tuple(shape)}. Are gradients and variables in the "
                    "same order?"
                )
        missing = [v.path for gradient, v in pairs if gradient is None]
        if len(missing) == len(pairs):
            raise ArgumentError(
                "No gradients provided for any variable. Is the loss made of these variables, and "
                f"was the tape recording? The variables: {missing}."
            )
        if missing:
            warnings.warn(
                f"Gradients do not exist for variables {missing}: the loss does not depend on "
                "them, and they stay as they are. Is a layer unused, or a loss missing?",
                stacklevel=4,
            )
        return [pair for pair in pairs if pair[0] is not None]

    def _without_overwritten(self, pairs: list[Any]) -> list[Any]:
        """Sets variables whose gradient is their new value, as for scales; returns the others."""
        for gradient, variable in pairs:
            if not variable.overwrite_with_gradient:
                continue
            if not self.gradient_accumulation_steps:
                variable.assign(gradient)
                continue
            # The largest value since the last update counts.
            accumulator = self._accumulated_gradients[self._get_variable_index(variable)]
            largest = ops.maximum(gradient, accumulator)
            updating = self._is_update_step()
            variable.assign(ops.where(updating, largest, variable))
            accumulator.assign(ops.where(updating, ops.zeros_like(largest), largest))
        return [pair for pair in pairs if not pair[1].overwrite_with_gradient]

    def _update(self, gradients: list[Any], variables: list[Variable]) -> None:
        if self.loss_scale_factor is not None:
            gradients = [gradient / self.loss_scale_factor for gradient in gradients]
        if self.gradient_accumulation_steps:
            self._accumulate(gradients, variables)
        else:
            self._change(gradients, variables)
        if self.use_ema:
            self._update_averages()

    def _change(self, gradients: list[Any], variables: list[Variable]) -> None:
        gradients = self._clip_gradients(gradients)
        self._apply_weight_decay(variables)
        self._update_steps(gradients, variables, self.learning_rate)

    def _update_steps(
        self, gradients: list[Any], variables: list[Variable], learning_rate: Any
    ) -> None:
        for gradient, variable in zip(gradients, variables, strict=True):
            self.update_step(gradient, variable, learning_rate)

    def _is_update_step(self) -> Tensor:
        return ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)

    def _accumulate(self, gradients: list[Any], variables: list[Variable]) -> None:
        sums = [self._accumulated_gradients[self._get_variable_index(v)] for v in variables]

        def change() -> None:
            steps = self.gradient_accumulation_steps
            means = [(g + total) / steps for g, total in zip(gradients, sums, strict=True)]
            self._change(means, variables)
            for total in sums:
                total.assign(ops.zeros_like(total))

        def wait() -> None:
            for gradient, total in zip(gradients, sums, strict=True):
                total.assign_add(gradient)

        ops.cond(self._is_update_step(), change, wait)

    def _clip_gradients(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm and self.clipnorm > 0:
            return [clip_by_norm(gradient, self.clipnorm) for gradient in gradients]
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_by_global_norm(gradients, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    # ---- weight decay -----------------------------------------------------------------------

    def exclude_from_weight_decay(
        self,
        var_list: Sequence[Variable] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Takes variables out of weight decay; to be called before `build`.

        Args:
            var_list: the variables.
            var_names: parts of names; a variable whose name holds one is taken out.

        Raises:
            ArgumentError: the optimizer is built already.
        """
        if self.built:
            raise ArgumentError(
                "What `exclude_from_weight_decay()` says can only be configured before the weights "
                "of the optimizer are made: call it right after the constructor."
            )
        self._decay_excluded = {id(variable) for variable in var_list or ()}
        names = "|".join(var_names or ())
        self._decay_excluded_names = re.compile(names) if names else None

    def _use_weight_decay(self, variable: Variable) -> bool:
        pattern = self._decay_excluded_names
        if id(variable) in self._decay_excluded:
            return False
        return pattern is None or pattern.search(variable.name) is None

    def _weight_decay_of(self, variable: Variable) -> float | None:
        return self.weight_decay

    def _apply_weight_decay(self, variables: list[Variable]) -> None:
        for variable in variables:
            decay = self._weight_decay_of(variable)
            if decay is not None and self._use_weight_decay(variable):
                eta = ops.cast(self.learning_rate, variable.dtype)
                variable.assign(variable - variable * decay * eta)

    # ---- moving averages --------------------------------------------------------------------

    def _update_averages(self) -> None:
        """average ← β · average + (1 - β) · variable, with β = 0 in the first step."""
        started = ops.not_equal(self.iterations, 0)
        averages = self._model_variables_moving_average
        for variable, average in zip(self._trainable_variables, averages, strict=True):
            if average is not None:
                beta = ops.cast(started, variable.dtype) * self.ema_momentum
                average.assign(beta * average + (1 - beta) * variable)
        if self.ema_overwrite_frequency:
            due = ops.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
            ops.cond(due, lambda: self._use_averages(self._trainable_variables), lambda: None)

    def _use_averages(self, variables: Sequence[Variable]) -> None:
        averages = self._model_variables_moving_average
        if len(variables) != len(averages):
            raise ArgumentError(
                f"The optimizer keeps averages of {len(averages)} variables; got "
                f"{len(variables)} to overwrite with them. Pass those that it trains."
            )
        for variable, average in zip(variables, averages, strict=True):
            if average is not None:
                variable.assign(average)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Ends training: with moving averages, variables are set to them."""
        if self.use_ema:
            self._use_averages(var_list)

    # ---- loss scale, configs ----------------------------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss times ``loss_scale_factor``."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule) or (
            callable(rate) and not isinstance(rate, Variable)
        ):
            rate = serialize_keras_object(rate)
        else:
            rate = float(rate)
        return {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """An optimizer from what `get_config` returned."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_keras_object(
                config["learning_rate"], custom_objects=custom_objects
            )
        return cls(**config)
