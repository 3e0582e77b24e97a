"""The reference models: small ones of every family, as courses and small products have them.

Each is written once against the public API of Keras, which etude and its peers share;
`benchmarks.torch_models` has them by hand for PyTorch. Data are synthetic, of the right shapes, and
learnable: each class has a pattern of its own under noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["MODELS", "Reference", "multiply_adds"]

Data = tuple[np.ndarray, np.ndarray]


class Reference(NamedTuple):
    """A model to be trained for speed.

    Attributes:
        title: what the table calls it.
        batch: samples per step.
        samples: per epoch; enough that an epoch takes a second or so.
        build: the compiled model, from the Keras-shaped module.
        data: inputs and targets, from a number of samples.
    """

    title: str
    batch: int
    samples: int
    build: Callable[[Any], Any]
    data: Callable[[int], Data]


# --- data ---------------------------------------------------------------------------------------


def patterns(*shape: int, classes: int = 10) -> Callable[[int], Data]:
    """Noisy patterns: inputs (samples, *shape), float32 in [0, 1], and labels (samples,)."""

    def draw(samples: int) -> Data:
        rng = np.random.default_rng(0)
        own = rng.random((classes, *shape), dtype=np.float32)
        labels = rng.integers(0, classes, samples)
        return 0.3 * own[labels] + 0.7 * rng.random((samples, *shape), dtype=np.float32), labels

    return draw


def tokens(length: int, vocabulary: int, classes: int) -> Callable[[int], Data]:
    """Sequences of tokens (samples, length), each class with favourites, and labels (samples,)."""

    def draw(samples: int) -> Data:
        rng = np.random.default_rng(0)
        labels = rng.integers(0, classes, samples)
        words = rng.integers(0, vocabulary, (samples, length))
        favourites = labels[:, None] * (vocabulary // classes) + words % (vocabulary // classes)
        kept = rng.random((samples, length)) < 0.7
        return np.where(kept, words, favourites).astype("int32"), labels

    return draw


def text(length: int, vocabulary: int) -> Callable[[int], Data]:
    """Tokens (samples, length) that count upwards with slips, and the token that follows each."""

    def draw(samples: int) -> Data:
        rng = np.random.default_rng(0)
        steps = rng.choice([1, 1, 1, 2], (samples, length + 1))
        words = (rng.integers(0, vocabulary, (samples, 1)) + steps.cumsum(1)) % vocabulary
        return words[:, :-1].astype("int32"), words[:, 1:].astype("int32")

    return draw


def codes(samples: int) -> Data:
    """Random codes (samples, 100), and an image (samples, 32, 32, 3) in [-1, 1] for each."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((samples, 100), dtype=np.float32)
    map_to = rng.standard_normal((100, 3), dtype=np.float32) / 10
    grid = np.linspace(-1, 1, 32, dtype=np.float32)
    shade = np.tanh(x @ map_to)[:, None, None, :]
    return x, shade * np.cos(3 * grid)[None, :, None, None] * np.cos(2 * grid)[None, None, :, None]


def masks(samples: int) -> Data:
    """Images (samples, 64, 64, 3) with bright squares, and where those are: (samples, 64, 64)."""
    rng = np.random.default_rng(0)
    x = 0.5 * rng.random((samples, 64, 64, 3), dtype=np.float32)
    y = np.zeros((samples, 64, 64), "int32")
    for image, where, (top, left) in zip(x, y, rng.integers(0, 40, (samples, 2)), strict=True):
        image[top : top + 20, left : left + 20] += 0.5
        where[top : top + 20, left : left + 20] = 1
    return x, y


# --- models -------------------------------------------------------------------------------------


def classifier(keras: Any, inputs: Any, x: Any, classes: int = 10) -> Any:
    """Compiled for classes: softmax, cross-entropy, accuracy, Adam."""
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return compiled(keras, inputs, outputs, "sparse_categorical_crossentropy", ["accuracy"])


def compiled(keras: Any, inputs: Any, outputs: Any, loss: str, metrics: Any = None) -> Any:
    """The functional model, with Adam."""
    model = keras.Model(inputs, outputs)
    model.compile(optimizer="adam", loss=loss, metrics=metrics)
    return model


def mlp(*units: int) -> Callable[[Any], Any]:
    """Dense layers with ReLU on 784 pixels."""

    def build(keras: Any) -> Any:
        x = inputs = keras.Input((784,))
        for width in units:
            x = keras.layers.Dense(width, activation="relu")(x)
        return classifier(keras, inputs, x)

    return build


def lenet(keras: Any) -> Any:
    """After LeCun and others (1998), with ReLU and maximum pooling."""
    layers = keras.layers
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(6, 5, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 5, activation="relu")(x)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    x = layers.Dense(120, activation="relu")(x)
    return classifier(keras, inputs, layers.Dense(84, activation="relu")(x))


def vgg(keras: Any) -> Any:
    """Three blocks of two 3x3 convolutions with batch normalisation."""
    layers = keras.layers
    x = inputs = keras.Input((32, 32, 3))
    for filters in (32, 64, 128):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D()(x)
    return classifier(keras, inputs, layers.Dense(128, activation="relu")(layers.Flatten()(x)))


def resnet20(keras: Any) -> Any:
    """He and others (2016), for small images: three stages of three blocks."""
    layers = keras.layers

    def normalized(x: Any, filters: int, size: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(normalized(inputs, 16, 3))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            strides = 2 if stage and not block else 1
            y = layers.ReLU()(normalized(x, filters, 3, strides))
            y = normalized(y, filters, 3)
            x = normalized(x, filters, 1, strides) if strides == 2 else x
            x = layers.ReLU()(layers.Add()([x, y]))
    return classifier(keras, inputs, layers.GlobalAveragePooling2D()(x))


def generator(keras: Any) -> Any:
    """The generator of a DCGAN for 32x32 images, trained to draw given ones."""
    layers = keras.layers
    inputs = keras.Input((100,))
    x = layers.Reshape((4, 4, 256))(layers.Dense(4 * 4 * 256)(inputs))
    for filters in (128, 64):
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2DTranspose(filters, 5, 2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2DTranspose(3, 5, 2, padding="same", activation="tanh")(x)
    return compiled(keras, inputs, x, "mean_squared_error")


def review(recurrent: str) -> Callable[[Any], Any]:
    """Embedding and a recurrent layer of 128 units over 80 tokens: one of two classes."""

    def build(keras: Any) -> Any:
        inputs = keras.Input((80,), dtype="int32")
        x = keras.layers.Embedding(20_000, 128)(inputs)
        x = getattr(keras.layers, recurrent)(128)(x)
        outputs = keras.layers.Dense(1, activation="sigmoid")(x)
        return compiled(keras, inputs, outputs, "binary_crossentropy", ["accuracy"])

    return build


def characters(keras: Any) -> Any:
    """An LSTM of 256 units that tells each next of 64 characters."""
    inputs = keras.Input((64,), dtype="int32")
    x = keras.layers.Embedding(64, 64)(inputs)
    return classifier(keras, inputs, keras.layers.LSTM(256, return_sequences=True)(x), 64)


def transformer(keras: Any) -> Any:
    """Two encoder blocks of width 128 with four heads over 64 tokens."""
    layers = keras.layers
    inputs = keras.Input((64,), dtype="int32")
    x = layers.Embedding(1000, 128)(inputs)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 32)(y, y)])
        y = layers.Dense(512, activation="relu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(128)(y)])
    return classifier(keras, inputs, layers.GlobalAveragePooling1D()(x))


def mobilenet(keras: Any) -> Any:
    """Depthwise-separable blocks, as in MobileNet, for 64x64 images."""
    layers = keras.layers
    inputs = keras.Input((64, 64, 3))
    x = layers.Conv2D(16, 3, 2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters, strides in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return classifier(keras, inputs, layers.GlobalAveragePooling2D()(x))


def unet(keras: Any) -> Any:
    """Down twice and up again, with bridges: a class for each pixel of 64x64 images."""
    layers = keras.layers

    def twice(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        return x

    inputs = keras.Input((64, 64, 3))
    fine = twice(inputs, 16)
    middle = twice(layers.MaxPooling2D()(fine), 32)
    x = twice(layers.MaxPooling2D()(middle), 64)
    x = layers.Conv2DTranspose(32, 2, 2)(x)
    x = twice(layers.Concatenate()([x, middle]), 32)
    x = layers.Conv2DTranspose(16, 2, 2)(x)
    return classifier(keras, inputs, twice(layers.Concatenate()([x, fine]), 16), 2)


def sequence_cnn(keras: Any) -> Any:
    """One-dimensional convolutions over 256 steps of 8 sensors."""
    layers = keras.layers
    x = inputs = keras.Input((256, 8))
    for filters in (32, 64, 64):
        x = layers.Conv1D(filters, 7, padding="same", activation="relu")(x)
        x = layers.MaxPooling1D(2)(x)
    return classifier(keras, inputs, layers.GlobalAveragePooling1D()(x))


MODELS = {
    "mlp-32": Reference("MLP 784-128-10, batch 32", 32, 60_000, mlp(128), patterns(784)),
    "mlp-128": Reference("MLP 784-128-10, batch 128", 128, 120_000, mlp(128), patterns(784)),
    "mlp-512": Reference("MLP 784-512-512-10", 128, 30_000, mlp(512, 512), patterns(784)),
    "lenet": Reference("LeNet-like CNN", 128, 10_000, lenet, patterns(28, 28, 1)),
    "vgg": Reference("VGG-small with batch norm", 64, 640, vgg, patterns(32, 32, 3)),
    "resnet-20": Reference("ResNet-20", 64, 640, resnet20, patterns(32, 32, 3)),
    "dcgan": Reference("DCGAN generator", 64, 1280, generator, codes),
    "imdb-lstm": Reference("IMDB LSTM", 32, 2000, review("LSTM"), tokens(80, 20_000, 2)),
    "char-lstm": Reference("char-LSTM", 64, 1280, characters, text(64, 64)),
    "transformer": Reference("small transformer", 64, 640, transformer, tokens(64, 1000, 10)),
    "imdb-gru": Reference("IMDB GRU", 32, 2000, review("GRU"), tokens(80, 20_000, 2)),
    "mobilenet": Reference("depthwise separable", 64, 640, mobilenet, patterns(64, 64, 3)),
    "u-net": Reference("U-Net", 16, 160, unet, masks),
    "conv1d": Reference("Conv1D", 64, 1280, sequence_cnn, patterns(256, 8)),
}
"""By the name that `--models` takes; the first ten are those of the speed targets."""


def multiply_adds(model: Any) -> int:
    """Multiply-adds of one sample's forward pass in matrix products and convolutions.

    What attention multiplies besides its projections, and elementwise work, is not counted.
    """
    total = 0
    for layer in model.layers:
        weights = [w for w in layer.weights if len(w.shape) > 1]
        kind = type(layer).__name__
        if kind == "Embedding" or not weights:
            continue
        inputs = layer.input[0] if isinstance(layer.input, (list, tuple)) else layer.input
        places = inputs.shape if "Transpose" in kind or "Attention" in kind else layer.output.shape
        if kind in ("LSTM", "GRU"):
            places = inputs.shape
        if kind == "DepthwiseConv2D":
            weights = [np.zeros(weights[0].shape)]
        each = sum(int(np.prod(w.shape)) for w in weights)
        total += each * int(np.prod(places[1:-1]))
    return total
