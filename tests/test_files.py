"""Files are there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etude.files import remove_leftovers, written_whole


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with written_whole(path) as part:
        part.write_text("ne")
        assert part.parent == tmp_path and path.read_text() == "old"
        part.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_no_other(tmp_path: Path, error: type) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(error), written_whole(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_files_are_forced_to_the_disk_before_they_are_moved_and_the_folder_after(
    tmp_path, monkeypatch
) -> None:
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: (done.append(name), real(*args))
        )
    with written_whole(tmp_path / "a") as part:
        part.write_text("x")
    assert done == ["fsync", "replace", "fsync"]  # the last one is of the folder


def test_parts_that_killed_processes_left_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("whole")
    gone = tmp_path / ".a.2147483646-12345678.part"
    of_another = tmp_path / ".ab.2147483646-12345678.part"
    being_written = tmp_path / f".a.{os.getpid()}-12345678.part"
    for part in (gone, of_another, being_written):
        part.touch()
    remove_leftovers(path)
    assert sorted(tmp_path.iterdir()) == sorted([path, of_another, being_written])


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has a umask")
def test_files_are_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with written_whole(tmp_path / "a") as part:
            part.write_text("x")
            part.chmod(0o600)  # as safetensors does
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
