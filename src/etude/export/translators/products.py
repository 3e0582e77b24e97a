"""Products of matrices and tensors."""

from __future__ import annotations

from etude.export.graph import Graph
from etude.export.program import Call
from etude.export.translators.table import translates


@translates("matmul")
def _(g: Graph, call: Call, a: str, b: str):
    return g.add("MatMul", a, b)


@translates("_einsum")
def _(g: Graph, call: Call, *xs: str):
    return g.add("Einsum", *xs, equation=call.options["subscripts"])
