"""`etude data`: which data sets there are, where they come from, and getting them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from etude import datasets
from etude.datasets.record import DataSet
from etude.datasets.sources import Source
from etude.errors import FetchError, UnknownNameError

BAD_INPUT = 2
NO_DATA = 3
WIDE = 150  # columns that the table of data sets needs

app = typer.Typer(
    help="Data sets: what there is, where it comes from, and getting it.", no_args_is_help=True
)


def _complete(incomplete: str) -> list[str]:
    return [name for name in datasets.records() if name.startswith(incomplete)]


Names = Annotated[
    list[str], typer.Argument(help="Names from `etude data list`.", autocompletion=_complete)
]
OptionalNames = Annotated[
    list[str] | None, typer.Argument(help="Names from `etude data list`.", autocompletion=_complete)
]


@app.command("list")
def list_() -> None:
    """List the data sets: sizes, sources, licences, and whether they lie in the cache."""
    # Where nobody watches, nothing is cut to the width of a screen, unless one is asked for.
    watched = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(width=None if watched else 200, highlight=False)
    records = datasets.records()
    console.print(_wide(records) if console.width >= WIDE else _narrow(records))
    notes = {
        name: " ".join(terms.unclear for terms in record.licences if terms.unclear)
        for name, record in records.items()
    }
    if any(notes.values()):
        console.print("\n! the terms of the data itself are not clear:")
    for name, note in notes.items():
        if note:
            console.print(Padding(f"{name}: {escape(note)}", (0, 0, 0, 2)))


def _wide(records: dict[str, DataSet]) -> Table:
    """A row for each data set."""
    table = Table(box=None, pad_edge=False)
    for column in ("name", "what", "sources", "licence"):
        table.add_column(column)
    table.add_column("size", justify="right")
    table.add_column("cached")
    for name, record in records.items():
        sources = "\n".join(escape(_described(source)) for source in record.sources)
        cached = "yes" if record.is_cached() else "no"
        size = megabytes(record.size)
        table.add_row(name, escape(record.what), sources, _licences(record), size, cached)
    return table


def _narrow(records: dict[str, DataSet]) -> Table:
    """A few lines for each data set: what it is; size, licence, cache; where it comes from."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, record in records.items():
        cached = "cached" if record.is_cached() else "not cached"
        facts = f"{megabytes(record.size)}, {cached}, licence: {_licences(record)}"
        table.add_row(name, escape(record.what))
        table.add_row("", facts)
        sources = ", or ".join(escape(_host_only(_described(source))) for source in record.sources)
        table.add_row("", f"from {sources}", style="dim")
    return table


def _host_only(source: str) -> str:
    """A source with of an address only the host.

    >>> _host_only("https://example.org/data/iris.csv (0.003 MB)")
    'example.org (0.003 MB)'
    """
    if not source.startswith("https://"):
        return source
    address, *size = source.removeprefix("https://").split(" ", 1)
    return " ".join([address.partition("/")[0], *size])


def _licences(record: DataSet) -> str:
    return ", ".join(
        escape(terms.name) + (" !" if terms.unclear else "") for terms in record.licences
    )


@app.command()
def fetch(
    names: OptionalNames = None,
    everything: Annotated[bool, typer.Option("--all", help="Fetch every data set.")] = False,
) -> None:
    """Fetch data sets into the cache, and check those that are there."""
    if everything == bool(names):
        typer.echo("Give the names of data sets, or --all for every one of them.", err=True)
        raise typer.Exit(BAD_INPUT)
    wanted = _records(list(datasets.records()) if everything else names or [])
    failed = False
    for record in wanted:  # one that cannot be had does not keep the others from coming
        try:
            record.paths()
        except FetchError as error:
            typer.echo(str(error), err=True)
            failed = True
        else:
            typer.echo(f"{record.name}: {megabytes(record.size)} in {record.folder}")
    if failed:
        raise typer.Exit(NO_DATA)


@app.command()
def path(names: Names) -> None:
    """Print where the files of data sets lie, one path a line; fetch them where needed."""
    for record in _records(names):
        with _no_data():
            paths = record.paths()
        for each in paths:
            typer.echo(each)


def megabytes(size: int) -> str:
    """A number of bytes for people.

    >>> megabytes(20_279_490), megabytes(2_734)
    ('20.3 MB', '0.003 MB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e6:.3f} MB"


def _described(source: Source) -> str:
    return f"{source.label} ({megabytes(source.size)})" if source.size else source.label


def _records(names: list[str]) -> list[DataSet]:
    """The records of all names, so that a typing error costs no download."""
    try:
        return [datasets.get(name) for name in dict.fromkeys(names)]
    except UnknownNameError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(BAD_INPUT) from None


@contextmanager
def _no_data() -> Iterator[None]:
    try:
        yield
    except FetchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NO_DATA) from None
