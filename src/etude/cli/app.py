"""The command `etude`, put together; and how its errors end.

Exit status: 0 done, 1 a fault of the program, 2 bad usage or input, 3 data not to be had, 4 a
required target missed, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from etude.cli import data, doctor, execute, inspect, labs
from etude.cli.status import BAD_INPUT, NO_DATA
from etude.errors import EtudeError, FetchError

__all__ = ["app", "main"]

app = typer.Typer(
    name="etude",
    help="Deep learning to read and to run: the labs, their data, and a look at the installation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("labs")(labs.list_labs)
app.command("run")(labs.run)
app.command("notebook")(labs.notebook)
app.command(
    "exec",
    # What etude does not know is for the script; and so is everything after `--`.
    context_settings={"ignore_unknown_options": True},
)(execute.run_script)
app.command("inspect")(inspect.inspect)
app.command("doctor")(doctor.doctor)
app.add_typer(data.app, name="data")


def _show_version(wanted: bool) -> None:
    if wanted:
        from etude.labs.running.facts import version  # noqa: PLC0415 - nothing else here needs it

        typer.echo(f"etude {version('etude')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version, and exit."
        ),
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command, and ends the process with its status.

    Args:
        arguments: in place of those of the process.
    """
    try:
        app(arguments, prog_name="etude")
    except EtudeError as error:
        # What the user can mend is told in words; only a fault of the program shows a traceback.
        print(f"etude: {error}", file=sys.stderr)
        sys.exit(NO_DATA if isinstance(error, FetchError) else BAD_INPUT)
