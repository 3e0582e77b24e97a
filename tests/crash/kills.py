"""`make crash-test`: kills training at random moments, and has it go on each time.

    python -m tests.crash.kills [--kills 100] [--engine numpy] [--engine xla] [--seed 0] [--short]

Some kills come from outside, at a random time after training began; the others come in the middle
of saving. A run that was killed is started again, until it ends: its weights, its optimizer and its
history must have the bits of a run that was never killed, and no checkpoint may ever be older than
one that was seen before.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from etude.saving import checkpoints

ROOT = Path(__file__).parents[2]
LONGEST = 0.5  # seconds from the begin of training to a kill
IN_SAVE = 0.4  # the share of kills that come in the middle of saving
NAMES = {
    "steps": "between steps",
    "saves": "in the middle of a save",
    "valid": "in validation",
    "": "before the first step",
}


class Outcome(NamedTuple):
    """What came of many kills.

    Attributes:
        kills: how many there were, by where they came.
        runs: how many runs came to their end in spite of them.
        wrong: what was not as it must be.
    """

    kills: Counter[str]
    runs: int
    wrong: list[str]


def attempt(
    engine: str, folder: Path, seconds: float | None, act: int = 0, short: bool = False
) -> bool:
    """Starts the script; kills it after some seconds of training, or in an act of saving.

    Returns:
        Whether it was killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.training", engine, str(folder), str(act)]
        + ["short"] * short,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()  # training begins
        if seconds is not None:
            time.sleep(seconds)
            process.kill()
        process.stdout.read()
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"The training that was to be killed failed in {folder}.")
    return process.returncode != 0


def newest_step(folder: Path) -> tuple[int, ...]:
    """How far the newest checkpoints are."""
    found = []
    for number in (1, 2):
        backup = folder / f"backup-{number}" / "latest.weights.h5"
        older = backup.with_name(f"{backup.name}.bkp")
        checkpoint, errors = checkpoints.newest((backup, older))
        if errors:
            raise RuntimeError(f"A kill damaged a checkpoint: {errors[0]}")
        state = checkpoint.state if checkpoint is not None else {"epoch": -1, "step": 0}
        found += [state["epoch"], state["step"]]
    return tuple(found)


def crash(
    engine: str, kills: int, seed: int, longest: float = LONGEST, short: bool = False
) -> Outcome:
    """Kills training until there were so many kills, then lets the last run come to its end."""
    draw = random.Random(f"{engine} {seed}")
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    runs = 0
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name) / "whole"
        whole.mkdir()
        if attempt(engine, whole, None, short=short):
            raise RuntimeError("The run that nobody kills was killed.")
        expected = json.loads((whole / "result.json").read_text())
        while counts.total() < kills or runs == 0:
            runs += 1
            folder = Path(name) / str(runs)
            folder.mkdir()
            before = newest_step(folder)
            while counts.total() < kills:
                in_save = draw.random() < IN_SAVE
                seconds = None if in_save else draw.uniform(0, longest)
                act = draw.randint(1, 60) if in_save else 0
                if not attempt(engine, folder, seconds, act, short):
                    break
                where = (folder / "where").read_text()
                counts["saves" if in_save else where] += 1
                step = newest_step(folder)
                if step < before:
                    wrong.append(f"run {runs}: the checkpoint at {before} was lost; found {step}")
                before = step
            if not (folder / "result.json").exists():
                attempt(engine, folder, None, short=short)
            print(f"{engine}: {counts.total()} kills so far", file=sys.stderr, flush=True)
            if json.loads((folder / "result.json").read_text()) != expected:
                wrong.append(f"run {runs}: its end differs from that of the run nobody killed")
            parts = [path.name for path in folder.rglob(".*.part")]
            if parts:
                wrong.append(f"run {runs}: left {', '.join(parts)} behind")
    return Outcome(counts, runs, wrong)


def main() -> int:
    """Runs it, and prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--engine", action="append", choices=("numpy", "xla"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="trains once in a run, not twice")
    options = parser.parse_args()
    failed = False
    for engine in options.engine or ("numpy", "xla"):
        start = time.monotonic()
        outcome = crash(engine, options.kills, options.seed, short=options.short)
        places = ", ".join(f"{n} {NAMES.get(w, w)}" for w, n in outcome.kills.most_common())
        print(
            f"{engine}: {outcome.kills.total()} kills ({places}) in {outcome.runs} runs, "
            f"{time.monotonic() - start:.0f} s",
            flush=True,
        )
        for line in outcome.wrong:
            print(f"{engine}: {line}")
        if not outcome.wrong:
            print(f"{engine}: every run ended with the bits of the run that was never killed")
        failed = failed or bool(outcome.wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
