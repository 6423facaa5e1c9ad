"""Run configurations: inheritance, strictness and --set."""

import dataclasses
from pathlib import Path

import pytest

from training import config

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
RUNS = (".", "four-parts", "poster", "proposal", "slides", "thesis")  # the folders whose files are each a run


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


def test_of_several_bases_the_later_ones_override_the_earlier_ones_and_the_file_both(tmp_path):
    write(tmp_path / "one.yaml", f"{BASE}epochs: 3\nseed: 3\noptimizer: {{clip: 2, factor: 0.5}}\n")
    write(tmp_path / "small.yaml", "epochs: 4\nseed: 4\noptimizer: {clip: 1}\n")
    run = config.load(write(tmp_path / "run.yaml", "base: [one.yaml, small.yaml]\nname: heir\nseed: 5\n"))
    assert (run.name, run.epochs, run.seed, run.limit) == ("heir", 4, 5, 9)
    assert (run.optimizer.clip, run.optimizer.factor) == (1, 0.5)
    write(tmp_path / "small.yaml", "epochs: none\n")
    assert refusal(tmp_path / "run.yaml").startswith(f"{tmp_path / 'small.yaml'}: epochs")


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
    run = config.load(
        heir("collections: [{pairs: a, sources: [{name: voice, licence: CC0-1.0}, sources/songs.yaml]}]\n")
    )
    assert [each.name for each in run.collections[0].sources] == ["voice", "song"]
    assert "no.yaml: cannot be opened" in refusal(heir("collections: [{pairs: a, sources: no.yaml}]\n"))
    assert "sources" in refusal(heir("collections: [{pairs: a, sources: [1]}]\n"))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"run.yaml": "base: run.yaml"}, "run.yaml: inherits from itself"),
        ({"run.yaml": "base: b.yaml", "b.yaml": "base: ./run.yaml"}, "run.yaml: inherits from itself"),
        ({"run.yaml": "base: no.yaml"}, "no.yaml: cannot be opened: no such file or directory"),
        ({"run.yaml": "base: {b.yaml: 1}", "b.yaml": BASE}, "run.yaml: base: must be a file name, or a list of them"),
        ({"run.yaml": "base: [b.yaml, 1]", "b.yaml": BASE}, "run.yaml: base: must be a file name, or a list of them"),
        ({"run.yaml": "base: [b.yaml, run.yaml]", "b.yaml": BASE}, "run.yaml: inherits from itself"),
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


def test_configurations_that_come_along_load_and_are_called_as_their_runs():
    for path in (path for folder in RUNS for path in CONFIGS.glob(f"{folder}/*.yaml")):
        assert config.load(path).name == path.stem


def test_what_runs_share_is_no_run_by_itself():
    for path in CONFIGS.glob("bases/*.yaml"):
        assert "Field required" in refusal(path)


def test_no_augmentation_is_all_off():
    values = dataclasses.asdict(config.Augmentation())
    assert not any(value for name, value in values.items() if name not in ("pitch", "tempo"))


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
