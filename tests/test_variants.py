"""Series of runs from one configuration."""

from pathlib import Path

import pytest
import yaml

from tests.runs import write_run
from training import config
from training.variants import variants


def written(folder, **fields):
    options = {"fft_length": 256, "frames": 16, "depth": 3, "filters": 6}
    return write_run(folder / "run.yaml", name="songs", options=options, **fields)


def test_every_combination_is_a_run(tmp_path):
    path = written(tmp_path, vary={"options.fft_length": [256, 512], "loss": ["l1", "mse"]})
    runs = [config.load(path, changes) for changes in variants(path)]
    assert [(run.options["fft_length"], run.loss) for run in runs] == [
        (256, "l1"), (256, "mse"), (512, "l1"), (512, "mse")
    ]  # fmt: skip
    assert runs[1].name == "songs-fft_length-256-loss-mse"
    assert all(run.options["depth"] == 3 for run in runs)


def test_a_field_that_is_set_is_not_varied(tmp_path):
    path = written(tmp_path, vary={"options.fft_length": [256, 512], "loss": ["l1", "mse"]})
    runs = [config.load(path, changes) for changes in variants(path, ["loss=snr"])]
    assert [(run.options["fft_length"], run.loss) for run in runs] == [(256, "snr"), (512, "snr")]
    # So each run of a queue can be named by its own changes.
    for changes in variants(path):
        assert variants(path, changes) == [changes]


def test_a_base_may_have_the_name_or_the_values(tmp_path):
    written(tmp_path, vary={"loss": ["l1", "mse"]})
    (tmp_path / "heir.yaml").write_text("base: run.yaml\nvary: {epochs: [1, 2]}\n")
    runs = [config.load(tmp_path / "heir.yaml", changes) for changes in variants(tmp_path / "heir.yaml")]
    assert [run.name for run in runs] == [
        f"songs-loss-{loss}-epochs-{epochs}" for loss in ("l1", "mse") for epochs in (1, 2)
    ]


def test_a_file_without_it_is_one_run(tmp_path):
    path = written(tmp_path)
    assert variants(path, ["epochs=3"]) == [("epochs=3",)]


def test_the_series_that_come_along_load():
    for path in (Path(config.__file__).parent / "configs" / "analyses").glob("*.yaml"):
        runs = [config.load(path, changes) for changes in variants(path)]
        assert len({run.name for run in runs}) == len(runs) >= 3
        assert all(run.name.startswith(f"{path.stem}-") for run in runs)


@pytest.mark.parametrize(
    "vary", ["[1, 2]", "{epochs: 3}", "{epochs: []}", "{epochs: [1, 1]}", "{options: [{depth: 1}]}"]
)
def test_anything_else_is_one_line(tmp_path, vary):
    path = written(tmp_path, vary=yaml.safe_load(vary))
    with pytest.raises(ValueError, match=r"run\.yaml: vary: .*must") as caught:
        variants(path)
    assert "\n" not in str(caught.value)
