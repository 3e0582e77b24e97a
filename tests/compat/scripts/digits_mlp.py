"""Handwritten digits with two dense layers, as in the first hour of a course."""

import numpy as np
from sklearn.datasets import load_digits

import keras
from keras import layers

digits = load_digits()
x = digits.data.astype("float32") / 16.0
y = keras.utils.to_categorical(digits.target, 10)
x_train, x_test, y_train, y_test = x[:600], x[600:800], y[:600], y[600:800]

model = keras.Sequential(
    [
        layers.Input(shape=(64,)),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.summary()
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=32, epochs=8, validation_split=0.1, verbose=0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)

assert history.history["loss"][-1] < history.history["loss"][0]
assert accuracy > 0.5, accuracy
print("history:", sorted(history.history))
print("params:", model.count_params())
print("shape:", model.predict(x_test, verbose=0).shape, np.argmax(y_test, axis=1).shape)
