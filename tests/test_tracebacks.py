"""What a traceback shows: the lines of the user, and no others unless they are asked for."""

import os
import subprocess
import sys
import traceback
import warnings

import numpy as np
import pytest

import etude
from etude import Sequential, config, layers, ops
from etude.errors import ShapeError, TracingError
from etude.tracebacks import warn
from tests.training.models import X, Y, classifier


def error_of(call):
    """What the call raises, and the names of the functions in its traceback."""
    try:
        call()
    except Exception as error:
        return error, [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    pytest.fail("nothing was raised")


class Branching(layers.Layer):
    def call(self, x):
        return x if ops.sum(x) > 0 else -x


class Failing(layers.Layer):
    def call(self, x):
        return {}["missing"]


@pytest.fixture
def everything():
    config.disable_traceback_filtering()
    yield
    config.enable_traceback_filtering()


def model_of(layer):
    model = Sequential([layer, layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_of_an_error_in_fit_the_lines_of_the_user_are_left():
    config.set_engine("xla")
    error, names = error_of(lambda: model_of(Branching()).fit(X, Y, verbose=0))
    assert isinstance(error, TracingError)
    assert names == ["error_of", "<lambda>", "call"]
    assert not any("JAX" in note for note in error.__notes__)
    assert "In the call of layer 'branching'" in error.__notes__[0]


def test_of_an_error_that_is_not_ours_too(engine):
    error, names = error_of(lambda: model_of(Failing()).fit(X, Y, verbose=0))
    told = "".join(traceback.format_exception(error))
    assert "{}[" in told and "layer.py" not in told and "/jax/" not in told
    assert names[:2] == ["error_of", "<lambda>"]


def test_a_fault_inside_keeps_the_innermost_line_of_ours(engine, monkeypatch):
    monkeypatch.setattr("etude.training.trainer.batches_of", lambda *_, **__: 1 / 0)
    _, names = error_of(lambda: classifier().fit(X, Y, verbose=0))
    assert names[:2] == ["error_of", "<lambda>"] and len(names) == 3


def test_an_error_found_by_the_engine_is_quoted_not_chained(engine):
    error, names = error_of(lambda: ops.add(np.zeros((2, 3)), np.zeros((4, 5))))
    assert isinstance(error, ShapeError) and "(2, 3), (4, 5)" in str(error)
    told = "".join(traceback.format_exception(error))
    assert "direct cause" not in told and "During handling" not in told
    _, names = error_of(lambda: layers.Add()([np.zeros((2, 3)), np.zeros((4, 5))]))
    assert names == ["error_of", "<lambda>"]


def test_of_a_compiled_function_the_lines_of_the_user_are_left(engine):
    @etude.function
    def compiled(x):
        return ops.reshape(x, (7,))

    error, names = error_of(lambda: compiled(np.zeros(3)))
    assert isinstance(error, ValueError)
    assert names == ["error_of", "<lambda>", "compiled"]


def test_everything_can_be_shown(everything):
    config.set_engine("xla")
    assert not config.is_traceback_filtering_enabled()
    _, names = error_of(lambda: model_of(Branching()).fit(X, Y, verbose=0))
    assert len(names) > 15 and "fit" in names and names[-1] == "_known"


def test_the_environment_can_ask_for_everything():
    done = subprocess.run(
        [sys.executable, "-c", "import etude; etude.Sequential([etude.layers.Dense(3)]).fit(1, 2)"],
        env={**os.environ, "ETUDE_FULL_TRACEBACKS": "1"},
        capture_output=True,
        text=True,
    )
    assert "trainer.py" in done.stderr and "_require_compile" in done.stderr


def test_warnings_name_the_line_of_the_user():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn("text")
        model = classifier()
        model.trainable = False
        model.fit(X, Y, verbose=0)
    assert [w.filename for w in caught] == [__file__, __file__]
