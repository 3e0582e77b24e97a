"""What must be refused: each kind of attack that is publicly known, built as a real file.

The numbers are those of the list that the design names; the advisories stand beside them.
"""

from __future__ import annotations

import base64
import io
import json
import marshal
import os
import pickle
import shutil
import stat
import struct
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

import etude
from etude import layers, models, saving
from etude.datasets import keras_files
from etude.datasets.cache import Blob
from etude.errors import EngineError, EtudeError, FetchError, SerializationError
from etude.saving.numpy_files import NpzFile, read_npy
from etude.utils import get_file
from tests.saving.hostile import (
    layer_config,
    load,
    members,
    network,
    pack,
    refused,
    watched,
    with_config,
    with_layer,
    with_weights,
)

KERNEL = "layers/dense/vars/0"


@pytest.fixture(autouse=True)
def on_numpy():
    etude.config.set_engine("numpy")


@pytest.fixture
def canary(tmp_path):
    """A file that attacks try to make, or to read."""
    path = tmp_path.parent / f"{tmp_path.name}-canary"
    yield path
    assert not path.exists()


# ---- 1 to 4: code in configs ------------------------------------------------------------------


def bytecode(canary):
    """A Python lambda that makes a file, as Keras writes one."""
    code = compile(f"lambda x: open({str(canary)!r}, 'w') and x", "attack", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


@pytest.mark.parametrize("place", ["function", "output_shape", "mask", "arguments"])
def test_bytecode_in_a_lambda_layer(tmp_path, canary, place):  # CVE-2024-3660
    code = {"code": bytecode(canary), "defaults": None, "closure": None}
    arguments = {"function": {"class_name": "function", "module": "builtins", "config": "relu"}}
    arguments[place] = {"class_name": "__lambda__", "config": code}
    path = with_layer(tmp_path / "m.keras", layer_config("Lambda", **arguments))
    refused(load, path, "code", "register")
    refused(models.load_model, path, "code", "register")


def test_there_is_no_switch(tmp_path, canary):
    with pytest.raises(EngineError, match="nothing in it is ever"):
        etude.config.enable_unsafe_deserialization()
    code = {"class_name": "__lambda__", "config": {"code": bytecode(canary)}}
    for config in (code, layer_config("Lambda", function=code)):
        with pytest.raises(SerializationError, match="arbitrary code"):
            saving.deserialize_keras_object(config, safe_mode=False)


def test_lambda_layers_that_etude_wrote_are_not_run_either(tmp_path):
    model = etude.Sequential([etude.Input((2,)), layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "m.keras")
    refused(load, tmp_path / "m.keras", "Lambda", "register")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "exec"),
        ("subprocess", "Popen"),
        ("etude.compat.execution", "run"),
        ("numpy", "load"),
        ("pickle", "loads"),
        ("keras.utils", "get_file"),
        ("keras.models", "load_model"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization"),
        ("tests.saving.hostile", "load"),
    ],
)
def test_modules_classes_and_functions_by_name(tmp_path, canary, module, name):
    """CVE-2025-1550, CVE-2025-8747 and CVE-2025-9906: names are looked up, never imported."""
    by_class = {"module": module, "class_name": name, "config": {"command": "touch"}}
    by_function = {**by_class, "class_name": "function", "config": name, "registered_name": name}
    for i, config in enumerate((by_class, by_function)):
        path = with_layer(tmp_path / f"{i}.keras", config)
        refused(load, path, name)
        path = with_layer(
            tmp_path / f"{i}l.keras", layer_config("Lambda", function=config, arguments={})
        )
        refused(load, path, name)


def test_what_a_model_is_compiled_with_is_looked_up_too(tmp_path, canary):
    def change(config):
        evil = {"module": "os", "class_name": "system", "config": {"command": f"touch {canary}"}}
        config["compile_config"] = {"optimizer": evil, "loss": evil}

    refused(load, with_config(tmp_path / "m.keras", change), "os")


def test_old_files_are_read_as_carefully(tmp_path, canary):  # GHSA-36rr-ww3j-vrjv
    path = tmp_path / "m.h5"
    network().save(path)
    code = [bytecode(canary), None, None]
    forms = (
        {"function": code, "function_type": "lambda"},
        {"function": {"class_name": "__lambda__", "config": {"code": code[0]}}},
        {"function": {"module": "os", "class_name": "function", "config": "system"}},
    )
    for form in forms:
        with h5py.File(path, "a") as file:
            config = json.loads(file.attrs["model_config"])
            config["config"]["layers"][1:1] = [layer_config("Lambda", name="l", **form)]
            file.attrs["model_config"] = json.dumps(config)
        refused(load, path)
        with h5py.File(path, "a") as file:
            config["config"]["layers"].pop(1)
            file.attrs["model_config"] = json.dumps(config)
    load(path)  # without it, the file is as good as before


# ---- 5, 6, 9: what configs point to -----------------------------------------------------------


@pytest.mark.parametrize("where", ["/etc/passwd", "https://example.com/words.txt", "here"])
@pytest.mark.parametrize("layer", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_vocabularies_that_are_paths_or_addresses(tmp_path, layer, where):  # CVE-2025-12058
    if where == "here":
        where = str(tmp_path / "words.txt")
        (tmp_path / "words.txt").write_text("1\n2\n")
    path = with_layer(tmp_path / "m.keras", layer_config(layer, vocabulary=where))
    refused(load, path, "vocabulary", where)
    getattr(layers, layer)(
        vocabulary=[1, 2] if layer == "IntegerLookup" else ["1", "2"]
    )  # a list is none of it


def test_a_vocabulary_inside_of_other_layers(tmp_path):
    evil = layer_config("StringLookup", vocabulary="/etc/passwd")
    pipeline = layer_config("Pipeline", layers=[evil])
    refused(load, with_layer(tmp_path / "m.keras", pipeline), "/etc/passwd")


@pytest.mark.parametrize("name", ["TFSMLayer", "JaxLayer", "TorchModuleWrapper"])
def test_layers_that_point_at_programs(tmp_path, name):  # CVE-2026-1462
    config = layer_config(name, filepath="/srv/saved_model", call_endpoint="serve")
    refused(load, with_layer(tmp_path / "m.keras", config), name)
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01")
    refused(load, folder, "SavedModel", "program")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a\0b", "..\\evil", "a/../b"])
def test_names_of_layers_that_lead_elsewhere(tmp_path, name):  # CVE-2026-12479
    def change(config):
        config["config"]["layers"][1]["config"]["name"] = name

    refused(load, with_config(tmp_path / "m.keras", change), "name")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["layer_names"] = [name.replace("\0", "0")]
    refused(network().load_weights, tmp_path / "m.h5")


# ---- 7 and 8: HDF5 ----------------------------------------------------------------------------


def replaced(make):
    def change(file):
        del file[KERNEL]
        make(file)

    return change


def other_file(tmp_path):
    """A file with what the model wants, in another folder."""
    path = tmp_path.parent / f"{tmp_path.name}-other.h5"
    with h5py.File(path, "w") as file:
        file["v"] = np.zeros((4, 8), "float32")
    return path


def external_storage(file, path):
    file.create_dataset(KERNEL, (4, 8), "float32", external=[(str(path), 0, 128)])


def virtual(file, path):
    layout = h5py.VirtualLayout((4, 8), "float32")
    layout[:] = h5py.VirtualSource(str(path), "v", (4, 8))
    file.create_virtual_dataset(KERNEL, layout)


LINKS = {
    "external storage": (external_storage, "another file"),
    "virtual": (virtual, "virtual"),
    "external link": (
        lambda file, path: file.__setitem__(KERNEL, h5py.ExternalLink(str(path), "/v")),
        "link",
    ),
    "soft link": (
        lambda file, path: file.__setitem__(KERNEL, h5py.SoftLink("/layers/dense_1/vars/0")),
        "link",
    ),
    "dangling link": (
        lambda file, path: file.__setitem__(KERNEL, h5py.SoftLink("/nowhere")),
        "link",
    ),
}


@pytest.mark.parametrize("kind", list(LINKS))
def test_hdf5_that_leads_out_of_the_file(tmp_path, kind):  # CVE-2026-1669
    make, word = LINKS[kind]
    other = other_file(tmp_path)
    path = with_weights(tmp_path / "m.keras", replaced(lambda file: make(file, other)))
    refused(load, path, word)
    refused(network().load_weights, path, word)
    (tmp_path / "w.weights.h5").write_bytes(members(path)["model.weights.h5"])
    refused(network().load_weights, tmp_path / "w.weights.h5", word)
    refused(saving.KerasFileEditor, tmp_path / "w.weights.h5", word)
    old = tmp_path / "m.h5"
    network().save(old)
    with h5py.File(old, "a") as file:
        group = file["model_weights/dense"]
        name = group.attrs["weight_names"][0]
        del group[name]
        if kind in ("external storage", "virtual"):
            make(file, other)
            file.move(KERNEL, f"model_weights/dense/{name}")
        else:
            group[name] = h5py.ExternalLink(str(other), "/v")
    refused(load, old)


def test_groups_that_are_links(tmp_path):
    def change(file):
        del file["layers/dense"]
        file["layers/dense"] = h5py.SoftLink("/layers/dense_1")

    refused(load, with_weights(tmp_path / "m.keras", change), "link")


@pytest.mark.parametrize("form", ["chunked", "contiguous", "packed"])
def test_shapes_that_are_declared_only(tmp_path, form):  # CVE-2026-0897
    shape = (1 << 24, 1 << 24) if form == "contiguous" else (1 << 26, 1 << 26)
    options = {"chunked": {"chunks": (1024, 1024)}, "contiguous": {}}
    options["packed"] = {"chunks": (1024, 1024), "compression": "gzip"}

    def bomb(file):
        file.create_dataset(KERNEL, shape, "float32", **options[form])

    path = with_weights(tmp_path / "m.keras", replaced(bomb))
    assert path.stat().st_size < 100_000
    refused(load, path, "shape")
    (tmp_path / "w.weights.h5").write_bytes(members(path)["model.weights.h5"])
    refused(network().load_weights, tmp_path / "w.weights.h5", "shape")
    refused(saving.KerasFileEditor, tmp_path / "w.weights.h5", "shape")


def test_the_right_shape_without_the_numbers(tmp_path):
    """What the file does not hold is not made up: HDF5 would fill it with zeros."""

    def empty(file):
        file.create_dataset(KERNEL, (4, 8), "float32", chunks=(2, 2))

    refused(load, with_weights(tmp_path / "m.keras", replaced(empty)), "declares", "(4, 8)")


def test_layers_far_larger_than_what_the_file_holds(tmp_path):
    def change(config):
        config["config"]["layers"][1]["config"]["units"] = 200_000_000

    refused(load, with_config(tmp_path / "m.keras", change), "describes more than it holds")

    def change(config):
        config["compile_config"] = {
            "optimizer": "sgd",
            "loss": "mse",
            "metrics": [
                {
                    "module": "keras.metrics",
                    "class_name": "MeanIoU",
                    "config": {"num_classes": 100_000},
                    "registered_name": None,
                }
            ],
        }

    refused(load, with_config(tmp_path / "n.keras", change), "describes more than it holds")


SIZES = {
    "UpSampling2D": {"size": [60_000, 60_000]},
    "ZeroPadding2D": {"padding": 60_000},
    "Conv2DTranspose": {"filters": 2, "kernel_size": 1, "strides": [60_000, 60_000]},
    "UpSampling3D": {"size": 1_000_000_000},
    "RepeatVector": {"n": 1 << 40},
    "TextVectorization": {"ngrams": 1 << 31},
    "StringLookup": {"num_oov_indices": 1 << 40},
    "SpectralNormalization": {"power_iterations": 1 << 40},
}


@pytest.mark.parametrize("layer", list(SIZES))
def test_sizes_that_no_weight_answers_for(tmp_path, layer):
    """Shapes are found by running layers on zeros: what a config describes there is bounded too."""
    if layer == "SpectralNormalization":
        SIZES[layer]["layer"] = layer_config("Dense", units=2)
    evil = layer_config(layer, name="evil", **SIZES[layer])

    def change(config):
        shape = {"UpSampling3D": [None, 4, 4, 4, 2], "RepeatVector": [None, 4]}
        first = config["config"]["layers"][0]
        first["config"]["batch_shape"] = shape.get(layer, [None, 4, 4, 2])
        config["config"]["layers"] = [first, evil]
        config["config"].pop("build_input_shape", None)
        config.pop("build_config", None)

    refused(load, with_config(tmp_path / "m.keras", change))


# ---- 10: archives -----------------------------------------------------------------------------


def saved(tmp_path):
    network().save(tmp_path / "good.keras")
    return members(tmp_path / "good.keras")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/cron.d/evil",
        "../evil",
        "assets/../../evil",
        "assets\\..\\evil",
        "C:/evil",
        "setup.py",
        "model.weights.npz",
        "assets//x",
    ],
)
def test_members_with_odd_names(tmp_path, name):
    content = {**saved(tmp_path), name: b"x"}
    refused(load, pack(tmp_path / "m.keras", content), "member")


def test_members_that_are_links(tmp_path):
    path = pack(tmp_path / "m.keras", saved(tmp_path))
    info = zipfile.ZipInfo("assets/words.txt")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(load, path, "link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name(tmp_path):
    path = pack(tmp_path / "m.keras", saved(tmp_path))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", b"{}")
    refused(load, path, "two members", "config.json")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "assets/words.txt"])
def test_members_that_become_very_large(tmp_path, name):
    content = {**saved(tmp_path), name: b" " * 60_000_000}
    path = pack(tmp_path / "m.keras", content, zipfile.ZIP_DEFLATED)
    refused(load, path, "would become") if not name.startswith("assets") else load(path)


def test_vocabularies_that_become_very_large(tmp_path):
    model = etude.Sequential([etude.Input((1,), dtype="string"), lookup := layers.StringLookup()])
    lookup.adapt(["a", "b"])
    model.save(tmp_path / "m.keras")
    content = members(tmp_path / "m.keras")
    (name,) = [name for name in content if name.startswith("assets")]
    content[name] = b"a\n" * 30_000_000
    path = pack(tmp_path / "m.keras", content, zipfile.ZIP_DEFLATED)
    refused(load, path, "would become")


def test_members_that_overlap(tmp_path):
    """The bomb of Fifield (2019): many names for the same bytes."""
    path = pack(tmp_path / "m.keras", {**saved(tmp_path), "assets/a": os.urandom(50_000)})
    raw = path.read_bytes()
    start = raw.index(b"PK\1\2")
    entries = raw[start : raw.index(b"PK\5\6")]
    last = entries[entries.rindex(b"PK\1\2") :]
    more = b"".join(last.replace(b"assets/a", b"assets/%c" % c) for c in b"bcdef")
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, len(entries + more), start, 0)
    path.write_bytes(raw[:start] + entries + more + end)
    assert len(zipfile.ZipFile(path).namelist()) == 9
    refused(load, path, "overlap")


def test_folders_with_links(tmp_path):
    network().save(tmp_path / "m", zipped=False)
    secret = tmp_path.parent / f"{tmp_path.name}-secret.h5"
    shutil.move(tmp_path / "m" / "model.weights.h5", secret)
    (tmp_path / "m" / "model.weights.h5").symlink_to(secret)
    refused(load, tmp_path / "m", "model.weights.h5")


@pytest.mark.parametrize("depth", [100, 100_000])
def test_configs_in_configs_without_end(tmp_path, depth):
    def nest(config):
        return None

    path = with_config(tmp_path / "m.keras", nest)
    content = members(path)
    start = '{"module":"keras.layers","class_name":"Wrapper","config":{"layer":'
    content["config.json"] = (start * depth + "1" + "}}" * depth).encode()
    refused(load, pack(path, content))


# ---- 11 and 12: NumPy's files and pickles -----------------------------------------------------


class Payload:
    """A pickle that makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def header(shape, dtype="'<f4'"):
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


def test_arrays_of_objects_and_shapes_that_are_declared_only(tmp_path, canary):
    pickled = io.BytesIO()
    np.save(pickled, np.array([Payload(canary)], dtype=object), allow_pickle=True)
    bad = {
        "objects": pickled.getvalue(),
        "giant": header("(1000000, 1000000, 1000000)") + b"\0" * 16,
        "negative": header("(-4, -4)") + b"\0" * 64,
        "short": header("(5,)") + b"\0" * 16,
        "long": header("(4,)") + b"\0" * 20,
        "records": header("(4,)", "[('a', '<f4')]") + b"\0" * 16,
        "code": header("(4,)", "__import__('os').mkdir('x')") + b"\0" * 16,
    }
    for name, content in bad.items():
        path = tmp_path / f"{name}.npz"
        pack(path, {"a.npy": content})
        (tmp_path / f"{name}.npy").write_bytes(content)

        def read(path):
            return NpzFile(path)["a"]

        refused(read, path)
        refused(lambda path: read_npy(path.read_bytes(), path.name), tmp_path / f"{name}.npy")
        with pytest.raises(FetchError):
            keras_files.read_npz(path.read_bytes())
    pack(tmp_path / "bomb.npz", {"a.npy": header("(50000000,)", "'|u1'") + b"\0" * 50_000_000},
         zipfile.ZIP_DEFLATED)  # fmt: skip
    refused(lambda path: NpzFile(path)["a"], tmp_path / "bomb.npz", "would become")
    good = header("(4,)") + b"\0" * 16
    assert read_npy(good, "good").shape == (4,)


def test_checkpoints_of_strangers(tmp_path, canary):
    from etude.compat.tensorflow.train import Checkpoint

    pickled = io.BytesIO()
    np.save(pickled, np.array([Payload(canary)], dtype=object), allow_pickle=True)
    pack(tmp_path / "c.ckpt.npz", {"root/0.npy": pickled.getvalue()})
    variable = etude.Variable([1.0])
    with pytest.raises(EtudeError, match="objects"):
        Checkpoint(variable).restore(tmp_path / "c")


def test_pickles_under_any_name(tmp_path, canary):
    """CVE-2025-32434 and CVE-2026-24747: there is no loader of pickles that is safe."""
    content = pickle.dumps(Payload(canary))
    torch = {"model/data.pkl": content, "model/version": b"3", "model/data/0": b"\0" * 16}
    for name in ("m.pt", "m.pth", "m.pkl", "m.keras", "m.h5", "w.weights.h5", "w.safetensors"):
        for i, write in enumerate((lambda p: p.write_bytes(content), lambda p: pack(p, torch))):
            path = tmp_path / f"{i}{name}"
            write(path)
            for read in (load, network().load_weights):
                refused(read, path)
    refused(load, tmp_path / "0m.pt", "pickle", "safetensors")
    refused(network().load_weights, tmp_path / "1m.pth", "pickle", "safetensors")


# ---- 13: ONNX ---------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["../../etc/passwd", "/etc/passwd", "linked/weights"])
def test_onnx_with_external_data(tmp_path, location):
    """CVE-2022-25882 and those after it: no ONNX is read, and so nothing that it names."""

    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    entry = field(1, b"location") + field(2, location.encode())
    tensor = field(8, b"w") + field(13, entry) + bytes([14 << 3, 1])
    graph = field(2, b"g") + field(5, tensor)
    content = bytes([1 << 3, 8]) + field(7, graph)
    (tmp_path / "linked").symlink_to("/etc")
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    refused(load, path, "ONNX")
    refused(network().load_weights, path, "ONNX")


# ---- 14: safetensors --------------------------------------------------------------------------


def tensors(path, entries, size, metadata=None, length=None):
    if metadata is not None:
        entries = {**entries, "__metadata__": metadata}
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    count = len(text) if length is None else length
    path.write_bytes(struct.pack("<Q", count) + text + b"\0" * size)
    return path


def entry(shape, start, stop, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


TENSORS = {
    "a header beyond the file": ({"entries": {}, "size": 0, "length": 1 << 62}, "header"),
    "a header of 4 GB": ({"entries": {}, "size": 0, "length": 4 << 30}, "header"),
    "overlap": (
        {"entries": {"a": entry([4], 0, 16), "b": entry([4], 8, 24)}, "size": 24},
        "overlap",
    ),
    "the same place": (
        {"entries": {"a": entry([4], 0, 16), "b": entry([4], 0, 16)}, "size": 16},
        "overlap",
    ),
    "hole": ({"entries": {"a": entry([4], 8, 24)}, "size": 24}, "hole"),
    "out of range": ({"entries": {"a": entry([1000], 0, 4000)}, "size": 16}, "has"),
    "backwards": ({"entries": {"a": entry([4], 16, 0)}, "size": 16}, "takes"),
    "negative": ({"entries": {"a": entry([-4], 0, 16)}, "size": 16}, "shape"),
    "another length": ({"entries": {"a": entry([5], 0, 16)}, "size": 16}, "takes"),
    "overflow": ({"entries": {"a": entry([1 << 32, 1 << 32], 0, 0)}, "size": 0}, "takes"),
    "dtype": ({"entries": {"a": entry([4], 0, 16, "O")}, "size": 16}, "dtype"),
    "more at the end": ({"entries": {"a": entry([4], 0, 16)}, "size": 99}, "bytes"),
    "twice": (
        {
            "entries": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
            b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
            "size": 4,
        },
        "two entries",
    ),
    "no json": ({"entries": b"\x80\4K\1.", "size": 4}, "header"),
    "deep": ({"entries": b'{"a":' * 100_000, "size": 0}, "header"),
    "notes": ({"entries": {}, "size": 0, "metadata": {"a": [1]}}, "notes"),
    "empty": ({"entries": {}, "size": 0}, "fit"),
}


@pytest.mark.parametrize("kind", list(TENSORS))
def test_safetensors_whose_header_misleads(tmp_path, kind):
    arguments, word = TENSORS[kind]
    refused(network().load_weights, tensors(tmp_path / "w.safetensors", **arguments), word)


# ---- 15: downloads ----------------------------------------------------------------------------


def tar(path, *entries):
    with tarfile.open(path, "w") as file:
        for name, kind, target in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            content = b"content" if kind == tarfile.REGTYPE else b""
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


REG, SYM, LNK = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
TARS = {
    "up": [("../evil", REG, "")],
    "root": [("/tmp/etude-evil", REG, "")],
    "inside and up": [("a/../../evil", REG, "")],
    "symbolic link": [("x", SYM, "/etc/passwd")],
    "link inside": [("a", REG, ""), ("b", SYM, "a")],
    "hard link": [("x", LNK, "../../evil")],
    "link, then through it": [("x", SYM, ".."), ("x/evil", REG, "")],
    "device": [("null", tarfile.CHRTYPE, "")],
    "block device": [("disk", tarfile.BLKTYPE, "")],
    "pipe": [("pipe", tarfile.FIFOTYPE, "")],
}


@pytest.mark.parametrize("kind", list(TARS))
def test_tars(tmp_path, kind):
    """CVE-2025-12638, CVE-2025-4517 and CVE-2026-7774: `filter="data"` was got round."""
    cache = tmp_path / "cache"
    path = tar(tmp_path / "pack.tar", *TARS[kind])
    with watched(tmp_path), pytest.raises(FetchError, match="refused") as caught:
        get_file("pack.tar", path.as_uri(), untar=True, cache_dir=cache)
    assert "pack.tar" in str(caught.value)
    assert not list(tmp_path.rglob("evil"))
    assert not any(p.is_symlink() for p in tmp_path.rglob("*"))


def test_a_long_path_of_links(tmp_path):
    """CVE-2025-4517: links whose resolved path is too long to be checked."""
    step = "d" * 200
    entries = []
    at = ""
    for letter in "abcdefghijklmnop":
        entries += [(f"{at}{step}", tarfile.DIRTYPE, ""), (f"{at}{letter}", SYM, step)]
        at += f"{step}/"
    entries += [("/".join("abcdefghijklmnop") + "/l", SYM, "../" * 16), ("escape", SYM, "l/..")]
    path = tar(tmp_path / "pack.tar", *entries)
    with pytest.raises(FetchError, match="refused"):
        get_file("pack.tar", path.as_uri(), untar=True, cache_dir=tmp_path / "cache")


def test_a_wrong_hash_and_a_missing_one(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"content")
    with pytest.raises(FetchError, match="does not match") as caught:
        get_file("b.bin", (tmp_path / "a.bin").as_uri(), file_hash="0" * 64, cache_dir=tmp_path)
    assert "a.bin" in str(caught.value) and not (tmp_path / "datasets" / "b.bin").exists()
    with pytest.raises(TypeError):
        Blob("data.bin", 7)  # a data set cannot even be declared without a hash
