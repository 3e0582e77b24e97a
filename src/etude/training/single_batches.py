"""Steps on single batches: `train_on_batch` and its kin, and the compiled steps themselves."""

from __future__ import annotations

from typing import Any

from etude import tree
from etude.callbacks.callback_list import to_numbers
from etude.data.arrays import to_arrays
from etude.data.class_weights import class_weights_to_sample_weights
from etude.engine.interrupts import whole_steps
from etude.errors import ArgumentError
from etude.tracebacks import shortened
from etude.training import checks, host_part
from etude.training.building import build_from_batch
from etude.training.compilation import Compilable
from etude.training.predictions import as_numpy
from etude.training.runner import program

__all__ = ["SingleBatches"]


class SingleBatches(Compilable):
    """Adds steps on single batches to a model."""

    @shortened
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on the given samples; metrics are those of these samples alone."""
        self._require_compile("train_on_batch")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    @shortened
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation on the given samples; metrics are those of these alone."""
        self._require_compile("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        checks.check_batch_axis(self, x, y)
        x = host_part.prepare(self, x)
        x, y, sample_weight = (
            to_arrays(part, name)
            for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight))
        )
        if class_weight is not None:
            if sample_weight is not None:
                raise ArgumentError(
                    "`sample_weight` and `class_weight` cannot be given at the same time. Multiply "
                    "the weights of the classes into `sample_weight`."
                )
            sample_weight = class_weights_to_sample_weights(y, class_weight)
        batch = (x, y, sample_weight)
        checks.check_targets(self, y)
        build_from_batch(self, batch)
        self._forget_stale_programs()
        checks.check_labels(self, y)
        checks.check_ids(self, x)
        self.reset_metrics()
        step = program(self, kind, lambda step: step)
        with whole_steps():
            logs = to_numbers(step(batch))
        return logs if return_dict else self._in_order(logs)

    @shortened
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for the given samples, as NumPy arrays."""
        checks.check_batch_axis(self, x)
        x = to_arrays(host_part.prepare(self, x), "x")
        build_from_batch(self, (x,), targets=False)
        self._forget_stale_programs()
        checks.check_ids(self, x)
        step = program(self, "predict", lambda step: step)
        return tree.map_structure(as_numpy, step((x,)))

    # ---- functions of Keras --------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> Any:
        """The compiled `train_step`, which takes a batch; made anew with ``force``."""
        return self._make("train", force)

    def make_test_function(self, force: bool = False) -> Any:
        """The compiled `test_step`, which takes a batch; made anew with ``force``."""
        return self._make("test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """The compiled `predict_step`, which takes a batch; made anew with ``force``."""
        return self._make("predict", force)

    def _make(self, kind: str, force: bool) -> Any:
        if force:
            self._programs.clear()
        return program(self, kind, lambda step: step)
