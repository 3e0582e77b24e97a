"""Helpers around training: labels, sequences, seeds, progress bars, custom objects."""

from etude.callbacks.progress import Progbar
from etude.data.py_dataset import PyDataset
from etude.data.unpacking import pack_x_y_sample_weight, unpack_x_y_sample_weight
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
from etude.utils.images import array_to_img, img_to_array, load_img, save_img
from etude.utils.numerical import normalize, to_categorical
from etude.utils.sequences import pad_sequences

Sequence = PyDataset  # the older name

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "get_uid",
    "img_to_array",
    "load_img",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
