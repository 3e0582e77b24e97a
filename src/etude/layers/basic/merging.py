"""Merging layers: several inputs become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from etude import ops
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Merge",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


class Merge(ConfiguredLayer):
    """Base of the merging layers: inputs of one batch that broadcast to each other.

    Inputs of lower rank get axes of size 1 behind their batch axis.
    A subclass writes `merge`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """The output for inputs of equal rank; masks holds one mask, or None, for each."""
        raise NotImplementedError

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Checks that there are several inputs, and that they fit together."""
        _check_list(input_shape, f"{type(self).__name__} layer {self.name!r}")
        batches = {shape[0] for shape in input_shape if shape} - {None}
        if len(batches) > 1:
            raise ShapeError(
                f"{type(self).__name__} layer {self.name!r} needs inputs with one batch size; got "
                f"the shapes {list(input_shape)}."
            )
        rest = [shape[1:] for shape in input_shape]
        for axis in range(1, max(map(len, rest)) + 1):
            sizes = {shape[-axis] for shape in rest if len(shape) >= axis} - {None, 1}
            if len(sizes) > 1:
                raise ShapeError(
                    f"{type(self).__name__} layer {self.name!r}: Inputs have incompatible shapes. "
                    f"Received shapes {', '.join(map(str, input_shape))}: axis -{axis} has sizes "
                    f"{sorted(n for n in sizes if n is not None)}, which do not broadcast."
                )

    def call(self, inputs: Sequence[Any], mask: Any = None) -> Any:
        """The merged inputs."""
        if not isinstance(inputs, (list, tuple)):
            raise ArgumentError(
                f"{type(self).__name__} layer {self.name!r} should be called on a list of tensors, "
                f"as in layer([x, y]); got {type(inputs).__name__}."
            )
        masks = list(mask) if isinstance(mask, (list, tuple)) else [None] * len(inputs)
        return self.merge(_of_equal_rank(inputs), masks)

    def compute_mask(self, inputs: Sequence[Any], mask: Any = None) -> Any:
        """True where any input is present; None as soon as one input has no mask."""
        masks = _checked_masks(inputs, mask)
        if any(m is None for m in masks):
            return None
        output = masks[0]
        for m in masks[1:]:
            output = ops.logical_or(output, m)
        return output


class Add(Merge):
    """The sum of the inputs.

    Shapes:
        x_i: (batch, ...), which broadcast; y: their common shape.

    Example:
        >>> import numpy as np
        >>> Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).numpy().tolist()
        [[11.0, 22.0]]
    """

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """``x_1 + x_2 + ...``."""
        return _fold(ops.add, inputs)


class Subtract(Merge):
    """The first input less the second.

    Shapes:
        x_1, x_2: (batch, ...), which broadcast; y: their common shape.

    Raises:
        ArgumentError: there are not exactly two inputs.

    Example:
        >>> import numpy as np
        >>> Subtract()([np.array([[3.0]]), np.array([[1.0]])]).numpy().tolist()
        [[2.0]]
    """

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Checks that there are two inputs, and that they fit together."""
        super().build(input_shape)
        _check_two(input_shape, "Subtract")

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """``x_1 - x_2``."""
        _check_two(inputs, "Subtract")
        return ops.subtract(inputs[0], inputs[1])


class Multiply(Merge):
    """The product of the inputs, element by element; a masked element counts as 1.

    Shapes:
        x_i: (batch, ...), which broadcast; y: their common shape.

    Example:
        >>> import numpy as np
        >>> Multiply()([np.array([[2.0, 3.0]]), np.array([[5.0, 7.0]])]).numpy().tolist()
        [[10.0, 21.0]]
    """

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """``x_1 x_2 ...``, 0 where all inputs are masked."""
        present = [_over_features(m, x) for m, x in zip(masks, inputs, strict=True)]
        product = _fold(
            ops.multiply,
            [x if m is None else ops.where(m, x, ops.ones_like(x))
             for m, x in zip(present, inputs, strict=True)],
        )  # fmt: skip
        if any(m is None for m in present):
            return product
        return ops.where(_fold(ops.logical_or, present), product, ops.zeros_like(product))


class Average(Merge):
    """The mean of the inputs, element by element.

    Shapes:
        x_i: (batch, ...), which broadcast; y: their common shape.

    Example:
        >>> import numpy as np
        >>> Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 6.0]])]).numpy().tolist()
        [[2.0, 4.0]]
    """

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """``(x_1 + x_2 + ...) / n``."""
        return _fold(ops.add, inputs) / len(inputs)


class Maximum(Merge):
    """The largest of the inputs, element by element; masked elements do not count.

    Shapes:
        x_i: (batch, ...), which broadcast; y: their common shape.

    Example:
        >>> import numpy as np
        >>> Maximum()([np.array([[1.0, 5.0]]), np.array([[3.0, 2.0]])]).numpy().tolist()
        [[3.0, 5.0]]
    """

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """``max(x_1, x_2, ...)``."""
        return _fold_present(ops.maximum, inputs, masks)


class Minimum(Merge):
    """The smallest of the inputs, element by element; masked elements do not count.

    Shapes:
        x_i: (batch, ...), which broadcast; y: their common shape.

    Example:
        >>> import numpy as np
        >>> Minimum()([np.array([[1.0, 5.0]]), np.array([[3.0, 2.0]])]).numpy().tolist()
        [[1.0, 2.0]]
    """

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """``min(x_1, x_2, ...)``."""
        return _fold_present(ops.minimum, inputs, masks)


class Concatenate(Merge):
    """The inputs side by side along one axis.

    Args:
        axis: the axis to join along; the batch axis is 0.

    Shapes:
        x_i: equal but for the axis; y: the same, the sizes along the axis added up.

    Raises:
        ShapeError: the shapes differ in another axis.

    Example:
        >>> import numpy as np
        >>> Concatenate()([np.zeros((2, 3)), np.zeros((2, 5))]).shape
        (2, 8)
    """

    config_names = ("axis",)

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Checks that the shapes are equal but for the axis."""
        _check_list(input_shape, f"A `Concatenate` layer {self.name!r}")
        ranks = {len(shape) for shape in input_shape}
        rank = max(ranks)
        fits = len(ranks) == 1 and -rank <= self.axis < rank
        if fits:
            others = [i for i in range(rank) if i != self.axis % rank]
            fits = all(len({s[i] for s in input_shape} - {None}) <= 1 for i in others)
        if not fits:
            raise ShapeError(
                f"Concatenate layer {self.name!r} requires inputs with matching shapes except for "
                f"the concatenation axis, here {self.axis}; got {list(input_shape)}."
            )

    def call(self, inputs: Sequence[Any], mask: Any = None) -> Any:
        """The joined inputs."""
        if not isinstance(inputs, (list, tuple)):
            raise ArgumentError(
                f"Concatenate layer {self.name!r} should be called on a list of at least 1 input, "
                f"as in layer([x, y]); got {type(inputs).__name__}."
            )
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_mask(self, inputs: Sequence[Any], mask: Any = None) -> Any:
        """The masks joined; an input without one counts as present."""
        masks = _checked_masks(inputs, mask)
        if all(m is None for m in masks):
            return None
        whole = [
            ops.ones_like(x, dtype="bool") if m is None
            else ops.broadcast_to(ops.expand_dims(m, -1), x.shape) if m.ndim < x.ndim else m
            for m, x in zip(masks, inputs, strict=True)
        ]  # fmt: skip
        return ops.any(ops.concatenate(whole, axis=self.axis), axis=-1)


class Dot(Merge):
    """The inner products of two inputs along one axis of each, sample by sample.

    Args:
        axes: the axis to sum over, or one for each input; 0, the batch axis, is not among them.
        normalize: whether to scale both to length 1 along their axis first: cosine similarity.

    Shapes:
        x_1: (batch, A..., n, B...); x_2: (batch, C..., n, D...);
        y: (batch, A..., B..., C..., D...); (batch, 1) for two matrices.

    Raises:
        ShapeError: the sizes along the axes differ.

    Example:
        >>> import numpy as np
        >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy().tolist()
        [[11.0]]
    """

    config_names = ("axes", "normalize")

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, (int, list, tuple)):
            raise DtypeError(
                f"Dot: `axes` is one number, or one for each of the two inputs; got {axes!r} of "
                f"type {type(axes).__name__}."
            )
        if not isinstance(axes, int) and len(axes) != 2:
            raise ArgumentError(
                f"Dot: a list of `axes` has two entries, one for each input; got {axes!r}."
            )
        if not isinstance(axes, int) and not all(isinstance(a, int) for a in axes):
            raise ArgumentError(
                f"Dot: the entries of `axes` are whole numbers, as in axes=(1, 1); got {axes!r}."
            )
        self.axes = axes
        self.normalize = normalize

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Checks that both inputs have the same size along their axes."""
        _check_list(input_shape, "A `Dot` layer")
        _check_two(input_shape, "Dot")
        a, b = self._axes(*input_shape)
        if 0 in (a, b):
            raise ArgumentError("A `Dot` layer cannot sum over axis 0, the batch axis.")
        if input_shape[0][a] != input_shape[1][b]:
            raise ShapeError(
                f"Dot layer {self.name!r} sums over axis {a} of the first input and axis {b} of "
                f"the second, so their sizes must agree; got {input_shape[0][a]} and "
                f"{input_shape[1][b]}, of the shapes {input_shape[0]} and {input_shape[1]}."
            )

    def _axes(self, first: Shape, second: Shape) -> tuple[int, int]:
        a, b = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return a % len(first), b % len(second)

    def call(self, inputs: Sequence[Any], mask: Any = None) -> Any:
        """``sum_k x_1[..., k, ...] x_2[..., k, ...]``."""
        _check_two(inputs, "Dot")
        x, y = inputs
        a, b = self._axes(x.shape, y.shape)
        if self.normalize:
            x, y = ops.normalize(x, axis=a), ops.normalize(y, axis=b)
        letters = "bcdefghijklmnopqrstuvwxyz"
        of_x = ["a", *letters[: x.ndim - 1]]  # a: the batch, shared
        of_y = ["a", *letters[x.ndim - 1 : x.ndim + y.ndim - 2]]
        of_y[b] = of_x[a]
        kept = [c for c in of_x if c != of_x[a]] + [c for c in of_y[1:] if c != of_x[a]]
        output = ops.einsum(f"{''.join(of_x)},{''.join(of_y)}->{''.join(kept)}", x, y)
        return ops.expand_dims(output, -1) if output.ndim == 1 else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the steps are gone."""
        return


def _check_list(input_shape: Any, layer: str) -> None:
    if not input_shape or not isinstance(input_shape[0], (list, tuple)):
        raise ArgumentError(
            f"{layer} should be called on a list of at least 1 input, as in layer([x, y]); got "
            f"the input shape {input_shape}, which is not a list of shapes."
        )


def _check_two(inputs: Sequence[Any], layer: str) -> None:
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
        raise ArgumentError(
            f"A `{layer}` layer should be called on exactly 2 inputs, that is, on a list of 2 "
            f"inputs. Received: {inputs}"
        )


def _checked_masks(inputs: Any, mask: Any) -> list[Any]:
    """One mask or None for each input."""
    if mask is None:
        return [None] * len(inputs)
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, (list, tuple)):
            raise ArgumentError(f"`{name}` should be a list. Received: {name}={value}")
    if len(mask) != len(inputs):
        raise ArgumentError(
            "Each input has its mask, or None: `inputs` and `mask` should have the same length. "
            f"Got {len(inputs)} inputs and {len(mask)} masks."
        )
    return list(mask)


def _of_equal_rank(inputs: Sequence[Any]) -> list[Any]:
    """The inputs, with axes of size 1 behind the batch axis where the rank is lower."""
    rank = max(len(x.shape) for x in inputs)
    equal = []
    for x in inputs:
        missing = rank - len(x.shape)
        equal.append(ops.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:])) if missing else x)
    return equal


def _fold(operation: Callable[[Any, Any], Any], inputs: Sequence[Any]) -> Any:
    output = inputs[0]
    for x in inputs[1:]:
        output = operation(output, x)
    return output


def _over_features(mask: Any, x: Any) -> Any:
    """A mask without the feature axis, repeated along it."""
    return None if mask is None else ops.broadcast_to(ops.expand_dims(mask, -1), x.shape)


def _fold_present(operation: Callable[[Any, Any], Any], inputs: list[Any], masks: list[Any]) -> Any:
    """Folds an operation over the elements that are present; masked ones take the other's value."""
    output, seen = inputs[0], _over_features(masks[0], inputs[0])
    for x, mask in zip(inputs[1:], masks[1:], strict=True):
        present = _over_features(mask, x)
        if present is not None:
            x = ops.where(present, x, output)
        if seen is not None:
            output = ops.where(seen, output, x)
        both = present is not None and seen is not None
        seen = ops.logical_or(seen, present) if both else None
        output = operation(output, x)
    return output


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The sum of the inputs, as `Add` gives it; kwargs go to the layer."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The first input less the second, as `Subtract` gives it; kwargs go to the layer."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The product of the inputs, as `Multiply` gives it; kwargs go to the layer."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The mean of the inputs, as `Average` gives it; kwargs go to the layer."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The largest of the inputs, as `Maximum` gives it; kwargs go to the layer."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The smallest of the inputs, as `Minimum` gives it; kwargs go to the layer."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """The inputs side by side along an axis, as `Concatenate` gives it; kwargs go to the layer."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """The inner products of two inputs, as `Dot` gives them; kwargs go to the layer."""
    return Dot(axes=axes, **kwargs)(inputs)
