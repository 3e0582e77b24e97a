"""`Function`: the computation between symbolic tensors, to run on other values."""

from __future__ import annotations

from typing import Any

from etude import tree
from etude.autodiff import KerasTensor, eval_shape
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.operation import Operation
from etude.models.graph import Graph

__all__ = ["Function"]


class Function(Operation):
    """The graph between symbolic inputs and outputs, as one operation without variables.

    Where a `Functional` model is a layer that owns the layers of its graph, a function only runs
    them. Its inputs may come from `Input`, from `KerasTensor`, or from the middle of another graph.

    Args:
        inputs: symbolic tensors, alone or in a structure.
        outputs: symbolic tensors that can be computed from them, alone or in a structure.
        name: by default the class's name with a number.

    Raises:
        ArgumentError: there are no inputs or no outputs, or an output needs other inputs.

    Example:
        >>> import etude
        >>> a, b = etude.KerasTensor((None, 2)), etude.KerasTensor((None, 2))
        >>> function = Function([a, b], etude.ops.sigmoid(a + b))
        >>> function([etude.ops.ones((1, 2)), -etude.ops.ones((1, 2))]).numpy().tolist()
        [[0.5, 0.5]]
        >>> function.compute_output_shape([(4, 2), (4, 2)])
        (4, 2)
    """

    _graph: Any

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        for argument, tensors in (("inputs", inputs), ("outputs", outputs)):
            if not tree.flatten(tensors):
                raise ArgumentError(
                    f"`{argument}` argument cannot be empty: a function leads from at least one "
                    f"symbolic tensor to another. Received: inputs={inputs}, outputs={outputs}"
                )
        self.__dict__["_graph"] = Graph(inputs, outputs)

    @property
    def operations(self) -> list[Any]:
        """Layers and ops of the graph, those that run first first."""
        return list(self._graph.operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, flat."""
        return list(self._graph.inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, flat."""
        return list(self._graph.outputs)

    def call(self, inputs: Any) -> Any:
        """Runs the graph.

        Args:
            inputs: values, in the structure of the symbolic inputs.

        Returns:
            The outputs, in the structure of the symbolic ones.

        Raises:
            ArgumentError: the inputs have another structure.
            ShapeError: an input has another shape.
        """
        self._check(inputs)
        return self._graph.run(tree.flatten(inputs))

    def compute_output_spec(self, inputs: Any) -> Any:
        """The symbolic outputs for symbolic inputs: as the graph says, or by an abstract run."""
        self._check(inputs)
        known = zip(tree.flatten(inputs), self._graph.inputs, strict=True)
        if all(x.shape == symbol.shape for x, symbol in known):
            return tree.map_structure(
                lambda t: KerasTensor(t.shape, dtype=t.dtype), self._graph.outputs_struct
            )
        return eval_shape(self._graph.run, tree.flatten(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for inputs of these shapes."""
        symbols = tree.map_shape_structure(KerasTensor, input_shape)
        dtypes = (tensor.dtype for tensor in self._graph.inputs)
        typed = tree.map_structure(lambda t: KerasTensor(t.shape, next(dtypes)), symbols)
        return tree.map_structure(lambda t: t.shape, self.compute_output_spec(typed))

    def _check(self, inputs: Any) -> None:
        struct = self._graph.inputs_struct
        try:
            tree.assert_same_structure(inputs, struct)
        except (ValueError, TypeError) as error:
            raise ArgumentError(
                f"Function '{self.name}' was called with an invalid input structure. Expected: "
                f"{tree.map_structure(lambda t: t.name, struct)}. Received: {inputs}"
            ) from error
        for x, symbol in zip(tree.flatten(inputs), self._graph.inputs, strict=True):
            fits = len(x.shape) == len(symbol.shape) and all(
                None in (size, wanted) or size == wanted
                for size, wanted in zip(x.shape, symbol.shape, strict=True)
            )
            if not fits:
                raise ShapeError(
                    f"Function '{self.name}' was passed incompatible inputs. For input "
                    f"'{symbol.name}', expected shape {symbol.shape}, where None stands for any "
                    f"size; got a tensor with shape {tuple(x.shape)}."
                )
