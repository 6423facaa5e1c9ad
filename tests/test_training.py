"""Runs: pairs to a model folder, stopped and killed runs that end like whole ones, and one line for what is wrong."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import yaml

from splitstrument import models, networks
from tests import runs, tiny
from training import checkpoints, config, optimizers
from training.state import State, is_finished
from training.train import main

NEWER = ("sources", "whole", "initial_source")
CHANCES = {"augmentation": runs.AUGMENTATION, "optimizer": runs.AVERAGED}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return runs.write_pairs(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """(arguments of the command, run folder) of a run with dropout, augmentation and averaged weights."""
    root = tmp_path_factory.mktemp("finished")
    path = runs.write_run(root / "tones.yaml", **CHANCES)
    arguments = [path, "--pairs", str(data), "--output", str(root / "runs")]
    assert main(arguments) == 0
    return arguments, root / "runs" / "tones"


def started(arguments, **environment):
    """`splitstrument train` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "splitstrument", "train", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    )


def newest(folder):
    return sorted((folder / "checkpoints").glob("*.npz"))[-1]


def arrays(path):
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files if name != checkpoints.STATE}


def history(folder):
    with open(folder / "history.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_run_leaves_all_that_is_known_of_it(finished):
    _, folder = finished
    rows = history(folder)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["loss"]) < 0.8 * float(rows[0]["loss"])
    assert yaml.safe_load((folder / "configuration.yaml").read_text())["windows"]["steps"] == 12
    environment = yaml.safe_load((folder / "environment.yaml").read_text())
    assert {"splitstrument", "keras", "backend", "numpy", "command"} <= set(environment)
    summary = yaml.safe_load((folder / "data.yaml").read_text())
    assert (summary["tracks of training"], summary["tracks of validation"]) == (4, 1)
    assert "epoch 3 of 3: loss" in (folder / "log.txt").read_text()
    assert (folder / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / "checkpoints").iterdir())) == 2


def test_a_run_folder_is_a_model_of_its_best_and_of_its_last_epoch(finished):
    _, folder = finished
    best = min(history(folder), key=lambda row: float(row["val_loss"]))["epoch"]
    card, network = models.load(folder)
    assert (card.sources, card.whole, card.trained_on[0].name) == (("tone",), False, "tones")
    assert card.training.startswith(f"epoch {best},")
    last_card, last = models.load(folder / "last")
    assert last_card.training.startswith("epoch 3,")
    # The weights of a model are the averaged ones, which the checkpoint's own are not.
    saved, trained = last.trainable_variables[0], arrays(newest(folder))["network/0"]
    assert not np.allclose(np.array(saved), trained, atol=1e-4)


@pytest.mark.slow
def test_a_finished_run_is_left_alone_and_may_go_on_longer(finished, tmp_path, capsys):
    import shutil

    (path, *options), folder = finished
    before = newest(folder).stat().st_mtime_ns
    assert main([path, *options]) == 0
    assert "already finished, after epoch 3" in capsys.readouterr().out
    assert newest(folder).stat().st_mtime_ns == before
    shutil.copytree(folder, tmp_path / "runs" / "tones")
    # A folder of before there were several sources.
    written = tmp_path / "runs" / "tones" / "configuration.yaml"
    settings = yaml.safe_load(written.read_text())
    written.write_text(yaml.safe_dump({name: settings[name] for name in settings if name not in NEWER}))
    assert main([path, *options[:2], "--output", str(tmp_path / "runs"), "--set", "epochs=4"]) == 0
    assert history(tmp_path / "runs" / "tones")[:3] == history(folder)
    assert len(history(tmp_path / "runs" / "tones")) == 4


def test_a_folder_is_kept_for_one_run(finished, data, tmp_path, capsys):
    import shutil

    (path, *options), folder = finished
    assert main([path, *options, "--set", "loss=mse"]) == 2
    error = capsys.readouterr().err
    assert "loss was l1, now mse" in error
    assert error.count("\n") == 1
    shutil.copytree(data, tmp_path / "other")
    runs.write_pair(tmp_path / "other" / "songs", "another", 7)
    assert main([path, "--pairs", str(tmp_path / "other"), *options[2:]]) == 2
    assert "was started with other tracks" in capsys.readouterr().err
    assert len(history(folder)) == 3


def wait_for(process, folder, condition):
    end = time.monotonic() + 600
    while not condition(sorted((folder / "checkpoints").glob("*.npz"))):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_a_run_that_is_killed_and_robbed_ends_like_a_whole_one(finished, tmp_path):
    """SIGKILL, then a cut checkpoint: the weights at the end are those of the uninterrupted run."""
    (path, *options), whole = finished
    arguments = [path, *options[:2], "--output", str(tmp_path), "--set", "save_minutes=0"]
    folder = tmp_path / "tones"
    with started(arguments) as process:
        wait_for(process, folder, lambda saved: saved and saved[-1].name >= "00000-00000003.npz")
        process.kill()
        process.communicate()
    assert models.load(folder)[0].name == "tones"  # a model even now
    before, last = sorted((folder / "checkpoints").glob("*.npz"))[-2:]
    last.write_bytes(last.read_bytes()[:-1000])
    step = int(before.stem.split("-")[1])
    with started(arguments) as process:
        output = process.communicate(timeout=600)[0]
    assert process.returncode == 0
    assert f"{last}: is damaged" in output
    assert f"resuming in epoch 1 after step {step} of 12" in output
    expected, found = arrays(newest(whole)), arrays(newest(folder))
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_array_equal(expected[name], found[name], err_msg=name)
    decided = [name for name in history(whole)[0] if name not in ("seconds", "waited", "val_seconds")]
    assert [[row[name] for name in decided] for row in history(whole)] == [
        [row[name] for name in decided] for row in history(folder)
    ]


def test_without_a_whole_checkpoint_a_run_does_not_begin_anew(finished, tmp_path, capsys):
    import shutil

    (path, *options), whole = finished
    shutil.copytree(whole, tmp_path / "tones")
    for saved in (tmp_path / "tones" / "checkpoints").iterdir():
        saved.write_bytes(b"")
    assert main([path, *options[:2], "--output", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out.count("is damaged") == 2
    assert "no checkpoint can be read" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_checkpoint_is_known(tmp_path, damage):
    import keras

    class Trainee:
        network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(0.5)])
        optimizer = keras.optimizers.Adam()

    Trainee.optimizer.build(Trainee.network.trainable_variables)
    assert checkpoints.load(tmp_path, Trainee, print) is None
    for step in (1, 2, 3):
        Trainee.network.trainable_variables[1].assign([step, step])
        checkpoints.save(tmp_path, 0, step, checkpoints.values(Trainee), {"step": step})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000-00000002.npz", "00000-00000003.npz"]
    path, said = tmp_path / "00000-00000003.npz", []
    whole = path.read_bytes()
    changed = whole.replace(np.float32([3, 3]).tobytes(), np.float32([3, 4]).tobytes(), 1)
    path.write_bytes({"cut": whole[: len(whole) // 2], "changed": changed, "empty": b""}[damage])
    assert checkpoints.load(tmp_path, Trainee, said.append) == {"step": 2}
    assert np.array(Trainee.network.trainable_variables[1]).tolist() == [2, 2]
    assert len(said) == 1
    assert said[0].startswith(f"{path}: is damaged")
    assert any("seed" in variable.path for variable in checkpoints.variables(Trainee).values())  # dropout's


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_and_names_the_files(data, tmp_path, capsys):
    runs.write_pairs(tmp_path)
    folder = runs.write_pair(tmp_path / "songs", "sick", 9, subtype="FLOAT")
    audio, rate = soundfile.read(folder / "rest_sick.wav")
    audio[:] = np.nan
    soundfile.write(folder / "rest_sick.wav", audio, rate, "FLOAT")
    path = runs.write_run(tmp_path / "tones.yaml", collections=[{"pairs": "songs", "validation": ["track0"]}])
    assert main([path, "--pairs", str(tmp_path), "--output", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert "the loss is nan after step" in error
    assert f"{folder} at " in error
    assert error.count("\n") == 1
    _, network = models.load(tmp_path / "runs" / "tones")
    assert all(np.isfinite(np.array(weight)).all() for weight in network.weights)
    saved = arrays(newest(tmp_path / "runs" / "tones"))
    assert all(np.isfinite(array).all() for array in saved.values() if array.dtype.kind == "f")


@pytest.mark.slow
def test_what_was_reached_is_saved_when_files_go_away(tmp_path, monkeypatch, capsys):
    import shutil

    from training.sampler import Sampler

    runs.write_pairs(tmp_path)
    batch = Sampler.batch

    def until_the_seventh(self, epoch, step, wanted=slice(None)):
        if step == 7:
            shutil.move(tmp_path / "songs", tmp_path / "gone")
        return batch(self, epoch, step, wanted)

    monkeypatch.setattr(Sampler, "batch", until_the_seventh)
    path = runs.write_run(tmp_path / "tones.yaml")
    assert main([path, "--pairs", str(tmp_path), "--output", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"splitstrument: {tmp_path / 'songs'}")
    assert error.endswith("is its disk still there?\n")
    assert error.count("\n") == 1
    # Threads read some steps ahead, which may fail before the seventh does.
    reached = int(newest(tmp_path / "runs" / "tones").stem.removeprefix("00000-"))
    assert 0 < reached <= 7


@pytest.mark.slow
def test_tensorflow_and_jax_train_alike(data, tmp_path):
    """From the same weights, the same run: losses of the first steps under each backend."""
    pytest.importorskip("jax", reason="jax is not installed")
    options = {"fft_length": 128, "frames": 8, "depth": 1, "filters": 4}
    tiny.model(tmp_path / "start", "spectrogram_unet", runs.RATE, options=options)
    fields = {
        "network": "spectrogram_unet",
        "options": options,
        "initial": str(tmp_path / "start"),
        "windows": {"sampling": "random", "steps": 2, "batch_size": 4},
        "loss": "time_l1",
        "optimizer": {"name": "adamw", "clip": 1.0, "learning_rate": 1e-3, "average": 0.5},
        "epochs": 3,
    }
    path = runs.write_run(tmp_path / "tones.yaml", **fields)
    arguments = [path, "--pairs", str(data), "--output"]
    # Without XLA's optimisations, which take longer than they save in six steps.
    quickly = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    with started([*arguments, str(tmp_path / "jax")], KERAS_BACKEND="jax", XLA_FLAGS=quickly) as process:
        assert main([*arguments, str(tmp_path / "tensorflow")]) == 0
        output = process.communicate(timeout=600)[0]
    assert process.returncode == 0, output
    assert "backend: jax " in (tmp_path / "jax" / "tones" / "environment.yaml").read_text()
    sides = [history(tmp_path / backend / "tones") for backend in ("tensorflow", "jax")]
    for ours, theirs in zip(*sides, strict=True):
        for name in ("loss", "val_loss", "sdr"):
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=2e-3, abs=1e-3), name


@pytest.mark.slow
def test_bfloat16_tensorboard_and_a_queue(data, tmp_path):
    """Two runs in one command; the first one fails, the second one is trained all the same."""
    (tmp_path / "sick").mkdir()
    tiny.model(tmp_path / "other", "hourglass")
    sick = runs.write_run(tmp_path / "sick.yaml", name="sick", initial=str(tmp_path / "other"))
    fields = {"precision": "bfloat16", "tensorboard": True, "epochs": 2, "loss": "mse"}
    path = runs.write_run(tmp_path / "tones.yaml", **fields)
    with started([sick, path, "--pairs", str(data), "--output", str(tmp_path)]) as process:
        output = process.communicate(timeout=600)[0]
    assert process.returncode == 1
    assert "has a different network than this run" in output
    assert output.splitlines()[-1] == "2 runs: 1 finished; failed: sick"
    assert "Traceback" not in output
    assert all(np.isfinite(float(row["loss"])) for row in history(tmp_path / "tones"))
    assert models.load(tmp_path / "tones")[1].dtype_policy.name == "float32"
    assert arrays(newest(tmp_path / "tones"))["network/0"].dtype == np.float32
    assert len(list((tmp_path / "tones" / "tensorboard").iterdir())) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"collections": [{"pairs": "nowhere"}, {"pairs": "songs"}]}, "nowhere: no such folder"),
        ({"network": "hourgass"}, "did you mean hourglass?"),
        ({"loss": "l2"}, "did you mean l1?"),
        ({"initial": "no such run"}, "no model is called"),
        ({"options": runs.HOURGLASS | {"fft_length": 2**17}}, "all tracks are shorter than a window"),
        ({"windows": {"batch_size": 10_000}}, "batch_size: 10000 is more than the"),
        ({"sample_rate": 22050}, "has 8000 Hz, the run 22050"),
        ({"initial": "{data}/songs"}, "holds no model"),
    ],
)
def test_what_is_wrong_is_one_line_before_the_first_step(data, tmp_path, capsys, changes, said):
    changes = json.loads(json.dumps(changes).replace("{data}", str(data)))
    path = runs.write_run(tmp_path / "wrong.yaml", **changes)
    assert main([path, "--pairs", str(data), "--output", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("runs/*/checkpoints"))


def test_a_model_without_its_checkpoints_is_not_written_over(finished, tmp_path, capsys):
    import shutil

    (path, *options), whole = finished
    shutil.copytree(whole, tmp_path / "tones", ignore=shutil.ignore_patterns("checkpoints"))
    before = (tmp_path / "tones" / "history.csv").read_text()
    assert main([path, *options[:2], "--output", str(tmp_path)]) == 2
    assert "has a model but no checkpoint to resume from" in capsys.readouterr().err
    assert (tmp_path / "tones" / "history.csv").read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.5, 3.0])
def test_a_signal_at_any_moment_stops(data, tmp_path, wait):
    """While Python, TensorFlow or the network is loaded, too: nothing there swallows it."""
    path = runs.write_run(tmp_path / "tones.yaml", epochs=10_000)
    with started([path, "--pairs", str(data), "--output", str(tmp_path / "runs")]) as process:
        time.sleep(wait)
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=600)[0]
    # Before Python has come to the command, the system itself stops it.
    assert process.returncode in (130, -signal.SIGTERM, -signal.SIGINT)
    assert "stopped" in output or process.returncode == -signal.SIGTERM
    assert "Traceback" not in output


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    import shutil
    from collections import namedtuple

    from splitstrument import models

    usage = namedtuple("usage", "total used free")(10, 9, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="No space left on device"):
        models.save(tiny.network("tfc_tdf"), models.Card("full", ("guitar",), 22050, "tfc_tdf"), tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


def test_one_run_at_a_time_in_a_folder(finished, capsys):
    from splitstrument.stages.locking import locked

    (path, *options), folder = finished
    with locked(folder):
        assert main([path, *options, "--set", "epochs=5"]) == 2
    assert capsys.readouterr().err == f"splitstrument: {folder}: another command is writing there\n"


def test_runs_of_one_name_are_refused(finished, capsys):
    (path, *options), _ = finished
    assert main([path, path, *options]) == 2
    assert "another run is also called tones" in capsys.readouterr().err


def run_of(**changes):
    return config.Run(**runs.settings(**changes))


def test_early_stopping_counts_epochs_without_a_gain():
    run = run_of(epochs=100, early_stopping={"patience": 3, "least_gain": 0.01})

    def after(*losses):
        rows = [{"epoch": number + 1, "val_loss": loss} for number, loss in enumerate(losses)]
        return is_finished(run, State(epoch=len(rows), history=rows))

    assert not after()
    assert not after(1.0, 0.9, 0.95, 0.95)
    assert after(1.0, 0.9, 0.95, 0.95, 0.95)
    assert after(1.0, 0.9, 0.899, 0.898, 0.897)  # less than a gain
    assert not after(1.0, 0.9, 0.95, 0.95, 0.8)
    assert not is_finished(run, State(epoch=100, step=3))
    assert is_finished(run_of(epochs=2), State(epoch=2))


def test_learning_rates():
    cosine = config.Optimizer(learning_rate=1.0, schedule="cosine", warm_up=1)
    schedule = optimizers.build(cosine, 10, 5)._learning_rate
    rates = [float(schedule(step)) for step in range(51)]
    assert rates[0] == pytest.approx(0.05)
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(1.0)
    assert rates[30] == pytest.approx(0.02 + 0.98 / 2)
    assert rates[50] == pytest.approx(0.02)
    plateau = config.Optimizer(learning_rate=1.0, schedule="plateau", factor=0.5, patience=2, least=0.3)
    optimizer = optimizers.build(plateau, 10, 5)
    rates = []
    for since_best in (0, 1, 2, 3, 4, 5, 6):
        optimizers.after_epoch(plateau, optimizer, since_best)
        rates.append(float(optimizer.learning_rate))
    assert rates == pytest.approx([1, 1, 0.5, 0.5, 0.3, 0.3, 0.3])


def test_the_shipped_configurations_are_right():
    from pathlib import Path

    for path in Path(config.__file__).parent.glob("configs/*.yaml"):
        run = config.load(path)
        networks.settings(run.network, run.options)
        assert all(source.licence for collection in run.collections for source in collection.sources)
