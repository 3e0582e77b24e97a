"""Data for training: arrays, generators and `PyDataset` as batches."""

from etude.data.adapters import Batches, batches_of
from etude.data.arrays import ArrayBatches
from etude.data.py_dataset import PyDataset
from etude.data.unpacking import pack_x_y_sample_weight, unpack_x_y_sample_weight

__all__ = [
    "ArrayBatches",
    "Batches",
    "PyDataset",
    "batches_of",
    "pack_x_y_sample_weight",
    "unpack_x_y_sample_weight",
]
