"""Are these two digits the same? One network for both, and the distance of what it says."""

import numpy as np
from sklearn.datasets import load_digits

import keras
from keras import layers, ops

digits = load_digits()
x, y = digits.data.astype("float32") / 16, digits.target
rng = np.random.default_rng(0)
left, right = rng.integers(0, 500, 200), rng.integers(0, 500, 200)
same = (y[left] == y[right]).astype("float32")


def euclidean_distance(vectors):
    a, b = vectors
    return ops.sqrt(
        ops.maximum(ops.sum(ops.square(a - b), axis=1, keepdims=True), keras.config.epsilon())
    )


def contrastive_loss(y_true, y_pred, margin=1.0):
    y_true = ops.reshape(y_true, (-1, 1))
    return ops.mean(
        y_true * ops.square(y_pred) + (1 - y_true) * ops.square(ops.maximum(margin - y_pred, 0))
    )


base = keras.Sequential(
    [layers.Input((64,)), layers.Dense(24, activation="relu"), layers.Dense(8)], name="base"
)
input_a, input_b = layers.Input((64,)), layers.Input((64,))
distance = layers.Lambda(euclidean_distance, output_shape=(1,))([base(input_a), base(input_b)])
model = keras.Model([input_a, input_b], distance)
model.compile(loss=contrastive_loss, optimizer="rmsprop")
history = model.fit([x[left], x[right]], same, batch_size=40, epochs=3, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
print("params:", model.count_params(), base.count_params())
print("shape:", model.predict([x[left][:5], x[right][:5]], verbose=0).shape)
