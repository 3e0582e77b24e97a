"""`Layer`: what is called on tensors and owns variables. Here: how it is called.

A call goes through these steps: inputs are made tensors of the compute dtype; they are checked
against ``input_spec``; variables are made if there are none (``build``); ``training`` and masks
that were not given are filled in; ``call`` runs; masks and losses are noted. Called on symbolic
tensors, a layer makes a node of the graph instead of running.

How it makes its weights is in `etude.layers.base.building`, what it owns in
`etude.layers.base.state`.
"""

from __future__ import annotations

import warnings
from typing import Any

from etude import dtype_policies, naming, regularizers, tree
from etude.autodiff import KerasTensor, Tensor, symbolic
from etude.autodiff.watching import observer
from etude.dtypes import is_float_dtype, standardize_dtype
from etude.errors import ArgumentError, StateError, did_you_mean_arguments
from etude.layers.base import behind_host, call_context
from etude.layers.base.building import Buildable
from etude.layers.base.call_signature import (
    BoundCall,
    CallSignature,
    is_tensor_like,
    is_text_array,
)
from etude.layers.base.input_spec import InputSpec, assert_input_compatibility
from etude.layers.base.masks import get_mask, set_mask
from etude.layers.base.operation import Operation
from etude.layers.base.stateless import stateless_call
from etude.ops.core import cast, convert_to_tensor
from etude.tracebacks import shorten, warn
from etude.variable import Variable, autocast_scope

__all__ = ["InputSpec", "Layer"]


class Layer(Buildable, Operation):
    """The base of all layers.

    A subclass writes ``call``; where it has weights, it makes them in ``__init__``, or in ``build``
    if they depend on the shape of the input, with `add_weight`. Variables, layers, metrics and seed
    generators that are set as attributes belong to the layer, also inside of lists and
    dictionaries.

    Args:
        activity_regularizer: a penalty on the output, divided by the batch size.
        trainable: whether gradients change the weights.
        dtype: a dtype or policy; by default that of `etude.config`.
        autocast: whether float inputs are cast to the compute dtype.
        name: by default the class's name with a number.

    Raises:
        ArgumentError: an argument is unknown or has a value that cannot be used.

    Example:
        >>> import etude
        >>> class Scale(etude.Layer):
        ...     def build(self, input_shape):
        ...         self.w = self.add_weight((input_shape[-1],), "ones", name="w")
        ...
        ...     def call(self, x):
        ...         return x * self.w
        >>> layer = Scale()
        >>> layer(etude.ops.ones((2, 3))).shape
        (2, 3)
        >>> [w.path for w in layer.weights]
        ['scale/w']
    """

    _super_called = False
    _input_spec: Any
    _convert_input_args: bool
    _allow_non_tensor_positional_args: bool

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Prepares the tracking of attributes."""
        instance = super().__new__(cls, *args, **kwargs)
        instance._init_state()
        return instance

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._super_called = True
        Operation.__init__(self, name)
        self._dtype_policy = dtype_policies.get(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._read_legacy_arguments(kwargs)
        if not isinstance(trainable, bool):
            raise ArgumentError(
                f"{type(self).__name__} expects `trainable` to be a boolean, True or False; got "
                f"{trainable!r} of type {type(trainable).__name__}."
            )
        self._trainable = trainable
        self.autocast = autocast
        self.built = False
        self.supports_jit = True
        self._path: str | None = None
        self._input_spec = None
        self._build_shapes: dict[str, Any] | None = None
        self._call_signature = CallSignature(self.call)
        self._call_context_args = {"training"}
        self._called = False
        self._supports_masking = type(self).compute_mask is not Layer.compute_mask
        self._convert_input_args = True
        self._allow_non_tensor_positional_args = False

    def _read_legacy_arguments(self, kwargs: dict[str, Any]) -> None:
        """``input_shape`` and ``input_dim``: the input of a `Sequential`, given to its first layer.

        Raises:
            ArgumentError: another argument is left over.
        """
        shape = kwargs.pop("input_shape", None)
        dim = kwargs.pop("input_dim", None)
        shape = (dim,) if dim is not None else shape
        if kwargs:
            raise ArgumentError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}."
                f"{did_you_mean_arguments(kwargs, type(self))}"
            )
        if shape is not None:
            warn(
                f"{type(self).__name__}: `input_shape` and `input_dim` are the old way to tell a "
                "model its inputs. Begin the model with `etude.Input(shape=...)`."
            )
            self._input_shape_arg = (shape,) if isinstance(shape, int) else tuple(shape)

    # ---- to be overridden ----------------------------------------------------------------------

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output, from that of the input; the same unless overridden."""
        return previous_mask

    # ---- calling -------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the layer on tensors; or, on symbolic tensors, notes the call in their graph."""
        if not self._super_called:
            raise StateError(
                f"{type(self).__name__} sets attributes before the layer under it is set up. Make "
                "`super().__init__()` the first line of its constructor."
            )
        try:
            if len(args) == 1 and not kwargs and type(args[0]) is Tensor and self._fits(args[0]):
                return self._run(args, kwargs, is_symbolic=False)
            is_symbolic = any(isinstance(x, KerasTensor) for x in tree.flatten([args, kwargs]))
            given = args, dict(kwargs)
            if self._convert_input_args:
                args = tree.map_structure(self._convert, args)
                kwargs = tree.map_structure(self._convert, kwargs)
            if not self._allow_non_tensor_positional_args:
                self._check_positional(args)
            outputs = self._run(args, kwargs, is_symbolic)
            if is_symbolic:
                node = symbolic.Node(self, *given, outputs)
                self._inbound_nodes.append(node)
            return outputs
        except Exception as error:
            shorten(error)
            raise

    def _is_called_alone(self) -> bool:
        """Whether nobody waits for the outputs: neither another layer nor a training step."""
        context = call_context.state.context
        return context is not None and context.entry is self

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """A call with other values of the variables, which leaves the layer as it is.

        Args:
            trainable_variables: a value for each of ``trainable_variables``.
            non_trainable_variables: a value for each of ``non_trainable_variables``.
            *args: the inputs.
            return_losses: whether the losses of the call are returned too.
            **kwargs: further arguments of the call.

        Returns:
            The outputs, the new values of ``non_trainable_variables``, and perhaps the losses.

        Raises:
            NotBuiltError: the layer has no variables yet.
            ArgumentError: there is not one value for each variable.

        Example:
            >>> from etude import layers, ops
            >>> layer = layers.Dense(1, kernel_initializer="zeros")
            >>> layer.build((None, 2))
            >>> values = [ops.ones((2, 1)), ops.ones((1,))]
            >>> outputs, _ = layer.stateless_call(values, [], ops.ones((1, 2)))
            >>> float(outputs[0, 0]), float(layer(ops.ones((1, 2)))[0, 0])
            (3.0, 0.0)
        """
        return stateless_call(
            self,
            trainable_variables,
            non_trainable_variables,
            lambda: self(*args, **kwargs),
            return_losses,
        )

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any], is_symbolic: bool) -> Any:
        """One call, within the context of the calls around it."""
        state = call_context.state
        context = state.context
        self._called = True
        if context is None:
            context = state.context = call_context.CallContext(self)
            if self._super_called:
                self._clear_losses()
        outer = context.values
        context.values = self._context_values(kwargs, outer)
        try:
            return self._checked_call(args, kwargs, is_symbolic)
        finally:
            context.values = outer
            if context.entry is self:
                state.context = None

    def _context_values(self, kwargs: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
        """Fills in ``training``: as given, else as the calls around have it, else the default."""
        inner = outer
        signature = self._call_signature
        for name in self._call_context_args:
            value = kwargs.get(name)
            if value is None:
                value = outer.get(name)
            if value is None:
                value = signature.defaults.get(name)
            if name not in signature.accepts:
                if not signature.takes_any:
                    kwargs.pop(name, None)
            elif value is not None:
                kwargs[name] = value
            if value is not outer.get(name):
                inner = {**inner, name: value}
        return inner

    def _checked_call(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], is_symbolic: bool
    ) -> Any:
        bound = self._call_signature.bind(args, kwargs)
        if self._input_spec and not behind_host.is_prepared(bound.first):
            assert_input_compatibility(self._input_spec, bound.first, self.name)
        if self.built:
            mask = self._fill_masks(bound, kwargs)
            outputs = self._compute(args, kwargs, is_symbolic)
        else:
            with naming.name_scope(self.name, caller=self):
                self._build_for(bound)
                self._lock_if_complete()
                mask = self._fill_masks(bound, kwargs)
                outputs = self._compute(args, kwargs, is_symbolic)
            if not self.built:
                self._mark_built(bound.shapes())
        if outputs is None and (is_symbolic or not self._is_called_alone()):
            raise ArgumentError(
                f"call() of layer '{self.name}' ({type(self).__name__}) returned None. Is a "
                "`return` missing?"
            )
        if self.activity_regularizer is not None and not is_symbolic:
            self._add_activity_losses(outputs)
        self._pass_masks_on(bound.first, outputs, mask)
        return outputs

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any], is_symbolic: bool) -> Any:
        """``call``, or its abstract evaluation; an error in it learns where it came from."""
        try:
            if is_symbolic:
                outputs = self.compute_output_spec(*args, **kwargs)
                self._clear_losses()  # those of an abstract run have no values
                return outputs
            who = observer()
            if who is None:
                return self._call_by_policy(args, kwargs)
            who.enters(self)
            outputs = None
            try:
                outputs = self._call_by_policy(args, kwargs)
            finally:
                who.leaves(self, outputs)
            return outputs
        except Exception as error:
            self._annotate(error, args, kwargs)
            raise

    def _call_by_policy(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``call`` with weights in the compute dtype."""
        policy = self._own_policy
        mixed = policy.compute_dtype != policy.variable_dtype
        if not mixed and not call_context.state.autocasts:
            return self.call(*args, **kwargs)
        with call_context.autocasting(), autocast_scope(self._autocast_dtype()):
            return self.call(*args, **kwargs)

    def _autocast_dtype(self) -> str | None:
        return self.compute_dtype if self.autocast and is_float_dtype(self.compute_dtype) else None

    def _annotate(self, error: Exception, args: Any, kwargs: Any) -> None:
        """Adds to an error which layer was called, with which shapes; the innermost one does it."""
        if getattr(error, "_etude_layer", None) is not None:
            return
        try:
            error._etude_layer = self.name  # type: ignore[attr-defined]
        except AttributeError:
            return
        shown = [_shown(value) for value in args]
        shown += [f"{key}={_shown(value)}" for key, value in kwargs.items()]
        error.add_note(f"In the call of layer '{self.name}' ({type(self).__name__}): {shown}")

    # ---- inputs --------------------------------------------------------------------------------

    def _fits(self, x: Tensor) -> bool:
        """Whether a tensor needs no cast."""
        name = standardize_dtype(x.dtype)
        return name == self.compute_dtype or not self._casts(name)

    def _casts(self, dtype: str) -> bool:
        return self.autocast and is_float_dtype(dtype) and dtype != self.compute_dtype

    def _convert(self, x: Any) -> Any:
        """Arrays become tensors, floats the compute dtype; all else stays as it is."""
        if isinstance(x, KerasTensor):
            if not self._casts(x.dtype):
                return x
            converted = KerasTensor(x.shape, dtype=self.compute_dtype, name=x.name)
        elif isinstance(x, (Tensor, Variable)):
            dtype = standardize_dtype(x.dtype)
            if not self._casts(dtype):
                return x
            converted = cast(x, self.compute_dtype)
        elif is_text_array(x):
            return x
        elif hasattr(x, "__array__"):
            converted = convert_to_tensor(x)
            if self._casts(standardize_dtype(converted.dtype)):
                converted = cast(converted, self.compute_dtype)
        else:
            return x
        mask = get_mask(x)
        if mask is not None:
            set_mask(converted, mask)
        return converted

    def _check_positional(self, args: tuple[Any, ...]) -> None:
        for value in tree.flatten(args):
            if value is not None and not is_tensor_like(value) and not is_text_array(value):
                raise ArgumentError(
                    f"Layer '{self.name}': Only input tensors may be passed as positional "
                    f"arguments; got {value!r} of type {type(value).__name__}. Pass it by its "
                    "name, or if it is a list of numbers, as `numpy.array(...)`."
                )

    def _fill_masks(self, bound: BoundCall, kwargs: dict[str, Any]) -> Any:
        """Gives ``call`` the masks that its inputs carry.

        Returns:
            The mask, or the structure of masks, of the first input.
        """
        signature = self._call_signature
        if signature.mask_names:
            tensors = bound.tensors()
            if len(tensors) == 1:
                wanted = {"mask": next(iter(tensors.values()))}
            else:
                wanted = {f"{name}_mask": value for name, value in tensors.items()}
            for name, value in wanted.items():
                if name in signature.accepts and bound.arguments.get(name) is None:
                    kwargs[name] = tree.map_structure(get_mask, value)
        mask = kwargs.get("mask")
        if mask is not None:
            return mask
        first = bound.first
        return get_mask(first) if isinstance(first, Tensor) else tree.map_structure(get_mask, first)

    def _pass_masks_on(self, inputs: Any, outputs: Any, mask: Any) -> None:
        """Attaches masks to the outputs; warns where a mask gets lost."""
        has_mask = mask is not None and any(m is not None for m in tree.flatten(mask))
        if not self._supports_masking:
            if has_mask:
                warnings.warn(
                    f"The mask of the input ends at layer '{self.name}': a {type(self).__name__} "
                    "does not support masking. The layers after it treat padded steps like all "
                    "others. To hand the mask on, set `self.supports_masking = True`.",
                    stacklevel=2,
                )
            return
        if not has_mask and type(self).compute_mask is Layer.compute_mask:
            return
        flat = tree.flatten(outputs)
        if all(get_mask(x) is not None for x in flat):
            return
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            return
        for tensor, found in zip(flat, tree.flatten(masks), strict=False):
            if found is not None and get_mask(tensor) is None and is_tensor_like(tensor):
                set_mask(tensor, found)

    def _add_activity_losses(self, outputs: Any) -> None:
        for output in tree.flatten(outputs):
            if isinstance(output, Tensor):
                loss = self.activity_regularizer(output)
                self.add_loss(loss / max(output.shape[0], 1) if output.ndim > 0 else loss)

    def _register_call_context_args(self, *names: str) -> None:
        """Names that, like ``training``, are handed down to the layers called inside.

        Raises:
            StateError: the layer has been called.
        """
        if self._called:
            raise StateError(
                f"Layer '{self.name}': Cannot add call-context args after the layer has been "
                f"called. Register {', '.join(names)} in its constructor."
            )
        self._call_context_args = self._call_context_args | set(names)

    # ---- properties and configs ----------------------------------------------------------------

    @property
    def input_spec(self) -> Any:
        """What the layer expects of its inputs: an `InputSpec`, or a structure of them."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value

    @property
    def supports_masking(self) -> bool:
        """Whether masks pass through."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = value

    @property
    def path(self) -> str | None:
        """The name with those of the layers around; ``None`` before the layer is built."""
        return self._path

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again.

        A subclass that does not override it gets those noted at its construction.

        Raises:
            NoAutoConfig: they cannot be written into a config.
        """
        config = self._noted_config(Layer.get_config)
        config["trainable"] = self.trainable
        config["dtype"] = dtype_policies.serialize(self.dtype_policy)
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    def __repr__(self) -> str:
        if not self._super_called:
            return object.__repr__(self)
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _shown(value: Any) -> Any:
    """A tensor as its shape and dtype, in structures too."""
    if is_tensor_like(value):
        return f"{standardize_dtype(value.dtype)}{tuple(value.shape)}"
    return tree.map_structure(_shown, value) if tree.is_nested(value) and value else value
