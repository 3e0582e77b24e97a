"""The layers, under the names that they have in Keras."""

from typing import Any

from etude.errors import ArgumentError, explain_missing
from etude.layers.attention.grouped_query import GroupedQueryAttention as GroupQueryAttention
from etude.layers.attention.multi_head import MultiHeadAttention
from etude.layers.attention.single_head import AdditiveAttention, Attention
from etude.layers.base.input_spec import InputSpec
from etude.layers.base.layer import Layer
from etude.layers.basic.activations import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from etude.layers.basic.dense import Dense, EinsumDense
from etude.layers.basic.embedding import Embedding
from etude.layers.basic.input_layer import Input, InputLayer
from etude.layers.basic.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from etude.layers.basic.passing import Identity, Lambda, Masking
from etude.layers.basic.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from etude.layers.basic.reshaping import Flatten, Permute, RepeatVector, Reshape
from etude.layers.basic.reversible_embedding import ReversibleEmbedding
from etude.layers.basic.wrappers import Bidirectional, TimeDistributed, Wrapper
from etude.layers.features.category_encoding import CategoryEncoding, Discretization
from etude.layers.features.pipeline import Pipeline
from etude.layers.features.scaling import Normalization, Rescaling
from etude.layers.features.spectrogram import MelSpectrogram, STFTSpectrogram
from etude.layers.image.affine import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from etude.layers.image.box_padding import MaxNumBoundingBoxes
from etude.layers.image.color import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from etude.layers.image.filtering import RandomGaussianBlur, RandomSharpness
from etude.layers.image.flipping import RandomFlip
from etude.layers.image.histogram import (
    ContrastLimitedAdaptiveHistogramEqualization,
    Equalization,
)
from etude.layers.image.mixing import CutMix, MixUp, RandomErasing
from etude.layers.image.policies import AugMix, RandAugment
from etude.layers.image.resizing import CenterCrop, RandomCrop, Resizing
from etude.layers.image.tone import (
    AutoContrast,
    RandomInvert,
    RandomPosterization,
    Solarization,
)
from etude.layers.image.warping import RandomElasticTransform, RandomPerspective
from etude.layers.normalization.batch import BatchNormalization
from etude.layers.normalization.sample import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from etude.layers.normalization.spectral import SpectralNormalization
from etude.layers.recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from etude.layers.recurrent.gru import GRU, GRUCell
from etude.layers.recurrent.lstm import LSTM, LSTMCell
from etude.layers.recurrent.rnn import RNN
from etude.layers.recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from etude.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from etude.layers.spatial.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from etude.layers.spatial.convolution import Conv1D, Conv2D, Conv3D
from etude.layers.spatial.cropping import Cropping1D, Cropping2D, Cropping3D
from etude.layers.spatial.depthwise_separable import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from etude.layers.spatial.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from etude.layers.spatial.transposed_convolution import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
from etude.layers.spatial.upsampling import UpSampling1D, UpSampling2D, UpSampling3D
from etude.layers.spatial.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from etude.layers.text.hashing import HashedCrossing, Hashing
from etude.layers.text.string_lookup import IntegerLookup, StringLookup
from etude.layers.text.text_vectorization import TextVectorization
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

# The same layers under further names.
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D


def serialize(layer: Layer) -> Any:
    """A layer as a config.

    >>> serialize(Flatten(name="flat"))["class_name"]
    'Flatten'
    """
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer that a config describes.

    Args:
        config: what `serialize` returned.
        custom_objects: names in the config, and the classes and functions of yours that they mean.

    Raises:
        ArgumentError: the config describes something else.

    >>> deserialize(serialize(Dense(3, name="head"))).units
    3
    """
    found = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(found, Layer):
        raise ArgumentError(
            "`layers.deserialize` expected the config of a layer; this one describes a "
            f"{type(found).__name__}: {config}"
        )
    return found


__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxNumBoundingBoxes",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MixUp",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

register_public(
    "keras.layers",
    **{name: globals()[name] for name in __all__ if isinstance(globals()[name], type)},
)

explain_missing(__name__)
