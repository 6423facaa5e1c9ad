"""The thesis's runs: their settings and figures against its tables."""

import dataclasses

import numpy as np
import pytest

from tests.test_configurations import CONFIGS
from training import config
from training.selection import counts

# The thesis, sections 7.1 and 7.2, appendix B. Median SDR, SIR and SAR of the instrument and of the rest in dB, minutes
# of an epoch ("slightly less than one hour": 57), the epoch after which it stopped, if told.
TABLES = {
    "2": ("guitar", (-1.27, 4.89, 1.47), (8.09, 9.81, 13.27), 90, None),
    "3": ("guitar", (-1.83, 5.34, 0.44), (7.73, 8.76, 14.94), 75, None),
    "4": ("guitar", (-3.50, -2.20, 8.42), (5.50, 17.27, 6.09), 90, 33),
    "5": ("guitar", (-6.69, -6.06, 9.21), (-1.08, 5.85, 1.20), 90, 32),
    "6": ("guitar", (0.73, 4.26, 4.40), (8.92, 11.61, 13.06), 300, None),
    "7": ("piano", (-13.62, -3.01, -6.82), (11.35, 15.09, 16.19), 60, None),
    "8": ("piano", (-8.46, 1.93, -5.60), (13.15, 15.82, 17.53), 50, None),
    "9": ("piano", (-13.62, -13.30, 12.01), (2.31, 14.29, 3.53), 75, 26),
    "10": ("piano", (-16.09, -12.44, 3.44), (-0.15, 15.04, 0.52), 60, 30),
    "11": ("piano", (-7.28, 4.89, -4.53), (13.17, 15.69, 16.82), 60, None),
    "B.1.1": ("piano", (-8.42, 0.23, -5.31), (12.83, 15.76, 15.87), 57, None),
    "B.1.2": ("piano", (-7.47, -0.51, -2.59), (12.38, 16.36, 16.50), 45, None),
    "B.1.3": ("piano", (-7.99, 2.79, -3.94), (13.22, 15.85, 16.91), 50, None),
    "B.2.1": ("guitar", (-0.27, 2.88, 4.97), (8.71, 10.94, 12.72), 75, 42),
    "B.2.2": ("guitar", (0.15, 3.95, 4.41), (8.76, 10.82, 13.41), 90, None),
    "B.2.3": ("guitar", (-0.71, 4.03, 4.54), (8.79, 10.29, 14.38), 90, 35),
    "B.2.4": ("guitar", (0.58, 3.83, 4.65), (8.70, 10.87, 13.80), 90, 30),
    "B.3.1": ("guitar", (-0.71, 4.03, 4.54), (8.79, 10.29, 14.38), 90, 35),
    "B.3.2": ("guitar", (0.49, 3.59, 4.72), (8.74, 10.84, 13.76), 75, None),
    "B.3.3": ("guitar", (0.24, 3.50, 4.97), (8.78, 10.88, 13.68), 60, None),
}
# Section 4.4: tracks for training in data sets 1 to 4, 6 and 7.
DATASETS = {
    "guitar": 593,
    "guitar_less_silence": 592,
    "piano": 131,
    "piano_less_silence": 123,
    "guitar_pure": 68,
    "piano_pure": 80,
}
# Tracks of each data set, FFT length, filters, at most so many windows of a track (of 50, counted at FFT length 1536).
SETTINGS = {
    "2": ({"guitar": 131}, 1536, 192, 0),
    "3": ({"guitar_less_silence": 131}, 1536, 192, 0),
    "4": ({"guitar": 131, "guitar_pure": 43}, 1536, 192, 0),
    "5": ({"guitar_less_silence": 131, "guitar_pure": 43}, 1536, 192, 0),
    "6": ({"guitar": 593}, 1536, 192, 0),
    "7": ({"piano": 131}, 1536, 192, 0),
    "8": ({"piano_less_silence": 123}, 1536, 192, 0),
    "9": ({"piano": 131, "piano_pure": 43}, 1536, 192, 0),
    "10": ({"piano_less_silence": 123, "piano_pure": 43}, 1536, 192, 0),
    "11": ({"piano_less_silence": 123, "piano_pure": 47}, 1536, 192, 0),
    "B.1.1": (None, 1536, 256, 0),  # data sets that have no number of tracks
    "B.1.2": (None, 1536, 256, 0),
    "B.1.3": ({"piano_less_silence": 123}, 1536, 256, 0),
    "B.2.1": ({"guitar": 593}, 512, 256, 150),
    "B.2.2": ({"guitar": 593}, 1024, 256, 75),
    "B.2.3": ({"guitar": 593}, 1536, 256, 50),
    "B.2.4": ({"guitar": 593}, 2048, 256, 37),
    "B.3.1": ({"guitar": 593}, 1536, 256, 50),
    "B.3.2": ({"guitar": 593}, 1536, 192, 50),
    "B.3.3": ({"guitar": 593}, 1536, 92, 50),
}


@pytest.fixture(scope="module")
def thesis_runs():
    """{table: run} of all files."""
    runs = [config.load(path) for path in sorted(CONFIGS.glob("thesis/*.yaml"))]
    assert len(runs) >= 18
    assert len({run.name for run in runs}) == len(runs)
    assert sorted(run.reference.table for run in runs) == sorted(TABLES)
    return {run.reference.table: run for run in runs}


@pytest.mark.parametrize("table", TABLES)
def test_figures_are_those_of_the_thesis(thesis_runs, table):
    run = thesis_runs[table]
    instrument, own, rest, minutes, epochs = TABLES[table]
    assert run.instrument == instrument
    assert dataclasses.astuple(run.reference.instrument) == own
    assert dataclasses.astuple(run.reference.rest) == rest
    assert run.reference.hours_per_epoch == pytest.approx(minutes / 60, abs=0.005)
    assert run.reference.epochs == epochs
    assert run.reference.title
    assert run.reference.tracks


@pytest.mark.parametrize("table", SETTINGS)
def test_settings_are_those_of_the_thesis(thesis_runs, table):
    run = thesis_runs[table]
    tracks, fft_length, filters, per_track = SETTINGS[table]
    assert run.network == "hourglass"
    options = {"fft_length": fft_length, "frames": 64, "channels": 1, "depth": 6, "filters": filters}
    assert run.options == options | {"initial_filters": 128, "dropout": 0.2}
    assert run.sample_rate == 22050
    assert run.validation_ratio == 0.2
    assert run.epochs == (42 if table == "B.2.1" else 36)
    assert run.early_stopping.patience == 10
    assert run.loss == "l1"
    assert run.optimizer == config.Optimizer(name="adam", learning_rate=1e-4)
    assert run.windows == config.Windows(sampling="sequential", shuffle="track", per_track=per_track, batch_size=4)
    assert run.augmentation == config.Augmentation()
    assert run.precision == "float32"
    assert not run.initial
    names, ratios = zip(*[(each.pairs, each.ratio) for each in run.collections], strict=True)
    assert not any(each.validation for each in run.collections)
    if tracks:
        assert dict(zip(names, counts([DATASETS[name] for name in names], ratios, run.limit), strict=True)) == tracks
    else:
        assert len(names) == 1
        assert run.limit == 131


@pytest.mark.parametrize(("table", "parameters"), [("B.3.1", 12_546_689), ("B.3.2", 7_713_857), ("B.3.3", 2_671_757)])
def test_networks_have_as_many_parameters_as_the_thesis_says(thesis_runs, table, parameters):
    from splitstrument import networks

    run = thesis_runs[table]
    network = networks.build(run.network, run.options)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == parameters
    if table == "B.3.2":
        assert network.input_shape == (None, 769, 64, 1)
