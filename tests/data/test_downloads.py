"""`get_file` on files of this machine: kept, checked, unpacked, and nothing outside the folder."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from etude.errors import ArgumentError, FetchError, HashMismatchError
from etude.utils import get_file

TEXT = b"a boat of my own"


@pytest.fixture
def origin(tmp_path):
    path = tmp_path / "text file.txt"
    path.write_bytes(TEXT)
    return path.as_uri()


def test_a_file_is_kept_under_its_name(origin, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    path = get_file(origin=origin)
    assert path == str(tmp_path / "home" / "datasets" / "text file.txt")
    assert "Downloading" in capsys.readouterr().out
    assert get_file("text file.txt", origin) == path and not capsys.readouterr().out
    assert Path(path).read_bytes() == TEXT


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_hash_is_checked(origin, tmp_path, algorithm):
    right = hashlib.new(algorithm, TEXT).hexdigest()
    path = get_file("a", origin, file_hash=right, cache_dir=tmp_path)
    Path(path).write_bytes(b"damaged")
    again = get_file("a", origin, file_hash=right, cache_dir=tmp_path)
    assert Path(again).read_bytes() == TEXT
    with pytest.raises(ValueError, match="Incomplete or corrupted file") as caught:
        get_file("b", origin, file_hash="0" * len(right), cache_dir=tmp_path)
    assert isinstance(caught.value, HashMismatchError)
    assert not (tmp_path / "datasets" / "b").exists()


def archive(path, names):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, TEXT)
        return
    with tarfile.open(path, "w:gz") as file:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(TEXT)
            file.addfile(info, io.BytesIO(TEXT))


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_archives_are_unpacked(tmp_path, ending):
    path = tmp_path / f"pack.{ending}"
    archive(path, ["inside/one.txt"])
    folder = get_file(path.name, path.as_uri(), extract=True, cache_dir=tmp_path)
    assert folder == str(tmp_path / "datasets" / "pack_extracted")
    assert (tmp_path / "datasets/pack_extracted/inside/one.txt").read_bytes() == TEXT
    folder = get_file("other", path.as_uri(), extract=True, cache_dir=tmp_path)
    assert folder == str(tmp_path / "datasets" / "other")


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/etude-out.txt", "a/../../out.txt"])
@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_names_outside_of_the_folder_are_refused(tmp_path, name, ending):
    path = tmp_path / f"evil.{ending}"
    archive(path, [name])
    with pytest.raises(FetchError, match="refused"):
        get_file(path.name, path.as_uri(), extract=True, cache_dir=tmp_path)
    assert not list(tmp_path.rglob("out.txt"))


def test_links_out_of_the_folder_are_refused(tmp_path):
    path = tmp_path / "link.tar"
    with tarfile.open(path, "w") as file:
        info = tarfile.TarInfo("passwords")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(info)
    with pytest.raises(FetchError, match="link or a device"):
        get_file(path.name, path.as_uri(), untar=True, cache_dir=tmp_path)


def test_bad_arguments(origin, tmp_path):
    with pytest.raises(ArgumentError, match="origin"):
        get_file("a")
    with pytest.raises(ArgumentError, match="Paths are no longer accepted"):
        get_file("a/b", origin, cache_dir=tmp_path)
    with pytest.raises(ArgumentError, match="Can't parse the file name"):
        get_file(origin="https://example.com/", cache_dir=tmp_path)
    with pytest.raises(FetchError, match="no archive"):
        get_file("a.zip", origin, extract=True, cache_dir=tmp_path)
