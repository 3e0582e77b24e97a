"""Callbacks: stopping early, checkpoints, learning rates, logs, and one of our own."""

import os
import tempfile

import numpy as np

import keras
from keras.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 5))
y = (x.sum(axis=1) > 0).astype("int32")


class Counter(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")
        assert set(logs) >= {"loss", "accuracy", "val_loss"}

    def on_train_batch_end(self, batch, logs=None):
        self.last_batch = batch


folder = tempfile.mkdtemp()
best = os.path.join(folder, "best.keras")
log = os.path.join(folder, "log.csv")
model = keras.Sequential(
    [keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
)
model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
counter, seen = Counter(), []
history = model.fit(
    x,
    y,
    epochs=4,
    batch_size=16,
    verbose=0,
    validation_split=0.25,
    callbacks=[
        counter,
        EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True),
        ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
        ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1),
        LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch)),
        CSVLogger(log),
    ],
)
assert seen == [0, 1, 2, 3]
print("calls:", counter.calls, counter.last_batch)
print("lines:", len(open(log).read().splitlines()))
restored = keras.models.load_model(best)
assert np.allclose(restored.predict(x[:4], verbose=0), restored(x[:4]))
print("params:", restored.count_params())
print("shape:", restored.predict(x[:4], verbose=0).shape)
