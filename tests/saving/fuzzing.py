"""Damaged and falsified files, thousands of each format: what reads them must load or say no.

Each case is a file that was saved and then changed, by a generator that its number seeds. It may
load, or end in an error of etude's. Anything else is a fault: another exception, more than
`PATIENCE` seconds, or more memory than twice the model and `SPARE`.

    python -m tests.saving.fuzzing --count 20000
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import etude
from etude import Input, Model, Sequential, layers, models
from etude.errors import EtudeError
from etude.saving import registration
from etude.saving.inspection import inspect_file
from etude.saving.numpy_files import NpzFile
from tests.layers.rows import ALL

PATIENCE = 20.0  # seconds
SPARE = 96 << 20  # bytes beside twice the model: what Python and NumPy take for themselves
NUMBERS = (0, 1, -1, 2, 3, 7, 255, 256, 65536, 2**31 - 1, 2**31, 2**53, 2**63, 10**30, -(2**31))
FORMATS = ("keras", "layers.keras", "weights.h5", "h5", "safetensors", "weights.json", "npz")


# ---- the files that are changed ---------------------------------------------------------------


def dense() -> Any:
    """A network for tables, compiled and trained."""
    model = Sequential(
        [
            Input((4,)),
            layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.ones((4, 4)), np.ones((4, 3)) / 3, verbose=0)
    return model


def branched() -> Any:
    """A graph with an image, a sequence, a model inside, and a shared layer."""
    image, steps = Input((6, 6, 2), name="image"), Input((5, 3), name="steps")
    inner = Sequential([Input((4,)), layers.Dense(4)], name="inner")
    h = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, padding="same")(image))
    k = layers.Bidirectional(layers.LSTM(2))(steps)
    m = layers.MultiHeadAttention(2, 2)(steps, steps)
    joined = layers.Add()([inner(h), inner(k)])
    return Model([image, steps], [joined, etude.ops.mean(m, axis=1)])


def words() -> Any:
    """A network that begins with text."""
    lookup = layers.TextVectorization(output_sequence_length=4)
    lookup.adapt(["a b c", "b c d"])
    x = Input((1,), dtype="string")
    h = layers.Embedding(lookup.vocabulary_size(), 3, mask_zero=True)(lookup(x))
    return Model(x, layers.Dense(1)(layers.GRU(3)(h)))


def _of_each_layer() -> Iterator[Any]:
    """A model of one layer, for each layer of Keras that can be in a graph."""
    seen = set()
    for row in ALL:
        with contextlib.suppress(Exception):  # a layer that takes something else than arrays
            inputs = etude.tree.map_structure(
                lambda array: Input(array.shape[1:], dtype=array.dtype.name), row.inputs()
            )
            called = {"inputs": inputs} if not isinstance(inputs, dict) else inputs
            layer = row.make(layers)
            first = called.pop("inputs", None)
            outputs = layer(**called, **row.call) if first is None else layer(first, **row.call)
            if row.layer not in seen:
                seen.add(row.layer)
                yield Model(inputs, outputs)


def _bases(kind: str, folder: Path) -> list[tuple[Any, dict[str, bytes]]]:
    """Functions that read, and the files that they read, by their names."""
    found = []
    if kind == "layers.keras":
        for i, model in enumerate(_of_each_layer()):
            model.save(folder / f"{i}.keras")
            content = (folder / f"{i}.keras").read_bytes()
            found.append((models.load_model, {"m.layers.keras": content}))
        return found
    makers = (dense, branched) if kind in ("h5", "weights.json") else (dense, branched, words)
    for make in makers:
        model = make()
        place = folder / f"{make.__name__}"
        place.mkdir()
        path = place / f"m.{kind}"
        if kind in ("keras", "h5"):
            model.save(path)
            read: Callable[[Path], Any] = models.load_model
        elif kind == "npz":
            np.savez(path, **{f"w{i}": w for i, w in enumerate(model.get_weights())})
            read = _read_npz
        else:
            sharded = {"max_shard_size": 100 / 2**30} if kind == "weights.json" else {}
            model.save_weights(path, **sharded)
            read = model.load_weights
        found.append((read, {file.name: file.read_bytes() for file in place.iterdir()}))
    return found


def _read_npz(path: Path) -> None:
    with NpzFile(path) as arrays:
        for name in arrays:
            _ = arrays[name]


# ---- changes of bytes -------------------------------------------------------------------------


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, rng: random.Random) -> bytes:
    """Numbers that mean something, at places where numbers are."""
    changed = bytearray(data)
    at = rng.randrange(len(changed)) & ~rng.choice((0, 3, 7))
    size = rng.choice((1, 2, 4, 8))
    number = rng.choice(NUMBERS) if rng.random() < 0.7 else rng.randrange(len(data))
    changed[at : at + size] = (number & (256**size - 1)).to_bytes(size, "little")
    return bytes(changed)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _drop(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 64) :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    start, size = rng.randrange(len(data)), rng.randrange(1, 512)
    at = rng.randrange(len(data))
    return data[:at] + data[start : start + size] + data[at:]


def _move(data: bytes, rng: random.Random) -> bytes:
    start, at, size = rng.randrange(len(data)), rng.randrange(len(data)), rng.randrange(1, 256)
    changed = bytearray(data)
    changed[at : at + size] = data[start : start + size]
    return bytes(changed)


def of_bytes(data: bytes, rng: random.Random) -> bytes:
    """Changed bytes, without regard to what they mean."""
    change = rng.choice((_flip, _flip, _overwrite, _overwrite, _cut, _drop, _repeat, _move))
    return change(data, rng) if data else b"x"


# ---- changes of what bytes mean ---------------------------------------------------------------


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """All places in a nest of dictionaries and lists."""
    found, open_ = [], [value]
    while open_:
        node = open_.pop()
        keys = node if isinstance(node, dict) else range(len(node))
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], (dict, list)):
                open_.append(node[key])
    return found


def _other_value(old: Any, value: Any, rng: random.Random) -> Any:
    anything = (
        None,
        True,
        rng.choice(NUMBERS),
        rng.random() * 10 ** rng.randrange(-20, 300),
        rng.choice(("", "a", "../x", "relu", "float16", "\0", "x" * 5000, "/etc/passwd")),
        [],
        {},
        [rng.choice(NUMBERS)] * rng.randrange(1, 40),
        {"class_name": rng.choice(_CLASSES), "config": {}, "module": "keras.layers"},
        {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None}},
        {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}},
        {"class_name": "__tensor__", "config": {"value": [[1], 2], "dtype": "float32"}},
    )
    if isinstance(old, (int, float)) and rng.random() < 0.5:
        return rng.choice((old + 1, old * 1000, -old, rng.choice(NUMBERS), float(old), str(old)))
    if isinstance(old, str) and rng.random() < 0.3:
        return rng.choice(_CLASSES)
    if rng.random() < 0.3:
        node, key = rng.choice(_nodes(value))
        return copy.deepcopy(node[key])
    return rng.choice(anything)


_CLASSES = sorted({name.rpartition(".")[2] for name in registration._public_objects})


def of_json(data: bytes, rng: random.Random) -> bytes:
    """A text in JSON with other values at some places."""
    value = json.loads(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        places = _nodes(value)
        if not places:
            break
        node, key = rng.choice(places)
        action = rng.random()
        if action < 0.15:
            del node[key]
        elif action < 0.25 and isinstance(node, dict):
            node[rng.choice(("name", "units", "x", f"{key}s"))] = node.pop(key)
        elif action < 0.3 and isinstance(node, list):
            node.insert(key, copy.deepcopy(node[key]))
        else:
            node[key] = _other_value(node[key], value, rng)
    return json.dumps(value).encode()


def of_hdf5(data: bytes, rng: random.Random) -> bytes:
    """An HDF5 file with other arrays, groups, links and attributes."""
    memory = io.BytesIO(data)
    with h5py.File(memory, "a") as file:
        names: list[str] = []
        file.visit(names.append)
        for _ in range(rng.choice((1, 1, 2))):
            _change_hdf5(file, rng.choice(names), names, rng)
    return memory.getvalue()


def _change_hdf5(file: h5py.File, name: str, names: list[str], rng: random.Random) -> None:
    if name not in file:
        return
    kind = rng.randrange(9)
    item: Any = file[name]
    shape = tuple(rng.choice((0, 1, 2, 3, 4, 5, 8)) for _ in range(rng.randrange(4)))
    if kind == 0:
        file.move(name, f"{name}{rng.choice('x0_')}")
    elif kind == 1:
        key = rng.choice([*item.attrs, "name", "weight_names", "layer_names", "dtype"])
        values = ("bfloat16", b"x", 1.5, [1, 2], ["a"], h5py.Empty("f4"), "x" * 9000, np.nan)
        item.attrs[key] = rng.choice(values)
    elif kind == 2 and len(item.attrs):
        del item.attrs[rng.choice(list(item.attrs))]
    else:
        del file[name]
        links = (
            h5py.SoftLink(f"/{rng.choice(names)}"),
            h5py.ExternalLink("x.h5", "/"),
            np.zeros(shape, rng.choice(("f4", "f8", "i1", "?", "S3", "c8"))),
            "text",
            file["/"],
        )
        if kind == 3:
            file.create_group(name)
        elif kind == 4:
            big = tuple(rng.choice((1, 2**20, 2**40)) for _ in range(2))
            file.create_dataset(name, big, "f4", chunks=tuple(min(n, 64) for n in big))
        elif kind > 5:
            file[name] = rng.choice(links)


def of_archive(data: bytes, rng: random.Random) -> bytes:
    """An archive with other members."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(content))
    action = rng.random()
    if action < 0.85:
        is_text = name.endswith(".json") and action < 0.7
        change = of_json if is_text else of_hdf5 if name.endswith(".h5") else of_bytes
        content[name] = change(content[name], rng)
    elif action < 0.9:
        del content[name]
    elif action < 0.95:
        content[rng.choice(("assets/x", "../x", "x", "assets/layers/a/../b", f"{name}/"))] = b"x"
    else:
        content[name] = content[rng.choice(list(content))]
    memory = io.BytesIO()
    packed = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(memory, "w", packed) as archive:
        for name, member in content.items():
            archive.writestr(name, member)
            if action > 0.98:
                archive.writestr(name, member)
    return memory.getvalue()


def of_numbers(data: bytes, rng: random.Random) -> bytes:
    """An archive with other numbers in its config."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    for _ in range(rng.choice((1, 1, 2))):
        numbers = [(node, key) for node, key in _nodes(config) if type(node[key]) in (int, float)]
        node, key = rng.choice(numbers)
        node[key] = rng.choice((*NUMBERS, 10 ** rng.randrange(12), rng.randrange(100_000), 0.5))
    content["config.json"] = json.dumps(config).encode()
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, member in content.items():
            archive.writestr(name, member)
    return memory.getvalue()


def of_safetensors(data: bytes, rng: random.Random) -> bytes:
    """A file of safetensors with another header."""
    (length,) = struct.unpack("<Q", data[:8])
    header = of_json(data[8 : 8 + length], rng)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


def of_old_model(data: bytes, rng: random.Random) -> bytes:
    """A model of Keras 2 with another config."""
    memory = io.BytesIO(data)
    with h5py.File(memory, "a") as file:
        key = rng.choice([k for k in ("model_config", "training_config") if k in file.attrs])
        file.attrs[key] = of_json(file.attrs[key].encode(), rng).decode()
    return memory.getvalue()


MEANINGS: dict[str, tuple[Any, ...]] = {
    "keras": (of_archive, of_archive, of_archive, of_numbers, of_bytes),
    "layers.keras": (of_numbers, of_numbers, of_archive),
    "weights.h5": (of_hdf5, of_bytes),
    "h5": (of_old_model, of_hdf5, of_bytes),
    "safetensors": (of_safetensors, of_bytes),
    "weights.json": (of_json, of_bytes),
    "npz": (of_archive, of_bytes),
}


# ---- running ----------------------------------------------------------------------------------


class TooLongError(BaseException):
    """A case did not end. No `except Exception` catches it."""


def _too_long(*_: Any) -> None:
    raise TooLongError


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Fuzzer:
    """Changes the files of one format, and reads them.

    Args:
        kind: the format, by the ending of its files.
        folder: where files may be written.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        etude.utils.clear_session()
        etude.utils.set_random_seed(0)
        self.bases = _bases(kind, folder)
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.slowest = 0.0
        self.case = folder / "case"
        self.case.mkdir()
        for read, files in self.bases:  # what was not changed must load
            self.write(files)
            read(self.case / f"m.{kind}")

    def write(self, files: dict[str, bytes]) -> None:
        """Puts files where they are read."""
        for name, data in files.items():
            (self.case / name).write_bytes(data)

    def changed(self, number: int) -> tuple[Any, dict[str, bytes]]:
        """The case with a number: what reads it, and its files."""
        rng = random.Random(f"{self.kind}-{number}")
        read, files = rng.choice(self.bases)
        files = dict(files)
        name = rng.choice(list(files))
        change = rng.choice(MEANINGS[self.kind])
        if name.endswith(".h5") and self.kind == "weights.json":
            change = rng.choice((of_hdf5, of_bytes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                files[name] = change(files[name], rng)
            except (OSError, ValueError, TypeError, KeyError, RuntimeError):
                files[name] = of_bytes(files[name], rng)  # h5py did not want to write that
        return read, files

    def run(self, number: int) -> None:
        """Makes a case and reads it."""
        read, files = self.changed(number)
        self.write(files)
        size = sum(map(len, files.values()))
        before, start = _peak(), time.perf_counter()
        try:
            with warnings.catch_warnings(), _patience(PATIENCE):
                warnings.simplefilter("ignore")
                inspect_file(self.case / f"m.{self.kind}")
                read(self.case / f"m.{self.kind}")
            self.counts["loaded"] += 1
        except EtudeError:
            self.counts["refused"] += 1
        except TooLongError:
            self._fault(number, f"more than {PATIENCE:g} s")
        except Exception as error:
            self._fault(number, f"{type(error).__name__}: {str(error)[:200]}")
        self.slowest = max(self.slowest, time.perf_counter() - start)
        if _peak() - before > 2 * size + SPARE:
            self._fault(number, f"{(_peak() - before) >> 20} MiB of memory")

    def _fault(self, number: int, what: str) -> None:
        self.counts["faults"] += 1
        self.faults.append(f"{self.kind} {number}: {what}")


def run(kind: str, start: int, count: int, seconds: float | None = None) -> Fuzzer:
    """Runs cases of one format, for a while at most."""
    etude.config.set_engine("numpy")
    etude.config.disable_interactive_logging()
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(kind, Path(folder))
        begin = time.perf_counter()
        for number in range(start, start + count):
            fuzzer.run(number)
            if seconds is not None and time.perf_counter() - begin > seconds:
                break
    return fuzzer


def main() -> None:
    """Runs all formats, each in a process of its own, and prints what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="cases of each format")
    parser.add_argument("--start", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seconds", type=float, help="for each format at most")
    parser.add_argument("--format", choices=FORMATS, action="append", help="only these")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        (kind,) = options.format
        begin = time.perf_counter()
        fuzzer = run(kind, options.start, options.count, options.seconds)
        counts = {name: fuzzer.counts[name] for name in ("loaded", "refused", "faults")}
        print(
            f"{kind:14}{sum(counts.values()):8,} cases: {counts['loaded']:7,} loaded, "
            f"{counts['refused']:7,} refused, {counts['faults']} faults; slowest "
            f"{fuzzer.slowest:.2f} s, peak {_peak() >> 20} MiB, "
            f"{time.perf_counter() - begin:.0f} s",
            flush=True,
        )
        print(*fuzzer.faults, sep="\n", end="\n" if fuzzer.faults else "", flush=True)
        sys.exit(bool(fuzzer.faults))
    failed = False
    for kind in options.format or FORMATS:
        numbers = ["--start", str(options.start), "--count", str(options.count)]
        numbers += ["--seconds", str(options.seconds)] if options.seconds else []
        command = [sys.executable, "-X", "faulthandler", "-m", "tests.saving.fuzzing", "--here"]
        ended = subprocess.run([*command, "--format", kind, *numbers], check=False, env=os.environ)
        if ended.returncode < 0:
            print(f"{kind}: the process was ended by the signal {-ended.returncode}")
        failed |= ended.returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
