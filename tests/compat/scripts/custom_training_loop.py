"""A training loop by hand: compiled steps, metrics, and a model that has a loss of its own."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(192, 10)).astype("float32")
y = (x @ rng.normal(size=(10, 3))).argmax(axis=1)


class ActivityRegularization(layers.Layer):
    def call(self, inputs):
        self.add_loss(1e-2 * tf.reduce_sum(tf.abs(inputs)) / 100.0)
        return inputs


inputs = keras.Input(shape=(10,), name="features")
h = layers.Dense(16, activation="relu")(inputs)
h = ActivityRegularization()(h)
outputs = layers.Dense(3, name="predictions")(h)
model = keras.Model(inputs=inputs, outputs=outputs)

optimizer = keras.optimizers.Adam(learning_rate=1e-2)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_metric = keras.metrics.SparseCategoricalAccuracy()
val_metric = keras.metrics.SparseCategoricalAccuracy()
train_dataset = tf.data.Dataset.from_tensor_slices((x[:160], y[:160])).shuffle(160).batch(32)
val_dataset = tf.data.Dataset.from_tensor_slices((x[160:], y[160:])).batch(32)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits)
        loss_value += sum(model.losses)
    grads = tape.gradient(loss_value, model.trainable_weights)
    optimizer.apply_gradients(zip(grads, model.trainable_weights))
    train_metric.update_state(y, logits)
    return loss_value


@tf.function
def test_step(x, y):
    val_metric.update_state(y, model(x, training=False))


first = last = None
for epoch in range(3):
    for step, (x_batch, y_batch) in enumerate(train_dataset):
        last = train_step(x_batch, y_batch)
        first = float(last) if first is None else first
    accuracy = train_metric.result()
    train_metric.reset_state()
    for x_batch, y_batch in val_dataset:
        test_step(x_batch, y_batch)
    print(f"epoch {epoch}: {float(accuracy):.2f} {float(val_metric.result()):.2f}", end="\r")
    val_metric.reset_state()
print()
assert float(last) < first, (first, float(last))
print("steps:", int(optimizer.iterations), step + 1)
print("params:", model.count_params())
print("shape:", model(x[:2]).shape)
