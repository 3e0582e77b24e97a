"""Records what the scripts beside this file say on Keras itself.

    python tests/compat/record.py                        # those that need keras only
    python tests/compat/record.py --backend tensorflow   # all of them; needs tensorflow

What counts are the lines that a script prints as ``name: value``: sizes of weights, counts of
parameters, shapes of outputs, results of plain arithmetic. `test_scripts` compares them with what
`etude exec` gives. A run with JAX leaves what was recorded with TensorFlow as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = sorted(HERE.joinpath("scripts").iterdir())
RECORDED = HERE / "recorded.json"


def facts(output: str) -> list[str]:
    """The lines of an output that are facts: a name in small letters, a colon, a value."""
    lines = (line.strip() for line in output.splitlines())
    return [line for line in lines if line.partition(": ")[0].isidentifier() and ": " in line]


def needs_tensorflow(script: Path) -> bool:
    return "tensorflow" in script.read_text()


def run_on_keras(script: Path, backend: str) -> list[str]:
    """The facts of a script on real Keras."""
    source = script
    if script.suffix == ".ipynb":  # its cells without what only a notebook understands
        book = json.loads(script.read_text())
        code = ["".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code"]
        lines = [line for cell in code for line in cell.splitlines()]
        kept = [line for line in lines if line[:1] not in "%!" and not line.endswith("?")]
        source = Path(os.environ.get("TMPDIR", "/tmp")) / f"{script.stem}_cells.py"
        source.write_text("\n".join(kept))
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, str(source)], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{script.name} fails on Keras:\n{done.stderr[-2000:]}")
    return facts(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", default="jax", choices=["jax", "tensorflow"])
    parser.add_argument("names", nargs="*", help="of scripts; by default all")
    args = parser.parse_args()
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    for script in SCRIPTS:
        if args.names and script.stem not in args.names:
            continue
        if args.backend == "jax" and needs_tensorflow(script):
            continue
        print(script.name, flush=True)
        recorded[script.name] = run_on_keras(script, args.backend)
    recorded = {name: recorded[name] for name in sorted(recorded)}
    RECORDED.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
