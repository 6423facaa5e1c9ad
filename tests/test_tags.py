"""A song's tags and cover come into its stems, in every format, and change nothing of their sound."""

import struct
import zlib

import av
import mutagen
import numpy as np
import pytest
import soundfile

from splitstrument.files import tags as tags_module
from splitstrument.files.audio import open_audio, read
from splitstrument.files.tags import Tags, read_tags
from splitstrument.files.writing import FORMATS, AudioWriter
from splitstrument.separator import Separator
from splitstrument.song_files import Output, separate_file
from tests.audio_files import song, write_av

TEXTS = {
    "title": "Für (Elise) 🎸",
    "artist": "Ann; Bob",
    "album": "The Album",
    "album_artist": "Various",
    "track": "3/12",
    "date": "1999-12-31",
    "genre": "Blues",
}


def png(size=(8, 8)):
    """A picture of noise, which has its size."""
    rows = np.random.default_rng(0).integers(0, 256, (size[1], size[0] * 3), dtype=np.uint8)
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ]
    parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


TAGS = Tags(TEXTS, png(), "image/png")


def write(path, sound, tags=None, depth="16"):
    with AudioWriter(path, 44100, sound.shape[1], depth, tags=tags) as writer:
        writer.write(sound)
    return path


def with_tags(path, texts):
    """The file with tags as FFmpeg writes them into its format."""
    plain = path.with_name(f"plain{path.suffix}")
    path.rename(plain)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        target.metadata.update(texts)
        stream = source.streams.audio[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return path


@pytest.mark.parametrize("size", [(8, 8), (300, 300)])
@pytest.mark.parametrize("format", FORMATS)
def test_files_hold_tags_and_cover_and_the_same_sound(tmp_path, format, size):
    sound, tags = song(0.5), Tags(TEXTS, png(size), "image/png")
    plain = write(tmp_path / f"plain.{format}", sound)
    tagged = write(tmp_path / f"tagged.{format}", sound, tags)
    assert read_tags(tagged) == tags
    assert read_tags(plain) == Tags() and mutagen.File(plain).get("title") is None
    again = write(tmp_path / f"again.{format}", sound, tags)
    assert format == "ogg" or again.read_bytes() == tagged.read_bytes()  # an Ogg stream has a number by chance
    for reading in (read, lambda path: soundfile.read(path, always_2d=True)):
        (expected, rate), (found, found_rate) = reading(plain), reading(tagged)
        assert rate == found_rate
        np.testing.assert_array_equal(found, expected)
    with open_audio(tagged) as reader:
        assert sum(map(len, reader.blocks(4096))) == len(expected) and reader.warning is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{name}.{format}" for name in ("again", "plain", "tagged")
    ]


@pytest.mark.parametrize("depth", ["16", "24", "float"])
@pytest.mark.parametrize("mask", [0, 0x33])
def test_the_samples_of_a_wav_are_where_they_were(tmp_path, depth, mask):
    sound = song(0.1, channels=4 if mask else 1)[:4001]
    files = []
    for tags in None, TAGS:
        with AudioWriter(tmp_path / "a.wav", 44100, sound.shape[1], depth, mask=mask, tags=tags) as writer:
            writer.write(sound)
        files.append((tmp_path / "a.wav").read_bytes())
    plain, tagged = files
    assert tagged[8 : len(plain)] == plain[8:]
    assert tagged[len(plain) + len(plain) % 2 :][:4] == b"id3 "
    assert int.from_bytes(tagged[4:8], "little") == len(tagged) - 8


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.m4a", "a.mka"])
def test_tags_are_read_from_every_format(tmp_path, name):
    texts, path = TEXTS, tmp_path / name
    if path.suffix in (".m4a", ".mka"):
        write_av(path, [song(0.3)])
    else:
        write(path, song(0.3))
    if name == "a.wav":  # LIST/INFO has fewer
        texts = {key: TEXTS[key] for key in ("title", "artist", "album", "track", "date", "genre")}
    assert dict(read_tags(with_tags(path, texts)).texts) == texts


def test_stems_have_the_songs_tags_with_the_part_in_the_title(tmp_path):
    path = write(tmp_path / "a.flac", song(0.5), TAGS)
    separator = Separator("guitar")
    for format in FORMATS:
        separate_file(separator, path, tmp_path, Output(format))
        for part in "guitar", "rest":
            found = read_tags(tmp_path / f"{part}.{format}")
            assert found == Tags(TEXTS | {"title": f"{TEXTS['title']} ({part})"}, TAGS.cover, TAGS.image)
    separate_file(separator, write(tmp_path / "b.wav", song(0.5)), tmp_path, Output())
    assert read_tags(tmp_path / "rest.wav") == Tags()
    assert b"id3 " not in (tmp_path / "rest.wav").read_bytes()


def test_a_title_is_not_made_up():
    assert Tags({"artist": "Ann"}).of_part("rest") == Tags({"artist": "Ann"})


def test_broken_tags_are_left_out(tmp_path):
    path = write(tmp_path / "a.mp3", song(0.3), TAGS)
    damaged = path.read_bytes().replace(TEXTS["title"].encode(), b"\xff" * len(TEXTS["title"].encode()))
    path.write_bytes(damaged.replace(b"\x89PNG", b"\0\0\0\0"))
    texts = {name: text for name, text in TEXTS.items() if name != "title"}
    assert read_tags(path) == Tags(texts)
    path.write_bytes(b"ID3\x04\0\0\0\0\x7f\x7f" + b"\xff" * 500)
    assert read_tags(path) == read_tags(tmp_path / "none.mp3") == Tags()


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_tags_that_cannot_be_written_do_no_harm(tmp_path, format, monkeypatch):
    sound = song(0.2)
    plain = write(tmp_path / f"plain.{format}", sound).read_bytes()
    odd = Tags({"date": "long ago", "track": "three", "title": "a"})
    assert read_tags(write(tmp_path / f"odd.{format}", sound, odd)).texts["title"] == "a"

    def fails(*_):
        raise mutagen.MutagenError("No space left on device")

    monkeypatch.setattr(tags_module.Tags, f"_write_{format}", fails)
    assert len(write(tmp_path / f"a.{format}", sound, TAGS).read_bytes()) == len(plain)
    monkeypatch.undo()
    huge = Tags({"title": "a"}, bytes(2**24), "image/png")  # more than a FLAC holds
    monkeypatch.setattr(tags_module, "_WAV_LIMIT", 2**24)  # and a WAV
    assert read(write(tmp_path / f"huge.{format}", sound, huge))[0].shape[1] == 2
