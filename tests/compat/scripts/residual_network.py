"""A residual network with batch normalization, and what is inside of it."""

import numpy as np

import keras
from keras import layers


def residual_block(x, filters, pooling=False):
    residual = x
    x = layers.Conv2D(filters, 3, activation="relu", padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.SeparableConv2D(filters, 3, padding="same")(x)
    if pooling:
        x = layers.MaxPooling2D(2, padding="same")(x)
        residual = layers.Conv2D(filters, 1, strides=2)(residual)
    elif filters != residual.shape[-1]:
        residual = layers.Conv2D(filters, 1)(residual)
    return layers.add([x, residual])


inputs = keras.Input(shape=(16, 16, 3))
x = layers.Rescaling(1.0 / 255)(inputs)
x = residual_block(x, filters=8, pooling=True)
x = residual_block(x, filters=8)
x = residual_block(x, filters=12)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
images = np.random.default_rng(0).integers(0, 255, (24, 16, 16, 3)).astype("float32")
model.fit(images, np.arange(24) % 2, epochs=1, batch_size=8, verbose=0)

features = keras.Model(
    model.input, [layer.output for layer in model.layers if "conv2d" in layer.name]
)
print("shape:", [a.shape for a in features.predict(images[:2], verbose=0)])
print("layers:", [type(layer).__name__ for layer in model.layers])
print("trainable:", sum(int(np.prod(w.shape)) for w in model.trainable_weights))
print("params:", model.count_params())
