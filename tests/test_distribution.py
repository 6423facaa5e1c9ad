"""Several workers, and several devices of one: they share each batch, and end with the weights of one that did it."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests import runs, tiny
from training import checkpoints, loop
from training.train import main

# Without chance and without statistics of a share alone, the work of many is that of one, but for rounding.
EXACT = runs.HOURGLASS | {"dropout": 0, "normalise": False}

# Trains as the command does, and keeps what each process has at its end.
WORKER = """
import sys
import numpy as np
from training import checkpoints, loop, train
go = loop.Loop.go
def kept(self):
    go(self)
    self.devices.agree(self.trainee.network.non_trainable_variables)
    np.savez(sys.argv[1], replicas=self.devices.replicas, **checkpoints.values(self.trainee))
loop.Loop.go = kept
sys.exit(train.main(sys.argv[2:]))
"""

LOGICAL = """
import tensorflow as tf
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
from training import tensorflow_backend
init = tensorflow_backend.TensorFlowDevices.__init__
tensorflow_backend.TensorFlowDevices.__init__ = lambda self: init(self, ["CPU:0", "CPU:1"])
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def workers(code, arguments, results, configurations):
    """Run `code` once for each of `configurations` (TF_CONFIG or None) at the same time: the arrays of each."""
    processes = []
    for result, configuration in zip(results, configurations, strict=True):
        environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
        if configuration:
            environment["TF_CONFIG"] = json.dumps(configuration)
        line = [sys.executable, "-c", code, str(result), *arguments]
        processes.append(
            subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    try:
        outputs = [process.communicate(timeout=600)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(outputs)
    found = []
    for result in results:
        with np.load(result) as archive:
            found.append(dict(archive))
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """(arguments, run configuration, arrays) of a run in one process on one device."""
    root = runs.write_pairs(tmp_path_factory.mktemp("distribution"))
    tiny.model(root / "start", "hourglass", runs.RATE, options=EXACT)
    path = runs.write_run(
        root / "tones.yaml",
        options=EXACT,
        initial=str(root / "start"),
        windows={"sampling": "random", "steps": 4, "batch_size": 4},
        augmentation=runs.AUGMENTATION,
        optimizer={"learning_rate": 0.01, "clip": 1.0, "average": 0.5},
        epochs=2,
    )
    arguments = [path, "--pairs", str(root), "--output"]
    go, found = loop.Loop.go, {}

    def kept(self):
        go(self)
        found.update({name: np.array(value) for name, value in checkpoints.values(self.trainee).items()})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Loop, "go", kept)
        assert main([*arguments, str(root / "alone")]) == 0
    return arguments, root, found


def assert_alike(found, alone):
    moved = 0.0
    for name, expected in alone.items():
        np.testing.assert_allclose(found[name], expected, rtol=2e-2, atol=2e-4, err_msg=name)
        moved = max(moved, float(np.abs(expected).max()))
    assert moved > 0.01


@pytest.mark.slow
def test_two_workers_end_with_the_same_weights(alone):
    arguments, root, expected = alone
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    configurations = [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in (0, 1)]
    results = [root / "first.npz", root / "second.npz"]
    first, second = workers(WORKER, [*arguments, str(root / "together")], results, configurations)
    assert int(first["replicas"]) == 2
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert_alike(first, expected)
    names = {path.name for path in (root / "together" / "tones").iterdir()}
    assert {"model.yaml", "history.csv", "last", "checkpoints"} <= names
    assert len((root / "together" / "tones" / "history.csv").read_text().splitlines()) == 3


@pytest.mark.slow
def test_two_devices_of_one_machine_do_the_work_of_one(alone):
    arguments, root, expected = alone
    results = [root / "devices.npz"]
    found = workers(LOGICAL + WORKER, [*arguments, str(root / "devices")], results, [None])[0]
    assert int(found["replicas"]) == 2
    assert_alike(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{", "[1]", '{"task": 3}'])
def test_a_wrong_cluster_is_one_line(alone, capsys, monkeypatch, text):
    arguments, root, _ = alone
    monkeypatch.setenv("TF_CONFIG", text)
    assert main([*arguments, str(root / "wrong")]) == 2
    error = capsys.readouterr().err
    assert "TF_CONFIG: must be JSON" in error
    assert error.count("\n") == 1
