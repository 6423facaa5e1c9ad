"""Which tracks a run trains on and holds out: numbers, ratios and order as in the thesis; pairs that are not fit."""

import hashlib
import random
from fractions import Fraction

import numpy as np
import pytest
import soundfile

from splitstrument.tracks import TrackError
from training.config import Collection, Run
from training.selection import counts, select

RATE = 8000
WINDOW = 400
# The MD5 of these names begin with 0c, 25, 36, 4a, 82, 86, 8f, 92, b2 and e1.
IN_ORDER = "ahjcdifbge"


def write(folder, part, samples=800, rate=RATE, subtype="PCM_16", channels=1):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{part}_{folder.name}.wav"
    soundfile.write(path, np.zeros((samples, channels)), rate, subtype)
    return path


def pair(folder, **sound):
    for part in ("instrument", "rest"):
        write(folder, part, **sound)
    return folder


def pairs(root, names, **sound):
    for name in names:
        pair(root / name, **sound)
    return root


def run(*collections, **fields):
    collections = collections or (Collection("songs"),)
    fields = {"instrument": "guitar"} | fields
    return Run(name="songs", collections=collections, network="hourglass", sample_rate=RATE, **fields)


def chosen(root, *collections, **fields):
    """The names of the tracks that are trained on and of those that are held out."""
    selection = select(run(*collections, **fields), root, WINDOW)
    return tuple("".join(track.name for track in part) for part in (selection.training, selection.validation))


def refusal(root, *collections, **fields):
    with pytest.raises(TrackError) as caught:
        select(run(*collections, **fields), root, WINDOW)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "ratios", "limit", "expected"),
    [
        ((131, 68), (3, 1), 175, [131, 43]),  # thesis, tables 4, 5 and 9
        ((592, 68), (3, 1), 175, [131, 43]),
        ((131, 80), (3, 1), 175, [131, 43]),
        ((123, 68), (3, 1), 175, [123, 43]),  # table 10
        ((123, 80), (3, 1), 175, [123, 43]),
        ((123, 80), (3, 1), 190, [123, 47]),  # table 11
        ((80, 123), (1, 3), 190, [47, 123]),
        ((123, 80), (3, 1), 0, [123, 80]),
        ((300, 20), (3, 1), 0, [60, 20]),
        ((300, 20), (3, 1), 1000, [60, 20]),
        ((593,), (1,), 131, [131]),
        ((593,), (1,), 0, [593]),
        ((593,), (1,), 700, [593]),
        ((593,), (0.25,), 131, [131]),
        ((593,), (None,), 131, [131]),
        ((593,), (None,), 0, [593]),
        ((10, 30), (None, None), 0, [10, 30]),
        ((10, 30), (None, None), 20, [5, 15]),
        ((10, 30), (None, None), 100, [10, 30]),
        ((10, 30), (0.5, 0.5), 0, [10, 10]),
        ((100, 100, 100), (1, 2, 7), 50, [5, 10, 35]),
        ((100, 100, 100), (0.1, 0.2, 0.7), 50, [5, 10, 35]),
    ],
)
def test_counts(sizes, ratios, limit, expected):
    assert counts(list(sizes), list(ratios), limit) == expected


def test_counts_are_those_of_exact_arithmetic():
    choose = random.Random(0)
    for _ in range(2000):
        number = choose.randint(1, 3)
        sizes = choose.sample(range(1, 700), number)
        ratios = [choose.randint(1, 9) for _ in sizes]
        limit = choose.choice([0, choose.randint(1, 700)])
        smallest = sizes.index(min(sizes))
        whole = Fraction(sum(ratios) * sizes[smallest], ratios[smallest])
        whole = min(whole, limit) if limit else whole
        shares = [min(size, int(whole * ratio / sum(ratios))) for size, ratio in zip(sizes, ratios, strict=True)]
        assert counts(sizes, ratios, limit) == shares
        assert counts(sizes, [ratio / 10 for ratio in ratios], limit) == shares


def test_tracks_stand_in_the_order_of_their_names_md5_and_the_first_fifth_is_held_out(tmp_path):
    digests = [hashlib.md5(name.encode()).hexdigest() for name in IN_ORDER]
    assert digests == sorted(digests)
    pairs(tmp_path / "songs", sorted(IN_ORDER))
    assert chosen(tmp_path) == (IN_ORDER[2:], IN_ORDER[:2])
    assert chosen(tmp_path, validation_ratio=0.5) == (IN_ORDER[5:], IN_ORDER[:5])
    assert chosen(tmp_path, validation_ratio=0.01) == (IN_ORDER[1:], IN_ORDER[:1])
    assert chosen(tmp_path, limit=6) == (IN_ORDER[1:6], IN_ORDER[:1])


def test_the_order_does_not_depend_on_where_tracks_lie(tmp_path):
    for number, name in enumerate(IN_ORDER):
        pair(tmp_path / "songs" / str(9 - number) / name)
    assert chosen(tmp_path) == (IN_ORDER[2:], IN_ORDER[:2])


@pytest.mark.parametrize(("number", "held"), [(2, 1), (4, 1), (5, 1), (9, 1), (10, 2)])
def test_a_fifth_is_rounded_down_but_one_at_least(tmp_path, number, held):
    pairs(tmp_path / "songs", IN_ORDER[:number])
    assert chosen(tmp_path) == (IN_ORDER[held:number], IN_ORDER[:held])


def test_one_track_cannot_be_held_out(tmp_path):
    pairs(tmp_path / "songs", "a")
    assert refusal(tmp_path).startswith("no track is left for validation")


def test_every_collection_gives_its_share_and_holds_out_the_first_fifth_of_it(tmp_path):
    pairs(tmp_path / "songs", IN_ORDER)
    pairs(tmp_path / "pure", "ahj")
    collections = Collection("songs", ratio=3), Collection("pure", ratio=1)
    assert chosen(tmp_path, *collections) == (IN_ORDER[1:9] + "hj", "aa")
    assert chosen(tmp_path, *collections, limit=8) == (IN_ORDER[1:6] + "h", "aa")
    two = Collection("pure"), Collection("songs", validation=("a", "c"))
    assert chosen(tmp_path, *two) == ("hj" + "hjdifbge", "a" + "ac")
    pairs(tmp_path / "more", "cdi")
    collections = Collection("songs", ratio=1), Collection("more", ratio=3)
    assert chosen(tmp_path, *collections) == ("adi", "c")


def test_weights_are_shared_by_the_tracks_of_a_collection(tmp_path):
    pairs(tmp_path / "songs", IN_ORDER)
    pairs(tmp_path / "pure", "abc")
    wanted = run(Collection("songs", weight=4), Collection("pure", weight=3))
    weights = [track.weight for track in select(wanted, tmp_path, WINDOW).training]
    assert weights == [0.5] * 8 + [1.5] * 2


@pytest.mark.parametrize(
    ("prefixes", "held"),
    [(("b",), ["b1", "b2"]), (("b1", "c"), ["b1", "c"]), (("a song", "b2"), ["a song", "b2"]), (("c", "c"), ["c"])],
)
def test_named_tracks_are_held_out(tmp_path, prefixes, held):
    names = ["b1", "b2", "c", "a song", "ab", "abc"]
    pairs(tmp_path / "songs", names)
    selection = select(run(Collection("songs", validation=prefixes)), tmp_path, WINDOW)
    assert sorted(track.name for track in selection.validation) == held
    assert sorted(track.name for track in selection.training) == sorted(set(names) - set(held))


def test_names_and_the_first_fifth_may_be_mixed(tmp_path):
    pairs(tmp_path / "songs", IN_ORDER)
    pairs(tmp_path / "pure", "xyz")
    collections = Collection("songs"), Collection("pure", validation=("z", "y"))
    training, held_out = chosen(tmp_path, *collections)
    assert (training, sorted(held_out)) == (IN_ORDER[2:] + "x", sorted(IN_ORDER[:2] + "zy"))
    training, held_out = chosen(tmp_path, collections[0], Collection("pure", validation=()))
    assert (sorted(training), held_out) == (sorted(IN_ORDER[2:] + "xyz"), IN_ORDER[:2])


def test_names_that_nothing_has_and_names_that_all_have(tmp_path):
    pairs(tmp_path / "songs", ["ab", "ac", "ad"])
    said = refusal(tmp_path, Collection("songs", validation=("ab", "B")))
    assert said == "songs: validation: none of the selected tracks has a name that starts with 'B'"
    assert refusal(tmp_path, Collection("songs", validation=("a",))).startswith("no track is left for training")


def test_the_selection_knows_files_and_lengths(tmp_path):
    pairs(tmp_path / "songs", "abc", samples=900, channels=2)
    for track in select(run(), tmp_path, WINDOW).training:
        (instrument,), (rest,) = track.parts
        assert track.samples == rest.samples == 900
        assert (track.rate, instrument.channels, rest.dtype) == (RATE, 2, "<i2")
        assert rest.path == tmp_path / f"songs/{track.name}/rest_{track.name}.wav"


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_samples_of_every_depth_are_read(tmp_path, subtype, container):
    sound = np.random.default_rng(0).uniform(-1, 1, (900, 2))
    for part in ("instrument", "rest"):
        path = write(tmp_path / "songs/a", part, 900)
        soundfile.write(path, sound, RATE, subtype, format=container)
    pairs(tmp_path / "songs", "b", samples=900, channels=2)
    tracks = select(run(), tmp_path, WINDOW)
    (track,) = (track for track in (*tracks.training, *tracks.validation) if track.name == "a")
    (wave,), _ = track.parts
    expected, _ = soundfile.read(path, dtype="float32")
    assert wave.samples == 900
    assert np.array_equal(wave.read(100, 300), expected[100:400])


def lacks(part):
    return lambda folder: (folder / f"{part}_{folder.name}.wav").unlink()


def holds(part, content):
    return lambda folder: (folder / f"{part}_{folder.name}.wav").write_bytes(content)


def cut_in_two(folder):
    path = folder / f"rest_{folder.name}.wav"
    path.write_bytes(path.read_bytes()[:800])


FAULTS = {
    "lacks its rest": (lacks("rest"), "{0}: rest_b.wav is missing; only the other half exists"),
    "lacks its instrument": (lacks("instrument"), "{0}: instrument_b.wav is missing; only the other half exists"),
    "two rates": (
        lambda folder: write(folder, "rest", rate=16000),
        "{0}: the instrument has 8000 Hz, the rest 16000",
    ),
    "another rate": (lambda folder: pair(folder, rate=16000), "{0}: has 16000 Hz, the run 8000; see splitstrument mix"),
    "two lengths": (
        lambda folder: write(folder, "rest", samples=1801),
        "{0}: the instrument has 800 samples, the rest 1,801",
    ),
    "empty": (holds("rest", b""), "{0}/rest_b.wav: cannot be opened as a WAV file"),
    "text": (holds("instrument", b"no sound at all"), "{0}/instrument_b.wav: cannot be opened as a WAV file"),
    "compressed": (lambda folder: write(folder, "rest", subtype="ULAW"), "{0}/rest_b.wav: cannot be opened as a WAV"),
    "cut": (cut_in_two, "{0}/rest_b.wav: cannot be opened as a WAV file (it is cut)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_pair_that_is_not_fit_is_named(tmp_path, fault):
    break_it, says = FAULTS[fault]
    break_it(pairs(tmp_path / "songs", "abc") / "b")
    said = refusal(tmp_path)
    assert said.startswith(says.format(tmp_path / "songs/b"))
    assert str(tmp_path / "songs/a") not in said
    assert str(tmp_path / "songs/c") not in said


def test_all_that_is_not_fit_is_said_at_once(tmp_path):
    pairs(tmp_path / "songs", "abcde")
    write(tmp_path / "songs/a", "rest", rate=16000)
    write(tmp_path / "songs/c", "rest", samples=801)
    (tmp_path / "songs/e/rest_e.wav").unlink()
    pairs(tmp_path / "pure", "xy", samples=10)
    write(tmp_path / "pure/x", "instrument", rate=16000)
    said = refusal(tmp_path, Collection("songs"), Collection("pure")).split("; ")
    for name in ("songs/a: the instrument has", "songs/c: the instrument has", "songs/e: rest_e.wav", "pure/x: the"):
        assert sum(part.startswith(f"{tmp_path}/{name}") for part in said) == 1
    assert "songs/b" not in str(said)


def test_of_many_that_are_not_fit_eight_are_named(tmp_path):
    pairs(tmp_path / "songs", IN_ORDER, rate=16000)
    said = refusal(tmp_path)
    assert said.count("has 16000 Hz") == 8
    assert said.endswith("; and 2 more")
    assert refusal(tmp_path / "songs").count("has 16000 Hz") == 8
    for name in IN_ORDER[:2]:
        pair(tmp_path / "songs" / name)
    said = refusal(tmp_path)
    assert said.count("has 16000 Hz") == 8
    assert "more" not in said


def test_a_short_track_is_left_out_and_said(tmp_path):
    pairs(tmp_path / "songs", "abc", samples=WINDOW)
    pair(tmp_path / "songs" / "short", samples=WINDOW - 1)
    pair(tmp_path / "songs" / "h", samples=40)
    selection = select(run(), tmp_path, WINDOW)
    assert {track.name for track in selection.training + selection.validation} == set("abc")
    said = sorted(selection.left_out)
    assert len(said) == 2
    assert said[0].startswith(f"{tmp_path}/songs/h: skipped, since it is shorter than a window")
    assert said[0].endswith("(0.01 s of 0.05 s)")  # 40 and 400 samples at 8 kHz
    assert said[1].startswith(f"{tmp_path}/songs/short: skipped")


def test_short_tracks_do_not_count(tmp_path):
    pairs(tmp_path / "songs", IN_ORDER)
    pair(tmp_path / "songs/a", samples=9)
    assert chosen(tmp_path, limit=5) == (IN_ORDER[2:6], IN_ORDER[1])


def test_all_too_short_is_an_error(tmp_path):
    pairs(tmp_path / "songs", "abc", samples=WINDOW - 1)
    assert refusal(tmp_path) == f"{tmp_path}/songs: all tracks are shorter than a window of 0.05 s"
    pairs(tmp_path / "pure", "abc")
    said = refusal(tmp_path, Collection("pure"), Collection("songs"))
    assert said.startswith(f"{tmp_path}/songs: all tracks are shorter")


def test_no_such_folder_and_no_pairs(tmp_path):
    assert refusal(tmp_path / "nowhere").startswith(f"{tmp_path}/nowhere: no such folder; use --pairs")
    pairs(tmp_path / "songs", "abc")
    said = refusal(tmp_path, Collection("songs"), Collection("pure"))
    assert said.startswith(f"{tmp_path}/pure: no such folder")
    (tmp_path / "pure/x").mkdir(parents=True)
    assert refusal(tmp_path, Collection("pure")).startswith(f"{tmp_path}/pure: no tracks below")


def test_of_several_rates_the_one_of_the_run_is_taken(tmp_path):
    for rate in (RATE, 16000):
        pairs(tmp_path / f"songs/tracks_{rate}hz", "abc", rate=rate)
    selection = select(run(), tmp_path, WINDOW)
    assert {track.track.folder.parent for track in selection.training} == {tmp_path / f"songs/tracks_{RATE}hz"}
    assert len(selection.training + selection.validation) == 3


def test_tracks_of_other_rates_anywhere_below_are_left_out_and_said(tmp_path):
    pairs(tmp_path / "songs/mixed/low", "abc")
    pairs(tmp_path / "songs/mixed/high", "abcd", rate=16000)
    selection = select(run(), tmp_path, WINDOW)
    assert {track.name for track in selection.training + selection.validation} == set("abc")
    assert selection.left_out == (f"{tmp_path}/songs: the tracks at {RATE} Hz are used, those at 16000 Hz are not",)


def test_one_track_in_two_folders_names_both(tmp_path):
    pairs(tmp_path / "data/pairs", "abc")
    pairs(tmp_path / "data/cut", "bcd")
    said = refusal(tmp_path / "data")
    assert "data/cut/c and " in said and said.endswith(f"{tmp_path}/data/cut or {tmp_path}/data/pairs"), said


def test_a_single_collection_may_be_the_folder_of_pairs_itself(tmp_path):
    pairs(tmp_path / "here", "abc")
    assert len("".join(chosen(tmp_path / "here"))) == 3
    pairs(tmp_path / f"there/tracks_{RATE}hz", "abcd")
    pairs(tmp_path / "there/tracks_16000hz", "abcd", rate=16000)
    assert len("".join(chosen(tmp_path / "there"))) == 4
    assert refusal(tmp_path / "here", Collection("songs"), Collection("pure")).endswith("folder of the collections")
    pairs(tmp_path / "here/songs", "xy")
    assert sorted("".join(chosen(tmp_path / "here"))) == ["x", "y"]


def test_paths_of_collections_may_be_absolute_and_of_several_parts(tmp_path):
    pairs(tmp_path / "all/of/them", "abc")
    assert len("".join(chosen(tmp_path, Collection("all/of/them")))) == 3
    assert len("".join(chosen("/nowhere", Collection(str(tmp_path / "all/of/them"))))) == 3


@pytest.mark.parametrize(
    "content", [b"RIFF", b"RIFF\x24\0\0\0WAVEfmt ", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0"], ids=len
)
def test_a_cut_header_names_its_file(tmp_path, content):
    pairs(tmp_path / "songs", "abc")
    (tmp_path / "songs/b/rest_b.wav").write_bytes(content)
    assert refusal(tmp_path).startswith(f"{tmp_path}/songs/b/rest_b.wav: ")


def test_a_file_without_samples_is_named(tmp_path):
    pairs(tmp_path / "songs", "abc")
    soundfile.write(tmp_path / "songs/b/rest_b.wav", np.zeros((0, 1)), 8000)
    assert f"{tmp_path}/songs/b/rest_b.wav: holds no samples" in refusal(tmp_path)


def test_a_track_on_both_sides_is_refused(tmp_path):
    pairs(tmp_path / "songs", "abcdefghij")
    pairs(tmp_path / "others", "bcdefghijk")
    assert "for training in one collection" in refusal(tmp_path, Collection("songs"), Collection("others"))


def named(root, name, *parts, **sound):
    for part in parts:
        write(root / name, part, **sound)


def parts_of(selection):
    """{track: for each part of a batch the names of what adds up to it}."""
    return {
        track.name: [[wave.path.stem.removesuffix(f"_{track.name}") for wave in waves] for waves in track.parts]
        for track in (*selection.training, *selection.validation)
    }


def several(*sources, **fields):
    return run(instrument=None, sources=sources, **fields)


def test_one_instrument_is_taken_from_pairs_and_from_tracks_that_name_it(tmp_path):
    pairs(tmp_path / "songs", "ab")
    named(tmp_path / "songs", "c", "bass", "drums", "guitar")
    named(tmp_path / "songs", "d", "bass", "drums")
    assert parts_of(select(run(), tmp_path, WINDOW)) == {
        "a": [["instrument"], ["rest"]],
        "b": [["instrument"], ["rest"]],
        "c": [["guitar"], ["bass", "drums"]],
        "d": [[], ["bass", "drums"]],
    }


def test_sources_stand_in_their_order_and_one_that_is_not_there_is_silent(tmp_path):
    named(tmp_path / "songs", "a", "bass", "drums", "guitar", "piano", "rest")
    named(tmp_path / "songs", "b", "guitar", "piano")
    named(tmp_path / "songs", "c", "drums", "piano", "vocals")
    assert parts_of(select(several("piano", "guitar"), tmp_path, WINDOW)) == {
        "a": [["piano"], ["guitar"], ["bass", "drums", "rest"]],
        "b": [["piano"], ["guitar"], []],
        "c": [["piano"], [], ["drums", "vocals"]],
    }


def test_the_last_of_sources_that_are_the_whole_song_is_all_that_the_others_are_not(tmp_path):
    named(tmp_path / "songs", "a", "drums", "other")
    named(tmp_path / "songs", "b", "bass", "drums", "vocals", "other")
    assert parts_of(select(several("vocals", "drums", "other", whole=True), tmp_path, WINDOW)) == {
        "a": [[], ["drums"], ["other"]],
        "b": [["vocals"], ["drums"], ["bass", "other"]],
    }


def test_songs_of_four_stems_are_tracks(tmp_path):
    for name in "ab":
        for stem in ("drums", "bass", "other", "vocals"):
            (tmp_path / "songs" / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "songs" / name / f"{stem}.wav", np.zeros((800, 1)), RATE)
    selection = select(several("vocals", "bass"), tmp_path, WINDOW)
    assert [[wave.path.stem for wave in waves] for waves in selection.training[0].parts] == [
        ["vocals"],
        ["bass"],
        ["drums", "other"],
    ]


def test_pairs_do_not_tell_several_sources_apart(tmp_path):
    named(tmp_path / "songs", "a", "guitar", "piano")
    pairs(tmp_path / "songs", "bc")
    with pytest.raises(TrackError) as caught:
        select(several("guitar", "piano"), tmp_path, WINDOW)
    said = str(caught.value)
    assert (
        f"{tmp_path}/songs/b: is a pair of instrument and rest; a run of several sources needs tracks of named" in said
    )
    assert "songs/a" not in said
    assert "\n" not in said


def test_a_source_that_is_nowhere_is_an_error(tmp_path):
    for name in "abc":
        named(tmp_path / "songs", name, "guitar", "drums")
    with pytest.raises(TrackError) as caught:
        select(several("guitar", "paino"), tmp_path, WINDOW)
    assert str(caught.value) == (
        f"{tmp_path}/songs: no training track has a part paino; their parts are: drums, guitar; "
        "change the run's sources, or mix tracks with it (splitstrument mix --parts)"
    )


def test_a_source_that_some_tracks_lack_is_said(tmp_path):
    for name in "ab":
        named(tmp_path / "songs", name, "guitar", "drums")
    named(tmp_path / "songs", "c", "drums", "gitar")
    selection = select(several("drums", "guitar"), tmp_path, WINDOW)
    assert selection.left_out == (f"guitar: is silent in 1 of 3 tracks, which have no such part: {tmp_path}/songs/c",)


def test_songs_of_four_stems_stand_in_the_same_order(tmp_path):
    for name in sorted(IN_ORDER):
        for stem in ("drums", "bass", "other", "vocals"):
            (tmp_path / "songs" / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "songs" / name / f"{stem}.wav", np.zeros((800, 1)), RATE)
    assert chosen(tmp_path, instrument="vocals") == (IN_ORDER[2:], IN_ORDER[:2])


def test_a_song_that_lacks_a_stem_is_named(tmp_path):
    for name in "abc":
        for stem in ("drums", "bass", "vocals") + ("other",) * (name != "b"):
            (tmp_path / "songs" / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "songs" / name / f"{stem}.wav", np.zeros((800, 1)), RATE)
    assert refusal(tmp_path, instrument="vocals") == (
        f"{tmp_path}/songs/b: other.wav is missing; the other parts exist; restore it, or remove the track"
    )


def test_named_parts_that_are_not_fit_are_named(tmp_path):
    for name in "abc":
        named(tmp_path / "songs", name, "bass", "drums", "guitar")
    write(tmp_path / "songs/b", "drums", samples=801)
    write(tmp_path / "songs/c", "guitar", rate=16000)
    said = refusal(tmp_path)
    assert f"{tmp_path}/songs/b: the bass has 800 samples, the drums 801" in said
    assert f"{tmp_path}/songs/c: the bass has 8000 Hz, the guitar 16000" in said
