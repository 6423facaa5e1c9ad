"""Marks: files in the tracks' folders, marks_<group>.yaml, and the command that shows and changes them."""

import pytest

from datasets_tools.label import main
from datasets_tools.labelling.marks import (
    DISQUALIFYING,
    MARKS,
    apply_marks,
    clear_marks,
    marks_of,
    read_marks,
    set_marks,
    write_marks,
)

# As the thesis published them: all eight, in alphabetical order.
PUBLISHED = """\
AClassicEducation_NightOwl:
  audible: true
  bad_quality: false
  bleed: false
  checked: true
  detailed: false
  inaudible: false
  mislabeled: false
  missing: false
Béla - 'Song':
  audible: false
  bad_quality: false
  bleed: true
  checked: true
  detailed: true
  inaudible: false
  mislabeled: false
  missing: false
"""


@pytest.fixture
def organised(tmp_path):
    """Four tracks, three of them with guitar; the sounds are never read."""
    root = tmp_path / "organised"
    for stem in ("A/guitar/a.wav", "A/bass/a.wav", "B/guitar/b.wav", "C/piano/c.wav", "D_D/guitar/d.wav"):
        path = root / stem
        path.parent.mkdir(parents=True)
        path.write_bytes(b"sound")
    return root


def label(root, *arguments):
    return main([str(root), "--instrument", "guitar", *map(str, arguments)])


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_a_mark_is_an_empty_file_and_every_judgement_is_a_check(tmp_path):
    assert marks_of(tmp_path, "guitar") == frozenset()
    set_marks(tmp_path, "guitar", ["bleed"])
    assert files(tmp_path) == ["guitar_bleed", "guitar_checked"]
    assert (tmp_path / "guitar_bleed").read_bytes() == b""
    assert marks_of(tmp_path, "guitar") == {"bleed", "checked"}
    assert marks_of(tmp_path, "piano") == frozenset()
    clear_marks(tmp_path, "guitar", ["bleed", "missing"])
    assert marks_of(tmp_path, "guitar") == {"checked"}
    set_marks(tmp_path, "guitar", [])
    assert files(tmp_path) == ["guitar_checked"]


def test_groups_whose_names_overlap_keep_their_own_marks(tmp_path):
    set_marks(tmp_path, "distorted_guitar", ["bleed"])
    assert marks_of(tmp_path, "guitar") == frozenset()


@pytest.mark.parametrize("change", [set_marks, clear_marks])
def test_an_unknown_mark_changes_nothing(tmp_path, change):
    with pytest.raises(ValueError, match="no mark is called 'blead'; did you mean bleed?"):
        change(tmp_path, "guitar", ["audible", "blead"])
    assert files(tmp_path) == []


def test_what_disqualifies_is_what_makes_a_stem_unfit():
    assert set(MARKS) - DISQUALIFYING == {"audible", "detailed", "checked"}


def test_a_file_is_read_as_published_and_written_the_same(tmp_path):
    (tmp_path / "marks.yaml").write_text(PUBLISHED, encoding="utf-8")
    marks = read_marks(tmp_path / "marks.yaml")
    assert marks == {
        "AClassicEducation_NightOwl": {"audible", "checked"},
        "Béla - 'Song'": {"bleed", "checked", "detailed"},
    }
    write_marks(tmp_path / "again.yaml", dict(reversed(marks.items())))
    assert (tmp_path / "again.yaml").read_text(encoding="utf-8") == PUBLISHED


def test_names_that_yaml_takes_for_something_else_come_back(tmp_path):
    marks = {name: frozenset({"checked"}) for name in ("1979", "No", "2020-01-01", "null", "a: b", "~", "1e3", "0x1F")}
    marks |= {name: frozenset({"checked"}) for name in ("007", "4:33", "1_000", "1.10", "b\udcff", "0o17", "=", "<<")}
    write_marks(tmp_path / "marks.yaml", marks)
    assert read_marks(tmp_path / "marks.yaml") == marks
    for name in ("1979", "No", "007", "4:33", "1_000", "1.10", "2024-01-01", "null", "1e3", "="):
        (tmp_path / "plain.yaml").write_text(PUBLISHED.replace("AClassicEducation_NightOwl", name), encoding="utf-8")
        assert name in read_marks(tmp_path / "plain.yaml")


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("bleed: true", "bleed: maybe", "Béla - 'Song': bleed: must be true or false, not 'maybe'"),
        ("bleed: true", "bleed: 1", "Béla - 'Song': bleed: must be true or false, not '1'"),
        ("bleed: true", "blead: true", "Béla - 'Song': no mark is called 'blead'; did you mean bleed?"),
        ("  bleed: true\n", "", "Béla - 'Song': the field bleed is missing"),
        ("AClassicEducation_NightOwl", "~", "None: a track's name must be text; put it in quotes"),
        (PUBLISHED, "- A\n- B\n", "must list track names, each with its marks"),
        (PUBLISHED, "", "must list track names, each with its marks"),
        (PUBLISHED, "A: [bleed]\n", "A: must have the fields audible, bad_quality, bleed"),
        (PUBLISHED, "A: {bleed\n", "cannot be read as YAML"),
    ],
)
def test_a_wrong_file_is_told_by_track_and_field(tmp_path, organised, capsys, old, new, told):
    path = tmp_path / "marks.yaml"
    path.write_text(PUBLISHED.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError) as error:
        read_marks(path)
    assert f"{path}: {told}" in str(error.value) and "\n" not in str(error.value)
    assert label(organised, "--read", path) == 2
    assert capsys.readouterr().err == f"splitstrument: {error.value}\n"


def test_a_file_is_applied_exactly(organised):
    set_marks(organised / "A", "guitar", ["bleed"])
    set_marks(organised / "B", "guitar", ["missing"])
    set_marks(organised / "A", "bass", ["missing"])
    marks = {"A": frozenset({"audible"}), "D/D": frozenset({"checked"}), "E": frozenset()}
    applied = apply_marks(marks, organised.iterdir(), "guitar")
    assert {folder.name for folder in applied.changed} == {"A", "D_D"}
    assert applied.unknown == ("E",)
    assert set(applied.unnamed) == {"B", "C"}
    assert marks_of(organised / "A", "guitar") == {"audible"}
    assert marks_of(organised / "A", "bass") == {"missing", "checked"}
    assert marks_of(organised / "B", "guitar") == {"missing", "checked"}
    assert marks_of(organised / "D_D", "guitar") == {"checked"}
    assert apply_marks(marks, organised.iterdir(), "guitar").changed == ()


def test_the_command_shows_sets_and_clears(organised, capsys):
    assert label(organised, "--tracks", "A", "D/D", "--set", "bleed", "audible") == 0
    assert label(organised, "--tracks", "A", "--clear", "bleed") == 0
    capsys.readouterr()
    assert label(organised) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:5]] == [
        ["A", "audible checked"],
        ["B", ""],
        ["D_D", "bleed audible checked"],
    ]
    assert "1 bleed" in lines[5] and "2 audible" in lines[5] and "0 missing" in lines[5]
    assert lines[6].startswith("tracks: 3, 2 without ")
    assert marks_of(organised / "B", "guitar") == frozenset()


def test_the_command_writes_and_reads_files(tmp_path, organised, capsys):
    set_marks(organised / "A", "guitar", ["bleed"])
    path = tmp_path / "marks_guitar.yaml"
    assert label(organised, "--write", path) == 0
    assert read_marks(path) == {"A": {"bleed", "checked"}}
    marks = {"A": {"checked"}, "B": {"mislabeled", "checked"}, "X": {"missing"}}
    write_marks(path, marks)
    capsys.readouterr()
    assert label(organised, "--read", path) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["no such track: X", f"not in {path}: D_D"]
    assert told[2] == f"{path}: 2 tracks, 2 changed, 1 unknown"
    assert marks_of(organised / "A", "guitar") == {"checked"}
    assert marks_of(organised / "B", "guitar") == {"mislabeled", "checked"}


def test_only_the_tracks_named_get_what_a_file_says(tmp_path, organised, capsys):
    write_marks(tmp_path / "marks.yaml", {"A": {"bleed"}, "B": {"bleed"}})
    assert label(organised, "--read", tmp_path / "marks.yaml", "--tracks", "B") == 0
    assert "no such track" not in capsys.readouterr().out
    assert marks_of(organised / "A", "guitar") == frozenset()
    assert marks_of(organised / "B", "guitar") == {"bleed"}


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--tracks", "A", "--set", "blead"], "no mark is called 'blead'; did you mean bleed?"),
        (["--tracks", "D_E", "--set", "bleed"], "no track is called 'D_E'; did you mean D_D?"),
        (["--tracks", "C", "--set", "bleed"], "C: has no guitar stems, only piano"),
        (["--set", "bleed"], "--set and --clear need --tracks"),
        (["--tracks", "A", "--set", "bleed", "--clear", "bleed"], "--set and --clear cannot both contain bleed"),
        (["--csv", "x.csv"], "--csv needs --hints"),
        (["--hints", "--write", "x.yaml"], "--hints cannot be combined with --set"),
        (["--read", "nowhere.yaml"], "nowhere.yaml: cannot be opened: no such file or directory"),
        (["--instrument", "guittar"], "no group is called 'guittar'; did you mean guitar?"),
        (["--instrument", "mix"], "no group is called 'mix'"),
        (["--instrument", "vocals"], "no track has vocals stems"),
    ],
)
def test_wrong_use_is_one_line_and_changes_nothing(organised, capsys, arguments, told):
    assert label(organised, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("splitstrument: " + told) and error.count("\n") == 1
    assert not [name for track in organised.iterdir() for name in files(track)]


def test_a_folder_without_tracks_is_told(tmp_path, capsys):
    assert label(tmp_path / "nowhere") == 2
    assert "no tracks" in capsys.readouterr().err
