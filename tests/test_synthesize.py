"""What renders songs: players of sampled instruments, the amplifier."""

import numpy as np
import pytest
import soundfile

from datasets_tools import amplifier

RATE = 44100


def test_loudness_is_that_of_the_parts_that_sound():
    audio = np.zeros((4 * RATE, 2), np.float32)
    sounding = int(1.2 * RATE)  # three blocks of 0.4 s
    audio[:sounding] = 0.5 * np.sin(np.arange(sounding) * 0.1)[:, None]
    normalised = amplifier.loudness_normalised(audio, -20, RATE)
    assert 20 * np.log10(normalised[:sounding].std()) == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("gain", [-6, 4])
def test_equaliser_sections_have_their_gain(gain):
    from scipy.signal import sosfreqz

    def decibels(section, frequency):
        return 20 * np.log10(np.abs(sosfreqz(section[None], [frequency], fs=RATE)[1][0]))

    peak = amplifier.peaking(1000, gain, 1.0, RATE)
    assert decibels(peak, 1000) == pytest.approx(gain, abs=0.01)
    assert decibels(peak, 20) == pytest.approx(0, abs=0.05)
    shelf = amplifier.shelf(3000, gain, RATE)
    assert decibels(shelf, 20000) == pytest.approx(gain, abs=0.1)
    assert decibels(shelf, 30) == pytest.approx(0, abs=0.1)


def test_the_amplifier_makes_chords_intermodulate_and_the_cabinet_is_dark():
    time = np.arange(2 * RATE) / RATE
    chord = (0.2 * np.sin(2 * np.pi * 220 * time) + 0.2 * np.sin(2 * np.pi * 330 * time))[:, None].astype(np.float32)
    heavy = amplifier.distorted(chord.repeat(2, 1), np.random.default_rng(3), RATE)[RATE // 2 : -RATE // 2, 0]
    spectrum = np.abs(np.fft.rfft(heavy * np.hanning(len(heavy)))) ** 2
    bins = np.fft.rfftfreq(len(heavy), 1 / RATE)

    def power(low, high):
        return spectrum[(bins > low) & (bins < high)].sum()

    assert power(545, 555) > 1e-3 * power(215, 225)  # 220 + 330 Hz, which is in neither tone
    assert power(9000, 22050) < 1e-2 * spectrum.sum()


def test_an_sfz_program_plays_the_notes(tmp_path):
    pytest.importorskip("pysfizz")
    from datasets_tools.players import Instrument, Note, render

    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)
    soundfile.write(tmp_path / "a4.wav", tone, RATE)
    program = tmp_path / "sine.sfz"
    program.write_text("<region> sample=a4.wav pitch_keycenter=69 lokey=57 hikey=81\n")
    notes = [Note(0.5, 1.0, 69, 100), Note(1.5, 2.0, 81, 100), Note(2.5, 3.0, 45, 100)]  # the last from an octave up
    audio = render(Instrument(program), notes, 3.5)
    assert audio.shape == (round(3.5 * RATE), 2)
    assert np.abs(audio[: int(0.45 * RATE)]).max() < 1e-4
    for start, frequency in ((0.6, 440), (1.6, 880), (2.6, 220)):
        part = audio[int(start * RATE) :][: int(0.3 * RATE), 0]
        assert part.std() > 0.01
        peak = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 17)).argmax() * RATE / (1 << 17)
        assert peak == pytest.approx(frequency, rel=0.01)
