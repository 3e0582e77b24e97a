"""`TensorBoard`: writes what happens in training for TensorBoard to show."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from etude import config
from etude.callbacks.callback import Callback
from etude.errors import ArgumentError, EtudeError

if TYPE_CHECKING:
    from etude.callbacks.event_file import EventFile

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes event files: ``tensorboard --logdir logs`` shows them.

    There is one run for training and one for validation. Losses and metrics are called
    ``epoch_loss``, ``epoch_accuracy``, ...; those of single batches ``batch_loss``, ...; after each
    evaluation ``evaluation_loss_vs_iterations``, ... Neither TensorFlow nor TensorBoard need be
    installed to write them.

    Args:
        log_dir: the folder, of its own.
        histogram_freq: after every so many epochs the distribution of each weight is written; 0
            for never.
        write_graph: whether Sequential and Functional models are written as graphs of layers.
        write_images: whether weights are written as images, together with their distributions.
        write_steps_per_second: whether the speed is written.
        update_freq: ``"epoch"``, ``"batch"``, or a number of batches after which metrics are
            written.
        profile_batch: accepted; nothing is profiled, and a warning says so.
        embeddings_freq: after every so many epochs the vectors of `Embedding` layers are written
            for the projector; 0 for never.
        embeddings_metadata: files with a label per row, by the name of the layer, or one for all.

    Raises:
        ArgumentError: ``profile_batch`` is no number, or pair of numbers, of batches; or
            ``embeddings_metadata`` names a layer that does not exist.

    Example:
        >>> TensorBoard("logs", histogram_freq=1).update_freq
        'epoch'
    """

    _remembered = ("_batches",)

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        self.log_dir = str(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self.watches_batches = self.update_freq != "epoch"
        if any(_profiled(profile_batch)):
            warnings.warn(
                f"TensorBoard: profile_batch={profile_batch!r} has no effect, since etude writes "
                "no profiles. Leave it out, or pass 0.",
                stacklevel=2,
            )
        self._files: dict[str, EventFile] = {}
        self._batches = 0
        self._batch_start = self._epoch_start = 0.0
        self._iterations_before = 0

    def set_model(self, model: Any) -> None:
        """Notes the model, and writes its graph."""
        self._model = model
        self._close()
        if self.embeddings_freq:
            self._check_metadata()
        if self.write_graph and type(model).__name__ in ("Functional", "Sequential"):
            self._write_model()

    def _write_model(self) -> None:
        try:
            text = self.model.to_json()
        except EtudeError as error:
            warnings.warn(f"TensorBoard: the model has no config to show: {error}", stacklevel=3)
            return
        self._file("train").keras_graph("keras", text, step=0)

    def _file(self, run: str) -> EventFile:
        """The file of a run, made when it is first written to."""
        from etude.callbacks.event_file import EventFile  # noqa: PLC0415  (only then: keeps the import cheap)

        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run))
        return self._files[run]

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    # ---- batches -------------------------------------------------------------------------------

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins to count batches."""
        self._batches = 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts a batch."""
        self._batches += 1
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the metrics, if it is time."""
        if self.update_freq == "epoch" or self._batches % int(self.update_freq):
            return
        file = self._file("train")
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._batch_start, 1e-9)
            file.scalar("batch_steps_per_second", 1 / seconds, self._batches)
        for name, value in _scalars(logs):
            file.scalar(f"batch_{name}", value, self._batches)
        file.flush()

    # ---- epochs and evaluations ----------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the clock."""
        if self.write_steps_per_second:
            self._iterations_before = int(self.model.optimizer.iterations)
            self._epoch_start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes metrics, and weights if it is time."""
        self._write_metrics(epoch, logs or {})
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)
        for file in self._files.values():
            file.flush()

    def _write_metrics(self, epoch: int, logs: dict[str, Any]) -> None:
        if not logs:
            return
        of_training = {k: v for k, v in logs.items() if not k.startswith("val_")}
        self._collect_learning_rate(of_training)
        if self.write_steps_per_second:
            steps = int(self.model.optimizer.iterations) - self._iterations_before
            seconds = max(time.perf_counter() - self._epoch_start, 1e-9)
            of_training["steps_per_second"] = steps / seconds
        for name, value in _scalars(of_training):
            self._file("train").scalar(f"epoch_{name}", value, epoch)
        for name, value in _scalars(logs):
            if name.startswith("val_"):
                self._file("validation").scalar(f"epoch_{name[4:]}", value, epoch)

    def _collect_learning_rate(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Logs, with the learning rate of the optimizer, or of each of several."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        several = getattr(optimizer, "optimizers", None)
        for one in [optimizer] if several is None else several:
            if hasattr(one, "learning_rate"):
                suffix = "" if several is None else f"_{one.name}"
                logs[f"learning_rate{suffix}"] = float(np.asarray(one.learning_rate))
        return logs

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Writes the metrics of an evaluation against the number of steps so far."""
        iterations = getattr(self.model.optimizer, "iterations", None)
        if iterations is None:
            return
        file = self._file("validation")
        for name, value in _scalars(logs):
            file.scalar(f"evaluation_{name}_vs_iterations", value, int(iterations))
        file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the files."""
        self._close()

    # ---- weights -------------------------------------------------------------------------------

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for layer in self.model.layers:
            for weight in layer.weights:
                name = weight.path.replace(":", "_")
                values = np.asarray(weight.numpy(), "float64")
                file.histogram(f"{name}/histogram", values, epoch)
                images = _as_images(values) if self.write_images else None
                if images is not None:
                    file.image(f"{name}/image", images, epoch)

    def _embeddings(self) -> list[Any]:
        return [layer for layer in self.model.layers if type(layer).__name__ == "Embedding"]

    def _check_metadata(self) -> None:
        given = self.embeddings_metadata
        unknown = set(given or ()) - {layer.name for layer in self._embeddings()}
        if unknown and not isinstance(given, str):
            raise ArgumentError(
                "Unrecognized `Embedding` layer names passed to `TensorBoard` as "
                f"`embeddings_metadata`: {sorted(unknown)}. There are: "
                f"{[layer.name for layer in self._embeddings()]}."
            )

    def _write_embeddings(self, epoch: int) -> None:
        """Writes vectors as tables, and the list of them that the projector reads."""
        folder = Path(self.log_dir)
        folder.mkdir(parents=True, exist_ok=True)
        entries = []
        for layer in self._embeddings():
            table = f"{layer.name}-{epoch}.tsv"
            np.savetxt(folder / table, layer.embeddings.numpy(), "%.7g", delimiter="\t")
            fields = {"tensor_name": f"{layer.name}/embeddings", "tensor_path": table}
            given = self.embeddings_metadata
            labels = given if isinstance(given, str) else (given or {}).get(layer.name)
            if labels is not None:
                fields["metadata_path"] = str(labels)
            lines = "".join(f'  {name}: "{value}"\n' for name, value in fields.items())
            entries.append(f"embeddings {{\n{lines}}}\n")
        (folder / "projector_config.pbtxt").write_text("".join(entries))


def _scalars(logs: dict[str, Any] | None) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in (logs or {}).items() if np.size(value) == 1]


def _as_images(weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """A weight as grey or coloured images (images, height, width, channels), if it is like some."""
    weight = np.squeeze(weight)
    if weight.ndim == 1:
        return weight.reshape(1, -1, 1, 1)
    if weight.ndim == 2:
        weight = weight.T if weight.shape[0] > weight.shape[1] else weight  # broad, not tall
        return weight[None, :, :, None]
    if weight.ndim == 3:  # each output channel is an image
        weight = weight.transpose(2, 0, 1) if _channels_last() else weight
        return weight[..., None]
    return weight if weight.ndim == 4 and weight.shape[-1] in (1, 3, 4) else None


def _channels_last() -> bool:
    return config.image_data_format() == "channels_last"


def _profiled(batches: Any) -> tuple[int, int]:
    """The first and the last batch of a profile, checked; zeros for none."""
    if isinstance(batches, str):
        parts = batches.split(",")
        batches = [int(part) if part.strip().isdigit() else -1 for part in parts]
        batches = batches[0] if len(batches) == 1 else batches
    pair = batches if isinstance(batches, (tuple, list)) else (batches, batches)
    whole = all(isinstance(n, int) and n >= 0 for n in pair)
    if len(pair) != 2 or not whole or pair[1] < pair[0]:
        raise ArgumentError(
            "profile_batch must be a non-negative integer or 2-tuple of positive integers, the "
            f"first and the last batch; got {batches!r}."
        )
    return pair[0], pair[1]
