"""How derivatives are taken: tensors, primitives with their rules, and the tape."""

from etude.autodiff.check import check
from etude.autodiff.function import function
from etude.autodiff.primitive import (
    OPS,
    PRIMITIVES,
    Composite,
    Primitive,
    RecordedCall,
    composite,
    primitive,
)
from etude.autodiff.recording import records_for_variables_only
from etude.autodiff.symbolic import KerasTensor, any_symbolic, eval_shape, unknown_size
from etude.autodiff.tape import GradientTape, VariablesTape, stop_recording
from etude.autodiff.tensor import Tensor, as_tensor, is_tensor

__all__ = [
    "OPS",
    "PRIMITIVES",
    "Composite",
    "GradientTape",
    "KerasTensor",
    "Primitive",
    "RecordedCall",
    "Tensor",
    "VariablesTape",
    "any_symbolic",
    "as_tensor",
    "check",
    "composite",
    "eval_shape",
    "function",
    "is_tensor",
    "primitive",
    "records_for_variables_only",
    "stop_recording",
    "unknown_size",
]
