"""What the README shows is what happens: its Python runs as it stands, on both engines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def title(code: str) -> str:
    return code.strip().splitlines()[-1][:40]


@pytest.mark.parametrize("code", BLOCKS, ids=title)
def test_the_readme_runs(code, engine, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ETUDE_ENGINE": engine},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_has_code():
    assert len(BLOCKS) >= 2
