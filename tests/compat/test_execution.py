"""`etude exec`: what a program meets, how its errors look, and with which status it ends."""

import json
import sys

import pytest
from typer.testing import CliRunner

import etude
from etude.cli.app import app, main


def run(tmp_path, source, *arguments, name="script.py"):
    path = tmp_path / name
    path.write_text(source)
    return CliRunner().invoke(app, ["exec", str(path), *arguments])


def notebook(*cells, language="python"):
    code = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": code, "metadata": {"language_info": {"name": language}}})


def test_every_spelling_of_keras_is_etude_itself(tmp_path):
    source = """
import keras, tensorflow as tf
import keras.layers as a, tensorflow.keras.layers as b, tensorflow.keras.backend as K
from tensorflow import keras as c
from tensorflow.keras.layers import Dense
from keras.datasets import mnist
from tensorflow.keras.datasets import mnist as same
import etude
print(a is b is tf.keras.layers is c.layers is etude.layers, Dense is etude.layers.Dense)
print(mnist is same, keras.__version__, float(K.mean([1.0, 3.0])))
"""
    result = run(tmp_path, source)
    assert result.stdout.split() == ["True", "True", "True", "3.15.1", "2.0"], result.output


def test_nothing_of_an_installed_keras_is_loaded_and_all_is_as_before(tmp_path):
    import keras  # the real one, for tests

    result = run(tmp_path, "import keras, sys\nprint(keras.__name__, 'keras.src' in sys.modules)")

    assert result.stdout.split() == ["etude.compat.keras", "False"], result.output
    assert sys.modules["keras"] is keras
    assert etude.layers.__spec__.name == "etude.layers"


def test_the_program_is_main_and_has_its_arguments(tmp_path):
    result = run(
        tmp_path,
        "import sys\nprint(__name__, sys.argv[1:])",
        "data.csv",
        "--epochs",
        "--",
        "--seed",
    )
    assert result.stdout == "__main__ ['data.csv', '--epochs', '--seed']\n"


def test_engine_and_seed(tmp_path):
    source = "import keras\nprint(keras.backend.backend(), float(keras.random.normal(())))"
    first = run(tmp_path, source, "--engine", "numpy", "--seed", "3").stdout
    assert first.startswith("numpy ")
    assert run(tmp_path, source, "--engine", "numpy", "--seed", "3").stdout == first
    assert run(tmp_path, source, "--engine", "numpy", "--seed", "4").stdout != first


def test_an_error_shows_the_line_of_the_script_and_nothing_of_etude(tmp_path):
    source = """
import keras
def build():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model = build()
model(keras.ops.ones((1, 4)))
"""
    result = run(tmp_path, source)
    assert result.exit_code == 1
    assert 'script.py", line 6' in result.stderr
    assert "model(keras.ops.ones((1, 4)))" in result.stderr
    assert "expected axis -1 to have size 3; got an input of shape (1, 4)" in result.stderr
    assert "src/etude" not in result.stderr
    assert "src/etude" in run(tmp_path, source, "--traceback").stderr


@pytest.mark.parametrize(
    ("source", "status"),
    [("", 0), ("import sys; sys.exit(7)", 7), ("1 / 0", 1), ("raise KeyboardInterrupt", 130)],
)
def test_status(tmp_path, source, status):
    assert run(tmp_path, source).exit_code == status


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.py", None, "does not exist"),
        ("data.csv", "1,2", "script (.py) or a notebook"),
        ("broken.ipynb", "{", "no Jupyter notebook"),
        ("other.ipynb", notebook("1", language="R"), "notebook of R"),
    ],
)
def test_what_cannot_be_run_is_bad_input(tmp_path, capsys, name, content, expected):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit) as ended:
        main(["exec", str(path)])
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err


def test_what_tensorflow_has_and_etude_has_not_says_what_to_do(tmp_path):
    result = run(tmp_path, "from tensorflow import Session")
    assert "`tf.Session` is not in etude's stand-in" in result.stderr
    assert "tf.function" in result.stderr
    result = run(tmp_path, "import tensorflow as tf\ntf.math.reduce_meen")
    assert "Did you mean `tf.math.reduce_mean`" in result.stderr
    result = run(tmp_path, "import keras.nothing")
    assert "No module named 'keras.nothing'" in result.stderr


def test_a_notebook_runs_cell_by_cell_with_its_magics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = [
        "%matplotlib inline\n!pip install keras\nx = 3",
        "%%time\ny = x + 1\ny",
        "%%writefile note.txt\nhello",
        "lines = !cat note.txt\nprint(lines)",
        "%env COURSE=one\n!echo {y} $COURSE",
        "x?\n%time z = 5\nz;",
        "%%html\n<b>not Python</b>",
        "for i in range(2):\n    !echo round {i}",
        "display(x, 'shown')",
    ]
    result = run(tmp_path, notebook(*cells), name="book.ipynb")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "4",
        "['hello']",
        "4 one",
        "round 0",
        "round 1",
        "3",
        "shown",
    ]
    assert "left out: pip install keras" in result.stderr


def test_an_error_in_a_notebook_names_the_cell(tmp_path):
    result = run(tmp_path, notebook("a = 1", "b = 2\na / 0"), name="book.ipynb")
    assert result.exit_code == 1
    assert 'File "book.ipynb, cell 2", line 2' in result.stderr
    assert "a / 0" in result.stderr
