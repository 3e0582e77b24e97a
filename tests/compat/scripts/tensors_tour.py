"""Operations on tensors, as the first notebook of a course on TensorFlow shows them."""

import numpy as np
import tensorflow as tf

t = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print(
    "shape:",
    t.shape,
    t.dtype.name,
    t.shape.as_list() if hasattr(t.shape, "as_list") else list(t.shape),
)
print("slices:", t[:, 1:].numpy().tolist(), t[..., 1, tf.newaxis].numpy().tolist())
print("sum:", (t + 10).numpy().tolist(), (t @ tf.transpose(t)).numpy().tolist())
print(
    "reduce:",
    float(tf.reduce_sum(t)),
    tf.reduce_mean(t, axis=0).numpy().tolist(),
    float(tf.reduce_max(t)),
)
print("arg:", tf.argmax(t, axis=1).numpy().tolist(), tf.argsort([3, 1, 2]).numpy().tolist())
print("cast:", tf.cast(t, tf.int32).numpy().tolist(), tf.cast([1.7], tf.uint8).numpy().tolist())
print(
    "joins:",
    tf.concat([t, t], axis=0).shape,
    tf.stack([t, t]).shape,
    [p.shape[1] for p in tf.split(t, 3, axis=1)],
)
print(
    "shapes:",
    tf.reshape(t, [-1]).shape,
    tf.expand_dims(t, 0).shape,
    tf.squeeze(tf.ones((1, 2, 1))).shape,
)
print("range:", tf.range(5).numpy().tolist(), tf.linspace(0.0, 1.0, 3).numpy().tolist())
print(
    "where:", tf.where(t > 2, t, 0.0).numpy().tolist(), tf.boolean_mask(t, t > 4).numpy().tolist()
)
print(
    "gather:",
    tf.gather(t, [1, 0]).numpy().tolist(),
    tf.gather_nd(t, [[0, 2], [1, 1]]).numpy().tolist(),
)
print("one_hot:", tf.one_hot([0, 2], depth=3).numpy().tolist())
print(
    "math:", tf.math.log(tf.exp(1.0)).numpy().round(3), tf.clip_by_value(t, 2, 5).numpy().tolist()
)
print("tile:", tf.tile([1, 2], [2]).numpy().tolist(), tf.repeat([1, 2], 2).numpy().tolist())
print("pad:", tf.pad(tf.constant([[1, 2]]), [[1, 0], [0, 1]]).numpy().tolist())
print(
    "einsum:", tf.einsum("ij,ij->i", t, t).numpy().tolist(), float(tf.norm(tf.constant([3.0, 4.0])))
)
print("nn:", tf.nn.relu([-1.0, 2.0]).numpy().tolist(), tf.nn.softmax([[1.0, 1.0]]).numpy().tolist())
print("cumsum:", tf.cumsum([1, 2, 3]).numpy().tolist(), tf.unique([1, 1, 2])[0].numpy().tolist())
print("top_k:", tf.math.top_k([1, 5, 3], k=2).values.numpy().tolist())
values, counts = tf.unique_with_counts(tf.constant([4, 4, 7]))[0::2]
print("counts:", values.numpy().tolist(), counts.numpy().tolist())
print("mask:", tf.sequence_mask([1, 3], 3).numpy().tolist())

v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
v.assign(2 * v)
v.assign_sub([[1.0, 1.0], [1.0, 1.0]])
print("variable:", v.numpy().tolist(), np.square(v).tolist())


@tf.function
def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


print("collatz:", int(collatz(6)))
print("moments:", [float(m) for m in tf.nn.moments(t, axes=[0, 1])])
