"""tf.data: slices, maps, shuffles and batches in front of a model."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras

digits = load_digits()
train = tf.data.Dataset.from_tensor_slices((digits.images[:200], digits.target[:200]))
test = tf.data.Dataset.from_tensor_slices((digits.images[200:260], digits.target[200:260]))


def prepare(image, label):
    image = tf.cast(image, tf.float32) / 16.0
    image = tf.expand_dims(image, -1)
    return tf.image.random_flip_left_right(image), label


train = train.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
train = train.cache().shuffle(200, seed=1).batch(20).prefetch(tf.data.AUTOTUNE)
test = test.map(
    lambda image, label: (tf.cast(image, tf.float32)[..., tf.newaxis] / 16.0, label)
).batch(20)

for images, labels in train.take(1):
    print("shape:", tuple(images.shape), tuple(labels.shape), images.dtype.name)
print("batches:", len(train), int(test.cardinality()))

model = keras.Sequential(
    [
        keras.layers.Input((8, 8, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(16, "relu"),
        keras.layers.Dense(10),
    ]
)
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
history = model.fit(train, epochs=2, validation_data=test, verbose=0)
loss, accuracy = model.evaluate(test, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]

squares = tf.data.Dataset.range(10).filter(lambda i: i % 2 == 0).map(lambda i: i * i).repeat(2)
print("squares:", [int(v) for v in squares.as_numpy_iterator()])
pairs = tf.data.Dataset.zip(
    (tf.data.Dataset.range(3), tf.data.Dataset.from_tensor_slices(["a", "b", "c"]))
)
print("pairs:", [(int(i), s.numpy().decode()) for i, s in pairs])
print("params:", model.count_params())
print("shape:", model.predict(test, verbose=0).shape)
