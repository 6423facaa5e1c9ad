"""The command that renders songs: its files, its metadata, what it says of wrong input."""

import numpy as np
import pytest
import soundfile
import yaml

from datasets_tools import catalogue, synthesize

RATE = 44100
MATERIAL = {
    "instruments": [
        {"name": "Sines", "licence": "CC0-1.0", "source": "a test", "programs": {"sine.sfz": "piano"}},
        {"name": "Saws", "licence": "MIT", "source": "a test", "programs": {"saw.sfz": "organ", "low.sfz": "bass"}},
    ],
    "songs": [{"name": "Scales", "licence": "CC-BY-4.0", "source": "a test", "folder": "scales"}],
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A folder with three SFZ programs, a MIDI song of a piano alone, and a table that knows them."""
    pytest.importorskip("pysfizz")
    import pretty_midi

    folder = tmp_path_factory.mktemp("sounds")
    time = np.arange(3 * RATE) / RATE
    for name, wave in {
        "sine": np.sin(2 * np.pi * 261.63 * time) * np.exp(-time),
        "saw": 2 * ((261.63 * time) % 1) - 1,
        "low": 2 * ((261.63 * time) % 1) - 1,
    }.items():
        soundfile.write(folder / f"{name}.wav", 0.3 * wave, RATE)
        (folder / f"{name}.sfz").write_text(f"<region> sample={name}.wav pitch_keycenter=60 lokey=24 hikey=96\n")
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    piano = pretty_midi.Instrument(0)
    for bar, root in enumerate((60, 57, 65, 67) * 4):
        for step in (0, 4, 7):
            piano.notes.append(pretty_midi.Note(90, root + step, 2.0 * bar, 2.0 * bar + 1.8))
    midi.instruments.append(piano)
    (folder / "scales").mkdir()
    midi.write(str(folder / "scales" / "song.mid"))
    (folder / "scales" / "broken.mid").write_bytes(b"MThd and then nothing")
    (folder / "material.yaml").write_text(yaml.safe_dump(MATERIAL))
    return folder


def command(sounds, output, *more):
    material = ["--material", str(sounds / "material.yaml"), "--sounds", str(sounds), "--midi", str(sounds / "scales")]
    return synthesize.main([*material, "--output", str(output), "--seconds", "6", "--jobs", "1", *map(str, more)])


@pytest.fixture(scope="module")
def pianos(sounds, tmp_path_factory):
    output = tmp_path_factory.mktemp("songs") / "pianos"
    assert command(sounds, output, "--target", "piano", "--songs", 3) == 0
    return output


@pytest.mark.slow
def test_songs_have_the_layout_of_slakh_and_stems_that_add_up(pianos):
    assert sorted(folder.name for folder in pianos.iterdir()) == [f"piano0_{number:05d}" for number in range(3)]
    for folder in pianos.iterdir():
        said = yaml.safe_load((folder / "metadata.yaml").read_text())
        stems = {file.stem: soundfile.read(file)[0] for file in sorted((folder / "stems").iterdir())}
        assert list(stems) == list(said["stems"]) and len(stems) >= 2
        mix, rate = soundfile.read(folder / "mix.flac")
        assert rate == RATE and mix.shape == (6 * RATE, 2)
        np.testing.assert_allclose(mix, sum(stems.values()), atol=(len(stems) + 1) / 65536)
        assert 0.01 < np.abs(mix).max() < 1
        for key, stem in said["stems"].items():
            assert stem["licence"] in ("CC0-1.0", "MIT", "none needed"), key
        assert said["score"] == {"name": "Scales", "licence": "CC-BY-4.0", "file": "song.mid"}


@pytest.mark.slow
def test_the_data_tools_read_them_and_know_the_piano(pianos, tmp_path):
    assert catalogue.main(["--slakh", str(pianos), "--output", str(tmp_path / "tracks.yaml"), "--jobs", "1"]) == 0
    tracks = yaml.safe_load((tmp_path / "tracks.yaml").read_text())
    assert "piano" in str(tracks) and len(list(pianos.iterdir())) == 3
    for folder in pianos.iterdir():
        assert folder.name in str(tracks)


@pytest.mark.slow
def test_the_seed_decides_every_sample(sounds, pianos, tmp_path):
    assert command(sounds, tmp_path / "again", "--target", "piano", "--songs", 1, "--first", 2) == 0
    for file in (pianos / "piano0_00002").rglob("*.*"):
        again = tmp_path / "again" / "piano0_00002" / file.relative_to(pianos / "piano0_00002")
        assert again.read_bytes() == file.read_bytes()
    assert command(sounds, tmp_path / "other", "--target", "piano", "--seed", 1, "--songs", 1) == 0
    other = soundfile.read(tmp_path / "other" / "piano1_00000" / "mix.flac")[0]
    assert not np.array_equal(other, soundfile.read(pianos / "piano0_00000" / "mix.flac")[0])


@pytest.mark.slow
def test_a_guitar_is_computed_where_no_samples_are(sounds, tmp_path):
    assert command(sounds, tmp_path / "songs", "--songs", 2) == 0
    for folder in (tmp_path / "songs").iterdir():
        stems = yaml.safe_load((folder / "metadata.yaml").read_text())["stems"]
        guitars = {key: stem for key, stem in stems.items() if stem["inst_class"] == "Guitar"}
        assert guitars and all(stem["instrument"] == "computed plucked string" for stem in guitars.values())
        assert any(np.abs(soundfile.read(folder / "stems" / f"{key}.flac")[0]).max() > 0.01 for key in guitars)


def test_what_is_there_stays_and_what_was_left_half_made_goes(sounds, pianos, capsys):
    before = {path: path.stat().st_mtime_ns for path in pianos.rglob("*")}
    half = pianos / ".piano0_00003.x.splitstrument.part"
    (half / "stems").mkdir(parents=True)
    assert command(sounds, pianos, "--target", "piano", "--songs", 3) == 0
    assert "3 already there" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in pianos.rglob("*") if path != pianos} == before
    assert command(sounds, pianos, "--target", "piano", "--songs", 1, "--seconds", 7) == 1
    assert "piano0_00000 was made with other settings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--seconds", "1"], "seconds: must be 5 to 600"),
        (["--songs", "0"], "--songs must be at least 1"),
        (["--leave-out", "Sinus"], "Sines"),
        (["--sounds", "/nowhere"], "/nowhere: no such file or folder"),
        (["--midi", "/nowhere"], "/nowhere: no such file or folder"),
        (["--leave-out", "Sines", "Saws"], "contains none of the known instruments"),
        (["--charts", "2"], "charts: must be 0 to 1"),
        (["--seed", "-1"], "seed: must be at least 0"),
    ],
)
def test_wrong_options_are_one_line(sounds, tmp_path, capsys, more, said):
    assert command(sounds, tmp_path / "songs", *more) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_songs_of_unknown_licence_are_refused(sounds, tmp_path, capsys):
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "song.mid").write_bytes((sounds / "scales" / "song.mid").read_bytes())
    assert command(sounds, tmp_path / "songs", "--midi", tmp_path / "found") == 2
    assert "song.mid: its licence is unknown" in capsys.readouterr().err


def test_a_table_of_material_is_checked(sounds, tmp_path, capsys):
    wrong = {"instruments": [{**MATERIAL["instruments"][0], "programs": {"sine.sfz": "pianola"}}]}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    assert command(sounds, tmp_path / "songs", "--material", tmp_path / "wrong.yaml") == 2
    error = capsys.readouterr().err
    assert "wrong.yaml" in error and "pianola" in error and error.count("\n") == 1


def test_a_song_that_cannot_be_played_fails_alone(sounds, tmp_path, capsys):
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales" / "broken.mid").write_bytes(b"MThd and then nothing")
    assert command(sounds, tmp_path / "songs", "--midi", tmp_path / "scales", "--songs", 1) == 1
    assert "broken.mid: cannot be read as MIDI" in capsys.readouterr().out
    assert list((tmp_path / "songs").iterdir()) == []
