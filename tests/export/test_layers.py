"""Each layer as an ONNX file against the layer itself, to 1e-5 of the outputs' scale."""

from __future__ import annotations

import numpy as np
import pytest

from etude import Input, Model, Sequential, activations, config, layers, ops
from tests.export.checks import images, onnx_error

SPATIAL = {1: (9,), 2: (9, 8), 3: (5, 6, 5)}
ACTIVATIONS = sorted(
    n for n in activations.__all__ if n.islower() and n not in ("deserialize", "get", "serialize")
)


@pytest.fixture(autouse=True)
def on_numpy():
    config.set_engine("numpy")


def alone(layer, *shape):
    return Sequential([Input(shape), layer])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolutions(rank, padding, tmp_path):
    shape = (*SPATIAL[rank], 4)
    conv, back = getattr(layers, f"Conv{rank}D"), getattr(layers, f"Conv{rank}DTranspose")
    inputs = Input(shape)
    outputs = [
        conv(6, 3, padding=padding, strides=2)(inputs),
        conv(6, 2, padding=padding, dilation_rate=2)(inputs),
        conv(6, 2, padding=padding, groups=2)(inputs),
        back(3, 2, padding=padding)(inputs),
        back(3, 2, padding=padding, strides=3)(inputs),
        back(3, 3, padding=padding, strides=2)(inputs),
        back(3, 2, padding=padding, dilation_rate=2)(inputs),
    ]
    assert onnx_error(Model(inputs, outputs), [images(*shape)], tmp_path) < 1e-5


def test_other_convolutions(tmp_path):
    inputs, rows = Input((9, 8, 4)), Input((9, 4))
    first = Input((4, 9, 8))
    outputs = [
        layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same")(inputs),
        layers.SeparableConv2D(5, 3, depth_multiplier=2)(inputs),
        layers.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1)(inputs),
        layers.DepthwiseConv1D(3)(rows),
        layers.SeparableConv1D(5, 3)(rows),
        layers.Conv1D(3, 3, padding="causal", dilation_rate=2)(rows),
        layers.Conv2D(3, 3, data_format="channels_first")(first),
    ]
    data = [images(9, 8, 4), images(9, 4), images(4, 9, 8)]
    assert onnx_error(Model([inputs, rows, first], outputs), data, tmp_path) < 1e-5


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pooling(rank, tmp_path):
    inputs = Input((*SPATIAL[rank], 4))
    outputs = [
        getattr(layers, f"{kind}Pooling{rank}D")(3, 2, padding=padding)(inputs)
        for kind in ("Max", "Average")
        for padding in ("valid", "same")
    ] + [
        getattr(layers, f"Global{kind}Pooling{rank}D")(keepdims=keepdims)(inputs)
        for kind in ("Max", "Average")
        for keepdims in (True, False)
    ]
    assert onnx_error(Model(inputs, outputs), [images(*SPATIAL[rank], 4)], tmp_path) < 1e-5


def test_normalization(tmp_path):
    inputs = Input((6, 5, 4))
    batch = layers.BatchNormalization()
    made = [
        batch,
        layers.BatchNormalization(axis=1),
        layers.LayerNormalization(),
        layers.LayerNormalization(axis=(1, 2)),
        layers.GroupNormalization(2),
        layers.UnitNormalization(),
        layers.RMSNormalization(),
        layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 2.0, 1.0, 1.0]),
    ]
    model = Model(inputs, [layer(inputs) for layer in made])
    batch.set_weights([np.array([2.0, 3, 4, 5]), *np.random.default_rng(0).random((3, 4))])
    assert onnx_error(model, [images(6, 5, 4)], tmp_path) < 1e-5


def test_activations(tmp_path):
    inputs = Input((6,))
    scaled = layers.Rescaling(4.0)(inputs)
    names = [n for n in ACTIVATIONS if n != "threshold"]
    assert len(names) > 20
    outputs = [layers.Activation(name)(scaled) for name in names]
    outputs += [layers.PReLU(alpha_initializer="ones")(scaled), layers.LeakyReLU()(scaled)]
    assert onnx_error(Model(inputs, outputs), [images(6)], tmp_path) < 1e-5


def test_images_and_shapes(tmp_path):
    inputs = Input((6, 5, 4))
    made = [
        layers.Rescaling(1 / 255, offset=-1),
        layers.Resizing(7, 9),
        layers.Resizing(7, 9, interpolation="nearest"),
        layers.CenterCrop(3, 3),
        layers.Cropping2D(1),
        layers.ZeroPadding2D(2),
        layers.UpSampling2D(2),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Permute((3, 1, 2)),
        layers.Flatten(),
        layers.Reshape((-1, 2)),
        layers.Softmax(axis=(1, 2)),
        layers.EinsumDense("bhwc,cd->bhwd", output_shape=(None, None, 7)),
        layers.TimeDistributed(layers.Conv1D(3, 2)),
        layers.SpectralNormalization(layers.Conv2D(3, 2)),
        layers.Discretization(bin_boundaries=[0.2, 0.5]),
        layers.Dropout(0.5),
        layers.GaussianNoise(0.5),
        layers.RandomFlip(),
    ]
    model = Model(inputs, [layer(inputs) for layer in made])
    assert onnx_error(model, [images(6, 5, 4)], tmp_path) < 1e-5


FUNCTIONS = {
    "flip": lambda x: ops.flip(x, 1),
    "cumsum": lambda x: ops.cumsum(x, 1),
    "top_k": lambda x: ops.top_k(x, 2)[0],
    "sort": lambda x: ops.sort(x, -1),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 0), (0, 0)), "reflect"),
    "norm": lambda x: ops.norm(x, axis=-1),
    "argmax": lambda x: ops.argmax(x, -1),
    "one_hot": lambda x: ops.one_hot(ops.argmax(x, -1), 4),
    "roll": lambda x: ops.roll(x, 1, axis=2),
    "take": lambda x: ops.take(x, [2, 0], axis=1),
    "slices": lambda x: x[:, -1, ..., ::2],
    "backwards": lambda x: x[:, ::-1, 1:3, None],
    "take_along_axis": lambda x: ops.take_along_axis(x, ops.argsort(x, -1), -1),
    "broadcast_to": lambda x: ops.broadcast_to(x[:, :1], ops.shape(x)),
    "rows": lambda x: (
        x * ops.cast(ops.reshape(ops.arange(ops.shape(x)[0]), (-1, 1, 1, 1)), "float32")
    ),
    "tile": lambda x: ops.tile(x, (1, 2, 1, 1)),
    "repeat": lambda x: ops.repeat(x, 2, axis=1),
    "stack": lambda x: ops.stack([x, -x], 1),
    "split": lambda x: ops.split(x, 2, axis=1)[1],
    "var": lambda x: ops.var(x, axis=(1, 2)),
    "logsumexp": lambda x: ops.logsumexp(x, axis=-1),
    "where": lambda x: ops.where(x > 0.5, x, 0.0),
    "any": lambda x: ops.any(x > 0.9, axis=-1),
    "mod": lambda x: ops.mod(x * 5 - 2, 1.5),
    "batch as a row": lambda x: ops.reshape(x, (-1, 2)),
    "over the batch": lambda x: x - ops.mean(x, axis=0, keepdims=True),
}


def test_operations(tmp_path):
    inputs = Input((6, 5, 4))
    outputs = [layers.Lambda(function)(inputs) for function in FUNCTIONS.values()]
    assert onnx_error(Model(inputs, outputs), [images(6, 5, 4)], tmp_path) < 1e-5


def test_several_inputs_and_outputs_have_their_names(tmp_path):
    a, b = Input((6,), name="left"), Input((6,), name="right")
    kinds = ("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Concatenate")
    merged = [getattr(layers, kind)()([a, b]) for kind in kinds] + [layers.Dot(axes=1)([a, b])]
    outputs = {"z": layers.Concatenate()(merged), "y": layers.Dense(2, name="dense")(a)}
    model = Model({"left": a, "right": b}, outputs)
    assert onnx_error(model, [images(6), images(6)[::-1]], tmp_path) < 1e-5
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert [v.name for v in graph.output] == ["y", "z"]
    assert {"dense.kernel", "dense.bias"} <= {i.name for i in graph.initializer}
    assert [d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim] == [
        "batch",
        6,
    ]


def test_transposes_between_convolutions_are_gone(tmp_path):
    model = Sequential([
        Input((12, 12, 3)),
        layers.Conv2D(4, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.Conv2D(4, 3),
        layers.GlobalAveragePooling2D(),
    ])  # fmt: skip
    assert onnx_error(model, [images(12, 12, 3)], tmp_path) < 1e-5
    onnx = pytest.importorskip("onnx")
    nodes = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert nodes.count("Transpose") == 1  # of the inputs


def test_open_sizes_of_images(tmp_path):
    model = Sequential([
        Input((None, None, 3)),
        layers.Conv2D(4, 3, strides=2, padding="same"),
        layers.MaxPooling2D(3, 2, padding="same"),
        layers.Conv2D(4, 3),
        layers.GlobalMaxPooling2D(),
    ])  # fmt: skip
    assert onnx_error(model, [images(21, 18, 3)], tmp_path) < 1e-5
    assert onnx_error(model, [images(30, 31, 3)], tmp_path) < 1e-5


@pytest.mark.parametrize("policy", ["float16", "mixed_float16"])
def test_half_precision(policy, tmp_path):
    model = Sequential([
        Input((8, 8, 3)),
        layers.Conv2D(8, 3, dtype=policy),
        layers.BatchNormalization(dtype=policy),
        layers.Flatten(dtype=policy),
        layers.Dense(4, activation="gelu", dtype=policy),
    ])  # fmt: skip
    assert onnx_error(model, [images(8, 8, 3)], tmp_path) < 1e-2  # 10 bits, other orders of sums
