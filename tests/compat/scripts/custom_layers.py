"""Layers of our own: weights made when the input is known, a config, and a file."""

import os
import tempfile

import numpy as np

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="course")
class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="course")
class MLPBlock(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.linear_1 = Linear(6)
        self.linear_2 = Linear(3)
        self.drop = layers.Dropout(0.5)

    def call(self, inputs, training=None):
        x = ops.relu(self.linear_1(inputs))
        return self.linear_2(self.drop(x, training=training))


class ComputeSum(layers.Layer):
    def __init__(self, input_dim):
        super().__init__()
        self.total = self.add_weight(initializer="zeros", shape=(input_dim,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return self.total


my_sum = ComputeSum(2)
my_sum(np.ones((2, 2)))
print(
    "sum:", [float(v) for v in np.array(my_sum(np.ones((2, 2))))], len(my_sum.non_trainable_weights)
)

model = keras.Sequential([keras.Input((4,)), MLPBlock(), Linear(2)])
model.compile("sgd", "mse")
model.fit(np.ones((8, 4)), np.zeros((8, 2)), epochs=1, verbose=0)
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.save(path)
again = keras.models.load_model(path)
x = np.arange(8.0).reshape(2, 4)
assert np.allclose(model.predict(x, verbose=0), again.predict(x, verbose=0), atol=1e-6)
print("params:", model.count_params(), again.count_params())
print("shape:", again(x).shape)
