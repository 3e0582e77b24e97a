"""ConvNeXt: a convolutional network with the habits of a transformer.

A block looks around with one 7x7 convolution of each channel, normalizes over the channels of each
position, and passes every position through two dense layers with GELU between; what comes out is
scaled, near zero at first, and added: x + γ F(x). Few activations, few normalizations, and layers
of their own that halve rows and columns between the stages.

>>> model = ConvNeXtTiny(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
>>> model.output.shape
(None, 768)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from etude import layers
from etude.applications.assembly import (
    Assembly,
    WeightFiles,
    constructor,
    require_channels_last,
)
from etude.applications.efficientnet import preprocess_input
from etude.applications.imagenet_utils import decode_predictions
from etude.initializers import Constant
from etude.layers.base.configured import ConfiguredLayer
from etude.models import Functional, Sequential
from etude.saving.registration import register_public

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/convnext/"
HASHES = {
    "tiny": (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    "small": (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    "base": (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    "large": (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    "xlarge": (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
}
SIZE = 224
LAYER_SCALE = 1e-6  # how γ starts
# Of the channels of ImageNet, pixels from 0 to 255.
MEAN = [0.485 * 255, 0.456 * 255, 0.406 * 255]
VARIANCE = [(0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2]


class Design(NamedTuple):
    """One member: the widths of its four stages, and how many blocks each has."""

    title: str
    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    millions: float  # of parameters


def _member(member: str, design: Design) -> Callable[..., Functional]:
    stem = f"convnext_{member}"

    def build(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = stem,
    ) -> Functional:
        require_channels_last("ConvNeXt")
        assembly = Assembly(
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            name,
        )
        x = assembly.image(SIZE)
        if include_preprocessing and x.shape[-1] == 3:
            x = layers.Normalization(
                mean=MEAN, variance=VARIANCE, name=f"{name}_prestem_normalization"
            )(x)
        x = _head(_features(x, design, name), assembly)
        files = WeightFiles(BASE, f"{stem}.h5", f"{stem}_notop.h5", HASHES[member])
        return assembly.finish(x, files)

    build.__name__ = build.__qualname__ = f"ConvNeXt{design.title}"
    build.__doc__ = f"""ConvNeXt, {design.title}; {design.millions} million parameters.

    Stages of {design.depths} blocks with {design.widths} channels. Pixels go in as they are, from
    0 to 255: the first layer of the model normalizes them.

    Reference:
        Z. Liu, H. Mao, C. Wu, C. Feichtenhofer, T. Darrell, S. Xie, "A ConvNet for the 2020s",
        CVPR, 2022.
    """
    return constructor(
        include_preprocessing="whether the model normalizes its pixels; with ImageNet yes."
    )(build)


ConvNeXtTiny = _member("tiny", Design("Tiny", (96, 192, 384, 768), (3, 3, 9, 3), 28.6))
ConvNeXtSmall = _member("small", Design("Small", (96, 192, 384, 768), (3, 3, 27, 3), 50.2))
ConvNeXtBase = _member("base", Design("Base", (128, 256, 512, 1024), (3, 3, 27, 3), 88.6))
ConvNeXtLarge = _member("large", Design("Large", (192, 384, 768, 1536), (3, 3, 27, 3), 197.8))
ConvNeXtXLarge = _member("xlarge", Design("XLarge", (256, 512, 1024, 2048), (3, 3, 27, 3), 350.2))


def _features(x: Any, design: Design, name: str) -> Any:
    """From images (N, H, W, 3) to feature maps (N, H/32, W/32, C)."""
    for stage, (width, depth) in enumerate(zip(design.widths, design.depths, strict=True)):
        x = _fewer_positions(stage, width, name)(x)
        for index in range(depth):
            x = _block(x, width, f"{name}_stage_{stage}_block_{index}")
    return x


def _fewer_positions(stage: int, width: int, name: str) -> Sequential:
    """In front of the first stage (N, H, W, C) to (N, H/4, W/4, width); H/2 and W/2 later."""
    if stage == 0:  # patches of 4 x 4 pixels
        return Sequential(
            [
                layers.Conv2D(width, 4, strides=4, name=f"{name}_stem_conv"),
                _normalization(f"{name}_stem_layernorm"),
            ],
            name=f"{name}_stem",
        )
    return Sequential(
        [
            _normalization(f"{name}_downsampling_layernorm_{stage - 1}"),
            layers.Conv2D(width, 2, strides=2, name=f"{name}_downsampling_conv_{stage - 1}"),
        ],
        name=f"{name}_downsampling_block_{stage - 1}",
    )


def _block(x: Any, width: int, name: str) -> Any:
    """``x + γ F(x)``: (N, H, W, width) to the same."""
    y = layers.Conv2D(width, 7, padding="same", groups=width, name=f"{name}_depthwise_conv")(x)
    y = _normalization(f"{name}_layernorm")(y)
    y = layers.Dense(4 * width, name=f"{name}_pointwise_conv_1")(y)  # (N, H, W, 4 width)
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = layers.Dense(width, name=f"{name}_pointwise_conv_2")(y)  # (N, H, W, width)
    y = LayerScale(LAYER_SCALE, width, name=f"{name}_layer_scale")(y)
    y = layers.Activation("linear", name=f"{name}_identity")(y)
    return x + y


def _head(x: Any, assembly: Assembly) -> Any:
    """Pooling, normalization and classifier, as far as they are wanted."""
    name = assembly.name
    if not assembly.include_top:
        return _normalization()(assembly.pool(x, names=False))
    x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)  # (N, C)
    x = _normalization(f"{name}_head_layernorm")(x)
    return assembly.classifier(x, name=f"{name}_head_dense")


def _normalization(name: str | None = None) -> layers.LayerNormalization:
    return layers.LayerNormalization(epsilon=1e-6, name=name)


class LayerScale(ConfiguredLayer):
    """Scales each channel by a weight that is learnt: ``y = γ x``.

    Args:
        init_values: how γ starts.
        projection_dim: the number of channels.

    Shapes:
        x: (..., channels); γ: (channels,); y: as x.

    Example:
        >>> from etude import ops
        >>> LayerScale(0.5, 2)(ops.convert_to_tensor([[2.0, 4.0]])).numpy().tolist()
        [[1.0, 2.0]]

    Reference:
        H. Touvron, M. Cord, A. Sablayrolles, G. Synnaeve, H. Jégou, "Going deeper with image
        transformers", ICCV, 2021.
    """

    config_names: ClassVar[tuple[str, ...]] = ("init_values", "projection_dim")

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        """Makes γ."""
        self.gamma = self.add_weight(
            shape=(self.projection_dim,), initializer=Constant(self.init_values), trainable=True
        )

    def call(self, x: Any) -> Any:
        """``γ x``."""
        return x * self.gamma


# Files that Keras saved name the class by the module in which Keras has it.
register_public("keras.src.applications.convnext", LayerScale)
