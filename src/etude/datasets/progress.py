"""Progress on standard error while data is fetched; silent unless that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def transfer(what: str, size: int | None = None) -> Iterator[Callable[[int], None]]:
    """Shows that something is on its way.

    Args:
        what: one line that says what.
        size: the bytes to come; ``None`` shows only that time passes.

    Yields:
        A function to call with the number of bytes that have just arrived.

    >>> with transfer("nothing", 3) as advance:
    ...     advance(3)
    """
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    # Imported here because rich is slow to import, and most loads find their data cached.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn  # noqa: PLC0415

    columns = [SpinnerColumn(), "{task.description}"]
    if size is not None:
        columns += [BarColumn(), DownloadColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=size)
        yield lambda count: bar.advance(task, count)
