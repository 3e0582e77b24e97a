"""A network that learned digits 0 to 4 learns 5 to 9: its first layers are frozen."""

import numpy as np
from sklearn.datasets import load_digits

import keras
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

digits = load_digits()
x, y = digits.images[..., None].astype("float32") / 16, digits.target

feature_layers = [
    Conv2D(8, 3, padding="valid", input_shape=(8, 8, 1)),
    Activation("relu"),
    MaxPooling2D(pool_size=2),
    Dropout(0.25),
    Flatten(),
]
classification_layers = [Dense(16), Activation("relu"), Dense(5), Activation("softmax")]
model = keras.models.Sequential(feature_layers + classification_layers)


def train_model(model, wanted, labels):
    model.compile(
        loss="categorical_crossentropy",
        optimizer=keras.optimizers.Adadelta(learning_rate=1.0),
        metrics=["accuracy"],
    )
    targets = keras.utils.to_categorical(labels, 5)
    model.fit(x[wanted][:200], targets[:200], batch_size=40, epochs=2, verbose=0)
    return model.evaluate(x[wanted][200:260], targets[200:260], verbose=0)


train_model(model, y < 5, y[y < 5])
before = [w.copy() for w in model.layers[0].get_weights()]
for layer in feature_layers:
    layer.trainable = False
score = train_model(model, y >= 5, y[y >= 5] - 5)

after = model.layers[0].get_weights()
assert all(np.array_equal(a, b) for a, b in zip(before, after)), "frozen layers have changed"
print("trainable:", sum(int(np.prod(w.shape)) for w in model.trainable_weights))
print("params:", model.count_params())
print("scores:", len(score))
