"""Runs a lab: executes its cells, collects what they leave on the desk, writes the report."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import time
import types
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from etude import config
from etude.errors import ArgumentError, EngineError, FileError, unknown_name
from etude.labs.running import drawing, facts, material, record, report, resumption
from etude.labs.running.cells import Cell, split_cells, use_framework
from etude.labs.running.desk import Desk, seated
from etude.labs.running.header import Header, Metric, Scalar, Setting, readable
from etude.labs.running.results import FRAMEWORKS, Options, Result, Score

__all__ = ["execute", "has_checkpoint", "run"]


def run(header: Header, options: Options, say: Callable[[str], None] = print) -> Result:
    """Runs a lab from its first cell to its report.

    Args:
        header: the lab, as `find_lab` gives it.
        options: how to run it.
        say: takes the headings of the lab as they come.

    Raises:
        EtudeError: the options, the data or the report's folder cannot be used. Whatever else a
            cell raises comes out unchanged.
    """
    overrides = _overrides(header, options)
    if options.data is not None:
        material.check_own(options.data, header.data, options.target)
    elif options.target is not None:
        raise ArgumentError(
            f"--target {options.target}: it names a column of your own table, so it goes together "
            "with --data FILE.csv."
        )
    _check_writable(options.out)
    engine = _choose(header, options)
    desk = Desk(
        header,
        quick=options.quick,
        seed=options.seed,
        framework=options.framework,
        data=options.data,
        target=options.target,
        overrides=overrides,
    )
    start = time.perf_counter()
    with _checkpoints(header, options, engine, overrides):
        namespace = execute(desk, say)
    seconds = time.perf_counter() - start
    scores = tuple(_scores(desk))
    path = _report_path(options.out, header.name)
    result = Result(header, desk, engine, options.framework, seconds, scores, path, namespace)
    try:
        record.write_whole(path, report.page(result, facts.machine(options.framework)))
    except FileError as error:
        raise FileError(f"The run is done ({_summary(scores)}), but its report {error}") from error
    today = datetime.now().astimezone().isoformat(timespec="seconds")
    changed = {**overrides, **({"data": str(options.data)} if options.data else {})}
    changed |= {"target": options.target} if options.target else {}
    record.append(
        result.as_dict() | {"framework": options.framework, "date": today, "changed": changed}
    )
    return result


def _checkpoints(
    header: Header, options: Options, engine: str, overrides: dict[str, Scalar]
) -> contextlib.AbstractContextManager[None]:
    """Has each training of the lab keep a checkpoint, and go on from it where that is asked."""
    if options.framework != "etude":
        if options.resume:
            raise ArgumentError(
                "--resume goes on from checkpoints of etude; Keras makes none here."
            )
        return contextlib.nullcontext()
    folder = checkpoint_folder(header, options, engine, overrides)
    if options.resume and not folder.is_dir():
        print(
            f"No interrupted run of {header.name} with these options has a checkpoint: it begins "
            "anew.",
            file=sys.stderr,
        )
    return resumption.checkpointed(folder, options.resume)


def checkpoint_folder(
    header: Header, options: Options, engine: str, overrides: dict[str, Scalar]
) -> Path:
    """Where a run with these options keeps its checkpoints."""
    decisive = {
        "quick": options.quick,
        "engine": engine,
        "parameters": overrides,
        "data": options.data and options.data.absolute(),
        **({"target": options.target} if options.target else {}),
        "seed": options.seed,
    }
    return resumption.folder_of(header, decisive)


def has_checkpoint(header: Header, options: Options) -> bool:
    """Whether a run that was just interrupted can go on."""
    if options.framework != "etude":
        return False
    overrides = _overrides(header, options)
    return checkpoint_folder(header, options, config.backend(), overrides).is_dir()


def execute(desk: Desk, say: Callable[[str], None]) -> dict[str, Any]:
    """Executes the cells of a lab at a desk, and returns the names that they defined.

    Each cell is compiled under the lab's own path and line numbers, so that a traceback points
    into the lab; all of them before the first runs, so that a slip in the last is not found after
    the training.
    """
    path = desk.header.path
    drawing.no_windows()
    module = types.ModuleType("etude_lab_" + path.stem)
    module.__file__ = str(path)
    with seated(desk), _registered(module):
        heading = None
        cells = split_cells(path.read_text(encoding="utf-8"))
        programs = {c.line: _compiled(c, path, desk.framework) for c in cells if c.kind == "code"}
        for cell in cells:
            heading = cell.heading or heading
            if cell.kind != "code":
                continue
            if heading:  # a chapter without code has nothing to wait for, and is not announced
                say(heading)
                heading = None
            exec(programs[cell.line], module.__dict__)
    return module.__dict__


def _compiled(cell: Cell, path: Path, framework: str) -> types.CodeType:
    source = "\n" * (cell.line - 1) + use_framework(cell.source, framework)
    return compile(source, str(path), "exec", dont_inherit=True)


@contextlib.contextmanager
def _registered(module: types.ModuleType) -> Iterator[None]:
    """Lets classes that a lab defines find their module, as dataclasses and pickle want."""
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.modules.pop(module.__name__, None)


def _summary(scores: tuple[Score, ...]) -> str:
    return ", ".join(f"{score.label} {readable(score.value)}" for score in scores)


def _choose(header: Header, options: Options) -> str:
    """Sets the framework and engine; returns the name that results carry."""
    if options.framework not in FRAMEWORKS:
        raise unknown_name("framework", options.framework, FRAMEWORKS)
    if options.framework not in header.frameworks:
        raise ArgumentError(
            f"The lab {header.name} uses what {options.framework} lacks, as a GradientTape: "
            f"it runs on {' and '.join(header.frameworks)} only."
        )
    if options.framework == "etude":
        if options.engine is not None:
            config.set_engine(options.engine)
        return config.backend()
    if options.engine is not None:
        raise ArgumentError("--engine chooses an engine of etude; it says nothing to Keras.")
    if importlib.util.find_spec("keras") is None:
        raise EngineError("--framework keras needs Keras: pip install keras")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return "keras-" + os.environ["KERAS_BACKEND"]


def _overrides(header: Header, options: Options) -> dict[str, Scalar]:
    texts = dict(options.settings)
    if options.epochs is not None:
        if options.epochs < 1:
            raise ArgumentError(f"--epochs must be at least 1; got {options.epochs}.")
        texts["epochs"] = str(options.epochs)
    for name in texts:
        if name not in header.parameters:
            raise unknown_name(f"parameter of {header.name}", name, header.parameters)
    return {name: _parsed(header.parameters[name], text) for name, text in texts.items()}


def _parsed(setting: Setting, text: str) -> Scalar:
    kind = type(setting.full)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        raise ArgumentError(
            f"The parameter {setting.name!r} takes a value of type {kind.__name__}, as "
            f"{setting.full!r}; got {text!r}."
        ) from None


def _check_writable(folder: Path) -> None:
    """Tells before training, not after, that a report could not be written."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ArgumentError(
            f"--out {folder}: no report can be written there ({error.strerror}). "
            "Name a folder that you may write to."
        ) from error


def _scores(desk: Desk) -> Iterator[Score]:
    for name, metric in desk.header.metrics.items():
        if name not in desk.scores and _can_be_missing(metric, desk):
            continue
        if name not in desk.scores:
            raise ArgumentError(
                f"The lab {desk.header.name} declares the metric {name!r}, and never reported it: "
                f'lab.metric("{name}", value) is missing.'
            )
        value, target = desk.scores[name], desk.target(name)
        reached = metric.reached(value, target)
        yield Score(name, metric.label, value, target, metric.better, reached, metric.source)


def _can_be_missing(metric: Metric, desk: Desk) -> bool:
    """Whether a metric belongs to the other kind of run: on one's own data, or on the lab's."""
    if desk.own_data is not None:
        return bool(metric.target) and "own" not in metric.target
    return set(metric.target) == {"own"}


def _report_path(folder: Path, lab: str) -> Path:
    """A name that no earlier report has."""
    stem = f"{lab}-{datetime.now():%Y%m%d-%H%M%S}"
    path, copy = folder / f"{stem}.html", 2
    while path.exists():
        path, copy = folder / f"{stem}-{copy}.html", copy + 1
    return path.resolve()
