"""How derivatives are taken: tensors, primitives with their rules, and the tape."""

from etude.autodiff.check import check
from etude.autodiff.function import function
from etude.autodiff.primitive import OPS, PRIMITIVES, Composite, Primitive, composite, primitive
from etude.autodiff.symbolic import KerasTensor, any_symbolic, eval_shape, unknown_size
from etude.autodiff.tape import GradientTape, stop_recording
from etude.autodiff.tensor import Tensor, as_tensor, is_tensor

__all__ = [
    "OPS",
    "PRIMITIVES",
    "Composite",
    "GradientTape",
    "KerasTensor",
    "Primitive",
    "Tensor",
    "any_symbolic",
    "as_tensor",
    "check",
    "composite",
    "eval_shape",
    "function",
    "is_tensor",
    "primitive",
    "stop_recording",
    "unknown_size",
]
