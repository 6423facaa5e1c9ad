"""Configurations as the thesis published them, .jsonc files."""

import dataclasses
import json

import pytest

from tests.test_configurations import refusal, write
from training import config

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
