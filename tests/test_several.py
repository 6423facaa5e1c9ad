"""Several models in one pass: parts in step that add up, shared bins, and what the command writes and refuses."""

import functools
import time
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from splitstrument import Separator, inference
from splitstrument.cards import Card
from splitstrument.extraction import MaskedSpectra, Masking, Model
from splitstrument.files.atomic import SUFFIX
from splitstrument.files.audio import AudioError
from splitstrument.files.writing import step
from splitstrument.form import Form
from splitstrument.models import ModelError
from splitstrument.separate import _models, main
from splitstrument.song_files import Output, _on_steps, separate_file, separate_into
from splitstrument.songs import SongFile
from splitstrument.spectrogram import Analysis, Grid, Synthesis
from splitstrument.windows import overlap_of
from tests import tiny

RATE = 22050
# The guitar's and the piano's grids are one, but not their windows; the bass has a grid of its own.
OPTIONS = {"guitar": {}, "piano": {"frames": 48}, "bass": {"fft_length": 512}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """{instrument: a model's folder}"""
    root = tmp_path_factory.mktemp("models")
    return {
        name: tiny.model(root / f"small_{name}", sources=(name,), options=tiny.OPTIONS["tfc_tdf"] | options)
        for name, options in OPTIONS.items()
    }


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch, folders):
    """Networks compile for a second each: every test has the same ones."""
    monkeypatch.setattr(inference, "load", _load)


_load = functools.cache(inference.load)


@pytest.fixture
def separator(folders):
    return Separator(list(folders.values()), "float32")


def noise(frames, channels=2, seed=0):
    return np.random.default_rng(seed).uniform(-0.99, 0.99, (frames, channels)).astype(np.float32)


def full(mixture, fill_value):
    """The mask of one value for one source."""
    return np.full((*mixture.shape, 1), fill_value, np.float32)


def constant(separator, monkeypatch, *values):
    """Let each network return a mask of one value."""
    for model, value in zip(separator.models, values, strict=True):
        monkeypatch.setattr(model, "predict", functools.partial(full, fill_value=value))


def together(*networks):
    """The MaskedSpectra of networks of 33 bins, two channels and one source each, (frames, function of the mixture)."""
    models = []
    for number, (frames, predict) in enumerate(networks):
        card = Card(f"model{number}", (f"part{number}",), RATE, "none")
        model = Model(card, Form("spectrum", 64, 33, frames, 2), SimpleNamespace(workers=None), (0,))
        model.predict = predict
        models.append(model)
    return MaskedSpectra(Grid(64), models, 2)


@pytest.mark.slow
def test_masks_of_windows_of_different_lengths_stay_in_step():
    """Each network returns a share of what it hears, so that masks show which frames they belong to."""
    shares, lengths = (0.25, 0.5, 0.125), (16, 40, 7)
    predicted = [lambda mixture, share=share: share * mixture[..., None] for share in shares]
    extraction = together(*zip(lengths, predicted, strict=True))
    put, got, hop = 0, 0, 16
    song = 0.05 * noise(300 * hop)
    for size in (3, 0, 50, 1, 9, 200, 17, 0):
        last = size == 17
        block = song[put : put + size * hop]
        put += len(block)
        extracted = extraction.extract(block, last=False)
        for result in (extracted, extraction.extract(block[:0], last=True)) if last else (extracted,):
            if result is None:
                continue
            spectra, masks = result
            got += spectra.shape[1]
            for share, mask in zip(shares, masks, strict=True):
                np.testing.assert_allclose(mask[..., :28], share * np.abs(spectra)[..., :28], atol=1e-6)
        if last:
            break
        assert put / hop - got < max(lengths) + max(map(overlap_of, lengths)) + 4  # what waits does not grow
    assert got == Grid(64).frames_of(put) == 283


@pytest.mark.parametrize(
    ("claimed", "given"),
    [
        ((1, 1), (0.5, 0.5)),
        ((0.9, 0.3), (0.75, 0.25)),
        ((0.25, 0.5), (0.25, 0.5)),
        ((1, 1, 0.5), (0.4, 0.4, 0.2)),
        ((0, 1), (0, 1)),
        ((1,), (1,)),
    ],
)
def test_what_masks_claim_beyond_the_whole_of_a_bin_is_divided(claimed, given):
    extraction = together(*((16, functools.partial(full, fill_value=value)) for value in claimed))
    extraction.extract(noise(500), last=False)
    spectra, masks = extraction.extract(noise(0), last=True)
    assert masks.shape == (len(claimed), *spectra.shape)
    for mask, value in zip(masks, given, strict=True):
        np.testing.assert_allclose(mask, value, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("frames", [0, 1, 221, 30011])
@pytest.mark.parametrize(("rate", "channels"), [(22050, 1), (44100, 2), (48000, 3)])
def test_parts_have_the_shape_of_the_song_and_add_up(separator, rate, channels, frames):
    song = noise(frames, channels)
    parts = separator.separate(song, rate)
    assert list(parts) == ["guitar", "piano", "bass", "rest"]
    assert all(part.shape == song.shape and part.dtype == np.float32 for part in parts.values())
    np.testing.assert_allclose(sum(parts.values()), song, atol=5e-7)
    assert frames < 1000 or all(0.05 < part.std() / song.std() < 0.99 for part in parts.values())


@pytest.mark.slow
def test_mono_shape_is_kept(separator):
    song = noise(5000, 1)[:, 0]
    parts = separator.separate(song, RATE)
    assert all(part.shape == song.shape for part in parts.values())
    np.testing.assert_allclose(sum(parts.values()), song, atol=5e-7)


@pytest.mark.slow
def test_a_lone_model_gives_what_its_masks_alone_give(folders):
    """Bit by bit the chain of one model, however its name is given: nothing is divided, nothing subtracted twice."""
    song = noise(3 * RATE)
    separator = Separator(folders["guitar"], "float32")
    (model,) = separator.models
    grid = model.grid_at(RATE)
    analysis, synthesis = Analysis(grid, 2), Synthesis(grid, 2)
    masking = Masking(model.predict, model.form, overlap_of(model.form.length), model.runtime.workers)
    spectra = [analysis(song), analysis.finish()]
    masks = [masking(spectra[0])[0], masking(spectra[1], last=True)[0]]
    spectra = np.concatenate(spectra, 1)
    first = masks[0].shape[1]
    pieces = [synthesis(spectra[:, :first] * masks[0]), synthesis(spectra[:, first:] * masks[1])]
    guitar = np.concatenate(pieces)[: len(song)]
    for given in (folders["guitar"], str(folders["guitar"]), [folders["guitar"]]):
        parts = Separator(given, "float32").separate(song, RATE)
        assert list(parts) == ["guitar", "rest"]
        np.testing.assert_array_equal(parts["guitar"], guitar)
        np.testing.assert_array_equal(parts["rest"], song - guitar)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [22050, 44100])
def test_models_that_claim_little_give_together_what_they_give_alone(separator, folders, rate, monkeypatch):
    """Masks of at most a third each need no dividing: so windows and grids of different lengths are in step."""
    song = noise(2 * rate)
    for model in separator.models:
        monkeypatch.setattr(model, "predict", lambda windows, predict=model.predict: predict(windows) / 3)
    together = separator.separate(song, rate)
    for model, name in zip(separator.models, folders, strict=True):
        alone = Separator(folders[name], "float32")
        monkeypatch.setattr(alone.models[0], "predict", model.predict)
        np.testing.assert_allclose(together[name], alone.separate(song, rate)[name], atol=1e-6)
        assert 0.02 < together[name].std() / song.std() < 0.4


@pytest.mark.slow
def test_pieces_come_in_step_and_soon(separator):
    song = noise(4 * RATE)
    block, put, got = RATE // 10, 0, 0
    blocks = [song[start : start + block] for start in range(0, len(song), block)]

    def fed():
        nonlocal put
        for each in blocks:
            put += len(each)
            yield each

    for piece, parts in separator.stream(fed(), RATE, 2):
        np.testing.assert_array_equal(piece, song[got : got + len(piece)])
        got += len(piece)
        assert list(parts) == ["guitar", "piano", "bass"]
        assert {part.shape for part in parts.values()} == {piece.shape}
        # The piano's windows are the longest: 48 frames, and 3 of the next one's, with a hop of 64, and the STFT's 256.
        # One block more is made ready meanwhile.
        assert put - got <= 51 * 64 + 256 + 2 * block
    assert got == len(song)


def test_a_stream_that_is_closed_takes_no_more_blocks(separator):
    taken = 0

    def fed():
        nonlocal taken
        while True:
            taken += 1
            yield noise(RATE)

    stream = separator.stream(fed(), RATE, 2)
    next(stream)
    stream.close()
    before = taken
    time.sleep(0.3)
    assert taken == before


def test_what_all_claim_is_shared_on_one_grid(folders, monkeypatch):
    separator = Separator([folders["guitar"], folders["piano"]], "float32")
    constant(separator, monkeypatch, 1, 1)
    song = noise(2 * RATE)
    parts = separator.separate(song, RATE)
    np.testing.assert_allclose(parts["guitar"], song / 2, atol=1e-6)
    np.testing.assert_allclose(parts["piano"], song / 2, atol=1e-6)
    np.testing.assert_allclose(parts["rest"], 0, atol=1e-6)


def test_each_grid_is_analysed_once_and_shares_nothing_with_another(separator, monkeypatch):
    grids = []

    def counted(grid, channels):
        grids.append(grid.window)
        return Analysis(grid, channels)

    monkeypatch.setattr("splitstrument.extraction.Analysis", counted)
    constant(separator, monkeypatch, 1, 1, 0.25)
    song = noise(RATE)
    parts = separator.separate(song, RATE)
    assert grids == [256, 512]
    for name, share in {"guitar": 0.5, "piano": 0.5, "bass": 0.25, "rest": -0.25}.items():
        np.testing.assert_allclose(parts[name], share * song, atol=1e-6)


def test_models_that_do_not_go_together_are_refused_before_they_are_loaded(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "load", None)
    other = tiny.model(tmp_path / "other")
    with pytest.raises(ValueError, match=f"{folders['guitar']} and {other} both take out guitar: leave one"):
        Separator([folders["guitar"], folders["piano"], other])
    with pytest.raises(ModelError, match="no model is called 'guitra'; did you mean guitar"):
        Separator([folders["piano"], "guitra"])
    with pytest.raises(ValueError, match="no model to separate with"):
        Separator([])


@pytest.mark.parametrize("depth", ["16", "24"])
def test_parts_in_integers_are_in_range_and_add_up_exactly(depth):
    """However far the instruments are out of range, as long as the song is in it."""
    size, random = step(depth), np.random.default_rng(0)
    song = (np.rint(random.uniform(-1, 1 - size, (20000, 2)) / size) * size).astype(np.float32)
    song[:100], song[100:200] = -1, 1 - size
    instruments = {name: random.normal(0, 1.5, song.shape).astype(np.float32) for name in "abc"}
    parts = _on_steps(instruments, song, depth)
    rest = song - sum(parts.values())
    for part in (*parts.values(), rest):
        assert part.min() >= -1
        assert part.max() <= 1 - size
        np.testing.assert_array_equal(part, np.rint(part / size) * size)
    wished = [*instruments.values(), song - sum(instruments.values())]
    within = np.all([np.abs(each) < 0.99 for each in wished], 0)
    assert within.sum() > 1000
    for name, part in parts.items():  # what is in range stays where it is
        np.testing.assert_allclose(part[within], instruments[name][within], atol=size / 2)


@pytest.fixture
def run(folders, tmp_path, capsys):
    """Runs the command with the guitar and the piano model: (exit code, standard output, standard error)."""

    def run(*arguments, model=f"{folders['guitar']},{folders['piano']}"):
        line = [*map(str, arguments), "--model", model, "--output", str(tmp_path / "out"), "--precision", "float32"]
        code = main(line)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def write(path, sound, subtype="PCM_16", rate=RATE):
    soundfile.write(path, sound, rate, subtype)
    return path


def files(folder):
    """All files below `folder`, hidden ones too, without the notes of finished songs."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("[!.]*.*") if p.is_file()) + [
        str(p) for p in folder.rglob(".*.part")
    ]


NAMES = ("guitar", "piano", "rest")
PARTS = [f"small_guitar+small_piano/a/{name}.wav" for name in NAMES]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subtype", "channels", "suffix", "written"),
    [
        ("PCM_16", 2, "wav", "PCM_16"),
        ("PCM_16", 1, "flac", "PCM_16"),
        ("PCM_24", 2, "wav", "PCM_24"),
        ("FLOAT", 2, "wav", "FLOAT"),
    ],
)
def test_the_command_writes_each_instrument_and_the_rest(run, tmp_path, subtype, channels, suffix, written):
    path = write(tmp_path / "a.wav", noise(44101, channels), subtype, 44100)
    assert run(path, "--format", suffix)[0] == 0
    assert files(tmp_path / "out") == [part.replace("wav", suffix) for part in PARTS]
    parts = [tmp_path / "out" / part.replace("wav", suffix) for part in PARTS]
    for part in parts:
        info = soundfile.info(part)
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (44100, channels, 44101, written)
    sounds, whole = [soundfile.read(part)[0] for part in parts], soundfile.read(path)[0]
    # Sums of 16 and 24 bit samples are exact in float64.
    np.testing.assert_allclose(sum(sounds), whole, rtol=0, atol=5e-7 if subtype == "FLOAT" else 0)
    assert all(0.2 < sound.std() / whole.std() < 0.8 for sound in sounds[:2])


@pytest.mark.slow
def test_songs_that_would_clip_add_up(run, tmp_path):
    """A square wave at full scale, and a float song beyond it, in integers."""
    square = np.sign(np.sin(np.arange(30001) * 0.05))[:, None] * 32767 / 32768
    write(tmp_path / "a.wav", square)
    write(tmp_path / "loud.wav", 1.4 * noise(30001), "FLOAT")
    assert run(tmp_path / "a.wav", tmp_path / "loud.wav", "--format", "flac")[0] == 0
    for song in ("a", "loud"):
        parts = [soundfile.read(tmp_path / f"out/small_guitar+small_piano/{song}/{name}.flac")[0] for name in NAMES]
        whole = soundfile.read(tmp_path / f"{song}.wav")[0]
        np.testing.assert_allclose(sum(parts), whole, rtol=0, atol=0 if song == "a" else 2**-23)


def test_only_the_instruments_or_only_the_rest(run, tmp_path):
    path = write(tmp_path / "a.wav", noise(5001))
    assert run(path, "--only", "instrument")[0] == 0
    assert files(tmp_path / "out") == PARTS[:2]
    assert "0 done, 1 already there" in run(path, "--only", "instrument")[1]
    sounds = [(tmp_path / "out" / part).read_bytes() for part in PARTS[:2]]
    assert run(path, "--only", "rest")[0] == 0
    assert files(tmp_path / "out") == PARTS
    assert "0 done, 1 already there" in run(path)[1]
    assert [(tmp_path / "out" / part).read_bytes() for part in PARTS[:2]] == sounds
    rest = soundfile.read(tmp_path / "out" / PARTS[2])[0]
    np.testing.assert_array_equal(
        rest + sum(soundfile.read(tmp_path / "out" / part)[0] for part in PARTS[:2]), soundfile.read(path)[0]
    )


def test_finished_songs_are_skipped_and_a_missing_part_is_made_again(run, tmp_path):
    path = write(tmp_path / "a.wav", noise(5001))
    piano = tmp_path / "out" / PARTS[1]
    assert run(path)[0] == 0
    code, out, _ = run(path)
    assert code == 0
    assert "0 done, 1 already there" in out
    piano.unlink()
    code, out, _ = run(path)
    assert code == 0
    assert "1 done, 0 already there, 0 skipped, 0 failed" in out
    assert files(tmp_path / "out") == PARTS
    before = piano.stat().st_mtime_ns
    assert run(path, "--overwrite")[0] == 0
    assert piano.stat().st_mtime_ns > before
    code, out, _ = run(path, "--depth", "24")
    assert code == 1
    assert "made with other settings; use --overwrite" in out


@pytest.mark.slow
def test_a_run_that_is_stopped_leaves_nothing_and_goes_on(folders, run, tmp_path):
    path = write(tmp_path / "a.wav", noise(8 * RATE))
    separator = Separator([folders["guitar"], folders["piano"]], "float32")
    folder = tmp_path / "out/small_guitar+small_piano/a"

    def stop(seconds):
        assert len([p for p in folder.glob(f".*{SUFFIX}") if p.stat().st_size > 0]) == 3
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        separate_into(separator, SongFile(path), folder, Output(), progress=stop)
    assert not folder.exists()
    assert run(path)[0] == 0
    assert files(tmp_path / "out") == PARTS


@pytest.mark.slow
def test_a_song_that_breaks_off_with_an_error_leaves_nothing(separator, tmp_path):
    sound = noise(8 * RATE)
    sound[-10] = np.nan
    path = write(tmp_path / "a.wav", sound, "FLOAT")
    (tmp_path / "out").mkdir()
    with pytest.raises(AudioError, match="not a finite number"):
        separate_file(separator, path, tmp_path / "out", Output())
    assert files(tmp_path / "out") == []


def test_models_that_cannot_be_used_together_are_one_line(folders, run, tmp_path):
    path = write(tmp_path / "a.wav", noise(500))
    for model, said in (("guitar,guitar", "guitar and guitar both take out guitar"), ("guitar,pinao", "no model is")):
        code, out, error = run(path, model=model)
        assert (code, out) == (2, "")
        assert error.startswith(f"splitstrument: {said}")
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_models_are_named_with_commas_between_them(tmp_path, monkeypatch):
    assert _models("guitar") == ("guitar",)
    assert _models("guitar, runs/piano,") == ("guitar", "runs/piano")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b").mkdir()
    assert _models("a,b") == ("a,b",)
    assert _models("a,c") == ("a", "c")
