"""A loss and a metric of our own, as functions and as classes."""

import numpy as np

import keras
from keras import ops


class HuberLoss(keras.losses.Loss):
    def __init__(self, threshold=1.0, **kwargs):
        super().__init__(**kwargs)
        self.threshold = threshold

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        small = ops.abs(error) < self.threshold
        squared = ops.square(error) / 2
        linear = self.threshold * ops.abs(error) - self.threshold**2 / 2
        return ops.where(small, squared, linear)


class WithinOne(keras.metrics.Metric):
    def __init__(self, name="within_one", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.seen = self.add_weight(name="seen", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        near = ops.cast(ops.abs(ops.cast(y_true, "float32") - y_pred) < 1, "float32")
        self.hits.assign_add(ops.sum(near))
        self.seen.assign_add(ops.cast(ops.size(y_pred), "float32"))

    def result(self):
        return self.hits / self.seen

    def reset_state(self):
        self.hits.assign(0.0)
        self.seen.assign(0.0)


def root_mean_squared_error(y_true, y_pred):
    return ops.sqrt(ops.mean(ops.square(y_pred - y_true)))


rng = np.random.default_rng(0)
x = rng.normal(size=(80, 3)).astype("float32")
y = (x @ np.array([[1.0], [2.0], [-1.0]])).astype("float32")
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(
    optimizer=keras.optimizers.SGD(0.1),
    loss=HuberLoss(2.0),
    metrics=[WithinOne(), root_mean_squared_error, "mae"],
)
history = model.fit(x, y, epochs=6, batch_size=16, verbose=0)
assert history.history["within_one"][-1] > 0.6, history.history
print("history:", sorted(history.history))
results = model.evaluate(x, y, verbose=0, return_dict=True)
print("results:", sorted(results))
print("params:", model.count_params())
print("shape:", model.predict(x, verbose=0).shape)
