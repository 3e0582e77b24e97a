"""Where messages go: to standard output, or to the logger "etude"."""

from __future__ import annotations

import sys

from etude import config

__all__ = ["say"]


def say(message: str, end: str = "\n") -> None:
    """Shows a message; without interactive logging (see `etude.config`) it goes to the log.

    Args:
        message: the text.
        end: what is written after it.

    >>> say("Epoch 1")
    Epoch 1
    """
    if config.is_interactive_logging_enabled():
        sys.stdout.write(f"{message}{end}")
        sys.stdout.flush()
    else:
        import logging  # noqa: PLC0415  (only then: keeps the import cheap)

        logging.getLogger("etude").info(message)
