"""The desk that a lab works at: where it takes its parameters and data, and leaves its results.

The same calls work under the runner, which turns what was left into a report, and in a plain
notebook, where everything is shown in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from etude.errors import ArgumentError, ShapeError, unknown_name
from etude.labs.running import exhibits, material, tables
from etude.labs.running.catalog import find_lab, lab_name
from etude.labs.running.header import Header, Scalar

__all__ = ["Desk", "Parameters", "begin", "current", "seated"]

_current: ContextVar[Desk | None] = ContextVar("etude_lab", default=None)


class Parameters:
    """The parameters of a run, as attributes."""

    def __init__(self, values: Mapping[str, Scalar]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(str(unknown_name("parameter of this lab", name, self))) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__["_values"])

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{k}={v!r}' for k, v in self._values.items())})"

    def as_dict(self) -> dict[str, Scalar]:
        """All parameters by name."""
        return dict(self._values)


class Desk:
    """One run of a lab: what goes in, and what comes out.

    Attributes:
        header: what the lab says about itself.
        parameters: the values for this run, as attributes: ``lab.parameters.epochs``.
        seed: the seed of this run.
        framework: what ``keras`` is in this run: ``"etude"``, or ``"keras"`` itself.
        quick: whether this is a quick run.
        scores: the metrics reported so far, by name.
        exhibits: what the report shows, in order.
        own_data: where the user's own data lie, or None.
        own_target: the column of the user's own table that is to be predicted, or None.
    """

    def __init__(
        self,
        header: Header,
        *,
        quick: bool = False,
        seed: int = 0,
        framework: str = "etude",
        data: str | Path | None = None,
        target: str | None = None,
        overrides: Mapping[str, Scalar] | None = None,
    ) -> None:
        settings = {name: s.value(quick=quick) for name, s in header.parameters.items()}
        self.header = header
        self.parameters = Parameters(settings | dict(overrides or {}))
        self.seed = seed
        self.framework = framework
        self.quick = quick
        self.scores: dict[str, float] = {}
        self.exhibits: list[exhibits.Exhibit] = []
        self.history: dict[str, list[float]] = {}
        self.material: material.Material | None = None
        self.own_data = Path(data) if data is not None else None
        self.own_target = target

    # -- what goes in -----------------------------------------------------------------------

    def load_data(self) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """The lab's data, as ``(x_train, y_train), (x_test, y_test)``.

        That is ``etude.datasets.NAME.load_data()`` for the data set that the header names. With
        ``etude run --data PATH`` it is the user's own; where the data set cannot be had, it is
        the stand-in that the header names, and one line says so. A table of the user's own comes
        as `Table.arrays` gives it, all numbers.

        Raises:
            FetchError: neither the data set nor a stand-in can be had.
            DataError: the user's own data cannot be used.
        """
        if self.own_data is not None and self.header.data.table:
            return self.load_table().arrays()
        self.material = material.find(self.header.data, self.own_data, seed=self.seed)
        if self.material.note:
            print(self.material.note)
        for remark in self.material.remarks:
            print(remark)
        return self.material.train, self.material.test

    def load_table(self) -> tables.Table:
        """The lab's data as a table: columns by name, the kind of task, and the classes.

        That is the data set that the header names, or with ``etude run --data FILE.csv --target
        COLUMN`` the user's own table. What was put right in it, or left out, is printed and stands
        in the report.

        Raises:
            FetchError: the data set cannot be had.
            DataError: the user's own table cannot be used.
        """
        if self.own_data is None:
            self.material = material.find(self.header.data, None, seed=self.seed)
            return material.as_table(self.material)
        kinds = self.header.data.table
        table = tables.read_table(self.own_data, self.own_target, kinds, seed=self.seed)
        self.material = material.of_table(table)
        for note in table.notes:
            print(note)
        title = f"Your table: {self.own_data.name}"
        caption = " ".join(table.notes) or "Nothing had to be put right."
        self.show_table(title, ("column", "taken for", "note"), table.about, caption=caption)
        return table

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, by label."""
        if self.material is None:
            raise ArgumentError("The classes are known once lab.load_data() was called.")
        return self.material.class_names

    # -- what comes out ---------------------------------------------------------------------

    def metric(self, name: str, value: Any) -> None:
        """Reports a number that the header declares."""
        if name not in self.header.metrics:
            raise unknown_name("metric of this lab", name, self.header.metrics)
        number = float(value)
        if not np.isfinite(number):
            raise ArgumentError(f"The metric {name!r} is {number}: training has diverged.")
        # Seven digits: a float32 that stands for 0.9925 must not miss 0.9925 by its last bit.
        self.scores[name] = float(f"{number:.7g}")

    def target(self, name: str) -> float | None:
        """The target of a metric in this run, or None where such a run has none."""
        targets = self.header.metrics[name].target
        if self.own_data is not None:
            return targets.get("own")
        if self.material is not None and self.material.stand_in_for:
            if self.quick and "quick" not in targets:
                return None
            usual = targets.get("stand_in")
            return targets.get("stand_in_quick", usual) if self.quick else usual
        if self.framework == "keras" and "keras" in targets:
            return targets["keras"]
        return targets.get("quick" if self.quick else "full")

    def show_model(self, model: Any) -> None:
        """Prints the summary of a model, and puts it into the report."""
        lines: list[str] = []
        model.summary(print_fn=lambda line, *_, **__: lines.append(line), line_length=76)
        text = "\n".join(lines)
        print(text)
        self.exhibits.append(exhibits.ModelSummary(text))

    def show_curves(self, history: Any) -> None:
        """Draws the learning curves of what ``fit`` returned: one picture per quantity."""
        self.history = {k: [float(v) for v in vs] for k, vs in history.history.items()}
        self._show(exhibits.learning_curves(self.history))

    def show_confusion(
        self,
        truth: npt.ArrayLike,
        predicted: npt.ArrayLike,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Shows which class was taken for which.

        Args:
            truth: the labels, shape (n,).
            predicted: the labels that the model gave, shape (n,).
            class_names: by label; those of the lab's data by default.
        """
        y, guess = _labels("truth", truth), _labels("predicted", predicted)
        if y.shape != guess.shape:
            raise ShapeError(f"truth has the shape {y.shape}, predicted {guess.shape}.")
        names = self.class_names if class_names is None else class_names
        self._show(exhibits.confusion(y, guess, names))

    def show_mistakes(
        self,
        images: npt.ArrayLike,
        truth: npt.ArrayLike,
        probabilities: npt.ArrayLike,
        top: int = 24,
    ) -> None:
        """Shows the images that the model got wrong with the most confidence.

        Args:
            images: shape (n, height, width) or (n, height, width, channels); bytes, or floats
                from 0 to 1.
            truth: the labels, shape (n,).
            probabilities: the model's probability of each class, shape (n, classes).
            top: how many images are shown at most.
        """
        p, y = np.asarray(probabilities, dtype=np.float64), _labels("truth", truth)
        pictures = np.asarray(images)
        if p.ndim != 2 or not len(p) == len(y) == len(pictures):
            raise ShapeError(
                "show_mistakes() takes n images, n labels and probabilities of shape (n, "
                f"classes); got {pictures.shape}, {y.shape} and {p.shape}."
            )
        self._show(exhibits.mistakes(pictures, y, p, self.class_names, top))

    def show_table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str
    ) -> None:
        """Prints a table, and puts it into the report.

        Args:
            title: its heading.
            columns: the names of its columns.
            rows: texts, or numbers, which get four digits that count.
            caption: what the reader should see in it.
        """
        exhibit = exhibits.listing(title, columns, rows, caption)
        print(exhibit.as_text())
        self._show(exhibit)

    def show_figure(self, figure: Any, *, title: str, caption: str, alt: str) -> None:
        """Puts a matplotlib figure into the report, or shows it in a notebook.

        Args:
            figure: the figure. Text and axes should keep their default colours: the report
                turns those over in dark mode.
            title: its heading.
            caption: what the reader should see in it.
            alt: the same for someone who cannot see it.
        """
        self._show(exhibits.drawing(figure, title, caption, alt))

    def _show(self, exhibit: exhibits.Exhibit | None) -> None:
        if exhibit is None:
            return
        self.exhibits.append(exhibit)
        if _current.get() is not self:
            _show_in_notebook(exhibit)


def begin(name: str, *, quick: bool = False, seed: int = 0) -> Desk:
    """Opens the desk of a lab: the runner's, or a new one where no runner is at work.

    Args:
        name: the lab's name, ``"mnist-cnn"``.
        quick: in a notebook, whether to take the quick values of the parameters.
        seed: in a notebook, the seed.
    """
    running = _current.get()
    if running is not None:
        if running.header.name != name.replace("_", "-"):
            raise ArgumentError(
                f"{running.header.path.name} calls labs.begin({name!r}), but this lab is "
                f"{running.header.name!r}, after the name of its file. Change that line."
            )
        return running
    beside = Path(name.replace("-", "_") + ".py")
    if beside.is_file() and lab_name(beside) == name:
        return Desk(find_lab(f"./{beside}"), quick=quick, seed=seed)
    return Desk(find_lab(name), quick=quick, seed=seed)


@contextmanager
def seated(desk: Desk) -> Iterator[None]:
    """While this lasts, `begin` returns ``desk``."""
    token = _current.set(desk)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Desk | None:
    """The desk of the lab that the runner is executing, or None."""
    return _current.get()


def _labels(name: str, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    labels = np.asarray(values)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # (n, 1) -> (n,)
    if labels.ndim != 1:
        raise ShapeError(f"{name} must hold one label per image; got the shape {labels.shape}.")
    return labels.astype(np.int64)


def _show_in_notebook(exhibit: exhibits.Exhibit) -> None:
    try:
        from IPython.core.getipython import get_ipython  # noqa: PLC0415 - only there in notebooks
        from IPython.display import HTML, display  # noqa: PLC0415 - as above
    except ImportError:
        return
    if get_ipython() is not None:
        from etude.labs.running.report import fragment  # noqa: PLC0415 - jinja2 is slow to import

        display(HTML(fragment(exhibit)))
