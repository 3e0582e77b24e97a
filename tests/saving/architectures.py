"""Small models of every family of layers: functions that build them with etude or with Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["ALL", "inputs_of"]

ALL: dict[str, Callable[[Any], Any]] = {}


def architecture(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    ALL[build.__name__] = build
    return build


def inputs_of(model: Any, batch: int = 4) -> Any:
    """Arrays that a model takes: integers from 0 to 6 for integers."""
    rng = np.random.default_rng(1)

    def array(symbol: Any) -> np.ndarray:
        shape = (batch, *(5 if n is None else n for n in symbol.shape[1:]))
        if "int" in str(symbol.dtype):
            return rng.integers(0, 7, shape).astype("int32")
        return rng.normal(size=shape).astype("float32")

    found = [array(symbol) for symbol in model.inputs]
    return found if len(found) > 1 else found[0]


# ---- dense networks ---------------------------------------------------------------------------


@architecture
def perceptron(k):
    L = k.layers
    return k.Sequential([k.Input((6,)), L.Dense(8, activation="relu"), L.Dense(3)])


@architecture
def regularized(k):
    L = k.layers
    first = L.Dense(
        8,
        activation="tanh",
        kernel_regularizer=k.regularizers.L1L2(0.01, 0.02),
        kernel_constraint=k.constraints.MaxNorm(1.5),
        kernel_initializer=k.initializers.HeNormal(),
    )
    return k.Sequential([k.Input((6,)), first, L.ActivityRegularization(l2=0.1), L.Dense(2)])


@architecture
def wide_and_deep(k):
    L = k.layers
    wide, deep = k.Input((3,), name="wide"), k.Input((5,), name="deep")
    h = L.Dense(4, activation="gelu")(L.Dense(6, activation="selu")(deep))
    return k.Model([wide, deep], L.Dense(1)(L.Concatenate()([wide, h])))


@architecture
def several_outputs(k):
    L = k.layers
    x, y = k.Input((4,), name="x"), k.Input((3,), name="y")
    joined = L.Concatenate()([x, y])
    h = L.Dense(5, activation="relu")(joined)
    return k.Model([x, y], [L.Dense(2, name="a")(h), L.Dense(1, name="b")(h)])


@architecture
def siamese(k):
    L = k.layers
    shared = k.Sequential([k.Input((4,)), L.Dense(5, activation="tanh"), L.Dense(3)], name="tower")
    a, b = k.Input((4,)), k.Input((4,))
    return k.Model([a, b], L.Dot(axes=1, normalize=True)([shared(a), shared(b)]))


@architecture
def nested(k):
    L = k.layers
    x = k.Input((4,))
    inner = k.Model(x, L.Dense(3)(L.BatchNormalization()(x)), name="inner")
    y = k.Input((4,))
    middle = k.Model(y, L.Dense(4)(inner(L.Dense(4)(inner(y)))), name="middle")
    return k.Sequential([k.Input((4,)), middle, L.Dense(2)])


@architecture
def frozen(k):
    """As after transfer learning: a base that is not trained, and a layer that is not."""
    L = k.layers
    x = k.Input((4,))
    base = k.Model(x, L.Dense(5, "relu")(L.Dense(6, "tanh")(x)), name="base")
    base.trainable = False
    y = k.Input((4,))
    return k.Model(y, L.Dense(2)(L.Dense(3, trainable=False)(base(y))))


@architecture
def merges(k):
    L = k.layers
    x = k.Input((4,))
    a, b = L.Dense(4)(x), L.Dense(4)(x)
    parts = [layer([a, b]) for layer in (L.Add(), L.Multiply(), L.Maximum(), L.Average())]
    return k.Model(x, L.Concatenate()([*parts, L.Subtract()([a, b]), L.Minimum()([a, b])]))


@architecture
def activations(k):
    L = k.layers
    kinds = [L.PReLU(), L.ELU(0.7), L.LeakyReLU(0.1), L.ReLU(max_value=2.0), L.Softmax()]
    layers = [part for kind in kinds for part in (L.Dense(5), kind)]
    return k.Sequential([k.Input((5,)), *layers, L.Activation("softplus")])


@architecture
def einsum(k):
    L = k.layers
    x = k.Input((3, 4))
    h = L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")(x)
    return k.Model(x, L.EinsumDense("abc,bcd->ad", output_shape=2)(h))


@architecture
def without_randomness(k):
    L = k.layers
    quiet = [L.Dropout(0.0), L.GaussianNoise(0.0), L.GaussianDropout(0.0), L.AlphaDropout(0.0)]
    return k.Sequential([k.Input((4,)), L.Dense(4), *quiet, L.Dense(2)])


@architecture
def shapes(k):
    L = k.layers
    x = k.Input((4, 6))
    h = L.RepeatVector(3)(L.Flatten()(L.Permute((2, 1))(x)))
    h = L.Reshape((6, 4, 3))(h)
    h = L.ZeroPadding2D(1)(L.Cropping2D(1)(h))
    return k.Model(x, L.Dense(2)(L.Flatten()(h)))


@architecture
def operations(k):
    x = k.Input((4, 3))
    h = k.ops.matmul(x, k.ops.transpose(x, (0, 2, 1)))  # (batch, 4, 4)
    h = k.ops.concatenate([k.ops.sin(h), h[:, :, :2] * 0.5 + 1], axis=-1)
    h = k.layers.Dense(3)(k.ops.mean(h, axis=1))
    return k.Model(x, k.ops.softmax(h) - 0.1)


# ---- images -----------------------------------------------------------------------------------


@architecture
def lenet(k):
    L = k.layers
    return k.Sequential(
        [
            k.Input((8, 8, 1)),
            L.Conv2D(3, 3, activation="relu", padding="same"),
            L.MaxPooling2D(),
            L.Conv2D(4, 3, strides=2),
            L.AveragePooling2D(1),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ]
    )


@architecture
def residual(k):
    L = k.layers
    x = k.Input((6, 6, 4))
    h = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(x)))
    h = L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(h))
    return k.Model(x, L.Dense(2)(L.GlobalAveragePooling2D()(L.ReLU()(L.Add()([x, h])))))


@architecture
def mobile(k):
    L = k.layers
    x = k.Input((6, 6, 3))
    h = L.DepthwiseConv2D(3, depth_multiplier=2)(x)
    h = L.SeparableConv2D(4, 3, activation="relu6")(L.BatchNormalization()(h))
    return k.Model(x, L.GlobalMaxPooling2D()(L.Conv2D(4, 1, groups=2)(h)))


@architecture
def inception(k):
    L = k.layers
    x = k.Input((5, 5, 2))
    arms = [L.Conv2D(2, n, padding="same")(x) for n in (1, 3)]
    arms.append(L.Conv2D(2, 1)(L.MaxPooling2D(3, strides=1, padding="same")(x)))
    return k.Model(x, L.Dense(2)(L.Flatten()(L.Concatenate()(arms))))


@architecture
def autoencoder(k):
    L = k.layers
    encoder = k.Sequential([k.Input((8, 8, 1)), L.Conv2D(3, 3, strides=2, padding="same")])
    decoder = k.Sequential(
        [k.Input((4, 4, 3)), L.Conv2DTranspose(2, 3, strides=2, padding="same"), L.Conv2D(1, 1)]
    )
    return k.Sequential([k.Input((8, 8, 1)), encoder, decoder])


@architecture
def u_net(k):
    L = k.layers
    x = k.Input((8, 8, 1))
    down = L.Conv2D(2, 3, padding="same", activation="relu")(x)
    low = L.Conv2D(3, 3, padding="same", activation="relu")(L.MaxPooling2D()(down))
    up = L.Concatenate()([L.UpSampling2D()(low), down])
    return k.Model(x, L.Conv2D(1, 1, activation="sigmoid")(up))


@architecture
def volumes(k):
    L = k.layers
    x = k.Input((4, 4, 4, 2))
    h = L.MaxPooling3D()(L.Conv3D(3, 3, padding="same")(x))
    return k.Model(x, L.Flatten()(L.Conv3DTranspose(2, 2)(h)))


@architecture
def prepared_images(k):
    L = k.layers
    x = k.Input((8, 8, 3))
    h = L.Rescaling(1 / 2, offset=-0.1)(L.CenterCrop(6, 6)(L.Resizing(7, 7)(x)))
    return k.Model(x, L.GlobalAveragePooling2D()(L.Conv2D(2, 3)(h)))


@architecture
def adaptive(k):
    L = k.layers
    x = k.Input((6, 6, 2))
    h = L.AdaptiveAveragePooling2D(3)(L.Conv2D(3, 1)(x))
    return k.Model(x, L.Dense(2)(L.Flatten()(h)))


# ---- sequences --------------------------------------------------------------------------------


@architecture
def temporal(k):
    L = k.layers
    x = k.Input((8, 3))
    h = L.Conv1D(4, 3, padding="causal", dilation_rate=2)(x)
    h = L.SeparableConv1D(4, 3)(L.Conv1DTranspose(3, 2)(L.MaxPooling1D()(h)))
    return k.Model(x, L.GlobalMaxPooling1D()(h))


@architecture
def simple_rnn(k):
    L = k.layers
    return k.Sequential([k.Input((None, 3)), L.SimpleRNN(4), L.Dense(2)])


@architecture
def lstm(k):
    L = k.layers
    layers = [L.LSTM(4, return_sequences=True), L.LSTM(3, go_backwards=True), L.Dense(2)]
    return k.Sequential([k.Input((5, 3)), *layers])


@architecture
def gru(k):
    L = k.layers
    layers = [L.GRU(4, return_sequences=True), L.GRU(3, reset_after=False), L.Dense(2)]
    return k.Sequential([k.Input((5, 3)), *layers])


@architecture
def bidirectional(k):
    L = k.layers
    x = k.Input((5, 3))
    h = L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="sum")(x)
    return k.Model(x, L.Bidirectional(L.LSTM(2))(h))


@architecture
def encoder_decoder(k):
    """State is handed from one recurrent layer to the other."""
    L = k.layers
    source, target = k.Input((5, 3)), k.Input((4, 2))
    _, h, c = L.LSTM(4, return_state=True)(source)
    decoded = L.LSTM(4, return_sequences=True)(target, initial_state=[h, c])
    return k.Model([source, target], L.TimeDistributed(L.Dense(2))(decoded))


@architecture
def stateful(k):
    """State is kept from batch to batch; a model that is loaded begins with none."""
    L = k.layers
    x = k.Input(batch_shape=(4, 5, 3))
    return k.Model(x, L.Dense(2)(L.GRU(3, stateful=True)(x)))


@architecture
def cells(k):
    L = k.layers
    stack = L.StackedRNNCells([L.LSTMCell(3), L.GRUCell(4), L.SimpleRNNCell(2)])
    return k.Sequential([k.Input((4, 3)), L.RNN(stack), L.Dense(2)])


@architecture
def conv_lstm(k):
    L = k.layers
    x = k.Input((3, 5, 5, 2))
    return k.Model(x, L.Flatten()(L.ConvLSTM2D(2, 3)(x)))


@architecture
def masked(k):
    L = k.layers
    words, numbers = k.Input((5,), dtype="int32"), k.Input((5, 2))
    h = L.LSTM(3)(L.Embedding(7, 4, mask_zero=True)(words))
    return k.Model([words, numbers], L.Concatenate()([h, L.GRU(2)(L.Masking()(numbers))]))


@architecture
def time_distributed(k):
    L = k.layers
    x = k.Input((3, 6, 6, 1))
    h = L.TimeDistributed(L.Flatten())(L.TimeDistributed(L.Conv2D(2, 3))(x))
    return k.Model(x, L.LSTM(2)(h))


# ---- attention --------------------------------------------------------------------------------


@architecture
def transformer(k):
    L = k.layers
    x = k.Input((5,), dtype="int32")
    h = L.Embedding(7, 4)(x)
    h = L.LayerNormalization()(h + L.MultiHeadAttention(2, 2)(h, h, use_causal_mask=True))
    h = L.LayerNormalization(epsilon=1e-6)(h + L.Dense(4)(L.Dense(8, activation="gelu")(h)))
    return k.Model(x, L.Dense(3)(L.GlobalAveragePooling1D()(h)))


@architecture
def dot_attention(k):
    L = k.layers
    x, y = k.Input((5, 4)), k.Input((3, 4))
    a, b = L.Attention(use_scale=True)([x, y]), L.AdditiveAttention()([x, y])
    return k.Model([x, y], L.Dense(2)(L.Concatenate()([a, b])))


@architecture
def grouped_attention(k):
    L = k.layers
    x = k.Input((4, 6))
    h = L.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)(x, x)
    return k.Model(x, L.RMSNormalization()(h))


@architecture
def tied_embedding(k):
    L = k.layers
    x = k.Input((5,), dtype="int32")
    embedding = L.ReversibleEmbedding(7, 4)
    return k.Model(x, embedding(L.Dense(4)(embedding(x)), reverse=True))


# ---- normalization and preprocessing ----------------------------------------------------------


@architecture
def normalizations(k):
    L = k.layers
    x = k.Input((5, 4))
    h = L.GroupNormalization(2)(L.BatchNormalization(scale=False)(L.Dense(4)(x)))
    return k.Model(x, L.UnitNormalization()(L.LayerNormalization(axis=(1, 2))(h)))


@architecture
def spectral(k):
    L = k.layers
    x = k.Input((4,))
    return k.Model(x, L.Dense(2)(L.SpectralNormalization(L.Dense(3))(x)))


@architecture
def tables(k):
    """Numbers that are standardized, put into bins, and encoded."""
    L = k.layers
    x, y = k.Input((3,)), k.Input((2,), dtype="int32")
    normalize = L.Normalization()
    normalize.adapt(np.random.default_rng(0).normal(3, 2, (50, 3)).astype("float32"))
    bins = L.Discretization(bin_boundaries=[-1.0, 0.0, 1.5])
    encoded = L.CategoryEncoding(num_tokens=7, output_mode="multi_hot")(y)
    binned = k.ops.cast(bins(x), "float32")
    return k.Model([x, y], L.Dense(2)(L.Concatenate()([normalize(x), binned, encoded])))
