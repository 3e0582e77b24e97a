"""Optimizers and schedules side by side on one problem."""

import numpy as np

import keras
from keras import layers, optimizers, regularizers

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 6)).astype("float32")
y = keras.utils.to_categorical((x[:, 0] > 0).astype(int) + (x[:, 1] > 0), 3)


def build():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(
                8,
                activation="elu",
                kernel_initializer="he_normal",
                kernel_regularizer=regularizers.l2(1e-3),
            ),
            layers.BatchNormalization(),
            layers.Dense(8, activation="selu", kernel_initializer="lecun_normal"),
            layers.AlphaDropout(0.1),
            layers.Dense(3, activation="softmax"),
        ]
    )


schedule = optimizers.schedules.ExponentialDecay(0.05, decay_steps=10, decay_rate=0.9)
for optimizer in [
    optimizers.SGD(learning_rate=schedule, momentum=0.9, nesterov=True),
    optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 20), clipnorm=1.0),
    optimizers.Nadam(0.01),
    optimizers.Adagrad(0.05),
    "adamax",
]:
    model = build()
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    print("steps:", type(model.optimizer).__name__, int(model.optimizer.iterations))
print("rate:", round(float(schedule(10)), 4))
print(
    "params:", model.count_params(), len(model.trainable_weights), len(model.non_trainable_weights)
)
