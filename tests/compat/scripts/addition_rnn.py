"""Sums of numbers as text: a sequence in, a sequence out."""

import numpy as np

import keras
from keras import layers

DIGITS, MAXLEN = 2, 5
chars = "0123456789+ "
index = {c: i for i, c in enumerate(chars)}


def encode(text, rows):
    x = np.zeros((rows, len(chars)))
    for i, c in enumerate(text):
        x[i, index[c]] = 1
    return x


rng = np.random.default_rng(0)
pairs = rng.integers(0, 99, (96, 2))
x = np.array([encode(f"{a}+{b}".ljust(MAXLEN)[::-1], MAXLEN) for a, b in pairs])
y = np.array([encode(str(a + b).ljust(DIGITS + 1), DIGITS + 1) for a, b in pairs])

model = keras.Sequential()
model.add(layers.Input((MAXLEN, len(chars))))
model.add(layers.LSTM(24))
model.add(layers.RepeatVector(DIGITS + 1))
for _ in range(1):
    model.add(layers.LSTM(24, return_sequences=True))
model.add(layers.TimeDistributed(layers.Dense(len(chars))))
model.add(layers.Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x, y, batch_size=32, epochs=3, validation_split=0.1, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
guess = np.argmax(model.predict(x[:1], verbose=0), axis=-1)
print("guess:", guess.shape, len("".join(chars[i] for i in guess[0])))
print("params:", model.count_params())
print("shape:", model.output_shape, x.shape, y.shape)
