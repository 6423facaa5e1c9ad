"""Recorded playing made into parts of songs."""

import numpy as np
import pytest
import soundfile

from datasets_tools.synthesis.amplifier import amplified
from datasets_tools.synthesis.effects import level_normalised
from datasets_tools.synthesis.recorded import LEVEL, at_speed, backing, impulse_response, reamped, row

RATE = 44100


def tone(frequency, seconds=1.0, level=0.1):
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)[:, None]).astype(np.float32)


def rms(sound):
    return 20 * np.log10(np.sqrt((sound**2).mean()))


def hertz(sound):
    spectrum = np.abs(np.fft.rfft(sound[:, 0] * np.hanning(len(sound))))
    return spectrum.argmax() * RATE / len(sound)


@pytest.mark.parametrize("own", [44100, 48000, 22050])
def test_an_impulse_response_is_brought_to_the_rate_and_to_unit_energy(tmp_path, own):
    click = np.zeros((own // 2, 2))
    click[100] = 0.25, 0.5
    soundfile.write(tmp_path / "cabinet.wav", click, own, "FLOAT")
    response = impulse_response(tmp_path / "cabinet.wav", RATE)
    assert response.shape == (4096,)
    assert (response**2).sum() == pytest.approx(1)
    assert np.abs(response).argmax() == pytest.approx(100 * RATE / own, abs=1)


def test_a_silent_impulse_response_is_refused(tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(1000), RATE)
    with pytest.raises(ValueError, match=r"silent\.wav: is silent"):
        impulse_response(tmp_path / "silent.wav", RATE)


def test_the_amplifier_sounds_through_the_given_cabinet():
    sound = tone(220).repeat(2, 1)
    late = np.zeros(2000)
    late[1500] = 1
    plain, delayed = (amplified(sound, 0, np.random.default_rng(0), RATE, one) for one in (np.ones(1), late))
    np.testing.assert_allclose(delayed[1500:], plain[:-1500], atol=1e-5)


@pytest.mark.parametrize("drive", [-6, 10, 35])
@pytest.mark.parametrize("seed", range(3))
def test_a_direct_guitar_comes_out_in_stereo_at_its_level(drive, seed):
    sound = reamped(tone(196, 2.0, 0.01), drive, np.random.default_rng(seed), RATE)
    assert sound.shape == (2 * RATE, 2)
    assert sound.dtype == np.float32
    assert rms(sound[RATE // 2 : -RATE // 2]) == pytest.approx(LEVEL, abs=3)


@pytest.mark.parametrize("semitones", [-5, -2, 0, 3, 4])
def test_playing_faster_is_higher_and_shorter(semitones):
    sound = tone(440, 2.0)
    changed, ratio = at_speed(sound, semitones), 2 ** (semitones / 12)
    assert len(changed) == pytest.approx(len(sound) / ratio, rel=0.01)
    assert hertz(changed) == pytest.approx(440 * ratio, rel=0.01)


def test_clips_stand_in_a_row_with_gaps():
    made = row([np.full((RATE, 1), 0.1, np.float32)], 4.0, (0.2, 0.2), np.random.default_rng(0), RATE)
    assert made.shape == (4 * RATE, 2)
    at = [made[round(time * RATE), 0] for time in (0.5, 1.1, 1.7, 2.3, 2.9, 3.5, 3.9)]
    assert at == pytest.approx([0.1, 0, 0.1, 0, 0.1, 0, 0.1])
    ends = made[round(0.992 * RATE) : RATE]
    assert (np.diff(ends[:, 1]) < 0).all()


@pytest.mark.parametrize(("gap", "level"), [(-0.5, 0.2), (-5.0, 10.0)])
def test_clips_overlap_where_the_gap_is_below_nought_and_the_row_goes_on(gap, level):
    made = row([np.full((RATE, 1), 0.1, np.float32)], 3.0, (gap, gap), np.random.default_rng(0), RATE)
    assert made[round(2.25 * RATE), 0] == pytest.approx(level, rel=0.1)


def test_what_is_too_short_to_have_a_level_stays_as_it_is():
    clip = tone(440, 0.1).repeat(2, 1)
    assert level_normalised(clip, LEVEL, RATE) is clip


def test_a_backing_has_all_of_its_parts_within_full_scale():
    parts = [tone(300, 0.5, 0.9), tone(1000, 3.0, 0.001).repeat(2, 1)]
    made = backing(parts, 2 * RATE, np.random.default_rng(0), RATE)
    assert made.shape == (2 * RATE, 2)
    assert np.abs(made).max() <= 1
    spectrum = np.abs(np.fft.rfft(made[:, 0] * np.hanning(len(made)))) / len(made)
    loud = [20 * np.log10(4 * spectrum[2 * frequency] / np.sqrt(2)) for frequency in (300, 1000)]
    assert loud == pytest.approx([LEVEL] * 2, abs=8)
    crowded = backing([tone(100 + number, 1.0) for number in range(80)], RATE, np.random.default_rng(0), RATE)
    assert np.abs(crowded).max() == pytest.approx(1, abs=1e-3)
