"""Every layer, with the arguments that change what it computes. All layers must be here."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.layers import image_rows
from tests.layers.row import Row

RNG = np.random.default_rng(0)
STEPS = np.array([[True, True, False, True], [False, True, True, False]])  # (batch, steps)
STATE = RNG.normal(size=(2, 3)).astype("float32")
OTHER_STATE = RNG.normal(size=(2, 3)).astype("float32")


def of(layer: str, shape: Any, *variants: dict[str, Any], **options: Any) -> list[Row]:
    """Rows of one layer that differ in their arguments."""
    return [Row(layer, shape, kwargs, **options) for kwargs in variants or ({},)]


CORE = [
    *of("Dense", (2, 5), {"units": 3}, {"units": 3, "use_bias": False, "activation": "relu"}),
    *of(
        "Dense",
        (2, 4, 5),
        {
            "units": 3,
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "activity_regularizer": "l2",
            "kernel_constraint": "max_norm",
            "bias_constraint": "non_neg",
            "kernel_initializer": "he_normal",
        },
        unknown=(1,),
    ),
    *of("EinsumDense", (2, 4, 5), {"equation": "abc,cd->abd", "output_shape": (None, 3)}),
    *of(
        "EinsumDense",
        (2, 4, 5),
        {"equation": "abc,cde->abde", "output_shape": (4, 3, 2), "bias_axes": "de"},
        {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y", "activation": "tanh"},
        {"equation": "ab...,bc->ac...", "output_shape": 3, "bias_axes": "c"},
    ),
    *of("Embedding", (2, 4), {"input_dim": 7, "output_dim": 3}, integers=7, unknown=(1,)),
    *of("Embedding", (2, 4), {"input_dim": 7, "output_dim": 3, "mask_zero": True}, integers=7),
    *of(
        "ReversibleEmbedding",
        (2, 4),
        {"input_dim": 7, "output_dim": 3, "mask_zero": True},
        integers=7,
    ),
    *of(
        "ReversibleEmbedding",
        (2, 3),
        {"input_dim": 7, "output_dim": 3, "logit_soft_cap": 0.5},
        {"input_dim": 7, "output_dim": 3, "tie_weights": False},
        call={"reverse": True},
    ),
    *of("Identity", (2, 3)),
    *of("Masking", (2, 4, 3), {}, {"mask_value": 1.0}),
    *of("Activation", (2, 5), {"activation": "relu"}, {"activation": "softmax"}),
    *of("Activation", (2, 5), {"activation": "gelu"}),
    *of("ReLU", (2, 5), {}, {"max_value": 1.0, "negative_slope": 0.2, "threshold": 0.3}),
    *of("LeakyReLU", (2, 5), {}, {"negative_slope": 0.1}),
    *of("ELU", (2, 5), {}, {"alpha": 0.7}),
    *of("PReLU", (2, 3, 4), {}, {"shared_axes": [1]}, {"alpha_regularizer": "l2"}),
    *of("Softmax", (2, 3, 4), {}, {"axis": 1}, {"axis": (1, 2)}),
    *of("Softmax", (2, 4), call={"mask": STEPS}),
]

RESHAPING = [
    *of("Flatten", (2, 3, 4, 2), {}, {"data_format": "channels_first"}, unknown=(1,)),
    *of("Flatten", (2,)),
    *of("Reshape", (2, 3, 4), {"target_shape": (4, 3)}, {"target_shape": (-1, 2)}),
    *of("Permute", (2, 3, 4, 5), {"dims": (3, 1, 2)}, unknown=(2,)),
    *of("RepeatVector", (2, 3), {"n": 4}),
    *of("Cropping1D", (2, 6, 3), {}, {"cropping": (0, 2)}, {"cropping": (2, 0)}, unknown=(1,)),
    *of("Cropping2D", (2, 6, 5, 3), {}, {"cropping": 1}, {"cropping": ((0, 2), (1, 0))}),
    *of("Cropping2D", (2, 3, 6, 5), {"cropping": (1, 2), "data_format": "channels_first"}),
    *of("Cropping3D", (2, 5, 5, 5, 2), {}, {"cropping": ((0, 1), (1, 2), (2, 0))}),
    *of("ZeroPadding1D", (2, 3, 2), {}, {"padding": (0, 2)}, unknown=(1,)),
    *of("ZeroPadding1D", (2, 2, 3), {"padding": 2, "data_format": "channels_first"}),
    *of("ZeroPadding2D", (2, 3, 4, 2), {}, {"padding": ((0, 1), (2, 0))}, {"padding": (1, 2)}),
    *of("ZeroPadding3D", (2, 2, 3, 2, 2), {}, {"padding": ((0, 1), (1, 0), (2, 2))}),
    *of("UpSampling1D", (2, 3, 2), {}, {"size": 3}, unknown=(1,)),
    *of("UpSampling2D", (2, 3, 4, 2), {}, {"size": (3, 1)}, unknown=(1, 2)),
    *of("UpSampling2D", (2, 2, 3, 4), {"data_format": "channels_first"}),
    *of("UpSampling3D", (2, 2, 3, 2, 2), {}, {"size": (1, 2, 3)}),
]

PAIR = [(2, 4), (2, 4)]
MERGING = [
    row
    for name in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    for row in (Row(name, [*PAIR, (2, 4)]), Row(name, [(2, 3, 4), (2, 3, 4)]))
] + [
    *of("Subtract", PAIR),
    *of("Add", [(2, 3, 4), (2, 4)]),
    *of("Multiply", [(2, 3, 1), (2, 3, 4)]),
    *of("Concatenate", [(2, 3, 4), (2, 5, 4)], {"axis": 1}),
    *of("Dot", PAIR, {"axes": 1}, {"axes": -1, "normalize": True}),
    *of("Dot", [(2, 3, 4), (2, 5, 4)], {"axes": 2}, {"axes": (2, -1)}),
    *of("Dot", [(2, 3, 4), (2, 4)], {"axes": (2, 1)}),
    *of("Dot", [(2, 3, 4, 5), (2, 4, 6)], {"axes": (2, 1)}),
]

NOISE = [
    *of("Dropout", (2, 3), {"rate": 0.5}),
    *of("Dropout", (2, 3), {"rate": 0.5, "seed": 1}, call={"training": True}, same=False),
    *of("Dropout", (2, 3, 4), {"rate": 0.5, "noise_shape": (None, 1, 4)}, same=False),
    *of("Dropout", (2, 3), {"rate": 0.0}, call={"training": True}),
    *of("SpatialDropout1D", (2, 3, 4), {"rate": 0.5}, call={"training": True}, same=False),
    *of("SpatialDropout2D", (2, 3, 2, 4), {"rate": 0.5}, call={"training": True}, same=False),
    *of("SpatialDropout3D", (2, 3, 2, 2, 4), {"rate": 0.5}, call={"training": True}, same=False),
    *of("SpatialDropout2D", (2, 3, 2, 4), {"rate": 0.5}),
    *of("GaussianNoise", (2, 3), {"stddev": 0.2}),
    *of("GaussianNoise", (2, 3), {"stddev": 0.2}, call={"training": True}, same=False),
    *of("GaussianDropout", (2, 3), {"rate": 0.2}),
    *of("GaussianDropout", (2, 3), {"rate": 0.2}, call={"training": True}, same=False),
    *of("AlphaDropout", (2, 3), {"rate": 0.2}),
    *of("AlphaDropout", (2, 3), {"rate": 0.2}, call={"training": True}, same=False),
    *of("ActivityRegularization", (2, 3), {"l1": 0.1, "l2": 0.2}),
]

NORMALIZATION = [
    *of("BatchNormalization", (4, 3), {}, {"center": False, "scale": False}),
    *of("BatchNormalization", (4, 3, 2), {"momentum": 0.5}, call={"training": True}, unknown=(1,)),
    *of("BatchNormalization", (4, 3, 5, 2), {"axis": 1}, call={"training": True}),
    *of("BatchNormalization", (4, 3), {"trainable": False}, call={"training": True}),
    *of("BatchNormalization", (2, 4, 3), call={"training": True, "mask": STEPS}),
    *of(
        "BatchNormalization",
        (4, 3),
        {"renorm": True},
        {"renorm": True, "renorm_clipping": {"rmax": 1.2, "rmin": 0.8, "dmax": 0.3}},
        call={"training": True},
    ),
    *of("BatchNormalization", (4, 3), {"renorm": True}),
    *of("LayerNormalization", (2, 3, 4), {}, {"axis": (1, 2)}, {"scale": False}, unknown=()),
    *of("LayerNormalization", (2, 3, 4), {"center": False, "epsilon": 0.1}, unknown=(1,)),
    *of("GroupNormalization", (2, 3, 3, 4), {"groups": 2}, {"groups": -1}, unknown=(1, 2)),
    *of("GroupNormalization", (2, 4, 3, 3), {"groups": 2, "axis": 1, "scale": False}),
    *of("RMSNormalization", (2, 3, 4), {}, {"axis": (1, 2)}),
    *of("UnitNormalization", (2, 3, 4), {}, {"axis": 1}, {"axis": [1, 2]}),
]

CONVOLUTION = [
    *of(
        "Conv1D",
        (2, 7, 4),
        {"filters": 2, "kernel_size": 3},
        {"filters": 2, "kernel_size": 3, "padding": "same", "activation": "relu"},
        {"filters": 2, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
        {"filters": 4, "kernel_size": 2, "strides": 2, "groups": 2, "use_bias": False},
        unknown=(1,),
    ),
    *of("Conv1D", (2, 4, 7), {"filters": 2, "kernel_size": 3, "data_format": "channels_first"}),
    *of(
        "Conv2D",
        (2, 7, 6, 4),
        {"filters": 2, "kernel_size": 3},
        {"filters": 2, "kernel_size": (3, 2), "strides": (2, 1), "padding": "same"},
        {"filters": 2, "kernel_size": 2, "dilation_rate": (2, 1), "padding": "same"},
        {"filters": 4, "kernel_size": 3, "groups": 4, "kernel_regularizer": "l2"},
        unknown=(1, 2),
    ),
    *of(
        "Conv2D",
        (2, 4, 7, 6),
        {"filters": 3, "kernel_size": 3, "strides": 2, "data_format": "channels_first"},
    ),
    *of(
        "Conv3D",
        (2, 4, 5, 4, 2),
        {"filters": 2, "kernel_size": (2, 3, 2)},
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
    ),
    *of(
        "Conv1DTranspose",
        (2, 4, 3),
        {"filters": 2, "kernel_size": 3},
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
        {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1},
        {"filters": 2, "kernel_size": 2, "dilation_rate": 2},
        unknown=(1,),
    ),
    *of(
        "Conv2DTranspose",
        (2, 4, 5, 3),
        {"filters": 2, "kernel_size": 3},
        {"filters": 2, "kernel_size": (3, 2), "strides": (2, 3), "padding": "same"},
        {"filters": 2, "kernel_size": 2, "strides": 3, "use_bias": False},
        unknown=(1, 2),
    ),
    *of(
        "Conv2DTranspose",
        (2, 3, 4, 5),
        {"filters": 2, "kernel_size": 3, "strides": 2, "data_format": "channels_first"},
    ),
    *of("Conv3DTranspose", (2, 2, 3, 2, 2), {"filters": 2, "kernel_size": 2, "strides": 2}),
    *of(
        "DepthwiseConv1D",
        (2, 6, 3),
        {"kernel_size": 3},
        {"kernel_size": 3, "depth_multiplier": 2, "padding": "same", "strides": 2},
        unknown=(1,),
    ),
    *of(
        "DepthwiseConv2D",
        (2, 6, 5, 3),
        {"kernel_size": 3, "activation": "relu"},
        {"kernel_size": (2, 3), "depth_multiplier": 2, "padding": "same"},
        {"kernel_size": 2, "dilation_rate": 2, "use_bias": False},
    ),
    *of("DepthwiseConv2D", (2, 3, 6, 5), {"kernel_size": 3, "data_format": "channels_first"}),
    *of(
        "SeparableConv1D",
        (2, 6, 3),
        {"filters": 2, "kernel_size": 3},
        {"filters": 2, "kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"},
    ),
    *of(
        "SeparableConv2D",
        (2, 6, 5, 3),
        {"filters": 2, "kernel_size": 3},
        {"filters": 2, "kernel_size": 2, "depth_multiplier": 2, "activation": "tanh"},
        unknown=(1, 2),
    ),
]

POOLING = [
    *[
        row
        for kind in ("Average", "Max")
        for row in (
            Row(f"Adaptive{kind}Pooling1D", (2, 5, 3), {"output_size": 3}),
            Row(f"Adaptive{kind}Pooling2D", (2, 7, 5, 2), {"output_size": (3, 2)}),
            Row(f"Adaptive{kind}Pooling3D", (1, 4, 3, 5, 2), {"output_size": 2}),
        )
    ],
    *of(
        "AdaptiveMaxPooling2D",
        (2, 2, 7, 5),
        {"output_size": 2, "data_format": "channels_first"},
    ),
    *of("MaxPooling1D", (2, 7, 3), {}, {"pool_size": 3, "strides": 2, "padding": "same"}),
    *of("AveragePooling1D", (2, 7, 3), {"pool_size": 2}, {"pool_size": 3, "padding": "same"}),
    *of("MaxPooling2D", (2, 7, 6, 3), {}, {"pool_size": (3, 2), "strides": 1}, unknown=(1, 2)),
    *of("MaxPooling2D", (2, 3, 7, 6), {"data_format": "channels_first"}),
    *of("AveragePooling2D", (2, 7, 6, 3), {"pool_size": 2, "padding": "same"}),
    *of("MaxPooling3D", (2, 4, 4, 5, 2), {}),
    *of("AveragePooling3D", (2, 4, 4, 5, 2), {"pool_size": 2}),
    *[
        row
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for row in of(
            f"Global{kind}Pooling{rank}D",
            (2, *(3, 4, 2)[:rank], 5),
            {},
            {"keepdims": True},
            {"data_format": "channels_first"},
        )
    ],
    *of("GlobalAveragePooling1D", (2, 4, 3), call={"mask": STEPS}),
]

SEQUENCE = {"filters": 2, "kernel_size": 3, "return_sequences": True}
CONV_LSTM = [
    *of(
        "ConvLSTM1D",
        (2, 3, 6, 2),
        {**SEQUENCE, "padding": "same", "strides": 2, "return_state": True},
        {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "use_bias": False},
        {**SEQUENCE, "go_backwards": True, "recurrent_activation": "hard_sigmoid"},
    ),
    *of("ConvLSTM1D", (2, 3, 2, 6), {**SEQUENCE, "data_format": "channels_first"}),
    # Keras on JAX cannot spread a mask over images.
    *of("ConvLSTM1D", (2, 4, 5, 2), SEQUENCE, call={"mask": STEPS}, same=False),
    *of("ConvLSTM2D", (2, 3, 5, 4, 2), {**SEQUENCE, "kernel_size": (3, 2)}),
    *of("ConvLSTM3D", (1, 2, 3, 3, 3, 1), {**SEQUENCE, "kernel_size": 2}),
]

RECURRENT = [
    row
    for name in ("LSTM", "GRU", "SimpleRNN")
    for row in (
        *of(
            name,
            (2, 4, 5),
            {"units": 3},
            {"units": 3, "return_sequences": True, "return_state": True},
            {"units": 3, "go_backwards": True, "return_sequences": True, "use_bias": False},
            {"units": 3, "unroll": True, "return_sequences": True},
            {"units": 3, "activation": "relu", "return_state": True},
            {"units": 3, "kernel_regularizer": "l2", "recurrent_constraint": "max_norm"},
        ),
        *of(
            name,
            (2, 4, 5),
            {"units": 3, "return_sequences": True},
            {"units": 3, "return_state": True},
            {"units": 3, "return_sequences": True, "go_backwards": True},
            {"units": 3, "return_sequences": True, "zero_output_for_mask": True},
            {"units": 3, "return_sequences": True, "activation": "sigmoid"},
            {"units": 3, "unroll": True},
            call={"mask": STEPS},
        ),
        *of(name, (2, 4, 5), {"units": 3}, unknown=(1,)),
        *of(name, (2, 4, 5), {"units": 3, "dropout": 0.5, "recurrent_dropout": 0.5}),
        *of(name, (2, 4, 5), {"units": 3, "dropout": 0.5}, call={"training": True}, same=False),
        *of(
            name,
            (2, 4, 5),
            {"units": 3, "recurrent_dropout": 0.5},
            {"units": 3, "dropout": 0.5, "recurrent_dropout": 0.2, "unroll": True},
            call={"training": True},
            same=False,
        ),
    )
] + [
    *of("LSTM", (2, 4, 5), {"units": 3}, call={"initial_state": [STATE, OTHER_STATE]}),
    *of("GRU", (2, 4, 5), {"units": 3}, call={"initial_state": [STATE]}),
    *of("SimpleRNN", (2, 4, 5), {"units": 3}, call={"initial_state": [STATE]}),
    *of("LSTM", (2, 4, 5), {"units": 3, "recurrent_activation": "hard_sigmoid"}),
    *of("LSTM", (2, 4, 5), {"units": 3, "unit_forget_bias": False}),
    *of("GRU", (2, 4, 5), {"units": 3, "reset_after": False}),
    *of("GRU", (2, 4, 5), {"units": 3, "reset_after": False, "unroll": True}),
    *of("GRU", (2, 4, 5), {"units": 3, "reset_after": False}, call={"mask": STEPS}),
    Row("RNN", (2, 4, 5), lambda L: {"cell": L.LSTMCell(3), "return_sequences": True}),
    Row("RNN", (2, 4, 5), lambda L: {"cell": L.GRUCell(3), "return_state": True}),
    Row("RNN", (2, 4, 5), lambda L: {"cell": [L.LSTMCell(3), L.GRUCell(2)], "return_state": True}),
    Row(
        "RNN",
        (2, 4, 5),
        lambda L: {"cell": [L.SimpleRNNCell(3), L.SimpleRNNCell(2)], "return_sequences": True},
        call={"mask": STEPS},
    ),
]

WRAPPERS = [
    *[
        # As in TensorFlow, the gradient is that of the kernel in use, the normalised one.
        Row(
            "SpectralNormalization",
            shape,
            kwargs,
            call={"training": training},
            gradients=not training,
        )
        for shape, kwargs in (
            ((2, 4), lambda L: {"layer": L.Dense(3, name="inner"), "power_iterations": 3}),
            ((2, 5, 5, 2), lambda L: {"layer": L.Conv2D(2, 3, name="inner")}),
        )
        for training in (False, True)
    ],
    Row("TimeDistributed", (2, 4, 5), lambda L: {"layer": L.Dense(3, name="inner")}),
    Row("TimeDistributed", (2, 3, 5, 5, 2), lambda L: {"layer": L.Conv2D(2, 3, name="inner")}),
    Row(
        "TimeDistributed",
        (2, 3, 4),
        lambda L: {"layer": L.BatchNormalization(momentum=0.5, name="inner")},
        call={"training": True},
    ),
    *[
        Row(
            "Bidirectional",
            (2, 4, 5),
            lambda L, mode=mode: {
                "layer": L.LSTM(3, return_sequences=True, name="inner"),
                "merge_mode": mode,
            },
        )
        for mode in ("concat", "sum", "mul", "ave", None)
    ],
    Row("Bidirectional", (2, 4, 5), lambda L: {"layer": L.GRU(3, name="inner")}),
    Row(
        "Bidirectional",
        (2, 4, 5),
        lambda L: {"layer": L.LSTM(3, return_sequences=True, return_state=True, name="inner")},
        call={"mask": STEPS},
    ),
    Row(
        "Bidirectional",
        (2, 4, 5),
        lambda L: {"layer": L.LSTM(3, return_state=True, name="inner")},
        call={"initial_state": [STATE, OTHER_STATE, OTHER_STATE, STATE]},
    ),
    Row(
        "Bidirectional",
        (2, 4, 5),
        lambda L: {
            "layer": L.LSTM(3, name="there"),
            "backward_layer": L.GRU(2, go_backwards=True, name="back"),
        },
    ),
]

QUERY = {"query": (2, 4, 6), "value": (2, 5, 3)}
SEEN = RNG.random(size=(2, 4, 5)) < 0.7
GROUPED = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
ATTENTION = [
    *of(
        "GroupQueryAttention",
        {"query": (2, 4, 6), "value": (2, 5, 6)},
        GROUPED,
        {**GROUPED, "use_gate": True, "use_bias": False, "sliding_window": 2},
        {**GROUPED, "activity_regularizer": "l2"},
        call={"return_attention_scores": True},
    ),
    *of(
        "MultiHeadAttention",
        QUERY,
        {"num_heads": 2, "key_dim": 3},
        {"num_heads": 2, "key_dim": 3, "use_bias": False, "output_shape": 4},
        {"num_heads": 2, "key_dim": 3, "use_gate": True},
        {"num_heads": 2, "key_dim": 3, "sliding_window": 2},
        {"num_heads": 2, "key_dim": 3, "dropout": 0.5},
    ),
    # Without scores Keras on JAX takes no values of another length than the keys.
    *of(
        "MultiHeadAttention",
        QUERY,
        {"num_heads": 2, "key_dim": 3, "value_dim": 2},
        call={"return_attention_scores": True},
    ),
    *of("MultiHeadAttention", {**QUERY, "key": (2, 5, 2)}, {"num_heads": 2, "key_dim": 3}),
    *of("MultiHeadAttention", QUERY, {"num_heads": 2, "key_dim": 3}, call={"attention_mask": SEEN}),
    *of(
        "MultiHeadAttention",
        QUERY,
        {"num_heads": 2, "key_dim": 3},
        call={"return_attention_scores": True, "use_causal_mask": True},
    ),
    *of(
        "MultiHeadAttention", QUERY, {"num_heads": 1, "key_dim": 3}, call={"use_causal_mask": True}
    ),
    *of(
        "MultiHeadAttention",
        {"query": (2, 3, 4, 6), "value": (2, 3, 5, 3)},
        {"num_heads": 2, "key_dim": 3, "attention_axes": (2,)},
    ),
    *of(
        "MultiHeadAttention",
        {"query": (2, 2, 3, 6), "value": (2, 2, 3, 6)},
        {"num_heads": 2, "key_dim": 3, "attention_axes": (1, 2)},
    ),
    *of(
        "Attention",
        [(2, 4, 3), (2, 5, 3)],
        {},
        {"use_scale": True},
        {"score_mode": "concat", "use_scale": True},
        {"dropout": 0.5},
    ),
    *of("Attention", [(2, 4, 3), (2, 5, 2), (2, 5, 3)], call={"use_causal_mask": True}),
    *of("Attention", [(2, 4, 3), (2, 5, 3)], call={"return_attention_scores": True}),
    *of("Attention", [(2, 4, 3), (2, 4, 3)], call={"mask": [STEPS, ~STEPS]}),
    *of("AdditiveAttention", [(2, 4, 3), (2, 5, 3)], {}, {"use_scale": False}),
]

MEL = {"fft_length": 32, "sequence_stride": 8, "sampling_rate": 400, "num_mel_bins": 4}
STFT = {"frame_length": 16, "frame_step": 5}
PREPROCESSING = [
    *of("MelSpectrogram", (2, 64), MEL, {**MEL, "power_to_db": False, "mag_exp": 1.5}),
    *of("MelSpectrogram", (2, 65), {**MEL, "sequence_length": 20}),
    *of(
        "STFTSpectrogram",
        (2, 40, 2),
        {"mode": "log", **STFT},
        {"mode": "magnitude", "scaling": "spectrum", **STFT},
        {"mode": "psd", "expand_dims": True, **STFT},
        {"mode": "real", "periodic": True, "padding": "same", **STFT},
        {"mode": "stft", "window": "hamming", "fft_length": 32, **STFT},
    ),
    *of("STFTSpectrogram", (2, 2, 40), {"mode": "imag", "data_format": "channels_first", **STFT}),
    *of(
        "CategoryEncoding",
        (2, 4),
        {"num_tokens": 5},
        {"num_tokens": 5, "output_mode": "one_hot"},
        {"num_tokens": 5, "output_mode": "count"},
        integers=5,
    ),
    *of("CategoryEncoding", (3, 1), {"num_tokens": 4, "output_mode": "one_hot"}, integers=4),
    *of(
        "Discretization",
        (2, 4),
        {"bin_boundaries": [-0.5, 0.0, 0.7]},
        {"bin_boundaries": [-0.5, 0.0], "output_mode": "one_hot"},
        {"bin_boundaries": [0.0], "output_mode": "count"},
        gradients=False,
    ),
    *of("Rescaling", (2, 3), {"scale": 0.1}, {"scale": 2.0, "offset": -1.0}),
    *of("Rescaling", (2, 3), {"scale": [1.0, 2.0, 3.0], "offset": [0.5, 0.0, 1.0]}),
    *of("Rescaling", (2, 3), {"scale": 1 / 255}, integers=256, gradients=False),
    *of("Normalization", (2, 3), {"mean": [0.1, 0.2, 0.3], "variance": [1.0, 2.0, 3.0]}),
    *of("Normalization", (2, 3), {"mean": 0.1, "variance": 2.0, "invert": True}),
    *of("Normalization", (2, 3), {}, {"axis": None}, gradients=False),
]

ALL: list[Row] = [
    *CORE,
    *RESHAPING,
    *MERGING,
    *NOISE,
    *NORMALIZATION,
    *CONVOLUTION,
    *POOLING,
    *RECURRENT,
    *CONV_LSTM,
    *WRAPPERS,
    *ATTENTION,
    *PREPROCESSING,
    *image_rows.ALL,
]
