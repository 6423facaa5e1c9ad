import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from splitstrument.files import audio
from splitstrument.files.audio import AudioError, find_songs, open_audio, read
from tests.audio_files import cut, song, write_av, write_sound

FRONT = {"movflags": "faststart"}


def read_all(path, size=1000, **part):
    """All that can be read, with the reader's info and warning."""
    with open_audio(path, **part) as reader:
        blocks = list(reader.blocks(size))
    assert all(len(block) == size for block in blocks[:-1])
    assert all(block.dtype == np.float32 for block in blocks)
    return np.concatenate(blocks), reader.info, reader.warning


def refused(path, message, **part):
    with pytest.raises(AudioError, match=message) as error:
        read(path, **part)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


# format, subtype, the depth to write, the largest error of a sample
EXACT = [
    ("WAV", "PCM_U8", "16", 2**-7),
    ("WAV", "PCM_16", "16", 2**-15),
    ("WAV", "PCM_24", "24", 2**-23),
    ("WAV", "PCM_32", "float", 2**-24),
    ("WAV", "FLOAT", "float", 0),
    ("WAV", "DOUBLE", "float", 0),
    ("RF64", "PCM_24", "24", 2**-23),
    ("FLAC", "PCM_S8", "16", 2**-7),
    ("FLAC", "PCM_16", "16", 2**-15),
    ("FLAC", "PCM_24", "24", 2**-23),
    ("AIFF", "PCM_16", "16", 2**-15),
]


@pytest.mark.parametrize("container, subtype, depth, error", EXACT)
def test_exact_formats(tmp_path, container, subtype, depth, error):
    sound = song(0.5)
    path = write_sound(tmp_path / "a.mp3", sound, format=container, subtype=subtype)  # the suffix lies
    got, info, warning = read_all(path)
    assert np.abs(got - sound).max() <= error
    assert (info.depth, info.frames, info.channels, info.sample_rate) == (depth, len(sound), 2, 44100)
    assert warning is None


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 8])
def test_rates_and_channels(tmp_path, rate, channels):
    sound = song(0.2, rate, channels)
    for suffix in ("wav", "flac"):
        subtype = "FLOAT" if suffix == "wav" else "PCM_24"
        got, got_rate = read(write_sound(tmp_path / f"a.{suffix}", sound, rate, subtype=subtype))
        assert got_rate == rate
        assert got.shape == sound.shape
        assert np.abs(got - sound).max() <= 2**-23


def lossy(folder, name, sound):
    """A lossy or PyAV file of one song by its name: (path, rate)."""
    path, rate = folder / name, 48000 if name.startswith(("opus", "webm")) else 44100
    if name.startswith("webm"):
        write_av(path, [sound], rate, "libopus")
    elif name.startswith(("m4a", "mp4", "mkv", "adts")):
        container = "adts" if name.startswith("adts") else None
        write_av(path, [sound], rate, "aac", container, video=name.startswith("mp4"), options=FRONT)
    elif name.startswith("alac"):
        write_av(path, [sound], rate, "alac", options=FRONT)
    else:
        kind = {"format": "OGG", "subtype": "OPUS"} if name.startswith("opus") else {}
        write_sound(path, sound, rate, **kind)
    return path, rate


# Padding at the end stays where the container does not say how much of the last frame is sound.
PADDED = {"mkv.mkv": 1024, "adts.aac": 2 * 1024}
LOSSY = ["mp3.mp3", "ogg.ogg", "opus.opus", "webm.webm", "m4a.m4a", "mp4.mp4", "alac.m4a", *PADDED]


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats(tmp_path, name):
    sound = song(1.5)
    path, rate = lossy(tmp_path, name, sound)
    got, info, warning = read_all(path)
    assert 0 <= len(got) - len(sound) <= PADDED.get(name, 0)
    delay = 1024 if name == "adts.aac" else 0  # ADTS cannot say how long the coder's delay is
    part = got[delay : delay + len(sound)]
    assert np.corrcoef(part[: len(sound), 0], sound[: len(part), 0])[0, 1] > 0.97
    assert (info.sample_rate, info.channels) == (rate, 2)
    assert info.depth == ("24" if name == "alac.m4a" else "float")
    if info.frames is not None:
        assert abs(info.frames - len(got)) < 0.03 * rate
    assert warning is None


@pytest.mark.parametrize("name", ["a.wav", "a.flac", *LOSSY])
def test_a_part_is_exactly_that_part(tmp_path, name):
    path, rate = lossy(tmp_path, name, song(1.5))
    whole, _, _ = read_all(path, size=7)
    for size in (1, 4096, 10**6):
        assert np.array_equal(read_all(path, size)[0], whole)
    for start, duration in [(0, 0.5), (0.3337, 0.5), (1.0, None), (0.5, 99)]:
        first = round(start * rate)
        count = len(whole) if duration is None else round(duration * rate)
        got, _, warning = read_all(path, start=start, duration=duration)
        expected = whole[first : first + count]
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() < 1e-6  # Opus is not the same to the last bit after a seek
        assert warning is None
    refused(path, "no sound after the start, 1.8 s", start=1.8)


def test_mp3_of_variable_rate_starts_exactly(tmp_path):
    """In such a file, and most of all in a pure tone, a seek by libsndfile gives other samples."""
    tone = 0.3 * np.sin(np.arange(10 * 44100) / 20)
    path = write_sound(tmp_path / "a.mp3", np.stack([tone, tone], axis=1))
    whole, _ = read(path)
    for start in (3, 5.0803, 9):
        first = round(start * 44100)
        assert np.array_equal(read(path, start=start, duration=0.2)[0], whole[first : first + 8820])


def test_stems(tmp_path):
    songs = [song(0.5, seed=seed) for seed in range(5)]
    path = write_av(tmp_path / "a.stem.mp4", songs)
    for stream, sound in enumerate(songs):
        got, _, _ = read_all(path, stream=stream)
        assert len(got) == len(sound)
        # Not the start, where the AAC coder has not settled.
        assert np.corrcoef(got[5000:, 0], sound[5000:, 0])[0, 1] > 0.95
    refused(path, "has 5 audio tracks; no track 6", stream=5)
    refused(path, "no track 0", stream=-1)
    refused(write_sound(tmp_path / "a.wav", songs[0]), "has 1 audio track; no track 2", stream=1)


def test_no_song_to_read(tmp_path):
    refused(tmp_path / "none.wav", "no such file")
    refused(tmp_path, "is a folder")
    empty = tmp_path / "empty.mp3"
    empty.touch()
    refused(empty, r"empty \(0 bytes\)")
    text = tmp_path / "text.mp3"
    text.write_text("This is not music.\n" * 200)
    refused(text, "not an audio file")
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(np.random.default_rng(0).bytes(50_000))
    refused(noise, "not an audio file|no sound")
    refused(write_av(tmp_path / "silent.mp4", [], video=True), "has no audio")
    for suffix in ("wav", "aiff", "ogg"):
        refused(write_sound(tmp_path / f"zero.{suffix}", song(0)), "holds no sound")
    path = write_sound(tmp_path / "a.wav", song(0.1))
    refused(path, "start must not be negative", start=-1)
    refused(path, "duration must be above 0", duration=0)
    refused(path, "start", start=float("nan"))
    refused(path, "start", start=float("inf"))


def test_no_permission(tmp_path):
    path = write_sound(tmp_path / "a.wav", song(0.1))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    refused(path, "cannot be opened: permission denied")


def test_limits(tmp_path):
    refused(write_sound(tmp_path / "low.wav", song(0.1, 4000), 4000), "has 4000 Hz; only 8000 to 192000")
    refused(write_sound(tmp_path / "high.wav", song(0.1, 200_000), 200_000), "has 200000 Hz")
    refused(write_sound(tmp_path / "many.wav", song(0.1, channels=9)), "has 9 channels; at most 8")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number(tmp_path, value):
    sound = song(2)
    sound[44100:, 1] = value
    path = write_sound(tmp_path / "a.wav", sound, subtype="FLOAT")
    refused(path, r"a sample at 1\.000 s is not a finite number")
    refused(path, r"a sample at 1\.000 s", start=0.5)
    assert len(read(path, duration=0.9)[0]) == 39690


PLAYLISTS = ["#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{}'\n"]


@pytest.mark.parametrize("playlist", PLAYLISTS)
@pytest.mark.parametrize("name", ["list.mp3", "list.m3u8", "list.ffconcat"])
def test_a_playlist_opens_no_other_file(tmp_path, playlist, name):
    write_sound(tmp_path / "other.wav", song(0.5))
    path = tmp_path / name
    for other in ("other.wav", tmp_path / "other.wav"):
        path.write_text(playlist.format(other))
        refused(path, "not an audio file")


WAVS = [("a.wav", {"subtype": kind}) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")]


@pytest.mark.parametrize("name, kind", [*WAVS, ("a.wav", {"format": "RF64"}), ("a.aiff", {}), ("a.flac", {})])
@pytest.mark.parametrize("share", [0.3, 0.8, 0.999])
def test_cut_exact_files(tmp_path, name, kind, share):
    whole, _ = read(write_sound(tmp_path / name, song(2), **kind))
    path = cut(tmp_path / name, share)
    got, _, warning = read_all(path)
    assert share * 2 - 0.2 < len(got) / 44100 < 2
    assert np.array_equal(got, whole[: len(got)])
    assert warning == f"{path}: the file is cut: {len(got) / 44100:.1f} of 2.0 s could be read"
    assert read_all(path, duration=0.2)[2] is None  # that part is whole
    part, _, warning = read_all(path, start=0.1)
    assert len(part) > len(got) - 4410 - 4096
    assert np.array_equal(part, whole[4410 : 4410 + len(part)])
    assert "is cut" in warning
    refused(path, "no sound after the start|cut before the start", start=1.9999)


@pytest.mark.parametrize("name", [name for name in LOSSY if name not in ("mp4.mp4", "mkv.mkv")])
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_cut_lossy_files(tmp_path, name, share):
    whole, rate = lossy(tmp_path, name, song(3))
    path = cut(whole, share)
    got, _, warning = read_all(path)
    assert 0.25 * 3 < len(got) / rate < 0.95 * 3
    assert warning.startswith(f"{path}: the file is cut: {len(got) / rate:.1f} ")
    assert "\n" not in warning
    assert np.allclose(got[: rate // 2], read(whole)[0][: rate // 2], atol=1e-6)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", *LOSSY])
def test_cut_before_any_sound(tmp_path, name):
    path, _ = lossy(tmp_path, name, song(3))
    broken = tmp_path / f"broken_{name}"
    broken.write_bytes(path.read_bytes()[:40])
    refused(broken, "cut or broken|no sound|not an audio file")


def test_m4a_without_its_index(tmp_path):
    path = write_av(tmp_path / "a.m4a", [song(1)])
    refused(cut(path, 0.8), "cut or broken")


def test_one_damaged_packet_loses_nothing_else(tmp_path):
    path = write_av(tmp_path / "a.m4a", [song(3)], options=FRONT)
    whole, _ = read(path)
    data = bytearray(path.read_bytes())
    middle = (data.index(b"mdat") + len(data)) // 2
    data[middle : middle + 300] = b"\xff" * 300
    path.write_bytes(data)
    got, _, warning = read_all(path)
    assert warning == f"{path}: damaged at 1.5 s: replaced by 0.02 s of silence"
    assert len(got) == len(whole)
    assert np.array_equal(got[:50_000], whole[:50_000])
    # AAC fills in random noise, so the rest is not the same to the last bit.
    assert np.corrcoef(got[-40_000:, 0], whole[-40_000:, 0])[0, 1] > 0.98


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_wav_from_a_pipe_is_not_cut(tmp_path, size):
    sound = song(0.5)
    path = write_sound(tmp_path / "a.wav", sound, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 4, min(size + 36, 0xFFFFFFFF))
    struct.pack_into("<I", data, data.index(b"data") + 4, size)
    path.write_bytes(data)
    got, info, warning = read_all(path)
    assert np.abs(got - sound).max() <= 2**-15
    assert info.depth == "16"
    assert warning is None


def test_flac_from_a_pipe(tmp_path):
    sound = song(0.5)
    path = write_sound(tmp_path / "a.flac", sound, subtype="PCM_24")
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of the length
    data[22:26] = bytes(4)
    path.write_bytes(data)
    got, info, warning = read_all(path)
    assert np.abs(got - sound).max() <= 2**-23
    assert (info.frames, info.depth, warning) == (None, "24", None)


def test_mp3_without_its_table(tmp_path):
    path = write_av(tmp_path / "a.mp3", [song(2)], codec="libmp3lame", options={"write_xing": "0"})
    got, info, warning = read_all(path)
    assert 0 <= len(got) - 2 * 44100 < 3 * 1152
    assert (info.frames, warning) == (None, None)


def test_mp3_with_a_tag_in_front(tmp_path):
    path = write_sound(tmp_path / "a.mp3", song(2))
    whole, _ = read(path)
    tag = b"ID3\x04\x00\x00\x00\x00\x4e\x10" + bytes(10_000)
    path.write_bytes(tag + path.read_bytes())
    got, info, warning = read_all(path)
    assert np.array_equal(got, whole)
    assert (info.frames, warning) == (2 * 44100, None)
    assert "is cut" in read_all(cut(path, 0.7))[2]


def test_a_change_of_rate_ends_there(tmp_path):
    first = write_av(tmp_path / "a.aac", [song(1)], container="adts")
    second = write_av(tmp_path / "b.aac", [song(1, 22050)], 22050, container="adts")
    path = tmp_path / "both.aac"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    got, info, warning = read_all(path)
    assert info.sample_rate == 44100
    assert np.array_equal(got[:44100], read(first)[0][:44100])
    assert len(got) < 1.2 * 44100
    assert "rate or channels change at 1." in warning


def test_find_songs(tmp_path):
    for name in ("b.wav", "a.MP3", "deep/c.stem.mp4", ".hidden.wav", ".git/d.wav", "notes.txt", "cover.jpg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    (tmp_path / "bare").mkdir()
    folder, missing = tmp_path / "in", tmp_path / "missing.txt"
    found = [folder / "a.MP3", folder / "b.wav", folder / "deep/c.stem.mp4"]
    assert find_songs([missing, str(folder)]) == [missing, *found]
    with pytest.raises(AudioError, match="bare: no audio files in this folder"):
        find_songs([tmp_path / "bare"])


def test_importing_is_light():
    code = "import sys, splitstrument.files.audio; print({'av', 'numpy', 'soundfile'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(Path(audio.__file__).parents[2])}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert run.stdout == "set()\n"


def test_reading_closes_the_file(tmp_path):
    path = write_sound(tmp_path / "a.wav", song(0.1))
    with open_audio(path) as reader:
        next(reader.blocks(10))
    assert reader._file.closed
    assert soundfile.info(path).frames == 4410
