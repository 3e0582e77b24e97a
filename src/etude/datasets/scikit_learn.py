"""The small tables that scikit-learn carries: where they lie, whether it is installed or not."""

from __future__ import annotations

from dataclasses import replace

from etude.datasets.cache import Blob
from etude.datasets.sources import Installed, Licence, Package, Source

_FOLDER = "datasets/data/"
_WHEEL = Blob(
    "scikit_learn-1.9.1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    9_166_043,
    "e5d7b18a5b9dca241a74695f3275fa4c895a9dadc72b3d8df5fa9d1083c9b83e",
)


def sources(files: tuple[Blob, ...], licence: Licence) -> tuple[Source, ...]:
    """Where to get files of scikit-learn's folder of data.

    Args:
        files: the files, by file name.
        licence: the terms of the data.
    """

    def within(folder: str) -> tuple[Blob, ...]:
        return tuple(replace(file, name=folder + file.name) for file in files)

    return (
        Installed(
            module="sklearn",
            hint="pip install 'etude[labs]'",
            files=within(_FOLDER),
            licence=licence,
        ),
        Package(
            project="scikit-learn",
            version="1.9.1",
            wheel=_WHEEL,
            files=within(f"sklearn/{_FOLDER}"),
            licence=licence,
        ),
    )
