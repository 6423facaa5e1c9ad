"""tracks.yaml: the thesis's form and ours, bad ones, names of files."""

import pytest

from datasets_tools.tracks import Stem, Track, load, save
from splitstrument.files.atomic import SUFFIX
from splitstrument.files.names import file_name

# As the thesis's published lists are written: escapes, long paths on two lines, names that YAML could take for others.
THESIS = r"""
- instruments:
  - guitar
  - other
  name: "Mot\xF6rhead - (We Are) The Road Crew"
  stems:
    guitar.ogg:
      instrument: guitar
      path: "/data/rockband/m/Mot\xF6rhead - (We Are) The Road Crew/guitar.ogg"
    song.ogg:
      instrument: mix
      path: /data/rockband/m/Another quite long name of a folder that YAML writes
        on two lines/song.ogg
- instruments:
  - piano
  name: 1979
  stems:
    07_Piano1.wav:
      instrument: piano
      path: sub/07_Piano1.wav
"""


def test_the_thesiss_form_loads(tmp_path):
    path = tmp_path / "tracks.yaml"
    path.write_text(THESIS, encoding="utf-8")
    first, second = load(path)
    assert first.name == "Motörhead - (We Are) The Road Crew"
    assert first.groups == ["guitar", "mix"]
    assert str(first.stems[1].path).endswith("that YAML writes on two lines/song.ogg")
    assert second.name == "1979"
    assert second.stems[0].path == tmp_path / "sub" / "07_Piano1.wav"


def test_what_is_saved_loads_again(tmp_path):
    stems = (
        Stem("a b.wav", tmp_path / "ä: #1/a b.wav", "guitar", "Clean: guitar", None),
        Stem("x/a b.wav", tmp_path / ("n" * 300) / "a b.wav", "other", "", 2),
    )
    tracks = [Track("yes", stems, "musdb"), Track("- [1]", stems[:1], "")]
    save(tmp_path / "tracks.yaml", tracks)
    assert load(tmp_path / "tracks.yaml") == tracks


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- name: [", "cannot be read as YAML"),
        ("name: x", "must be a list of tracks"),
        ("- x", "track 1: must have the fields"),
        ("- stems: {}", "track 1: the field name is missing"),
        ("- name: a", r"track 1 \(a\): the field stems must name"),
        ("- {name: a, stems: {s: 1}}", r"track 1 \(a\), stem s: must have the fields"),
        ("- {name: a, stems: {s: {path: x}}}", "stem s: the field instrument is missing"),
        ("- {name: a, stems: {s: {path: x, instrument: gitar}}}", "'gitar' is not a group; the groups are: guitar"),
        ("- {name: a, stems: {s: {instrument: bass}}}", "stem s: the field path is missing"),
        ("- {name: a, stems: {s: {instrument: bass, path: x, stream: two}}}", "stream: must be a number"),
        ("- {name: a, stems: {s: 1, s: 2}}", "line 1: 's' was already given in line 1"),
    ],
)
def test_a_bad_file_is_named_with_the_field(tmp_path, text, says):
    path = tmp_path / "tracks.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=says) as error:
        load(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_or_not_there(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00\x81")
    for name, says in (("x.yaml", "cannot be read as YAML"), ("y.yaml", "no such file")):
        with pytest.raises(ValueError, match=says):
            load(tmp_path / name)


def test_file_names_can_be_made_and_stay_two(tmp_path):
    names = ["AC/DC - T.N.T.", "..", ".hidden", "a\x00b\nc", "plain name (1)", "ü" * 200, "ü" * 200 + "x", "  ", "a\\b"]
    safe = [file_name(name) for name in names]
    assert len(set(safe)) == len(safe)
    for name in safe:
        assert not name.startswith(".")
        (tmp_path / name).mkdir()
        (tmp_path / name / f".instrument_{name}.wav.1234567{SUFFIX}").touch()
    assert safe[0] == "AC_DC - T.N.T."
    assert safe[4] == "plain name (1)"
    assert file_name("e\u0301") == "\u00e9"
    assert [file_name(name) for name in safe] == safe
