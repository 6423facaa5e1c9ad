"""Hints: loudness, meters and bleed against known sounds; the hints of whole tracks; the command that ranks them."""

import csv
import io
import tracemalloc

import numpy as np
import pyloudnorm
import pytest
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from datasets_tools.label import main
from datasets_tools.labelling.bleed import Bleed, bleed_share
from datasets_tools.labelling.hints import Hint, hints_of, severity, worst_first
from datasets_tools.labelling.meters import Meter
from datasets_tools.loudness import Loudness
from datasets_tools.organize import organised_tracks
from datasets_tools.synthesis.band import play

RATE = 44100


def noise(seconds, rate=RATE, channels=2, seed=0, level=0.1):
    audio = np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))
    return (level * audio).astype(np.float32)


def tone(hertz, seconds=5.0, level=0.5, rate=RATE):
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return wave[:, None].repeat(2, 1).astype(np.float32)


def sixteen_bit(audio):
    return (np.clip(np.rint(audio * 2**15), -(2**15), 2**15 - 1) / 2**15).astype(np.float32)


def measured(audio, rate=RATE, seconds=1):
    meter = Meter(rate, audio.shape[1])
    for at in range(0, len(audio), seconds * rate):
        meter.add(audio[at : at + seconds * rate])
    return meter.measures()


def bleed_level(stem, other, rate=RATE):
    """The level of what is found in one window, dB, or None."""
    return Bleed((bleed_share(stem.astype(np.float32), other.astype(np.float32), rate),)).level


@pytest.fixture(scope="module")
def band():
    """(guitar, all else) of a song, mono, and the song's stems."""
    song = play(2, 12.0)
    stems = {group: stem.mean(axis=1) for group, stem in song.stems.items()}
    guitar = stems.pop("guitar")
    return guitar, np.sum(list(stems.values()), axis=0), song.stems


# Loudness


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_loudness_is_that_of_pyloudnorm(rate, channels):
    swell = 1 + np.sin(np.arange(4 * rate) / rate)[:, None]
    audio = noise(4, rate, channels) * swell
    # The standard gives its filter for 48 kHz; near the end of a lower spectrum other rates' versions of it differ.
    audio = sosfilt(butter(4, 1200, fs=rate, output="sos"), audio, axis=0).astype(np.float32)
    audio[rate : 2 * rate] *= 1e-4  # gated
    meter = Loudness(rate, channels)
    meter.add(audio)
    assert meter.value() == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(audio), abs=0.1)


def test_loudness_does_not_depend_on_the_blocks():
    audio, random = noise(3), np.random.default_rng(1)
    whole, pieces = Loudness(RATE, 2), Loudness(RATE, 2)
    whole.add(audio)
    for piece in np.split(audio, np.sort(random.integers(0, len(audio), 40))):
        pieces.add(piece)
    assert pieces.value() == pytest.approx(whole.value(), abs=0.002)
    quieter = Loudness(RATE, 2)
    quieter.add(audio * np.float32(0.1))
    assert quieter.value() == pytest.approx(whole.value() - 20, abs=0.02)


@pytest.mark.parametrize("audio", [noise(0), noise(0.39), np.zeros((2 * RATE, 2), np.float32), noise(2, level=1e-5)])
def test_silence_and_less_than_a_block_have_no_loudness(audio):
    meter = Loudness(RATE, 2)
    meter.add(audio)
    assert meter.value() is None


# Meters


def test_silence_is_counted_in_seconds():
    audio = noise(10.5)
    audio[2 * RATE : 5 * RATE] *= 0.01
    assert measured(audio).silent_share == pytest.approx(3 / 10.5)
    assert measured(audio, seconds=10).silent_share == pytest.approx(3 / 10.5)
    just = np.full((RATE, 1), 10 ** (-50 / 20), np.float32)
    assert measured(just * np.float32(0.999)).silent_share == 1
    assert measured(just * np.float32(1.001)).silent_share == 0


@pytest.mark.parametrize("level", [1.0, 0.5])
def test_clips_are_counted(level):
    audio = np.clip(tone(440.3, 2.5, 1.2), -1, 1) * np.float32(level)
    measures = measured(sixteen_bit(audio[:, :1]))
    # Where each half wave is cut off; in two channels twice as many.
    assert measures.clips == pytest.approx(2 * 440.3 * 2.5, abs=30)
    assert measured(sixteen_bit(audio)).clips == 2 * measures.clips
    assert measured(sixteen_bit(audio), seconds=2).clips == 2 * measures.clips
    assert measures.peak == pytest.approx(level, abs=1e-4)


@pytest.mark.parametrize("hertz", [5, 20, 50, 110, 440, 3000])
@pytest.mark.parametrize("level", [32767 / 32768, 0.5, 0.01])
def test_a_tone_is_not_clipped_and_has_no_edge(hertz, level):
    measures = measured(sixteen_bit(tone(hertz, level=level)))
    assert measures.clips == 0
    assert measures.edge is None


def test_a_clip_across_two_blocks_is_one():
    audio = np.zeros((2 * RATE, 1), np.float32)
    audio[RATE - 1 : RATE + 2] = -1.0
    audio[100:103] = 0.9  # not the highest
    audio[5000:5002] = 0.95  # too short
    assert measured(audio).clips == 1


def test_offset_and_side():
    audio = noise(2)
    assert measured(audio).offset < 0.002
    assert measured(audio + np.array([0, -0.02], np.float32)).offset == pytest.approx(0.02, abs=0.002)
    assert abs(measured(audio).side) < 0.5
    same = audio[:, :1].repeat(2, 1)
    assert measured(same).side < -200
    narrow = same + np.array([1e-3, -1e-3], np.float32) * noise(2, channels=1, seed=2, level=1)
    assert measured(narrow).side == pytest.approx(-40, abs=0.5)
    assert measured(audio[:, :1]).side is None
    assert measured(np.zeros_like(audio)).side is None


@pytest.mark.slow
@pytest.mark.parametrize("bitrate, edge", [(0.5, 19_000), (0.9, 11_300)])
def test_an_mp3_has_an_edge(tmp_path, bitrate, edge):
    audio = play(0, 6.0).stems["drums"]
    assert measured(audio).edge is None
    settings = {"bitrate_mode": "CONSTANT", "compression_level": bitrate}
    soundfile.write(tmp_path / "drums.mp3", audio, RATE, **settings)
    lossy = soundfile.read(tmp_path / "drums.mp3", dtype="float32")[0]
    assert measured(sixteen_bit(lossy)).edge == pytest.approx(edge, abs=500)


@pytest.mark.parametrize("low", [16000, 22050, 32000])
def test_a_sound_of_a_lower_rate_has_an_edge(low):
    audio = noise(4)
    lower = soxr.resample(soxr.resample(audio, RATE, low), low, RATE)
    assert 0.9 * low / 2 < measured(sixteen_bit(lower)).edge < 1.02 * low / 2
    assert measured(soxr.resample(audio, RATE, low), low).edge is None  # all of its own spectrum


@pytest.mark.slow
def test_sounds_that_fade_upward_have_no_edge(band):
    for stem in band[2].values():
        assert measured(sixteen_bit(stem)).edge is None
    dark = sosfilt(butter(4, 500, fs=RATE, output="sos"), noise(5), axis=0)
    assert measured(sixteen_bit(dark)).edge is None
    assert measured(noise(5, level=2**-15)).edge is None


# Bleed


@pytest.mark.slow
@pytest.mark.parametrize("decibels", [-10, -20, -30])
@pytest.mark.parametrize("how", ["straight", "late", "dark", "late and inverted"])
def test_bleed_is_measured(band, decibels, how):
    own, rest, _ = band
    leak = rest * 10 ** (decibels / 20)
    if "late" in how:
        leak = np.pad(leak, (220, 0))[: len(rest)]
    if "dark" in how:
        leak = sosfilt(butter(2, 1500, fs=RATE, output="sos"), leak)
    if "inverted" in how:
        leak = -leak
    true = 10 * np.log10(np.square(leak).sum() / np.square(rest).sum())
    found = bleed_level(own + leak, rest)
    assert found == pytest.approx(true, abs=1)


def test_clean_stems_are_clean(band):
    own, rest, stems = band
    for group, stem in stems.items():
        others = np.sum([other for name, other in stems.items() if name != group], axis=0)
        assert bleed_level(stem.mean(axis=1), others.mean(axis=1)) is None
    # What has bled from the stem into the others is not bleed in the stem.
    assert bleed_level(own, rest + 0.1 * own) is None
    for seed in range(3):
        assert bleed_level(noise(10, seed=seed)[:, 0], noise(10, seed=9)[:, 0]) is None


@pytest.mark.parametrize("rate", [8000, 22050, 96000])
def test_bleed_is_the_same_at_other_rates(band, rate):
    own, rest, _ = band
    heard = soxr.resample(own + 0.1 * rest, RATE, rate)
    assert bleed_level(heard, soxr.resample(rest, RATE, rate), rate) == pytest.approx(-20, abs=1)


def test_bleed_alone_and_copies_are_bleed(band):
    rest = band[1]
    assert bleed_level(rest, rest) == pytest.approx(0, abs=0.1)
    assert bleed_level(rest * 0.01, rest) == pytest.approx(-40, abs=0.5)


def test_silence_has_no_bleed(band):
    own, rest, _ = band
    silent = np.zeros_like(own)
    assert bleed_level(silent, rest) is None
    assert bleed_level(own, silent) is None
    assert bleed_level(own, rest * 1e-3) is None
    assert bleed_level(own[: 4 * RATE - 1], rest) is None
    assert bleed_level(own, rest[:0]) is None
    gaps = own * (np.arange(len(own)) < 3 * RATE)
    assert bleed_level(gaps, rest) is None


def test_bleed_over_time():
    bleed = Bleed((None, (1e-3, 1e-5), (0.1, 1e-4), None, (0.12, 0.02), (0.01, 1e-4), (0.01, 1e-4)))
    assert bleed.level == pytest.approx(-20)
    assert bleed.peak == (pytest.approx(-10), 20)  # not the one at 40 s, which is less sure
    for nothing in (Bleed(()), Bleed((None, None)), Bleed(((0.01, 0.02), (-0.03, 0.02)))):
        assert nothing.level is None
        assert nothing.peak is None


# Tracks


def put(root, stem, audio, rate=RATE):
    path = root / stem
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, subtype="PCM_16")
    return path


def organised(root, stems, track="A"):
    for name, audio in stems.items():
        put(root, f"{track}/{name}.wav", audio)
    return next(each for each in organised_tracks(root) if each.name == track)


def kinds(hints):
    return {path.stem: {hint.kind for hint in found} for path, found in hints.items()}


def test_good_stems_give_no_hints(tmp_path, band):
    stems = band[2]
    track = organised(tmp_path, {f"{group}/{group}": stem for group, stem in stems.items()})
    for group in stems:
        assert kinds(hints_of(track, group)) == {group: set()}
    assert hints_of(track, "vocals") == {}


@pytest.mark.slow
def test_each_thing_wrong_is_told(tmp_path, band):
    stems = band[2]
    guitar, drums = stems["guitar"], stems["drums"]
    once = np.zeros_like(guitar)
    once[:RATE] = guitar[5 * RATE : 6 * RATE]
    wrong = {
        "silent": np.zeros_like(guitar),
        "seldom": once,
        "quiet": guitar * (10 ** (-25 / 20)),
        "clipped": np.clip(4 * guitar, -0.7, 0.7),
        "offset": guitar / 2 + 0.02,
        "mono": guitar[:, :1].repeat(2, 1),
        "short": guitar[: 6 * RATE],
        "bleeding": guitar + 0.1 * drums,
        "upsampled": soxr.resample(soxr.resample(guitar, RATE, 16000), 16000, RATE)[: len(guitar)],
    }
    sounds = {f"guitar/{name}": audio for name, audio in wrong.items()} | {"drums/drums": drums}
    track = organised(tmp_path, sounds | {"mix/mix": guitar[:RATE], "excluded/click": noise(60)})
    found = kinds(hints_of(track, "guitar"))
    assert found["silent"] == {"silent"}
    assert found["seldom"] == {"nearly_silent"}
    assert found["quiet"] == {"quiet"}
    assert found["clipped"] == {"clipped"}
    assert found["offset"] == {"offset"}
    assert found["mono"] == {"mono"}
    assert found["short"] == {"length"}
    assert found["bleeding"] == {"bleed"}
    assert found["upsampled"] == {"band_limited"}


def test_what_bleeds_is_told_among_stems_of_other_rates_and_channels(tmp_path, band):
    stems = band[2]
    root = tmp_path / "organised"
    put(root, "A/guitar/guitar.wav", stems["guitar"] + 0.1 * stems["drums"] + 0.05 * stems["bass"])
    put(root, "A/drums/drums.wav", soxr.resample(stems["drums"], RATE, 48000), 48000)
    put(root, "A/piano/piano.wav", stems["piano"])
    put(root, "A/bass/bass.wav", soxr.resample(stems["bass"].mean(axis=1), RATE, 22050), 22050)
    (track,) = organised_tracks(root)
    ((hint,),) = hints_of(track, "guitar").values()
    assert hint.kind == "bleed"
    assert hint.value == pytest.approx(-20, abs=1)
    assert hint.text == "other instruments: drums at -20 dB (-20 at 0:00), bass at -26 dB (-26 at 0:00)"


def test_a_cut_stem_is_told(tmp_path):
    path = put(tmp_path, "A/guitar/a.wav", noise(10))
    path.write_bytes(path.read_bytes()[:500_000])
    (track,) = organised_tracks(tmp_path)
    ((hint,),) = hints_of(track, "guitar").values()
    assert hint.kind == "damaged"
    assert hint.text == "the file is cut: 2.8 of 10.0 s could be read"


def test_the_worst_track_comes_first():
    mild, bad = Hint("mono", -90.0, "mono", 0.1), Hint("silent", 1.0, "silent", 1.0)
    tracks = [("a", {"1": (mild,), "2": (mild,)}), ("b", {"1": ()}), ("c", {"1": (bad,)}), ("d", {"1": (mild, mild)})]
    assert [name for name, _ in worst_first(tracks)] == ["c", "a", "d"]
    assert severity(tracks[0][1]) == pytest.approx(0.2)


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path):
    def peak(seconds):
        root = tmp_path / str(seconds)
        for group in ("guitar", "drums"):
            put(root, f"A/{group}/a.wav", noise(seconds, 8000, 1), 8000)
        (track,) = organised_tracks(root)
        tracemalloc.start()
        hints_of(track, "guitar")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(200) < 1.2 * peak(40)


def test_the_command_ranks_and_goes_on_after_a_broken_file(tmp_path, capsys):
    root = tmp_path / "organised"
    put(root, "Mono/guitar/a.wav", noise(3)[:, :1].repeat(2, 1))
    put(root, "Silent/guitar/b.wav", np.zeros((3 * RATE, 2)))
    put(root, "Good/guitar/c.wav", noise(3))
    put(root, "Other/piano/d.wav", noise(3))
    put(root, "Broken/guitar/e.wav", noise(3)).write_bytes(b"no sound at all")
    path = tmp_path / "hints.csv"
    arguments = ["--instrument", "guitar", "--hints", "--csv", str(path), "--backend", "threading", "--jobs", "2"]
    assert main([str(root), *arguments]) == 1
    lines = capsys.readouterr().out.splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:3]] for line in (lines[0], *lines[2:4])]
    assert table == [["track", "stem"], ["Silent", "b.wav"], ["Mono", "a.wav"]]
    assert lines[4] == "hints: in 2 of 4 tracks"
    assert lines[5].startswith("failed: Broken: ") and "e.wav" in lines[5]
    assert lines[6] == "tracks: 3 done, 0 already there, 0 skipped, 1 failed"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [(row["track"], row["kind"]) for row in rows] == [("Silent", "silent"), ("Mono", "mono")]
    assert rows[0]["value"] == "1" and rows[0]["severity"] == "1.00"
    assert not list(root.glob("*/guitar_*"))
