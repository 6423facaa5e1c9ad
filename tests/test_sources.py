"""The collections: one contract for all of them, and what is particular to each."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import yaml

from datasets_tools import sources
from datasets_tools.tracks import GROUPS, load, save
from splitstrument.files.audio import read
from tests.audio_files import write_av

# Any folder with sounds is a track to these: they cannot tell a foreign collection from theirs.
GENERIC = ("cambridge", "folders", "rockband", "solo")


def put(root, *paths):
    """Files below root, each with its own path as content (sources go by names and metadata, and open no sound)."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path, encoding="utf-8")


def put_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def medley_stems(track, *instruments):
    names = {f"S{n:02}": (f"{track}_STEM_{n:02}.wav", label) for n, label in enumerate(instruments, 1)}
    return {key: {"component": "", "filename": name, "instrument": label} for key, (name, label) in names.items()}


def put_medley(folder, track, *instruments, **fields):
    """The metadata file of a track of MedleyDB."""
    values = {"artist": "Invented", "stem_dir": f"{track}_STEMS", "mix_filename": f"{track}_MIX.wav"}
    values |= {"stems": medley_stems(track, *instruments)} | fields
    return put_text(folder / f"{track}_METADATA.yaml", yaml.safe_dump(values))


def put_slakh(folder, stems, suffix="flac"):
    """A track of Slakh; stems: {key: (program, is_drum, audio_rendered, whether it is on disk)}."""
    values = {
        key: {"midi_program_name": program, "is_drum": drum, "audio_rendered": rendered, "plugin_name": "x.nkm"}
        for key, (program, drum, rendered, _) in stems.items()
    }
    put_text(folder / "metadata.yaml", yaml.safe_dump({"UUID": "0", "audio_dir": "stems", "stems": values}))
    put(folder, f"mix.{suffix}", "all_src.mid", *(f"stems/{key}.{suffix}" for key, stem in stems.items() if stem[3]))


def put_moises(folder, stems, **fields):
    """A track of MoisesDB; stems: {stem's name: [(id, trackType)]}; the sounds are for the test to put."""
    values = [
        {"id": f"s{n}", "stemName": name, "tracks": [{"id": i, "trackType": t, "extension": "wav"} for i, t in tracks]}
        for n, (name, tracks) in enumerate(stems.items())
    ]
    put_text(folder / "data.json", json.dumps({"genre": "rock", "stems": values} | fields))


def make_medleydb(root):
    put_medley(root / "Audio/Otter_Creek", "Otter_Creek", "electric bass", "drum set", ["synthesizer", "dizi"])
    put(root / "Audio/Otter_Creek", "Otter_Creek_MIX.wav", "Otter_Creek_RAW/Otter_Creek_RAW_01_01.wav")
    put(root / "Audio/Otter_Creek/Otter_Creek_STEMS", *(f"Otter_Creek_STEM_{n:02}.wav" for n in (1, 2, 3)))
    return {"Otter_Creek": ["electric bass", "drum set", "synthesizer + dizi", "mix"]}


def make_slakh(root):
    stems = {"S00": ("Distortion Guitar", False, True, True), "S01": ("Standard Kit", True, True, True)}
    put_slakh(root / "train/Track00001", stems | {"S02": ("Gunshot", False, False, False)})
    put_slakh(root / "Track00009", stems, "wav")
    return {"Track00009": ["Distortion Guitar", "Drums", "mix"], "Track00001": ["Distortion Guitar", "Drums", "mix"]}


def make_rockband(root):
    put(root / "o/Otters - Creek", "guitar.ogg", "rhythm.ogg", "song.ogg", "drums_2.ogg", "preview.ogg", "notes.mid")
    return {"Otters - Creek": ["drums", "guitar", "preview", "rhythm", "backing"]}


def make_cambridge(root):
    put(root / "Otters_Creek_Full", "01_Kick.wav", "33_808_Snare.wav", "Vox Bridge.wav", "Strings/02_Kick.wav")
    return {"Otters_Creek_Full": ["Kick", "808_Snare", "Vox Bridge", "Kick"]}


def make_musdb(root):
    put(root / "test", "Otters - Creek.stem.mp4")
    put(root / "train/Otters - Dam", *(f"{part}.wav" for part in ("mixture", "drums", "bass", "other", "vocals")))
    parts = ["mixture", "drums", "bass", "other", "vocals"]
    return {"Otters - Creek": parts, "Otters - Dam": parts}


def make_dsd100(root):
    put(root / "Sources/Dev/051 - Otters - Creek", "bass.wav", "drums.wav", "other.wav", "vocals.wav")
    put(root / "Mixtures/Dev/051 - Otters - Creek", "mixture.wav")
    return {"051 - Otters - Creek": ["drums", "bass", "other", "vocals", "mixture"]}


def make_moisesdb(root):
    folder = root / "moisesdb_v0.1/2ab7"
    stems = {"guitar": [("g1", "acoustic guitar"), ("g2", "")], "other_keys": [("k1", "")]}
    put_moises(folder, stems, song="Creek", artist="Otters")
    put(folder, "guitar/g1.wav", "guitar/g2.wav", "other_keys/k1.wav")
    return {"Otters - Creek": ["acoustic guitar", "guitar", "other keys"]}


def make_folders(root):
    put(root / "Creek", "01 - Grand Piano.flac", "12 String Guitar.wav", "Vocals/01.wav", "excluded/01.wav", "mix.mp3")
    return {"Creek": ["Grand Piano", "12 String Guitar", "mix", "vocals", "excluded"]}


def make_solo(root):
    put(root / "electric guitar", "Creek, vol. 2.mp3", "more/Dam.m4a")
    return {"Creek, vol. 2": ["electric guitar"], "Dam": ["electric guitar"]}


MAKERS = {name.removeprefix("make_"): make for name, make in list(globals().items()) if name.startswith("make_")}


def tracks_of(name, root):
    return list(sources.find(name).read(root))


def labels(track):
    return [stem.label for stem in track.stems]


def everything(root):
    return {path: (path.read_bytes() if path.is_file() else None) for path in root.rglob("*")}


def test_every_source_is_held_to_the_contract():
    assert sources.names() == sorted(MAKERS)


@pytest.mark.parametrize("name", sorted(MAKERS))
class TestContract:
    def test_reads_its_collection(self, name, tmp_path):
        expected = MAKERS[name](tmp_path)
        put(tmp_path, ".hidden/x/guitar.wav", ".hidden/x/song.wav", "x.wav", "readme.txt")
        before = everything(tmp_path)
        tracks = tracks_of(name, tmp_path)
        assert {track.name: labels(track) for track in tracks} == expected
        for track in tracks:
            assert track.source == name
            assert track.notes == ()
            assert len({stem.name for stem in track.stems}) == len(track.stems)
            for stem in track.stems:
                assert stem.path.is_absolute()
                assert stem.path.is_file()
                decided = {"mix": "mix", "mixture": "mix", "preview": "excluded", "excluded": "excluded"}
                assert stem.group == decided.get(stem.label)
        assert everything(tmp_path) == before

    def test_again_and_by_a_relative_path_it_is_the_same(self, name, tmp_path, monkeypatch):
        MAKERS[name](tmp_path / "data")
        tracks = tracks_of(name, tmp_path / "data")
        assert tracks
        assert tracks_of(name, str(tmp_path / "data")) == tracks
        monkeypatch.chdir(tmp_path)
        assert tracks_of(name, "data") == tracks

    def test_nothing_in_an_empty_folder_or_where_there_is_none(self, name, tmp_path):
        assert tracks_of(name, tmp_path) == []
        assert tracks_of(name, tmp_path / "missing") == []

    def test_links_that_loop_end(self, name, tmp_path):
        expected = MAKERS[name](tmp_path)
        for folder in [path for path in tmp_path.rglob("*") if path.is_dir()]:
            (folder / "zz").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "nothing.wav").symlink_to(tmp_path / "gone.wav")
        assert {track.name: labels(track) for track in tracks_of(name, tmp_path)} == expected

    def test_its_tracks_can_be_a_catalogue(self, name, tmp_path):
        MAKERS[name](tmp_path / "data")
        tracks = tracks_of(name, tmp_path / "data")
        grouped = [replace(t, stems=tuple(replace(s, group=s.group or "other") for s in t.stems)) for t in tracks]
        save(tmp_path / "tracks.yaml", grouped)
        assert load(tmp_path / "tracks.yaml") == grouped


@pytest.mark.parametrize("name", sorted(set(MAKERS) - set(GENERIC)))
def test_foreign_collections_are_nothing(name, tmp_path):
    for foreign in set(MAKERS) - {name}:
        MAKERS[foreign](tmp_path / foreign)
    assert tracks_of(name, tmp_path) == []


@pytest.mark.parametrize("name", ["cambridge", "folders", "rockband"])
def test_long_and_foreign_names(name, tmp_path):
    track, stem = "é" * 127, "ギター" * 27 + " guitar.wav"
    put(tmp_path / track, stem, "bass.wav")
    (found,) = tracks_of(name, tmp_path)
    assert found.name == track
    assert {s.name for s in found.stems} == {stem, "bass.wav"}


def test_medleydb_finds_metadata_and_sound_apart(tmp_path):
    put_medley(tmp_path / "medleydb/data/Metadata", "Creek", "banjo", "fiddle")
    put_medley(tmp_path / "medleydb/data/Metadata", "Without_Sound", "banjo")
    put_medley(tmp_path / "a", "Weir", "sitar")
    put(tmp_path / "V2", "Creek/Creek_STEMS/Creek_STEM_02.wav", "Weir/Weir_STEMS/Weir_STEM_01.wav")
    creek, weir = tracks_of("medleydb", tmp_path)
    assert (labels(creek), creek.notes) == (["fiddle"], ("not on disk: Creek_STEM_01.wav",))
    assert (labels(weir), weir.notes) == (["sitar"], ())


def test_without_a_stem_on_disk_there_is_no_track(tmp_path):
    put_medley(tmp_path / "Creek", "Creek", "banjo")
    put(tmp_path / "Creek", "Creek_MIX.wav", "Creek_STEMS/readme.txt")
    put_slakh(tmp_path / "Track1", {"S00": ("Oboe", False, True, False)})
    put(tmp_path / "Track1", "stems/S09.flac")
    put_moises(tmp_path / "2ab7", {"bass": [("b1", "bass guitar")]})
    put(tmp_path / "elsewhere/Dev/Otters - Creek", "drums.wav", "vocals.wav")
    put(tmp_path / "train/Otters - Creek", "mixture.wav")
    for name in set(MAKERS) - set(GENERIC):
        assert tracks_of(name, tmp_path) == [], name


def test_medleydb_goes_by_the_names_in_the_metadata(tmp_path):
    put_medley(
        tmp_path / "A",
        "A",
        stem_dir="Parts",
        mix_filename="all.wav",
        stems={"S1": {"filename": "x.wav", "instrument": "oud"}},
    )
    put(tmp_path / "A", "all.wav", "Parts/x.wav")
    (track,) = tracks_of("medleydb", tmp_path)
    assert [(stem.name, stem.label, stem.group) for stem in track.stems] == [
        ("x.wav", "oud", None),
        ("all.wav", "mix", "mix"),
    ]


BAD = [
    ("medleydb", "{stems: [", "YAML"),
    ("medleydb", "just text", "stems"),
    ("medleydb", "{artist: x}", "stems"),
    ("medleydb", "{stems: {S01: {filename: a.wav}}}", "S01.*instrument"),
    ("medleydb", "{stems: {S01: {filename: a.wav, instrument: []}}}", "S01.*instrument"),
    ("medleydb", "{stems: {S01: {instrument: oud}}}", "S01.*filename"),
    ("medleydb", "{stems: {S01: nothing}}", "S01.*filename"),
    ("slakh", "\0", "YAML"),
    ("slakh", "{UUID: 0}", "stems"),
    ("slakh", "{stems: {S00: {is_drum: false}}}", "S00.*midi_program_name"),
    ("slakh", "{stems: {S00: 7}}", "S00.*midi_program_name"),
    ("moisesdb", "{", "JSON"),
    ("moisesdb", "[]", "stems"),
    ("moisesdb", '{"stems": [{"tracks": []}]}', "stemName"),
    ("moisesdb", '{"stems": [{"stemName": "bass", "tracks": 1}]}', "bass.*tracks"),
    ("moisesdb", '{"stems": [{"stemName": "bass", "tracks": [{"trackType": "tuba"}]}]}', "bass.*id"),
]


@pytest.mark.parametrize(("name", "text", "field"), BAD)
def test_bad_metadata_are_named_with_their_field(name, text, field, tmp_path):
    file = {"medleydb": "A_METADATA.yaml", "slakh": "A/metadata.yaml", "moisesdb": "A/data.json"}[name]
    put(tmp_path, "A/stems/S00.flac")
    path = put_text(tmp_path / file, text)
    (track,) = tracks_of(name, tmp_path)
    assert not track.stems
    (note,) = track.notes
    assert re.match(f"{re.escape(str(path))}: .*{field}", note)
    assert "\n" not in note


def test_slakh_takes_what_lies_on_disk(tmp_path):
    stems = {
        "S00": ("Oboe", False, True, True),
        "S01": ("Piccolo", False, True, False),  # rendered, they say
        "S02": ("Gunshot", False, False, False),
        "S03": ("Harmonica", False, False, True),  # as in BabySlakh
    }
    put_slakh(tmp_path / "Track00001", stems)
    put_slakh(tmp_path / "Track00002", {"S01": ("Piccolo", False, True, False)})
    (track,) = tracks_of("slakh", tmp_path)
    assert labels(track) == ["Oboe", "Harmonica", "mix"]
    assert track.notes == ("not on disk: stems/S01",)


def test_moisesdb_notes_what_is_missing_and_names_songs_without_a_title(tmp_path):
    put_moises(tmp_path / "2ab7", {"bass": [("b1", "bass guitar"), ("b2", "tuba")], "wind": []})
    put(tmp_path, "2ab7/bass/b1.wav")
    (track,) = tracks_of("moisesdb", tmp_path)
    assert (track.name, labels(track), track.notes) == ("2ab7", ["bass guitar"], ("not on disk: bass/b2.wav",))


def test_rockband_takes_a_song_only_with_a_separate_stem(tmp_path):
    put(tmp_path / "only song", "song.ogg", "preview.ogg")
    put(tmp_path / "only guitar", "guitar.ogg", "crowd.ogg", "song.ini")
    put(tmp_path / "both backings", "both backings.mp3", "song.ogg")
    put(tmp_path / "loud", "GUITAR.opus", "Song.opus")
    (track,) = tracks_of("rockband", tmp_path)
    assert [(stem.name, stem.label) for stem in track.stems] == [("GUITAR.opus", "guitar"), ("Song.opus", "backing")]
    assert tracks_of("rockband", tmp_path / "loud") == [track]


def test_rockband_takes_songs_of_free_names(tmp_path):
    put(tmp_path, "a song.mp3", "another song.mp3")
    names = ["01 - Kick Drum.ogg", "Bass Man (Guitar).ogg", "Bass Man.flac", "Bass Mandolin.ogg", "preivew.ogg"]
    put(tmp_path / "b/Bass Man", *names)
    (track,) = tracks_of("rockband", tmp_path)
    assert labels(track) == ["Kick Drum", "Guitar", "mix", "Bass Mandolin", "preivew"]
    assert [stem.group for stem in track.stems] == [None, None, "mix", None, "excluded"]


@pytest.mark.parametrize("name", ["cambridge", "folders"])
def test_names_that_are_shared_get_their_folders(name, tmp_path):
    put(tmp_path / "T", "T/01_Kick.wav", "T/01_Snare.wav", "T/Kit 2/01_Kick.wav")
    (track,) = tracks_of(name, tmp_path)
    found = {stem.name: stem.path.relative_to(tmp_path).as_posix() for stem in track.stems}
    assert found == {
        "01_Snare.wav": "T/T/01_Snare.wav",
        "T/01_Kick.wav": "T/T/01_Kick.wav",
        "T/Kit 2/01_Kick.wav": "T/T/Kit 2/01_Kick.wav",
    }


def test_folders_read_the_organised_layout(tmp_path):
    put(tmp_path / "T", *(f"{group}/{n}.wav" for group in GROUPS for n in "12"), ".track.json", "guitar_checked")
    (track,) = tracks_of("folders", tmp_path)
    assert {stem.path.parent.name: stem.label for stem in track.stems} == {group: group for group in GROUPS}
    assert {stem.group for stem in track.stems if stem.group} == {"mix", "excluded"}


def test_musdb_streams_are_what_their_labels_say(tmp_path):
    time = np.arange(8820) / 44100
    tones = {"mixture": 300, "drums": 600, "bass": 900, "other": 1200, "vocals": 1500}
    sounds = [np.sin(2 * np.pi * hertz * time)[:, None].astype(np.float32) for hertz in tones.values()]
    write_av(tmp_path / "Otters - Creek.stem.mp4", sounds, container="mp4")
    (track,) = tracks_of("musdb", tmp_path)
    for stem in track.stems:
        sound, rate = read(stem.path, stream=stem.stream)
        peak = np.abs(np.fft.rfft(sound[:, 0])).argmax() * rate / len(sound)
        assert peak == pytest.approx(tones[stem.label], abs=20)


@pytest.mark.parametrize(
    ("name", "folder"), [("musdb", "train/Otters - Creek"), ("dsd100", "Sources/Test/001 - Otters - Creek")]
)
def test_musdb_and_dsd100_note_missing_parts(name, folder, tmp_path):
    put(tmp_path / folder, "drums.wav", "vocals.wav", "bass.wav", "vocals.txt")
    (track,) = tracks_of(name, tmp_path)
    assert labels(track) == ["drums", "bass", "vocals"]
    assert track.notes == ("not on disk: other.wav",)
