"""Open-Unmix: the reader of its files, the network and the Wiener filter, held to what Open-Unmix itself computes."""

import pickle
import shutil
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest

from splitstrument import Separator, models, networks
from splitstrument.cards import ModelError
from splitstrument.files.yaml_files import write_yaml
from splitstrument.readers import reader_of
from splitstrument.readers.torch_file import TorchFile
from splitstrument.wiener import refined
from tests.references import open_unmix as reference

STEREO, CAUSAL = reference.FOLDER / "stereo", reference.FOLDER / "causal"
PUBLISHED = ("bass-8d85a5bd", "drums-9619578f", "other-b52fbbf7", "vocals-b62c91ce")


@pytest.fixture(scope="module")
def stored():
    with np.load(reference.NUMBERS) as file:
        return dict(file)


def with_card(source, folder, frames, **changes):
    """A copy of the model in `source` with a card of its own, for windows of so many frames."""
    shutil.copytree(source, folder)
    card = models.read_card(folder)
    card = replace(card, **changes, options=card.options | {"frames": frames})
    write_yaml(folder / models.CARD, asdict(card))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "names"), [(STEREO, ["vocals.pth", "drums.pth"]), (CAUSAL, ["vocals-0123abcd.pth"])]
)
def test_masks_are_open_unmix_s(source, names, stored, tmp_path):
    """Of files of both formats, in both directions and in one."""
    card, network = models.load(with_card(source, tmp_path / "model", 40))
    x = reference.magnitudes(card.options["channels"]).transpose(0, 2, 3, 1)
    masks = np.asarray(network({"mixture": x}, training=False))
    for place, name in enumerate(names):
        expected = stored[f"{source.name}/{name}"].transpose(0, 2, 3, 1)
        np.testing.assert_allclose(masks[..., place], expected, atol=1e-5)
        assert expected.std() > 0.3


@pytest.mark.parametrize("name", reference.FILTERS)
def test_filtered_spectra_are_open_unmix_s(name, stored):
    spectra, masks = reference.wiener_input()
    iterations, residual = reference.FILTERS[name]
    made = refined(spectra, masks, iterations, residual)
    np.testing.assert_allclose(made * spectra, stored[f"wiener/{name}"], atol=1e-5 * np.abs(spectra).max())
    assert np.isfinite(made).all()
    assert not made[..., 7].any()  # where the song is silent


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_filtered_sources_add_up_to_the_song(channels):
    random = np.random.default_rng(0)
    spectra = random.normal(0, 20, (2, channels, 30, 70))
    spectra = (spectra[0] + 1j * spectra[1]).astype(np.complex64)
    masks = random.random((4, *spectra.shape), np.float32)
    made = refined(spectra, masks, 1)
    np.testing.assert_allclose((made * spectra).sum(0), spectra, atol=2e-3)  # it is regularised
    assert np.abs(made - masks).mean() > 0.1


def test_the_filter_tells_sources_by_their_place():
    """Two sources, one left and one right, of which the masks know only their power over time."""
    random = np.random.default_rng(0)
    powers = random.uniform(0.1, 1, (2, 400, 20))
    sources = powers * (random.normal(size=powers.shape) + 1j * random.normal(size=powers.shape))
    directions = np.array([[1.0, 0.1], [0.1, 1.0]])
    images = directions[:, :, None, None] * sources[:, None]
    spectra = images.sum(0).astype(np.complex64)
    masks = np.abs(images) / np.abs(images).sum(0)

    def error(estimates):
        return (np.abs(estimates - images) ** 2).sum()

    assert error(refined(spectra, masks, 2) * spectra) < 0.4 * error(masks * spectra)


@pytest.mark.slow
def test_parts_of_the_separator_are_open_unmix_s(stored, tmp_path):
    """In the first window, before the next fades in; Open-Unmix has the whole song in one."""
    song = reference.song()[: -reference.FFT // 4]
    separator = Separator(with_card(STEREO, tmp_path / "model", reference.FRAMES + 1), "float32")
    (model,) = separator.models
    first = slice((model.form.length - model.overlap - 4) * reference.FFT // 4)
    assert separator.parts == ("vocals", "drums", "rest")
    parts = separator.separate(song, reference.RATE)
    for part, truth in zip(("vocals", "drums"), stored["separator/residual"], strict=True):
        assert sdr(truth[first], parts[part][first]) > 100
    np.testing.assert_allclose(sum(parts.values()), song, atol=5e-7)
    # The same, as if these two were the whole song.
    model.card, model.wanted = replace(model.card, whole=True), (0,)
    separator.sources, separator.remainder = ("vocals",), "drums"
    parts = separator.separate(song, reference.RATE)
    assert sdr(stored["separator/plain"][0, first], parts["vocals"][first]) > 100
    assert sdr(stored["separator/plain"][1, first], parts["drums"][first]) > 60  # but for the regularisation


@pytest.mark.slow
def test_a_stream_is_filtered_alike_in_blocks_of_any_size(tmp_path):
    """Of windows that are filtered one by one, in mono too."""
    separator = Separator(with_card(STEREO, tmp_path / "model", 32), "float32")
    for channels in (1, 2):
        song = np.random.default_rng(0).normal(0, 0.1, (3000, channels)).astype(np.float32)
        pieces = [list(separator.stream(np.array_split(song, count), 8000, channels)) for count in (1, 50)]
        joined = [np.concatenate([parts["vocals"] for _, parts in piece]) for piece in pieces]
        np.testing.assert_allclose(joined[0], joined[1], atol=1e-6)
        assert joined[0].std() > 0.01


def sdr(truth, estimate):
    return 10 * np.log10((truth**2).sum() / ((truth - estimate) ** 2).sum())


def test_files_say_what_they_are(tmp_path):
    card = models.read_card(STEREO)
    assert (card.name, card.sources, card.whole, card.sample_rate) == ("open-unmix", ("vocals", "drums"), False, 8000)
    settings = networks.settings(card.network, card.options)
    assert (settings.fft_length, settings.seen, settings.channels, settings.hidden) == (64, 24, 2, 16)
    assert (settings.layers, settings.unidirectional, settings.wiener) == (3, False, 1)
    causal = models.read_card(CAUSAL)
    assert causal.sources == ("vocals",)
    assert causal.options["unidirectional"]
    for name in PUBLISHED:
        shutil.copy(STEREO / "drums.pth", tmp_path / f"{name}.pth")
    shutil.copy(STEREO / "separator.json", tmp_path)
    card = models.read_card(tmp_path)
    assert (card.name, card.sources, card.whole) == ("umxhq", ("vocals", "drums", "bass", "other"), True)
    assert len(reader_of(tmp_path).files(tmp_path)) == 5


def test_tensors_are_read_with_their_strides_and_offsets():
    """The files hold what their names say, in both formats: read whole, with types and shapes."""
    for name in ("vocals.pth", "drums.pth"):
        tensors = TorchFile(STEREO / name)
        assert tensors["fc1.weight"].shape == tensors.shape("fc1.weight") == (16, 48)
        assert tensors["bn1.num_batches_tracked"] == 0
        assert all(np.isfinite(value).all() for value in tensors.values())
        assert tensors["bn1.running_var"].min() >= 1


class Malicious:
    def __reduce__(self):
        return print, ("this must not be called",)


def rezipped(path, change):
    """The file at `path` with the pickle, or the first storage, that `change` makes."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)


def with_pickle(content):
    return lambda members: {name: content if name.endswith("data.pkl") else members[name] for name in members}


def without_storage(members):
    return {name: content for name, content in members.items() if not name.endswith("data/4")}


def cut_storages(members):
    return {name: content[:8] if "/data/" in name else content for name, content in members.items()}


def cut(share):
    return lambda folder: (folder / "drums.pth").write_bytes(
        (folder / "drums.pth").read_bytes()[: int(share * (folder / "drums.pth").stat().st_size)]
    )


def separator_json(text):
    return lambda folder: (folder / "separator.json").write_text(text)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda folder: rezipped(folder / "vocals.pth", with_pickle(pickle.dumps(Malicious()))),
            "needs builtins.print",
        ),
        (lambda folder: (folder / "vocals.pth").write_bytes(pickle.dumps(Malicious())), "needs builtins.print"),
        (
            lambda folder: rezipped(folder / "vocals.pth", with_pickle(b"nothing")),
            "cannot be read as a file of PyTorch",
        ),
        (lambda folder: rezipped(folder / "vocals.pth", with_pickle(pickle.dumps({}))), "but not of Open-Unmix"),
        (lambda folder: rezipped(folder / "vocals.pth", without_storage), "cannot be used"),
        (lambda folder: rezipped(folder / "vocals.pth", cut_storages), "cannot be used"),
        (lambda folder: (folder / "vocals.pth").write_bytes(b""), "cannot be read as a file of PyTorch"),
        (cut(0.5), "cannot be read as a file of PyTorch"),
        (cut(0.01), "cannot be read as a file of PyTorch"),
        (lambda folder: shutil.copy(CAUSAL / "vocals-0123abcd.pth", folder / "drums.pth"), "cannot be used"),
        (lambda folder: shutil.copy(folder / "drums.pth", folder / "drums-01234567.pth"), "are both of drums"),
        (lambda folder: (folder / "separator.json").unlink(), "also needs separator.json"),
        (separator_json("{}"), "cannot be read, or lacks"),
        (separator_json('{"sample_rate": 16000, "nfft": 64, "nhop": 32}'), "nhop is 32"),
    ],
)
def test_broken_and_foreign_files_are_one_line(damage, says, tmp_path, capsys):
    folder = shutil.copytree(STEREO, tmp_path / "broken")
    damage(folder)
    with pytest.raises(ModelError, match=says) as raised:
        models.load(folder)
    assert str(raised.value).startswith(str(folder))
    assert "\n" not in str(raised.value)
    assert capsys.readouterr().out == ""
