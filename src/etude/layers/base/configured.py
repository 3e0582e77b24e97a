"""What almost every layer does alike: its config, and the options of its weights.

A layer names its arguments once, in ``config_names``. Its config is read off the attributes of
these names; initializers, regularizers, constraints and activations are serialized on the way.

    class Dense(ConfiguredLayer):
        config_names = ("units", "activation", *weight_options("kernel"), ...)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from etude import activations, constraints, initializers, regularizers
from etude.errors import ArgumentError
from etude.layers.base.layer import Layer
from etude.variable import Variable

__all__ = ["ConfiguredLayer", "reject_left_out", "weight_options"]


def weight_options(weight: str) -> tuple[str, str, str]:
    """The names of the three arguments that shape one weight.

    >>> weight_options("kernel")
    ('kernel_initializer', 'kernel_regularizer', 'kernel_constraint')
    """
    return f"{weight}_initializer", f"{weight}_regularizer", f"{weight}_constraint"


def reject_left_out(layer: str, **arguments: Any) -> None:
    """Refuses the arguments of Keras that etude leaves out: LoRA and quantization."""
    for name, value in arguments.items():
        if value is not None:
            raise ArgumentError(
                f"{layer}({name}=...): etude has no LoRA and no quantization; got {value!r}. "
                "Leave the argument out."
            )


class ConfiguredLayer(Layer):
    """A layer whose config is read off the attributes named in ``config_names``."""

    config_names: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:  # subclasses name the arguments of these as they like

        def build(self, *args: Any, **kwargs: Any) -> None: ...  # noqa: D102
        def compute_mask(self, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102

    def set_weight_options(
        self, weight: str, initializer: Any, regularizer: Any = None, constraint: Any = None
    ) -> None:
        """Keeps how one weight starts, what it is penalised for, and what it is held to.

        Args:
            weight: the name of the weight; the attributes are named after it.
            initializer: a name, a config, or a callable ``(shape, dtype) -> tensor``.
            regularizer: a name, a config, or a callable ``weight -> loss``.
            constraint: a name, a config, or a callable ``weight -> weight``.
        """
        setattr(self, f"{weight}_initializer", initializers.get(initializer))
        setattr(self, f"{weight}_regularizer", regularizers.get(regularizer))
        setattr(self, f"{weight}_constraint", constraints.get(constraint))

    def add_configured_weight(
        self, weight: str, shape: Sequence[int], name: str | None = None, **options: Any
    ) -> Variable:
        """Adds a weight with the options kept for it by `set_weight_options`.

        Args:
            weight: under which name the options are kept.
            shape: its shape.
            name: its name, where that is another.
            **options: more arguments of `add_weight`.
        """
        return self.add_weight(
            shape=tuple(shape),
            name=name or weight,
            initializer=options.pop("initializer", getattr(self, f"{weight}_initializer")),
            regularizer=getattr(self, f"{weight}_regularizer"),
            constraint=getattr(self, f"{weight}_constraint"),
            **options,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        own = {name: _serialized(name, getattr(self, name)) for name in self.config_names}
        return {**super().get_config(), **own}


def _serialized(name: str, value: Any) -> Any:
    """The value of the argument ``name`` as plain data; the name tells what it is."""
    if name.endswith("_initializer"):
        return initializers.serialize(value)
    if name.endswith("_regularizer"):
        return regularizers.serialize(value)
    if name.endswith("_constraint"):
        return constraints.serialize(value)
    if name == "activation" or name.endswith("_activation"):
        return activations.serialize(value)
    return value
