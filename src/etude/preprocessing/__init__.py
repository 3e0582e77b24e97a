"""The older paths of helpers that stand in `etude.utils`."""

from etude.preprocessing import image, sequence
from etude.utils.directory_datasets import (
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from etude.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
