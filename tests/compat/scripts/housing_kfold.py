"""Prices of houses: a regression with normalization and cross-validation."""

import numpy as np

import keras
from keras import layers

rng = np.random.default_rng(2)
data = rng.normal(size=(120, 13)) * np.arange(1, 14) + 5
targets = data @ rng.normal(size=13) / 10 + 20

mean, std = data[:90].mean(axis=0), data[:90].std(axis=0)
train_data, test_data = (data[:90] - mean) / std, (data[90:] - mean) / std


def build_model():
    model = keras.Sequential(
        [layers.Dense(16, activation="relu"), layers.Dense(8), layers.Dense(1)]
    )
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


k, scores = 3, []
fold = len(train_data) // k
for i in range(k):
    held = slice(i * fold, (i + 1) * fold)
    part = np.concatenate([train_data[: i * fold], train_data[(i + 1) * fold :]], axis=0)
    part_targets = np.concatenate([targets[: i * fold], targets[90 - (2 - i) * fold : 90]], axis=0)
    model = build_model()
    model.fit(part, part_targets, epochs=4, batch_size=10, verbose=0)
    mse, mae = model.evaluate(train_data[held], targets[:90][held], verbose=0)
    scores.append(mae)

assert np.isfinite(scores).all()
print("folds:", len(scores))
print("params:", model.count_params())
print("shape:", model.predict(test_data, verbose=0).shape)
