"""The next value of a wave: windows of a series, a convolution, and a GRU."""

import numpy as np

import keras
from keras import layers

series = np.sin(np.arange(260) / 8.0) + 0.05 * np.random.default_rng(0).normal(size=260)
window = 20
x = np.stack([series[i : i + window] for i in range(len(series) - window)])[..., np.newaxis]
y = series[window:]

model = keras.Sequential(
    [
        layers.Input((window, 1)),
        layers.Conv1D(8, 4, strides=2, padding="valid", activation="relu"),
        layers.GRU(8, return_sequences=True),
        layers.GRU(8, dropout=0.1),
        layers.Dense(1),
    ]
)
model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.01), metrics=["mae"])
history = model.fit(x[:200], y[:200], epochs=3, verbose=0, validation_data=(x[200:], y[200:]))
assert history.history["loss"][-1] < history.history["loss"][0]

naive = np.mean(np.square(x[:, -1, 0] - y))
print("naive is finite:", bool(np.isfinite(naive)))
print("params:", model.count_params())
print("shape:", x.shape, model.predict(x[:3], verbose=0).shape)
print("weights:", [tuple(w.shape) for w in model.weights])
