"""The labs of unit 3: their targets, and their functions beside references."""

from __future__ import annotations

import functools
import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from etude import applications, datasets
from etude.errors import FetchError
from etude.labs.running.results import Result
from tests.labs.runs import run

pytest.importorskip("jax", reason="the labs of unit 3 are for the engine xla")
pytest.importorskip("sklearn", reason="the extra `labs` is not installed")
pytest.importorskip("matplotlib", reason="the extra `labs` is not installed")


def missed(result: Result) -> list[str]:
    return [score.name for score in result.scores if score.reached is not True]


def fail() -> None:
    raise FetchError("it cannot be had")


@functools.cache
def convolution(out: Path) -> Result:
    """On scikit-learn's digits, which need no network; one run serves all that look at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.mnist, "load_data", fail)
        return run("convolution", "xla", out)


# ---- convolution -------------------------------------------------------------------------------


def test_convolution_reaches_its_targets(out):
    result = convolution(out)
    assert missed(result) == []
    assert result.desk.material is not None
    assert result.desk.material.stand_in_for == "mnist"


def test_the_convolution_by_hand_is_that_of_scipy(out):
    signal = pytest.importorskip("scipy.signal", reason="the extra `labs` is not installed")
    lab = convolution(out).namespace
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(9, 11)), rng.normal(size=(3, 3))
    for stride, padding in ((1, 0), (2, 0), (1, 1), (3, 2)):
        whole = signal.correlate2d(np.pad(x, padding), w, mode="valid")
        np.testing.assert_allclose(
            lab["convolve"](x, w, stride, padding), whole[::stride, ::stride]
        )


def test_places_are_counted_right(out):
    places = convolution(out).namespace["places"]
    for n in range(5, 12):
        for kernel in (1, 2, 3, 5):
            for stride in (1, 2, 3):
                for padding in (0, 1, 2):
                    starts = range(-padding, n + padding - kernel + 1, stride)
                    assert places(n, kernel, stride, padding) == len(starts)


def test_receptive_fields_are_the_known_ones(out):
    field = convolution(out).namespace["receptive_field"]
    assert field([("conv", 3, 1)] * 3)[-1] == (7, 1)  # three of 3×3 see as far as one of 7×7
    vgg16 = [s for n in (2, 2, 3, 3, 3) for s in [("conv", 3, 1)] * n + [("pool", 2, 2)]]
    assert field(vgg16)[-1] == (212, 32)  # as published for VGG16's pool5


def test_shifted_digits_are_moved_and_not_wrapped(out):
    shifted = convolution(out).namespace["shifted"]
    images = np.zeros((2, 5, 5, 1), "float32")
    images[:, 2, 2] = 1
    moved = shifted(images, np.array([1, -2]), np.array([0, 2]))
    assert np.argwhere(moved[..., 0]).tolist() == [[0, 3, 2], [1, 0, 4]]
    assert not shifted(images, np.array([3, 0]), np.array([0, -3])).any()


# ---- image-folder ------------------------------------------------------------------------------


@pytest.fixture
def stripes(tmp_path) -> Path:
    """Stripes upright, level and slanting, each somewhere else: no pixel tells them apart."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :52]
    for name, (a, b) in {"upright": (0, 1), "level": (1, 0), "slanting": (0.7, 0.7)}.items():
        (tmp_path / "own" / name).mkdir(parents=True)
        for i in range(30):
            wave = np.sin((a * rows + b * columns) * rng.uniform(0.8, 1.2) + rng.uniform(0, 6))
            grey = 127 + 90 * wave + rng.normal(0, 10, wave.shape)
            image = Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
            image.save(tmp_path / "own" / name / f"{i}.png")
    (tmp_path / "own" / "level" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "own"


def test_an_unseen_folder_trains_and_beats_its_baseline(stripes, tmp_path):
    result = run("image-folder", "xla", tmp_path, stripes, epochs="15")
    scores = {score.name: score for score in result.scores}
    assert scores["points_over_linear"].value >= 15
    assert scores["test_accuracy"].target is None, "nobody can promise a number for any folder"
    page = result.report.read_text()
    assert "level/broken.jpg" in page
    assert {e.kind for e in result.desk.exhibits} >= {"model", "curves", "confusion", "mistakes"}
    fingerprints = result.namespace["fingerprints"](result.namespace["x_test"])
    np.testing.assert_allclose(np.linalg.norm(fingerprints, axis=1), 1, rtol=1e-5)


# ---- fashion-mnist, cifar10 --------------------------------------------------------------------


def test_fashion_mnist_on_its_stand_in(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.fashion_mnist, "load_data", fail)
    result = run("fashion-mnist", "xla", tmp_path)
    assert missed(result) == []
    lab = result.namespace
    metrics = pytest.importorskip("sklearn.metrics")
    options = {"average": None, "zero_division": 0}
    y, guess = lab["y_test"], lab["predicted"]
    np.testing.assert_allclose(lab["recall"], metrics.recall_score(y, guess, **options))
    np.testing.assert_allclose(lab["precision"], metrics.precision_score(y, guess, **options))


@pytest.fixture
def flat_colours(monkeypatch):
    """Four classes of flat colour and noise, in the form in which CIFAR-10 comes."""
    rng = np.random.default_rng(0)
    colours = np.array([[180, 60, 60], [60, 180, 60], [60, 60, 180], [140, 140, 40]])

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(0, 4, (n, 1)).astype(np.uint8)
        x = colours[y[:, 0]][:, None, None] + rng.normal(0, 30, (n, 32, 32, 3))
        return x.clip(0, 255).astype(np.uint8), y

    data = part(320), part(80)
    monkeypatch.setattr(datasets.cifar10, "load_data", lambda: data)


@pytest.mark.usefixtures("flat_colours")
def test_cifar10_learns_colours_that_greys_would_not_tell(tmp_path):
    result = run("cifar10", "xla", tmp_path, epochs="2")
    assert missed(result) == []
    assert result.namespace["y_test"].shape == (80,)
    np.testing.assert_allclose(result.namespace["x_train"].mean(axis=(0, 1, 2)), 0, atol=1e-3)


# ---- architectures -----------------------------------------------------------------------------


@pytest.mark.usefixtures("flat_colours")
def test_architectures_cost_what_was_published_and_race(tmp_path, monkeypatch):
    ticks = itertools.count()  # the time of the race depends on no machine
    monkeypatch.setattr(time, "perf_counter", lambda: 0.02 * next(ticks))
    result = run("architectures", "xla", tmp_path, seconds="1")
    scores = {score.name: score for score in result.scores}
    assert scores["best_accuracy"].value > 0.9, "flat colours are no task"
    for clock, watched, *_ in result.namespace["results"].values():
        assert clock.used == pytest.approx(0.02 * (clock.steps - 1)), "the first step is free"
        late = [used - 0.2 * (lap + 1) for lap, (used, _) in enumerate(watched)]
        assert len(late) == 5
        assert all(-1e-9 <= seconds < 0.021 for seconds in late), (
            "a lap ends with the step it is in"
        )
        assert float(clock.model.optimizer.learning_rate) < 1e-6
    costs = result.namespace["found"]
    lenet = 28**2 * 25 * 3 * 6 + 10**2 * 25 * 6 * 16 + 400 * 120 + 120 * 84 + 84 * 10
    depth, _, work = costs["LeNet-5"]
    assert (depth, work) == (5, lenet)
    own = {"classes": 10, "input_shape": (32, 32, 3), "weights": None}
    assert costs["LeNet-5"][1] == applications.LeNet5(**own).count_params()
    assert costs["ResNet-20"][:2] == (20, applications.ResNet20(**own).count_params())
    stages = [9 * 16 * 16 * 32**2, 9 * 32 * 32 * 16**2, 9 * 64 * 64 * 8**2]  # all the same
    halving = [9 * 16 * 32 * 16**2, 9 * 32 * 64 * 8**2]
    resnet = 27 * 16 * 32**2 + 6 * stages[0] + 5 * (stages[1] + stages[2]) + sum(halving) + 640
    assert costs["ResNet-20"][2] == resnet


# ---- breast-cancer-cnn -------------------------------------------------------------------------


def test_breast_cancer_reaches_its_targets(tmp_path):
    result = run("breast-cancer-cnn", "xla", tmp_path, folds="1")
    assert missed(result) == []
    lab = result.namespace
    parts = lab["folds"](lab["y"], 5)
    assert sorted(np.concatenate(parts).tolist()) == list(range(569)), "each patient once"
    shares = [lab["y"][part].mean() for part in parts]
    assert np.ptp(shares) < 0.01, "each fold has the same share of malignant cases"
    signal = lab["as_signal"](np.arange(60).reshape(2, 30), np.arange(30))
    assert signal.shape == (2, 10, 3)
    assert signal[0, 4].tolist() == [4, 14, 24], "mean, error and worst of one quantity"
    train, test = lab["scaled"](lab["x"][:400], lab["x"][400:])
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-4)
    assert np.abs(test.mean(axis=0)).max() > 0.01, "the test patients have no say"
