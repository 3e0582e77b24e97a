"""What `LSTM`, `GRU` and `SimpleRNN` share: a constructor, and one primitive for all steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from etude import ops
from etude.errors import ArgumentError
from etude.layers.base.input_spec import InputSpec
from etude.layers.recurrent.cell import RecurrentCell
from etude.layers.recurrent.loop import flat_mask
from etude.layers.recurrent.rnn import RNN
from etude.naming import to_snake_case

__all__ = ["CellRNN", "FusedRNN"]


class _StepsSpec(InputSpec):
    """What a recurrent layer expects."""

    def hint(self, shape: tuple[int | None, ...]) -> str:
        """What a user whose input has another rank probably forgot."""
        text = " Expected axes: (batch, steps, features)."
        if len(shape) == 2:
            text += (
                " After another recurrent layer: give that one `return_sequences=True`. For ids of "
                "words: put an `Embedding` before. For one number per step: add the axis of the "
                "features, `x[..., None]`, or `Input((steps, 1))`."
            )
            if shape[0] is not None:
                text += " For a single sample: add the batch axis, `x[None]`."
        return text


class CellRNN(RNN):
    """Base of the recurrent layers that make their cell themselves.

    A subclass names the class of its cell, and all its arguments in their order. Those that the
    cell has too go to the cell, with the cell's defaults, and can be read from the layer; the
    others are those of `RNN`. So no constructor is written twice.
    """

    cell_class: ClassVar[type[RecurrentCell]]
    argument_order: ClassVar[tuple[str, ...]]
    own_arguments: ClassVar[dict[str, Any]] = {"activity_regularizer": None}
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "cell_class" not in cls.__dict__:
            return
        known = {
            **inspect.signature(RNN).parameters,
            **{name: _parameter(name, value) for name, value in cls.own_arguments.items()},
            **inspect.signature(cls.cell_class).parameters,
        }
        named = [known[name] for name in cls.argument_order]
        cls.__signature__ = inspect.Signature([*named, known["kwargs"]])
        for name in cls.cell_arguments():
            setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name)))
        if "config_names" not in cls.__dict__:
            own = ("activity_regularizer",)
            cls.config_names = (*RNN.config_names, *cls.cell_arguments(), *own)

    @classmethod
    def cell_arguments(cls) -> list[str]:
        """Those of the arguments that belong to the cell."""
        of_cell = inspect.signature(cls.cell_class).parameters
        return [name for name in cls.argument_order if name in of_cell]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        more = arguments.pop("kwargs")
        of_cell = {name: arguments.pop(name) for name in self.cell_arguments()}
        self.take_own_arguments(arguments)
        super().__init__(self._make_cell(of_cell, more), **arguments, **more)
        self.input_spec = _StepsSpec(ndim=3)

    def take_own_arguments(self, arguments: dict[str, Any]) -> None:
        """Takes out the arguments that belong neither to the cell nor to `RNN`."""

    def _make_cell(self, arguments: dict[str, Any], more: dict[str, Any]) -> RecurrentCell:
        """The cell; from ``more`` it takes dtype, trainable, and what is its alone."""
        shared = {name: more[name] for name in ("dtype", "trainable") if name in more}
        if "implementation" in more:
            shared["implementation"] = more.pop("implementation")
        name = to_snake_case(self.cell_class.__name__)
        return self.cell_class(**arguments, **shared, name=name)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        arguments = super().get_config()
        del arguments["cell"]
        return arguments


def _parameter(name: str, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


class FusedRNN(CellRNN):
    """Base of the recurrent layers whose usual form is one primitive over the whole sequence."""

    cell: Any
    own_arguments: ClassVar[dict[str, Any]] = {**CellRNN.own_arguments, "use_cudnn": "auto"}
    use_cudnn: bool | str = "auto"

    def primitive(self) -> Callable[..., Any] | None:
        """The primitive that does what the cell does at each step; None if there is none."""
        raise NotImplementedError

    def take_own_arguments(self, arguments: dict[str, Any]) -> None:
        """Keeps whether the primitive may (``"auto"``), must (True), or must not (False) run."""
        use_cudnn = arguments.pop("use_cudnn", "auto")
        if use_cudnn not in ("auto", True, False):
            raise ArgumentError(
                f"{type(self).__name__}: `use_cudnn` is 'auto', True or False; got {use_cudnn!r}."
            )
        self.use_cudnn = use_cudnn

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any, Any]:
        """The primitive where it does what is asked for; else the loop over the cell."""
        cell = self.cell
        masks = training and (cell.recurrent_dropout or (cell.dropout and cell.mask_count > 1))
        primitive = self.primitive()
        if primitive is not None and self.use_cudnn and not self.unroll and not masks:
            return self._apply(primitive, sequences, initial_state, mask, training)
        if self.use_cudnn is True:
            raise ArgumentError(
                "use_cudnn=True was specified, but it is not supported for this layer "
                "configuration: it needs the usual activations, no unrolling and no recurrent "
                "dropout. Pass use_cudnn='auto' to fall back to the loop over the cell."
            )
        return super().inner_loop(sequences, initial_state, mask, training)

    def _apply(
        self,
        primitive: Callable[..., Any],
        sequences: Any,
        initial_state: Any,
        mask: Any,
        training: bool,
    ) -> tuple[Any, Any, Any]:
        cell = self.cell
        if training and cell.dropout > 0:
            sequences = sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0]), 1)
        mask = None if mask is None else flat_mask(mask)
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        zero = mask is not None and self.zero_output_for_mask
        outputs, states = primitive(
            sequences,
            initial_state,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            mask=mask,
            zero_output_for_mask=zero,
        )
        return outputs[:, -1] if zero else states[0], outputs, states
