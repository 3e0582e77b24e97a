"""`Dataset`: a stream of elements, and what can be done to it, with the names of ``tf.data``.

Each part of it is a file: where data comes from, functions of elements, groups, order, speed.
"""

from __future__ import annotations

from etude.data.dataset.functions import Functions
from etude.data.dataset.groups import Groups
from etude.data.dataset.order import Order
from etude.data.dataset.sources import Sources
from etude.data.dataset.speed import Speed
from etude.data.dataset.stream import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
from etude.data.stages import AUTOTUNE

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset"]


class Dataset(Sources, Functions, Groups, Order, Speed):
    """A stream of elements: made from arrays or a generator, transformed, and trained on.

    An element is an array, or a tuple or dictionary of arrays, e.g. ``(x, y)``. Every method
    returns a new data set and leaves this one as it is; nothing is computed before it is iterated
    over. Each iteration begins anew. `fit`, `evaluate` and `predict` take a data set of batches.

    Functions given to it are called with tensors, and run in NumPy on the host, whatever engine
    trains the model. An exception in one of them names the function and the element.

    Args:
        start: returns an iterator over the elements, as nested NumPy arrays.
        cardinality: how many there are; -1 for no end, -2 for unknown.
        spec: returns the `TensorSpec` of each array of an element; the first element by default.

    Example:
        >>> data = Dataset.from_tensor_slices(([1.0, 2.0, 3.0], [0, 1, 0]))
        >>> data = data.map(lambda x, y: (x * 10, y)).batch(2)
        >>> for x, y in data.as_numpy_iterator():
        ...     print(x, y)
        [10. 20.] [0 1]
        [30.] [0]
    """
