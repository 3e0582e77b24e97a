"""Tensors, variables and tapes: a linear classifier from scratch."""

import numpy as np
import tensorflow as tf

x = tf.ones(shape=(2, 1))
print("ones:", x.numpy().tolist())
v = tf.Variable(initial_value=tf.random.normal(shape=(3, 1)))
v.assign(tf.ones((3, 1)))
v[0, 0].numpy()
v.assign_add(tf.ones((3, 1)))
print("variable:", v.numpy().ravel().tolist(), v.shape)

a = tf.ones((2, 2))
print("math:", (tf.square(a) + tf.sqrt(a)).numpy().tolist(), tf.matmul(a, a).numpy().tolist())

time = tf.Variable(2.0)
with tf.GradientTape() as outer_tape:
    with tf.GradientTape() as inner_tape:
        position = 4.9 * time**2
    speed = inner_tape.gradient(position, time)
acceleration = outer_tape.gradient(speed, time)
print("acceleration:", round(float(acceleration), 3))

input_const = tf.constant(3.0)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(input_const)
    result = tf.square(input_const)
    cube = result * input_const
print(
    "derivatives:",
    float(tape.gradient(result, input_const)),
    float(tape.gradient(cube, input_const)),
)

rng = np.random.default_rng(0)
negative = rng.multivariate_normal(mean=[0, 3], cov=[[1, 0.5], [0.5, 1]], size=100)
positive = rng.multivariate_normal(mean=[3, 0], cov=[[1, 0.5], [0.5, 1]], size=100)
inputs = np.vstack((negative, positive)).astype(np.float32)
targets = np.vstack((np.zeros((100, 1), "float32"), np.ones((100, 1), "float32")))
W = tf.Variable(initial_value=tf.random.uniform(shape=(2, 1)))
b = tf.Variable(initial_value=tf.zeros(shape=(1,)))


def training_step(inputs, targets):
    with tf.GradientTape() as tape:
        predictions = tf.matmul(inputs, W) + b
        loss = tf.reduce_mean(tf.square(targets - predictions))
    dW, db = tape.gradient(loss, [W, b])
    W.assign_sub(dW * 0.1)
    b.assign_sub(db * 0.1)
    return loss


for _ in range(40):
    loss = training_step(inputs, targets)
assert float(loss) < 0.1, float(loss)
print("shape:", tuple(W.shape), tuple(b.shape))
