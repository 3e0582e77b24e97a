"""Helpers around training: labels, sequences, seeds, progress bars, custom objects."""

from etude.backend import is_keras_tensor
from etude.callbacks.progress import Progbar
from etude.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from etude.data.downloads import get_file
from etude.data.py_dataset import PyDataset
from etude.data.unpacking import pack_x_y_sample_weight, unpack_x_y_sample_weight
from etude.dtypes import standardize_dtype
from etude.errors import explain_missing
from etude.legacy import saving as legacy
from etude.naming import clear_session, get_uid
from etude.random import set_random_seed
from etude.saving.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.utils import bounding_boxes
from etude.utils.directory_datasets import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from etude.utils.feature_space import FeatureSpace
from etude.utils.graphs import get_source_inputs
from etude.utils.images import array_to_img, img_to_array, load_img, save_img
from etude.utils.model_pictures import model_to_dot, plot_model
from etude.utils.numerical import normalize, to_categorical
from etude.utils.sequences import pad_sequences
from etude.utils.settings import Config
from etude.utils.splitting import split_dataset
from etude.utils.timeseries import timeseries_dataset_from_array

Sequence = PyDataset  # the older name

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "get_uid",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

explain_missing(__name__)
