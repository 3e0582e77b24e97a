"""How fast does `fit` train: etude against Keras 3 on each of its backends, and PyTorch by hand.

Every contender trains the same reference models (`benchmarks.models`) on the same synthetic data,
with Adam and, where there are classes, the accuracy; all of Keras's shape through the same lines.
Rounds are interleaved. Compilation is not in the rates: each contender trains one epoch before the
first that counts; the time from the start of its process to the end of its first step stands beside
them.

    python -m benchmarks.training
    python -m benchmarks.training --models mlp-32 lenet --rounds 9 --against keras-jax torch-fused

`+32` means `steps_per_execution=32`. Contenders on torch and TensorFlow run in .venv-peers (`make
bench-peers`); without it, Keras on JAX is the only peer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Contender, Round, Spread, interleave, ratios, serve
from benchmarks.models import MODELS, multiply_adds

ROOT = Path(__file__).parents[1]
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
KERAS = ("keras-jax", "keras-jax+32")
ELSEWHERE = (
    *("keras-tensorflow", "keras-tensorflow+32", "keras-torch"),
    *("torch-eager", "torch-fused", "torch-compile"),
)
CONTENDERS = ("etude-xla", "etude-numpy", *KERAS, *ELSEWHERE)


# --- in a contender's process -------------------------------------------------------------------


def framework(contender: str) -> Any:
    """The Keras-shaped module behind a contender's name."""
    kind, _, engine = contender.partition("+")[0].partition("-")
    if kind == "etude":
        import etude

        etude.config.set_engine(engine)
        return etude
    os.environ["KERAS_BACKEND"] = engine
    import keras

    return keras


def age_of_process() -> float:
    """Seconds since this process was started, as Linux tells them."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # seconds after the machine was
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def work(contender: str, model: str, samples: int) -> None:
    """Runs in a contender's process: trains one epoch, then one per request."""
    reference = MODELS[model]
    x, y = reference.data(samples)
    with contextlib.redirect_stdout(sys.stderr):
        if contender.startswith("torch"):
            from benchmarks import torch_models

            version, train, about = torch_models.trainer(contender, model, reference.batch, x, y)
        else:
            version, train, about = fitter(contender, model, x, y)
        train(reference.batch)
        first_step = age_of_process()
        train(samples)

    def measure() -> Round:
        start = time.perf_counter()
        loss = train(samples)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
        return {"samples_per_second": samples / seconds, "loss": loss, "peak_mib": peak}

    serve(measure, about={"version": version, "first_step_seconds": first_step, **about})


def fitter(contender: str, model: str, x: np.ndarray, y: np.ndarray) -> tuple[str, Any, Round]:
    """The version of a framework of Keras's shape, and what trains on the first samples."""
    keras = framework(contender)
    keras.utils.set_random_seed(0)
    reference = MODELS[model]
    built = reference.build(keras)
    if contender.endswith("+32"):
        built.steps_per_execution = 32

    def train(samples: int) -> float:
        history = built.fit(x[:samples], y[:samples], batch_size=reference.batch, verbose=0).history
        return float(history["loss"][-1])

    return keras.__version__, train, {"multiply_adds": multiply_adds(built)}


# --- side by side -------------------------------------------------------------------------------


def contender(name: str, model: str, samples: int) -> Contender:
    """The process that trains a model under `name`."""
    return Contender(
        name,
        [
            "-m",
            "benchmarks.training",
            "--worker",
            name,
            "--models",
            model,
            "--samples",
            str(samples),
        ],
        environment={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(os.cpu_count())},
        python=str(PEERS_PYTHON) if name in ELSEWHERE else sys.executable,
    )


def sgemm() -> float:
    """GFLOP/s of a product of two 2048x2048 matrices in XLA, the best of five."""
    import jax
    import jax.numpy as jnp

    a = jnp.ones((2048, 2048), "float32")
    product = jax.jit(lambda a: a @ a)
    seconds: list[float] = []
    for _ in range(6):
        start = time.perf_counter()
        jax.block_until_ready(product(a))
        seconds.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(seconds[1:]) / 1e9


def compare(model: str, names: list[str], rounds: int, samples: int, peak: float) -> Round:
    """Runs all contenders side by side on a model and prints a row for each, the first on top."""
    reference = MODELS[model]
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(contender(name, model, samples)) for name in names]
        results = interleave(running, rounds)
    flops = 6 * running[0].about["multiply_adds"]  # forward, and twice as much on the way back
    print(
        f"\n{reference.title} ({model}): batches of {reference.batch}, {samples:,} samples a round"
    )
    print(f"{'':28}{'samples/s':>11}{'of sgemm':>9}{'step 1':>9}{'MiB':>7}{'loss':>8}{'ratio':>22}")
    speeds = [[r["samples_per_second"] for r in rows] for rows in results]
    for who, speed, rows in zip(running, speeds, results, strict=True):
        middle, times = Spread.of(speed).median, ratios(speeds[0], speed)
        print(
            f"{who.name + ' ' + who.about['version']:28}{middle:11,.0f}"
            f"{middle * flops / peak / 1e9:9.0%}{who.about['first_step_seconds']:8.1f}s"
            f"{rows[-1]['peak_mib']:7.0f}{rows[-1]['loss']:8.3f}"
            f"{f'{times.median:.2f} ({times.low:.2f} to {times.high:.2f})':>22}",
            flush=True,
        )
    by_name = {
        who.name: {**who.about, "rounds": rows} for who, rows in zip(running, results, strict=True)
    }
    return {"samples": samples, "contenders": by_name, "best_peer": best_peer(names, speeds)}


def best_peer(names: list[str], speeds: list[list[float]]) -> Round:
    """The peer with the highest median, and how many times as fast the first contender is."""
    peers = range(1, len(names))
    best = max(peers, key=lambda i: Spread.of(speeds[i]).median)
    times = ratios(speeds[0], speeds[best])
    return {"name": names[best], "ratio": times.median, "low": times.low, "high": times.high}


def main(argv: list[str] | None = None) -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--etude", choices=("xla", "numpy"), default="xla", help="the engine")
    parser.add_argument("--models", nargs="+", choices=[*MODELS], default=[*MODELS], metavar="NAME")
    parser.add_argument("--against", nargs="+", choices=CONTENDERS, help="peers; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, help="per round; each model has a number of its own")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.worker:
        work(options.worker, options.models[0], options.samples)
        return
    peers = options.against or [*KERAS, *(ELSEWHERE if PEERS_PYTHON.exists() else ())]
    missing = [name for name in peers if name in ELSEWHERE and not PEERS_PYTHON.exists()]
    if missing:
        parser.error(f"{missing[0]} needs its own environment: run `make bench-peers` first.")
    peak = sgemm()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};")
    print(f"sgemm {peak:.0f} GFLOP/s; {options.rounds} interleaved rounds. The ratio says how many")
    print(f"times the contender's speed etude-{options.etude} reaches, in one round.")
    found: Round = {"sgemm_gflops": peak, "models": {}}
    for model in options.models:
        samples = options.samples or MODELS[model].samples
        names = [f"etude-{options.etude}", *peers]
        found["models"][model] = compare(model, names, options.rounds, samples, peak)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=1))
    print(f"\n{'':28}{'ratio to the best peer':>24}")
    for model, row in found["models"].items():
        best = row["best_peer"]
        ratio = f"{best['ratio']:.2f} ({best['low']:.2f} to {best['high']:.2f})"
        print(f"{MODELS[model].title:28}{ratio:>24}  {best['name']}")


if __name__ == "__main__":
    main()
