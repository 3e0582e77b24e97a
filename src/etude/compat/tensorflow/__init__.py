"""A stand-in for the parts of TensorFlow that course code uses around Keras.

Tensors, Variables and `GradientTape` are etude's; every function is one of `etude.ops`, or a few of
them, under TensorFlow's name and arguments. What is not here raises, and says what to do instead.

>>> import etude.compat.tensorflow as tf
>>> x = tf.Variable(3.0)
>>> with tf.GradientTape() as tape:
...     y = tf.reduce_sum(tf.square(x))
>>> float(tape.gradient(y, x))
6.0
"""

# ruff: noqa: F403
from __future__ import annotations

import importlib
import sys
from typing import Any

from etude.autodiff import GradientTape as GradientTape
from etude.compat import keras as keras
from etude.compat.missing import lacks
from etude.compat.tensorflow import debugging as debugging
from etude.compat.tensorflow import dtypes as dtypes
from etude.compat.tensorflow import image as image
from etude.compat.tensorflow import io as io
from etude.compat.tensorflow import linalg as linalg
from etude.compat.tensorflow import lookup as lookup
from etude.compat.tensorflow import math as math
from etude.compat.tensorflow import nn as nn
from etude.compat.tensorflow import random as random
from etude.compat.tensorflow import signal as signal
from etude.compat.tensorflow import strings as strings
from etude.compat.tensorflow import summary as summary
from etude.compat.tensorflow import train as train
from etude.compat.tensorflow.clipping import *
from etude.compat.tensorflow.control import *
from etude.compat.tensorflow.debugging import assert_equal as assert_equal
from etude.compat.tensorflow.debugging import assert_greater as assert_greater
from etude.compat.tensorflow.debugging import assert_less as assert_less
from etude.compat.tensorflow.debugging import assert_rank as assert_rank
from etude.compat.tensorflow.dtypes import DType as DType
from etude.compat.tensorflow.dtypes import as_dtype as as_dtype
from etude.compat.tensorflow.dtypes import bfloat16 as bfloat16
from etude.compat.tensorflow.dtypes import bool as bool
from etude.compat.tensorflow.dtypes import cast as cast
from etude.compat.tensorflow.dtypes import complex64 as complex64
from etude.compat.tensorflow.dtypes import complex128 as complex128
from etude.compat.tensorflow.dtypes import double as double
from etude.compat.tensorflow.dtypes import float16 as float16
from etude.compat.tensorflow.dtypes import float32 as float32
from etude.compat.tensorflow.dtypes import float64 as float64
from etude.compat.tensorflow.dtypes import half as half
from etude.compat.tensorflow.dtypes import int8 as int8
from etude.compat.tensorflow.dtypes import int16 as int16
from etude.compat.tensorflow.dtypes import int32 as int32
from etude.compat.tensorflow.dtypes import int64 as int64
from etude.compat.tensorflow.dtypes import saturate_cast as saturate_cast
from etude.compat.tensorflow.dtypes import string as string
from etude.compat.tensorflow.dtypes import uint8 as uint8
from etude.compat.tensorflow.dtypes import uint16 as uint16
from etude.compat.tensorflow.dtypes import uint32 as uint32
from etude.compat.tensorflow.dtypes import uint64 as uint64
from etude.compat.tensorflow.errors import errors as errors
from etude.compat.tensorflow.making import *
from etude.compat.tensorflow.ordering import *
from etude.compat.tensorflow.picking import *
from etude.compat.tensorflow.shapes import *
from etude.compat.tensorflow.shaping import *
from etude.compat.tensorflow.surroundings import *
from etude.compat.tensorflow.surroundings import VERSION
from etude.compat.tensorflow.tensors import *
from etude.compat.views import Views

__version__ = VERSION

newaxis = None

# What stands at the top of `tf` as well as in one of its parts.
_ALSO_HERE = {
    math: (
        "abs acos acosh add add_n argmax argmin asin asinh atan atan2 atanh ceil cos cosh cumsum "
        "divide equal exp floor greater greater_equal less less_equal logical_and logical_not "
        "logical_or maximum minimum multiply negative not_equal pow reduce_all reduce_any "
        "reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum round "
        "scalar_mul sigmoid sign sin sinh sqrt square squared_difference subtract tan tanh truediv"
    ),
    linalg: "einsum matmul norm tensordot",
}
for _part, _names in _ALSO_HERE.items():
    globals().update({name: getattr(_part, name) for name in _names.split()})

initializers, losses, metrics, optimizers = (
    keras.initializers,
    keras.losses,
    keras.metrics,
    keras.optimizers,
)
constant_initializer = initializers.Constant
ones_initializer = initializers.Ones
random_normal_initializer = initializers.RandomNormal
random_uniform_initializer = initializers.RandomUniform
zeros_initializer = initializers.Zeros

_WHEN_FIRST_USED = ("data",)

_lacks = lacks("tf", __name__)


def __getattr__(name: str) -> Any:
    if name in _WHEN_FIRST_USED:
        return importlib.import_module(f"{__name__}.{name}")
    return _lacks(name)


# Last of all finders: `from tensorflow import x` says of an x that is not here what `tf.x` says.
sys.meta_path.append(Views({__name__: __name__}))
