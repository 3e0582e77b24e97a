"""The `etude` command."""

from etude.cli.app import main

__all__ = ["main"]
