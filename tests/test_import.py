"""What `import etude` brings along, and what works where jax is not installed."""

from __future__ import annotations

import os
import subprocess
import sys

# Each is slow to import, or optional, and is imported by what needs it.
NOT_AT_IMPORT = (
    "jax",
    "jaxlib",
    "h5py",
    "safetensors",
    "matplotlib",
    "sklearn",
    "scipy",
    "PIL",
    "jinja2",
    "typer",
    "keras",
    "IPython",
    "jupytext",
)


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `code` in an interpreter of its own, with the engine left to choose."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ETUDE_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_import_brings_only_what_it_needs():
    done = python(f"import sys, etude; print([m for m in {NOT_AT_IMPORT} if m in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"


def test_import_prints_nothing_and_starts_no_thread():
    done = python("import threading, etude; assert threading.active_count() == 1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# `None` in sys.modules is how Python spells "this module cannot be imported".
WITHOUT_JAX = """
import sys
sys.modules["jax"] = sys.modules["jaxlib"] = None
import numpy as np
import etude as keras

draw = np.random.default_rng(0)
x = draw.normal(size=(256, 8)).astype("float32")
y = (x.sum(axis=1) > 0).astype("int32")
"""


def test_the_core_trains_without_jax():
    done = python(
        WITHOUT_JAX
        + """
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(2, activation="softmax")]
)
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, batch_size=16, epochs=10, verbose=0).history
assert keras.backend.backend() == "numpy"
assert history["loss"][-1] < 0.8 * history["loss"][0], history["loss"]
assert history["accuracy"][-1] > 0.9, history["accuracy"]
"""
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1  # one line says how to get the faster engine
    assert "pip install 'etude[xla]'" in done.stderr


def test_asking_for_xla_without_jax_says_what_to_install():
    done = python(
        WITHOUT_JAX
        + """
try:
    keras.config.set_engine("xla")
except keras.errors.EngineError as error:
    print(error)
"""
    )
    assert done.returncode == 0, done.stderr
    assert "pip install 'etude[xla]'" in done.stdout


def test_the_engine_can_be_chosen_by_the_environment():
    done = python("import etude; print(etude.backend.backend())", ETUDE_ENGINE="numpy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "numpy\n", "")
