"""A data set as a declared record, and the one path by which its bytes reach a program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from etude.datasets import cache
from etude.datasets.cache import Blob
from etude.datasets.sources import Licence, Source
from etude.errors import FetchError, HashMismatchError


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What a data set is, and where it can be had.

    Args:
        name: as in ``etude.datasets.NAME``.
        what: one line for the catalogue.
        files: what the cache keeps, with size and SHA-256. Every source decodes to these bytes, so
            it does not matter to a program, nor to a result, where they came from.
        sources: where to get them, in the order in which they are tried. The cache comes first by
            itself.
        kept_with: the data set whose files these are, where they are not its own.
    """

    name: str
    what: str
    files: tuple[Blob, ...]
    sources: tuple[Source, ...]
    kept_with: str = ""

    @property
    def folder(self) -> Path:
        """Where the cache keeps the files, and where a person can put them."""
        return cache.root() / (self.kept_with or self.name)

    @property
    def size(self) -> int:
        """The bytes of the cached files."""
        return sum(file.size for file in self.files)

    @property
    def licences(self) -> tuple[Licence, ...]:
        """The terms of the sources, without repetition."""
        return tuple(dict.fromkeys(source.licence for source in self.sources))

    def is_cached(self) -> bool:
        """Whether all files lie in the cache. They are compared by size; `read` compares hashes."""
        try:
            return all((self.folder / file.name).stat().st_size == file.size for file in self.files)
        except OSError:
            return False

    def paths(self) -> list[Path]:
        """The paths of the cached files, fetched first where they are not there, and checked.

        Raises:
            FetchError: the data set cannot be had.
        """
        self.read()
        return [self.folder / file.name for file in self.files]

    def read(self) -> dict[str, bytes]:
        """The content of each file by name: from the cache, else from the first source that has it.

        Raises:
            FetchError: no source has it, or the cache cannot be written. The message lists what
                was tried and what to do by hand.
            HashMismatchError: the same, and at least one source delivered wrong bytes.
        """
        failures: list[tuple[str, OSError]] = []
        try:
            return self._from_cache()
        except OSError as error:
            failures.append((f"cache {self.folder}", error))
        for source in self.sources:
            try:
                contents = self._from(source)
            except OSError as error:
                failures.append((source.label, error))
                continue
            cache.store(self.folder, contents)
            return contents
        raise self._failure(failures)

    def _from_cache(self) -> dict[str, bytes]:
        contents = {}
        for file in self.files:
            path = self.folder / file.name
            try:
                contents[file.name] = cache.read(path, file)
            except FileNotFoundError:
                raise FetchError("not there") from None
            except HashMismatchError as error:
                cache.discard(path)
                raise HashMismatchError(f"{error}; deleted") from None
        return contents

    def _from(self, source: Source) -> dict[str, bytes]:
        contents = source.decode(source.fetch(self.folder))
        for file in self.files:
            cache.check(contents[file.name], file, f"{file.name} from {source.label}")
        return {file.name: contents[file.name] for file in self.files}

    def _failure(self, failures: list[tuple[str, OSError]]) -> FetchError:
        tried = [f"  {i}. {place}: {error}" for i, (place, error) in enumerate(failures, start=1)]
        by_hand = [f"  - {source.by_hand(self.folder)}" for source in self.sources]
        message = [
            f"The data set {self.name!r} cannot be had. Tried, in this order:",
            *tried,
            "By hand, do one of these (whatever you provide is checked before it is used):",
            *by_hand,
        ]
        wrong = any(isinstance(error, HashMismatchError) for _, error in failures)
        return (HashMismatchError if wrong else FetchError)("\n".join(message))
