"""What a beginner gets wrong: each mistake is refused at once, with the layer's name and a hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from etude import config, layers
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, DtypeError, ShapeError


@pytest.fixture(autouse=True)
def eager() -> None:
    """Arguments and shapes are checked before an engine is asked."""
    config.set_engine("numpy")


def x(*shape: int) -> np.ndarray:
    return np.zeros(shape, "float32")


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: layers.Dense(-1), "units"),
        (lambda: layers.Dense(0), "units"),
        (lambda: layers.Dense("ten"), "units"),
        (lambda: layers.Dense(True), "units"),
        (lambda: layers.Dense(2.5), "units"),
        (lambda: layers.LSTM(0), "units"),
        (lambda: layers.GRUCell(-2), "units"),
        (lambda: layers.SimpleRNN(0), "units"),
        (lambda: layers.LSTM(2, use_cudnn="yes"), "use_cudnn"),
        (lambda: layers.Embedding(0, 2), "input_dim"),
        (lambda: layers.Embedding(3, -1), "output_dim"),
        (lambda: layers.Conv2D(0, 3), "filters"),
        (lambda: layers.Conv2D(2, (3, 3, 3)), "kernel_size"),
        (lambda: layers.Conv2D(2, (3, 0)), "kernel_size"),
        (lambda: layers.Conv2D(2, "large"), "kernel_size"),
        (lambda: layers.Conv2D(2, 3, strides=-1), "strides"),
        (lambda: layers.Conv2D(2, 3, padding="full"), "'same'"),
        (lambda: layers.Conv2D(2, 3, padding="causal"), "Conv1D"),
        (lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2), "dilation_rate"),
        (lambda: layers.Conv2D(3, 3, groups=2), "groups=2"),
        (lambda: layers.Conv2D(3, 3, groups=0), "groups=0"),
        (lambda: layers.Conv2D(3, 3, data_format="nchw"), "data_format"),
        (lambda: layers.Conv2D(3, 3, activation="rely"), "relu"),
        (lambda: layers.Conv2DTranspose(2, 3, strides=2, output_padding=2), "output_padding"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier"),
        (lambda: layers.MaxPooling2D(padding="some"), "padding"),
        (lambda: layers.MaxPooling2D((2, 2, 2)), "pool_size"),
        (lambda: layers.Dropout(1.5), "rate"),
        (lambda: layers.Dropout(-0.5), "rate"),
        (lambda: layers.Dropout("half"), "rate"),
        (lambda: layers.Dropout(0.5, noise_shape="all"), "noise_shape"),
        (lambda: layers.Dropout(0.5, noise_shape=(0, 1)), "noise_shape"),
        (lambda: layers.Dropout(0.5, noise_shape=(1.5, 1)), "noise_shape"),
        (lambda: layers.GaussianNoise(-1.0), "stddev"),
        (lambda: layers.ReLU(max_value=-1.0), "max_value"),
        (lambda: layers.ReLU(negative_slope=None), "negative_slope"),
        (lambda: layers.LeakyReLU(-0.1), "negative_slope"),
        (lambda: layers.Permute((2, 3)), "dims"),
        (lambda: layers.Reshape((-1, -1)), "target_shape"),
        (lambda: layers.Reshape((-2, 5)), "target_shape"),
        (lambda: layers.RepeatVector(0), "n=0"),
        (lambda: layers.Cropping2D((1, 2, 3)), "cropping"),
        (lambda: layers.ZeroPadding2D(((1, 2), (3, -4))), "padding"),
        (lambda: layers.UpSampling2D(0), "size"),
        (lambda: layers.GroupNormalization(0), "groups"),
        (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"r": 1.0}), "rmax"),
        (lambda: layers.MultiHeadAttention(0, 2), "num_heads"),
        (lambda: layers.MultiHeadAttention(2, 2, attention_axes="all"), "attention_axes"),
        (lambda: layers.MultiHeadAttention(2, 2, sliding_window=0), "sliding_window"),
        (lambda: layers.Attention(score_mode="cosine"), "score_mode"),
        (lambda: layers.Dot(axes=(1, 2, 3)), "axes"),
        (lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="max"), "merge_mode"),
        (lambda: layers.Bidirectional(3), "3"),
        (lambda: layers.TimeDistributed(np.tanh), "Dense"),
        (lambda: layers.RNN(3), "call"),
        (lambda: layers.Normalization(mean=1.0), "variance"),
        (lambda: layers.Dense(2, lora_rank=4), "LoRA"),
        (lambda: layers.Dense(3, colour="red"), "colour"),
    ],
)
def test_arguments_that_cannot_be(make: Callable[[], Any], named: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        make()
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.RepeatVector(2.0),
        lambda: layers.UpSampling1D((2,)),
        lambda: layers.LayerNormalization(axis="last"),
        lambda: layers.UnitNormalization(axis=None),
        lambda: layers.Dot(axes="last"),
    ],
)
def test_arguments_of_another_type(make: Callable[[], Any]) -> None:
    with pytest.raises(DtypeError):
        make()


@pytest.mark.parametrize(
    ("layer", "inputs", "named"),
    [
        (lambda: layers.Conv2D(2, 3, name="c"), x(4, 28, 28), "x[..., None]"),
        (lambda: layers.Conv2D(2, 3, name="c"), x(28, 28, 1), "x[None]"),
        (lambda: layers.Conv2D(2, 3, name="c"), x(4, 28, 28, 1, 1), "channels"),
        (lambda: layers.Conv1D(2, 3, name="c"), x(4, 28), "steps"),
        (lambda: layers.MaxPooling2D(name="c"), x(4, 28, 28), "x[..., None]"),
        (lambda: layers.GlobalAveragePooling2D(name="c"), x(4, 28), "height"),
        (
            lambda: layers.Conv2D(2, 3, data_format="channels_first", name="c"),
            x(4, 28, 28),
            "x[:, None]",
        ),
        (lambda: layers.Conv2D(2, 5, name="c"), x(4, 3, 3, 1), "zero or negative"),
        (lambda: layers.Conv2D(2, 3, groups=2, name="c"), x(4, 5, 5, 3), "groups=2"),
        (lambda: layers.Dense(2, name="c"), x(3), "ndim"),
        (lambda: layers.LSTM(2, name="c"), x(3, 4), "ndim=3"),
        (lambda: layers.Reshape((3, 5), name="c"), x(2, 12), "12"),
        (lambda: layers.Permute((2, 1), name="c"), x(2, 3), "ndim"),
        (lambda: layers.Cropping1D(2, name="c"), x(2, 4, 1), "cropping"),
        (lambda: layers.BatchNormalization(axis=3, name="c"), x(2, 4), "axis"),
        (lambda: layers.LayerNormalization(axis=2, name="c"), x(2, 4), "axis"),
        (lambda: layers.GroupNormalization(3, name="c"), x(2, 4), "groups"),
        (lambda: layers.TimeDistributed(layers.Dense(2), name="c"), x(2, 4), "3"),
        (lambda: layers.Add(name="c"), [x(2, 3), x(2, 4)], "(2, 3)"),
        (lambda: layers.Add(name="c"), [x(2, 3), x(4, 3)], "batch"),
        (lambda: layers.Concatenate(name="c"), [x(2, 3), x(4, 3)], "(4, 3)"),
        (lambda: layers.Dot(axes=1, name="c"), [x(2, 3), x(2, 4)], "3"),
    ],
)
def test_inputs_that_do_not_fit(layer: Callable[[], Any], inputs: Any, named: str) -> None:
    with pytest.raises(ShapeError) as caught:
        layer()(inputs)
    text = str(caught.value)
    assert named in text
    assert "'c'" in text or type(layer()).__name__ in text


def test_another_number_of_features_than_built_for() -> None:
    layer = layers.Dense(2, name="head")
    layer(x(1, 3))
    with pytest.raises(ShapeError, match=r"'head'.*3.*\(1, 4\)"):
        layer(x(1, 4))


def test_an_equation_that_is_none() -> None:
    for equation in ("ab,bc", "...ab...,bc->...ac...", "ab,cd->ad", "ab,bc->acz"):
        with pytest.raises(ArgumentError, match=r"EinsumDense|einsum"):
            layers.EinsumDense(equation, (3,))(x(2, 4))
    with pytest.raises(ArgumentError, match="'z'"):
        layers.EinsumDense("ab,bc->ac", 3, bias_axes="z")(x(2, 4))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(2),
        layers.Conv1D(2, 3),
        layers.LSTM(2),
        layers.BatchNormalization(),
        layers.PReLU(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_weights_need_known_sizes(layer: Any) -> None:
    shape = (None, None) if isinstance(layer, layers.Dense) else (None, 5, None)
    with pytest.raises(ShapeError, match="Input"):
        layer(KerasTensor(shape))


@pytest.mark.parametrize("name", ["Add", "Concatenate", "Dot", "Subtract"])
def test_merging_takes_a_list(name: str) -> None:
    layer = getattr(layers, name)(**({"axes": 1} if name == "Dot" else {}))
    with pytest.raises(ArgumentError, match="list"):
        layer(x(2, 3))


def test_subtract_takes_two() -> None:
    with pytest.raises(ArgumentError, match="2 inputs"):
        layers.Subtract()([x(2, 3), x(2, 3), x(2, 3)])


def test_attention_takes_a_list_of_two_or_three() -> None:
    with pytest.raises(ArgumentError, match="list"):
        layers.Attention()(x(2, 3, 4))
    with pytest.raises(ArgumentError, match="2 or 3"):
        layers.Attention()([x(2, 3, 4)])


def test_keys_and_values_have_one_length() -> None:
    with pytest.raises(ShapeError, match="must be equal"):
        layers.MultiHeadAttention(2, 3)(x(2, 4, 6), x(2, 5, 6), x(2, 4, 6))


def test_a_mask_that_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="mask"):
        layers.Softmax()(x(2, 3), mask=np.ones((2, 4), bool))
    with pytest.raises(ShapeError, match="mask"):
        layers.TimeDistributed(layers.Dense(2))(x(2, 3, 4), mask=np.ones((2, 5), bool))
    with pytest.raises(ShapeError, match="mask"):
        layers.BatchNormalization()(x(2, 3, 4), mask=np.ones((2, 3, 4), bool))
