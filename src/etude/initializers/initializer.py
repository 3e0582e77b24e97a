"""The base class of all initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from etude.autodiff import Tensor

__all__ = ["Initializer"]


class Initializer:
    """Makes the first values of a variable.

    Subclasses define ``__call__(shape, dtype=None)``, and `get_config` where their constructor
    takes arguments.

    Example:
        >>> from etude import ops
        >>> class Twos(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return ops.full(shape, 2.0, dtype=dtype)
        >>> Twos()((2,)).numpy()
        array([2., 2.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values.

        Args:
            shape: the shape of the variable.
            dtype: its dtype; `etude.config.floatx` if it is not given.
        """
        raise NotImplementedError(
            "Initializer subclasses must implement the `__call__()` method: "
            f"{type(self).__name__} does not."
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An initializer from what `get_config` returned.

        >>> from etude.initializers import RandomUniform
        >>> RandomUniform.from_config(RandomUniform(-1.0, 1.0).get_config()).minval
        -1.0
        """
        return cls(**config)

    def clone(self) -> Self:
        """A new initializer with the same arguments."""
        return self.from_config(self.get_config())
