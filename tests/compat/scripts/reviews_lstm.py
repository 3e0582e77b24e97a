"""A bidirectional LSTM over masked sequences, in the functional style."""

import numpy as np

import keras
from keras import layers

rng = np.random.default_rng(1)
x = rng.integers(1, 50, (64, 12))
x[:, 8:] = 0  # padding
y = (x[:, 0] > 25).astype("float32")

inputs = keras.Input(shape=(None,), dtype="int32")
h = layers.Embedding(50, 8, mask_zero=True)(inputs)
h = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(h)
h = layers.Bidirectional(layers.LSTM(4))(h)
outputs = layers.Dense(1, activation="sigmoid")(h)
model = keras.Model(inputs, outputs)
model.summary()

model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, batch_size=32, epochs=2, verbose=0)
assert np.isfinite(history.history["loss"]).all()
print("params:", model.count_params())
print("shape:", model.predict(x[:5], verbose=0).shape)
print("weights:", [tuple(w.shape) for w in model.weights])
