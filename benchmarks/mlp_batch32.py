"""How fast does `fit` train a small MLP: etude on XLA against Keras 3 with default settings.

The model is 784-128-10 at batch size 32, with Adam, sparse categorical cross-entropy and the
accuracy: so small that what a framework does between two steps shows. Every contender runs the
same lines through the same public API, on the same synthetic images of MNIST's shape, all of
which it also has to learn. Compilation is not in the figures: each contender runs one full round
before the first that counts.

    python -m benchmarks.mlp_batch32
    python -m benchmarks.mlp_batch32 --rounds 9 --against keras-jax keras-torch

`keras-torch` and `keras-tensorflow` run in .venv-peers (`make bench-peers`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Contender, Round, Spread, interleave, ratios, serve

ROOT = Path(__file__).parents[1]
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
CONTENDERS = ("etude-xla", "etude-numpy", "keras-jax", "keras-torch", "keras-tensorflow")


def synthetic_digits(samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ten noisy patterns: images (samples, 784), float32 in [0, 1], and labels (samples,)."""
    draw = np.random.default_rng(seed)
    patterns = draw.random((10, 784), dtype=np.float32)
    labels = draw.integers(0, 10, samples)
    images = 0.3 * patterns[labels] + 0.7 * draw.random((samples, 784), dtype=np.float32)
    return images, labels


def framework(contender: str) -> Any:
    """The Keras-shaped module behind a contender's name."""
    kind, _, engine = contender.partition("-")
    if kind == "etude":
        import etude

        etude.config.set_engine(engine)
        return etude
    os.environ["KERAS_BACKEND"] = engine
    import keras

    return keras


def work(contender: str, samples: int, epochs: int) -> None:
    """Runs in a contender's process: warms up, then trains once per request."""
    keras = framework(contender)
    x, y = synthetic_digits(samples)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )

    def measure() -> Round:
        start = time.perf_counter()
        history = model.fit(x, y, batch_size=32, epochs=epochs, verbose=0).history
        seconds = time.perf_counter() - start
        return {
            "samples_per_second": samples * epochs / seconds,
            "accuracy": float(history["accuracy"][-1]),
        }

    with contextlib.redirect_stdout(sys.stderr):
        measure()
    serve(measure, about={"version": keras.__version__})


def contender(name: str, samples: int, epochs: int) -> Contender:
    """The process that trains under `name`."""
    elsewhere = name in ("keras-torch", "keras-tensorflow")
    if elsewhere and not PEERS_PYTHON.exists():
        sys.exit(f"{name} needs its own environment: run `make bench-peers` first.")
    sizes = ["--samples", str(samples), "--epochs", str(epochs)]
    return Contender(
        name,
        ["-m", "benchmarks.mlp_batch32", "--worker", name, *sizes],
        environment={"PYTHONPATH": str(ROOT)},
        python=str(PEERS_PYTHON) if elsewhere else sys.executable,
    )


def compare(names: list[str], rounds: int, samples: int, epochs: int) -> list[list[Round]]:
    """Runs all contenders side by side and prints a row for each, etude's first."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(contender(name, samples, epochs)) for name in names]
        results = interleave(running, rounds)

    print(f"MLP 784-128-10, batch 32, Adam: {rounds} interleaved rounds of {epochs} epochs over")
    print(f"{samples:,} samples; {platform.machine()}, {os.cpu_count()} cores, ", end="")
    print(f"Python {platform.python_version()}")
    print(f"{'':20}{'samples/s':>12}{'lowest':>12}{'highest':>12}{'accuracy':>10}{'ratio':>22}")
    speeds = [[r["samples_per_second"] for r in rows] for rows in results]
    for who, speed, rows in zip(running, speeds, results, strict=True):
        spread = Spread.of(speed)
        times = ratios(speeds[0], speed)
        ratio = f"{times.median:.2f} ({times.low:.2f} to {times.high:.2f})"
        print(
            f"{who.name + ' ' + who.about['version']:20}{spread.median:12,.0f}{spread.low:12,.0f}"
            f"{spread.high:12,.0f}{rows[-1]['accuracy']:10.3f}{ratio:>22}"
        )
    print(f"The ratio says how many times the contender's speed {names[0]} reaches, in one round.")
    return results


def main(argv: list[str] | None = None) -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--etude", choices=("xla", "numpy"), default="xla", help="the engine")
    parser.add_argument("--against", nargs="+", choices=CONTENDERS, default=["keras-jax"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=2, help="epochs per round")
    parser.add_argument("--json", type=Path, help="write every round there, too")
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.worker:
        work(options.worker, options.samples, options.epochs)
        return
    names = [f"etude-{options.etude}", *options.against]
    results = compare(names, options.rounds, options.samples, options.epochs)
    if options.json:
        options.json.write_text(json.dumps(dict(zip(names, results, strict=True)), indent=1))


if __name__ == "__main__":
    main()
