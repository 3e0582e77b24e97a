"""Random choices among many layers on images: RandAugment and AugMix.

Each step is one layer, chosen when the program runs, and only that one is computed. The random
numbers of a step come from keys that are drawn before: so images, boxes and masks of a call get
the same transformation.

Sources: Cubuk et al., RandAugment, arXiv:1909.13719; Hendrycks et al., AugMix, arXiv:1912.02781.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from etude import ops
from etude.layers.image.affine import RandomRotation, RandomShear, RandomTranslation
from etude.layers.image.base import ImageLayer, SeededImageLayer
from etude.layers.image.color import RandomBrightness, RandomColorDegeneration, RandomContrast
from etude.layers.image.filtering import RandomSharpness
from etude.layers.image.histogram import Equalization
from etude.layers.image.tone import AutoContrast, RandomPosterization, Solarization
from etude.random import SeedGenerator, beta, gamma, randint

__all__ = ["AugMix", "RandAugment"]

DRAWS = 8
"""How many keys a step has: no layer draws more often than that for one transformation."""


class _Keys(SeedGenerator):
    """A seed generator that hands out given keys, one after another; it has no state to keep."""

    def __init__(self, keys: Any) -> None:  # pyright: ignore[reportMissingSuperCall]
        self._rows: Iterator[Any] = iter([keys[i] for i in range(DRAWS)])

    def next(self, ordered: bool = True) -> Any:
        """The next key, uint32, (2,)."""
        return next(self._rows)


def chosen(index: Any, value: Any, changes: Sequence[Callable[[Any], Any]]) -> Any:
    """A value after one of several changes; the others are not computed.

    Args:
        index: of the change, an integer scalar, which may be known only when the program runs;
            beyond the last one nothing changes.
        value: a tensor, or a structure of them.
        changes: functions that keep structure, shapes and dtypes.
    """
    for i, change in enumerate(changes):  # in a row, not nested: then each is traced once
        value = ops.cond(index == i, lambda v=value, f=change: f(v), lambda v=value: v)
    return value


class _Policy(SeededImageLayer):
    """Base of the policies: their layers, and one step of a random one."""

    factor_bounds = (0, 1)

    def _make_layers(self, options: dict[str, Any]) -> dict[str, ImageLayer]:
        """All layers to choose from, by name; ``options`` are arguments of all of them."""
        own = {k: v for k, v in options.items() if k != "name"}
        own["data_format"] = self.data_format
        drawn = {**own, "seed": self.seed}
        moved = {**drawn, "interpolation": self.interpolation}
        toned = {**own, "value_range": self.value_range}
        colored = {**toned, "seed": self.seed}
        f = self.factor
        bits = max(1, int(8 * f[1]))
        made: dict[str, ImageLayer] = {
            "random_shear": RandomShear(x_factor=f, y_factor=f, **moved),
            "random_translation": RandomTranslation(height_factor=f, width_factor=f, **moved),
            "random_rotation": RandomRotation(factor=f, **moved),
            "random_brightness": RandomBrightness(factor=f, **colored),
            "random_color_degeneration": RandomColorDegeneration(factor=f, **colored),
            "random_contrast": RandomContrast(factor=f, **colored),
            "random_sharpness": RandomSharpness(factor=f, **colored),
            "random_posterization": RandomPosterization(factor=bits, **colored),
            "solarization": Solarization(addition_factor=f, threshold_factor=f, **colored),
            "auto_contrast": AutoContrast(**toned),
            "equalization": Equalization(**toned),
        }
        for layer in made.values():
            layer.built = True  # it has no weights, and is not called itself
        return made

    interpolation: str
    value_range: Any
    _choices: dict[str, ImageLayer]

    def _keys(self, steps: int, source: Any) -> Any:
        """Keys for the random numbers of all steps, (steps, DRAWS, 2)."""
        return randint((steps, DRAWS, 2), 0, 2**32, dtype="uint32", seed=source)

    def _step(self, drawn: tuple[Any, Any], shape: Sequence[int], kind: str, value: Any) -> Any:
        """One of the layers applied to images, boxes or masks; beyond the last one, none.

        Args:
            drawn: the index of the layer, and the keys of its random numbers, (DRAWS, 2).
            shape: of the images of the call.
            kind: "images", "bounding_boxes" or "segmentation_masks".
            value: these.
        """
        index, keys = drawn

        def change_by(layer: ImageLayer) -> Callable[[Any], Any]:
            def change(given: Any) -> Any:
                own = layer.get_random_transformation(_Shape(shape), seed=_Keys(keys))
                return _cast_like(getattr(layer, f"transform_{kind}")(given, own), given)

            return change

        return chosen(index, value, [change_by(layer) for layer in self._choices.values()])


def _cast_like(new: Any, old: Any) -> Any:
    """Results in the dtypes that came in: all branches must return the same."""
    if isinstance(old, dict):
        return {key: _cast_like(new[key], old[key]) for key in old}
    return ops.cast(new, old.dtype)


class _Shape:
    """A stand-in for images of which only the shape is asked."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)


class RandAugment(_Policy):
    """Applies some layers, chosen at random, to each batch, in training.

    Args:
        value_range: of the pixels.
        num_ops: how many layers are applied, one after another.
        factor: how strong they are, 0 ... 1.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, 3) or (height, width, 3); y: the same.

    Example:
        >>> import numpy as np
        >>> RandAugment(value_range=(0, 1), seed=1)(np.ones((2, 4, 4, 3))).shape
        (2, 4, 4, 3)
    """

    config_names = ("value_range", "num_ops", "factor", "interpolation", "seed")

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.num_ops = num_ops
        self._set_factor(factor)
        self.interpolation = interpolation
        self._choices = self._make_layers(kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The layer of each step, and the keys of its random numbers."""
        if not training:
            return None
        source = self._source(seed)
        return {
            "layer_idxes": randint((self.num_ops,), 0, len(self._choices), seed=source),
            "keys": self._keys(self.num_ops, source),
            "input_shape": self._shape(data),
        }

    def _applied(self, kind: str, value: Any, transformation: Any) -> Any:
        shape = transformation["input_shape"]
        for i in range(self.num_ops):
            drawn = transformation["layer_idxes"][i], transformation["keys"][i]
            value = self._step(drawn, shape, kind, value)
        return value

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images after all steps."""
        x = self._cast(images)
        return self._applied("images", x, transformation) if training else x

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks after all steps."""
        if not training:
            return segmentation_masks
        return self._applied("segmentation_masks", segmentation_masks, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes after all steps."""
        if not training:
            return bounding_boxes
        return self._applied("bounding_boxes", bounding_boxes, transformation)


class AugMix(_Policy):
    """Mixes each image with several versions of it, each after a chain of random layers.

    ``y = w x + (1 - w) Σ_k p_k chain_k(x)``, w beta distributed, p Dirichlet distributed; in
    training.

    Args:
        value_range: of the pixels; the result is brought into it.
        num_chains: how many versions.
        chain_depth: how many layers each has.
        factor: how strong they are, 0 ... 1.
        alpha: α of both distributions.
        all_ops: whether the layers may change colours, brightness and sharpness, too.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, 3) or (height, width, 3); y: the same.

    Example:
        >>> import numpy as np
        >>> AugMix(value_range=(0, 1), num_chains=2, seed=1)(np.ones((2, 4, 4, 3))).shape
        (2, 4, 4, 3)
    """

    config_names = (
        "value_range",
        "num_chains",
        "chain_depth",
        "factor",
        "alpha",
        "all_ops",
        "interpolation",
        "seed",
    )
    _extra = (
        "random_brightness",
        "random_color_degeneration",
        "random_contrast",
        "random_sharpness",
    )

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.num_chains = num_chains
        self.chain_depth = chain_depth
        self._set_factor(factor)
        self.alpha = alpha
        self.all_ops = all_ops
        self.interpolation = interpolation
        found = self._make_layers(kwargs)
        self._choices = {k: v for k, v in found.items() if all_ops or k not in self._extra}

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The weights, and the layer and keys of each step of each chain."""
        if not training:
            return None
        source, steps = self._source(seed), self.num_chains * self.chain_depth
        shares = gamma((self.num_chains,), self.alpha, seed=source)
        return {
            "chain_mixing_weights": shares / ops.sum(shares),
            "weight_sample": beta((), self.alpha, self.alpha, seed=source),
            # one more than there are layers: a step may be empty
            "layer_idxes": randint((steps,), 0, len(self._choices) + 1, seed=source),
            "keys": self._keys(steps, source),
            "input_shape": self._shape(data),
        }

    def _mixed(self, kind: str, x: Any, transformation: Any) -> Any:
        shape = transformation["input_shape"]
        form = (self.num_chains, self.chain_depth)
        indices = ops.reshape(transformation["layer_idxes"], form)
        keys = ops.reshape(transformation["keys"], (*form, DRAWS, 2))

        def step(value: Any, drawn: Any) -> tuple[Any, None]:
            return self._step(drawn, shape, kind, value), None

        def chain(total: Any, drawn: Any) -> tuple[Any, None]:
            index, own_keys, share = drawn
            end, _ = ops.scan(step, x, (index, own_keys))
            return total + end * share, None

        shares = ops.cast(transformation["chain_mixing_weights"], x.dtype)
        mixed, _ = ops.scan(chain, ops.zeros_like(x), (indices, keys, shares))
        weight = ops.cast(transformation["weight_sample"], x.dtype)
        return weight * x + (1 - weight) * mixed

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, mixed with their versions."""
        x = self._cast(images)
        if not training:
            return x
        return ops.clip(self._mixed("images", x, transformation), *self.value_range)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks, mixed with their versions; they become floats."""
        if not training:
            return segmentation_masks
        return self._mixed("segmentation_masks", self._cast(segmentation_masks), transformation)
