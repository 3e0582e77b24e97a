"""Weights of PyTorch, as safetensors: into a model of etude, and out of it.

A ``state_dict`` names tensors by the attributes of modules (``features.0.weight``); etude names
layers. Which belongs to which is found by names, by the order of a `torch.nn.Sequential`, or by
shapes where these leave one choice, and else asked of the user. What was found is printed.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from etude.errors import ArgumentError, SerializationError
from etude.messages import say
from etude.saving.refusals import named_errors, refuse_programs
from etude.saving.safetensors_file import ENDING, Tensors, opened, write
from etude.saving.torch_layouts import Arrays, Layout, layout_of

__all__ = ["load_torch_weights", "save_torch_weights"]

COUNTER = "num_batches_tracked"  # of PyTorch's batch normalization; nothing here needs it


def save_torch_weights(
    model: Any, filepath: Any, mapping: dict[str, str] | None = None, verbose: int = 1
) -> dict[str, str]:
    """Writes the weights of a model as PyTorch would: its names, its layouts, as safetensors.

    In PyTorch: ``module.load_state_dict(safetensors.torch.load_file(path))``.

    Args:
        model: the model; its layers must be of kinds that PyTorch has.
        filepath: the file, ``*.safetensors``.
        mapping: the names of modules for those of layers; the layers' own names by default.
        verbose: 0 prints no table of what became of what.

    Returns:
        The name of the module for each layer.

    Raises:
        ArgumentError: the file has another ending, or a layer has weights that PyTorch has not.
    """
    path = _checked(filepath)
    names = mapping or {}
    arrays: Arrays = {}
    found: dict[str, str] = {}
    for place in _places(model):
        prefix = found[place.name] = names.get(place.name, place.name)
        for suffix, value in place.there().items():
            arrays[f"{prefix}.{suffix}"] = value
        if "running_mean" in place.there():
            arrays[f"{prefix}.{COUNTER}"] = np.zeros((), "int64")
    write(path, arrays, {"format": "pt"})
    _show(model, found, verbose, "->")
    return found


def load_torch_weights(
    model: Any,
    filepath: Any,
    mapping: dict[str, str] | None = None,
    strict: bool = True,
    verbose: int = 1,
) -> dict[str, str]:
    """Reads the weights of a PyTorch module, saved as safetensors, into a model.

    In PyTorch: ``safetensors.torch.save_file(module.state_dict(), path)``. Kernels are transposed,
    gates reordered, and the inputs of a `Dense` behind a `Flatten` arranged as channels come last.
    Values that PyTorch does not store, such as ε and momentum, are those of the layers: compare
    them (batch normalization has ε = 1e-5 there, and 1e-3 here).

    Args:
        model: the model, built.
        filepath: the file, ``*.safetensors``.
        mapping: names of layers, and those of the modules that they get; for those that cannot be
            told apart otherwise. A layer of a model inside is named ``inner.dense``.
        strict: whether all layers must be found, and all tensors used.
        verbose: 0 prints no table of what came from what.

    Returns:
        The name of the module for each layer.

    Raises:
        ArgumentError: the file has another ending, or names nothing.
        SerializationError: a layer has no counterpart, or several; or tensors are left over.
    """
    path = _checked(filepath)
    refuse_programs(path)
    if not path.is_file():
        raise ArgumentError(f"There is no file {path}.")
    with named_errors(path), opened(path) as tensors:
        places = list(_places(model))
        found = _Matching(path, places, tensors, mapping or {}).found(strict)
        _refuse_rest(path, places, tensors, found, strict)
        for place in places:
            if place.name in found:
                start = found[place.name]
                place.take({name: tensors[f"{start}.{name}"] for name in place.there()})
    _show(model, found, verbose, "<-")
    return found


def _checked(filepath: Any) -> Path:
    path = Path(os.fspath(filepath))
    refuse_programs(path)
    if path.suffix != ENDING:
        raise ArgumentError(f"The filename must end in `{ENDING}`. Received: filepath={filepath}")
    return path


# ---- layers -----------------------------------------------------------------------------------


@dataclass
class _Place:
    """A layer with weights, its name with those of the models around it, and its layout."""

    name: str
    layer: Any
    layout: Layout

    def own(self) -> Arrays:
        """The arrays of the layer by the names that its layout has for them."""
        return {
            _short(self.layer, weight): np.asarray(weight.numpy()) for weight in self.layer.weights
        }

    def there(self) -> Arrays:
        """Its arrays as PyTorch has them."""
        own = self.own()
        order = _flattened(self.layer)
        if order is not None:
            own["kernel"] = own["kernel"][order]
        return self.layout.there(own)

    def take(self, given: Arrays) -> None:
        """Assigns what PyTorch has."""
        own = self.layout.back(given, self.own())
        order = _flattened(self.layer)
        if order is not None:
            own["kernel"] = own["kernel"][np.argsort(order)]
        for weight in self.layer.weights:
            weight.assign(own[_short(self.layer, weight)])


def _short(layer: Any, weight: Any) -> str:
    """The name of a weight within its layer, without the cell of a recurrent one."""
    *outer, name = weight.path.split("/")
    if hasattr(layer, "backward_layer"):
        is_second = any(weight is w for w in layer.backward_layer.weights)
        return f"{'backward' if is_second else 'forward'}/{name}"
    if outer and outer[-1] in ("query", "key", "value", "attention_output"):
        return f"{outer[-1]}/{name}"
    return name


def _places(model: Any, around: str = "") -> Iterator[_Place]:
    """The layers of a model that have weights, also those in models inside."""
    for layer in model.layers:
        name = f"{around}{layer.name}"
        if not layer.weights:
            continue
        layout = layout_of(layer)
        if layout is not None:
            yield _Place(name, layer, layout)
        elif getattr(layer, "layers", None):
            yield from _places(layer, f"{name}.")
        elif layout_of(getattr(layer, "layer", None)) is not None:  # a wrapper
            yield _Place(name, layer.layer, layout_of(layer.layer))  # type: ignore[arg-type]
        else:
            raise ArgumentError(
                f"The layer '{name}', a {type(layer).__name__}, has weights, and no counterpart in "
                "PyTorch is known for it. Split the model, and hand over the parts."
            )


_KEEPING = ("Dropout", "Activation", "ReLU", "LeakyReLU", "ELU", "GaussianNoise", "AlphaDropout")


def _flattened(layer: Any) -> Any:
    """How the inputs of a `Dense` behind a `Flatten` are ordered where channels come first.

    Returns:
        For each input in PyTorch's order its place in ours; None where the orders agree.
    """
    if type(layer).__name__ != "Dense":
        return None
    before = _before(layer)
    while before is not None and type(before).__name__ in _KEEPING:
        before = _before(before)
    is_flatten = type(before).__name__ == "Flatten"
    if before is None or not is_flatten or before.data_format != "channels_last":
        return None
    *window, channels = before._inbound_nodes[0].inputs[0].shape[1:]
    if not window or None in (*window, channels):
        return None
    places = np.arange(math.prod(window) * channels).reshape(*window, channels)
    return np.moveaxis(places, -1, 0).reshape(-1)


def _before(layer: Any) -> Any:
    """The layer whose output is the only input of a layer."""
    nodes = getattr(layer, "_inbound_nodes", [])
    inputs = nodes[0].inputs if nodes else []
    producer = inputs[0].producer if len(inputs) == 1 else None
    return producer[0].operation if producer is not None else None


# ---- which module is which layer --------------------------------------------------------------


class _Matching:
    """Finds the module of each layer."""

    def __init__(
        self, path: Path, places: list[_Place], tensors: Tensors, mapping: dict[str, str]
    ) -> None:
        self.path, self.tensors, self.mapping = path, tensors, mapping
        self.fits = {place.name: self._modules(place) for place in places}
        unknown = set(mapping) - set(self.fits)
        if unknown:
            raise ArgumentError(
                f"`mapping` names {sorted(unknown)}; the layers with weights are "
                f"{', '.join(self.fits)}."
            )
        self.chosen: dict[str, str] = {}

    def _modules(self, place: _Place) -> list[str]:
        """The modules that have what a layer has, in the order of their numbers."""
        wanted = {name: value.shape for name, value in place.there().items()}
        first = next(iter(wanted))
        starts = [n.removesuffix(f".{first}") for n in self.tensors if n.endswith(f".{first}")]
        fitting = [start for start in starts if self._inside(start) == wanted]
        return sorted(fitting, key=_by_numbers)

    def _inside(self, start: str) -> dict[str, tuple[int, ...]]:
        inside = {n[len(start) + 1 :]: n for n in self.tensors if n.startswith(f"{start}.")}
        return {n: self.tensors.shape(full) for n, full in inside.items() if n != COUNTER}

    def found(self, strict: bool) -> dict[str, str]:
        """The module for each layer.

        Raises:
            SerializationError: there is none, or there are several.
        """
        self._by_mapping()
        for name, fits in self.fits.items():
            if name not in self.chosen and name in fits:
                self.chosen[name] = name
        self._by_order()
        self._by_shape()
        open_ = [name for name in self.fits if name not in self.chosen]
        if open_ and strict:
            listed = "\n".join(f"  {n}: {', '.join(self._free(n)) or 'none fits'}" for n in open_)
            raise SerializationError(
                f"{self.path}: it cannot be told which modules belong to these layers. Those whose "
                f"shapes fit stand behind them:\n{listed}\nName them: "
                f"`mapping={{{open_[0]!r}: 'module'}}`. In the file are: "
                f"{', '.join(sorted(self.tensors, key=_by_numbers)[:40])}."
            )
        return {name: self.chosen[name] for name in self.fits if name in self.chosen}

    def _free(self, name: str) -> list[str]:
        taken = set(self.chosen.values())
        return [module for module in self.fits[name] if module not in taken]

    def _by_mapping(self) -> None:
        for name, module in self.mapping.items():
            if module not in self.fits[name]:
                raise SerializationError(
                    f"{self.path}: the module {module!r} does not fit the layer '{name}'. It has "
                    f"{self._inside(module) or 'no tensors'}."
                )
            self.chosen[name] = module

    def _by_order(self) -> None:
        """Modules that are only numbered, as in `torch.nn.Sequential`, have an order."""
        rest = [name for name in self.fits if name not in self.chosen]
        modules = {module for name in rest for module in self._free(name)}
        if len({module.rpartition(".")[0] for module in modules}) != 1:
            return
        if not all(module.rpartition(".")[2].isdigit() for module in modules):
            return
        ordered = sorted(modules, key=_by_numbers)
        if len(ordered) == len(rest) and all(
            module in self.fits[name] for name, module in zip(rest, ordered, strict=True)
        ):
            self.chosen |= zip(rest, ordered, strict=True)

    def _by_shape(self) -> None:
        """Layers for which one module is left."""
        is_new = True
        while is_new:
            is_new = False
            for name in self.fits:
                free = self._free(name) if name not in self.chosen else []
                rivals = [
                    n for n in self.fits if n not in self.chosen and free[:1] == self._free(n)
                ]
                if len(free) == 1 and rivals == [name]:
                    self.chosen[name] = free[0]
                    is_new = True


def _by_numbers(name: str) -> list[Any]:
    """Sorts 2 before 10."""
    return [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in re.split(r"(\d+)", name)]


def _refuse_rest(
    path: Path, places: list[_Place], tensors: Tensors, found: dict[str, str], strict: bool
) -> None:
    used = {f"{found[p.name]}.{name}" for p in places if p.name in found for name in p.there()}
    rest = [name for name in tensors if name not in used and not name.endswith(COUNTER)]
    if rest and strict:
        raise SerializationError(
            f"{path}: the model has no place for {', '.join(rest[:8])}"
            f"{', ...' if len(rest) > 8 else ''}. With `strict=False` they are left out."
        )


def _show(model: Any, found: dict[str, str], verbose: int, arrow: str) -> None:
    """Prints which module became which layer."""
    if not verbose:
        return
    places = [place for place in _places(model) if place.name in found]
    width = max((len(place.name) for place in places), default=0)
    for place in places:
        shapes = ", ".join(f"{n} {tuple(v.shape)}" for n, v in place.there().items())
        order = ", channels first" if _flattened(place.layer) is not None else ""
        say(
            f"{place.name:{width}}  {arrow}  {found[place.name]}: {shapes} "
            f"({place.layout.note}{order})"
        )
