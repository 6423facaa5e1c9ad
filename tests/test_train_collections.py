"""Training on collections as their makers give them: what is decoded, where to, again, and what is said."""

import numpy as np
import pytest
import soundfile

from splitstrument.__main__ import main as splitstrument
from splitstrument.tracks import TrackError, find_tracks
from tests import runs
from tests.audio_files import write_av
from tests.test_sources import put_moises
from training import decoding
from training.config import Collection, Run
from training.selection import decodings, select
from training.train import main

RATE, FOUR = 16000, ("vocals", "drums", "bass", "other")
# The streams of MUSDB18, each a tone of its own
TONES = {"mixture": 300, "drums": 600, "bass": 900, "other": 1200, "vocals": 1500}


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Another process would take a second to start. What is run is kept."""
    ran = []

    def run_command(*arguments):
        ran.append(arguments)
        return splitstrument([*arguments, "--jobs", "1"])

    monkeypatch.setattr(decoding, "run_command", run_command)
    return ran


def run(*sources, rate=RATE, whole=False):
    return Run(
        name="r", sources=sources, whole=whole, collections=(Collection("c"),), network="hourglass", sample_rate=rate
    )


def musdb18(root, names="ab", rate=44100):
    root.mkdir(parents=True)
    time = np.arange(rate // 5) / rate
    for name in names:
        sounds = [0.1 * np.sin(2 * np.pi * hertz * time)[:, None].astype(np.float32) for hertz in TONES.values()]
        write_av(root / f"{name}.stem.mp4", sounds, rate, container="mp4")
    return root


def hq(root, names="ab", rate=RATE):
    for name in names:
        (root / name).mkdir(parents=True)
        for number, stem in enumerate(FOUR):
            sound = np.random.default_rng(number).normal(0, 0.05, (rate // 5, 2))
            soundfile.write(root / name / f"{stem}.wav", sound, rate, "FLOAT")
    return root


def selected(wanted, root):
    """The tracks that a run selects, all decoded before."""
    for needed in decodings(wanted, root):
        decoding.decode(needed)
    chosen = select(wanted, root, 400)
    return sorted((*chosen.training, *chosen.validation), key=lambda track: track.name)


def pitch(sound, rate):
    return np.abs(np.fft.rfft(sound[:, 0])).argmax() * rate / len(sound)


def test_musdb18_is_decoded_beside_itself_at_the_runs_rate_and_only_once(tmp_path, in_this_process, capsys):
    root = musdb18(tmp_path / "musdb18/train")
    before = {path: path.read_bytes() for path in root.iterdir()}
    tracks = selected(run(*FOUR, whole=True), root)
    assert [track.name for track in tracks] == ["a", "b"]
    there = tmp_path / f"musdb18/train_wav/vocals_drums_bass_{RATE}hz"
    assert f"{root}: the WAV files for training are in {there}; you may delete them" in capsys.readouterr().out
    for name, (wave,) in zip(FOUR, tracks[0].parts, strict=True):
        assert wave.path == there / f"tracks_{RATE}hz/a/{name}_a.wav"
        assert pitch(wave.read(0, wave.samples), RATE) == pytest.approx(TONES[name], abs=20)
    times = {path: path.stat().st_mtime_ns for path in there.rglob("*.wav")}
    musdb18(tmp_path / "more", "c")
    (tmp_path / "more/c.stem.mp4").rename(root / "c.stem.mp4")
    assert len(selected(run("vocals"), root)) == 3  # what is new is added
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert before == {path: path.read_bytes() for path in before}
    assert len(in_this_process) == 2
    assert len(selected(run("drums"), there)) == 3  # the folder alone will do, without the collection
    assert len(in_this_process) == 2


def test_wav_files_at_the_runs_rate_are_read_where_they_are(tmp_path, in_this_process):
    root = hq(tmp_path / "DSD100/Sources/Dev")
    tracks = selected(run("vocals", "bass"), tmp_path / "DSD100")
    assert tracks[0].parts[1][0].path == root / "a/bass.wav"
    assert in_this_process == []
    assert len(selected(run("vocals", rate=8000), tmp_path / "DSD100")) == 2
    assert len(in_this_process) == 1
    (track, _) = find_tracks(tmp_path / "DSD100_wav")
    assert track.wave("vocals").rate == 8000
    other = soundfile.read(root / track.name / "vocals.wav")[0]
    assert track.wave("vocals").samples == len(other) // 2


def test_moisesdb_gives_the_runs_sources(tmp_path):
    stems = {"guitar": [("g", "distorted electric guitar")], "bass": [("b", "")], "other_keys": [("k", "")]}
    for name in "ab":
        put_moises(tmp_path / f"moisesdb/{name}", stems, song=name)
        for folder, part in (("guitar", "g"), ("bass", "b"), ("other_keys", "k")):
            path = tmp_path / f"moisesdb/{name}/{folder}/{part}.wav"
            path.parent.mkdir()
            soundfile.write(path, np.random.default_rng(0).normal(0, 0.05, (4000, 2)), RATE)
    tracks = selected(run("guitar"), tmp_path / "moisesdb")
    assert [[wave.path.name for wave in part] for part in tracks[0].parts] == [["guitar_a.wav"], ["other_a.wav"]]
    assert tracks[0].track.folder.parent.parent == tmp_path / f"moisesdb_wav/guitar_{RATE}hz"
    tracks = selected(run("drums", "vocals", "bass"), tmp_path / "moisesdb")
    assert not any(wave.read(0, 4000).any() for part in tracks[0].parts[:2] for wave in part)
    with pytest.raises(TrackError, match="none of its tracks has stems of piano; change the run's sources"):
        selected(run("piano"), tmp_path / "moisesdb")


def test_tracks_that_can_be_read_are_not_decoded(tmp_path):
    runs.write_track(tmp_path / "songs", "a", ("guitar", "drums"))
    runs.write_pairs(tmp_path / "pairs")
    (tmp_path / "songs/metadata.yaml").write_text("note: not Slakh's")
    (tmp_path / "nothing").mkdir()
    for name in ("songs", "pairs", "nothing"):
        assert decodings(run("guitar", rate=runs.RATE), tmp_path / name) == []


def test_what_goes_wrong_is_said_with_the_way_out(tmp_path, capsys):
    root = musdb18(tmp_path / "musdb18")
    with pytest.raises(TrackError) as caught:
        select(run("vocals"), root, 400)
    command = f"splitstrument mix {root} --parts vocals drums bass --rates {RATE} --output {root}_wav/vocals"
    assert str(caught.value).startswith(f"{root}: is not decoded into WAV files yet; run {command}")
    (root / "b.stem.mp4").write_bytes(b"no sound")
    with pytest.raises(TrackError, match="not all of its tracks could be decoded, see above; mend or remove"):
        selected(run("vocals"), root)
    assert f"failed: b: {root}/b.stem.mp4: " in capsys.readouterr().out
    with pytest.raises(TrackError, match=r"could not be decoded; to do it elsewhere, .*--output DIR"):
        selected(run("vocal"), root)
    assert "no group is called 'vocal'; did you mean vocals?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "error", "says"), [(-9, TrackError, r"was killed \(signal 9\); give the same"), (130, SystemExit, "130")]
)
def test_decoding_that_is_stopped_stops_the_run(tmp_path, monkeypatch, code, error, says):
    monkeypatch.setattr(decoding, "run_command", lambda *_: code)
    with pytest.raises(error, match=says):
        decoding.decode(decoding.Decoding(tmp_path, ("vocals",), RATE))


def test_train_decodes_before_it_begins(tmp_path, capsys, in_this_process):
    root = musdb18(tmp_path / "musdb18", "abc", runs.RATE)
    fields = {"instrument": None, "sources": ["vocals", "other"], "whole": True, "collections": [{"pairs": "musdb18"}]}
    files = [
        runs.write_run(tmp_path / f"{name}.yaml", name=name, windows={"batch_size": 10_000}, **fields) for name in "xy"
    ]
    for where in (root, tmp_path):
        assert main([*files, "--pairs", str(where), "--output", str(tmp_path / "runs")]) == 2
        said = capsys.readouterr()
        assert said.err.startswith("splitstrument: batch_size: 10000 is more than the") and said.err.count("\n") == 1
        assert said.out.count("the WAV files for training are in") == 1
    assert len(list((tmp_path / "musdb18_wav").rglob("*.wav"))) == 12
    assert len(in_this_process) == 2
