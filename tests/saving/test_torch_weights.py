"""Weights of PyTorch: what its documentation says a module computes, written out in NumPy here."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import etude
from etude import Input, Model, Sequential, layers, saving
from etude.errors import ArgumentError, SerializationError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def on_numpy():
    etude.config.set_engine("numpy")


def random_weights(model):
    model.set_weights([RNG.normal(size=w.shape).astype("float32") for w in model.weights])
    return model


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# ---- modules of PyTorch, by the formulas of its documentation ---------------------------------


def linear(x, state, name):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def conv2d(x, weight, bias, groups=1):
    """x (N, C, H, W), weight (O, C / groups, h, w), without padding."""
    n, _c, height, width = x.shape
    outputs, per_group, h, w = weight.shape
    result = np.zeros((n, outputs, height - h + 1, width - w + 1))
    for o in range(outputs):
        start = o // (outputs // groups) * per_group
        for i in range(result.shape[2]):
            for j in range(result.shape[3]):
                window = x[:, start : start + per_group, i : i + h, j : j + w]
                result[:, o, i, j] = (window * weight[o]).sum((1, 2, 3))
    return result if bias is None else result + bias[:, None, None]


def conv_transpose2d(x, weight, bias):
    """x (N, C, H, W), weight (C, O, h, w), stride 1."""
    n, _c, height, width = x.shape
    _, outputs, h, w = weight.shape
    result = np.zeros((n, outputs, height + h - 1, width + w - 1))
    for i in range(height):
        for j in range(width):
            result[:, :, i : i + h, j : j + w] += np.einsum("nc,cohw->nohw", x[:, :, i, j], weight)
    return result + bias[:, None, None]


def lstm(x, s, end=""):
    size = s[f"weight_hh_l0{end}"].shape[1]
    h = c = np.zeros((len(x), size))
    outputs = []
    for t in range(x.shape[1]):
        z = x[:, t] @ s[f"weight_ih_l0{end}"].T + s[f"bias_ih_l0{end}"]
        z = z + h @ s[f"weight_hh_l0{end}"].T + s[f"bias_hh_l0{end}"]
        i, f, g, o = np.split(z, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1)


def gru(x, s, end=""):
    size = s[f"weight_hh_l0{end}"].shape[1]
    h = np.zeros((len(x), size))
    outputs = []
    for t in range(x.shape[1]):
        xr, xz, xn = np.split(x[:, t] @ s[f"weight_ih_l0{end}"].T + s[f"bias_ih_l0{end}"], 3, 1)
        hr, hz, hn = np.split(h @ s[f"weight_hh_l0{end}"].T + s[f"bias_hh_l0{end}"], 3, 1)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        n = np.tanh(xn + r * hn)
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs, 1)


def rnn(x, s, end=""):
    h = np.zeros((len(x), s[f"weight_hh_l0{end}"].shape[1]))
    outputs = []
    for t in range(x.shape[1]):
        z = x[:, t] @ s[f"weight_ih_l0{end}"].T + s[f"bias_ih_l0{end}"]
        h = np.tanh(z + h @ s[f"weight_hh_l0{end}"].T + s[f"bias_hh_l0{end}"])
        outputs.append(h)
    return np.stack(outputs, 1)


def attention(x, s, heads):
    """Self-attention, x (N, T, E)."""
    n, steps, features = x.shape
    parts = np.split(x @ s["in_proj_weight"].T + s["in_proj_bias"], 3, -1)
    q, k, v = (p.reshape(n, steps, heads, -1).transpose(0, 2, 1, 3) for p in parts)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (scores / scores.sum(-1, keepdims=True)) @ v
    joined = mixed.transpose(0, 2, 1, 3).reshape(n, steps, features)
    return joined @ s["out_proj.weight"].T + s["out_proj.bias"]


# ---- single layers ----------------------------------------------------------------------------

SEQUENCE, IMAGE = normal(2, 4, 6), normal(2, 5, 4, 3)
CHANNELS_FIRST = IMAGE.transpose(0, 3, 1, 2)


def of_image(result):
    return result.transpose(0, 2, 3, 1)


def only(state, start="x."):
    return {name.removeprefix(start): value for name, value in state.items()}


CASES = {
    "Dense": (layers.Dense(5), SEQUENCE, lambda s: linear(SEQUENCE, s, "x")),
    "Conv2D": (
        layers.Conv2D(4, (3, 2)),
        IMAGE,
        lambda s: of_image(conv2d(CHANNELS_FIRST, s["x.weight"], s["x.bias"])),
    ),
    "Conv2D in groups": (
        layers.Conv2D(6, 2, groups=3, use_bias=False),
        IMAGE,
        lambda s: of_image(conv2d(CHANNELS_FIRST, s["x.weight"], None, 3)),
    ),
    "Conv1D": (
        layers.Conv1D(4, 3),
        SEQUENCE,
        lambda s: conv2d(
            SEQUENCE.transpose(0, 2, 1)[..., None], s["x.weight"][..., None], s["x.bias"]
        )[..., 0].transpose(0, 2, 1),
    ),
    "Conv2DTranspose": (
        layers.Conv2DTranspose(4, (3, 2)),
        IMAGE,
        lambda s: of_image(conv_transpose2d(CHANNELS_FIRST, s["x.weight"], s["x.bias"])),
    ),
    "DepthwiseConv2D": (
        layers.DepthwiseConv2D((3, 2), depth_multiplier=2),
        IMAGE,
        lambda s: of_image(conv2d(CHANNELS_FIRST, s["x.weight"], s["x.bias"], 3)),
    ),
    "SeparableConv2D": (
        layers.SeparableConv2D(4, (3, 2), depth_multiplier=2),
        IMAGE,
        lambda s: of_image(
            conv2d(
                conv2d(CHANNELS_FIRST, s["x.depthwise.weight"], None, 3),
                s["x.pointwise.weight"],
                s["x.pointwise.bias"],
            )
        ),
    ),
    "Embedding": (
        layers.Embedding(9, 4),
        np.array([[1, 8], [0, 3]]),
        lambda s: s["x.weight"][[[1, 8], [0, 3]]],
    ),
    "LayerNormalization": (
        layers.LayerNormalization(),
        SEQUENCE,
        lambda s: (
            (SEQUENCE - SEQUENCE.mean(-1, keepdims=True))
            / np.sqrt(SEQUENCE.var(-1, keepdims=True) + 1e-3)
            * s["x.weight"]
            + s["x.bias"]
        ),
    ),
    "LSTM": (
        layers.LSTM(3, return_sequences=True),
        SEQUENCE,
        lambda s: lstm(SEQUENCE, only(s)),
    ),
    "GRU": (layers.GRU(3, return_sequences=True), SEQUENCE, lambda s: gru(SEQUENCE, only(s))),
    "SimpleRNN": (
        layers.SimpleRNN(3, return_sequences=True),
        SEQUENCE,
        lambda s: rnn(SEQUENCE, only(s)),
    ),
    "Bidirectional": (
        layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        SEQUENCE,
        lambda s: np.concatenate(
            [
                gru(SEQUENCE, only(s)),
                gru(SEQUENCE[:, ::-1], only(s), "_reverse")[:, ::-1],
            ],
            -1,
        ),
    ),
}


@pytest.mark.parametrize("kind", list(CASES))
def test_what_is_written_computes_the_same_there_and_comes_back(tmp_path, kind):
    layer, x, there = CASES[kind]
    config = layer.get_config()
    config["name"] = "x"
    model = Sequential([Input(x.shape[1:], dtype=x.dtype.name), type(layer).from_config(config)])
    random_weights(model)
    path = tmp_path / "w.safetensors"
    saving.save_torch_weights(model, path, verbose=0)
    state = load_file(path)
    np.testing.assert_allclose(model(x), there(state), rtol=1e-4, atol=1e-5)
    other = random_weights(etude.models.clone_model(model))
    saving.load_torch_weights(other, path, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_biases_become_one(tmp_path):
    state = {"weight_ih_l0": normal(12, 6), "weight_hh_l0": normal(12, 3)}
    state |= {"bias_ih_l0": normal(12), "bias_hh_l0": normal(12)}
    save_file({f"rnn.{name}": value for name, value in state.items()}, tmp_path / "w.safetensors")
    model = Sequential([Input((4, 6)), layers.LSTM(3, return_sequences=True)])
    saving.load_torch_weights(model, tmp_path / "w.safetensors")
    np.testing.assert_allclose(model(SEQUENCE), lstm(SEQUENCE, state), rtol=1e-4, atol=1e-5)


def test_attention(tmp_path):
    x = Input((4, 6))
    model = random_weights(Model(x, layers.MultiHeadAttention(2, 3, name="x")(x, x)))
    saving.save_torch_weights(model, tmp_path / "w.safetensors", verbose=0)
    state = load_file(tmp_path / "w.safetensors")
    expected = attention(SEQUENCE, only(state), 2)
    np.testing.assert_allclose(model(SEQUENCE), expected, rtol=1e-4, atol=1e-5)
    other = random_weights(etude.models.clone_model(model))
    saving.load_torch_weights(other, tmp_path / "w.safetensors", verbose=0)
    np.testing.assert_allclose(other(SEQUENCE), expected, rtol=1e-4, atol=1e-5)


# ---- networks ---------------------------------------------------------------------------------


def lenet():
    return Sequential(
        [
            Input((5, 4, 3)),
            layers.Conv2D(4, 2, activation="relu"),
            layers.BatchNormalization(epsilon=1e-5),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(6, activation="relu"),
            layers.Dense(2),
        ]
    )


def lenet_state(names=("0", "2", "4", "6")):
    """What `torch.nn.Sequential(Conv2d, ReLU, BatchNorm2d, Flatten, Linear, ReLU, Linear)` has."""
    conv, norm, first, second = names
    return {
        f"{conv}.weight": normal(4, 3, 2, 2),
        f"{conv}.bias": normal(4),
        f"{norm}.weight": normal(4),
        f"{norm}.bias": normal(4),
        f"{norm}.running_mean": normal(4),
        f"{norm}.running_var": np.abs(normal(4)),
        f"{norm}.num_batches_tracked": np.array(7),
        f"{first}.weight": normal(6, 4 * 4 * 3),
        f"{first}.bias": normal(6),
        f"{second}.weight": normal(2, 6),
        f"{second}.bias": normal(2),
    }


def lenet_there(s, names=("0", "2", "4", "6")):
    conv, norm, first, second = names
    x = np.maximum(conv2d(CHANNELS_FIRST, s[f"{conv}.weight"], s[f"{conv}.bias"]), 0)
    column = {n: s[f"{norm}.{n}"][:, None, None] for n in ("weight", "bias")}
    mean, variance = s[f"{norm}.running_mean"], s[f"{norm}.running_var"]
    x = (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)
    x = (x * column["weight"] + column["bias"]).reshape(len(x), -1)  # (N, C, H, W) flattened
    return linear(np.maximum(linear(x, s, first), 0), s, second)


@pytest.mark.parametrize(
    ("names", "mapping"),
    [
        (("0", "2", "4", "6"), None),
        (("net.0", "net.2", "net.10", "net.12"), None),
        (("z", "y", "x", "a"), None),  # shapes leave one choice
        (("q", "w", "e", "r"), {"conv2d": "q", "dense_1": "r"}),
    ],
)
def test_a_network_of_pytorch(tmp_path, names, mapping, capsys):
    state = lenet_state(names)
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    model = lenet()
    found = saving.load_torch_weights(model, path, mapping)
    assert tuple(found.values()) == names
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4 and "channels first" in printed[2] and names[2] in printed[2]
    np.testing.assert_allclose(model(IMAGE), lenet_there(state, names), rtol=1e-4, atol=1e-4)
    saving.save_torch_weights(model, tmp_path / "v.safetensors", found, verbose=0)
    written = load_file(tmp_path / "v.safetensors")
    assert set(written) == set(state)
    for name in set(state) - {f"{names[1]}.num_batches_tracked"}:
        np.testing.assert_array_equal(written[name], state[name], err_msg=name)


def test_what_cannot_be_told_apart_is_asked(tmp_path):
    model = Sequential([Input((3,)), layers.Dense(3, name="one"), layers.Dense(3, name="two")])
    state = {f"{n}.{k}": normal(*s) for n in "ba" for k, s in (("weight", (3, 3)), ("bias", (3,)))}
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    with pytest.raises(SerializationError, match=r"(?s)one: a, b.*mapping="):
        saving.load_torch_weights(model, path)
    saving.load_torch_weights(model, path, {"one": "b"}, verbose=0)
    np.testing.assert_array_equal(model.layers[0].kernel, state["b.weight"].T)
    np.testing.assert_array_equal(model.layers[1].kernel, state["a.weight"].T)
    with pytest.raises(SerializationError, match="does not fit"):
        saving.load_torch_weights(model, path, {"one": "c"})
    with pytest.raises(ArgumentError, match="one, two"):
        saving.load_torch_weights(model, path, {"three": "b"})
    wider = Sequential([Input((3,)), layers.Dense(3, name="one")])
    with pytest.raises(SerializationError, match="no place for"):
        saving.load_torch_weights(wider, path, {"one": "a"})
    saving.load_torch_weights(wider, path, {"one": "a"}, strict=False, verbose=0)
    with pytest.raises(ArgumentError, match=r"\.safetensors"):
        saving.save_torch_weights(model, tmp_path / "w.bin")


def test_models_in_models_and_wrappers(tmp_path):
    inner = Sequential([Input((6,)), layers.Dense(4, name="d")], name="inner")
    model = Sequential([Input((4, 6)), layers.TimeDistributed(inner.layers[0], name="each")])
    saving.save_torch_weights(model, tmp_path / "a.safetensors", verbose=0)
    assert set(load_file(tmp_path / "a.safetensors")) == {"each.weight", "each.bias"}
    model = Sequential([Input((6,)), inner, layers.Dense(2, name="out")])
    saving.save_torch_weights(model, tmp_path / "b.safetensors", verbose=0)
    assert "inner.d.weight" in load_file(tmp_path / "b.safetensors")
    saving.load_torch_weights(model, tmp_path / "b.safetensors", verbose=0)


def test_real_pytorch_agrees(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    nn = torch.nn
    module = nn.Sequential(
        nn.Conv2d(3, 4, 2), nn.ReLU(), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(48, 6), nn.ReLU(),
        nn.Linear(6, 2),
    ).eval()  # fmt: skip
    save_file({n: v.numpy() for n, v in module.state_dict().items()}, tmp_path / "w.safetensors")
    model = lenet()
    saving.load_torch_weights(model, tmp_path / "w.safetensors", verbose=0)
    expected = module(torch.tensor(CHANNELS_FIRST)).detach().numpy()
    np.testing.assert_allclose(model(IMAGE), expected, rtol=1e-4, atol=1e-5)
