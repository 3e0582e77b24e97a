"""Hashing and HashedCrossing: categories as numbers of buckets, without a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import config
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import Shape
from etude.layers.base.host import (
    HostLayer,
    as_integers,
    as_text,
    encode_on_host,
    tensor_or_text,
)
from etude.layers.text.fingerprints import concatenated, fingerprint
from etude.layers.text.index_lookup import checked_salt, hash_bucket

__all__ = ["HashedCrossing", "Hashing"]

CROSSING_KEY = 956888297470  # that of TensorFlow, so that buckets are the same


class Hashing(HostLayer):
    """Puts text or integers into buckets by a hash, so that no vocabulary is needed.

    ``y = hash(x) mod num_bins``, with FarmHash, or with SipHash under a salt. Different values may
    share a bucket. It runs on the host.

    Args:
        num_bins: number of buckets, with that of the mask.
        mask_value: the value that gets bucket 0 for itself; None: there is none.
        salt: one or two integers: the key of SipHash.
        output_mode: ``"int"``, ``"one_hot"``, ``"multi_hot"`` or ``"count"``.
        sparse: must be false.

    Shapes:
        x: text or integers of any shape; y: integers of the same shape; or rows, (batch, ...,
        num_bins).

    Raises:
        ArgumentError: an argument has a value that cannot be used.

    Example:
        >>> Hashing(num_bins=3)([["A"], ["B"], ["C"]]).shape
        (3, 1)
    """

    config_names = ("num_bins", "salt", "mask_value", "output_mode", "sparse")

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else config.floatx()
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ArgumentError(
                "The `num_bins` for `Hashing` cannot be `None` or non-positive values; got "
                f"{num_bins}."
            )
        modes = ("int", "one_hot", "multi_hot", "count")
        if output_mode not in modes:
            raise ArgumentError(
                "Hashing: Invalid value for argument `output_mode`. Expected one of "
                f"{modes}; got {output_mode!r}."
            )
        if output_mode == "int" and self.dtype_policy.name not in ("int32", "int64"):
            raise ArgumentError(
                "Hashing: When `output_mode=\"int\"`, `dtype` should be an integer type, 'int32' "
                f"or 'int64'; got {kwargs['dtype']!r}."
            )
        if sparse:
            only = "`sparse` may only be true if `output_mode` is not 'int'; and " * (
                output_mode == "int"
            )
            raise ArgumentError(f"Hashing: {only}`sparse=True`: etude has dense tensors only.")
        self.num_bins, self.mask_value = num_bins, mask_value
        self.salt = checked_salt(salt, "Hashing")
        self.output_mode, self.sparse = output_mode, sparse

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape, or rows with an entry for each bucket."""
        if self.output_mode == "int":
            return tuple(input_shape)
        return (*input_shape[:-1], self.num_bins)

    def call(self, inputs: Any) -> Any:
        """The number of each value's bucket, or rows made of them."""
        array = self.array_of(inputs)
        is_text = array.dtype.kind in "OUS"
        values = (as_text if is_text else as_integers)(array).reshape(-1).tolist()
        masks = self.mask_value is not None and self.num_bins > 1
        bins = self.num_bins - 1 if masks else self.num_bins
        buckets = {v: hash_bucket(str(v), bins, self.salt) + masks for v in set(values)}
        if masks:
            buckets[self.mask_value] = 0
        indices = np.array([buckets[v] for v in values], dtype="int64").reshape(array.shape)
        if self.output_mode == "int":
            return tensor_or_text(indices.astype(self.dtype))
        return tensor_or_text(encode_on_host(indices, self.output_mode, self.num_bins, self.dtype))


class HashedCrossing(HostLayer):
    """Puts pairs (or more) of categories into buckets by a hash of all of them.

    ``y = hash(x_1, x_2, ...) mod num_bins``. It runs on the host.

    Args:
        num_bins: number of buckets.
        output_mode: ``"int"`` or ``"one_hot"``.
        sparse: must be false.

    Shapes:
        inputs: a list of text or integers, each (), (batch,) or (batch, 1); y: the same shape, or
        (batch, num_bins).

    Raises:
        ArgumentError: an argument has a value that cannot be used, or there is one input only.
        ShapeError: the inputs differ in shape.

    Example:
        >>> layer = HashedCrossing(num_bins=5)
        >>> layer((["A", "B", "A"], [101, 101, 102])).numpy().tolist()
        [1, 4, 3]
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        dtype = "int64" if output_mode == "int" and dtype is None else dtype
        super().__init__(name=name, dtype=dtype)
        if sparse:
            raise ArgumentError("HashedCrossing: `sparse=True`: etude has dense tensors only.")
        if output_mode not in ("int", "one_hot"):
            raise ArgumentError(
                "HashedCrossing: Invalid value for argument `output_mode`. Expected one of "
                f"('int', 'one_hot'); got {output_mode!r}."
            )
        self.num_bins, self.output_mode, self.sparse = num_bins, output_mode, sparse

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """The shape of one input, or rows with an entry for each bucket."""
        first = tuple(input_shape[0])
        if any(tuple(shape) != first for shape in input_shape):
            raise ShapeError(
                "HashedCrossing: Expected the input tensors to have identical shapes; got "
                f"{input_shape}."
            )
        if self.output_mode == "int":
            return first
        return (*(first[:-1] if first and first[-1] == 1 else first), self.num_bins)

    def call(self, inputs: Any) -> Any:
        """The number of each combination's bucket, or rows made of them."""
        if not isinstance(inputs, (list, tuple)):
            raise ArgumentError(
                "`HashedCrossing` should be called on a list or tuple of inputs; got "
                f"{type(inputs).__name__}."
            )
        if len(inputs) < 2:
            raise ArgumentError(
                "`HashedCrossing` should be called on at least two inputs; got one."
            )
        arrays = [self.array_of(x) for x in inputs]
        shape = _crossing_shape(arrays)
        crossed = [CROSSING_KEY] * arrays[0].size
        for array in arrays:
            hashes = _hashes_of(array)
            crossed = [concatenated(a, b) for a, b in zip(crossed, hashes, strict=True)]
        indices = np.array([c % self.num_bins for c in crossed], dtype="int64").reshape(shape)
        if self.output_mode == "int":
            return tensor_or_text(indices.astype(self.dtype))
        return tensor_or_text(encode_on_host(indices, "one_hot", self.num_bins, self.dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        names = ("num_bins", "output_mode", "sparse", "name", "dtype")
        return {name: getattr(self, name) for name in names}


def _hashes_of(array: np.ndarray[Any, Any]) -> list[int]:
    """Text by its fingerprint, integers as they are."""
    if array.dtype.kind in "OUS":
        return [fingerprint(text.encode()) for text in as_text(array).reshape(-1).tolist()]
    if array.dtype.kind not in "iu":
        raise ArgumentError(
            "All `HashedCrossing` inputs should have an integer or string dtype; got "
            f"{array.dtype}. Round or discretize numbers first."
        )
    return [int(value) % 2**64 for value in array.reshape(-1).tolist()]


def _crossing_shape(arrays: list[np.ndarray[Any, Any]]) -> tuple[int, ...]:
    shape = arrays[0].shape
    if len(shape) > 2 or (len(shape) == 2 and shape[-1] != 1):
        raise ShapeError(
            "All `HashedCrossing` inputs should have shape `()`, `(batch_size)` or `(batch_size, "
            f"1)`; got {[a.shape for a in arrays]}."
        )
    if any(array.shape != shape for array in arrays):
        raise ShapeError(
            f"All `HashedCrossing` inputs should have equal shape; got {[a.shape for a in arrays]}."
        )
    return shape
