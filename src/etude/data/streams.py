"""Generators, and objects that can be iterated over again and again, as batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etude import tree
from etude.data.class_weights import class_weights_to_sample_weights
from etude.data.unpacking import unpack_x_y_sample_weight
from etude.errors import ArgumentError, DataError
from etude.random import generator_states, set_generator_states

__all__ = ["DatasetBatches", "GeneratorBatches", "IterableBatches"]


def _plain(value: Any) -> Any:
    """A tensor of another framework as an array; all else stays."""
    if value is None or isinstance(value, (int, float)):
        return value
    for step in ("detach", "cpu"):  # of torch
        if hasattr(value, step) and not hasattr(value, "__etude_tensor__"):
            value = getattr(value, step)()
    return value


def _checked(batch: Any, class_weight: dict[int, float] | None) -> tuple[Any, Any, Any]:
    batch = tree.map_structure(_plain, batch)
    if isinstance(batch, list):
        batch = tuple(batch)
    if isinstance(batch, dict):
        batch = (batch,)
    x, y, sample_weight = unpack_x_y_sample_weight(batch)
    if not any(hasattr(leaf, "shape") for leaf in tree.flatten(x)):
        raise DataError(
            "Every batch must be a tuple of arrays, starting with x; got "
            f"{type(batch[0]).__name__} in the place of x."
        )
    if class_weight is not None and sample_weight is not None:
        raise ArgumentError(
            "The batches hold sample weights, so `class_weight` cannot be given too. Multiply the "
            "weights of the classes into those of the samples."
        )
    if class_weight is not None:
        sample_weight = class_weights_to_sample_weights(y, class_weight)
    return x, y, sample_weight


class GeneratorBatches:
    """A generator of batches: read on from epoch to epoch, and never twice.

    Args:
        generator: yields tuples ``(x, y)`` or ``(x, y, sample_weight)``.
        class_weight: a weight for each class.
    """

    num_batches = None
    batch_size = None
    even = False

    def __init__(
        self, generator: Iterator[Any], class_weight: dict[int, float] | None = None
    ) -> None:
        self.generator = generator
        self.class_weight = class_weight
        self.held: list[Any] = []  # a batch that was looked at, but not used
        self.used = 0

    def peek(self) -> Any:
        """The next batch, which stays the next one; ``None`` at the end."""
        if not self.held:
            batch = next(self.generator, None)
            if batch is None:
                return None
            self.held.append(_checked(batch, self.class_weight))
        return self.held[0]

    def epoch(self, epoch: int) -> Iterator[Any]:
        """The batches that are left."""
        while (batch := self.peek()) is not None:
            self.held.clear()
            self.used += 1
            yield batch

    def state(self) -> dict[str, Any]:
        """How many batches were used."""
        return {"used": self.used}

    def resume(self, state: dict[str, Any], epoch: int, taken: int) -> Iterator[Any]:
        """Goes on after the batches that were used, which the generator has to make once more."""
        batches = self.epoch(epoch)
        for _ in range(state["used"] - self.used):
            next(batches, None)
        return batches

    def on_epoch_end(self) -> None:
        """Nothing."""


class IterableBatches:
    """An object that gives its batches anew each time it is iterated over.

    Such are the data sets of other frameworks, and lists of batches.

    Args:
        source: the object.
        class_weight: a weight for each class.
    """

    batch_size = None
    even = False

    def __init__(self, source: Any, class_weight: dict[int, float] | None = None) -> None:
        self.source = source
        self.class_weight = class_weight
        self.ended = 0  # epochs
        self.begun: Any = None  # where generators and seeds were as the epoch began

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has, where the object knows."""
        try:
            count = len(self.source)
        except TypeError:
            return None
        return count if count >= 0 else None

    def epoch(self, epoch: int) -> Iterator[Any]:
        """The batches, from the first on."""
        self.begun = self._seeds()
        return (_checked(batch, self.class_weight) for batch in self._elements())

    def _elements(self) -> Iterator[Any]:
        return iter(self.source)

    def _seeds(self) -> dict[str, Any]:
        """What decides which elements come, as far as that can be known."""
        return {"generators": generator_states()}

    def _set_seeds(self, seeds: dict[str, Any]) -> None:
        set_generator_states(seeds["generators"])

    def state(self) -> dict[str, Any]:
        """Where generators and seeds are, and where they were as the epoch began."""
        return {"begun": self.begun, "now": self._seeds(), "ended": self.ended}

    def resume(self, state: dict[str, Any], epoch: int, taken: int) -> Iterator[Any] | None:
        """Goes on after some batches of an epoch, which are made once more, with the same seeds."""
        while self.ended < state["ended"]:
            self.on_epoch_end()
        if not taken:
            self._set_seeds(state["now"])
            return None
        self._set_seeds(state["begun"])
        batches = self.epoch(epoch)
        for _ in range(taken):
            next(batches, None)
        return batches

    def on_epoch_end(self) -> None:
        """Tells the object, if it wants to know."""
        self.ended += 1
        notify = getattr(self.source, "on_epoch_end", None)
        if callable(notify):
            notify()


class DatasetBatches(IterableBatches):
    """A `Dataset` whose elements are batches.

    Args:
        source: the data set.
        class_weight: a weight for each class.
    """

    def _elements(self) -> Iterator[Any]:
        return self.source.arrays()

    def _seeds(self) -> dict[str, Any]:
        return {**super()._seeds(), "rounds": self.source.state()}

    def _set_seeds(self, seeds: dict[str, Any]) -> None:
        super()._set_seeds(seeds)
        self.source.restore(seeds["rounds"])
