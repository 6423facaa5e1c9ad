"""Hybrid Transformer Demucs: the reader of its files and the network, held to what Demucs itself computes."""

import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from splitstrument import installing, models, networks
from splitstrument.cards import ModelError
from splitstrument.layers import fourier
from splitstrument.readers import demucs_file, reader_of
from splitstrument.readers.safetensors_file import SafetensorsError, SafetensorsFile
from splitstrument.separator import Separator
from tests import runs
from tests.references import demucs as reference

NAMES = sorted(reference.MODELS)


def folder_of(name):
    return reference.FOLDER / name


@pytest.fixture(scope="module")
def stored():
    with np.load(reference.NUMBERS) as file:
        return dict(file)


def written(path, tensors, **metadata):
    """A file of safetensors with these tensors, {name: (type, array)}."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, (kind, values) in tensors.items():
        end = len(data) + values.nbytes
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [len(data), end]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def changed(folder, without="", **arguments):
    """A copy of the wide model with other arguments, and without the tensor of this name."""
    file = SafetensorsFile(folder_of("wide") / "wide.safetensors")
    kwargs = json.loads(file.metadata["kwargs"]) | arguments
    folder.mkdir()
    tensors = {name: ("F32", file[name]) for name in file if name != without}
    written(folder / "wide.safetensors", tensors, **file.metadata | {"kwargs": json.dumps(kwargs)})
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_waves_are_demucs_s(name, stored):
    """Of a loud window and a quiet one; the source called other is the last."""
    card, network = models.load(folder_of(name))
    found = np.asarray(network({"mixture": reference.song(name)}, training=False))
    sources = reference.MODELS[name]["sources"]
    expected = stored[name][:, [sources.index(source) for source in card.sources]].transpose(0, 3, 2, 1)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())
    assert expected[0].std((0, 1)).min() > 3e-3


def test_cards_say_what_the_files_say():
    card = models.read_card(folder_of("wide"))
    assert (card.name, card.sources, card.whole) == ("wide", ("drums", "bass", "vocals", "other"), True)
    assert (card.sample_rate, card.network, card.trained_on) == (reference.RATE, "htdemucs", ())
    assert networks.form("htdemucs", card.options).length == 1601
    assert models.weight_files(folder_of("wide")) == [folder_of("wide") / "wide.safetensors"]
    card = models.read_card(folder_of("narrow"))
    assert (card.sources, card.whole, card.options["channels"]) == (("guitar", "other"), False, 1)


def test_published_files_are_known_by_their_names(tmp_path):
    shutil.copyfile(folder_of("wide") / "wide.safetensors", tmp_path / "955717e8.safetensors")
    card = models.read_card(tmp_path)
    assert card.name == "htdemucs"
    assert "educational purposes only" in [source.licence for source in card.trained_on]
    assert reader_of(tmp_path).weights_source(card, "weights").licence == "MIT"


def test_the_defaults_are_htdemucs_s(tmp_path):
    segment = {"_type": "fraction", "numerator": 39, "denominator": 5}
    arguments = {"sources": ["drums", "other"], "bottom_channels": 512, "dconv_mode": 3, "segment": segment}
    metadata = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": json.dumps(arguments)}
    written(tmp_path / "a.safetensors", {}, **metadata)
    card = models.read_card(tmp_path)
    assert networks.settings("htdemucs", card.options) == networks.settings("htdemucs")
    assert card.sample_rate == 44100


@pytest.mark.slow
def test_htdemucs_has_41_984_456_weights():
    sources = ("drums", "bass", "vocals", "other")
    assert networks.build("htdemucs", {}, sources).count_params() == 41_984_456


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cac": False}, r"a variant of Demucs that cannot be used \(cac\)"),
        ({"t_emb": "cape", "kernel_size": 6}, r"a variant .* \(kernel_size, t_emb\)"),
        ({"channels_time": 7}, r"\(channels_time\)"),
        ({"norm_starts": 1}, r"\(norm_starts\)"),
        ({"dconv_mode": 2}, r"\(dconv_mode\)"),
        ({"sources": None}, "its metadata lacks sources, or cannot be read"),
        ({"segment": {"_type": "fraction", "numerator": 1, "denominator": 0}}, "its metadata"),
        ({"segment": float("inf")}, "its metadata"),
        ({"nfft": 8192}, "length is 1601 and must be more than 5 / 8 of fft_length"),
        ({"channels": "many"}, "filters: "),
    ],
)
def test_variants_and_broken_metadata_are_one_line(arguments, said, tmp_path):
    with pytest.raises(ModelError, match=f"^[^\n]*{said}[^\n]*$"):
        models.read_card(changed(tmp_path / "model", **arguments))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("without", "arguments", "said"),
    [
        ("decoder.1.conv_tr.weight", {}, r"\(decoder.1.conv_tr.weight is missing\)"),
        ("crosstransformer.layers.1.cross_attn.in_proj_bias", {}, r"cross_attn.in_proj_bias is missing\)"),
        ("", {"channels": 8}, "cannot be used"),
        ("", {"sources": ["drums", "bass", "other"]}, "cannot be used"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(without, arguments, said, tmp_path):
    with pytest.raises(ModelError, match=f"^[^\n]*{said}[^\n]*$"):
        models.load(changed(tmp_path / "model", without, **arguments))


@pytest.mark.slow
def test_a_song_of_a_bag_is_apply_model_s(stored):
    """Two networks, one of them in an old file, with windows that share a quarter, up to the song's last sample."""
    separator = Separator(folder_of("bag"), "float32")
    assert separator.parts == ("drums", "other", "rest")
    parts = separator.separate(reference.long_song(), reference.RATE)
    shared = np.arange(2640) % 600 < np.where(np.arange(2640) < 600, 0, 200)  # by two windows of 800
    for part, expected in zip(("other", "drums"), stored["bag"], strict=True):
        errors = np.abs(parts[part] - expected).max(1) / np.abs(expected).max()
        assert errors[~shared].max() < 1e-5
        # Theirs fade with (q + 1) / (V + 1) where ours do with (q + 1/2) / V; V is 200 here, and 85,995 in htdemucs.
        assert errors[shared].max() < 0.5 / 200


@pytest.mark.slow
def test_what_was_read_goes_on_training():
    card, network = models.load(folder_of("wide"))
    before = [np.array(weight) for weight in network.trainable_variables]
    form = networks.form("htdemucs", card.options)
    assert np.isfinite(list(runs.trained_step(network, form, card.whole, reference.RATE).values())).all()
    for weight, old in zip(network.trainable_variables, before, strict=True):
        # A bias of keys adds the same to all scores of a query, which the softmax does not notice.
        assert np.abs(np.array(weight) - old).max() > 0 or weight.path.endswith("/keys_bias"), weight.path


def bag(folder, text=None):
    """A copy of the bag, with another YAML."""
    shutil.copytree(folder_of("bag"), folder)
    if text is not None:
        (folder / "pair.yaml").write_text(text)
    return folder


def test_a_bag_has_a_weight_of_each_network_for_each_source(tmp_path):
    card = models.read_card(folder_of("bag"))
    assert (card.name, card.sources) == ("pair", ("drums", "other"))
    assert "about as long as the song plays" in card.about
    assert card.options["bag"] == [[0.25, 1.0], [0.75, 0.0]]
    names = [path.name.partition("-")[0] for path in models.weight_files(folder_of("bag"))]
    assert names == ["first.safetensors", "second", "pair.yaml"]
    card = models.read_card(bag(tmp_path / "even", "models: [second, first]\nsegment: 0.05\n"))
    assert card.options["bag"] == [[1.0, 1.0], [1.0, 1.0]]
    assert card.options["length"] == 400
    assert "bag" not in models.read_card(bag(tmp_path / "one", "models: [second]\n")).options


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [first, third]", r"pair.yaml: third.safetensors is missing beside it"),
        ("models: []", r"pair.yaml: names no models of a bag"),
        ("models: [../first]", r"pair.yaml: names no models of a bag"),
        ("models: [first, second]\nweights: [[1, 1]]", r"pair.yaml: needs weights for 2 models and 2 sources each"),
        ("models: [first, second]\nweights: [[1, 0], [1, 0]]", r"pair.yaml: needs weights"),
        ("models: [first, second]\nsegment: long", r"pair.yaml: needs weights"),
        ("models: [first, second]\nsegment: .inf", r"pair.yaml: needs weights"),
        ("models: [first, wide]", r"pair.yaml: wide.safetensors is another network than first.safetensors"),
        ("models: [first", r"pair.yaml"),
    ],
)
def test_wrong_bags_are_one_line(text, said, tmp_path):
    shutil.copyfile(folder_of("wide") / "wide.safetensors", bag(tmp_path / "bag", text) / "wide.safetensors")
    with pytest.raises(ModelError, match=f"^[^\n]*{said}[^\n]*$"):
        models.read_card(tmp_path / "bag")


def test_an_old_file_is_read_without_pytorch_and_calls_nothing(tmp_path):
    (old,) = folder_of("bag").glob("second-*.th")
    shutil.copyfile(old, tmp_path / old.name)
    card = models.read_card(tmp_path)
    assert (card.name, card.sources, card.sample_rate) == ("second", ("drums", "other"), reference.RATE)
    called = tmp_path / "called"

    class Calling:
        def __reduce__(self):
            return called.write_text, ("",)

    with zipfile.ZipFile(tmp_path / "bad.th", "w") as archive:
        archive.writestr("bad/data.pkl", pickle.dumps({"klass": Calling(), "state": {}}))
    assert demucs_file.read(tmp_path / old.name).kind == "HTDemucs"
    with pytest.raises(ValueError, match="cannot be read as a file of PyTorch"):
        demucs_file.read(tmp_path / "bad.th")
    assert not called.exists()


def test_several_models_in_a_folder_are_told(tmp_path):
    for name in NAMES:
        shutil.copyfile(folder_of(name) / f"{name}.safetensors", tmp_path / f"{name}.safetensors")
    with pytest.raises(ModelError, match="several models \\(narrow.safetensors, wide.safetensors\\)"):
        models.read_card(tmp_path)


def test_other_files_are_not_recognised(tmp_path):
    written(tmp_path / "other.safetensors", {"a": ("F32", np.zeros(3, np.float32))}, klass="demucs.hdemucs.HDemucs")
    (tmp_path / "broken.safetensors").write_bytes(b"\xff" * 40)
    for name, kwargs in (("none", "null"), ("list", "[1]"), ("cut", "{")):
        written(tmp_path / f"{name}.safetensors", {}, klass="demucs.htdemucs.HTDemucs", args="[]", kwargs=kwargs)
    (tmp_path / "folder.yaml").mkdir()
    assert reader_of(tmp_path) is None
    with pytest.raises(ModelError, match="is not a model that can be read"):
        installing.add(str(tmp_path / "other.safetensors"))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("F32", np.array([[1.5, -2], [0, 3]], "<f4")),
        ("F16", np.array([[1.5, -2]], "<f2")),
        ("BF16", (np.array([1.5, -2], "<f4").view("<u4") >> 16).astype("<u2")),
        ("I64", np.array(7, "<i8")),
    ],
)
def test_tensors_of_all_types_are_read(kind, values, tmp_path):
    file = SafetensorsFile(written(tmp_path / "a", {"first": ("F32", np.ones(5, "<f4")), "x": (kind, values)}))
    expected = [1.5, -2] if kind == "BF16" else values
    np.testing.assert_array_equal(file["x"], expected)
    assert (list(file), file.shape("x"), "y" in file) == (["first", "x"], values.shape, False)


@pytest.mark.parametrize("cut", [0, 5, 20, -1])
def test_cut_and_foreign_files_are_told(cut, tmp_path):
    whole = written(tmp_path / "a", {"x": ("F32", np.ones(5, "<f4"))}).read_bytes()
    (tmp_path / "a").write_bytes(whole[:cut])
    with pytest.raises(SafetensorsError, match="cannot be read as a file of safetensors"):
        SafetensorsFile(tmp_path / "a")
    written(tmp_path / "b", {"x": ("F8_E4M3", np.ones(5, np.uint8))})
    with pytest.raises(SafetensorsError, match="x is of type F8_E4M3"):
        SafetensorsFile(tmp_path / "b")["x"]


@pytest.mark.parametrize(("length", "window"), [(1601, 256), (1000, 64), (2000, 1024)])
def test_waves_survive_the_spectrum_and_its_inverse(length, window):
    """Where four frames overlap; at the ends there are fewer, as in the original."""
    times = np.arange(length)[:, None] / length
    waves = np.sin(2 * np.pi * np.array([3.0, 20.0, 31.0]) * times + 1).astype(np.float32)[None].repeat(2, 0)
    spectrum = np.asarray(fourier.spectrum(waves, window))
    frames, hop = fourier.frames_of(length, window), window // 4
    assert spectrum.shape == (2, window // 2, frames, 6)
    inside = slice(3 * hop // 2, frames * hop - 3 * hop // 2)
    back = np.asarray(fourier.waves(spectrum, length))
    np.testing.assert_allclose(back[:, inside], waves[:, inside], atol=2e-3)


def test_a_frame_is_the_transform_of_what_lies_around_its_middle():
    waves = np.random.default_rng(0).normal(0, 1, (2, 1601, 3)).astype(np.float32)
    spectrum = np.asarray(fourier.spectrum(waves, 256))
    around = waves[1, 2 * 64 - 96 :][:256, 2]
    expected = np.fft.rfft(around * np.hanning(257)[:-1])[:-1] / 16
    np.testing.assert_allclose(spectrum[1, :, 2, 4] + 1j * spectrum[1, :, 2, 5], expected, atol=1e-5)


@pytest.mark.slow
def test_a_file_is_added_by_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(installing, "_add_graph", lambda folder: None)  # which takes long
    folder, new = installing.add(str(folder_of("wide") / "wide.safetensors"), "mine")
    assert new and folder.is_relative_to(tmp_path)
    assert models.read_card(models.find("mine")).name == "mine"
    assert models.weight_files(folder) == [folder / "wide.safetensors"]


@pytest.mark.slow
def test_a_bag_is_added_by_its_yaml_with_its_files_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(installing, "_add_graph", lambda folder: None)
    source = bag(tmp_path / "downloads")
    shutil.copyfile(folder_of("wide") / "wide.safetensors", source / "wide.safetensors")
    folder, _ = installing.add(str(source / "pair.yaml"))
    assert models.read_card(models.find("pair")).sources == ("drums", "other")
    assert {path.name.partition("-")[0] for path in folder.iterdir()} == {
        *("first.safetensors", "second", "pair.yaml", "model.yaml")
    }
    (source / "notes.yaml").write_text("of: something else")
    with pytest.raises(ModelError, match="names no models of a bag"):
        installing.add(str(source / "notes.yaml"))
