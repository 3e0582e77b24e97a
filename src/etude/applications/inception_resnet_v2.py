"""Inception-ResNet v2: the modules of Inception, each adding a correction to its input.

y = relu(x + s F(x)), where F is a small module that ends in a 1x1 convolution to the channels of x.
The factor s, 0.1 to 0.2, keeps wide networks from dying early in training (section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from etude import layers
from etude.applications.assembly import Assembly, WeightFiles, channel_axis, constructor
from etude.applications.imagenet_utils import decode_predictions
from etude.applications.inception_v3 import (
    Kernel,
    branch,
    convolution,
    fewer_positions,
    joined,
    preprocess_input,
    small_kernels,
    stem,
)
from etude.layers.base.configured import ConfiguredLayer
from etude.models import Functional
from etude.saving.registration import register_public

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

_STEM = "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels"
FILES = WeightFiles(
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/",
    f"{_STEM}.h5",
    f"{_STEM}_notop.h5",
    ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"),
)

# The branches of each residual module (figures 10, 13 and 17, with the widths of version 2).
BRANCHES: dict[str, tuple[tuple[Kernel, ...], ...]] = {
    "block35": (
        ((32, 1, 1),),
        ((32, 1, 1), (32, 3, 3)),
        ((32, 1, 1), (48, 3, 3), (64, 3, 3)),
    ),
    "block17": (
        ((192, 1, 1),),
        ((128, 1, 1), (160, 1, 7), (192, 7, 1)),
    ),
    "block8": (
        ((192, 1, 1),),
        ((192, 1, 1), (224, 1, 3), (256, 3, 1)),
    ),
}


@constructor()
def InceptionResNetV2(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "inception_resnet_v2",
) -> Functional:
    """Inception-ResNet v2: forty residual Inception modules; 56 million parameters.

    Images are 299 x 299, and no smaller than 75 x 75 without the classifier.

    Reference:
        C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi, "Inception-v4, Inception-ResNet and the
        impact of residual connections on learning", AAAI, 2017.

    Example:
        >>> from etude.errors import ShapeError
        >>> try:
        ...     InceptionResNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
        ... except ShapeError as error:
        ...     print(str(error).partition(";")[0])
        Input size must be at least 75x75
    """
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
    x = _features(assembly.image(default_size=299, min_size=75))
    return assembly.finish(assembly.head(x, pool_names=include_top), FILES)


def _features(image: Any) -> Any:
    """All modules in order, with the shapes that an image of 299 x 299 gives."""
    x = small_kernels(stem(image), 96, 64, "mixed_5b")  # (N, 35, 35, 320)
    for index in range(1, 11):
        x = _corrected(x, "block35", index, scale=0.17)
    x = fewer_positions(
        x, ((384, 3, 3),), ((256, 1, 1), (256, 3, 3), (384, 3, 3)), name="mixed_6a"
    )  # (N, 17, 17, 1088)
    for index in range(1, 21):
        x = _corrected(x, "block17", index, scale=0.1)
    x = fewer_positions(
        x,
        ((256, 1, 1), (384, 3, 3)),
        ((256, 1, 1), (288, 3, 3)),
        ((256, 1, 1), (288, 3, 3), (320, 3, 3)),
        name="mixed_7a",
    )  # (N, 8, 8, 2080)
    for index in range(1, 10):
        x = _corrected(x, "block8", index, scale=0.2)
    x = _corrected(x, "block8", 10, scale=1.0, activate=False)
    return convolution(x, 1536, 1, 1, name="conv_7b")  # (N, 8, 8, 1536)


def _corrected(x: Any, block: str, index: int, scale: float, activate: bool = True) -> Any:
    """``relu(x + scale F(x))``, F being the module `block`."""
    name = f"{block}_{index}"
    seen = joined([branch(x, *kernels) for kernels in BRANCHES[block]], f"{name}_mixed")
    correction = layers.Conv2D(x.shape[channel_axis()], 1, padding="same", name=f"{name}_conv")(
        seen
    )  # the channels of x
    x = CustomScaleLayer(scale)([x, correction])
    return layers.Activation("relu", name=f"{name}_ac")(x) if activate else x


class CustomScaleLayer(ConfiguredLayer):
    """Adds a correction, scaled, to what it corrects: ``y = x + scale r``.

    Args:
        scale: the factor of the correction.

    Shapes:
        A pair x, r of one shape; y: the same.

    Example:
        >>> from etude import ops
        >>> CustomScaleLayer(0.5)([ops.ones((2,)), ops.ones((2,))]).numpy().tolist()
        [1.5, 1.5]
    """

    config_names: ClassVar[tuple[str, ...]] = ("scale",)

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Sequence[Any]) -> Any:
        """``x + scale r``."""
        x, correction = inputs
        return x + correction * self.scale


# Files that Keras saved name the class by the module in which Keras has it.
register_public("keras.src.applications.inception_resnet_v2", CustomScaleLayer)
