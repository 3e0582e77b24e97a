"""LeNet-5: two convolutions, two poolings and three dense layers that read handwritten digits."""

from __future__ import annotations

from typing import Any

from etude import config, layers
from etude.applications.assembly import Assembly, constructor
from etude.models import Functional

__all__ = ["LeNet5"]


@constructor()
def LeNet5(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str = "lenet5",
) -> Functional:
    """LeNet with 5 layers of weights for gray images of 32×32; 61,706 parameters.

    The paper has 60,000: its third layer joins only some maps with some (1,516 weights in place
    of 2,416), its two poolings have a coefficient and a bias for each map (44 weights), and its
    last layer compares with drawn digits that are not learned (850 weights fewer). There are no
    ImageNet weights for it.

    Reference:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
        recognition", Proceedings of the IEEE, 1998.

    Example:
        >>> LeNet5().count_params()
        61706
    """
    if input_shape is None and input_tensor is None:
        input_shape = (32, 32, 1) if config.image_data_format() == "channels_last" else (1, 32, 32)
    assembly = Assembly(
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
        on_imagenet=False,
    )
    x = assembly.image(default_size=32)
    x = layers.Conv2D(6, 5, activation="tanh", name="c1")(x)  # (N, 28, 28, 6)
    x = layers.AveragePooling2D(2, name="s2")(x)  # (N, 14, 14, 6)
    x = layers.Conv2D(16, 5, activation="tanh", name="c3")(x)  # (N, 10, 10, 16)
    x = layers.AveragePooling2D(2, name="s4")(x)  # (N, 5, 5, 16)
    if not include_top:
        return assembly.finish(assembly.pool(x))
    x = layers.Flatten(name="flatten")(x)  # (N, 400)
    x = layers.Dense(120, activation="tanh", name="c5")(x)
    x = layers.Dense(84, activation="tanh", name="f6")(x)
    return assembly.finish(assembly.classifier(x))
