"""`Input`: the symbolic tensor that a functional model begins with."""

from __future__ import annotations

import warnings
from typing import Any

from etude.autodiff import KerasTensor, symbolic
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.layers.base.input_spec import InputSpec
from etude.layers.base.layer import Layer

__all__ = ["Input", "InputLayer", "InputSpec"]


class InputLayer(Layer):
    """The layer that stands for an input of a model; `Input` makes it.

    Args:
        shape: the shape without the batch; ``None`` where a size is not known.
        batch_size: the size of the batch, where it is fixed.
        dtype: the dtype of the input.
        sparse: must be false; sparse tensors are left out.
        ragged: must be false; ragged tensors are left out.
        batch_shape: the shape with the batch, in the place of ``shape``.
        input_tensor: a symbolic tensor to stand for, in the place of a new one.
        optional: whether ``None`` may be given for this input.
        name: the name of the input.
        **kwargs: ``input_shape`` and ``batch_input_shape``, the older names.

    Example:
        >>> InputLayer(shape=(3,), name="x").output.shape
        (None, 3)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        for old, new in (("input_shape", "shape"), ("batch_input_shape", "batch_shape")):
            if old in kwargs:
                warnings.warn(f"Argument `{old}` is deprecated. Use `{new}` instead.", stacklevel=2)
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if kwargs:
            raise ArgumentError(f"Unrecognized keyword arguments passed to InputLayer: {kwargs}")
        for option, value in (("sparse", sparse), ("ragged", ragged)):
            if value and input_tensor is None:
                raise ArgumentError(
                    f"`{option}=True` is not supported: etude has dense tensors. Leave it out, "
                    "and pad what has several lengths."
                )
        if input_tensor is not None:
            _check_agreement(input_tensor, shape, batch_size, batch_shape, dtype, sparse, ragged)
        else:
            batch_shape = _batch_shape(shape, batch_size, batch_shape)
            input_tensor = KerasTensor(batch_shape, dtype=standardize_dtype(dtype), name=name)
        self._batch_shape = tuple(input_tensor.shape)
        self._dtype = standardize_dtype(input_tensor.dtype)
        self.sparse = False
        self.ragged = False
        self.optional = optional
        self._input_tensor = input_tensor
        self._inbound_nodes.append(symbolic.Node(self, (), {}, input_tensor))
        self.built = True

    def call(self) -> None:  # type: ignore[override]
        """Nothing: a model puts its inputs in this place."""

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape with the batch."""
        return self._batch_shape

    @property
    def dtype(self) -> str:
        """The dtype of the input."""
        return self._dtype

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def _batch_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> tuple[int | None, ...]:
    if shape is not None and batch_shape is not None:
        raise ArgumentError(
            "Input: you cannot pass both `shape` and `batch_shape`, which is `shape` with the "
            "batch size in front. Give one of them."
        )
    if batch_size is not None and batch_shape is not None:
        raise ArgumentError(
            "Input: you cannot pass both `batch_size` and `batch_shape`, which begins with the "
            "batch size. Give one of them."
        )
    if shape is None and batch_shape is None:
        raise ArgumentError("You must pass a `shape` argument.")
    if batch_shape is not None:
        return _checked(batch_shape, "batch_shape")
    return (batch_size, *_checked(shape, "shape"))


def _checked(shape: Any, argument: str) -> tuple[int | None, ...]:
    """A shape as a tuple of integers and ``None``."""
    if isinstance(shape, int) or not hasattr(shape, "__iter__"):
        hint = f" Did you mean `{argument}=({shape},)`?" if isinstance(shape, int) else ""
        raise ArgumentError(
            f"`{argument}` must be a tuple of integers or None; got {shape!r}.{hint}"
        )
    sizes: list[int | None] = []
    for size in shape:
        if size is None:
            sizes.append(None)
            continue
        try:
            sizes.append(size.__index__())
        except (AttributeError, TypeError):
            raise DtypeError(
                f"`{argument}` must hold integers or None; got {shape!r}, in which {size!r} is of "
                f"type {type(size).__name__}."
            ) from None
        if size < 0:
            raise ShapeError(f"`{argument}` cannot hold negative sizes; got {shape!r}.")
    return tuple(sizes)


def _check_agreement(
    tensor: Any, shape: Any, batch_size: int | None, batch_shape: Any, dtype: Any,
    sparse: bool | None, ragged: bool | None,
) -> None:  # fmt: skip
    """Raises where an ``input_tensor`` contradicts the other arguments."""
    if not isinstance(tensor, KerasTensor):
        raise ArgumentError(
            "Argument `input_tensor` must be a KerasTensor, what `etude.Input` returns; got "
            f"{tensor!r} of type {type(tensor).__name__}."
        )
    clashes = {
        "batch_size": batch_size is not None and tensor.shape[:1] != (batch_size,),
        "shape": shape is not None and tuple(shape) != tensor.shape[1:],
        "batch_shape": batch_shape is not None and tuple(batch_shape) != tensor.shape,
        "dtype": dtype is not None and standardize_dtype(dtype) != tensor.dtype,
        "sparse": bool(sparse),
        "ragged": bool(ragged),
    }
    for argument, clash in clashes.items():
        if clash:
            raise ArgumentError(
                "`input_tensor` has its own shape and dtype, so you cannot provide an incompatible "
                f"`{argument}`; the tensor has shape {tensor.shape} and dtype {tensor.dtype}."
            )


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> Any:
    """A symbolic tensor: shape and dtype of what a model will be given.

    Args:
        shape: the shape without the batch; ``None`` where a size is not known.
        batch_size: the size of the batch, where it is fixed.
        dtype: the dtype; `etude.config.floatx` by default.
        sparse: must be false; sparse tensors are left out.
        ragged: must be false; ragged tensors are left out.
        batch_shape: the shape with the batch, in the place of ``shape``.
        name: the name of the input, e.g. the key in a dictionary of inputs.
        tensor: a symbolic tensor to use in the place of a new one.
        optional: whether ``None`` may be given for this input.

    Raises:
        ArgumentError: no shape is given, or arguments contradict each other.

    Example:
        >>> x = Input((28, 28, 1))
        >>> x.shape, x.dtype
        ((None, 28, 28, 1), 'float32')
    """
    return InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    ).output
