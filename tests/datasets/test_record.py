"""The whole way of a data set: which source is asked, what is kept, and what a failure says."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import etude
from etude import datasets
from etude.datasets import archives, commands, sources
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Debian, Installed, Licence, Package
from etude.errors import FetchError, HashMismatchError, UnknownNameError

CONTENT = b"one,two\n1,2\n"
FREE = Licence("MIT")


@pytest.fixture
def make(server, blob):
    """A data set of one file, on the test's own server, and wherever else a test says."""

    def build(*more: sources.Source, address: bool = True) -> DataSet:
        file = blob("table.csv", CONTENT)
        first = (Address(base=server.base, files=(file,), licence=FREE),) if address else ()
        return DataSet(name="toy", what="a toy", files=(file,), sources=first + more)

    return build


@pytest.fixture
def package(tmp_path, blob):
    """A package source, and the wheel that pip would deliver."""
    wheel = tmp_path / "toy_pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("toy/__init__.py", "raise SystemExit('a package was imported')")
        archive.writestr("toy/data/table.csv", CONTENT)
    source = Package(
        project="toy-pkg",
        version="1.0",
        wheel=blob(wheel.name, wheel.read_bytes()),
        files=(blob("toy/data/table.csv", CONTENT),),
        licence=FREE,
    )
    return source, wheel


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_first_from_the_address_then_from_the_cache(make, server, cache_root):
    server.routes["/table.csv"] = CONTENT
    record = make()
    assert not record.is_cached()
    assert record.read() == {"table.csv": CONTENT}
    assert record.is_cached()
    assert record.read() == {"table.csv": CONTENT}
    assert server.asked == ["/table.csv"]
    assert record.paths() == [cache_root / "toy" / "table.csv"]
    assert everything(cache_root) == ["toy/table.csv"]


def test_a_damaged_cache_is_deleted_and_fetched_anew(make, server, cache_root):
    server.routes["/table.csv"] = CONTENT
    record = make()
    record.read()
    (cache_root / "toy" / "table.csv").write_bytes(CONTENT[::-1])
    assert record.read() == {"table.csv": CONTENT}
    assert len(server.asked) == 2


def test_a_damaged_cache_is_deleted_also_where_nothing_replaces_it(make, cache_root):
    path = cache_root / "toy" / "table.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(HashMismatchError, match=r"1\. cache .*wrong SHA-256.*; deleted"):
        make().read()
    assert everything(cache_root) == []


def test_wrong_bytes_from_the_address_are_refused_and_nothing_is_kept(make, server, cache_root):
    server.routes["/table.csv"] = CONTENT[::-1]
    with pytest.raises(HashMismatchError, match=r"2\. .*table\.csv: wrong SHA-256: expected"):
        make().read()
    assert everything(cache_root) == []


def test_wrong_bytes_from_one_source_do_not_keep_the_next_from_delivering(
    make, server, package, monkeypatch
):
    source, wheel = package
    server.routes["/table.csv"] = b"a page that asks to log in"
    monkeypatch.setattr(commands, "pip_download", lambda *_: wheel)
    assert make(source).read() == {"table.csv": CONTENT}


def test_package_without_network_for_anything_else(make, server, package, monkeypatch, cache_root):
    source, wheel = package
    asked = []
    monkeypatch.setattr(commands, "pip_download", lambda *a: asked.append(a) or wheel)
    record = make(source)
    assert record.read() == {"table.csv": CONTENT}
    assert asked[0][:2] == ("toy-pkg==1.0", wheel.name)
    assert everything(cache_root) == ["toy/table.csv"]  # the wheel is not kept


def test_a_wheel_of_another_hash_is_refused(make, package, monkeypatch):
    source, wheel = package
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("toy/more.py", "")
    monkeypatch.setattr(commands, "pip_download", lambda *_: wheel)
    with pytest.raises(HashMismatchError, match=r"toy_pkg-1\.0-py3-none-any\.whl: wrong size"):
        make(source).read()


def test_what_a_person_has_put_into_the_folder_is_used(make, package, cache_root, monkeypatch):
    source, wheel = package
    monkeypatch.setattr(commands, "pip_download", lambda *_: pytest.fail("pip was asked"))
    record = make(source, address=False)
    record.folder.mkdir(parents=True)
    (record.folder / wheel.name).write_bytes(wheel.read_bytes())
    assert record.read() == {"table.csv": CONTENT}


def test_a_debian_package_that_a_person_has_put_there(make, make_tar, make_deb, blob):
    source = Debian(
        package="toy-data",
        deb=Blob("toy.deb", 1, "0" * 64),
        files=(blob("usr/share/table.csv", CONTENT),),
        licence=FREE,
    )
    record = make(source, address=False)
    record.folder.mkdir(parents=True)
    deb = make_deb(make_tar(("./usr/share/table.csv", CONTENT)))
    (record.folder / "toy-data_1.0_all.deb").write_bytes(deb.read_bytes())
    assert record.read() == {"table.csv": CONTENT}


def test_a_whole_wheel_or_package_for_many_small_files(
    make, package, make_tar, make_deb, blob, monkeypatch
):
    source, wheel = package
    deb = make_deb(make_tar(("./share/a", b"1"), ("./share/table.csv", CONTENT), ("./b", b"")))
    whole = Debian(
        package="toy-data",
        deb=blob(deb.name, deb.read_bytes()),
        licence=FREE,
        decode=lambda files: {
            "table.csv": archives.read_deb_folder(files[deb.name], "share", "x")["share/table.csv"]
        },
    )
    monkeypatch.setattr(commands, "apt_download", lambda *_: deb)
    assert make(whole, address=False).read() == {"table.csv": CONTENT}
    deb.write_bytes(deb.read_bytes() + b"\n")
    with pytest.raises(HashMismatchError, match="wrong size"):
        whole.fetch(deb.parent / "empty")

    monkeypatch.setattr(commands, "pip_download", lambda *_: wheel)
    plain = replace(source, files=())
    assert plain.fetch(wheel.parent / "empty") == {wheel.name: wheel.read_bytes()}


def test_a_wrong_file_that_a_person_has_put_there_is_named_and_left(make, server, package):
    source, wheel = package
    record = make(source)
    record.folder.mkdir(parents=True)
    (record.folder / wheel.name).write_bytes(b"half a wheel")
    with pytest.raises(
        HashMismatchError, match=rf"{re.escape(str(record.folder / wheel.name))}: wrong size"
    ):
        record.read()
    assert (record.folder / wheel.name).exists()


def test_installed_files_are_read_without_importing(make, blob, tmp_path, monkeypatch):
    (tmp_path / "toymodule" / "data").mkdir(parents=True)
    (tmp_path / "toymodule" / "__init__.py").write_text("raise SystemExit('it was imported')")
    (tmp_path / "toymodule" / "data" / "table.csv").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(tmp_path)
    source = Installed(
        module="toymodule",
        hint="pip install x",
        files=(blob("data/table.csv", CONTENT),),
        licence=FREE,
    )
    assert make(source, address=False).read() == {"table.csv": CONTENT}


def test_all_sources_must_decode_to_the_same_bytes(make, server, blob):
    server.routes["/table.csv"] = CONTENT
    strange = Address(
        base=server.base,
        files=(blob("table.csv", CONTENT),),
        licence=FREE,
        decode=lambda files: {"table.csv": files["table.csv"].upper()},
    )
    with pytest.raises(HashMismatchError, match=r"table\.csv from http.*: wrong SHA-256"):
        make(strange, address=False).read()


def test_nothing_is_decoded_before_its_hash_matches(make, server, blob):
    """A decoder may unpickle: wrong bytes must not reach it."""
    server.routes["/table.csv"] = CONTENT[::-1]
    address = Address(
        base=server.base,
        files=(blob("table.csv", CONTENT),),
        licence=FREE,
        decode=lambda files: pytest.fail("it was decoded"),
    )
    with pytest.raises(HashMismatchError, match=r"http.*/table\.csv: wrong SHA-256"):
        make(address, address=False).read()


def test_one_message_lists_every_source_and_what_to_do(make, server, package, blob, monkeypatch):
    def no_index(*_: object) -> None:
        raise FetchError("pip failed: ERROR: No matching distribution found")

    monkeypatch.setattr(commands, "pip_download", no_index)
    monkeypatch.setattr(commands.shutil, "which", lambda name: None)
    source, wheel = package
    file = blob("usr/share/table.csv", CONTENT)
    record = make(
        source,
        Debian(package="toy-data", deb=Blob("toy.deb", 1, "0" * 64), files=(file,), licence=FREE),
        Installed(
            module="no_such_module", hint="pip install 'etude[labs]'", files=(file,), licence=FREE
        ),
    )
    with pytest.raises(FetchError) as error:
        record.read()
    folder = record.folder
    assert str(error.value) == (
        "The data set 'toy' cannot be had. Tried, in this order:\n"
        f"  1. cache {folder}: not there\n"
        f"  2. {server.base}table.csv: the server answered 404 Not Found\n"
        "  3. package toy-pkg==1.0: pip failed: ERROR: No matching distribution found\n"
        "  4. Debian package toy-data: there is no apt-get here "
        "(this is not a Debian or Ubuntu system)\n"
        "  5. installed no_such_module: not installed (pip install 'etude[labs]')\n"
        "By hand, do one of these (whatever you provide is checked before it is used):\n"
        f"  - download table.csv from {server.base} and put it into {folder}\n"
        "  - where a package index can be reached, `pip download --no-deps toy-pkg==1.0`; "
        f"put {wheel.name} into {folder}\n"
        "  - on a Debian or Ubuntu machine, `apt-get download toy-data`; "
        f"put toy-data_*.deb into {folder}\n"
        "  - pip install 'etude[labs]'"
    )
    assert isinstance(error.value, OSError) and not isinstance(error.value, HashMismatchError)


def test_full_disk_while_fetching(make, server, cache_root, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    server.routes["/table.csv"] = CONTENT
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        FetchError, match=r"Cannot write 12 bytes to .*: No space left on device\. Make room"
    ):
        make().read()
    assert everything(cache_root) == []
    monkeypatch.undo()


def test_full_disk_where_packages_are_downloaded(make, package, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sources.tempfile, "TemporaryDirectory", full)
    with pytest.raises(FetchError, match=r"package toy-pkg==1\.0: .*No space left on device"):
        make(package[0]).read()


def test_ctrl_c_while_fetching(make, server, package, cache_root, monkeypatch):
    folders = []

    def interrupted(requirement: str, wheel: str, folder: Path, size: int) -> Path:
        folders.append(folder)
        (folder / "half.whl").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "pip_download", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(package[0]).read()
    assert folders and not folders[0].exists()
    assert everything(cache_root) == []


def _read(record: DataSet, results: multiprocessing.Queue) -> None:
    try:
        results.put(record.read())
    except BaseException as error:
        results.put(repr(error))


def test_two_processes_at_once(make, server, cache_root):
    server.routes["/table.csv"] = CONTENT
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_read, args=(make(), results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in workers:
        assert results.get(timeout=120) == {"table.csv": CONTENT}
    for worker in workers:
        worker.join(60)
    assert everything(cache_root) == ["toy/table.csv"]


# ---- the declared records ----------------------------------------------------------------------


def test_get():
    assert datasets.get("mnist") is datasets.mnist.DATA
    with pytest.raises(UnknownNameError, match=r"Unknown data set: 'mnits'. Did you mean 'mnist'"):
        datasets.get("mnits")


def test_an_unknown_attribute_is_an_attribute_error_with_a_hint():
    with pytest.raises(
        AttributeError, match=r"no attribute 'fashion_mnits'. Did you mean 'fashion_mnist'"
    ):
        _ = datasets.fashion_mnits
    assert not hasattr(datasets, "nothing")
    with pytest.raises(ImportError):
        from etude.datasets import mnits  # noqa: F401


@pytest.mark.parametrize("name", datasets.__all__)
def test_records_are_whole(name):
    record = datasets.get(name)
    assert record.name == name
    assert record.what and "\n" not in record.what
    assert record.sources and record.files

    def declared(blob: Blob) -> bool:
        return blob.size > 0 and re.fullmatch("[0-9a-f]{64}", blob.sha256) is not None

    assert all(map(declared, record.files))
    for source in record.sources:
        assert source.licence.name and all(map(declared, source.files))
        assert source.files or isinstance(source, Package | Debian)
        if isinstance(source, Address):
            assert source.base.startswith("https://") and source.base.endswith("/")
        if isinstance(source, Debian):
            assert declared(source.deb)
        if isinstance(source, Package):
            assert declared(source.wheel) and f"-{source.version}-" in source.wheel.name
    assert getattr(datasets, name).load_data.__doc__


def test_every_module_of_a_data_set_is_named():
    folder = Path(datasets.__file__).parent
    with_record = {path.stem for path in folder.glob("*.py") if "\nDATA = " in path.read_text()}
    assert with_record == set(datasets.__all__)


def test_import_is_cheap():
    # `etude` itself is put there empty, so that only what the data sets import is seen.
    program = (
        "import sys, types; etude = types.ModuleType('etude'); etude.__path__ = [sys.argv[1]]; "
        "sys.modules['etude'] = etude; import etude.datasets; print(*sys.modules)"
    )
    home = str(Path(etude.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", program, home], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "etude.datasets.mnist" in loaded
    assert not loaded & {
        "sklearn",
        "urllib.request",
        "http.client",
        "rich",
        "platformdirs",
        "jax",
        "pip",
    }
