"""Run configurations: inheritance, strictness, --set, the thesis's runs against its tables, its own .jsonc form."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from training import config
from training.selection import counts

RUN = """
name: songs
instrument: guitar
network: hourglass
options: {fft_length: 256, frames: 16, depth: 3, filters: 6}
collections: [{pairs: songs}]
windows: {batch_size: 2, per_track: 5}
"""
BASE = f"{RUN}limit: 9\n"
CONFIGS = Path(config.__file__).parent / "configs"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(path, *changes):
    """What is said of a configuration that does not load."""
    with pytest.raises(ValueError) as caught:
        config.load(path, changes)
    assert type(caught.value) is ValueError
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def heir(tmp_path):
    """Write a file whose base is base.yaml beside it."""
    write(tmp_path / "base.yaml", BASE)
    return lambda text="": write(tmp_path / "heir.yaml", f"base: base.yaml\n{text}")


def test_a_short_file_is_a_run_and_what_it_does_not_say_has_defaults(tmp_path):
    run = config.load(write(tmp_path / "run.yaml", RUN))
    assert (run.name, run.instrument, run.network, run.collections[0].pairs) == (
        "songs",
        "guitar",
        "hourglass",
        "songs",
    )
    assert (run.windows.batch_size, run.windows.per_track, run.windows.sampling) == (2, 5, "sequential")
    assert run.optimizer == config.Optimizer()
    assert run.augmentation == config.Augmentation()
    assert config.load(str(tmp_path / "run.yaml")) == run


def test_a_base_may_have_a_base_and_each_is_relative_to_its_own_file(tmp_path):
    write(tmp_path / "base.yaml", f"{BASE}epochs: 3\nseed: 3\n")
    write(tmp_path / "sets/middle.yaml", "base: ../base.yaml\nepochs: 4\nseed: 4\nname: middle\n")
    run = config.load(write(tmp_path / "sets/more/run.yaml", "base: ../middle.yaml\nepochs: 5\n"))
    assert (run.epochs, run.seed, run.limit, run.name) == (5, 4, 9, "middle")


def test_mappings_are_merged_and_lists_replaced(heir, tmp_path):
    base = "optimizer: {clip: 2}\naugmentation: {gain: 3}\n"
    write(tmp_path / "base.yaml", BASE.replace("[{pairs: songs}]", "[{pairs: a}, {pairs: b}]") + base)
    run = config.load(heir("options: {filters: 7}\nwindows: {batch_size: 3}\noptimizer: {clip: 0.5}\n"))
    assert run.options == {"fft_length": 256, "frames": 16, "depth": 3, "filters": 7}
    assert (run.windows.batch_size, run.windows.per_track, run.optimizer.clip) == (3, 5, 0.5)
    assert run.augmentation.gain == 3
    assert [each.pairs for each in run.collections] == ["a", "b"]
    run = config.load(heir("collections: [{pairs: c, weight: 2}]\n"))
    assert [(each.pairs, each.weight) for each in run.collections] == [("c", 2)]
    reference = (
        "reference: {table: '2', title: A, instrument: {sdr: 1, sir: 2, sar: 3}, rest: {sdr: 4, sir: 5, sar: 6}}"
    )
    write(tmp_path / "middle.yaml", f"base: base.yaml\n{reference}\n")
    run = config.load(write(tmp_path / "run.yaml", "base: middle.yaml\nreference: {instrument: {sdr: -1}}\n"))
    assert (run.reference.title, run.reference.instrument) == ("A", config.Figures(-1, 2, 3))


def test_sources_may_stand_in_a_file_beside_the_configuration(heir, tmp_path):
    write(tmp_path / "sources/songs.yaml", "- {name: song, licence: MIT}\n")
    run = config.load(heir("collections: [{pairs: a, sources: sources/songs.yaml}, {pairs: b}]\n"))
    assert [[(each.name, each.licence) for each in one.sources] for one in run.collections] == [[("song", "MIT")], []]
    assert "no.yaml: cannot be opened" in refusal(heir("collections: [{pairs: a, sources: no.yaml}]\n"))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"run.yaml": "base: run.yaml"}, "run.yaml: inherits from itself"),
        ({"run.yaml": "base: b.yaml", "b.yaml": "base: ./run.yaml"}, "run.yaml: inherits from itself"),
        ({"run.yaml": "base: no.yaml"}, "no.yaml: cannot be opened: no such file or directory"),
        ({"run.yaml": "base: [b.yaml]", "b.yaml": BASE}, "run.yaml: base: must be a file name"),
        ({"run.yaml": "base: b.yaml", "b.yaml": "- 1"}, "b.yaml: contains no fields"),
        ({"run.yaml": ""}, "run.yaml: contains no fields"),
        ({"run.yaml": "base: b.yaml", "b.yaml": "name: [x"}, "b.yaml: cannot be read as YAML"),
    ],
)
def test_files_that_are_no_configuration_are_named(tmp_path, files, says):
    for name, text in files.items():
        write(tmp_path / name, text)
    assert refusal(tmp_path / "run.yaml").startswith(f"{tmp_path}/{says}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epoch: 3", "no option is called 'epoch'; did you mean epochs?"),
        ("colour: blue", "no option is called 'colour'; there are: name, instrument, sources, whole,"),
        ("windows: {bach_size: 3}", "no option is called 'windows.bach_size'; did you mean windows.batch_size?"),
        ("optimizer: {learning_rat: 1}", "'optimizer.learning_rat'; did you mean optimizer.learning_rate?"),
        ("early_stopping: {patient: 3}", "'early_stopping.patient'; did you mean early_stopping.patience?"),
        ("augmentation: {pitsch: 3}", "'augmentation.pitsch'; did you mean augmentation.pitch?"),
        ("collections: [{pairs: a, wait: 3}]", "'collections.0.wait'; did you mean collections.0.weight?"),
        (
            "collections: [{pairs: a}, {pairs: b, sources: [{name: c, licence: MIT, wat: d}]}]",
            "'collections.1.sources.0.wat'; did you mean collections.1.sources.0.what?",
        ),
        ("reference: {titel: x}", "no option is called 'reference.titel'; did you mean reference.title?"),
        ("network: hourglas", "no network is called 'hourglas'; did you mean hourglass?"),
        ("loss: l2", "no loss is called 'l2'; did you mean l1?"),
        ("options: {filter: 4}", "network hourglass: no option is called 'filter'; did you mean filters?"),
        ("options: {filters: many}", "network hourglass: filters: Input should be a valid integer"),
        ("options: {frames: 12}", "network hourglass: frames is 12 and must be a multiple of 2 ** depth = 8"),
        ("options: {dropout: .nan}", "network hourglass: dropout:"),
        ("options: 3", "options: Input should be a valid dictionary"),
        ("options:", "options: Input should be a valid dictionary"),
        ("windows: 3", "windows: Input should be a dictionary"),
        ("epochs: many", "epochs: Input should be a valid integer"),
        ("epochs: 2.5", "epochs: Input should be a valid integer"),
        ("epochs: 0", "epochs: Input should be greater than or equal to 1"),
        ("name: 3", "name: Input should be a valid string"),
        ("name: a/b", "name: String should match"),
        ("name: ..", "name: String should match"),
        ("instrument: The guitar", "instrument: String should match"),
        ("loss: [l1]", "loss: Input should be a valid string"),
        ("tensorboard: 2", "tensorboard: Input should be a valid boolean"),
        ("precision: float16", "precision: Input should be 'float32' or 'bfloat16'"),
        ("windows: {shuffle: all}", "windows.shuffle: Input should be 'none', 'track' or 'epoch'"),
        ("windows: {batch_size: 0}", "windows.batch_size: Input should be greater than or equal to 1"),
        ("augmentation: {silence: 1.1}", "augmentation.silence: Input should be less than or equal to 1"),
        ("augmentation: {gain: 41}", "augmentation.gain: Input should be less than or equal to 40"),
        ("optimizer: {learning_rate: 0}", "optimizer.learning_rate: Input should be greater than 0"),
        ("optimizer: {learning_rate: .inf}", "optimizer.learning_rate: Input should be a finite number"),
        ("optimizer: {clip: .nan}", "optimizer.clip: Input should be a finite number"),
        ("optimizer: {average: 1}", "optimizer.average: Input should be less than 1"),
        ("save_minutes: .inf", "save_minutes: Input should be a finite number"),
        ("validation_ratio: 1", "validation_ratio: Input should be less than 1"),
        ("validation_ratio: .nan", "validation_ratio: Input should be a finite number"),
        ("sample_rate: 4000", "sample_rate: Input should be greater than or equal to 8000"),
        ("seed: -1", "seed: Input should be greater than or equal to 0"),
        ("collections: []", "collections: Tuple should have at least 1 item"),
        ("collections: [{pairs: a, ratio: 0}]", "collections.0.ratio: Input should be greater than 0"),
        ("collections: [{pairs: a, weight: .inf}]", "collections.0.weight: Input should be a finite number"),
        ("collections: [{pairs: a, ratio: 1}, {pairs: b}]", "collections: either all or none must have a ratio"),
        ("reference: {instrument: {sdr: .nan}}", "reference.instrument.sdr: Input should be a finite number"),
        ("limit: true", "limit: must be a number, not true or false"),
        ("save_minutes: false", "save_minutes: must be a number, not true or false"),
        ("windows: {per_track: true}", "windows.per_track: must be a number, not true or false"),
        (
            "collections: [{pairs: a}, {pairs: b, weight: true}]",
            "collections.1.weight: must be a number, not true or false",
        ),
        ("options: {dropout: false}", "network hourglass: dropout: must be a number, not true or false"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_file_and_field(heir, tmp_path, text, says):
    said = refusal(heir(text))
    assert said.startswith(f"{tmp_path}/heir.yaml: ")
    assert says in said
    assert "base.yaml" not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epoch: 3", "no option is called 'epoch'; did you mean epochs?"),
        ("optimizer: {nam: adam}", "no option is called 'optimizer.nam'; did you mean optimizer.name?"),
        ("optimizer: {clip: -1}", "optimizer.clip: Input should be greater than or equal to 0"),
        ("loss: l2", "no loss is called 'l2'"),
        ("network: hourglas", "no network is called 'hourglas'"),
        ("options: {filter: 4}", "network hourglass: no option is called 'filter'"),
    ],
)
def test_a_base_is_named_for_what_it_says(heir, tmp_path, text, says):
    base = [line for line in RUN.splitlines() if not line.startswith(text.split(":")[0] + ":")]
    write(tmp_path / "base.yaml", "\n".join([*base, text]))
    write(tmp_path / "middle.yaml", "base: base.yaml\nepochs: 7\n")
    said = refusal(write(tmp_path / "run.yaml", "base: middle.yaml\nseed: 2\n"))
    assert said.startswith(f"{tmp_path}/base.yaml: ")
    assert says in said
    assert "middle.yaml" not in said
    assert "run.yaml" not in said


def test_all_that_is_wrong_is_said_each_with_its_file(heir, tmp_path):
    write(tmp_path / "base.yaml", BASE.replace("limit: 9", "limit: -9\nepochs: 0"))
    said = refusal(heir("epochs: x\nseed: -1\n"), "tensorboard=3")
    base, own, line = (f"{tmp_path}/base.yaml: limit:", f"{tmp_path}/heir.yaml: ", "--set tensorboard=3: tensorboard:")
    assert base in said
    assert "epochs: Input should be a valid integer" in said.partition(own)[2]
    assert "; seed: Input" in said.partition(own)[2]
    assert line in said
    assert said.count("heir.yaml") == said.count("base.yaml") == 1


def test_what_is_missing_is_said(tmp_path):
    said = refusal(write(tmp_path / "run.yaml", "name: x\n"))
    for field in ("collections", "network"):
        assert f"{field}: Field required" in said
    assert said.startswith(f"{tmp_path}/run.yaml: ")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("epochs=7", {"epochs": 7}),
        ("name=other-1.2", {"name": "other-1.2"}),
        ("initial=a=b", {"initial": "a=b"}),
        ("windows.batch_size=8", {"windows": config.Windows(batch_size=8, per_track=5)}),
        (
            "windows={steps: 7, shuffle: none, batch_size: 2}",
            {"windows": config.Windows(steps=7, shuffle="none", per_track=5, batch_size=2)},
        ),
        ("optimizer.learning_rate=1e-3", {"optimizer": config.Optimizer(learning_rate=0.001)}),
        ("options.filters=8", {"options": {"fft_length": 256, "frames": 16, "depth": 3, "filters": 8}}),
        ("collections=[{pairs: a}, {pairs: b}]", {"collections": (config.Collection("a"), config.Collection("b"))}),
        ("limit=0x10", {"limit": 16}),
        ("reference=null", {"reference": None}),
    ],
)
def test_set_changes_one_field(heir, change, expected):
    before, run = config.load(heir()), config.load(heir(), [change])
    assert run == dataclasses.replace(before, **expected)
    assert run != before or expected == {"reference": None}


def test_of_several_changes_the_last_one_stands(heir):
    run = config.load(heir("epochs: 3\n"), ["epochs=4", "windows.steps=5", "epochs=6", "windows.batch_size=7"])
    assert (run.epochs, run.windows.steps, run.windows.batch_size, run.windows.per_track) == (6, 5, 7, 5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("epochs", "must be field=value"),
        ("=3", "must be field=value"),
        ("epochs=[1", "the value cannot be read as YAML"),
        ("epochs.most=3", "epochs: Input should be a valid integer"),
        ("collections.0.pairs=x", "collections: Input should be a valid tuple"),
        ("epochs=", "epochs: Input should be a valid integer"),
        ("epochs=0", "epochs: Input should be greater than or equal to 1"),
        ("epoch=3", "no option is called 'epoch'; did you mean epochs?"),
        ("windows.batch_sise=3", "no option is called 'windows.batch_sise'; did you mean windows.batch_size?"),
        ("windows.batch_size=0", "windows.batch_size: Input should be greater than or equal to 1"),
        ("optimizer.clip=.inf", "optimizer.clip: Input should be a finite number"),
        ("window=3", "no option is called 'window'; did you mean windows?"),
        ("loss=l2", "no loss is called 'l2'; did you mean l1?"),
        ("network=3", "network: Input should be a valid string"),
        ("network=no", "no network is called 'no'"),
        ("network=tfctdf", "no network is called 'tfctdf'; did you mean tfc_tdf?"),
        ("options.frames=12", "network hourglass: frames is 12"),
        ("epochs=true", "epochs: must be a number, not true or false"),
    ],
)
def test_a_wrong_change_is_blamed_on_itself(heir, tmp_path, change, says):
    said = refusal(heir("epochs: 3\n"), "seed=1", change)
    assert said.startswith(f"--set {change}: ")
    assert says in said
    assert str(tmp_path) not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sources: [guitar, piano]", "a run needs either instrument or sources"),
        ("instrument:", "a run needs either instrument or sources"),
        ("instrument:\nsources: [guitar, guitar]", "sources: 'guitar' is not a valid part name, or occurs twice"),
        ("instrument:\nsources: [guitar, Piano]", "sources.1: String should match"),
        ("instrument:\nsources: [rest, guitar]", "sources: rest cannot be a source"),
        ("whole: true", "whole: needs two sources or more"),
        ("initial_source: vocals", "initial_source: needs initial, the model that has this source"),
    ],
)
def test_sources_that_cannot_be(heir, text, says):
    assert says in refusal(heir(text + "\n"))


def test_a_run_has_one_instrument_or_sources(heir):
    assert config.load(heir()).source_names == ("guitar",)
    run = config.load(heir("instrument:\nsources: [vocals, rest]\nwhole: true\n"))
    assert (run.source_names, run.whole) == (("vocals", "rest"), True)
    assert config.load(heir("instrument:\nsources: [piano]\n")).source_names == ("piano",)


def test_settings_are_frozen(heir):
    run = config.load(heir())
    parts = (run, run.windows, run.optimizer, run.augmentation, run.early_stopping, run.collections[0])
    for part in parts:
        for field in dataclasses.fields(part):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(part, field.name, getattr(part, field.name))
    assert isinstance(run.collections, tuple)


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


def test_configurations_that_come_along_load_and_are_called_as_their_runs():
    for path in (*CONFIGS.glob("*.yaml"), *CONFIGS.glob("thesis/*.yaml")):
        assert config.load(path).name == path.stem


def test_what_runs_share_is_no_run_by_itself():
    for path in CONFIGS.glob("bases/*.yaml"):
        assert "Field required" in refusal(path)


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


def test_no_augmentation_is_all_off():
    values = dataclasses.asdict(config.Augmentation())
    assert not any(value for name, value in values.items() if name not in ("pitch", "tempo"))


@pytest.mark.parametrize(("table", "parameters"), [("B.3.1", 12_546_689), ("B.3.2", 7_713_857), ("B.3.3", 2_671_757)])
def test_networks_have_as_many_parameters_as_the_thesis_says(thesis_runs, table, parameters):
    from splitstrument import networks

    run = thesis_runs[table]
    network = networks.build(run.network, run.options)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == parameters
    if table == "B.3.2":
        assert network.input_shape == (None, 769, 64, 1)


# What the thesis's own files look like, in short.
MASTER = """{
    "environment": {"output_path": "runs"},
    "collection": {
        "folder": "env('UNMIX_COLLECTION_DIR')",  // one folder, where no others are named
        "sample_rate": "int(env('UNMIX_SAMPLE_RATE'))",
        "stereo": false,
        "song_limit": "int(env('UNMIX_SONG_LIMIT'))", // how many
        "validation_ratio": 0.25
    },
    /* what is trained,
       and for how long */
    "training": {
        "epoch": {"count": 1000, "shuffle": false},
        "limit_items_per_song": "int(env('UNMIX_LIMIT_ITEMS_PER_SONG'))",
        "callbacks": {
            "early_stopping": {"enabled": true, "min_delta": 0.002, "patience": 7},
            "reduce_learningrate": {"enabled": false, "factor": 0.5, "patience": 3, "min_learningrate": 0.001},
        },
    }
}"""
NETWORK = """{
    "transformation": {"name": "windows", "options": {"size": 16, "step": 16, "shuffle": true}},
    "training": {
        "model": {
            "name": "Hourglass",
            "options": {
                "stacks": 2,
                "channels": 8,
                "initial_convolutions": {"batchnormalization": false, "dropoutfactor": 0},
                "hg_module": {"filters": 6, "batchnormalization": false, "dropoutfactor": 0},
                "hg_module_end": {"batchnormalization": false, "dropoutfactor": 0}
            }
        },
        "batch_size": 3,
        "loss_function": "L11_loss",
        "optimizer": {"name": "adam", "lr": 0.0003}
    }
}"""
VARIABLES = ("UNMIX_COLLECTION_DIR", "UNMIX_SAMPLE_RATE", "UNMIX_SONG_LIMIT", "UNMIX_LIMIT_ITEMS_PER_SONG")


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Write a run beside its master and base: fields by dots -> its path."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    write(tmp_path / "master.jsonc", MASTER)
    write(tmp_path / "network.jsonc", NETWORK)

    def make(fields=None, base="network.jsonc", name="run.jsonc"):
        fields = {"collection.name": "Some piano songs"} | (fields or {})
        values = {"base": base}
        for field, value in fields.items():
            *above, last = field.split(".")
            place = values
            for part in above:
                place = place.setdefault(part, {})
            place[last] = value
        return write(tmp_path / name, f"// a run\n{json.dumps(values, indent=4)}\n// its end")

    return make


def test_a_published_run_has_what_it_says_over_its_base_and_master(published):
    fields = {"training.epoch.count": 36, "training.model.options.hg_module.filters": 9, "collection.song_limit": 12}
    run = config.load(published(fields))
    assert (run.name, run.instrument, run.network, run.loss) == ("run", "piano", "hourglass", "l1")
    assert run.options == {
        "fft_length": 1536,
        "frames": 16,
        "channels": 1,
        "depth": 2,
        "filters": 9,
        "initial_filters": 8,
        "dropout": 0,
        "normalise": False,
    }
    assert (run.epochs, run.limit, run.validation_ratio) == (36, 12, 0.25)
    assert run.windows == config.Windows(sampling="sequential", shuffle="track", batch_size=3)
    assert run.optimizer == config.Optimizer(name="adam", learning_rate=0.0003)
    assert run.early_stopping == config.EarlyStopping(patience=7, least_gain=0.002)
    assert run.augmentation == config.Augmentation()
    assert run.reference is None


def test_a_published_base_may_have_a_base(published, tmp_path):
    published({"training.batch_size": 5, "training.epoch.count": 8}, name="middle.jsonc")
    run = config.load(published({"training.epoch.count": 9}, base="middle.jsonc"))
    assert (run.windows.batch_size, run.epochs, run.options["depth"], run.early_stopping.patience) == (5, 9, 2, 7)
    assert refusal(published(base="run.jsonc")) == f"{tmp_path}/run.jsonc: inherits from itself"


def test_without_environment_our_defaults_stand(published):
    run = config.load(published())
    assert (run.sample_rate, run.limit, run.windows.per_track) == (22050, 0, 0)
    assert len(run.collections) == 1


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("UNMIX_SAMPLE_RATE", "44100", lambda run: run.sample_rate, 44100),
        ("UNMIX_SONG_LIMIT", "17", lambda run: run.limit, 17),
        ("UNMIX_LIMIT_ITEMS_PER_SONG", "21", lambda run: run.windows.per_track, 21),
        ("UNMIX_COLLECTION_DIR", "my pairs", lambda run: run.collections[0].pairs, "my pairs"),
    ],
)
def test_the_environment_fills_in(published, monkeypatch, variable, value, field, expected):
    assert field(config.load(published())) != expected
    monkeypatch.setenv(variable, value)
    assert field(config.load(published())) == expected


def test_what_a_run_says_stands_over_the_environment(published, monkeypatch):
    monkeypatch.setenv("UNMIX_SONG_LIMIT", "17")
    assert config.load(published({"collection.song_limit": 0})).limit == 0


@pytest.mark.parametrize(
    ("fft_length", "items", "expected"),
    [(1536, 50, 50), (512, 50, 150), (1024, 50, 75), (2048, 50, 37), (512, 0, 0)],
)
def test_windows_of_a_track_are_counted_at_fft_length_1536(published, fft_length, items, expected):
    fields = {"spectrogram_generation.fft_length": fft_length, "training.limit_items_per_song": items}
    run = config.load(published(fields))
    assert run.options["fft_length"] == fft_length
    assert run.windows.per_track == expected


def test_folders_of_the_thesis_server_become_relative(published, tmp_path):
    here = tmp_path / "training_data" / "piano"
    here.mkdir(parents=True)
    paths = ["/nowhere/ba2/training_data/guitar/tracks_22050hz/", str(here), "/nowhere/else", "pairs/of/mine"]
    folders = [{"path": path, "ratio": number + 1} for number, path in enumerate(paths)]
    run = config.load(published({"collection.folders": folders}))
    found = [(each.pairs, each.ratio) for each in run.collections]
    assert found == [("guitar/tracks_22050hz", 1), (str(here), 2), ("/nowhere/else", 3), ("pairs/of/mine", 4)]


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"training.epoch.shuffle": True}, lambda run: run.windows.shuffle, "epoch"),
        ({"transformation.options.shuffle": False}, lambda run: run.windows.shuffle, "none"),
        ({"collection.stereo": True}, lambda run: run.options["channels"], 2),
        ({"collection.name": "The best Guitar set"}, lambda run: run.instrument, "guitar"),
        ({"training.callbacks.early_stopping.enabled": False}, lambda run: run.early_stopping.patience, 0),
        (
            {"training.callbacks.reduce_learningrate.enabled": True},
            lambda run: run.optimizer,
            config.Optimizer(learning_rate=0.0003, schedule="plateau", factor=0.5, patience=3, least=0.001),
        ),
    ],
)
def test_fields_of_published_runs_become_ours(published, fields, field, expected):
    assert field(config.load(published())) != expected
    assert field(config.load(published(fields))) == expected


def merged(*texts):
    import json5

    def over(below, above):
        if not isinstance(below, dict) or not isinstance(above, dict):
            return above
        return below | {name: over(below.get(name), value) for name, value in above.items()}

    values = {}
    for text in texts:
        values = over(values, json5.loads(text))
    return values


def test_a_merged_configuration_needs_no_base(published, tmp_path):
    with_base = config.load(published())
    own = {"base": "network.jsonc", "collection": {"name": "Some piano songs"}}
    values = merged(MASTER, NETWORK, json.dumps(own))
    values["training"]["epoch"]["count"] = 12
    alone = config.load(write(tmp_path / "elsewhere/run.jsonc", json.dumps(values)))
    assert alone == dataclasses.replace(with_base, epochs=12)


def test_the_master_is_no_run(published, tmp_path):
    published()
    said = refusal(tmp_path / "master.jsonc")
    assert said.startswith(f"{tmp_path}/master.jsonc: is not a complete run configuration of the thesis")


DIFFERENT = {"training.model.options.hg_module.dropoutfactor": 0.1}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"training.loss_function": "L22_loss"}, "loss L22_loss: only L11_loss is supported"),
        ({"transformation.options.step": 8}, "windows of 16 frames every 8: only adjacent ones work"),
        ({"training.model.name": "UNet"}, "the network is UNet; only Hourglass models can be loaded"),
        (DIFFERENT, "dropoutfactor differs between the parts of the network"),
        ({"training.limit_items_per_song": "some"}, "invalid literal for int"),
        ({"training.callbacks": 3}, "is not a complete run configuration of the thesis"),
        ({"collection.song_limit": "some"}, "limit: Input should be a valid integer"),
        ({"training.optimizer.name": "sgd"}, "optimizer.name: Input should be 'adam' or 'adamw'"),
        ({"training.model.options.stacks": 5}, "network hourglass: frames is 16 and must be a multiple"),
        (
            {"collection.folders": [{"path": "x"}]},
            "is not a complete run configuration of the thesis ('ratio' is missing)",
        ),
    ],
)
def test_what_we_cannot_repeat_is_refused(published, tmp_path, fields, says):
    said = refusal(published(fields))
    assert said.startswith(f"{tmp_path}/run.jsonc: ")
    assert says in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not valid JSON with comments"),
        ('{"a": 1, "a": 2}', "is not valid JSON with comments (Duplicate key"),
        ("[1]", "contains no fields"),
    ],
)
def test_files_that_are_no_json_are_named(published, tmp_path, text, says):
    published()
    said = refusal(write(tmp_path / "broken.jsonc", text))
    assert said.startswith(f"{tmp_path}/broken.jsonc: {says}")
    write(tmp_path / "network.jsonc", "{")
    assert refusal(tmp_path / "run.jsonc").startswith(f"{tmp_path}/network.jsonc: is not valid JSON")


def test_published_runs_can_be_changed_too(published):
    run = config.load(published(), ["epochs=2", "options.filters=4", "windows.steps=7"])
    assert (run.epochs, run.options["filters"], run.options["depth"], run.windows.steps) == (2, 4, 2, 7)
    assert refusal(published(), "epoch=2").startswith("--set epoch=2: no option is called 'epoch'")


@pytest.mark.parametrize("fault", ["batch_size: 0", "bach_size: 3"])
def test_a_base_is_blamed_though_the_heir_says_other_fields(tmp_path, fault):
    write(tmp_path / "base.yaml", RUN.replace("windows:", "# windows:") + f"windows: {{{fault}}}\n")
    said = refusal(write(tmp_path / "run.yaml", "base: base.yaml\nwindows: {per_track: 3}\n"))
    assert said.startswith(f"{tmp_path}/base.yaml: ")


@pytest.mark.parametrize(
    "change", ["options.filter=3", "options.wobble=3", "window.steps=3", "epochs.most=3", "windows={batch_size: 0}"]
)
def test_a_change_is_blamed_for_what_it_says(heir, change):
    said = refusal(heir("windows: {batch_size: 3}\noptions: {frames: 16, filters: 5}\n"), change)
    assert said.startswith(f"--set {change}: ")


def test_the_heirs_unknown_option_is_not_the_bases(tmp_path):
    write(tmp_path / "a.yaml", RUN)
    write(tmp_path / "b.yaml", "base: a.yaml\noptions: {filters: 3}\n")
    said = refusal(write(tmp_path / "c.yaml", "base: b.yaml\noptions: {filter: 3}\n"))
    assert said.startswith(f"{tmp_path}/c.yaml: ")
