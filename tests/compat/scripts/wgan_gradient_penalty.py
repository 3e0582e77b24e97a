"""The gradient penalty of a WGAN: a derivative of a derivative."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers, models, optimizers

critic = models.Sequential(
    [layers.Input((4,)), layers.Dense(16), layers.LeakyReLU(0.2), layers.Dense(1)]
)
generator = models.Sequential(
    [layers.Input((2,)), layers.Dense(16, activation="relu"), layers.Dense(4)]
)


def gradient_penalty(batch_size, real, fake):
    alpha = tf.random.normal([batch_size, 1], 0.0, 1.0)
    interpolated = real + alpha * (fake - real)
    with tf.GradientTape() as gp_tape:
        gp_tape.watch(interpolated)
        pred = critic(interpolated, training=True)
    grads = gp_tape.gradient(pred, [interpolated])[0]
    norm = tf.sqrt(tf.reduce_sum(tf.square(grads), axis=[1]))
    return tf.reduce_mean((norm - 1.0) ** 2)


optimizer = optimizers.Adam(learning_rate=1e-3, beta_1=0.5, beta_2=0.9)
real = tf.constant(np.random.default_rng(0).normal(size=(32, 4)).astype("float32"))
losses = []
for _ in range(4):
    with tf.GradientTape() as tape:
        fake = generator(tf.random.normal((32, 2)), training=True)
        wass = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real))
        loss = wass + 10.0 * gradient_penalty(32, real, fake)
    gradient = tape.gradient(loss, critic.trainable_variables)
    optimizer.apply_gradients(zip(gradient, critic.trainable_variables))
    losses.append(float(loss))

assert losses[-1] < losses[0], losses
print("params:", critic.count_params(), generator.count_params())
print("shape:", [tuple(g.shape) for g in gradient])
