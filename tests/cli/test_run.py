from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("small_mnist")


def running(lab: Path, folder: Path, until: str, **variables: str) -> subprocess.Popen[str]:
    """`etude run` of a lab in a process of its own, once it has printed a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from etude.cli import main; main()", "run", str(lab)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "ETUDE_HOME": str(folder / "home"), **variables},
    )
    assert process.stdout is not None
    next(line for line in process.stdout if line.strip() == until)
    return process


def test_json_is_one_object_on_the_only_line_of_stdout(etude, small_lab, tmp_path):
    ended = etude("run", small_lab, "--json", "--seed", 7, "--quick", "--engine", "numpy")
    assert ended.status == 0
    assert ended.out.count("\n") == 1
    found = json.loads(ended.out)
    assert list(found) == ["lab", "engine", "seed", "quick", "seconds", "metrics", "report", "data"]
    assert (found["lab"], found["engine"], found["seed"]) == ("small-lab", "numpy", 7)
    assert found["quick"] is True
    assert found["metrics"] == {"accuracy": {"value": 0.7, "target": 0.5, "reached": True}}
    assert found["seconds"] >= 0
    assert Path(found["report"]).parent == tmp_path / "reports"
    assert Path(found["report"]).is_file()
    assert "noise on stdout" in ended.err, "what the lab prints goes to stderr"


def test_without_json_the_end_says_what_came_out(etude, small_lab):
    ended = etude("run", small_lab)
    assert ended.status == 0
    report = ended.out.splitlines()[-1].removeprefix("report").strip()
    assert Path(report).is_file(), "the path stands whole on one line"
    assert "accuracy" in ended.out
    assert "0.7000" in ended.out
    assert "target at least 0.9: missed" in ended.out
    assert "time" in ended.out


def test_a_missed_target_counts_only_where_it_is_required(etude, small_lab):
    assert etude("run", small_lab).status == 0
    assert etude("run", small_lab, "--require-target").status == 4
    ended = etude("run", small_lab, "--require-target", "--json")
    assert ended.status == 4
    assert json.loads(ended.out)["metrics"]["accuracy"]["reached"] is False
    assert etude("run", small_lab, "--require-target", "--quick").status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "mnist-cn"], "Did you mean 'mnist-cnn'"),
        (["run", "nowhere.py"], "no such file"),
        (["run", "mnist-cnn", "--epochs", "0"], "--epochs"),
        (["run", "mnist-cnn", "--epochs", "many"], "--epochs"),
        (["run", "mnist-cnn", "--seed", "-1"], "--seed"),
        (["run", "mnist-cnn", "--engine", "cuda"], "--engine"),
        (["run", "mnist-cnn", "--framework", "torch"], "--framework"),
        (
            ["run", "mnist-cnn", "--framework", "keras", "--engine", "numpy"],
            "says nothing to Keras",
        ),
        (["run", "mnist-cnn", "--set", "units"], "NAME=VALUE"),
        (["run", "mnist-cnn", "--set", "units=3"], "Unknown parameter"),
        (["run", "mnist-cnn", "--data", "nowhere"], "nothing at that path"),
        (["run", "mnist-cnn", "--nonsense"], "--nonsense"),
        (["run"], "LAB"),
        (["rum"], "rum"),
        (["notebook", "mnist-cn"], "Did you mean 'mnist-cnn'"),
    ],
)
def test_a_users_mistake_is_told_in_words_with_status_2(etude, arguments, said):
    ended = etude(*arguments)
    assert ended.status == 2
    assert said in " ".join(ended.err.replace("│", "").split())
    assert "Traceback" not in ended.err
    assert ended.out == "", "no lab was started"


def test_a_folder_that_cannot_be_written_has_status_2(etude, small_lab, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        ended = etude("run", small_lab, "--out", out)
        assert ended.status == 2
        assert "no report can be written" in ended.err


def test_a_stand_in_is_named_in_one_line_and_in_json(etude, small_lab, no_mnist):
    ended = etude("run", small_lab, "--json")
    assert ended.status == 0
    data = json.loads(ended.out)["data"]
    assert (data["name"], data["stand_in_for"]) == ("digits", "mnist")
    assert ended.err.count("cannot be had") == 1


def test_data_that_cannot_be_had_have_status_3(etude, small_lab, no_mnist, tmp_path):
    small_lab.write_text(small_lab.read_text().replace('# stand_in = "digits"\n', ""))
    ended = etude("run", small_lab, "--json")
    assert ended.status == 3
    assert "'mnist' cannot be had" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert not list((tmp_path / "reports").iterdir())


def test_a_fault_in_the_lab_has_status_1_and_points_into_it(etude, small_lab):
    with small_lab.open("a") as file:
        file.write("nothing = lab.seed / 0\n")
    ended = etude("run", small_lab)
    assert ended.status == 1
    assert "nothing = lab.seed / 0" in ended.err
    assert "ZeroDivisionError" in ended.err
    assert "runner.py" not in ended.err, "only the lab's own frames are shown"


def test_an_interrupt_has_status_130_and_leaves_nothing(small_lab, tmp_path):
    text = small_lab.read_text().replace(
        "lab.load_data()\n", "import time\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    small_lab.write_text(text)
    with running(small_lab, tmp_path, until="ready") as process:
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1] == "etude: interrupted; no report was written."
    assert "report " not in out
    assert list((tmp_path / "reports").iterdir()) == []
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_training_leaves_a_checkpoint_to_go_on_from(
    etude, small_lab, tmp_path, number, status
):
    training = """
import numpy as np
import etude as keras

class Ready(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        print("epoch", epoch, flush=True)

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
epochs = 3 if Path("short").exists() else 10**6
model.fit(np.ones((4, 1)), np.ones(4), epochs=epochs, verbose=0, callbacks=[Ready()])
"""
    text = small_lab.read_text().replace("lab.load_data()\n", training)
    small_lab.write_text(text.replace("import sys", "import sys\nfrom pathlib import Path"))
    with running(small_lab, tmp_path, until="epoch 5", ETUDE_ENGINE="numpy") as process:
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in err
    assert "--resume goes on from the last checkpoint" in err
    (tmp_path / "short").touch()
    ended = etude("run", small_lab, "--resume", "--engine", "numpy")
    assert (ended.status, "epoch" in ended.out) == (0, False), "more epochs were trained already"
