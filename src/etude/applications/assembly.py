"""What every constructor of a model does before and after its own layers.

assembly = Assembly(include_top, weights, ...)      the user's choices, checked
x = assembly.image(default_size=224)                the input
x = ...                                             the layers of the family
x = assembly.head(x)                                the classifier, or the pooling in its place
return assembly.finish(x, WeightFiles(...))         the model, with its weights
"""

from __future__ import annotations

import inspect
import os
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from etude import config, layers
from etude.applications import imagenet_utils
from etude.autodiff import KerasTensor
from etude.data.downloads import get_file
from etude.errors import ArgumentError, FetchError, ShapeError
from etude.messages import say
from etude.models import Functional
from etude.utils.graphs import get_source_inputs

__all__ = [
    "Assembly",
    "WeightFiles",
    "channel_axis",
    "constructor",
    "make_divisible",
    "require_channels_last",
    "square_size",
]


@dataclass(frozen=True)
class WeightFiles:
    """Keras's own files of weights for one model, trained on ImageNet.

    Args:
        base: the address of their folder, with a slash at its end.
        top: the name of the file for the model with its classifier.
        bare: the name of the file for the model without.
        hashes: the MD5 or SHA-256 of both; ``None`` where Keras has published none.
        stand_in: gives a model the weights of somebody else, where Keras's cannot be had.
        kept_as: the names of both on disk, where Keras has others there than at the address.
    """

    base: str
    top: str
    bare: str
    hashes: tuple[str | None, str | None] = (None, None)
    stand_in: Callable[[Any], None] | None = None
    kept_as: tuple[str, str] | None = None

    def load_into(self, model: Functional, include_top: bool) -> None:
        """Gives a model its weights.

        Raises:
            FetchError: they cannot be had; the message says what to do.
        """
        try:
            model.load_weights(self.fetch(include_top, model.name))
        except FetchError as error:
            if self.stand_in is None:
                raise
            try:
                self.stand_in(model)
            except FetchError as other:
                raise FetchError(f"{error}\nNor can others: {other}") from other
            say(
                f"Keras's ImageNet weights of {model.name!r} cannot be reached, so the model has "
                "those of torchvision: its predictions are as good, but not the same."
            )

    def fetch(self, include_top: bool, model: str) -> str:
        """The path of the file, downloaded if it is not in ``~/.keras/models``.

        Raises:
            FetchError: it cannot be had; the message says what to do.
        """
        name, file_hash = (self.top if include_top else self.bare), self.hashes[not include_top]
        kept = name if self.kept_as is None else self.kept_as[not include_top]
        try:
            return get_file(kept, self.base + name, cache_subdir="models", file_hash=file_hash)
        except FetchError as error:
            raise FetchError(
                f"The ImageNet weights of {model!r} cannot be had: {error} What else you can do: "
                "`weights=None` for random weights; or, with a file of weights that you have, "
                f"`weights='path/to/{name}'`."
            ) from error


@dataclass
class Assembly:
    """The choices that all constructors offer, and the steps that all of them take.

    Args:
        include_top: whether the model ends in its classifier.
        weights: ``None``, ``"imagenet"``, or the path of a file.
        input_tensor: a symbolic tensor to begin with, or ``None``.
        input_shape: the shape of one image, or ``None``.
        pooling: ``None``, ``"avg"`` or ``"max"``; for the model without its classifier.
        classes: how many classes the classifier has.
        classifier_activation: its activation.
        name: the name of the model.
        on_imagenet: whether there are weights trained on ImageNet.

    Raises:
        ArgumentError: ``weights`` is none of the three, or does not go with ``classes``, or there
            are none.
    """

    include_top: bool
    weights: Any
    input_tensor: Any
    input_shape: Any
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str
    on_imagenet: bool = True
    _image: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not _is_usable(self.weights):
            raise ArgumentError(
                "The `weights` argument should be either `None` (random initialization), "
                "'imagenet' (pre-training on ImageNet), or the path to the weights file to be "
                f"loaded. Received: weights={self.weights!r}, and there is no such file."
            )
        if self.imagenet and not self.on_imagenet:
            raise ArgumentError(
                f"There are no ImageNet weights for {self.name!r}: `weights=None` gives random "
                "ones, the path of a file your own."
            )
        if self.imagenet and self.include_top and self.classes != 1000:
            raise ArgumentError(
                "If using `weights='imagenet'` with `include_top=True`, `classes` should be 1000. "
                f"Received: classes={self.classes}. For classes of your own take "
                "`include_top=False` and put a Dense layer behind it."
            )
        if not self.include_top and self.pooling not in (None, "avg", "max"):
            warnings.warn(
                f"{self.name}: `pooling` is None, 'avg' or 'max'; {self.pooling!r} is ignored.",
                stacklevel=4,
            )

    @property
    def imagenet(self) -> bool:
        """Whether weights trained on ImageNet are wanted."""
        return isinstance(self.weights, str) and self.weights == "imagenet"

    def image(self, default_size: int, min_size: int = 32) -> KerasTensor:
        """The images that the first layer takes.

        Args:
            default_size: height and width where the user asks for none.
            min_size: the smallest height and width.

        Returns:
            Shape (N, height, width, channels), or the user's tensor.

        Raises:
            ArgumentError: ``input_shape`` or ``input_tensor`` cannot be used.
        """
        return self.image_of(self.shape(default_size, min_size))

    def shape(self, default_size: int, min_size: int = 32) -> tuple[int | None, ...]:
        """The shape of one image, from what the user asked for; arguments as for `image`."""
        return imagenet_utils.obtain_input_shape(
            self.input_shape,
            default_size=default_size,
            min_size=min_size,
            data_format=config.image_data_format(),
            require_flatten=self.include_top,
            weights=self.weights,
        )

    def asked_size(self) -> tuple[int | None, ...] | None:
        """The shape of one image that the user gave, by ``input_shape`` or by ``input_tensor``.

        Raises:
            ShapeError: both are given, and they differ.
        """
        if not isinstance(self.input_tensor, KerasTensor):
            return self.input_shape
        shape = tuple(self.input_tensor.shape[1:])
        if self.input_shape is not None and tuple(self.input_shape) != shape:
            raise ShapeError(
                f"{self.name}: input_tensor.shape[1:] must equal input_shape; Received: "
                f"input_tensor.shape={tuple(self.input_tensor.shape)}, "
                f"input_shape={self.input_shape}. Give one of the two."
            )
        return shape

    def image_of(self, shape: tuple[int | None, ...]) -> KerasTensor:
        """The images, for families that look at their shape first."""
        if self.input_tensor is None:
            self._image = layers.Input(shape=shape)
            return self._image
        if not isinstance(self.input_tensor, KerasTensor):
            raise ArgumentError(
                f"{self.name}: `input_tensor` must be symbolic, as `keras.Input(...)` makes it; "
                f"got {type(self.input_tensor).__name__}. Build the model without it, and call the "
                "model on your images."
            )
        return self.input_tensor

    def head(self, x: Any, pool_names: bool = True, dropout: float = 0.0, **dense: Any) -> Any:
        """What stands behind the last feature maps: the classifier, or the pooling.

        Args:
            x: feature maps (N, H, W, C).
            pool_names: whether the layer of the pooling has a name of its own.
            dropout: the rate in front of the classifier.
            **dense: further arguments of the classifier.

        Returns:
            (N, classes); without the classifier (N, C), or ``x`` itself.
        """
        if not self.include_top:
            return self.pool(x, pool_names)
        x = layers.GlobalAveragePooling2D(name="avg_pool" if pool_names else None)(x)  # (N, C)
        if dropout > 0:
            x = layers.Dropout(dropout, name="top_dropout")(x)
        return self.classifier(x, **dense)

    def pool(self, x: Any, names: bool = True) -> Any:
        """Feature maps (N, H, W, C) as the user wants them pooled: (N, C), or as they are."""
        if self.pooling == "avg":
            return layers.GlobalAveragePooling2D(name="avg_pool" if names else None)(x)
        if self.pooling == "max":
            return layers.GlobalMaxPooling2D(name="max_pool" if names else None)(x)
        return x

    def classifier(self, x: Any, name: str = "predictions", **dense: Any) -> Any:
        """The last layer: (N, C) to (N, classes)."""
        self.check_activation()
        activation = self.classifier_activation
        return layers.Dense(self.classes, activation=activation, name=name, **dense)(x)

    def check_activation(self) -> None:
        """Refuses an activation that does not go with trained weights."""
        imagenet_utils.validate_activation(self.classifier_activation, self.weights)

    def finish(self, x: Any, files: WeightFiles | None = None) -> Functional:
        """The model, with its weights.

        Args:
            x: its output.
            files: where weights trained on ImageNet are; ``None`` where there are none.

        Raises:
            ArgumentError: the file that the user named does not fit.
            FetchError: the weights cannot be had.
        """
        inputs = self._image if self.input_tensor is None else get_source_inputs(self.input_tensor)
        model = Functional(inputs, x, name=self.name)
        if self.imagenet:
            assert files is not None, "asked for at the beginning"
            files.load_into(model, self.include_top)
        elif self.weights is not None:
            model.load_weights(self.weights)
        return model


def _is_usable(weights: Any) -> bool:
    if weights is None or (isinstance(weights, str) and weights == "imagenet"):
        return True
    return isinstance(weights, (str, os.PathLike)) and os.path.exists(weights)


# ---- small parts of several families -------------------------------------------------------------


def channel_axis(last: int = -1) -> int:
    """Where the channels are: ``last`` for channels_last, else 1.

    >>> channel_axis(), channel_axis(last=3)
    (-1, 3)
    """
    return 1 if config.image_data_format() == "channels_first" else last


def make_divisible(width: float, divisor: int = 8, min_value: int | None = None) -> int:
    """A scaled number of channels, rounded to a multiple of the divisor, by at most a tenth down.

    >>> make_divisible(32 * 0.35), make_divisible(24 * 0.5), make_divisible(19.0)
    (16, 16, 24)
    """
    rounded = max(min_value or divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * width else rounded + divisor


def square_size(shape: Any, sizes: tuple[int, ...], default: int) -> int:
    """Height and width of images that are square and of one of some sizes, else the default.

    >>> square_size((96, 96, 3), (96, 128), 224), square_size((50, 50, 3), (96, 128), 224)
    (96, 224)
    """
    if shape is None:
        return default
    rows, columns = shape[1:3] if config.image_data_format() == "channels_first" else shape[:2]
    return rows if rows == columns and rows in sizes else default


def require_channels_last(family: str) -> None:
    """Refuses the data format in which a family is not defined.

    Raises:
        ArgumentError: images are channels_first.
    """
    if config.image_data_format() == "channels_first":
        raise ArgumentError(
            f"{family} does not support the `channels_first` image data format. Switch to "
            "`channels_last`: `keras.config.set_image_data_format('channels_last')`."
        )


# ---- documentation -------------------------------------------------------------------------------

_ARGUMENTS = {
    "include_top": "whether the model ends in its classifier.",
    "weights": (
        '``"imagenet"`` for weights trained on ImageNet, ``None`` for random ones, or the path of '
        "a file: ``.h5``, ``.weights.h5`` or ``.keras``."
    ),
    "input_tensor": "a symbolic tensor to use as images, e.g. `etude.Input(...)`.",
    "input_shape": (
        "the shape of one image, without the batch. With the classifier and weights of ImageNet "
        "only the default can be used."
    ),
    "pooling": (
        "what becomes of the feature maps where there is no classifier: ``None`` leaves them, "
        '``"avg"`` and ``"max"`` take the mean or the maximum over the positions.'
    ),
    "classes": "how many classes the classifier has; 1000 with weights of ImageNet.",
    "classifier_activation": (
        "the activation of the classifier; ``None`` for logits. With trained weights one of "
        "softmax and none."
    ),
    "name": "the name of the model.",
}
_REST = """
Returns:
    A `Functional` model: images (N, H, W, C) to predictions (N, classes), feature maps, or, with
    ``pooling``, features (N, channels).

Raises:
    ArgumentError: an argument cannot be used, or arguments contradict each other.
    FetchError: the weights cannot be had; the message says what to do.
"""

F = TypeVar("F", bound=Callable[..., Any])


def constructor(**own: str) -> Callable[[F], F]:
    """Adds to a constructor's docstring what is the same for all of them.

    Args:
        **own: what its own arguments mean.

    >>> @constructor(alpha="scales the widths.")
    ... def Tiny(alpha=1.0, name="tiny"):
    ...     '''A tiny network.'''
    >>> print(Tiny.__doc__.partition("Returns")[0])
    A tiny network.
    <BLANKLINE>
    Args:
        alpha: scales the widths.
        name: the name of the model.
    <BLANKLINE>
    """

    def complete(function: F) -> F:
        known = {**_ARGUMENTS, **own}
        lines = ["Args:"]
        for name in inspect.signature(function).parameters:
            wrapped = textwrap.wrap(f"{name}: {known[name]}", 90, subsequent_indent="    ")
            lines += [f"    {line}" for line in wrapped]
        own_text = inspect.cleandoc(function.__doc__ or "")
        function.__doc__ = "\n".join([own_text, "", *lines, _REST])
        return function

    return complete
