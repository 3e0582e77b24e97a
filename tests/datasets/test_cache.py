from __future__ import annotations

import errno
import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest

from etude.datasets import cache
from etude.errors import FetchError, HashMismatchError


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_root_follows_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("ETUDE_DATA", "~/elsewhere")
    assert cache.root() == Path.home() / "elsewhere"
    monkeypatch.setenv("ETUDE_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.root().name == "data" and "etude" in str(cache.root())


def test_store_then_read(cache_root, blob):
    cache.store(cache_root / "a", {"x": b"123", "y": b""})
    assert everything(cache_root) == ["a", "a/x", "a/y"]
    assert cache.read(cache_root / "a" / "x", blob("x", b"123")) == b"123"


def test_stored_files_are_readable_by_whom_the_umask_allows(cache_root):
    old = os.umask(0o022)
    try:
        cache.store(cache_root, {"x": b"1"})
    finally:
        os.umask(old)
    if os.name == "posix":
        assert (cache_root / "x").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("wrong", [b"124", b"12", b"1234", b""])
def test_read_refuses_other_bytes(cache_root, blob, wrong):
    cache.store(cache_root, {"x": wrong})
    with pytest.raises(HashMismatchError, match=r"x: wrong (size|SHA-256): expected"):
        cache.read(cache_root / "x", blob("x", b"123"))


def test_a_file_of_the_wrong_size_is_not_read_into_memory(cache_root, blob, monkeypatch):
    cache.store(cache_root, {"x": b"1234"})
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    with pytest.raises(HashMismatchError, match="expected 3 bytes, got 4"):
        cache.read(cache_root / "x", blob("x", b"123"))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_leaves_nothing(cache_root, monkeypatch, step):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(FetchError, match=r"(?s)No space left on device.*ETUDE_DATA") as error:
        cache.store(cache_root / "a", {"x": b"123"})
    assert str(cache_root / "a") in str(error.value)
    assert everything(cache_root) == ["a"]


def test_full_disk_at_the_second_file_takes_the_first_back(cache_root, monkeypatch):
    real, calls = os.fsync, []

    def full_at_second(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # folders are forced to the disk, too
            calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_second)
    with pytest.raises(FetchError):
        cache.store(cache_root, {"x": b"1", "y": b"2"})
    assert everything(cache_root) == []


def test_ctrl_c_while_writing_leaves_nothing(cache_root, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.store(cache_root, {"x": b"123"})
    assert everything(cache_root) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchError, match="Cannot write 1 bytes"):
        cache.store(tmp_path / "file" / "a", {"x": b"1"})


def test_leftovers_of_killed_processes_are_swept_but_not_work_in_progress(cache_root):
    cache_root.mkdir()
    old, young = cache_root / ".x.1-aa.part", cache_root / ".x.2-bb.part"
    old.write_bytes(b"1")
    young.write_bytes(b"1")
    long_ago = time.time() - 2 * cache.STALE_SECONDS
    os.utime(old, (long_ago, long_ago))
    cache.store(cache_root, {"y": b"2"})
    assert everything(cache_root) == [".x.2-bb.part", "y"]


def _store_often(folder: str, errors: multiprocessing.Queue) -> None:
    try:
        for _ in range(20):
            cache.store(Path(folder), {"x": b"a" * 200_000, "y": b"b" * 100_000})
            assert (Path(folder) / "x").read_bytes() == b"a" * 200_000
    except BaseException as error:
        errors.put(repr(error))


def test_two_processes_write_the_same_files(cache_root):
    context = multiprocessing.get_context("spawn")
    errors = context.Queue()
    arguments = (str(cache_root), errors)
    workers = [context.Process(target=_store_often, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    assert errors.empty(), errors.get()
    assert everything(cache_root) == ["x", "y"]
