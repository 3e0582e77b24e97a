from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etude.datasets.archives import read_deb, read_deb_folder, read_tar, read_zip
from etude.errors import FetchError, HashMismatchError

GOOD = b"some data " * 100


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


# ---- Debian packages -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "part"), [("w:xz", "data.tar.xz"), ("w:gz", "data.tar.gz"), ("w", "data.tar")]
)
def test_deb(make_tar, make_deb, blob, mode, part):
    deb = make_deb(make_tar(("./usr/share/x", GOOD), ("./usr/y", b"other"), mode=mode), part)
    assert read_deb(deb, [blob("usr/share/x", GOOD)]) == {"usr/share/x": GOOD}


def test_deb_with_zstandard(make_tar, make_deb, blob):
    zstd = shutil.which("zstd")
    if zstd is None or sys.version_info >= (3, 14):
        pytest.skip("no command `zstd` to make the package with")
    tar = subprocess.run(
        [zstd, "-c"], input=make_tar(("x", GOOD), mode="w"), capture_output=True, check=True
    )
    deb = make_deb(tar.stdout, "data.tar.zst")
    assert read_deb(deb, [blob("x", GOOD)]) == {"x": GOOD}


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names(make_tar, make_deb, blob, format):
    name = "usr/" + "long/" * 35 + "x"  # more than 100 characters, which a header cannot hold alone
    deb = make_deb(make_tar((name, GOOD), format=format))
    assert read_deb(deb, [blob(name, GOOD)]) == {name: GOOD}


def test_harmless_links_elsewhere_in_a_package_do_not_matter(make_tar, make_deb, blob):
    link = special("usr/doc", tarfile.SYMTYPE, "../../etc/passwd")
    deb = make_deb(make_tar(link, special("usr", tarfile.DIRTYPE), ("x", GOOD)))
    assert read_deb(deb, [blob("x", GOOD)]) == {"x": GOOD}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_wanted_file_must_be_a_regular_file(make_tar, make_deb, blob, kind):
    deb = make_deb(make_tar(("y", GOOD), special("x", kind, "y")))
    with pytest.raises(FetchError, match=r"refused: 'x/?' in some_1_all.deb is not a regular file"):
        read_deb(deb, [blob("x", GOOD)])


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"S", b"Z"])
def test_devices_condemn_the_archive(make_tar, make_deb, blob, kind):
    deb = make_deb(make_tar(("x", GOOD), special("dev/sda", kind)))
    with pytest.raises(
        FetchError, match=r"refused: 'dev/sda' in .* is a device or of an unknown kind"
    ):
        read_deb(deb, [blob("x", GOOD)])


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..", "a\\..\\x", "./../x"])
@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_unsafe_names_condemn_the_archive(make_tar, make_deb, blob, name, format):
    deb = make_deb(make_tar(("x", GOOD), (name, b"evil"), format=format))
    with pytest.raises(FetchError, match=r"refused: some_1_all.deb holds the unsafe name"):
        read_deb(deb, [blob("x", GOOD)])


def test_unsafe_name_in_a_pax_header(make_tar, make_deb, blob):
    info = tarfile.TarInfo("innocent")
    info.pax_headers = {"path": "../../evil"}
    deb = make_deb(make_tar(("x", GOOD), (info, b"evil"), format=tarfile.PAX_FORMAT))
    with pytest.raises(FetchError, match=r"unsafe name '../../evil'"):
        read_deb(deb, [blob("x", GOOD)])


def test_a_doubled_file_is_refused(make_tar, make_deb, blob):
    deb = make_deb(make_tar(("x", GOOD), ("./x", GOOD)))
    with pytest.raises(FetchError, match=r"holds \./x twice"):
        read_deb(deb, [blob("x", GOOD)])


def test_missing_wrong_size_wrong_hash(make_tar, make_deb, blob):
    deb = make_deb(make_tar(("x", GOOD)))
    with pytest.raises(FetchError, match=r"holds no y"):
        read_deb(deb, [blob("x", GOOD), blob("y", GOOD)])
    with pytest.raises(FetchError, match=r"x in some_1_all.deb has 1000 bytes; expected 1001"):
        read_deb(deb, [blob("x", GOOD + b"!")])
    with pytest.raises(HashMismatchError, match=r"x in some_1_all.deb: wrong SHA-256"):
        read_deb(deb, [blob("x", GOOD[:-1] + b"!")])


def test_a_decompression_bomb_stops_at_the_limit(make_tar, blob):
    bomb = gzip.GzipFile(
        fileobj=io.BytesIO(make_tar(("x", GOOD), ("y", bytes(5_000_000)), mode="w:gz"))
    )
    with pytest.raises(FetchError, match=r"refused: bomb expands to more than it may"):
        read_tar(bomb, [blob("x", GOOD)], "bomb", limit=1_000_000)


def test_a_giant_header_is_not_read(make_tar, blob):
    info = special("@LongLink", tarfile.GNUTYPE_LONGNAME)[0]
    info.size = 1 << 32
    tar = info.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(FetchError, match=r"has a header of 4294967296 bytes"):
        read_tar(io.BytesIO(tar), [blob("x", GOOD)], "bomb")


def test_debian_oddities(make_tar, make_deb, blob, tmp_path):
    wanted = [blob("x", GOOD)]
    with pytest.raises(FetchError, match=r"is not a Debian package"):
        (tmp_path / "a.deb").write_bytes(b"PK\3\4 a zip")
        read_deb(tmp_path / "a.deb", wanted)
    with pytest.raises(FetchError, match=r"has no whole part data.tar"):
        read_deb(make_deb(b"", "control"), wanted)
    with pytest.raises(FetchError, match=r"compressed as '.lz5' cannot be read"):
        read_deb(make_deb(b"", "data.tar.lz5"), wanted)
    with pytest.raises(FetchError, match=r"is damaged"):
        read_deb(make_deb(b"not xz"), wanted)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_packages_only_ever_raise_fetch_error(make_tar, make_deb, blob, data):
    whole = make_deb(make_tar(("x", GOOD), ("y", b"1"), mode="w"), "data.tar").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = (
        whole[:at]
        + data.draw(st.binary(max_size=20))
        + whole[data.draw(st.integers(at, len(whole))) :]
    )
    path = make_deb(b"")
    path.write_bytes(damaged)
    with suppress(FetchError):
        assert read_deb(path, [blob("x", GOOD)]) == {"x": GOOD}


def test_a_folder_of_a_package(make_tar, make_deb):
    link = special("usr/share/s/link", tarfile.SYMTYPE, "/etc/passwd")
    tar = make_tar(("./usr/share/s/b", b"2"), link, ("usr/share/s/a", b"1"), ("usr/share/st", b"3"))
    data = make_deb(tar).read_bytes()
    found = read_deb_folder(data, "usr/share/s", "x.deb")
    assert list(found.items()) == [("usr/share/s/a", b"1"), ("usr/share/s/b", b"2")]
    evil = make_deb(make_tar(("usr/share/s/../../etc/x", b"1"))).read_bytes()
    with pytest.raises(FetchError, match=r"x\.deb holds the unsafe name"):
        read_deb_folder(evil, "usr/share/s", "x.deb")


# ---- wheels ----------------------------------------------------------------------------------


def make_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_zip(tmp_path, blob):
    path = make_zip(tmp_path / "a.whl", ("pkg/x", GOOD), ("../evil", b"never looked at"))
    assert read_zip(path, [blob("pkg/x", GOOD)]) == {"pkg/x": GOOD}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.whl"]  # nothing was extracted


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_refusals(tmp_path, blob):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    path = make_zip(
        tmp_path / "a.whl", ("x", GOOD), ("two", GOOD), ("two", GOOD), (link, b"/etc/passwd")
    )
    with pytest.raises(FetchError, match=r"holds 0 files named y; expected one"):
        read_zip(path, [blob("y", GOOD)])
    with pytest.raises(FetchError, match=r"holds 2 files named two; expected one"):
        read_zip(path, [blob("two", GOOD)])
    with pytest.raises(FetchError, match=r"link in a.whl is a link"):
        read_zip(path, [blob("link", b"/etc/passwd")])
    with pytest.raises(FetchError, match=r"x in a.whl has 1000 bytes; expected 3"):
        read_zip(path, [blob("x", b"123")])
    with pytest.raises(HashMismatchError, match=r"x in a.whl: wrong SHA-256"):
        read_zip(path, [blob("x", bytes(1000))])
    (tmp_path / "b.whl").write_bytes(b"no zip")
    with pytest.raises(FetchError, match=r"b.whl is damaged"):
        read_zip(tmp_path / "b.whl", [blob("x", GOOD)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_zips_only_ever_raise_fetch_error(tmp_path, blob, data):
    whole = bytearray(make_zip(tmp_path / "a.whl", ("x", GOOD), ("y", b"1")).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "b.whl").write_bytes(whole)
    with suppress(FetchError):
        assert read_zip(tmp_path / "b.whl", [blob("x", GOOD)]) == {"x": GOOD}
