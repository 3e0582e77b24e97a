"""Which public names of Keras etude has: writes and checks `docs/api.md`.

python -m tests.conformance.api            # check
python -m tests.conformance.api --write    # write the document anew
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
import types
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "api.md"

LEFT_OUT = {
    r"quantiz|Quantiz|GPTQ|gptq|AWQ|awq|int4|Int4": "quantization is left out",
    r"lora|Lora|LoRA": "LoRA is left out",
    r"keras\.distribution": "a model runs on one device",
    r"TFSMLayer|TorchModuleWrapper|JaxLayer|FlaxLayer|NnxLayer": "wraps another framework",
    r"RemoteMonitor|OrbaxCheckpoint": "needs a server or another framework",
    r"sparse|Sparse(?!Cat|Top)|ragged|Ragged": "sparse and ragged tensors are left out",
    r"nnx|Nnx|NNX": "belongs to another framework",
    r"keras\.export|ExportArchive": "`Model.export` writes models",
    r"remat|RematScope": "rematerialisation is left out",
}


def public_names(module: types.ModuleType, path: str, seen: set[int]) -> list[str]:
    """The dotted paths of all that a package exports, modules entered once."""
    found: list[str] = []
    for name in sorted(vars(module)):
        value = getattr(module, name)
        if name.startswith("_") or name == "src":
            continue
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith("keras.") and id(value) not in seen:
                seen.add(id(value))
                found += public_names(value, f"{path}.{name}", seen)
        else:
            found.append(f"{path}.{name}")
    return found


def has(package: Any, path: str) -> bool:
    """Whether `keras.a.b` is there as `etude.a.b`."""
    value = package
    for part in path.split(".")[1:]:
        try:
            value = getattr(value, part)
        except AttributeError:
            return False
    return True


def rows() -> list[tuple[str, str]]:
    """Every public path of Keras, and what etude has of it."""
    os.environ["KERAS_BACKEND"] = "jax"
    keras = importlib.import_module("keras")
    etude = importlib.import_module("etude")
    found = []
    for path in public_names(keras, "keras", set()):
        reason = next((why for key, why in LEFT_OUT.items() if re.search(key, path)), None)
        state = "yes" if has(etude, path) else f"no: {reason or 'missing'}"
        found.append((path, state))
    return found


def page(found: list[tuple[str, str]]) -> str:
    """The document."""
    there = sum(state == "yes" for _, state in found)
    lines = [
        "# Public names of Keras 3.15.1",
        "",
        "Written by `python -m tests.conformance.api --write`, and checked by the tests.",
        "",
        f"{there} of {len(found)} paths are there ({100 * there / len(found):.1f} %).",
        "",
        "| path | in etude |",
        "|---|---|",
        *(f"| `{path}` | {state} |" for path, state in found),
    ]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Writes or checks the document; 0 where it is true."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the document anew")
    text = page(rows())
    if parser.parse_args(argv).write:
        DOCUMENT.write_text(text)
    if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
        print("docs/api.md is not true any more: python -m tests.conformance.api --write")
        return 1
    print(text.splitlines()[4])
    return 0


if __name__ == "__main__":
    sys.exit(main())
