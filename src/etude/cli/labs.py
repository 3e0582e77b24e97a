"""`etude labs`, `etude run` and `etude notebook`."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from etude.cli import every_lab
from etude.cli.status import FAULT, INTERRUPTED, TARGET_MISSED, TERMINATED
from etude.errors import ArgumentError, EtudeError
from etude.labs.running import record, standings
from etude.labs.running.catalog import catalog, find_lab
from etude.labs.running.header import UNITS, Header, readable

__all__ = ["list_labs", "notebook", "run"]


class Engine(StrEnum):
    """The engines, as choices of an option."""

    NUMPY = "numpy"
    XLA = "xla"


class Framework(StrEnum):
    """What runs the model code of a lab."""

    ETUDE = "etude"
    KERAS = "keras"


def _complete(incomplete: str, *more: str) -> list[str]:
    names = [*more, *(header.name for header in catalog())]
    return [name for name in names if name.startswith(incomplete)]


Lab = Annotated[
    str,
    typer.Argument(
        metavar="LAB",
        help="A name from `etude labs`, or the path of a lab of your own.",
        autocompletion=_complete,
    ),
]
LabOrAll = Annotated[
    str,
    typer.Argument(
        metavar="LAB|all",
        help="A name from `etude labs`, the path of a lab of your own, or `all` of the course.",
        autocompletion=lambda incomplete: _complete(incomplete, "all"),
    ),
]


def list_labs(
    markdown: Annotated[
        bool,
        typer.Option(
            "--markdown", help="Print the latest full runs as a page in Markdown, metric by metric."
        ),
    ] = False,
) -> None:
    """List the labs: topics, data, target, the best run so far, and how long a run takes."""
    runs = record.results()
    if markdown:
        typer.echo(standings.markdown(catalog(), runs), nl=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("lab", "topics", "data", "target", "best so far", "time"):
        table.add_column(column, no_wrap=column == "lab")
    unit = None
    for header in catalog():
        if header.unit != unit:
            unit = header.unit
            table.add_row(f"[bold]{unit} {UNITS[unit]}[/]")
        table.add_row(
            header.name,
            escape(", ".join(header.topics)),
            header.data.name or "–",
            _targets(header),
            _best(header, runs),
            _time(header, runs),
        )
    # Where nobody watches, nothing is cut to the width of a screen.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def run(
    lab: LabOrAll,
    quick: Annotated[
        bool, typer.Option("--quick", help="A short run on less data, with looser targets.")
    ] = False,
    engine: Annotated[
        Engine | None, typer.Option(help="What computes; xla where it is installed.")
    ] = None,
    framework: Annotated[
        Framework, typer.Option(help="What runs the lab's model code: etude, or Keras itself.")
    ] = Framework.ETUDE,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training data.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other parameter of the lab."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Your own data: a folder with one sub-folder per class, a table as FILE.csv, or a "
            ".npz file."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of your own table to predict."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder for the report.")] = Path("reports"),
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on where the last run with these same options was interrupted."
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the result as one line of JSON; all else to stderr."),
    ] = False,
    require_target: Annotated[
        bool, typer.Option("--require-target", help="Exit with status 4 where a target is missed.")
    ] = False,
) -> None:
    """Run a lab, and write its report; or run all of them, and print one table."""
    if lab == "all":
        own = {"--epochs": epochs, "--set": settings, "--data": data, "--target": target}
        _refuse_for_all([name for name, value in own.items() if value is not None])
        arguments = ["--framework", framework.value, "--seed", str(seed), "--out", str(out)]
        arguments += ["--engine", engine.value] if engine else []
        flags = {"--quick": quick, "--resume": resume, "--require-target": require_target}
        arguments += [name for name, is_set in flags.items() if is_set]
        labs = [header for header in catalog() if framework.value in header.frameworks]
        raise typer.Exit(every_lab.run(labs, arguments, as_json=as_json))
    # Running needs the whole library; listing labs and asking for help should not wait for it.
    from etude.labs.running import results, runner  # noqa: PLC0415

    header = find_lab(lab)
    options = results.Options(
        quick=quick,
        engine=engine.value if engine else None,
        framework=framework.value,
        epochs=epochs,
        settings=_pairs(settings or []),
        data=data,
        target=target,
        seed=seed,
        out=out,
        resume=resume,
    )
    # With --json, whatever a lab prints must not reach the one line that programs read.
    aside = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
    with aside, _told_in_words(header, lambda: runner.has_checkpoint(header, options)):
        result = runner.run(header, options, say=_say)
    if as_json:
        typer.echo(json.dumps(result.as_dict(), ensure_ascii=False))
    else:
        _print_result(result)
    if require_target and result.missed:
        raise typer.Exit(TARGET_MISSED)


def notebook(
    lab: Lab,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; LAB.ipynb in this folder by default.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
    open_it: Annotated[
        bool, typer.Option("--open", help="Open it where Jupyter is installed.")
    ] = False,
) -> None:
    """Write a lab as a Jupyter notebook."""
    from etude.labs.running import notebooks  # noqa: PLC0415 - needs jupytext, which is optional

    header = find_lab(lab)
    path = out or Path(f"{header.path.stem}.ipynb")
    if path.is_file() and not force:
        raise ArgumentError(
            f"{path} is there already, perhaps with your work in it: name another with --out, "
            "or replace it with --force."
        )
    notebooks.write(header, path)
    typer.echo(path.resolve())
    if open_it and not notebooks.open_in_jupyter(path):
        typer.echo("Jupyter is not installed (pip install jupyterlab), so it stays shut.", err=True)


def _refuse_for_all(given: Sequence[str]) -> None:
    if given:
        raise ArgumentError(
            f"{', '.join(given)}: what is right for one lab is not for another. Run that lab by "
            "its name, as in `etude run mnist-cnn --epochs 2`."
        )


def _say(heading: str) -> None:
    typer.secho(f"\n── {heading}", fg="cyan")


def _pairs(settings: list[str]) -> dict[str, str]:
    pairs = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (name and equals and value):
            raise ArgumentError(
                f"--set takes NAME=VALUE, as in train_images=1000; got {setting!r}."
            )
        pairs[name.strip()] = value.strip()
    return pairs


@contextlib.contextmanager
def _told_in_words(header: Header, can_go_on: Callable[[], bool]) -> Iterator[None]:
    """Ends a run that was interrupted, or whose code fails, without this program's own frames."""
    try:
        yield
    except KeyboardInterrupt:
        _tell_of_interrupt(can_go_on())
        raise typer.Exit(INTERRUPTED) from None
    except SystemExit as end:
        if end.code == TERMINATED:
            _tell_of_interrupt(can_go_on())
        raise
    except EtudeError as error:
        line = _line_in(header, error)
        if line is not None:
            print(f"{header.path.name}, line {line}:", file=sys.stderr)
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        path = str(header.path)
        first = next((i for i, frame in enumerate(frames) if frame.filename == path), 0)
        print("".join(traceback.format_list(frames[first:])), file=sys.stderr, end="")
        told = "".join(traceback.format_exception_only(error)).strip()
        print(f"etude: the lab {header.name} failed: {told}", file=sys.stderr)
        raise typer.Exit(FAULT) from error


def _tell_of_interrupt(can_go_on: bool) -> None:
    print("\netude: interrupted; no report was written.", file=sys.stderr)
    if can_go_on:
        print("The same command with --resume goes on from the last checkpoint.", file=sys.stderr)


def _line_in(header: Header, error: Exception) -> int | None:
    """The line of the lab in which an error arose, where it arose in the lab."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(header.path)]
    return lines[-1] if lines else None


def _print_result(result: Any) -> None:
    table = Table.grid(padding=(0, 2))
    for score in result.scores:
        table.add_row(score.label, f"[bold]{readable(score.value)}[/]", _verdict(score))
    table.add_row("time", standings.clock(result.seconds))
    console = Console(highlight=False)
    console.print()
    console.print(table)
    if result.desk.material is not None and result.desk.material.note:
        console.print(escape(result.desk.material.note), soft_wrap=True)
    console.print(f"report  {escape(str(result.report))}", soft_wrap=True)


def _verdict(score: Any) -> str:
    if score.target is None:
        return "no target for such a run"
    bound = "at least" if score.better == "higher" else "at most"
    verdict = "[green]reached[/]" if score.reached else "[red]missed[/]"
    return f"target {bound} {score.target:g}: {verdict}"


def _targets(header: Header) -> str:
    sign = {"higher": "≥", "lower": "≤"}
    return "\n".join(
        f"{metric.label} {sign[metric.better]} {metric.target['full']:g}"
        for metric in header.metrics.values()
        if "full" in metric.target
    )


def _best(header: Header, runs: Sequence[Mapping[str, Any]]) -> str:
    """The best full run so far, or the best quick one where there was no full one."""
    for quick in (False, True):
        run = standings.best(header, standings.comparable(header, runs, quick=quick))
        if run is not None:
            how = [run.get("engine", ""), "quick" if quick else "full", run.get("date", "")[:10]]
            return f"{standings.scores(run)} [dim]{escape(' '.join(how))}[/]"
    return "[dim]not run yet[/]"


def _time(header: Header, runs: Sequence[Mapping[str, Any]]) -> str:
    """How long the latest full and the latest quick run took."""
    found = []
    for quick, word in ((False, ""), (True, "quick ")):
        comparable = standings.comparable(header, runs, quick=quick)
        if comparable:
            found.append(word + standings.clock(comparable[-1].get("seconds", 0)))
    return ", ".join(found) or "–"
