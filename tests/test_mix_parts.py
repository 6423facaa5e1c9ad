"""Tracks of several parts: sums and silence, marks, collections as their makers give them, bad options."""

import numpy as np
import pytest
import soundfile
import yaml

from datasets_tools.labelling.marks import set_marks
from datasets_tools.mix import main, parts_of
from datasets_tools.tracks import Stem, Track, save
from splitstrument.stages.run import StageError
from splitstrument.tracks import find_tracks
from tests.audio_files import write_av
from tests.test_sources import put_moises

RATE = 44100
FOUR = ("vocals", "drums", "bass", "other")


def sound(seed, seconds=0.3, channels=2, rate=RATE):
    return np.random.default_rng(seed).normal(0, 0.05, (round(seconds * rate), channels)).astype(np.float32)


def stem(path, *arguments, **form):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, made := sound(*arguments, **form), form.get("rate", RATE), "FLOAT")
    return made


def mix(source, output, *arguments):
    return main([str(source), "--output", str(output), "--jobs", "1", "--rates", str(RATE), *arguments])


def parts(output, name):
    """{part: its samples} of a track."""
    (track,) = (track for track in find_tracks(output) if track.name == name)
    return track.read()[0]


@pytest.fixture
def organised(tmp_path):
    """A song of five groups, one without vocals, and one of vocals alone."""
    root = tmp_path / "organised"
    names = ("vocals/v", "drums/kick", "drums/snare", "bass/b", "guitar/g", "piano/p")
    sounds = {name: stem(root / f"Song/{name}.wav", seed) for seed, name in enumerate(names)}
    stem(root / "Song/mix/mix.wav", 9)
    for number, name in enumerate(("drums", "guitar")):
        sounds[f"Instrumental {name}"] = stem(root / f"Instrumental/{name}/x.wav", 10 + number)
    stem(root / "A capella/vocals/v.wav", 20)
    return tmp_path, sounds


def test_parts_are_sums_of_their_groups_and_other_is_all_else(organised, capsys):
    root, sounds = organised
    assert mix(root / "organised", root / "out", "--parts", "vocals", "drums", "bass") == 0
    said = capsys.readouterr().out
    assert "2 done, 0 already there, 1 skipped, 0 failed" in said
    assert "skipped: only vocals: A capella" in said
    expected = {
        "vocals": sounds["vocals/v"],
        "drums": sounds["drums/kick"] + sounds["drums/snare"],
        "bass": sounds["bass/b"],
        "other": sounds["guitar/g"] + sounds["piano/p"],
    }
    found = parts(root / "out", "Song")
    assert set(found) == set(FOUR)
    for name, part in expected.items():
        assert np.abs(found[name] - part).max() < 1 / 32768, name
    assert np.abs(sum(found.values()) - sum(expected.values())).max() < 4 / 32768


def test_a_part_without_stems_is_silent(organised, capsys):
    root, sounds = organised
    assert mix(root / "organised", root / "out", "--parts", "vocals,drums,bass,other") == 0
    said = capsys.readouterr().out
    assert "note: Instrumental: the vocals are silent" in said
    assert "note: Instrumental: the bass is silent" in said
    found = parts(root / "out", "Instrumental")
    assert set(found) == set(FOUR)
    assert not found["vocals"].any() and not found["bass"].any()
    assert np.abs(found["other"] - sounds["Instrumental guitar"]).max() < 1 / 32768
    listed = {entry["name"]: entry for entry in yaml.safe_load((root / "out/pairs.yaml").read_text())}
    assert listed["Instrumental"]["vocals"] == {"sources": [], "peak_dbfs": None, "lufs": None}
    assert listed["Song"]["drums"]["sources"] == ["drums/kick.wav", "drums/snare.wav"]


def test_a_part_of_several_groups_is_called_like_the_first(organised):
    root, sounds = organised
    assert mix(root / "organised", root / "out", "--parts", "guitar/piano", "drums") == 0
    found = parts(root / "out", "Song")
    assert set(found) == {"guitar", "drums", "other"}
    assert np.abs(found["guitar"] - sounds["guitar/g"] - sounds["piano/p"]).max() < 1 / 32768


def test_marks_of_every_part_count_and_a_second_time_nothing_is_made(organised, capsys):
    root, _ = organised
    parted = ("--parts", "drums", "guitar")
    assert mix(root / "organised", root / "out", *parted) == 0
    capsys.readouterr()
    set_marks(root / "organised/Song", "guitar", ["bleed"])
    assert mix(root / "organised", root / "out", *parted) == 0
    said = capsys.readouterr().out
    assert "skipped: guitar is marked bleed: Song" in said
    assert "0 done, 1 already there, 2 skipped, 0 failed" in said
    assert "skipped: no drums or guitar: A capella" in said
    assert mix(root / "organised", root / "absent", *parted, "--absent") == 0
    assert not parts(root / "absent", "A capella")["drums"].any()
    assert mix(root / "organised", root / "out", "--parts", "drums") == 2
    assert "was made with other settings" in capsys.readouterr().err


def test_a_catalogue_is_mixed_without_being_organised(organised, capsys):
    root, sounds = organised
    folder = root / "organised/Song"
    stems = [Stem(name, folder / f"{name}.wav", name.split("/")[0]) for name in ("vocals/v", "piano/p")]
    gone = Stem("x", folder / "vocals/x.wav", "vocals")
    save(root / "tracks.yaml", [Track("Song", tuple(stems)), Track("Song", (stems[1], gone))])
    assert mix(root / "tracks.yaml", root / "out", "--parts", "vocals") == 1
    assert f"failed: Song (2): {folder}/vocals/x.wav: no such file" in capsys.readouterr().out
    assert np.abs(parts(root / "out", "Song")["other"] - sounds["piano/p"]).max() < 1 / 32768


def test_musdb18_is_decoded_from_its_own_folder(tmp_path, capsys):
    time = np.arange(8820) / RATE
    tones = {"mixture": 300, "drums": 600, "bass": 900, "other": 1200, "vocals": 1500}
    sounds = [0.2 * np.sin(2 * np.pi * hertz * time)[:, None].astype(np.float32) for hertz in tones.values()]
    (tmp_path / "musdb18/train").mkdir(parents=True)
    write_av(tmp_path / "musdb18/train/A - B.stem.mp4", sounds, container="mp4")
    (tmp_path / "musdb18/train/C - D.stem.mp4").write_bytes(b"no sound")
    assert mix(tmp_path / "musdb18", tmp_path / "out", "--parts", "vocals", "drums", "bass") == 1
    assert f"failed: C - D: {tmp_path}/musdb18/train/C - D.stem.mp4: " in capsys.readouterr().out
    found = parts(tmp_path / "out", "A - B")
    assert set(found) == set(FOUR)
    for name, part in found.items():
        peak = np.abs(np.fft.rfft(part[:, 0])).argmax() * RATE / len(part)
        assert peak == pytest.approx(tones[name], abs=20), name
    (entry,) = yaml.safe_load((tmp_path / "out/pairs.yaml").read_text())
    assert entry["drums"]["sources"] == ["drums"]


def test_dsd100_moisesdb_and_musdb18_hq_are_recognised_by_their_layout(tmp_path, capsys):
    made = {name: stem(tmp_path / f"all/DSD100/Sources/Dev/1 - A/{name}.wav", n) for n, name in enumerate(FOUR)}
    for number, name in enumerate(FOUR[:3]):
        stem(tmp_path / f"all/musdb18hq/train/Broken/{name}.wav", number)
    song = tmp_path / "all/moisesdb/2ab7"
    names = {
        "vocals": [("v", "background vocals")],
        "guitar": [("g", "acoustic guitar")],
        "other": [("o", "gizmo")],
    }
    put_moises(song, names, song="Creek", artist="Otters")
    voice = stem(song / "vocals/v.wav", 30, 0.2, 1)
    guitar, unknown = stem(song / "guitar/g.wav", 31), stem(song / "other/o.wav", 32)
    assert mix(tmp_path / "all", tmp_path / "out", "--parts", "vocals", "drums", "bass") == 0
    said = capsys.readouterr().out
    assert "skipped: not on disk: other.wav: Broken" in said
    assert "note: Otters - Creek: 'gizmo' is an unknown instrument and counts as other" in said
    found = parts(tmp_path / "out", "1 - A")
    assert all(np.abs(found[name] - made[name]).max() < 1 / 32768 for name in FOUR)
    found = parts(tmp_path / "out", "Otters - Creek")
    assert np.abs(found["vocals"][: len(voice)] - voice).max() < 1 / 32768
    assert np.abs(found["other"] - guitar - unknown).max() < 1 / 32768
    assert not found["vocals"][len(voice) :].any() and not found["drums"].any()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--parts", "vocal"], "no group is called 'vocal'; did you mean vocals?"),
        (["--parts", "other"], "--parts: name at least one group besides other"),
        (["--parts", "guitar/other"], "--parts guitar/other: other is everything that is in no part; leave it out"),
        (["--parts", "drums", "guitar/drums"], "--parts: drums is named twice"),
        (["--parts", "guitar", "--with", "piano"], "--with belongs to --instrument; in --parts, write"),
    ],
)
def test_wrong_options_are_one_line(organised, capsys, arguments, says):
    root, _ = organised
    assert mix(root / "organised", root / "out", *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"splitstrument: {says}") and said.count("\n") == 1
    assert not (root / "out").exists()


def test_what_is_no_folder_of_tracks_is_one_line(tmp_path, capsys):
    stem(tmp_path / "sounds/a.wav", 0)
    for source, says in (
        (tmp_path / "sounds", "no tracks (<track>/<group>/<stem file>) in this folder"),
        (tmp_path / "nowhere", "no tracks (<track>/<group>/<stem file>) in this folder"),
        (tmp_path / "sounds/a.wav", "cannot be read as YAML"),
    ):
        assert mix(source, tmp_path / "out", "--parts", "vocals") == 2
        said = capsys.readouterr().err
        assert said.startswith(f"splitstrument: {source}: {says}") and said.count("\n") == 1, said
    assert mix(tmp_path / "sounds", tmp_path / "sounds/out", "--parts", "vocals") == 2
    assert "one is inside the other" in capsys.readouterr().err


def test_parts_may_be_written_with_commas():
    assert parts_of(["vocals,drums", "guitar/distorted_guitar,"]) == parts_of(
        ["vocals", "drums", "guitar/distorted_guitar"]
    )
    with pytest.raises(StageError):
        parts_of([""])
