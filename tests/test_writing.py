import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from splitstrument.files import writing
from splitstrument.files.atomic import (
    SUFFIX,
    AtomicFile,
    atomic_folder,
    is_unfinished,
    remove_unfinished,
    scratch_folder,
)
from splitstrument.files.audio import AudioError, read
from splitstrument.files.texts import write_text
from splitstrument.files.writing import AudioWriter, check_format, step
from tests.audio_files import song


def write(path, sound, rate=44100, depth="float", size=5000, frames=None):
    with AudioWriter(path, rate, sound.shape[1], depth, frames) as writer:
        for at in range(0, len(sound), size):
            writer.write(sound[at : at + size])
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_16_bit_value_comes_back(tmp_path, suffix, dtype):
    values = np.arange(-32768, 32768)[:, None]
    path = write(tmp_path / f"a.{suffix}", (values / 32768).astype(dtype), depth="16")
    assert soundfile.info(path).subtype == "PCM_16"
    assert np.array_equal(soundfile.read(path, dtype="int16", always_2d=True)[0], values)
    assert np.array_equal(read(path)[0], (values / 32768).astype(np.float32))


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_24_bit_values_come_back(tmp_path, suffix, dtype):
    edge = 2**23
    values = np.r_[-edge : -edge + 500, -500:500, edge - 500 : edge, np.arange(-edge, edge, 4999)][:, None]
    path = write(tmp_path / f"a.{suffix}", (values / edge).astype(dtype), depth="24")
    assert soundfile.info(path).subtype == "PCM_24"
    assert np.array_equal(soundfile.read(path, dtype="int32", always_2d=True)[0] >> 8, values)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("depth, bits", [("16", 16), ("24", 24)])
def test_rounds_to_nearest_and_clips(tmp_path, suffix, depth, bits):
    top = 2 ** (bits - 1)
    levels = np.array([0.4, 0.6, -0.4, -0.6, 2.7, -2.7, top - 0.2, 2 * top, -2 * top])
    path = write(tmp_path / f"a.{suffix}", levels[:, None] / top, depth=depth)
    got = soundfile.read(path, dtype="int32")[0] >> (32 - bits)
    assert got.tolist() == [0, 1, 0, -1, 3, -3, top - 1, top - 1, -top]
    assert step(depth) == 1 / top
    assert step("float") == 0


@pytest.mark.filterwarnings("error")
def test_a_huge_value_is_clipped_in_silence(tmp_path):
    path = write(tmp_path / "a.wav", np.array([[3e38], [-3e38]], np.float32), depth="24")
    assert read(path)[0].tolist() == [[1 - 2**-23], [-1]]


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_float_is_kept_exactly(tmp_path, channels):
    sound = 4 * song(0.3, channels=channels)
    path = write(tmp_path / "a.wav", sound)
    assert soundfile.info(path).subtype == "FLOAT"
    assert np.array_equal(read(path)[0], sound)


def test_float_flac_has_24_bit(tmp_path):
    assert soundfile.info(write(tmp_path / "a.flac", song(0.1))).subtype == "PCM_24"


@pytest.mark.parametrize("suffix, rate, channels", [("mp3", 48000, 2), ("mp3", 8000, 1), ("ogg", 96000, 8)])
def test_lossy(tmp_path, suffix, rate, channels):
    sound = song(1, rate, channels)
    path = write(tmp_path / f"a.{suffix}", sound, rate)
    back, back_rate = read(path)
    assert back_rate == rate
    assert abs(len(back) - len(sound)) < 4096
    count = min(len(back), len(sound))
    assert np.corrcoef(back[:count, 0], sound[:count, 0])[0, 1] > 0.95


def test_a_long_ogg_block_does_not_crash(tmp_path):
    sound = np.zeros((4_000_000, 1), np.float32)
    assert soundfile.info(write(tmp_path / "a.ogg", sound, 8000, size=len(sound))).frames == len(sound)


def test_wav_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_WAV_LIMIT", 40_000)
    sound = song(5000 / 44100)
    exact = write(tmp_path / "exact.wav", sound)
    assert soundfile.info(exact).format == "WAV"
    longer = np.concatenate([sound, sound])
    big = write(tmp_path / "big.wav", longer, frames=len(longer))
    assert soundfile.info(big).format == "RF64"
    assert np.array_equal(read(big)[0], longer)
    with pytest.raises(AudioError, match=r"unknown\.wav: longer than a WAV"):
        write(tmp_path / "unknown.wav", longer)
    assert sorted(os.listdir(tmp_path)) == ["big.wav", "exact.wav"]


def test_check_format():
    for format in writing.FORMATS:
        check_format(format, 44100, 2)
    check_format("ogg", 191_999, 8)
    check_format("flac", 96_000, 8)
    for format, rate, channels, message in [
        ("mp3", 44100, 3, "at most 2 channels, not 3; use wav or flac or ogg"),
        ("mp3", 96000, 2, "cannot have 96000 Hz; use wav or flac or ogg"),
        ("flac", 96001, 2, "cannot have 96001 Hz; use wav or ogg"),
        ("m4a", 44100, 2, "m4a: not a format"),
        ("", 44100, 2, "no suffix: not a format"),
    ]:
        with pytest.raises(AudioError, match=message):
            check_format(format, rate, channels)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("rate", [8000, 11025, 65535, 88200, 192000])
def test_accepted_rates_can_be_written(tmp_path, suffix, rate):
    check_format(suffix, rate, 1)
    assert read(write(tmp_path / f"a.{suffix}", song(0.2, rate, 1), rate))[1] == rate


def test_nothing_but_the_finished_file_is_seen(tmp_path):
    path = tmp_path / "a.wav"
    path.write_text("old")
    writer = AudioWriter(path, 44100, 2)
    writer.write(song(0.2))
    assert path.read_text() == "old"
    assert all(name.startswith(".") for name in os.listdir(tmp_path) if name != "a.wav")
    writer.close()
    assert os.listdir(tmp_path) == ["a.wav"]
    assert np.array_equal(read(path)[0], song(0.2))


def test_an_exception_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), AudioWriter(tmp_path / "a.flac", 44100, 2) as writer:
        writer.write(song(0.2))
        raise KeyError
    assert os.listdir(tmp_path) == []


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("file/a.wav", "none/a.wav"):
        with pytest.raises(AudioError, match="a.wav: cannot be written: (Not a directory|No such file)"):
            AudioWriter(tmp_path / name, 44100, 2)
    with pytest.raises(AudioError, match="a.txt: cannot be written: Not a directory"):
        write_text(tmp_path / "file/a.txt", "text")
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_of_that_name(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(AudioError, match="a.wav: cannot be written: Is a directory"):
        write(tmp_path / "a.wav", song(0.1))
    assert os.listdir(tmp_path) == ["a.wav"]


FULL_DISK = """
import resource, sys
import numpy as np
from splitstrument.files.audio import AudioError
from splitstrument.files.writing import AudioWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
sound = np.random.default_rng(0).standard_normal((44100, 2)) / 8
try:
    with AudioWriter(sys.argv[1], 44100, 2) as writer:
        for _ in range(int(sys.argv[2])):
            writer.write(sound)
except AudioError as error:
    print(error)
"""


@pytest.mark.parametrize("suffix, seconds", [("wav", 1), ("flac", 2), ("mp3", 20), ("ogg", 20)])
def test_full_disk(tmp_path, suffix, seconds):
    path = tmp_path / f"a.{suffix}"
    command = [sys.executable, "-c", FULL_DISK, str(path), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(Path(writing.__file__).parents[2])}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert run.stdout == f"{path}: cannot be written: disk full?\n"
    assert "Traceback" not in run.stderr
    assert os.listdir(tmp_path) == []


def test_a_file_that_lost_sound_is_refused(tmp_path):
    writer = AudioWriter(tmp_path / "a.wav", 44100, 2)
    writer.write(song(0.2))
    writer._written += 1
    with pytest.raises(AudioError, match="a.wav: cannot be written"):
        writer.close()
    assert os.listdir(tmp_path) == []


def test_write_text(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    write_text(tmp_path / "a.txt", "Gitarre für Ä\n")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "Gitarre für Ä\n"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_is_seen_when_it_is_complete(tmp_path):
    path = tmp_path / "a.npz"
    for to_disk in (False, True):
        with AtomicFile(path, to_disk) as hidden:
            hidden.write_text(f"{to_disk}")
            assert not path.exists() or path.read_text() == "False"
            assert is_unfinished(hidden)
        assert path.read_text() == f"{to_disk}"
    with pytest.raises(KeyError), AtomicFile(path) as hidden:
        hidden.write_text("half")
        raise KeyError
    assert os.listdir(tmp_path) == ["a.npz"]


def test_what_cannot_be_written_is_named_as_it_was_to_be(tmp_path):
    with pytest.raises(FileNotFoundError) as failure, AtomicFile(tmp_path / "none/a") as hidden:
        hidden.write_text("text")
    assert failure.value.filename == str(tmp_path / "none/a")
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError) as failure, AtomicFile(tmp_path / "a") as hidden:
        hidden.write_text("text")
    assert failure.value.filename == str(tmp_path / "a")
    assert os.listdir(tmp_path) == ["a"]


def test_a_folder_is_seen_when_it_is_complete(tmp_path):
    with atomic_folder(tmp_path / "new/a") as hidden:
        (hidden / "file").touch()
        assert not (tmp_path / "new/a").exists()
    assert os.listdir(tmp_path / "new/a") == ["file"]
    for name in ("a", "b"):  # the first is there already
        with pytest.raises((KeyError, OSError)), atomic_folder(tmp_path / "new" / name) as hidden:
            (hidden / "file").touch()
            if name == "b":
                raise KeyError
    assert os.listdir(tmp_path / "new") == ["a"]
    with scratch_folder(tmp_path) as scratch:
        (scratch / "file").touch()
    assert os.listdir(tmp_path) == ["new"]


def test_what_is_left_half_made_is_found_by_its_name(tmp_path):
    kept = [tmp_path / "a", tmp_path / ".b.1.part", tmp_path / f"c{SUFFIX}", tmp_path / "d/e/f"]
    left = [tmp_path / f".a.12{SUFFIX}", tmp_path / f"d/.a.12{SUFFIX}/file", tmp_path / f"d/e/.a.12{SUFFIX}"]
    for path in (*kept, *left):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / f".link{SUFFIX}").symlink_to(tmp_path / "d")
    remove_unfinished(tmp_path, 1)
    assert all(path.exists() for path in kept)
    assert [path.exists() for path in left] == [False, False, True]
    assert not (tmp_path / f".link{SUFFIX}").is_symlink()
