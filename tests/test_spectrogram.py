"""The STFT and its grid: reconstruction, known spectra, frequencies kept across sample rates."""

import numpy as np
import pytest

from splitstrument.spectrogram import Analysis, Grid, Synthesis


def resynthesised(grid, audio, blocks):
    analysis, synthesis = Analysis(grid, audio.shape[1]), Synthesis(grid, audio.shape[1])
    pieces, frames = [], 0
    for spectra in [*(analysis(block) for block in np.array_split(audio, blocks)), analysis.finish()]:
        frames += spectra.shape[1]
        pieces.append(synthesis(spectra))
    return np.concatenate(pieces), frames


@pytest.mark.parametrize("length", [1, 7, 511, 512, 2048, 30001])
@pytest.mark.parametrize("blocks", [1, 5])
def test_analysis_and_synthesis_give_the_signal_back(length, blocks):
    grid = Grid(1024)
    audio = np.random.default_rng(length).uniform(-1, 1, (length, 3)).astype(np.float32)
    again, frames = resynthesised(grid, audio, blocks)
    assert frames == grid.frames_of(length)
    assert len(again) >= length
    np.testing.assert_allclose(again[:length], audio, atol=5e-7)
    assert np.abs(again[length:]).max(initial=0) < 5e-7


def test_spectra_agree_with_librosa():
    librosa = pytest.importorskip("librosa")
    audio = np.random.default_rng(0).standard_normal((20000, 1)).astype(np.float32)
    theirs = librosa.stft(audio[:, 0], n_fft=1024, hop_length=256, center=False)
    np.testing.assert_allclose(Grid(1024).spectra(audio)[0].T, theirs, atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 192000])
def test_a_tone_keeps_its_bin_at_every_sample_rate(rate):
    grid = Grid(2048).at_rate(22050, rate)
    tone = np.sin(2 * np.pi * 200 * 22050 / 2048 * np.arange(rate) / rate)[:, None]
    assert np.abs(grid.spectra(tone)[0]).mean(0).argmax() == 200
    assert grid.hop / rate == pytest.approx(512 / 22050, rel=0.006)


def test_windows_that_cannot_be_are_refused():
    for window in (0, 8, 1022):
        with pytest.raises(ValueError, match="multiple of 4"):
            Grid(window)


def test_how_a_stream_is_cut_changes_no_bit():
    grid, random = Grid(64), np.random.default_rng(3)
    spectra = grid.spectra(random.uniform(-1, 1, (3000, 2)).astype(np.float32))
    whole = Synthesis(grid, 2)(spectra)
    for size in (1, 2, 3, 7, 100):
        synthesis = Synthesis(grid, 2)
        pieces = [synthesis(spectra[:, start : start + size]) for start in range(0, spectra.shape[1], size)]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)
