"""One network, two inputs and two outputs with a loss of its own each."""

import numpy as np

import keras
from keras import layers

rng = np.random.default_rng(0)
title = rng.integers(0, 50, (64, 6))
tags = rng.integers(0, 2, (64, 4)).astype("float32")
priority = rng.random((64, 1))
department = keras.utils.to_categorical(rng.integers(0, 3, 64), 3)

title_input = keras.Input(shape=(None,), name="title")
tags_input = keras.Input(shape=(4,), name="tags")
title_features = layers.LSTM(8)(layers.Embedding(50, 6)(title_input))
x = layers.concatenate([title_features, tags_input])
priority_pred = layers.Dense(1, name="priority")(x)
department_pred = layers.Dense(3, activation="softmax", name="department")(x)
model = keras.Model(
    inputs=[title_input, tags_input],
    outputs={"priority": priority_pred, "department": department_pred},
)
model.compile(
    optimizer="rmsprop",
    loss={"priority": "mse", "department": "categorical_crossentropy"},
    loss_weights={"priority": 0.5, "department": 1.0},
    metrics={"department": ["accuracy"], "priority": ["mae"]},
)
history = model.fit(
    {"title": title, "tags": tags},
    {"priority": priority, "department": department},
    epochs=2,
    batch_size=32,
    verbose=0,
)
print("history:", sorted(history.history))
predictions = model.predict({"title": title, "tags": tags}, verbose=0)
print("params:", model.count_params())
print("shape:", {k: predictions[k].shape for k in sorted(predictions)})
