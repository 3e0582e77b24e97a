"""How a layer makes its weights, and which shapes it gives: by `build`, or by evaluating `call`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from etude import naming, tree
from etude.autodiff import KerasTensor, eval_shape
from etude.errors import DtypeError
from etude.layers.base.call_signature import BoundCall, CallSignature, shapes_for
from etude.layers.base.input_spec import assert_input_compatibility
from etude.layers.base.state import LayerState

__all__ = ["Buildable"]


class Buildable(LayerState):
    """What owns variables that are made when the shapes of its inputs are known."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _scoped_build(cls.__dict__["build"])

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes; subclasses write it."""
        raise NotImplementedError(
            f"Layer {type(self).__name__} does not have a `call` method implemented. Write a "
            "`call(self, inputs)` that computes the outputs."
        )

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of this shape; subclasses write it where they have some."""
        if any(not layer.built for layer in self._layers):
            warnings.warn(
                f"Layer '{self.name}' does not have a `build()` method implemented, and some of "
                "the layers inside it have no weights yet. It now counts as built although they "
                "are not. Write a `build(input_shape)` that builds them.",
                stacklevel=2,
            )

    # ---- building ------------------------------------------------------------------------------

    def _build_for(self, bound: BoundCall) -> None:
        """Makes the weights for a call. A layer without ``build`` lets those inside make theirs."""
        if type(self).build is not Buildable.build:
            self.build(**shapes_for(self.build, bound, self._call_signature, self))
            if self._input_spec:
                assert_input_compatibility(self._input_spec, bound.first, self.name)

    def _build_at_init(self) -> None:
        """For the end of ``__init__`` of layers that need no ``build``."""
        if type(self).build is Buildable.build:
            self._mark_built(None)

    def _lock_if_complete(self) -> None:
        """Locks a layer without ``build`` whose inner layers, if any, are built: it is complete."""
        if type(self).build is Buildable.build and all(layer.built for layer in self._layers):
            self._lock_state()

    def _mark_built(self, shapes: dict[str, Any] | None) -> None:
        if shapes:
            self._build_shapes = shapes
        self.built = True
        self._lock_state()

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built with; ``None`` if it was not."""
        if not self._build_shapes:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": dict(self._build_shapes)}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the layer with what `get_build_config` returned.

        A layer without a ``build`` is evaluated abstractly, so that the layers inside make theirs.
        """
        if config and "input_shape" in config:
            args, kwargs = (config["input_shape"],), {}
        elif config and "shapes_dict" in config:
            args, kwargs = (), config["shapes_dict"]
        else:
            return
        if type(self).build is Buildable.build and any(not layer.built for layer in self._layers):
            inputs = [self._symbols(shape) for shape in args]
            named = {n.removesuffix("_shape"): self._symbols(s) for n, s in kwargs.items()}
            with suppress(Exception):  # then `build` says that there are no weights inside
                eval_shape(self, *inputs, **named)
                return
        self.build(*args, **kwargs)

    # ---- shapes --------------------------------------------------------------------------------

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs of a call on symbolic inputs, by evaluating ``call`` abstractly."""
        if type(self).compute_output_shape is not Buildable.compute_output_shape:
            bound = self._call_signature.bind(args, kwargs)
            method = self.compute_output_shape
            shapes = method(**shapes_for(method, bound, self._call_signature, self))
            if not isinstance(shapes, (list, tuple, dict)):
                raise DtypeError(
                    f"{type(self).__name__}.compute_output_shape() must return a shape, or a list "
                    f"or dict of shapes; got {shapes!r}."
                )
            return self._symbols(shapes)
        return self._evaluated_spec(*args, **kwargs)

    def _evaluated_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs, by evaluating ``call`` abstractly."""
        return eval_shape(self._call_by_policy, args, kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shapes of the outputs for inputs of these shapes, batch included.

        Args:
            *args: a shape, or a structure of shapes, for each argument of ``call``.
            **kwargs: the same by name: ``query_shape=...`` for the argument ``query``.
        """
        if type(self).call is Buildable.call:
            raise NotImplementedError(
                f"Layer {type(self).__name__} does not have a `compute_output_shape` method "
                "implemented, nor a `call` to learn the shapes from. Write one of them."
            )
        inputs = [self._symbols(shape) for shape in args]
        first = self._call_signature.names[0]
        named = {
            first if name == "input_shape" else name.removesuffix("_shape"): shape
            for name, shape in kwargs.items()
        }
        named = {name: self._symbols(shape) for name, shape in named.items()}
        if self.built:
            outputs = self.compute_output_spec(*inputs, **named)
        else:  # a twin is built in its place
            outputs = type(self).from_config(self.get_config())(*inputs, **named)
        return tree.map_structure(lambda t: t.shape, outputs)

    def _symbols(self, shapes: Any) -> Any:
        """Symbols of the compute dtype, for a structure of shapes."""
        return tree.map_shape_structure(
            lambda shape: KerasTensor(shape, dtype=self.compute_dtype), shapes
        )

    if TYPE_CHECKING:  # `Layer` supplies these
        _call_signature: CallSignature
        _call_by_policy: Callable[..., Any]
        _input_spec: Any
        get_config: Callable[[], dict[str, Any]]
        from_config: Callable[..., Any]

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102


def _scoped_build(build: Callable[..., None]) -> Callable[..., None]:
    """``build`` with what belongs to it: the name scope, the path, the note that it is done."""
    signature = inspect.signature(build)

    @wraps(build)
    def wrapper(self: Buildable, *args: Any, **kwargs: Any) -> None:
        if self.__dict__.get("_building"):  # `super().build(...)` inside of a build
            build(self, *args, **kwargs)
            return
        object.__setattr__(self, "_building", True)
        try:
            with naming.name_scope(self.name, caller=self):
                self._path = naming.current_path()
                build(self, *args, **kwargs)
        finally:
            object.__setattr__(self, "_building", False)
        shapes = dict(signature.bind(self, *args, **kwargs).arguments)
        shapes.pop(next(iter(signature.parameters)))
        self._mark_built(shapes)

    return wrapper


Buildable.build = _scoped_build(Buildable.build)
