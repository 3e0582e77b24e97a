"""A convolutional autoencoder that takes noise out of images."""

import numpy as np
from sklearn.datasets import load_digits

import keras
from keras import layers

clean = load_digits().images[:120, ..., None].astype("float32") / 16
noisy = np.clip(clean + 0.3 * np.random.default_rng(0).normal(size=clean.shape), 0.0, 1.0)

inputs = layers.Input(shape=(8, 8, 1))
x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(inputs)
x = layers.MaxPooling2D((2, 2), padding="same")(x)
x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(x)
x = layers.MaxPooling2D((2, 2), padding="same")(x)
x = layers.Conv2DTranspose(8, (3, 3), strides=2, activation="relu", padding="same")(x)
x = layers.UpSampling2D((2, 2))(x)
x = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

autoencoder = keras.Model(inputs, x)
autoencoder.compile(optimizer="adam", loss="mse")
autoencoder.fit(x=noisy, y=clean, epochs=2, batch_size=30, verbose=0)
print("params:", autoencoder.count_params())
print("shape:", autoencoder.predict(noisy[:7], verbose=0).shape)
