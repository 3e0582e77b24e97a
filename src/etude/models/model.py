"""`Model`: a layer that is trained, saved and summarised."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

from etude.autodiff import eval_shape
from etude.errors import ArgumentError, DtypeError, NotBuiltError, SerializationError, StateError
from etude.layers.base.layer import Layer
from etude.models import functional_config
from etude.models.host_split import split_of
from etude.models.state_tree import assign_state, nested_state
from etude.saving.model_file import save_model
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.saving.weight_files import load_weights, save_weights
from etude.training.trainer import Trainer

__all__ = ["Model", "model_from_json"]


class UndefinedShapeError(StateError, AttributeError):
    """A shape was asked for before the model has one."""


RESERVED = (
    "`Model.layers` attribute is reserved and should not be used: it lists the layers that the "
    "model has. Please use another name."
)


class ReservedAttributeError(StateError, AttributeError):
    """An attribute was set that tells what the model has."""


class Model(Trainer, Layer):
    """A layer with ``fit``, ``evaluate``, ``predict``, ``save`` and ``summary``.

    There are three ways to make one: ``Model(inputs, outputs)`` from symbolic tensors
    (`Functional`); a subclass that writes ``call``; and `Sequential`. A subclass may also be made
    from ``inputs`` and ``outputs``, e.g. to override ``train_step`` only.

    Args:
        *args: ``inputs`` and ``outputs``, or nothing.
        **kwargs: ``name``, ``trainable``, ``dtype``, and what `Layer` takes.

    Example:
        >>> import etude
        >>> class Regression(etude.Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.dense = etude.layers.Dense(1, name="dense")
        ...
        ...     def call(self, x):
        ...         return self.dense(x)
        >>> model = Regression()
        >>> model(etude.ops.ones((2, 3))).shape
        (2, 1)
        >>> [w.path for w in model.weights]
        ['regression/dense/kernel', 'regression/dense/bias']
    """

    _functional_class: ClassVar[Any] = None  # set by etude.models.functional, which imports this
    _functional: Any = None
    _first_call: int = 0  # the number of the first call in configs

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """``Model(inputs, outputs)`` is a `Functional`."""
        if cls is Model and _is_functional(args, kwargs):
            return Layer.__new__(cls._functional_class, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Trainer.__init__(self)
        if _is_functional(args, kwargs):
            self._init_functional(*args, **kwargs)
        elif type(self) is Model and (args or "inputs" in kwargs or "outputs" in kwargs):
            raise DtypeError(
                "A model of symbolic tensors takes both, where it begins and where it ends: "
                "`Model(inputs, outputs)`; got only one of them."
            )
        else:
            Layer.__init__(self, *args, **kwargs)

    def _init_functional(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        trainable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """A subclass made from symbolic tensors: the graph inside does what ``call`` does."""
        Layer.__init__(self, name=name, **kwargs)
        graph_model = self._functional_class(inputs, outputs, name=self.name)
        self.__dict__["_functional"] = graph_model
        self._first_call = 1
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self._supports_masking = True
        self._input_spec = graph_model.input_spec
        for layer in graph_model.layers:
            self._tracker.add("layers", layer)
        self.built = True
        if trainable is not None:
            self.trainable = trainable

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the model computes; subclasses write it."""
        if self._functional is None:
            raise NotImplementedError(
                f"{type(self).__name__} does not have a `call()` method implemented. Write one "
                "that computes the outputs from the inputs."
            )
        return self._functional.call(*args, **kwargs)

    def behind_host(self, inputs: Any) -> Any:
        """Runs the layers at the beginning of the graph that work on the host, e.g. on text.

        Args:
            inputs: arrays, in the structure of the model's inputs.

        Returns:
            What the model takes in their place, and what its steps can be compiled with; the
            inputs themselves where it has no such layers.
        """
        split = split_of(self)
        functional: Any = self if self._functional is None else self._functional
        return inputs if split is None else split.prepare(functional._inputs_in_order(inputs))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output; the layers of a graph have set it."""
        return None if self._functional is not None else previous_mask

    @property
    def _graph(self) -> Any:
        own = self.__dict__.get("_graph")
        return own if own is not None or self._functional is None else self._functional._graph

    # ---- layers --------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers that belong to the model itself."""
        if self._functional is not None:
            return self._functional.layers
        return self._flatten_layers(include_self=False, recursive=False)

    @layers.setter
    def layers(self, _: Any) -> None:
        raise ReservedAttributeError(RESERVED)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """One of `layers`, by its name or its number.

        Raises:
            ArgumentError: there is none, or not exactly one of the arguments is given.
        """
        if index is not None and name is not None:
            raise ArgumentError(
                f"Provide only one of `name` and `index` to get_layer(); got name={name!r} and "
                f"index={index}."
            )
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ArgumentError(
                    f"There is no layer {index}: this model only has {len(layers)} layers, "
                    "counted from 0."
                )
            return layers[index]
        if name is None:
            raise ArgumentError("Provide either the `name` of a layer or its `index`.")
        for layer in layers:
            if layer.name == name:
                return layer
        raise ArgumentError(
            f"No such layer: {name}. This model has {[layer.name for layer in layers]}."
        )

    def _of_graph(self, attribute: str) -> Any:
        if self._functional is None:
            raise UndefinedShapeError(
                f"Model '{self.name}' has no defined {attribute.replace('_', ' ')}: only models "
                "made from symbolic tensors, as `Input` returns, have one. Begin a Sequential "
                "model with `Input(shape)`, or call it on data first."
            )
        return getattr(self._functional, attribute)

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs, flat."""
        return self._of_graph("inputs")

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs, flat."""
        return self._of_graph("outputs")

    @property
    def input(self) -> Any:
        """The symbolic input, in the structure that was given."""
        return self._inbound_or_graph("input")

    @property
    def output(self) -> Any:
        """The symbolic output, in the structure that was given."""
        return self._inbound_or_graph("output")

    def _inbound_or_graph(self, attribute: str) -> Any:
        if self._functional is None and self._inbound_nodes:
            return getattr(super(), attribute)
        return self._of_graph(attribute)

    @property
    def input_shape(self) -> Any:
        """The shape of the input, batch included."""
        return self._of_graph("input_shape")

    @property
    def output_shape(self) -> Any:
        """The shape of the output, batch included."""
        return self._of_graph("output_shape")

    # ---- building ------------------------------------------------------------------------------

    def _is_called_alone(self) -> bool:
        """Never: a model without outputs is of no use to anybody."""
        return False

    def build(self, input_shape: Any) -> None:
        """Makes the weights of a subclassed model, by evaluating ``call`` abstractly.

        Args:
            input_shape: the shape of the input, batch included, or a structure of shapes.

        Raises:
            NotBuiltError: ``call`` cannot be evaluated with one argument of that shape.
        """
        if self._functional is not None:
            return
        try:
            eval_shape(self.call, self._symbols(input_shape))
        except Exception as error:
            raise NotBuiltError(
                f"Model '{self.name}' cannot be built for the input shape {input_shape}: its "
                f"`call()` raised {type(error).__name__}: {error}. Call the model on data instead, "
                "e.g. `model(x[:1])`."
            ) from error

    def _build_for(self, bound: Any) -> None:
        """Models without a ``build`` of their own are built by their first call."""
        if type(self).build is not Model.build:
            super()._build_for(bound)

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the model with what `get_build_config` returned, where that is possible."""
        if not config or self.built:
            return
        try:
            super().build_from_config(config)
        except Exception as error:
            warnings.warn(
                f"Model '{self.name}' was saved with a build config that does not build it "
                f"({error}). Write a `build_from_config(self, config)`, or call the model on data.",
                stacklevel=2,
            )

    # ---- showing -------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints a table of the layers, the shapes of their outputs, and their weights.

        Args:
            line_length: the width of the table.
            positions: where its columns end, as parts of the width.
            print_fn: takes the text, in the place of ``print``.
            expand_nested: whether layers of models inside are shown.
            show_trainable: whether a column says which layers are trained.
            layer_range: names of the first and the last layer to show.
        """
        from etude.models.summary import print_summary  # noqa: PLC0415  (rich is slow to import)

        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )

    # ---- files and configs ---------------------------------------------------------------------

    def save(
        self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Writes the model, its weights and the state of its optimizer into a file ``*.keras``.

        Args:
            filepath: the file; ``*.h5`` writes the older format of Keras.
            overwrite: whether a file of that name may be replaced.
            zipped: if false, ``filepath`` is a folder with the parts of the model as files.
            **kwargs: ``include_optimizer``, for ``*.h5``.

        Raises:
            ArgumentError: the name has another ending, or the file exists and may not be replaced.
        """
        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(
        self,
        filepath: Any,
        overwrite: bool = True,
        max_shard_size: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes the weights to a file; see `etude.saving.save_weights`.

        Args:
            filepath: the file, ``*.weights.h5``.
            overwrite: whether a file of that name may be replaced.
            max_shard_size: gigabytes, where the weights are to go into several files.
            **kwargs: ``objects_to_skip``, a list of layers to leave out.
        """
        save_weights(self, filepath, overwrite, max_shard_size, **kwargs)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Reads weights from a file; see `etude.saving.load_weights`.

        Args:
            filepath: the file.
            skip_mismatch: whether layers whose weights do not fit are left as they are.
            **kwargs: ``objects_to_skip`` and ``by_name``.
        """
        load_weights(self, filepath, skip_mismatch, **kwargs)

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the model as a program for inference that runs without etude.

        Args:
            filepath: the file.
            format: ``"onnx"`` for ONNX Runtime and many others; ``"jax"`` for a program of
                `jax.export`, which `etude.export.load_jax` calls back. The default of Keras,
                ``"tf_saved_model"``, needs TensorFlow and is refused.
            verbose: whether to say where the file is; True by default.
            input_signature: what has a shape and a dtype for each input, e.g. an
                `etude.InputSpec`; a size None stays open. By default as the model was made.
            **kwargs: ``opset_version``, for ONNX: 18 by default.

        Raises:
            ArgumentError: there is no such format.
            ExportError: an operation of the model has no form in the format.
            MissingPackageError: the package onnx, or jax, is not installed.

        Example:
            >>> from etude import Input, Sequential, layers
            >>> model = Sequential([Input((2,)), layers.Dense(1)])
            >>> model.export("model.onnx", format="onnx")  # doctest: +SKIP
            Saved artifact at 'model.onnx'.
        """
        from etude.export import export_model  # noqa: PLC0415  (few models are exported)

        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again."""
        if self._functional is not None and _has_functional_constructor(type(self)):
            config = functional_config.to_config(self._functional)
            return {**config, "name": self.name, "trainable": self.trainable}
        return super().get_config()

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """The model with these arguments, or with this graph.

        Raises:
            DtypeError: the class does not take them.
        """
        keys = ("name", "layers", "input_layers", "output_layers")
        if all(key in config for key in keys) and _has_functional_constructor(cls):
            make = cls._functional_class if cls is Model else cls
            return functional_config.from_config(make, config, custom_objects)
        try:
            return cls(**config)
        except TypeError as error:
            raise DtypeError(
                f"The constructor of {cls.__name__} does not take its own config. Let `get_config` "
                "return exactly what the constructor needs, or write a class method "
                f"`from_config(cls, config)`.\n\nConfig: {config}\n\nThe constructor answered: "
                f"{error}"
            ) from error

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """The values of all variables, nested by the parts of their paths.

        Args:
            value_format: ``"backend_tensor"`` for tensors, ``"numpy_array"`` for NumPy arrays.

        Returns:
            A dictionary with the keys ``"trainable_variables"``, ``"non_trainable_variables"``,
            ``"optimizer_variables"`` and ``"metrics_variables"``.

        Raises:
            ArgumentError: two variables have one path.

        Example:
            >>> from etude import Input, Sequential, layers
            >>> model = Sequential([Input((2,)), layers.Dense(1, name="dense")], name="model")
            >>> sorted(model.get_state_tree()["trainable_variables"]["model"]["dense"])
            ['bias', 'kernel']
        """
        return nested_state(self, value_format)

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Assigns values as `get_state_tree` returns them; variables that it lacks stay.

        Raises:
            ArgumentError: a key is none of those that `get_state_tree` returns.
        """
        assign_state(self, state_tree)

    def to_json(self, **kwargs: Any) -> str:
        """The config as text; keyword arguments go to ``json.dumps``."""
        return json.dumps(serialize_keras_object(self), **kwargs)


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model, without its weights, whose `Model.to_json` is given.

    Raises:
        DtypeError: it is no text, but a dictionary, say.
        SerializationError: the text is no JSON.
    """
    if not isinstance(json_string, (str, bytes, bytearray)):
        raise DtypeError(
            "model_from_json expects the text that `model.to_json()` gives; got "
            f"{type(json_string).__name__}. A dictionary that `get_config()` gave is for "
            "`Model.from_config(config)`."
        )
    try:
        config = json.loads(json_string)
    except ValueError as error:
        raise SerializationError(
            "model_from_json expects the text that `model.to_json()` gives, and this is no JSON: "
            f"{json_string[:40]!r} ({error}). The text of a file is read by "
            "`open(path).read()`."
        ) from error
    return deserialize_keras_object(config, custom_objects=custom_objects)


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether these are the arguments of a functional model."""
    if len(args) == 1 and "outputs" in kwargs:
        return True
    return len(args) == 2 or ("inputs" in kwargs and "outputs" in kwargs)


def _has_functional_constructor(cls: type) -> bool:
    """Whether a class is made from ``inputs`` and ``outputs``."""
    constructor: Any = cls.__init__
    code = constructor.__code__
    names = code.co_varnames[1 : code.co_argcount]
    passes_all = bool(code.co_flags & 0x04) and bool(code.co_flags & 0x08)
    return names[:3] == ("inputs", "outputs", "name") or passes_all


register_public("keras", Model)
register_public("keras.models", Model=Model)
register_public("keras.src.models.model", Model=Model)
