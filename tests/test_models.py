"""Model folders: cards, weights, shipped ones, and the thesis's published form."""

import json
import shutil

import h5py
import numpy as np
import pytest

from splitstrument import models, networks
from splitstrument.listing import models_main
from tests import tiny
from tests.test_networks import windows


@pytest.mark.slow
def test_a_saved_model_loads_with_its_card(tmp_path):
    network = tiny.network("tfc_tdf")
    card = models.Card(
        name="small",
        sources=("guitar",),
        sample_rate=22050,
        network="tfc_tdf",
        options=tiny.OPTIONS["tfc_tdf"],
        trained_on=(models.Source("songs", "CC0-1.0", "noise"),),
        scores=(models.Score("nothing", "plain SDR in dB", 0.5, "none"),),
    )
    models.save(network, card, tmp_path / "small")
    loaded, again = models.load(tmp_path / "small")
    assert loaded.trained_on == card.trained_on
    assert loaded.scores == card.scores
    assert loaded.version
    # Weights are stored as float16.
    x = windows("tfc_tdf")
    np.testing.assert_allclose(again.predict_on_batch(x), network.predict_on_batch(x), atol=1e-3)
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == ["model.weights.h5", "model.yaml"]


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(models.ModelError, match="did you mean guitar?"):
        models.find("gitar")


@pytest.mark.slow
def test_shipped_models_are_small_and_say_what_they_are():
    assert "guitar" in models.shipped()
    for name, folder in models.shipped().items():
        card, network = models.load(name)
        assert card.name == name
        assert card.trained_on
        assert all(source.licence for source in card.trained_on)
        assert all("muldjord" not in source.name for source in card.trained_on)
        assert card.scores
        assert network.name == card.network
        assert (folder / models.WEIGHTS).stat().st_size < 20 * 2**20


@pytest.mark.parametrize(("si_sdr", "word"), [(-0.1, "weak"), (0, "fair"), (5, "good"), (10, "very good")])
def test_a_model_is_listed_in_three_lines(si_sdr, word, tmp_path, capsys):
    score = models.Score("4 tracks of songs (mixture -6.60 dB)", "mean SI-SDR in dB", si_sdr, "splitstrument evaluate")
    folder = tiny.model(tmp_path / "small", about="Takes guitars out.", scores=(score,))
    assert models_main([str(folder)]) == 0
    first, about, score, more = capsys.readouterr().out.splitlines()
    assert first.startswith("small: guitar, rest (22050 Hz, tfc_tdf, ")
    assert (about, score) == ("  Takes guitars out.", f"  {word}: mean SI-SDR {si_sdr:.1f} dB on 4 tracks of songs")
    assert "--verbose" in more


def test_models_are_listed_whole_and_as_json(tmp_path, capsys):
    folder = tiny.model(tmp_path / "small", trained_on=(models.Source("songs", "CC0-1.0"),))
    assert models_main([str(folder), "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["sources"] == ["guitar"]
    assert listed["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert models_main([str(folder), "--verbose"]) == 0
    assert "trained on songs (CC0-1.0)" in capsys.readouterr().out


def broken_folders(folder):
    """(what is done to a model's folder, what the error says)."""
    card = folder / models.CARD
    yield lambda: (folder / models.WEIGHTS).unlink(), "weights are missing"
    yield lambda: (folder / models.WEIGHTS).write_bytes(b"no HDF5"), "do not fit the network"
    yield lambda: card.write_text(card.read_text() + "colour: red\n"), "no option is called 'colour'"
    yield lambda: card.write_text(card.read_text().replace("tfc_tdf", "tfc_tfd")), "did you mean tfc_tdf"
    yield lambda: card.write_text(card.read_text().replace("22050", "fast")), "sample_rate"
    yield lambda: card.write_text("name: [\n"), "cannot be read"
    yield lambda: card.write_text(""), "holds no fields"
    yield lambda: card.write_bytes(b"\xff\xfe\x00"), "cannot be read"


@pytest.mark.parametrize("case", range(8))
def test_broken_models_are_one_line_that_names_the_file(case, tmp_path, capsys):
    from splitstrument.separate import main

    folder = tiny.model(tmp_path / "small")
    change, said = list(broken_folders(folder))[case]
    change()
    with pytest.raises(models.ModelError, match=said) as error:
        models.load(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    (tmp_path / "song.wav").write_bytes(b"any")
    assert main([str(tmp_path / "song.wav"), "--model", str(folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


THESIS_OPTIONS = {"fft_length": 256, "frames": 16, "depth": 3, "filters": 6, "initial_filters": 8}


def keras_2_4_layers(depth):
    """(class, name, inputs) as Keras 2.4's model.json lists the layers that have weights, by counting calls."""
    convolutions = 5 + (3 * depth + 1) + 3
    normalised = convolutions - 2
    names = [("conv2d", i) for i in range(convolutions)] + [("batch_normalization", i) for i in range(normalised)]
    return [f"{base}_{i}" if i else base for base, i in names]


def thesis_folder(folder, network, below=""):
    """`network`'s weights as Keras 2.4 wrote them, with the configuration that the thesis put beside them."""
    (folder / "weights").mkdir(parents=True)
    with h5py.File(folder / "weights" / "weights.h5", "w") as file:
        root = file.require_group(below) if below else file
        root.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.4.0"
        for layer in network.layers:
            group = root.create_group(layer.name)
            names = [f"{layer.name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name] = value
    configuration = {
        "collection": {"sample_rate": 22050, "name": "Guitar"},
        "spectrogram_generation": {"fft_length": 256},
        "transformation": {"options": {"size": 16}},
        "training": {
            "model": {
                "name": "Hourglass",
                "options": {
                    "stacks": 3,
                    "channels": 8,
                    "hg_module": {"filters": 6, "dropoutfactor": 0.2},
                },
            }
        },
    }
    text = "// settings of the run\n" + json.dumps(configuration, indent=1).replace('"Guitar"', '"Guitar", // name')
    (folder / "configuration.jsonc").write_text(text)
    (folder / "model.json").write_text("{}")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("below", ["", "model_weights"])
def test_a_thesis_model_gives_the_output_of_the_network_it_was_made_from(below, tmp_path):
    network = tiny.network("hourglass")
    folder = thesis_folder(tmp_path / "guitar", network, below)
    with h5py.File(folder / "weights" / "weights.h5") as file:
        root = file[below] if below else file
        # The layout of Keras 2.4: each layer's weights below its name twice, with ":0".
        assert "conv2d_3/conv2d_3/kernel:0" in root
        assert "batch_normalization/batch_normalization/moving_mean:0" in root
        with_weights = [name for name in root if len(root[name])]
        assert sorted(with_weights) == sorted(keras_2_4_layers(3))
    card, loaded = models.load(folder)
    assert (card.sources, card.sample_rate) == (("guitar",), 22050)
    x = windows("hourglass")
    np.testing.assert_array_equal(loaded.predict_on_batch(x), network.predict_on_batch(x))


def test_the_hourglass_has_the_layers_that_the_thesis_published():
    """Names, shapes and connections of the published model.json, as counted by its rule."""
    network = networks.build("hourglass", {"dropout": 0.2})
    own = {layer.name for layer in network.layers if layer.weights}
    assert own == set(keras_2_4_layers(6))
    assert network.get_layer("conv2d").kernel.shape == (7, 7, 1, 64)
    assert network.get_layer("conv2d_5").kernel.shape == (3, 3, 256, 192)
    assert network.get_layer("conv2d_26").kernel.shape == (1, 1, 256, 1)

    def source(name):
        return network.get_layer(name).input

    # conv2d_5 is the outermost skip, conv2d_6 the way down, conv2d_23 the last way up.
    assert source("conv2d_5") is network.get_layer("dropout_4").output
    assert source("max_pooling2d") is network.get_layer("dropout_4").output
    assert source("conv2d_6") is network.get_layer("max_pooling2d").output
    assert source("add_5")[0] is network.get_layer("dropout_5").output


@pytest.mark.slow
def test_a_broken_thesis_model_names_what_is_missing(tmp_path):
    network = tiny.network("hourglass")
    for number, (change, said) in enumerate(
        [
            (lambda f: shutil.rmtree(f / "weights"), "cannot be opened"),
            (lambda f: (f / "configuration.jsonc").write_text("{"), "is not valid JSON"),
            (lambda f: (f / "configuration.jsonc").write_text("{}"), "missing or wrong"),
            (lambda f: _without(f, "conv2d_3"), "lacks conv2d_3/conv2d_3/kernel:0"),
        ]
    ):
        folder = thesis_folder(tmp_path / str(number), network)
        change(folder)
        with pytest.raises(models.ModelError, match=said):
            models.load(folder)


def _without(folder, layer):
    with h5py.File(folder / "weights" / "weights.h5", "a") as file:
        del file[layer]
