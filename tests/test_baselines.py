"""The contract of every baseline, and what each of them is there to tell apart."""

import subprocess
import sys

import numpy as np
import pytest

from evaluation import baselines
from splitstrument.spectrogram import BLOCK, Grid, grid_at

RATE = 22050
STEMS = ("drums", "bass", "other", "vocals")
PARTS = [STEMS, *((instrument, "rest") for instrument in ("guitar", "piano", "vocals", "bass", "drums", "theremin"))]


@pytest.fixture(params=baselines.names())
def name(request):
    return request.param


def song(seconds=1.5, rate=RATE, channels=2):
    """A chord that swells over faint noise, with a stroke in its middle; other levels in every channel."""
    time = np.arange(int(seconds * rate)) / rate
    audio = np.random.default_rng(1).standard_normal(len(time)) * 0.01
    audio += sum(np.sin(2 * np.pi * tone * time) for tone in (70, 220, 330, 1760)) * 0.1 * (1 + np.sin(5 * time))
    audio[len(time) // 2 :][:200] += 0.5
    return (audio[:, None] * np.linspace(1, 0.3, channels)).astype(np.float32)


def spectra_of(audio, rate=RATE):
    """What `masks` takes of mono audio, but for the parts."""
    grid = Grid(2048)
    return np.abs(grid.spectra(audio))[0], np.arange(grid.bins) * rate / grid.window, rate / grid.hop


def sdr(truth, estimate):
    return 10 * np.log10((truth.astype(float) ** 2).sum() / ((truth - estimate.astype(float)) ** 2).sum())


def gained(name, part, truth, mixture):
    """By how many dB the part that a baseline makes of the mixture (samples,) is nearer to the truth."""
    estimate = baselines.separate(name, mixture[:, None].astype(np.float32), RATE, (part, "rest"))[part][:, 0]
    return sdr(truth, estimate) - sdr(truth, mixture)


def check(masks, parts, shape):
    assert list(masks) == list(parts)
    for mask in masks.values():
        assert mask.shape == shape
        assert mask.dtype == np.float32
        assert mask.min() >= 0  # which NaN is not either
        assert mask.max() <= 1
    total = sum(mask.astype(float) for mask in masks.values())
    assert total.max() <= 1 + 1e-5
    if "rest" in parts:
        assert total.min() >= 1 - 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("parts", PARTS, ids="+".join)
def test_masks_are_between_0_and_1_and_so_is_their_sum(name, parts):
    magnitude, *rates = spectra_of(song(channels=1))
    given = magnitude.copy()
    masks = baselines.find(name).masks(magnitude, *rates, parts)
    check(masks, parts, magnitude.shape)
    assert all(masks[part].max() > 0 for part in parts)
    np.testing.assert_array_equal(magnitude, given)
    again = baselines.find(name).masks(magnitude, *rates, parts)
    for part in parts:
        np.testing.assert_array_equal(masks[part], again[part])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("parts", [STEMS, ("guitar", "rest"), ("drums", "rest")], ids="+".join)
@pytest.mark.parametrize("frames", [1, 2, 5, 40])
def test_silence_and_few_frames_are_no_trouble(name, frames, parts):
    magnitude, *rates = spectra_of(song(channels=1))
    some = magnitude[:frames]
    silent_bins = some * (np.arange(some.shape[1]) < 300)
    silent_end = some * (np.arange(frames) < frames // 2)[:, None]
    for case in (some, silent_bins, silent_end, some * 0, some * 0 + 1, some * np.float32(1e-30)):
        check(baselines.find(name).masks(case, *rates, parts), parts, case.shape)


def test_level_does_not_matter(name):
    magnitude, *rates = spectra_of(song(channels=1))
    loud, soft = (baselines.find(name).masks(magnitude * level, *rates, STEMS) for level in (2.0**10, 2.0**-10))
    for part in STEMS:
        np.testing.assert_allclose(loud[part], soft[part], atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_parts_have_the_length_of_the_mixture_and_add_up_to_it(name, rate, channels):
    mixture = song(1.234, rate, channels)
    parts = baselines.separate(name, mixture, rate, ("guitar", "rest"))
    assert list(parts) == ["guitar", "rest"]
    for part in parts.values():
        assert part.shape == mixture.shape
        assert part.dtype == np.float32
    np.testing.assert_allclose(parts["guitar"] + parts["rest"], mixture, atol=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 700, 2 * BLOCK * grid_at(RATE).hop])
def test_any_length_adds_up(samples):
    mixture = np.random.default_rng(samples).uniform(-1, 1, (samples, 2)).astype(np.float32)
    parts = baselines.separate("spectrogram", mixture, RATE, ("piano", "rest"))
    np.testing.assert_allclose(parts["piano"] + parts["rest"], mixture, atol=1e-4)
    assert all(part.shape == mixture.shape for part in parts.values())


def test_channels_out_of_phase_do_not_cancel(name):
    mono = song(channels=1)
    alone, both = (baselines.separate(name, audio, RATE, STEMS) for audio in (mono, mono * [1, -1]))
    for part in STEMS:
        np.testing.assert_allclose(both[part], alone[part] * [1, -1], atol=1e-5)


def test_baselines_are_found_by_name():
    assert baselines.names() == ["frequency", "harmonic", "nmf", "repet", "spectrogram"]
    for name in baselines.names():
        assert 20 < len(baselines.description(name)) < 120
    with pytest.raises(ValueError, match="did you mean harmonic"):
        baselines.find("harmonics")
    with pytest.raises(ValueError, match="no baseline is called 'bands'"):
        baselines.find("bands")


def test_names_and_descriptions_import_nothing_heavy():
    code = (
        "import sys; from evaluation import baselines; [baselines.description(name) for name in baselines.names()];"
        "sys.exit(bool({'librosa', 'sklearn', 'scipy', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=600).returncode == 0


# What each of them is there to tell apart


def tones(time, *frequencies):
    return sum(np.sin(2 * np.pi * frequency * time) for frequency in frequencies) / len(frequencies)


def strokes(time, every, seed=0):
    """Bursts of noise of some 20 ms."""
    return np.random.default_rng(seed).standard_normal(len(time)) * np.exp(-(time % every) * 100)


TIME = np.arange(6 * RATE) / RATE


def test_frequency_parts_two_tones():
    assert gained("frequency", "guitar", tones(TIME, 440), tones(TIME, 440) + tones(TIME, 7000)) > 30
    assert gained("frequency", "bass", tones(TIME, 60), tones(TIME, 60) + tones(TIME, 440)) > 30


def test_spectrogram_takes_a_tone_out_of_noise_in_its_own_band():
    mixture = tones(TIME, 440) + np.random.default_rng(0).standard_normal(len(TIME)) * 0.3
    in_band = gained("frequency", "guitar", tones(TIME, 440), mixture)
    assert gained("spectrogram", "guitar", tones(TIME, 440), mixture) > in_band + 3


def test_harmonic_parts_a_chord_from_clicks():
    chord, clicks = tones(TIME, 220, 277, 330) * 0.5, strokes(TIME, 0.5)
    assert gained("harmonic", "guitar", chord, chord + clicks) > 8
    assert gained("harmonic", "drums", clicks, chord + clicks) > 8


def test_repet_parts_a_melody_from_a_pattern_that_repeats():
    time = np.arange(12 * RATE) / RATE
    pattern = np.tile(np.random.default_rng(0).standard_normal(RATE) * np.exp(-TIME[:RATE] * 3) * 0.3, 12)
    notes = np.random.default_rng(1).permutation(24)[(time / 0.5).astype(int)]
    melody = tones(time, 300 * 2 ** (notes / 12), 600 * 2 ** (notes / 12)) * 0.5
    assert gained("repet", "vocals", melody, melody + pattern) > 8
    # Once heard every second, the same melody is part of the pattern.
    again = np.tile(melody[:RATE], 12)
    parts = baselines.separate("repet", (again + pattern)[:, None], RATE, ("vocals", "rest"))
    assert sdr(again + pattern, parts["rest"][:, 0]) > 20


def test_nmf_parts_alternating_notes_from_bursts_of_noise():
    notes = np.where(TIME % 2 < 1, tones(TIME, 220, 440, 660), tones(TIME, 330, 660, 990)) * 0.5
    bursts = strokes(TIME, 0.4)
    assert gained("nmf", "guitar", notes, notes + bursts) > 8
    assert gained("nmf", "drums", bursts, notes + bursts) > 8


def test_nmf_parts_high_notes_from_low_ones():
    low, high = tones(TIME, 60, 120) * (TIME % 2 < 1.2), tones(TIME, 880, 1320) * (TIME % 2 > 0.8)
    assert gained("nmf", "bass", low, low + high) > 6


def test_the_help_of_evaluate_names_them_all(capsys):
    from evaluation.evaluate import main

    with pytest.raises(SystemExit):
        main(["--help"])
    assert ", ".join(baselines.names()) in " ".join(capsys.readouterr().out.split())
