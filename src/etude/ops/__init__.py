"""The mathematics: every operation, forward and gradient side by side.

One file per subject; `etude.ops` gathers their public names, which are those of `keras.ops`.
"""

# ruff: noqa: F403
from types import ModuleType

from etude.errors import explain_missing as _explain_missing
from etude.ops import image as image  # a namespace of its own, as in Keras
from etude.ops.activation import *
from etude.ops.adaptive_pooling import *
from etude.ops.attention import *
from etude.ops.branching import *
from etude.ops.comparison import *
from etude.ops.complex_numbers import *
from etude.ops.convolution import *
from etude.ops.creation import *
from etude.ops.ctc import *
from etude.ops.cumulative import *
from etude.ops.decompositions import *
from etude.ops.einsum import *
from etude.ops.elementwise import *
from etude.ops.exponential import *
from etude.ops.fourier import *
from etude.ops.indexing import *
from etude.ops.joining import *
from etude.ops.layout import *
from etude.ops.linear_systems import *
from etude.ops.loops import *
from etude.ops.loss import *
from etude.ops.nan_reduction import *
from etude.ops.normalization import *
from etude.ops.norms import *
from etude.ops.pooling import *
from etude.ops.products import *
from etude.ops.random import *
from etude.ops.rare_arithmetic import *
from etude.ops.recurrence import *
from etude.ops.reduction import *
from etude.ops.repetition import *
from etude.ops.scanning import *
from etude.ops.scatter import *
from etude.ops.shape import *
from etude.ops.sorting import *
from etude.ops.statistics import *
from etude.ops.transformations import *
from etude.ops.trigonometry import *
from etude.ops.windows import *

from etude.ops import linalg as linalg  # isort: skip
from etude.ops import nn as nn  # isort: skip
from etude.ops import numpy as numpy  # isort: skip
from etude.ops.core import *  # isort: skip  (last: its function `shape` hides the module)

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    name
    for name, value in globals().items()
    if not name.startswith("_") and name != "ModuleType" and not isinstance(value, ModuleType)
]

_explain_missing(__name__)
