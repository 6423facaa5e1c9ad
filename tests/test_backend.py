"""Keras as our commands need it, whatever a user's own Keras is told."""

import json
import os
import subprocess
import sys

import pytest


def networks(**environment):
    return subprocess.run(
        [sys.executable, "-m", "splitstrument", "networks", "hourglass", "--json"],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | environment,
    )


@pytest.mark.slow
@pytest.mark.parametrize("there", [True, False])
def test_a_users_keras_json_changes_nothing_and_none_is_written(tmp_path, there):
    file = tmp_path / "keras.json"
    text = json.dumps({"image_data_format": "channels_first", "backend": "theano", "floatx": "float64"})
    if there:
        file.write_text(text)
    done = networks(KERAS_HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)[0]["trainable_parameters"] == 7_713_857
    assert (file.read_text() == text) if there else not any(tmp_path.iterdir())


def test_an_unknown_backend_is_one_line():
    done = networks(KERAS_BACKEND="theano")
    assert done.returncode == 2 and done.stdout == ""
    assert (
        done.stderr
        == "splitstrument: KERAS_BACKEND is theano, which Keras does not know; use tensorflow, jax or torch\n"
    )
