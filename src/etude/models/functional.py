"""`Functional`: a model given by the graph between its inputs and its outputs."""

from __future__ import annotations

import warnings
from typing import Any

from etude import tree
from etude.autodiff import KerasTensor, Tensor
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.behind_host import is_prepared
from etude.layers.base.input_spec import InputSpec, is_one_sample
from etude.layers.base.layer import Layer
from etude.layers.base.masks import get_mask, set_mask
from etude.layers.basic.input_layer import InputLayer
from etude.models import functional_config
from etude.models.function import Function
from etude.models.graph import Graph, clone_between, history_of, is_input
from etude.models.host_split import split_of
from etude.models.model import RESERVED, Model, ReservedAttributeError
from etude.ops.core import convert_to_tensor
from etude.ops.shape import expand_dims, squeeze
from etude.saving.registration import register_public

__all__ = ["Functional"]


class Functional(Function, Model):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A model whose layers were called on symbolic tensors; ``Model(inputs, outputs)`` makes one.

    Args:
        inputs: tensors that come from `Input` (or from the middle of another model), alone or in
            lists, tuples or dictionaries.
        outputs: the tensors to compute, alone or in a structure.
        name: the name of the model.
        trainable: whether its weights are trained at all; its layers say for themselves, too.

    Raises:
        ArgumentError: one of them is no symbolic tensor, or an output does not depend on the
            inputs alone.

    Example:
        >>> from etude import Input, Model, layers
        >>> x = Input((4,))
        >>> hidden = layers.Dense(3, activation="relu")(x)
        >>> model = Model(x, [layers.Dense(1)(hidden), hidden])
        >>> model.output_shape
        [(None, 1), (None, 3)]
    """

    _first_call = 1

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None
    ) -> None:
        Model.__init__(self, name=name)
        self._convert_input_args = False  # every input has its own dtype, see `_standardize`
        self._allow_non_tensor_positional_args = True
        _check_symbolic(inputs, "inputs")
        _check_symbolic(outputs, "outputs")
        if not all(is_input(tensor) for tensor in tree.flatten(inputs)):
            inputs, outputs = clone_between(inputs, outputs)
        graph = Graph(inputs, outputs)
        self.__dict__["_graph"] = graph
        if trainable is not None:
            self.trainable = trainable  # the model's alone, as long as it holds no layers
        for layer in self.layers:
            self._tracker.add("layers", layer)
        self._input_spec = _specs(graph)
        self.output_names = [history_of(tensor)[0].name for tensor in graph.outputs]
        self.input_names = [tensor.name for tensor in graph.inputs]
        self._supports_masking = True
        self.built = True

    def _lock_state(self) -> None:
        """Layers beside the graph may be attached at any time."""

    @property
    def layers(self) -> list[Any]:
        """The layers of the graph, those that run first first."""
        return [o for o in self._graph.operations if isinstance(o, Layer)]

    @layers.setter
    def layers(self, _: Any) -> None:
        raise ReservedAttributeError(RESERVED)

    @property
    def input(self) -> Any:
        """The symbolic inputs in the structure that was given."""
        return self._graph.inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic outputs in the structure that was given."""
        return self._graph.outputs_struct

    @property
    def input_shape(self) -> Any:
        """The shape of the input, batch included; a list where there are several."""
        return _one_or_list([tensor.shape for tensor in self._graph.inputs])

    @property
    def output_shape(self) -> Any:
        """The shape of the output, batch included; a list where there are several."""
        return _one_or_list([tensor.shape for tensor in self._graph.outputs])

    # ---- calling -------------------------------------------------------------------------------

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Runs the graph."""
        split = split_of(self)
        if split is not None:  # what needs the host has run, or runs now
            ready = inputs if is_prepared(inputs) else split.prepare(self._inputs_in_order(inputs))
            return _unwrapped(split.run(ready, training))
        values = self._standardize(inputs)
        if mask is not None:
            for value, found in zip(values, tree.flatten(mask), strict=False):
                if found is not None and value is not None:
                    set_mask(value, found)
        return _unwrapped(self._graph.run(values, training))

    def build(self, input_shape: Any = None) -> None:
        """Nothing: the layers were built as the graph was made."""

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """None: the layers inside have set the masks of the outputs."""
        return None

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """As the graph says where the shapes are those that it was made with."""
        flat = tree.flatten(args[0] if args else kwargs.get("inputs"))
        same = len(flat) == len(self._graph.inputs) and all(
            isinstance(x, KerasTensor) and x.shape == known.shape
            for x, known in zip(flat, self._graph.inputs, strict=True)
        )
        if not same and split_of(self) is None:
            return self._evaluated_spec(*args, **kwargs)
        outputs = tree.map_structure(
            lambda t: KerasTensor(t.shape, dtype=t.dtype), self._graph.outputs_struct
        )
        return _unwrapped(outputs)

    def _standardize(self, inputs: Any) -> list[Any]:
        """The inputs as a flat list of tensors with the dtypes and ranks that the graph expects."""
        known = zip(self._inputs_in_order(inputs), self._graph.inputs, strict=True)
        return [self._as_input(value, symbol) for value, symbol in known]

    def _inputs_in_order(self, inputs: Any) -> list[Any]:
        """The inputs as a flat list, in the order of the graph's inputs."""
        struct = self._graph.inputs_struct
        if type(inputs) is Tensor and len(self._graph.inputs) == 1:
            flat = [inputs]
        elif isinstance(inputs, dict):
            flat = self._by_name(inputs)
        else:
            if isinstance(struct, dict) and list(struct) != sorted(struct):
                raise ArgumentError(_mismatch(self, inputs))
            flat = tree.flatten(inputs)
            if len(flat) != len(self._graph.inputs):
                raise ArgumentError(_mismatch(self, inputs))
            _warn_if_other_form(self, struct, inputs)
        return flat

    def _by_name(self, inputs: dict[str, Any]) -> list[Any]:
        """The values of a dictionary in the order of the graph's inputs."""
        struct = self._graph.inputs_struct
        if isinstance(struct, dict):
            wanted = {key: struct[key] for key in struct}
            if any(tree.is_nested(value) for value in wanted.values()):
                return tree.flatten(inputs)
        else:
            wanted = {tensor.name: tensor for tensor in self._graph.inputs}
        if set(inputs) - set(wanted) and not any(
            isinstance(v, KerasTensor) for v in inputs.values()
        ):
            warnings.warn(_mismatch(self, inputs), stacklevel=2)
        values = {}
        for key, tensor in wanted.items():
            if key not in inputs and not history_of(tensor)[0].optional:
                raise ArgumentError(_mismatch(self, inputs))
            values[id(tensor)] = inputs.get(key)
        return [values[id(tensor)] for tensor in self._graph.inputs]

    def _as_input(self, value: Any, symbol: KerasTensor) -> Any:
        if value is None:
            if not history_of(symbol)[0].optional:
                raise ArgumentError(
                    f"Input '{symbol.name}' is not optional; got None. Pass an array, or declare "
                    "it by `Input(..., optional=True)`."
                )
            return None
        tensor = convert_to_tensor(value, dtype=symbol.dtype)
        tensor = _with_rank(tensor, symbol, self._graph.inputs_struct)
        mask = get_mask(value)
        if mask is not None and get_mask(tensor) is None:
            set_mask(tensor, mask)
        return tensor

    # ---- configs -------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The layers and how they are connected."""
        return functional_config.to_config(self)


def _unwrapped(outputs: Any) -> Any:
    """The only output by itself."""
    single = isinstance(outputs, (list, tuple)) and len(outputs) == 1
    return outputs[0] if single else outputs


def _one_or_list(shapes: list[Any]) -> Any:
    return shapes[0] if len(shapes) == 1 else shapes


def _check_symbolic(tensors: Any, argument: str) -> None:
    flat = tree.flatten(tensors)
    for value in flat:
        if not isinstance(value, KerasTensor):
            called = isinstance(value, Layer) and " Call the layer: `layer(x)` is such a tensor."
            raise ArgumentError(
                f"All `{argument}` values must be KerasTensors, as `etude.Input` and layers called "
                f"on them return. Received: {argument}={tensors} including invalid value {value} "
                f"of type {type(value)}.{called or ''}"
            )
    if argument == "inputs" and isinstance(tensors, dict):
        for key, value in tensors.items():
            if isinstance(value, KerasTensor) and key != value.name:
                warnings.warn(
                    f"In a dict of `inputs`, key and name of a tensor must match: '{key}' leads "
                    f"to a tensor with the name '{value.name}'. Write `Input(..., name='{key}')`.",
                    stacklevel=4,
                )


def _specs(graph: Graph) -> list[InputSpec] | None:
    struct = graph.inputs_struct
    if isinstance(struct, dict):
        if any(tree.is_nested(value) for value in struct.values()):
            return None
        return [_spec(struct[key], key) for key in sorted(struct)]
    return [_spec(tensor, None) for tensor in graph.inputs]


def _spec(tensor: KerasTensor, name: str | None) -> InputSpec:
    layer = history_of(tensor)[0]
    return InputSpec(
        shape=(None, *tensor.shape[1:]) if tensor.shape else (),
        allow_last_axis_squeeze=True,
        name=layer.name if name is None else name,
        optional=isinstance(layer, InputLayer) and layer.optional,
    )


def _with_rank(tensor: Any, symbol: KerasTensor, struct: Any) -> Any:
    """Adds or removes a last axis of size 1, where that is all that is missing.

    Raises:
        ShapeError: the ranks differ in another way.
    """
    rank, wanted = len(tensor.shape), len(symbol.shape)
    if rank == wanted:
        return tensor
    if rank == wanted + 1 and tensor.shape[-1] == 1:
        return squeeze(tensor, axis=-1)
    alone = is_one_sample(tuple(tensor.shape), symbol.shape)
    if rank == wanted - 1 and symbol.shape[-1] == 1 and not alone:
        return expand_dims(tensor, axis=-1)
    advice = " It looks like a single sample: add the batch axis, `x[None]`." if alone else ""
    paths = (path for path, found in tree.flatten_with_path(struct) if found is symbol)
    raise ShapeError(
        f"Invalid input shape for the input with name '{symbol.name}' and path "
        f"'{'.'.join(map(str, next(paths, ())))}'. Expected shape {symbol.shape}, where None "
        f"stands for any size; got the incompatible shape {tuple(tensor.shape)}.{advice}"
    )


def _mismatch(model: Functional, inputs: Any) -> str:
    expected = tree.map_structure(lambda t: t.name, model._graph.inputs_struct)
    received = tree.map_structure(
        lambda x: f"Tensor(shape={tuple(x.shape)})" if hasattr(x, "shape") else repr(x), inputs
    )
    return (
        "The structure of `inputs` doesn't match the expected structure.\n"
        f"Model '{model.name}' takes: {expected}\nIt got: {received}"
    )


def _warn_if_other_form(model: Functional, struct: Any, inputs: Any) -> None:
    if not tree.is_nested(inputs) and len(model._graph.inputs) == 1:
        return
    try:
        tree.assert_same_structure(tree.lists_to_tuples(inputs), tree.lists_to_tuples(struct))
    except (ArgumentError, TypeError):
        warnings.warn(_mismatch(model, inputs), stacklevel=2)


Model._functional_class = Functional
register_public("keras.src.models.functional", Functional)
register_public("keras", Functional=Functional)
