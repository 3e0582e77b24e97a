"""What a layer expects of its inputs, and the check of it at every call."""

from __future__ import annotations

from typing import Any

from etude import tree
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError, DtypeError, ShapeError

__all__ = ["InputSpec", "assert_input_compatibility", "is_one_sample"]


class InputSpec:
    """Rank, dtype and sizes that a layer expects of one input.

    Args:
        dtype: the expected dtype.
        shape: the expected shape; ``None`` stands for any size.
        ndim: the expected rank.
        max_ndim: the highest rank.
        min_ndim: the lowest rank.
        axes: sizes that some axes must have: ``{-1: 3}``.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or superfluous.
        name: the key of the input in a dictionary of inputs.
        optional: whether ``None`` may come in its place.

    Example:
        >>> InputSpec(ndim=4, axes={-1: 3})
        InputSpec(ndim=4, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = standardize_dtype(dtype) if dtype is not None else None
        self.shape = tuple(shape) if shape is not None else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise DtypeError(
                "InputSpec: `axes` maps axes to sizes and so has integer keys, as {-1: 4}; got "
                f"{axes}."
            ) from error
        highest = self.ndim or self.max_ndim
        if self.axes and highest is not None and max(self.axes) >= highest:
            raise ArgumentError(
                f"InputSpec: `axes` names axis {max(self.axes)}, but with these dimensions the "
                f"last axis is {highest - 1}."
            )

    def __repr__(self) -> str:
        shown = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        found = [f"{n}={getattr(self, n)}" for n in shown if getattr(self, n)]
        return f"InputSpec({', '.join(found)})"

    def hint(self, shape: tuple[int | None, ...]) -> str:
        """What to say to a user whose input has this shape of a wrong rank; may be overridden."""
        return ""

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this specification again."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The specification with these arguments."""
        return cls(**config)


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Raises unless the inputs are as a layer expects them.

    Args:
        input_spec: one specification, or a structure of them; ``None`` in it checks nothing.
        inputs: tensors, in the same structure.
        layer_name: for the message.

    Raises:
        ShapeError: ranks or sizes are others.
        ArgumentError: the number of inputs, their names or dtypes are others.
    """
    if not input_spec:
        return
    specs = tree.flatten(input_spec)
    values = tree.flatten(_by_name(specs, inputs))
    if len(values) != len(specs):
        _raise_count(specs, values, layer_name)
    for index, (value, spec) in enumerate(zip(values, specs, strict=True)):
        if spec is not None and not (value is None and spec.optional):
            _check(index, value, spec, layer_name)


def is_one_sample(shape: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    """Whether data looks like a single sample, to which only the batch axis is missing.

    Args:
        shape: that of the data.
        expected: that of the input, ``None`` for any size. A last axis of 1 may be missing.

    >>> is_one_sample((28, 28), (None, 28, 28)), is_one_sample((5,), (None, 1))
    (True, False)
    """
    if len(shape) != len(expected) - 1 or not _sizes_agree(expected[1:], shape):
        return False
    return expected[-1] != 1 or not _sizes_agree(expected[:-1], shape)


def _by_name(specs: list[Any], inputs: Any) -> Any:
    names = [None if spec is None else spec.name for spec in specs]
    if not isinstance(inputs, dict) or not all(names):
        return inputs
    for name in names:
        if name not in inputs:
            raise ArgumentError(
                f'Missing data for input "{name}". Expected a dict with the keys {names}; got '
                f"{list(inputs)}."
            )
    return [inputs[name] for name in names]


def _raise_count(specs: list[Any], values: list[Any], layer_name: str) -> None:
    names = [spec.name for spec in specs if spec is not None]
    if len(names) == len(specs) and all(names):
        pairs = ", ".join(f"'{name}': ..." for name in names)
        raise ArgumentError(
            f"Layer '{layer_name}' expects {len(specs)} named input(s) with keys {names}; got "
            f"{len(values)} input(s) without names. Pass a dict: `layer({{{pairs}}})`."
        )
    raise ArgumentError(
        f"Layer '{layer_name}' expects {len(specs)} input(s), in a list; got {len(values)}: "
        f"{values}"
    )


def _check(index: int, value: Any, spec: InputSpec, layer_name: str) -> None:
    if value is None:
        raise ArgumentError(
            f"Layer '{layer_name}': input '{spec.name}' is not optional; got None. Pass a tensor, "
            "or declare it by `Input(..., optional=True)`."
        )
    if not hasattr(value, "shape"):
        raise ArgumentError(
            f"Layer '{layer_name}' computes with tensors; got {value!r} of type "
            f"{type(value).__name__}. Make it an array first: `numpy.array(...)`."
        )
    shape = tuple(value.shape)
    named = f" ('{spec.name}')" if spec.name else ""
    start = f"Layer '{layer_name}': input {index}{named} is incompatible with the layer: "
    ndim = len(shape)
    alone = ndim + 1 in (spec.ndim, spec.min_ndim) and shape[:1] != (None,)
    advice = " If it is a single sample, add the batch axis: `x[None]`." if alone else ""
    end = f"Full shape received: {shape}.{spec.hint(shape) or advice}"
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and ndim != spec.ndim:
        raise ShapeError(f"{start}expected ndim={spec.ndim}, found ndim={ndim}. {end}")
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        raise ShapeError(f"{start}expected max_ndim={spec.max_ndim}, found ndim={ndim}. {end}")
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        raise ShapeError(f"{start}expected min_ndim={spec.min_ndim}, found ndim={ndim}. {end}")
    if spec.dtype is not None and standardize_dtype(value.dtype) != spec.dtype:
        raise ArgumentError(
            f"{start}expected dtype={spec.dtype}, found dtype={standardize_dtype(value.dtype)}"
        )
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            raise ShapeError(
                f"{start}expected axis {axis} to have size {size}; got an input of shape {shape}."
            )
    if spec.shape is not None and not _shapes_agree(spec, shape):
        raise ShapeError(f"{start}expected shape={spec.shape}, found shape={shape}")


def _shapes_agree(spec: InputSpec, shape: tuple[int | None, ...]) -> bool:
    expected = spec.shape or ()
    if spec.allow_last_axis_squeeze:
        shape = shape[:-1] if shape and shape[-1] == 1 else shape
        expected = expected[:-1] if expected and expected[-1] == 1 else expected
    return _sizes_agree(expected, shape)


def _sizes_agree(expected: tuple[int | None, ...], shape: tuple[int | None, ...]) -> bool:
    pairs = zip(expected, shape, strict=False)
    return all(a is None or b is None or a == b for a, b in pairs)
