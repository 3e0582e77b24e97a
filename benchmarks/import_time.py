"""How long does `import etude` take: in fresh interpreters, with `import numpy` for proportion.

    python -m benchmarks.import_time

Measured inside the interpreter, from before the import to after it; its start is not included.
The byte code is compiled beforehand, as it is for everybody who imports a package a second time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

from benchmarks.harness import Spread

PROBE = """
import sys, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start, 'jax' in sys.modules)
"""


def seconds_to_import(module: str, cache: str) -> tuple[float, bool]:
    """The time of one import in a new interpreter, and whether it brought jax along.

    Args:
        module: its name.
        cache: a folder for byte code.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)],
        env={**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, with_jax = done.stdout.split()[-2:]
    return float(seconds), with_jax == "True"


def main(argv: list[str] | None = None) -> None:
    """Prints one row per module; the modules take turns."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("modules", nargs="*", default=["numpy", "etude"])
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as cache:
        for module in options.modules:  # fills the caches
            seconds_to_import(module, cache)
        rounds = [
            [seconds_to_import(module, cache) for module in options.modules]
            for _ in range(options.rounds)
        ]
    print(f"{'import':14}{'median s':>10}{'lowest':>10}{'highest':>10}  brings jax")
    for module, results in zip(options.modules, zip(*rounds, strict=True), strict=True):
        spread = Spread.of([seconds for seconds, _ in results])
        jax = "yes" if any(with_jax for _, with_jax in results) else "no"
        print(f"{module:14}{spread.median:10.3f}{spread.low:10.3f}{spread.high:10.3f}  {jax}")


if __name__ == "__main__":
    main()
