"""`etude exec`."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from etude.cli.labs import Engine
from etude.cli.status import FAULT, INTERRUPTED, NO_DATA
from etude.errors import FetchError

__all__ = ["run_script"]


def run_script(
    script: Annotated[
        Path, typer.Argument(metavar="SCRIPT", help="A Keras script (.py) or notebook (.ipynb).")
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="What the script is given.")
    ] = None,
    engine: Annotated[
        Engine | None, typer.Option(help="What computes; xla where it is installed.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything random.")] = None,
    full_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show an error's way through etude, too.")
    ] = False,
) -> None:
    """Run a Keras script or notebook unchanged, with etude in the place of keras.

    Options that etude does not know are the script's own, and so is everything after `--`.
    """
    # Running needs the whole library; asking for help should not wait for it.
    from etude.compat import execution  # noqa: PLC0415

    program = execution.prepared(script, arguments or (), engine and engine.value, seed)
    try:
        program()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        shown = traceback.TracebackException.from_exception(error)
        if not full_traceback:
            shown = execution.own_frames(error)
        print("".join(shown.format()), end="", file=sys.stderr)
        sys.exit(NO_DATA if isinstance(error, FetchError) else FAULT)
