"""Where the names of the 1000 classes of ImageNet come from."""

from __future__ import annotations

from etude.data.downloads import get_file

__all__ = ["class_index_file"]

ADDRESS = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
MD5 = "c2c37ea517e94d9795004a39431a14cb"


def class_index_file() -> str:
    """The path of the file with the names, where Keras keeps it as well.

    Raises:
        FetchError: it cannot be had.
    """
    return get_file(ADDRESS.rpartition("/")[2], ADDRESS, cache_subdir="models", file_hash=MD5)
