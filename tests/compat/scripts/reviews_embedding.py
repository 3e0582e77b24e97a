"""Sentiment of reviews: sequences of word numbers, padded, embedded and averaged."""

import numpy as np

import keras
from keras.utils import pad_sequences

rng = np.random.default_rng(0)
vocabulary, maxlen = 200, 20


def review(label):
    words = rng.integers(10, vocabulary, rng.integers(5, 40))
    hints = rng.integers(2 + 3 * label, 5 + 3 * label, 6)
    return np.concatenate([words, hints]).tolist()


labels = rng.integers(0, 2, 200)
x = pad_sequences([review(label) for label in labels], maxlen=maxlen)
print("shape:", x.shape)

model = keras.Sequential(
    [
        keras.layers.Embedding(vocabulary, 8),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, labels, epochs=10, batch_size=20, verbose=0, validation_split=0.2)
assert history.history["val_accuracy"][-1] > 0.6, history.history["val_accuracy"]

weights = model.layers[0].get_weights()[0]
print("shape:", weights.shape)
print("params:", model.count_params())
