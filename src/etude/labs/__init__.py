"""The labs of the course. Every file beside this one is a lab; `running` is what runs them.

A lab opens its desk with one line, whether the runner or a notebook executes it::

    lab = labs.begin("mnist-cnn")
"""

from etude.labs.running.catalog import catalog, find_lab
from etude.labs.running.colours import BLUE, GREEN, ORANGE, PINK
from etude.labs.running.desk import Desk, begin, current

__all__ = ["BLUE", "GREEN", "ORANGE", "PINK", "Desk", "begin", "catalog", "current", "find_lab"]
