"""Dense layers: an affine map of the last axis, or any contraction with a kernel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from etude import activations, ops
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import Shape, known_axis, positive_integer
from etude.layers.base.configured import ConfiguredLayer, reject_left_out, weight_options
from etude.layers.base.input_spec import InputSpec

__all__ = ["Dense", "EinsumDense"]


class Dense(ConfiguredLayer):
    """Every output is a weighted sum of all inputs, then an activation.

    ``y = activation(x W + b)``

    Args:
        units: number of outputs.
        activation: a name or a callable; None leaves the sums as they are.
        use_bias: whether there is a b.
        kernel_initializer, bias_initializer: how W and b start.
        kernel_regularizer, bias_regularizer: penalties on W and b.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of W and b after each step.

    Shapes:
        x: (batch, ..., features); W: (features, units); b: (units,); y: (batch, ..., units).

    Raises:
        ArgumentError: units is not a positive integer.
        ShapeError: the number of features is unknown, or another than the one built for.

    Example:
        >>> import numpy as np
        >>> layer = Dense(2, kernel_initializer="ones")
        >>> layer(np.array([[1.0, 2.0, 3.0]])).numpy().tolist()
        [[6.0, 6.0]]
        >>> [w.name for w in layer.weights]
        ['kernel', 'bias']
    """

    config_names = ("units", "activation", "use_bias", *weight_options("kernel"),
                    *weight_options("bias"), "quantization_config")  # fmt: skip
    quantization_config = None

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        reject_left_out("Dense", lora_rank=lora_rank, quantization_config=quantization_config)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_integer(units, "units", "Dense")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Makes W and b for inputs with this many features."""
        features = known_axis(input_shape, -1, f"Dense layer {self.name!r}")
        self.kernel = self.add_configured_weight("kernel", (features, self.units))
        self.bias = self.add_configured_weight("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """``activation(x W + b)``."""
        outputs = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)


class EinsumDense(ConfiguredLayer):
    """A contraction of the input with a kernel, spelt in Einstein's notation.

    ``y = activation(einsum(equation, x, W) + b)``

    Args:
        equation: e.g. ``"abc,cd->abd"``, ``"...x,xy->...y"`` or ``"ab...,bc->ac..."``.
        output_shape: the output's shape without the batch axis and without ``...``; None for
            sizes that the input gives.
        activation: a name or a callable; None leaves the sums as they are.
        bias_axes: the letters of the output that the bias has; None: no bias.
        kernel_initializer, bias_initializer: how W and b start.
        kernel_regularizer, bias_regularizer: penalties on W and b.
        kernel_constraint, bias_constraint: projections of W and b after each step.

    Shapes:
        As the equation says; the first axis is the batch.

    Raises:
        ArgumentError: the equation has another form, or its letters do not fit together.
        ShapeError: the input's shape does not fit the equation.

    Example:
        >>> import numpy as np
        >>> layer = EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d")
        >>> layer(np.ones((2, 3, 4))).shape
        (2, 3, 8)
        >>> [w.shape for w in layer.weights]
        [(4, 8), (8,)]
    """

    config_names = ("equation", "activation", "bias_axes", *weight_options("kernel"),
                    *weight_options("bias"), "activity_regularizer",
                    "quantization_config")  # fmt: skip
    quantization_config = None

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        gptq_unpacked_column_size: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        reject_left_out("EinsumDense", lora_rank=lora_rank, quantization_config=quantization_config)
        super().__init__(**kwargs)
        self.equation = equation
        self.partial_output_shape: Shape = (
            (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        )
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Makes W and b with the shapes that the equation gives them."""
        shapes = einsum_shapes(
            self.equation, self.bias_axes, input_shape, self.partial_output_shape
        )
        self.input_spec = InputSpec(ndim=len(input_shape))
        self.kernel = self.add_configured_weight(
            "kernel", shapes.kernel, initializer=self._kernel_initializer(shapes)
        )
        self.bias = None if shapes.bias is None else self.add_configured_weight("bias", shapes.bias)

    def _kernel_initializer(self, shapes: EinsumShapes) -> Any:
        """The initializer, told which axes of the kernel are fan-in and which are fan-out."""
        initializer = getattr(self, "kernel_initializer")  # noqa: B009
        if getattr(initializer, "input_axes", 0) is not None:
            return initializer
        config = {**initializer.get_config(), "seed": initializer.seed}
        config |= {"input_axes": shapes.input_axes, "output_axes": shapes.output_axes}
        return type(initializer).from_config(config)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """``activation(einsum(equation, x, W) + b)``."""
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {**super().get_config(), "output_shape": self.partial_output_shape}


@dataclass(frozen=True)
class EinsumShapes:
    """The shapes of the weights of an `EinsumDense`, and the kernel's axes by their role."""

    kernel: tuple[int, ...]
    bias: tuple[int, ...] | None
    input_axes: list[int]
    output_axes: list[int]


_EQUATION = re.compile(
    r"(?P<left>\.\.\.)?(?P<input>[a-zA-Z]+)(?P<right>\.\.\.)?,(?P<kernel>[a-zA-Z]+)"
    r"->(?(left)\.\.\.)(?P<output>[a-zA-Z]+)(?(right)\.\.\.)"
)


def einsum_shapes(
    equation: str, bias_axes: str | None, input_shape: Shape, output_shape: Shape
) -> EinsumShapes:
    """The shapes of kernel and bias that an equation gives for an input.

    Args:
        equation: ``X,W->Y``, ``...X,W->...Y`` or ``X...,W->Y...``.
        bias_axes: letters of Y that the bias has, or None.
        input_shape: with the batch axis.
        output_shape: the sizes of Y's letters without the batch axis; None where X has them.

    >>> einsum_shapes("...x,xy->...y", "y", (None, 7, 3), (5,)).kernel
    (3, 5)
    """
    match = _EQUATION.fullmatch(equation.replace(" ", ""))
    if match is None or (match["left"] and match["right"]):
        raise ArgumentError(
            f"Invalid einsum equation {equation!r}. Expected input,kernel->output with a letter "
            "for each axis, as 'ab,bc->ac'; input and output may both begin or both end with '...'."
        )
    letters_in, letters_out = match["input"], match["output"]
    elided = len(input_shape) - len(letters_in)
    if elided < 0:
        raise ShapeError(
            f"EinsumDense({equation!r}) expects an input with the {len(letters_in)} axes "
            f"{letters_in!r}; got shape {input_shape}."
        )
    if match["left"]:  # the batch axis is among the elided ones
        sizes_in = input_shape[elided:]
        sizes_out = output_shape if elided else (input_shape[0], *output_shape)
    else:
        sizes_in = input_shape[: len(letters_in)]
        sizes_out = (input_shape[0], *output_shape)
    if len(sizes_out) < len(letters_out):
        raise ShapeError(
            f"EinsumDense({equation!r}): `output_shape` gives the sizes of {letters_out!r} without "
            f"the batch axis; got {output_shape} for an input of shape {input_shape}."
        )
    # Sizes without a letter are left alone: the product itself refuses inputs of another rank.
    sizes = _sizes_of_letters(
        equation, dict(zip(letters_in, sizes_in, strict=False)),
        dict(zip(letters_out, sizes_out, strict=False)), match["kernel"],
    )  # fmt: skip
    bias = _bias_shape(bias_axes, letters_out, sizes)
    if bias is not None and match["right"]:
        bias += (1,) * elided
    return EinsumShapes(
        kernel=tuple(_known(sizes, letter, equation) for letter in match["kernel"]),
        bias=bias,
        input_axes=[i for i, a in enumerate(match["kernel"]) if a not in letters_out],
        output_axes=[i for i, a in enumerate(match["kernel"]) if a in letters_out],
    )


def _sizes_of_letters(
    equation: str, of_input: dict[str, int | None], of_output: dict[str, int | None], kernel: str
) -> dict[str, int | None]:
    """The size of each letter; input and output must agree where both have it."""
    for letter, size in of_input.items():
        expected = of_output.get(letter)
        if expected is not None and expected != size:
            raise ShapeError(
                f"EinsumDense({equation!r}): the sizes of axis '{letter}' do not match: {size} in "
                f"the input, {expected} in `output_shape`."
            )
    for letter in of_output:
        if letter not in of_input and letter not in kernel:
            raise ArgumentError(
                f"EinsumDense({equation!r}): the output has an axis '{letter}' that is neither in "
                "the input nor in the kernel."
            )
    for letter in kernel:
        if letter not in of_input and letter not in of_output:
            raise ArgumentError(
                f"EinsumDense({equation!r}): the kernel has an axis '{letter}' that is neither in "
                "the input nor in the output."
            )
    return {**of_output, **{a: n for a, n in of_input.items() if of_output.get(a) is None}}


def _known(sizes: dict[str, int | None], letter: str, equation: str) -> int:
    size = sizes[letter]
    if size is None:
        raise ShapeError(
            f"EinsumDense({equation!r}): the size of '{letter}' must be known to make the kernel. "
            "Give it in `output_shape` or in `Input(shape=...)`."
        )
    return size


def _bias_shape(
    bias_axes: str | None, letters: str, sizes: dict[str, int | None]
) -> tuple[int, ...] | None:
    """The sizes of the bias's letters, 1 between them, from the first of them on."""
    if bias_axes is None:
        return None
    for letter in bias_axes:
        if letter not in letters:
            raise ArgumentError(
                f"EinsumDense: `bias_axes` names '{letter}', but the output has only the axes "
                f"{letters!r}."
            )
    first = min(letters.find(letter) for letter in bias_axes)
    return tuple(
        _known(sizes, a, f"bias_axes={bias_axes}") if a in bias_axes else 1 for a in letters[first:]
    )
