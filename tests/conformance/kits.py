"""Runs the conformance kits, and holds the result to `docs/conformance.md`.

The kits run Keras's own unit tests and ONNX's operator tests against etude; they lie beside the
repository or where CONFORMANCE_KIT points. What does not pass must stand in the document, with
its reason; what stands there must still fail.

    python -m tests.conformance.kits              # check, as `make conformance` does
    python -m tests.conformance.kits --write      # write the document anew; reasons are kept
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "conformance.md"
KIT = Path(os.environ.get("CONFORMANCE_KIT", ROOT.parent / "shared" / "conformance"))
CACHE = ROOT / "build" / "conformance"

RUNS = {  # name: (module, engine, least share in percent)
    "Keras's tests on xla": ("keras_suite", "xla", 97.0),
    "Keras's tests on numpy": ("keras_suite", "numpy", 95.0),
    "ONNX's cases on xla": ("onnx_suite", "xla", 98.0),
}

HEAD = """# Conformance

`make conformance` runs tests that others wrote: the unit tests of Keras 3.15.1, which see etude in
the place of `keras`, and the operator tests of ONNX. Written by
`python -m tests.conformance.kits --write`; the check fails where this page is not true.

"""


def run_kit(name: str, jobs: int) -> list[dict[str, Any]]:
    """The outcome of every id of one kit on one engine."""
    module, engine, _ = RUNS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", module, "--target", "etude", "--json", str(out)]
        command += ["--ids", str(KIT / module / "public.tsv")]
        if module == "keras_suite":
            command += ["--cache", str(CACHE), "--jobs", str(jobs), "--files-per-process", "8"]
        subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(KIT), "ETUDE_ENGINE": engine},
            check=False,
            cwd=folder,
        )
        return json.loads(out.read_text())


def known_reasons(document: str) -> dict[str, str]:
    """The reasons in the document, by id."""
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", document, re.MULTILINE)
    return {id_: reason.strip() for id_, reason in rows}


def page(results: dict[str, list[dict[str, Any]]], reasons: dict[str, str]) -> str:
    """The document: the counts, then every id that does not pass, with its reason."""
    lines = [HEAD, "| | passed | of | share |", "|---|---|---|---|"]
    failing: dict[str, list[str]] = {}
    for name, rows in results.items():
        passed = sum(row["outcome"] == "passed" for row in rows)
        lines.append(f"| {name} | {passed} | {len(rows)} | {100 * passed / len(rows):.1f} % |")
        for row in rows:
            if row["outcome"] != "passed":
                failing.setdefault(row["id"], []).append(name.rsplit(" ", 1)[-1])
    lines += ["", "## What does not pass, and why", "", "| id | reason |", "|---|---|"]
    for id_, engines in sorted(failing.items()):
        where = "" if len(engines) > 1 else f"on {engines[0]}: "
        reason = reasons.get(id_, "not explained yet").removeprefix(where)
        lines.append(f"| `{id_}` | {where}{reason} |")
    return "\n".join(lines) + "\n"


def problems(results: dict[str, list[dict[str, Any]]], document: str) -> list[str]:
    """What is wrong with the results, or with the document about them."""
    found, reasons, failing = [], known_reasons(document), set()
    for name, rows in results.items():
        least = RUNS[name][2]
        bad = {row["id"]: row["reason"] for row in rows if row["outcome"] != "passed"}
        failing |= set(bad)
        share = 100 * (1 - len(bad) / len(rows))
        if share < least:
            found.append(f"{name}: {share:.1f} % pass, {least} % are asked for")
        found += [
            f"{name}: {i} fails and is not in {DOCUMENT.name}: {reason}"
            for i, reason in bad.items()
            if i not in reasons
        ]
    found += [f"{i} is in {DOCUMENT.name}, but passes" for i in set(reasons) - failing]
    return found


def main(argv: list[str] | None = None) -> int:
    """Runs the kits; 0 where the document is true and the shares are reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the document anew")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(argv)
    if not KIT.is_dir():
        print(f"The conformance kits are not at {KIT}: set CONFORMANCE_KIT.", file=sys.stderr)
        return 2
    results = {name: run_kit(name, options.jobs) for name in RUNS}
    document = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    if options.write:
        DOCUMENT.write_text(page(results, known_reasons(document)))
        document = DOCUMENT.read_text()
    found = problems(results, document)
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
