"""Organised stems to pairs: sums, rates, gains, what is left out, stopping at any moment, bad input."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import yaml

from datasets_tools.labelling.marks import set_marks
from datasets_tools.mix import main
from datasets_tools.stem_sums import Resampler, Sums
from splitstrument.tracks import find_pairs
from tests.audio_files import cut

RATE = 44100


def noise(seconds, seed, channels=2, rate=RATE, level=0.05):
    return np.random.default_rng(seed).normal(0, level, (round(seconds * rate), channels)).astype(np.float32)


def stem(root, name, sound, rate=RATE, subtype="FLOAT"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, subtype)
    return sound


def mix(root, *arguments):
    return main([str(root / "organised"), "--output", str(root / "pairs"), "--jobs", "1", *arguments])


def pair(root, rate, name):
    """(instrument, rest) of one pair as float."""
    folder = root / f"pairs/tracks_{rate}hz/{name}"
    return [soundfile.read(folder / f"{part}_{name}.wav", always_2d=True)[0] for part in ("instrument", "rest")]


def digest(root):
    """Every file below, also the hidden ones, and a hash of what is in it."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def organised(tmp_path):
    """A track of all kinds of stems and one without guitar."""
    root = tmp_path / "organised"
    sounds = {
        "guitar": stem(root, "A song/guitar/a.wav", noise(2, 0)),
        "distorted": stem(root, "A song/distorted_guitar/a.wav", noise(1.5, 1, channels=1)),
        "bass": stem(root, "A song/bass/b.wav", noise(2, 2)),
        "vocals": stem(root, "A song/vocals/v.flac", noise(1, 3), subtype="PCM_16"),
    }
    stem(root, "A song/mix/mix.wav", noise(2, 4))
    stem(root, "A song/excluded/click.wav", noise(2, 5))
    stem(root, "B/bass/b.wav", noise(1, 6))
    return tmp_path, sounds


def padded(sound, seconds=2.0):
    frames = round(seconds * RATE)
    sound = sound if sound.shape[1] == 2 else np.repeat(sound, 2, 1)
    return np.pad(sound, ((0, frames - len(sound)), (0, 0)))


def test_the_parts_are_the_sums_of_their_stems(organised, capsys):
    root, sounds = organised
    before = digest(root / "organised")
    assert mix(root, "--instrument", "guitar") == 0
    assert digest(root / "organised") == before
    said = capsys.readouterr().out
    assert "skipped: no guitar: B" in said
    assert "1 done, 0 already there, 1 skipped, 0 failed" in said
    instrument, rest = pair(root, RATE, "A song")
    assert np.abs(instrument - sounds["guitar"]).max() < 1 / 32768
    expected = padded(sounds["distorted"]) + sounds["bass"] + padded(sounds["vocals"])
    assert np.abs(rest - expected).max() < 2 / 32768
    found = {pair.name: pair for pair in find_pairs(root / "pairs/tracks_22050hz")}
    assert list(found) == ["A song"]
    wave = found["A song"].wave("rest")
    assert (wave.rate, wave.samples, wave.channels, wave.dtype) == (22050, RATE, 2, "<i2")


def test_groups_that_belong_to_the_instrument_and_mono(organised):
    root, sounds = organised
    assert mix(root, "--instrument", "guitar", "--with", "distorted_guitar", "--rates", str(RATE), "--mono") == 0
    instrument, rest = pair(root, RATE, "A song")
    expected = (sounds["guitar"] + padded(sounds["distorted"])).mean(1, keepdims=True)
    assert np.abs(instrument - expected).max() < 2 / 32768
    assert rest.shape == (2 * RATE, 1)
    assert not (root / "pairs/tracks_22050hz").exists()


def test_the_lower_rate_is_the_same_sound(organised):
    import soxr

    root, sounds = organised
    assert mix(root, "--instrument", "guitar") == 0
    expected = soxr.resample(sounds["guitar"], RATE, 22050)
    assert np.abs(pair(root, 22050, "A song")[0] - expected).max() < 2 / 32768


@pytest.mark.parametrize(("source", "target"), [(44100, 22050), (48000, 44100), (22050, 44100), (8000, 44100)])
def test_resampling_in_blocks_moves_nothing(source, target):
    import soxr

    sound, whole = noise(3, 0, rate=source), None
    resampler = Resampler(source, target, 2)
    parts = [resampler(sound[at : at + 7001]) for at in range(0, len(sound), 7001)]
    whole = np.concatenate([*parts, resampler.finish()])
    assert len(whole) == round(len(sound) * target / source)
    assert np.abs(whole - soxr.resample(sound, source, target)).max() < 1e-5


def test_stems_of_other_rates_are_brought_to_the_highest(tmp_path):
    """A slow tone of 48 kHz and its opposite at 44.1 kHz and 16 kHz add up to nothing."""
    paths = []
    for name, rate, sign in (("a", 48000, 1), ("b", 44100, -0.5), ("c", 16000, -0.5)):
        tone = sign * 0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate)[:, None]
        stem(tmp_path, f"{name}.wav", tone, rate)
        paths.append(tmp_path / f"{name}.wav")
    with Sums([paths, paths[:1]], 2) as sums:
        assert sums.rate == 48000
        total, alone = (np.concatenate(part) for part in zip(*sums.blocks(), strict=True))
    assert total.shape == alone.shape == (3 * 48000, 2)
    assert np.abs(total[2000:-2000]).max() < 1e-3
    assert np.abs(alone[2000:-2000]).max() > 0.49
    assert set(sums.seconds.values()) == {3.0}


def test_what_would_clip_gets_one_gain_for_both(tmp_path):
    root = tmp_path / "organised/loud"
    guitar = stem(root, "guitar/g.wav", noise(2, 0, level=0.3))
    bass = stem(root, "bass/b.wav", noise(2, 1, level=0.3))
    assert mix(tmp_path, "--instrument", "guitar") == 0
    (entry,) = yaml.safe_load((tmp_path / "pairs/pairs.yaml").read_text())
    assert entry["name"] == "loud"
    gain = 10 ** (entry["gain_db"] / 20)
    assert gain < 0.8
    for rate in (RATE, 22050):
        instrument, rest = pair(tmp_path, rate, "loud")
        assert np.abs(instrument + rest).max() <= 1
    instrument, rest = pair(tmp_path, RATE, "loud")
    assert np.abs(instrument - gain * guitar).max() < 2e-3
    assert np.abs(rest - gain * bass).max() < 2e-3
    assert entry["mixture"]["peak_dbfs"] == pytest.approx(0, abs=0.01)
    assert entry["instrument"]["peak_dbfs"] == pytest.approx(20 * np.log10(np.abs(instrument).max()), abs=0.4)
    assert entry["instrument"]["sources"] == ["guitar/g.wav"]
    import pyloudnorm

    loudness = pyloudnorm.Meter(RATE).integrated_loudness(instrument)
    assert entry["instrument"]["lufs"] == pytest.approx(loudness, abs=0.15)


def test_quiet_tracks_keep_their_level(organised):
    root, _ = organised
    assert mix(root, "--instrument", "guitar") == 0
    (entry,) = yaml.safe_load((root / "pairs/pairs.yaml").read_text())
    assert entry["gain_db"] == 0
    assert entry["seconds"] == 2
    assert entry["rest"]["sources"] == ["distorted_guitar/a.wav", "bass/b.wav", "vocals/v.flac"]


def test_differing_lengths_and_silence_are_told(tmp_path, capsys):
    root = tmp_path / "organised/T"
    stem(root, "guitar/g.wav", np.zeros((RATE, 2)))
    stem(root, "bass/b.wav", noise(3.5, 1))
    assert mix(tmp_path, "--instrument", "guitar") == 0
    said = capsys.readouterr().out
    assert f"note: T: the stems differ in length by 2.5 s; the shortest is {root}/guitar/g.wav" in said
    assert "note: T: the instrument is silent" in said
    instrument, rest = pair(tmp_path, RATE, "T")
    assert len(instrument) == len(rest) == round(3.5 * RATE)


def test_tracks_without_the_instrument_become_silence_and_rest(organised, capsys):
    root, _ = organised
    stem(root / "organised", "only a mix/mix/mix.wav", noise(2, 7))
    assert mix(root, "--instrument", "guitar", "--absent") == 0
    said = capsys.readouterr().out
    assert "B: the instrument is silent" in said
    assert "2 done, 0 already there, 1 skipped, 0 failed" in said
    instrument, rest = pair(root, RATE, "B")
    assert not instrument.any()
    assert np.abs(rest - noise(1, 6)).max() < 2 / 32768
    assert pair(root, RATE, "A song")[0].any()


def test_marks_decide(organised, capsys):
    root, _ = organised
    folder = root / "organised/A song"
    assert mix(root, "--instrument", "guitar", "--checked-only") == 0
    assert "skipped: guitar is not checked: A song" in capsys.readouterr().out
    set_marks(folder, "guitar", ["bleed", "audible"])
    set_marks(folder, "bass", ["audible"])
    assert mix(root, "--instrument", "guitar") == 0
    assert "skipped: guitar is marked bleed: A song" in capsys.readouterr().out
    (root / "pairs").rename(root / "guitars")
    assert mix(root, "--instrument", "bass", "--checked-only") == 0
    said = capsys.readouterr().out
    assert "skipped: bass is not checked: B" in said
    assert "1 done" in said
    assert mix(root, "--instrument", "bass") == 0
    assert "skipped: only bass; use splitstrument split --pairs" in capsys.readouterr().out
    set_marks(folder, "bass", ["bleed"])
    assert mix(root, "--instrument", "bass") == 0
    said = capsys.readouterr().out
    assert f"note: A song: skipped now, but an earlier run made: {root}/pairs/tracks_44100hz/A song," in said


def test_a_second_time_nothing_is_made(organised, capsys):
    root, _ = organised
    assert mix(root, "--instrument", "guitar") == 0
    state = digest(root / "pairs")
    times = {path: path.stat().st_mtime_ns for path in (root / "pairs").rglob("*.wav")}
    capsys.readouterr()
    assert mix(root, "--instrument", "guitar") == 0
    assert "0 done, 1 already there" in capsys.readouterr().out
    assert digest(root / "pairs") == state
    assert times == {path: path.stat().st_mtime_ns for path in times}
    soundfile.write(root / "organised/A song/guitar/a.wav", noise(2, 8), RATE)
    assert mix(root, "--instrument", "guitar") == 1
    assert "already exists, made from other sources" in capsys.readouterr().out
    assert digest(root / "pairs") == state


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_the_same(tmp_path, capsys):
    for number in range(6):
        for group in ("guitar", "bass", "drums"):
            stem(tmp_path / "organised", f"T{number}/{group}/s.wav", noise(20, number), subtype="PCM_16")
    line = [sys.executable, "-m", "datasets_tools.mix", str(tmp_path / "organised"), "--instrument", "guitar"]
    assert subprocess.run([*line, "--output", str(tmp_path / "whole"), "--jobs", "1"]).returncode == 0
    line += ["--output", str(tmp_path / "pairs"), "--jobs", "1"]
    pairs = tmp_path / "pairs"
    for moment in ("*.part", "*.part/rest_44100", "tracks_44100hz/.*.part", "tracks_44100hz/T2", "tracks_22050hz/.T4*"):
        process = subprocess.Popen(line, start_new_session=True, stdout=subprocess.DEVNULL)
        while not list(pairs.glob(moment)):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert digest(pairs) != digest(tmp_path / "whole")
    assert subprocess.run(line, stdout=subprocess.DEVNULL).returncode == 0
    assert digest(tmp_path / "pairs") == digest(tmp_path / "whole")


@pytest.mark.slow
def test_a_signal_stops_with_one_line_and_no_leftovers(tmp_path):
    for number in range(8):
        for group in ("guitar", "bass"):
            stem(tmp_path / "organised", f"T{number}/{group}/s.wav", noise(60, number), subtype="PCM_16")
    line = [sys.executable, "-m", "datasets_tools.mix", str(tmp_path / "organised"), "--instrument", "guitar"]
    line += ["--output", str(tmp_path / "pairs"), "--jobs", "2"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "pairs").glob("tracks_*/[!.]*")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=600) == 130
    assert process.stderr.read() == "splitstrument: stopped; run the command again to continue\n"
    assert subprocess.run(line, stdout=subprocess.DEVNULL).returncode == 0
    assert len(find_pairs(tmp_path / "pairs")) == 16
    assert not list((tmp_path / "pairs").rglob("*.part"))


def test_broken_stems_fail_their_track_only(organised, capsys):
    root, _ = organised
    folder = root / "organised"
    good = folder / "A song/guitar/a.wav"
    for name, make in {
        "cut": lambda path: path.write_bytes(cut(good, 0.5).read_bytes()),
        "empty": lambda path: path.write_bytes(b""),
        "noise": lambda path: path.write_bytes(os.urandom(5000)),
        "zero": lambda path: soundfile.write(path, np.zeros((0, 2)), RATE),
        "nan": lambda path: soundfile.write(path, np.full((99, 2), np.nan, np.float32), RATE, "FLOAT"),
    }.items():
        stem(folder, f"{name}/bass/b.wav", noise(1, 6))
        (folder / name / "guitar").mkdir()
        make(folder / name / "guitar" / "g.wav")
    (folder / "A song/guitar/cut_a.wav").unlink(missing_ok=True)
    assert mix(root, "--instrument", "guitar") == 1
    said = capsys.readouterr().out
    for name in ("empty", "noise", "zero", "nan"):
        (line,) = [line for line in said.splitlines() if line.startswith(f"failed: {name}:")]
        assert str(folder / name / "guitar/g.wav") in line
    assert f"note: cut: {folder}/cut/guitar/g.wav: the file is cut" in said
    assert [entry["name"] for entry in yaml.safe_load((root / "pairs/pairs.yaml").read_text())] == ["A song", "cut"]
    assert not list((root / "pairs").rglob("*.part"))


@pytest.mark.slow
def test_a_full_disk_fails_and_leaves_nothing(organised):
    root, _ = organised

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    line = [sys.executable, "-m", "datasets_tools.mix", str(root / "organised"), "--instrument", "guitar"]
    line += ["--output", str(root / "pairs"), "--jobs", "1"]
    result = subprocess.run(line, capture_output=True, text=True, preexec_fn=small)
    assert result.returncode == 1
    assert "failed: A song:" in result.stdout
    assert "Traceback" not in result.stderr
    assert not [path for path in (root / "pairs").rglob("*") if path.suffix in (".wav", ".part")]
    assert subprocess.run(line, stdout=subprocess.DEVNULL).returncode == 0
    assert len(find_pairs(root / "pairs")) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--instrument", "gitar"], "no group is called 'gitar'; did you mean guitar?"),
        (["--instrument", "mix"], "no group is called 'mix'"),
        (["--instrument", "guitar", "--with", "x"], "no group is called 'x'"),
        (["--instrument", "guitar", "--rates", "5"], "--rates must be 8000 to 192000 Hz"),
    ],
)
def test_wrong_options_are_one_line(organised, capsys, arguments, says):
    root, _ = organised
    assert mix(root, *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"splitstrument: {says}")
    assert said.count("\n") == 1
    assert not (root / "pairs").exists()


def test_a_target_that_cannot_be_written(organised, capsys):
    root, _ = organised
    (root / "pairs").write_text("a file")
    assert mix(root, "--instrument", "guitar") == 2
    assert f"splitstrument: {root}/pairs: cannot be written" in capsys.readouterr().err


def test_odd_names(tmp_path):
    for name in ("Ünï cödé — 曲", "n" * 200, "a'b\"c", "- x: [1]"):
        stem(tmp_path / "organised", f"{name}/guitar/{'s' * 250}.wav", noise(0.2, 0))
        stem(tmp_path / "organised", f"{name}/bass/b b.wav", noise(0.2, 1))
    assert mix(tmp_path, "--instrument", "guitar", "--rates", "22050") == 0
    assert len(find_pairs(tmp_path / "pairs")) == 4
    assert soundfile.read(find_pairs(tmp_path / "pairs")[0].path("rest"))[0].std() > 0.01


def test_other_settings_need_another_output(organised, capsys):
    root, _ = organised
    assert mix(root, "--instrument", "guitar") == 0
    state = digest(root / "pairs")
    for arguments in (["--instrument", "bass"], ["--instrument", "guitar", "--mono"]):
        assert mix(root, *arguments) == 2
        assert "was made with other settings" in capsys.readouterr().err
    assert mix(root, "--instrument", "guitar", "--rates", "22050", "44100") == 0
    assert digest(root / "pairs") == state
    assert main([str(root / "organised"), "--instrument", "guitar", "--output", str(root / "organised/x")]) == 2


def test_a_pair_that_lost_a_file_is_made_again(organised, monkeypatch):
    root, _ = organised
    assert mix(root, "--instrument", "guitar") == 0
    state = digest(root / "pairs")
    (root / "pairs/tracks_22050hz/A song/rest_A song.wav").unlink()
    monkeypatch.chdir(root)
    assert main(["organised", "--instrument", "guitar", "--output", "pairs", "--jobs", "1"]) == 0
    assert digest(root / "pairs") == state


def test_what_lies_in_no_group_is_told(organised, capsys):
    root, _ = organised
    stem(root / "organised", "A song/gitar/b.wav", noise(1, 9))
    assert mix(root, "--instrument", "guitar") == 0
    assert "note: A song: gitar is not a group: its contents are ignored" in capsys.readouterr().out
