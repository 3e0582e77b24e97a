"""CategoryEncoding and Discretization: integers as rows, and numbers as integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import config, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, StateError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.host import adapt_to

__all__ = ["CategoryEncoding", "Discretization", "encode"]


def encode(indices: Any, output_mode: str, depth: int, dtype: str, weights: Any = None) -> Any:
    """Integers as rows.

    Args:
        indices: (..., n) integers in [0, depth).
        output_mode: ``"int"``: as they are; ``"one_hot"``: a row for each; ``"multi_hot"``: one
            row for all n, 1 where an index occurs; ``"count"``: how often it occurs.
        depth: the length of a row.
        dtype: of the result.
        weights: for ``"count"``, what each of the indices adds.
    """
    if output_mode == "int":
        return ops.cast(indices, dtype)
    if len(indices.shape) == 0:
        indices = ops.expand_dims(indices, -1)
    shape = tuple(indices.shape)
    if output_mode == "one_hot":
        is_column = len(shape) > 1 and shape[-1] == 1
        return ops.one_hot(indices[..., 0] if is_column else indices, depth, dtype=dtype)
    rows = ops.one_hot(indices, depth, dtype=dtype)  # (..., n, depth)
    axis = 1 if len(shape) > 1 else 0
    if output_mode == "multi_hot":
        return ops.max(rows, axis=axis)
    if weights is not None:
        rows = ops.cast(rows, weights.dtype) * ops.expand_dims(weights, -1)
    return ops.sum(rows, axis=axis)


class CategoryEncoding(ConfiguredLayer):
    """Turns integers into rows of 0 and 1, or of counts.

    Args:
        num_tokens: how many categories there are: the largest integer plus 1.
        output_mode: ``"multi_hot"``: one row for a sample; ``"one_hot"``: one for each integer;
            ``"count"``: one row for a sample, with how often each occurs.
        sparse: must be false.

    Shapes:
        x: (batch, n) integers, or (n,); y: (batch, num_tokens); with ``"one_hot"`` (batch, n,
        num_tokens), or (batch, num_tokens) where n is 1.

    Raises:
        ArgumentError: an argument has a value that cannot be used.

    Example:
        >>> import numpy as np
        >>> CategoryEncoding(num_tokens=4)(np.array([[0, 1], [3, 3]])).numpy().tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    config_names = ("num_tokens", "output_mode")

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        if output_mode not in ("count", "one_hot", "multi_hot"):
            raise ArgumentError(
                f"CategoryEncoding: Unknown arg for output_mode: {output_mode}. It is 'one_hot', "
                "'multi_hot' or 'count'."
            )
        if num_tokens is None:
            raise ArgumentError(
                "CategoryEncoding: num_tokens must be set to use this layer. Where it is not "
                "known, `IntegerLookup` learns the categories."
            )
        if num_tokens < 1:
            raise ArgumentError(
                f"CategoryEncoding: `num_tokens` must be >= 1. Received: num_tokens={num_tokens}."
            )
        if sparse:
            raise ArgumentError("CategoryEncoding: `sparse=True`: etude has dense tensors only.")
        self.num_tokens, self.output_mode, self.sparse = num_tokens, output_mode, sparse
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False
        self._build_at_init()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Rows in the place of the last axis, or behind it."""
        shape = tuple(input_shape)
        if not shape:
            return (self.num_tokens,)
        if self.output_mode == "one_hot" and (len(shape) == 1 or shape[-1] != 1):
            return (*shape, self.num_tokens)
        return (*shape[:-1], self.num_tokens)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> KerasTensor:
        """The symbolic output."""
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        """The rows; ``count_weights`` says what each integer adds to its count."""
        if count_weights is not None:
            if self.output_mode != "count":
                raise ArgumentError(
                    "CategoryEncoding: `count_weights` is not used when `output_mode` is not "
                    f"`'count'`; got output_mode={self.output_mode!r}."
                )
            count_weights = ops.convert_to_tensor(count_weights, dtype=self.compute_dtype)
        return self._encode(inputs, count_weights)

    def _encode(self, inputs: Any, count_weights: Any = None) -> Any:
        indices = ops.cast(ops.convert_to_tensor(inputs), "int32")
        return encode(indices, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)


class Discretization(ConfiguredLayer):
    """Turns numbers into the numbers of the bins that they fall into.

    Args:
        bin_boundaries: where bins end, ascending: ``[0.0, 1.0]`` makes the three bins below 0,
            from 0 to below 1, and from 1 on.
        num_bins: in the place of boundaries: how many bins `adapt` makes, with equally many
            values in each.
        epsilon: how exact these are; less is slower.
        output_mode: ``"int"``, ``"one_hot"``, ``"multi_hot"`` or ``"count"``.
        sparse: must be false.

    Shapes:
        x: numbers of any shape; y: integers of the same shape; or rows, as `CategoryEncoding`.

    Raises:
        ArgumentError: both or none of boundaries and number are given.
        StateError: there are no boundaries yet.

    Example:
        >>> import numpy as np
        >>> Discretization([0.0, 1.0])(np.array([-1.0, 0.0, 7.0])).numpy().tolist()
        [0, 1, 2]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if sparse:
            only = "`sparse=True` may only be used if `output_mode` is not 'int'; and " * (
                output_mode == "int"
            )
            raise ArgumentError(
                f"Discretization: {only}`sparse=True` cannot be used with etude, which has dense "
                "tensors only."
            )
        modes = ("int", "one_hot", "multi_hot", "count")
        if output_mode not in modes:
            raise ArgumentError(
                "Discretization: Invalid value for argument `output_mode`. Expected one of "
                f"{modes}; got {output_mode!r}."
            )
        if num_bins is not None and num_bins < 0:
            raise ArgumentError(
                "Discretization: `num_bins` must be greater than or equal to 0. Received: "
                f"`num_bins={num_bins}`"
            )
        if num_bins is not None and bin_boundaries is not None:
            raise ArgumentError(
                "Discretization: Both `num_bins` and `bin_boundaries` should not be set. Received: "
                f"`num_bins={num_bins}` and `bin_boundaries={bin_boundaries}`"
            )
        if num_bins is None and bin_boundaries is None:
            raise ArgumentError(
                "Discretization: You need to set either `num_bins` or `bin_boundaries`."
            )
        self.bin_boundaries: Any = bin_boundaries
        self.num_bins, self.epsilon = num_bins, epsilon
        self.output_mode, self.sparse = output_mode, sparse
        self.reset_state()
        self._build_at_init()

    @property
    def input_dtype(self) -> str:
        """The dtype of the inputs."""
        return config.floatx()

    @property
    def output_dtype(self) -> str:
        """The dtype of the outputs."""
        return self.compute_dtype if self.output_mode != "int" else "int32"

    # ---- learning the boundaries ---------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the boundaries: quantiles of the numbers in data.

        Args:
            data: an array, or an iterable of batches.
            steps: how many batches at most.
        """
        if self.num_bins is None:
            raise ArgumentError(
                "Cannot adapt a Discretization layer that has been initialized with "
                "`bin_boundaries`, use `num_bins` instead."
            )
        self.reset_state()
        adapt_to(iter(data) if isinstance(data, (list, tuple)) else data, self.update_state, steps)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Takes more numbers into account."""
        summary = _summary(np.asarray(data, dtype="float32"), self.epsilon)
        both = np.concatenate([summary, self.summary], axis=1)
        self.summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Makes the boundaries from what was seen."""
        if self.num_bins is not None:
            self.bin_boundaries = _compressed(self.summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forgets what `update_state` has seen."""
        self.summary = np.zeros((2, 0), dtype="float32")

    # ---- using them ----------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape, or rows with an entry for each bin."""
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        depth = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        if self.output_mode == "one_hot":
            return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
        return (shape[0], *shape[2:], depth) if len(shape) > 1 else (depth,)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """The symbolic output."""
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.output_dtype)

    def call(self, inputs: Any) -> Any:
        """The bins, or rows made of them."""
        if self.bin_boundaries is None:
            raise StateError(
                "Discretization: You need to either pass the `bin_boundaries` argument at "
                "construction time or call `adapt(dataset)` before you can start using the layer."
            )
        bins = ops.digitize(inputs, ops.convert_to_tensor(self.bin_boundaries, dtype="float32"))
        return encode(bins, self.output_mode, len(self.bin_boundaries) + 1, self.output_dtype)

    def load_own_variables(self, store: Any) -> None:
        """Nothing: the boundaries are in the config. Older files hold a summary."""
        if len(store) == 1:
            self.summary = store["0"]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        names = ("bin_boundaries", "num_bins", "epsilon", "output_mode", "sparse", "name", "dtype")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer of a config; one that has learnt has both number and boundaries."""
        config = dict(config)
        learnt = None
        if config.get("num_bins") is not None:
            learnt = config.pop("bin_boundaries", None)
        layer = super().from_config(config)
        layer.bin_boundaries = learnt if learnt is not None else layer.bin_boundaries
        return layer


def _summary(values: np.ndarray[Any, Any], epsilon: float) -> np.ndarray[Any, Any]:
    """Numbers as at most 1 / epsilon of them, in order, and how many each stands for: (2, n)."""
    values = np.sort(values.reshape(-1))
    step = max(values.size * epsilon, 1)
    kept = values[int(step - 1) :: int(step)]
    return np.stack([kept, np.full_like(kept, step)])


def _compressed(summary: np.ndarray[Any, Any], epsilon: float) -> np.ndarray[Any, Any]:
    """A summary with about 1 / epsilon entries, by linear interpolation of its quantiles."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    total = summary[1].cumsum()
    values = np.interp(shares, total / total[-1], summary[0])
    total = np.interp(shares, total / total[-1], total)
    return np.stack([values, np.diff(total, prepend=0.0)]).astype("float32")
