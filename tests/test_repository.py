"""Rules that hold for the repository as a whole, read from its files."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "etude"
MODULES = sorted(SOURCE.rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

AUTOMATIC_DERIVATIVES = {
    "grad",
    "value_and_grad",
    "vjp",
    "jvp",
    "linearize",
    "linear_transpose",
    "jacrev",
    "jacfwd",
    "hessian",
    "custom_vjp",
    "custom_jvp",
    "custom_gradient",
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted names that a module imports, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute, or the empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def automatic_derivatives(source: str) -> list[str]:
    """Every use of an automatic derivative of JAX in `source`: imported or reached through jax."""
    tree = ast.parse(source)
    found = [
        module
        for module in imports(tree)
        if module.split(".")[0] == "jax" and module.split(".")[-1] in AUTOMATIC_DERIVATIVES
    ]
    for node in ast.walk(tree):
        parts = dotted(node).split(".")
        if parts[0] in ("jax", "lax", "jnp") and parts[-1] in AUTOMATIC_DERIVATIVES:
            found.append(".".join(parts))
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import jax\njax.grad(f)",
        "import jax\ng = jax.numpy.vjp",
        "from jax import value_and_grad",
        "from jax import custom_vjp as rule",
        "def f():\n    from jax.numpy import vjp",
    ],
)
def test_the_search_for_automatic_derivatives_finds_them(source):
    assert automatic_derivatives(source)


def test_the_search_for_automatic_derivatives_leaves_our_own_alone():
    assert not automatic_derivatives("tape.gradient(y, x)\njax.jit(f)\netude.autodiff.grad(f)")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_automatic_derivative_of_jax(path):
    assert automatic_derivatives(path.read_text()) == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_the_xla_engine_imports_jax(path):
    modules = {module.split(".")[0] for module in imports(ast.parse(path.read_text()))}
    if not path.relative_to(SOURCE).as_posix().startswith("engine/xla"):
        assert modules.isdisjoint({"jax", "jaxlib"})


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_the_product_never_imports_its_peers(path):
    modules = {module.split(".")[0] for module in imports(ast.parse(path.read_text()))}
    assert modules.isdisjoint({"keras", "tensorflow", "torch", "tests", "benchmarks"})


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_floors_below_the_labs_do_not_import_the_whole(path):
    """`import etude` inside the library would turn every floor into a cycle."""
    if path.relative_to(SOURCE).parts[0] not in ("labs", "compat", "cli"):
        assert "etude" not in set(imports(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_documents_name_files_that_exist(path):
    """Links to files, and paths in `code`, are as true as the code."""
    text = path.read_text()
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
    missing = [link for link in links if not (path.parent / link).exists()]
    paths = re.findall(r"`((?:src|tests|benchmarks|docs|\.ci)/[^`\s*<]+)`", text)
    missing += [code for code in paths if not (ROOT / code).exists()]
    assert missing == []


def test_the_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    import etude

    assert project["version"] == etude.__version__
    assert f"## [{etude.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_package_is_typed():
    assert (SOURCE / "py.typed").exists()


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    """`make` as a person calls it, also where these tests run under `make test` themselves."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_make_says_in_one_line_that_python_is_missing(tmp_path):
    for file in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    done = make("run", "PYTHON=no-such-python", folder=tmp_path)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make:")]
    assert done.returncode != 0
    assert len(lines) == 1
    assert "Python 3.11 or newer" in lines[0]


def test_make_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    done = make("help")
    assert done.returncode == 0
    assert {line.split()[0] for line in done.stdout.splitlines()} == set(phony[1].split())
