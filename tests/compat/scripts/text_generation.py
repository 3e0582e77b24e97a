"""Text, character by character: an LSTM predicts the next one, and temperature softens it."""

import random
import sys

import numpy as np

import keras
from keras import layers

text = "to be or not to be that is the question whether tis nobler in the mind to suffer " * 3
maxlen, step = 12, 3
sentences = [text[i : i + maxlen] for i in range(0, len(text) - maxlen, step)]
following = [text[i + maxlen] for i in range(0, len(text) - maxlen, step)]
chars = sorted(set(text))
index = {c: i for i, c in enumerate(chars)}

x = np.zeros((len(sentences), maxlen, len(chars)), dtype="bool")
y = np.zeros((len(sentences), len(chars)), dtype="bool")
for i, sentence in enumerate(sentences):
    for t, char in enumerate(sentence):
        x[i, t, index[char]] = 1
    y[i, index[following[i]]] = 1

model = keras.models.Sequential()
model.add(keras.Input(shape=(maxlen, len(chars))))
model.add(layers.LSTM(16))
model.add(layers.Dense(len(chars), activation="softmax"))
model.compile(
    loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(learning_rate=0.01)
)


def sample(preds, temperature=1.0):
    preds = np.asarray(preds).astype("float64")
    preds = np.exp(np.log(preds) / temperature)
    return np.argmax(np.random.multinomial(1, preds / np.sum(preds), 1))


for epoch in range(1, 3):
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    start = random.randint(0, len(text) - maxlen - 1)
    generated = text[start : start + maxlen]
    for temperature in [0.5, 1.0]:
        for _ in range(3):
            sampled = np.zeros((1, maxlen, len(chars)))
            for t, char in enumerate(generated[-maxlen:]):
                sampled[0, t, index[char]] = 1.0
            preds = model.predict(sampled, verbose=0)[0]
            generated += chars[sample(preds, temperature)]
    sys.stdout.write(generated + "\n")

print("length:", len(generated))
print("params:", model.count_params())
print("shape:", x.shape, preds.shape)
