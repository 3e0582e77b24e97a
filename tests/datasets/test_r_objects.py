"""Tables out of R's packages: the bytes are written here as R writes them, and read back."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from etude import datasets
from etude.datasets.r_objects import as_csv, read_columns, read_data_frame
from etude.errors import FetchError

NIL = struct.pack(">i", 254)


def characters(text: str | None) -> bytes:
    data = (text or "").encode()
    return struct.pack(">ii", 9, -1 if text is None else len(data)) + data


def strings(*texts: str | None) -> bytes:
    return struct.pack(">ii", 16, len(texts)) + b"".join(map(characters, texts))


def integers(*values: int, flags: int = 13) -> bytes:
    return struct.pack(f">ii{len(values)}i", flags, len(values), *values)


def reals(*values: float) -> bytes:
    return struct.pack(f">ii{len(values)}d", 14, len(values), *values)


def attributes(**values: bytes) -> bytes:
    pairs = b""
    for name, value in values.items():
        pairs += struct.pack(">ii", 1026, 1) + characters(name) + value
    return pairs + NIL


def listing(entries: dict[str, bytes]) -> bytes:
    content = struct.pack(">ii", 19 | 512, len(entries)) + b"".join(entries.values())
    return content + attributes(names=strings(*entries))


def stream(content: bytes, version: int = 3) -> bytes:
    encoding = struct.pack(">i", 5) + b"UTF-8" if version == 3 else b""
    return b"X\n" + struct.pack(">iii", version, 0x40202, 0x30500) + encoding + content


FRAME = listing(
    {
        "kind": integers(2, 1, -(2**31), flags=13 | 512) + attributes(levels=strings("a", "b")),
        "count": integers(5, -(2**31), 7),
        "width": reals(0.5, float("nan"), -2.0),
        "word": strings("x", None, "ü"),
    }
)


def files(content: bytes, method: str = "zlib", **changes: bytes) -> tuple[bytes, bytes]:
    packed = {
        "zlib": zlib.compress,
        "bz2": lambda data: b"2" + bz2.compress(data),
        "xz": lambda data: (
            b"Z"
            + lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}])
        ),
    }[method](content)
    entry = struct.pack(">I", len(content)) + packed
    index = listing({"variables": listing({"table": integers(3, len(entry))})})
    return gzip.compress(stream(index)), b"..." + entry + b"..."


@pytest.mark.parametrize("method", ["zlib", "bz2", "xz"])
@pytest.mark.parametrize("version", [2, 3])
def test_columns_of_every_kind_and_what_is_missing(method, version):
    frame = read_data_frame(*files(stream(FRAME, version), method), "table")
    assert frame["kind"].tolist() == ["b", "a", ""]
    np.testing.assert_array_equal(frame["count"], [5, np.nan, 7])
    np.testing.assert_array_equal(frame["width"], [0.5, np.nan, -2])
    assert frame["word"].tolist() == ["x", "", "ü"]


def test_text_and_back():
    frame = read_data_frame(*files(stream(FRAME)), "table")
    again = read_columns(as_csv(frame), ["kind", "word"])
    assert list(again) == list(frame)
    for name, column in frame.items():
        np.testing.assert_array_equal(again[name], column)


def test_what_is_no_data_is_refused():
    closure = struct.pack(">i", 3) + NIL * 3
    with pytest.raises(FetchError, match="type 3, which is no data"):
        read_data_frame(*files(stream(listing({"f": closure}))), "table")
    with pytest.raises(FetchError, match="holds table, and no 'other'"):
        read_data_frame(*files(stream(FRAME)), "other")
    with pytest.raises(FetchError, match="not R's binary format"):
        read_data_frame(*files(b"A\n"), "table")


def test_damage_of_any_kind_is_a_failure_to_fetch():
    index, objects = files(stream(FRAME))
    rng = np.random.default_rng(0)
    whole = zlib.decompress(objects[7:-3])
    for _ in range(300):
        broken = bytearray(whole)
        for place in rng.integers(0, len(broken), 3):
            broken[place] = rng.integers(256)
        short = bytes(broken[: rng.integers(1, len(broken) + 1)])
        try:
            read_data_frame(*files(short), "table")
        except FetchError:
            continue
    with pytest.raises(FetchError):
        read_data_frame(index, objects[:40], "table")
    huge = b"..." + struct.pack(">I", 2**31) + objects[7:]
    with pytest.raises(FetchError, match="2147483648 bytes"):
        read_data_frame(index, huge, "table")


@pytest.mark.parametrize("name", ["churn", "swiss_banknotes"])
def test_real_tables_are_as_published(name):
    module = getattr(datasets, name)
    try:
        (x_train, y_train), (x_test, y_test) = module.load_data()
    except FetchError as error:
        reasons = ("could not be reached", "no apt-get here", "Unable to locate package")
        if any(reason in str(error) for reason in reasons):
            pytest.skip(f"this source cannot be reached from here: {error}")
        raise
    y = np.concatenate([y_train, y_test])
    if name == "churn":
        assert np.bincount(y).tolist() == [5174, 1869], "as published: 26.5 % left"
        assert list(x_train) == list(x_test) and set(x_train) == {
            *module.NUMBERS,
            *module.CATEGORIES,
        }
        charges = np.concatenate([x_train["total_charges"], x_test["total_charges"]])
        assert np.isnan(charges).sum() == 11
        tenure = np.concatenate([x_train["tenure"], x_test["tenure"]])
        assert set(tenure[np.isnan(charges)]) == {0}, "they have not paid yet"
    else:
        assert np.bincount(y).tolist() == [100, 100]
        x = np.concatenate([x_train, x_test])
        # The means that Flury and Riedwyl print.
        expected = [214.969, 129.943, 129.720, 8.305, 10.168, 141.517]
        np.testing.assert_allclose(x[y == 0].mean(axis=0), expected, atol=5e-4)


def test_banknotes_from_the_address_of_uci(server, monkeypatch, blob):
    lines = (
        b"3.6216,8.6661,-2.8073,-0.44699,0\r\n-1.5,2,3,4,1\r\n0.5,2,3,4,1\r\n1,2,3,4,0\r\n1,1,1,1,1"
    )
    name = "data_banknote_authentication.txt"
    server.routes[f"/{name}"] = lines
    (source,) = datasets.banknotes.DATA.sources
    here = replace(source, base=server.base, files=(blob(name, lines),))
    kept = blob("banknotes.csv", lines.replace(b"\r", b""))
    record = replace(datasets.banknotes.DATA, sources=(here,), files=(kept,))
    monkeypatch.setattr(datasets.banknotes, "DATA", record)
    (x_train, y_train), (x_test, y_test) = datasets.banknotes.load_data()
    assert x_train.shape == (4, 4) and x_test.shape == (1, 4)
    assert sorted([*y_train, *y_test]) == [0, 0, 1, 1, 1]
