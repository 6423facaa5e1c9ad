"""Series of runs from one configuration."""

from pathlib import Path

import pytest

from training import config
from training.variants import variants

RUN = """
name: songs
instrument: guitar
network: hourglass
options: {fft_length: 256, frames: 16, depth: 3, filters: 6}
collections: [{pairs: songs}]
"""


def written(folder, text):
    path = folder / "run.yaml"
    path.write_text(RUN + text)
    return path


def test_every_combination_is_a_run(tmp_path):
    path = written(tmp_path, "vary: {options.fft_length: [256, 512], loss: [l1, mse]}\n")
    runs = [config.load(path, changes) for changes in variants(path)]
    assert [(run.options["fft_length"], run.loss) for run in runs] == [
        (256, "l1"), (256, "mse"), (512, "l1"), (512, "mse")
    ]  # fmt: skip
    assert runs[1].name == "songs-fft_length-256-loss-mse"
    assert all(run.options["depth"] == 3 for run in runs)


def test_a_field_that_is_set_is_not_varied(tmp_path):
    path = written(tmp_path, "vary: {options.fft_length: [256, 512], loss: [l1, mse]}\n")
    runs = [config.load(path, changes) for changes in variants(path, ["loss=snr"])]
    assert [(run.options["fft_length"], run.loss) for run in runs] == [(256, "snr"), (512, "snr")]
    # So each run of a queue can be named by its own changes.
    for changes in variants(path):
        assert variants(path, changes) == [changes]


def test_a_file_without_it_is_one_run(tmp_path):
    path = written(tmp_path, "")
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
    path = written(tmp_path, f"vary: {vary}\n")
    with pytest.raises(ValueError, match=r"run\.yaml: vary: .*must") as caught:
        variants(path)
    assert "\n" not in str(caught.value)
