"""What every test and doctest can count on: engines, seeds, and Keras on JAX as the reference."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before anything imports keras: the reference runs on JAX, on the CPU.
os.environ["KERAS_BACKEND"] = "jax"

# What a shell starts in the background ignores Ctrl-C, and so would all that is tested here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from hypothesis import HealthCheck, settings

from etude import config, naming, random
from etude.autodiff import side_effects, unconnected
from etude.data import Dataset

ENGINES = ("numpy", "xla")

# Labs, and scripts in the manner of course material, train when they are imported, as the search
# for doctests would do.
ROOT = Path(__file__).parent
LABS = (ROOT / "src" / "etude" / "labs").glob("[!_]*.py")
SCRIPTS = (ROOT / "tests" / "compat" / "scripts").glob("*.py")
collect_ignore = [str(path) for path in (*LABS, *SCRIPTS)]
if importlib.util.find_spec("onnx") is None:  # which this file imports at its top
    collect_ignore.append(str(ROOT / "src" / "etude" / "export" / "onnx_file.py"))

# `HYPOTHESIS_PROFILE=thorough pytest` looks further than every change needs to.
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The test runs once on each engine; `isolated` puts the old one back."""
    if request.param == "xla":
        pytest.importorskip("jax", reason="the engine xla needs jax")
    config.set_engine(request.param)
    return request.param


@pytest.fixture(autouse=True)
def isolated() -> Iterator[None]:
    """Settings of the process are as before after each test; draws and names repeat."""
    random.set_random_seed(0)
    naming.reset_uids()
    unconnected._told.clear()  # a line of code is told of once: here once for each test
    side_effects._lines_told.clear()
    before = (config.backend(), config.floatx(), config.epsilon(), config.image_data_format())
    yield
    engine, floatx, epsilon, image_data_format = before
    config.set_engine(engine)
    config.set_floatx(floatx)
    config.set_epsilon(epsilon)
    config.set_image_data_format(image_data_format)


@pytest.fixture(autouse=True)
def names_in_examples(
    request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]
) -> Iterator[None]:
    """Methods of `Dataset` stand in files below its own, and their examples speak of `Dataset`."""
    if request.node.nodeid.startswith("src/etude/data/dataset/"):
        doctest_namespace["Dataset"] = Dataset
    yield
    doctest_namespace.pop("Dataset", None)
