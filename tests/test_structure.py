"""Beats, bars and sections, on songs whose structure is known, and the commands that write them."""

import csv
import json

import numpy as np
import pytest
import soundfile

pytest.importorskip("librosa")
from mir_eval.beat import f_measure
from mir_eval.segment import detection

from splitstrument.__main__ import main
from structure import tracking
from structure.analysis import beats_in, name, sections_in
from structure.bars import BarSettings, positions
from structure.features import HOP, Collector, Features
from structure.segmentation import SectionSettings, novelty, sections
from structure.similarity import MOST, Places, places
from structure.tracking import BeatSettings, NoBeats, follow
from tests.sounding import RATE, beat_times, form, play

CHORDS = ("C", "F", "G", "Am")


def features(sound, block=50000):
    collected = Collector()
    for start in range(0, len(sound), block):
        collected.add(sound[start : start + block, 0])
    return collected.features()


SONGS = {
    "4/4": {"bars": 14, "metre": 4, "tempo": 110},
    "3/4": {"bars": 18, "metre": 3, "tempo": 130},
    "pick-up": {"bars": 14, "metre": 4, "tempo": 110, "pickup": 3},
    "pick-up in 3/4": {"bars": 18, "metre": 3, "tempo": 130, "pickup": 1},
    "tempo change": {"bars": 16, "metre": 4, "tempo": 100, "changes": {8: 124}},
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind in ("4/4", "pick-up in 3/4"))) for kind in SONGS]
)
def test_beats_and_bars_are_found(kind):
    beats, bars = beat_times(**SONGS[kind])
    found = beats_in(features(play(beats, bars, CHORDS)))
    assert f_measure(beats, found.times) > 0.95
    assert f_measure(bars, found.bars) > 0.9
    assert np.median(found.metres) == SONGS[kind]["metre"]
    assert (np.diff(found.places) != 0).all() and found.places.max() <= 4


def test_a_pickup_moves_bars_that_are_counted_but_not_those_that_are_found():
    """An introduction of 4 n + 3 beats: counting fours from the first beat misses every bar."""
    beats, bars = beat_times(**SONGS["pick-up"])
    found = beats_in(features(play(beats, bars, CHORDS)))
    assert f_measure(bars, beats[::4]) == 0
    assert f_measure(bars, found.times[::4]) < 0.1
    assert f_measure(bars, found.bars) > 0.9
    assert found.places[:4].tolist() == [2, 3, 4, 1]


@pytest.mark.slow
def test_beats_follow_the_tempo():
    beats, bars = beat_times(**SONGS["tempo change"])
    times = beats_in(features(play(beats, bars, CHORDS))).times
    tempi = 60 / np.diff(times)
    assert abs(np.median(tempi[:25]) - 100) < 3 and abs(np.median(tempi[-25:]) - 124) < 3


def test_onsets_are_where_notes_begin():
    sound = np.zeros((4 * RATE, 1), np.float32)
    for time in (0.5, 1.7, 3.1):
        first = round(time * RATE)
        sound[first : first + 3000, 0] = np.random.default_rng(0).normal(0, 0.1, 3000)
    curve = tracking.strength(features(sound))
    for time in (0.5, 1.7, 3.1):
        near = slice(int((time - 0.1) * RATE / HOP), int((time + 0.1) * RATE / HOP))
        assert abs((near.start + curve[near].argmax()) * HOP / RATE - time) < 0.025


@pytest.mark.slow
def test_blocks_of_any_size_give_the_same_features():
    beats, bars = beat_times(4, 4, 120)
    sound = play(beats, bars, CHORDS)
    whole, parts = features(sound, 10**9), features(sound, 777)
    for field in ("onsets", "chroma", "bass", "mels"):
        np.testing.assert_allclose(getattr(whole, field), getattr(parts, field), rtol=1e-4, atol=1e-4)
    assert whole.seconds == len(sound) / RATE


def test_beats_that_are_worth_most_are_found():
    """Against all sequences of intervals: the dynamic programme loses none."""
    from itertools import product

    curve = np.random.default_rng(1).random(36)
    settings = BeatSettings(slowest=80.0, fastest=120.0, usual=90.0, onset=2.0, prior=1.0, steadiness=3.0)
    rate, choices = 8.0, range(4, 7)  # frames per second; intervals from 120 to 80 beats per minute

    def worth(frames):
        intervals = np.diff(frames)
        total = settings.onset * (curve[frames] - settings.threshold).sum()
        total -= settings.prior * (np.log2(60 * rate / intervals / settings.usual) ** 2).sum()
        return total - settings.steadiness * np.abs(intervals[1:] / intervals[:-1] - 1).sum()

    # The tempo before the first beat is free, but for its prior: compare what begins as the found beats do.
    found = follow(curve, rate, settings)
    rivals = []
    for count in range(5, 10):
        for steps in product(choices, repeat=count - 1):
            frames = found[0] + np.concatenate([[0], np.cumsum(steps)])
            if len(curve) - 6 <= frames[-1] < len(curve) and steps[0] == found[1] - found[0]:
                rivals.append(worth(frames))
    assert len(rivals) > 200 and worth(found) == pytest.approx(max(rivals))


def test_positions_follow_the_odds():
    odds = np.full(40, -3.0)
    odds[2::4] = 3.0
    places_, metres = positions(odds)
    assert places_[:7].tolist() == [3, 4, 1, 2, 3, 4, 1] and set(metres) == {4}
    changed = np.full(49, -3.0)
    changed[[*range(0, 24, 4), *range(24, 49, 3)]] = 3.0
    places_, metres = positions(changed)
    assert (np.flatnonzero(places_ == 1) == np.flatnonzero(changed > 0)).all()
    assert metres[:24].tolist() == [4] * 24 and metres[24:48].tolist() == [3] * 24
    odds[18] = -1.0  # one weak beat does not move a bar
    assert (positions(odds)[0][2::4] == 1).all()
    with pytest.raises(ValueError, match="above 0"):
        BarSettings(cut=0)


def test_what_has_no_beats_says_so():
    random, time = np.random.default_rng(0), np.arange(20 * RATE) / RATE
    with pytest.raises(NoBeats, match="steady pulse"):
        beats_in(features(random.normal(0, 0.1, (20 * RATE, 1)).astype(np.float32)))
    with pytest.raises(NoBeats, match="has no notes that begin"):
        beats_in(features((0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)[:, None]))


A, B, C = (8, ("C", "F"), 3), (8, ("E", "B"), 8), (8, ("Am", "G"), 1)


@pytest.mark.parametrize("method", ["network", "novelty", pytest.param("laplacian", marks=pytest.mark.slow)])
def test_sections_that_come_again_get_the_same_label(method):
    sound, _, _, edges = form([A, B, A])
    found, _ = sections_in(features(sound), SectionSettings(method=method, groups=2))
    assert list(found.labels) == ["A", "B", "A"]
    known = np.stack([edges[:-1], edges[1:]], axis=1)
    known[0, 0], known[-1, 1] = 0, found.edges[-1]
    window = {"novelty": 2.1, "network": 0.6, "laplacian": 0.6}[method]  # s; novelty may be a bar off
    assert detection(known, np.stack([found.edges[:-1], found.edges[1:]], axis=1), window=window, trim=True)[2] == 1
    assert found.edges[0] == 0 and abs(found.edges[-1] - len(sound) / RATE) < 1e-6


@pytest.mark.slow
def test_a_song_of_one_kind_is_one_section():
    sound, *_ = form([(16, ("C", "F"), 3)])
    found, _ = sections_in(features(sound))
    assert set(found.labels) == {"A"}


def test_novelty_is_highest_where_two_blocks_meet():
    similar = np.kron(np.eye(2), np.ones((30, 30)))
    assert novelty(similar, 8).argmax() == 30


def test_long_songs_are_described_in_few_places():
    beats = np.arange(1, 7201) * 0.5
    first = np.arange(7200) % 4 == 1
    long = features(np.random.default_rng(0).normal(0, 0.1, (RATE, 1)).astype(np.float32))
    frames = round(3605 * RATE / 2048)
    repeated = (np.resize(part, (frames, part.shape[1])) for part in (long.chroma, long.bass, long.mels))
    stretched = Features(3605.0, long.onsets, *repeated)
    song = places(stretched, beats, first)
    assert song.per_beat == 4 and len(song.first) <= MOST + 1 and song.first[1:].all()
    edges, labels = sections(song, SectionSettings(method="novelty"))
    assert edges[-1] == len(song.first) and len(labels) == len(edges) - 1


def test_names_of_sections():
    assert [name(number) for number in (0, 1, 25, 26, 27)] == ["A", "B", "Z", "AA", "AB"]


def test_settings_are_checked():
    with pytest.raises(ValueError, match="method: must be one of network, novelty, laplacian"):
        SectionSettings(method="ears")
    with pytest.raises(ValueError, match="slowest, fastest"):
        BeatSettings(slowest=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """song.wav, A B A; short.wav, 5 s of it; silent.wav; noise.wav."""
    folder = tmp_path_factory.mktemp("songs")
    sound = form([A, B, A])[0]
    soundfile.write(folder / "song.wav", sound, RATE)
    soundfile.write(folder / "short.wav", sound[: 5 * RATE], RATE)
    soundfile.write(folder / "silent.wav", np.zeros(25 * RATE), RATE)
    soundfile.write(folder / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 25 * RATE), RATE)
    return folder


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def labels(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_the_commands_write_tables_labels_and_pictures(folder, tmp_path, capsys):
    for kind in ("beats", "sections"):
        assert main([kind, str(folder / "song.wav"), "--output", str(tmp_path / "out")]) == 0
        assert main([kind, str(folder / "song.wav"), "--output", str(tmp_path / "out")]) == 0
        assert "songs: 0 done, 1 already there" in capsys.readouterr().out
    there = tmp_path / "out" / "song"
    names = {f"{kind}.{suffix}" for kind in ("beats", "sections") for suffix in ("csv", "json", "txt", "png", "svg")}
    assert {path.name for path in there.iterdir()} == names | {"bars.txt", ".separated.json"}
    told = json.loads((there / "beats.json").read_text())
    table = rows(there / "beats.csv")
    assert [float(row["time"]) for row in table] == [beat["time"] for beat in told["beats"]]
    assert [row["beat"] for row in table] == [text for *_, text in labels(there / "beats.txt")]
    assert [float(row["time"]) for row in table if row["beat"] == "1"] == told["bars"]
    assert [float(start) for start, *_ in labels(there / "bars.txt")] == told["bars"]
    assert abs(told["tempo"] - 120) < 3
    found = json.loads((there / "sections.json").read_text())["sections"]
    assert [row["label"] for row in rows(there / "sections.csv")] == [one["label"] for one in found] == ["A", "B", "A"]
    assert [(float(a), float(b), c) for a, b, c in labels(there / "sections.txt")] == [
        (one["start"], one["end"], one["label"]) for one in found
    ]
    for picture in ("beats.png", "sections.png"):
        assert (there / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_other_settings_need_overwrite(folder, tmp_path, capsys):
    line = ["beats", str(folder / "short.wav"), "--output", str(tmp_path)]
    assert main(line) == 0
    assert main([*line, "--tempo", "70"]) == 1
    assert "holds beats made with other settings; use --overwrite or --output" in capsys.readouterr().out
    assert main([*line, "--tempo", "70", "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("kind", "file", "reason"),
    [
        ("beats", "silent.wav", "is silent, so it has no beats"),
        ("sections", "silent.wav", "is silent, so it has no beats and no sections"),
        ("beats", "noise.wav", "has no steady pulse"),
        ("sections", "noise.wav", "has no steady pulse"),
        ("sections", "short.wav", "is too short: 5.0 s, sections need at least 20 s"),
        ("beats", "none.wav", "none.wav"),
    ],
)
def test_bad_songs_are_one_line(kind, file, reason, folder, tmp_path, capsys):
    assert main([kind, str(folder / file), "--output", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    (line,) = [line for line in printed.out.splitlines() if line.startswith("failed: ")]
    assert reason in line and file.split(".")[0] in line
    assert "Traceback" not in printed.out + printed.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_wrong_options_are_one_line(folder, tmp_path, capsys):
    assert main(["sections", str(folder / "song.wav"), "--output", str(tmp_path), "--groups", "1"]) == 2
    assert capsys.readouterr().err == ("splitstrument: --groups must be at least 2, not 1\n")


def test_the_places_of_a_song_begin_at_its_start():
    beats, bars = beat_times(8, 4, 120)
    song = places(features(play(beats, bars, CHORDS)), beats, np.isin(beats, bars))
    assert isinstance(song, Places) and song.times[0] == 0 and len(song.times) == len(song.first) + 1
