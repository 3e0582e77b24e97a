"""Data for training: arrays, generators, `PyDataset` and `Dataset` as batches."""

from etude.data.adapters import Batches, batches_of
from etude.data.arrays import ArrayBatches
from etude.data.dataset import (
    AUTOTUNE,
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Dataset,
)
from etude.data.elements import DatasetSpec, TensorSpec, TextArray
from etude.data.py_dataset import PyDataset
from etude.data.unpacking import pack_x_y_sample_weight, unpack_x_y_sample_weight

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "ArrayBatches",
    "Batches",
    "Dataset",
    "DatasetSpec",
    "PyDataset",
    "TensorSpec",
    "TextArray",
    "batches_of",
    "pack_x_y_sample_weight",
    "unpack_x_y_sample_weight",
]
