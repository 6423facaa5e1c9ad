"""The command `separate`: what it writes, says and refuses, with a small model and real files."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from splitstrument import separate
from splitstrument.files.atomic import SUFFIX
from splitstrument.files.audio import read
from splitstrument.files.folders import SEPARATED
from splitstrument.separate import main
from splitstrument.separator import Separator
from splitstrument.song_files import Output, separate_file, separate_into
from splitstrument.song_folders import Record
from splitstrument.songs import Excerpt, SongFile
from splitstrument.stages.locking import locked
from tests import tiny

RATE = 22050


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny.model(tmp_path_factory.mktemp("models") / "small", graph=True))


@pytest.fixture
def run(model, tmp_path, capsys):
    """Runs the command in `tmp_path` with the small model: (exit code, standard output, standard error)."""

    def run(*arguments):
        code = main(
            [*map(str, arguments), "--model", model, "--output", str(tmp_path / "out"), "--precision", "float32"]
        )
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def song(seconds=2.0, rate=RATE, channels=2, seed=0):
    return np.random.default_rng(seed).uniform(-0.99, 0.99, (int(seconds * rate), channels)).astype(np.float32)


def write(path, audio, rate=RATE, subtype=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, subtype)
    return path


def stems(folder, suffix="wav"):
    return [soundfile.read(folder / f"{name}.{suffix}", always_2d=True) for name in ("guitar", "rest")]


def files(folder):
    """All files below `folder`, hidden ones too, without the notes of finished songs."""
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".separated")
    )


@pytest.mark.parametrize(
    ("subtype", "written", "tolerance"),
    [
        ("PCM_U8", "PCM_16", 2**-15),
        ("PCM_16", "PCM_16", 2**-15),
        ("PCM_24", "PCM_24", 2**-23),
        ("FLOAT", "FLOAT", 2e-7),
    ],
)
def test_stems_have_the_songs_form_and_add_up(run, tmp_path, subtype, written, tolerance):
    audio = song(1.5, 44100)
    write(tmp_path / "a.wav", audio, 44100, subtype)
    assert run(tmp_path / "a.wav")[0] == 0
    guitar, rest = stems(tmp_path / "out/small/a")
    original = soundfile.read(tmp_path / "a.wav", always_2d=True)[0]
    info = soundfile.info(tmp_path / "out/small/a/guitar.wav")
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (44100, 2, len(original), written)
    assert np.abs(guitar[0] + rest[0] - original).max() <= tolerance
    assert 0.05 < guitar[0].std() / original.std() < 0.95


def test_full_scale_songs_add_up_in_16_bit(run, tmp_path):
    """A square wave at full scale: stems of any mask would clip, and must still add up to one step."""
    audio = np.sign(np.sin(np.arange(30000) * 0.05))[:, None] * 32767 / 32768
    write(tmp_path / "a.wav", audio, subtype="PCM_16")
    assert run(tmp_path / "a.wav")[0] == 0
    guitar, rest = stems(tmp_path / "out/small/a")
    assert np.abs(guitar[0] + rest[0] - audio).max() <= 2**-15


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
@pytest.mark.parametrize("channels", [1, 2])
def test_formats(run, tmp_path, suffix, channels):
    write(tmp_path / "a.flac", song(2, 44100, channels), 44100)
    assert run(tmp_path / "a.flac", "--format", suffix)[0] == 0
    assert files(tmp_path / "out") == [f"small/a/guitar.{suffix}", f"small/a/rest.{suffix}"]
    (guitar, rate), (rest, _) = stems(tmp_path / "out/small/a", suffix)
    assert rate == 44100
    assert guitar.shape[1] == channels
    if suffix in ("wav", "flac"):
        assert np.abs(guitar + rest - soundfile.read(tmp_path / "a.flac", always_2d=True)[0]).max() <= 2**-15


@pytest.mark.parametrize("depth", ["16", "24", "float"])
def test_depth(run, tmp_path, depth):
    write(tmp_path / "a.wav", song(), subtype="PCM_16")
    assert run(tmp_path / "a.wav", "--depth", depth)[0] == 0
    subtype = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}[depth]
    assert soundfile.info(tmp_path / "out/small/a/rest.wav").subtype == subtype


def test_only_one_part_and_only_some_seconds(run, tmp_path):
    path = write(tmp_path / "a.wav", song(3))
    assert run(path, "--only", "rest", "--start", "0.5", "--duration", "1.25")[0] == 0
    assert files(tmp_path / "out") == ["small/a (0.5 s to 1.75 s)/rest.wav"]
    assert soundfile.info(tmp_path / "out/small/a (0.5 s to 1.75 s)/rest.wav").frames == round(1.25 * RATE)


def test_the_python_form_gives_what_the_command_writes(run, model, tmp_path):
    path = write(tmp_path / "a.wav", song(12), subtype="FLOAT")
    assert run(path)[0] == 0
    parts = Separator(model, precision="float32").separate(*read(path))
    (guitar, _), (rest, _) = stems(tmp_path / "out/small/a")
    np.testing.assert_allclose(guitar, parts["guitar"], atol=1e-6)
    np.testing.assert_allclose(rest, parts["rest"], atol=1e-6)


def test_finished_songs_are_skipped_until_asked_again(run, tmp_path):
    path = write(tmp_path / "a.wav", song())
    code, out, _ = run(path)
    assert code == 0
    assert "songs: 1 done, 0 already there, 0 skipped, 0 failed" in out
    assert "times as fast as it plays" in out
    assert out.startswith(f"separating into guitar and rest with the model small, to {tmp_path / 'out/small'}\n")
    assert f"\n{tmp_path / 'out/small/a'}: 2 s of sound" in out
    before = (tmp_path / "out/small/a/guitar.wav").stat().st_mtime_ns
    code, out, _ = run(path)
    assert code == 0
    assert "songs: 0 done, 1 already there" in out
    assert (tmp_path / "out/small/a/guitar.wav").stat().st_mtime_ns == before
    assert run(path, "--overwrite")[0] == 0
    assert (tmp_path / "out/small/a/guitar.wav").stat().st_mtime_ns > before


def test_a_thorough_result_is_another_one(run, model, tmp_path):
    path = write(tmp_path / "a.wav", song(3), subtype="FLOAT")
    assert run(path, "--thorough")[0] == 0
    (guitar, _), _ = stems(tmp_path / "out/small/a")
    expected = Separator(model, precision="float32", thorough=True).separate(*read(path))["guitar"]
    np.testing.assert_allclose(guitar, expected, atol=1e-6)
    code, out, _ = run(path)
    assert code == 1 and "--overwrite" in out
    assert run(path, "--thorough")[0] == 0


def test_each_format_is_finished_for_itself(run, tmp_path):
    path = write(tmp_path / "a.wav", song())
    assert run(path)[0] == 0
    assert run(path, "--format", "flac", "--depth", "24")[0] == 0
    assert "0 done, 1 already there" in run(path)[1]
    code, out, _ = run(path, "--depth", "24")
    assert code == 1
    assert "holds stems made with other settings; use --overwrite or --output" in out
    assert "0 done, 1 already there" in run(path, "--format", "flac", "--depth", "24")[1]


def test_half_a_result_is_made_again(run, tmp_path):
    path = write(tmp_path / "a.wav", song())
    assert run(path)[0] == 0
    (tmp_path / "out/small/a/rest.wav").unlink()
    assert run(path)[0] == 0
    assert files(tmp_path / "out") == ["small/a/guitar.wav", "small/a/rest.wav"]


def made_from(folder):
    """The mixture that the stems in `folder` add up to."""
    return sum(sound for sound, _ in stems(folder))


def test_songs_of_one_name_keep_their_own_folders(run, tmp_path):
    """In one command or one by one, in several processes or one: the same folders, and each song finds its own."""
    paths = ["A/CD1/01.wav", "B/CD1/01.wav", "B/CD1/01.flac"]
    sounds = [song(seed=number) for number in range(3)]
    paths = [write(tmp_path / path, sound) for path, sound in zip(paths, sounds, strict=True)]
    folders = [tmp_path / "out/small" / name for name in ("01", "01 (B, CD1, wav)", "01 (B, CD1, flac)")]
    for arguments in [paths], [paths[:1], paths[1:2], paths[2:]], [["--jobs", "2", *paths]]:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        for one in arguments:
            assert run(*one)[0] == 0
        assert sorted(folders) == sorted((tmp_path / "out/small").iterdir())
        for folder, sound in zip(folders, sounds, strict=True):
            np.testing.assert_allclose(made_from(folder), sound, atol=2**-14)
    assert "0 done, 3 already there" in run(*reversed(paths))[1]
    assert "1 done, 0 already there" in run(paths[1], "--overwrite")[1]
    for folder, sound in zip(folders, sounds, strict=True):
        np.testing.assert_allclose(made_from(folder), sound, atol=2**-14)


def test_a_song_that_has_moved_is_known_and_one_that_has_changed_is_not_overwritten(run, tmp_path):
    path = write(tmp_path / "a.wav", song(seed=1))
    assert run(path)[0] == 0
    (tmp_path / "album").mkdir()
    moved = path.rename(tmp_path / "album/a.wav")
    assert "0 done, 1 already there" in run(moved)[1]
    assert run(moved, "--overwrite")[0] == 0
    write(moved, song(3, seed=2))
    code, out, _ = run(moved)
    assert code == 1 and "holds stems of an earlier version of the song; use --overwrite" in out
    assert len(made_from(tmp_path / "out/small/a")) == 2 * RATE
    assert run(moved, "--overwrite")[0] == 0
    assert len(made_from(tmp_path / "out/small/a")) == 3 * RATE
    assert files(tmp_path / "out") == ["small/a/guitar.wav", "small/a/rest.wav"]


def test_names_of_songs_that_are_no_names_of_folders(run, tmp_path):
    names = ["...wav", ".hidden.wav", "No. 5", "a" * 250 + ".wav", "two\nlines.wav"]
    for number, name in enumerate(names):
        soundfile.write(tmp_path / name, song(0.1, seed=number), RATE, format="WAV")
    assert run(*(tmp_path / name for name in names))[0] == 0
    folders = [path.name for path in (tmp_path / "out/small").iterdir()]
    assert {"_.", "_hidden", "No. 5", "two_lines"} < set(folders) and len(folders) == 5
    assert len(files(tmp_path / "out")) == 10


def test_files_that_nobody_separated_are_not_replaced(run, tmp_path):
    own = write(tmp_path / "out/small/a/rest.wav", song(0.1))
    before = own.read_bytes()
    assert run(write(tmp_path / "songs/a.wav", song(0.2)), "--overwrite")[0] == 0
    assert own.read_bytes() == before
    ours = f"a ({tmp_path.name}, songs, wav)"
    assert files(tmp_path / "out/small") == [f"{ours}/guitar.wav", f"{ours}/rest.wav", "a/rest.wav"]


def test_excerpts_of_a_song_are_results_of_their_own(run, tmp_path):
    path = write(tmp_path / "a.wav", song())
    wanted = {
        "a": [],
        "a (from 1.5 s)": ["--start", "1.5"],
        "a (0 s to 0.25 s)": ["--duration", "0.25"],
        "a (0.5 s to 1 s)": ["--start", ".5", "--duration", ".5"],
    }
    for arguments in wanted.values():
        assert run(path, *arguments)[0] == 0
    lengths = {folder.name: len(made_from(folder)) / RATE for folder in (tmp_path / "out/small").iterdir()}
    assert lengths == pytest.approx(
        {"a": 2, "a (from 1.5 s)": 0.5, "a (0 s to 0.25 s)": 0.25, "a (0.5 s to 1 s)": 0.5}, abs=1e-4
    )
    for arguments in wanted.values():
        assert "0 done, 1 already there" in run(path, *arguments)[1]
    assert run(write(tmp_path / "a (from 1.5 s).wav", song(seed=3)))[0] == 0
    assert len(list((tmp_path / "out/small").iterdir())) == 5


def test_stems_are_no_songs_of_a_folder(run, model, tmp_path, monkeypatch, capsys):
    """Not those in the output, nor those in any other one; named themselves, they are."""
    write(tmp_path / "a.wav", song(0.3))
    write(tmp_path / "other/b.wav", song(0.2))
    monkeypatch.chdir(tmp_path)
    line = [".", "--model", model, "--precision", "float32"]
    for output in ("separated", "other", "."):
        for times in ("2 done, 0 already there", "0 done, 2 already there"):
            main([*line, "--output", output])
            if output == "other":
                times = times.replace("2", "1")
            assert times in capsys.readouterr().out
    shutil.rmtree("other")
    (tmp_path / "a.wav").unlink()
    assert main(line) == 1
    assert "failed: .: no audio files in this folder (separated stems" in capsys.readouterr().out
    assert run("separated/small/a/rest.wav", "separated/small/a")[0] == 0
    assert len(files(tmp_path / "out")) == 4


def bad_song(kind, folder):
    """A file that cannot be separated, and what must be said of it."""
    path = folder / f"{kind}.wav"
    if kind == "missing":
        return path, "No such file"
    if kind == "text":
        path = folder / "text.mp3"
        path.write_text("these are words\n" * 100)
        return path, "not an audio file"
    if kind == "empty":
        path.touch()
        return path, "empty"
    if kind == "no samples":
        write(path, song(0))
        return path, "holds no sound"
    if kind in ("nan", "inf"):
        audio = song()
        audio[RATE] = float(kind)
        write(path, audio, subtype="FLOAT")
        return path, "not a finite number"
    if kind == "1 Hz":
        write(path, song(), 1)
        return path, "1 Hz"
    if kind == "65535 channels":
        write(path, song())
        content = bytearray(path.read_bytes())
        content[22:24] = b"\xff\xff"
        path.write_bytes(content)
        return path, ""
    if kind == "cut mp4":
        path = folder / "cut.m4a"
        path.write_bytes(b"\x00\x00\x00\x1cftypM4A " + bytes(500))
        return path, "cut or broken"
    raise ValueError(kind)


@pytest.mark.parametrize(
    "kind", ["missing", "text", "empty", "no samples", "nan", "inf", "1 Hz", "65535 channels", "cut mp4"]
)
def test_a_bad_song_is_one_line_and_the_others_go_on(run, tmp_path, kind):
    path, said = bad_song(kind, tmp_path)
    good = write(tmp_path / "good.wav", song())
    code, out, error = run(path, good)
    assert code == 1
    (line,) = [line for line in out.splitlines() if line.startswith("failed:")]
    assert str(path) in line
    assert said.lower() in line.lower()
    assert "Traceback" not in error
    assert "songs: 1 done, 0 already there, 0 skipped, 1 failed" in out
    assert files(tmp_path / "out") == ["small/good/guitar.wav", "small/good/rest.wav"]
    assert [p.name for p in (tmp_path / "out/small").iterdir()] == ["good"]


def test_silence_and_ten_milliseconds_are_songs(run, tmp_path):
    silent = write(tmp_path / "silent.wav", np.zeros((30000, 2)))
    short = write(tmp_path / "short.wav", song(0.01))
    assert run(silent, short)[0] == 0
    assert not stems(tmp_path / "out/small/silent")[0][0].any()
    assert len(stems(tmp_path / "out/small/short")[0][0]) == 220


def test_a_cut_song_is_separated_as_far_as_it_goes(run, tmp_path):
    path = write(tmp_path / "a.wav", song(4))
    path.write_bytes(path.read_bytes()[:100_000])
    code, out, _ = run(path)
    assert code == 0
    assert f"note: {tmp_path / 'out/small/a'}: {path}: the file is cut" in out
    assert len(stems(tmp_path / "out/small/a")[0][0]) == (100_000 - 44) // 4


def test_formats_that_cannot_hold_the_song_are_refused(run, tmp_path):
    path = write(tmp_path / "a.wav", song(1, 96000), 96000)
    code, out, _ = run(path, "--format", "mp3")
    assert code == 1
    assert "96000 Hz" in out
    assert not files(tmp_path / "out")


def test_an_output_that_cannot_be_written(model, tmp_path, capsys):
    path = write(tmp_path / "a.wav", song())
    (tmp_path / "file").touch()
    assert main([str(path), "--model", model, "--output", str(tmp_path / "file/out")]) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert str(tmp_path / "file") in captured.out


def test_a_failure_while_writing_leaves_nothing(model, tmp_path):
    """As when a disk fills up: the song's own reader fails late."""
    audio = song(8)
    audio[-10] = np.nan
    path = write(tmp_path / "a.wav", audio, subtype="FLOAT")
    (tmp_path / "out").mkdir()
    with pytest.raises(Exception, match="not a finite number"):
        separate_file(Separator(model), path, tmp_path / "out", Output())
    assert files(tmp_path / "out") == []


def command(model, tmp_path, *arguments, **options):
    line = [sys.executable, "-m", "splitstrument", "separate", *arguments, "--model", model]
    return subprocess.Popen(
        [*line, "--output", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(model, tmp_path):
    """A limit on the size of files stands for a full disk; the song before it is kept, the one after it is made."""
    names = ["a", "long", "z"]
    for name in names:
        write(tmp_path / f"{name}.wav", song(60 if name == "long" else 1), subtype="PCM_16")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    process = command(model, tmp_path, *[str(tmp_path / f"{name}.wav") for name in names], preexec_fn=limit)
    out, error = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "Traceback" not in error
    (line,) = [line for line in out.splitlines() if line.startswith("failed:")]
    assert "long" in line
    assert files(tmp_path / "out") == [
        "small/a/guitar.wav",
        "small/a/rest.wav",
        "small/z/guitar.wav",
        "small/z/rest.wav",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGHUP])
def test_a_stopped_command_leaves_no_part_and_goes_on(tmp_path, sent):
    # 192 kHz in 8 channels takes long enough to be stopped in the middle.
    path = write(tmp_path / "a.wav", song(8, 192000, 8), 192000)
    process = command("guitar", tmp_path, str(path))
    parts = tmp_path / "out/guitar/a"
    deadline = time.monotonic() + 600
    while not (parts.exists() and any(p.stat().st_size > 100_000 for p in parts.iterdir())):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(sent)
    _, error = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert "run the command again" in error
    assert files(tmp_path / "out") == []
    again = command("guitar", tmp_path, str(path), "--duration", "1")
    assert "1 done" in again.communicate(timeout=600)[0]


def test_what_killed_processes_left_goes_and_what_others_make_stays(run, tmp_path):
    left = [tmp_path / f"out/small/{name}/.rest.wav.1{SUFFIX}" for name in ("a", "gone", "held")]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
        Record({}, Excerpt()).write(path.parent)
    with locked(left[2].parent):
        assert run(write(tmp_path / "a.wav", song(0.2)), "--overwrite")[0] == 0
    assert [path.exists() for path in left] == [False, False, True]
    assert not left[1].parent.exists()
    assert run("--overwrite", tmp_path / "a.wav")[0] == 0
    assert not left[2].parent.exists()


def test_two_commands_at_the_same_songs_wait_for_each_other(model, tmp_path, monkeypatch):
    """As in two containers, whose processes have the same number, and in which other songs have the same name."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    one, two = (write(tmp_path / f"{name}/a.wav", song(seed=seed)) for seed, name in enumerate(("one", "two")))
    separator, begun, go_on = Separator(model), threading.Event(), threading.Event()

    def wait(seconds):
        begun.set()
        assert go_on.wait(600)

    def start(path, *arguments):
        return pool.submit(separate_into, separator, SongFile(path), tmp_path / "out/a", Output(), *arguments)

    with ThreadPoolExecutor(3) as pool:
        first = start(one, False, wait)
        assert begun.wait(600)
        other = start(two).result()
        same = start(one)
        with pytest.raises(TimeoutError):
            same.result(0.2)
        go_on.set()
        assert first.result().seconds == 2 and same.result().seconds is None
    assert first.result().folder == same.result().folder == tmp_path / "out/a" != other.folder
    for folder, path in ((tmp_path / "out/a", one), (other.folder, two)):
        np.testing.assert_allclose(made_from(folder), read(path)[0], atol=2**-14)
        assert sorted(os.listdir(folder)) == [SEPARATED, "guitar.wav", "rest.wav"]


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path):
    """The peak for 100 s is that of 30 s, to within 60 MB (its samples alone are 99 MB more)."""
    options = tiny.OPTIONS["hourglass"] | {"fft_length": 2048}  # few windows; it hears all eight channels at once
    model = tiny.model(tmp_path / "mono", "hourglass", options=options)
    peaks, ten = [], song(10, 44100, 8)
    for tens in (3, 10):
        path = tmp_path / f"{tens}.wav"
        with soundfile.SoundFile(path, "w", 44100, 8, "PCM_16") as file:
            for _ in range(tens):
                file.write(ten)
        code = (
            "import resource, sys; from splitstrument.separate import main; main(sys.argv[1:]);"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        line = [sys.executable, "-c", code, str(path), "--model", str(model), "--output", str(tmp_path)]
        peaks.append(int(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()[-1]))
    assert peaks[1] - peaks[0] < 60_000


@pytest.mark.slow
def test_a_gpu_that_is_not_there_is_one_line(model, tmp_path):
    path = write(tmp_path / "a.wav", song())
    process = command(model, tmp_path, str(path), "--device", "gpu", env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"})
    _, error = process.communicate(timeout=600)
    assert process.returncode == 2
    assert error.startswith("splitstrument: no GPU")
    assert error.count("\n") == 1


def test_loud_float_songs_add_up_in_flac(run, tmp_path):
    """A song decoded to samples beyond full scale, as from MP3: the two stems share what one could not hold."""
    audio = 1.4 * song()
    write(tmp_path / "a.wav", audio, subtype="FLOAT")
    assert run(tmp_path / "a.wav", "--format", "flac")[0] == 0
    guitar, rest = stems(tmp_path / "out/small/a", "flac")
    assert np.abs(guitar[0] + rest[0] - audio).max() <= 2**-23


@pytest.mark.slow
def test_songs_in_several_processes_come_out_the_same(run, tmp_path):
    songs = [write(tmp_path / f"{name}.wav", song(seed=number), subtype="FLOAT") for number, name in enumerate("abc")]
    (tmp_path / "bad.wav").write_text("no song")
    assert run(*songs)[0] == 0
    alone = [(tmp_path / "out/small" / name / "guitar.wav").read_bytes() for name in "abc"]
    code, out, _ = run(*songs, tmp_path / "bad.wav", "--jobs", "2", "--overwrite")
    assert code == 1
    assert "songs: 3 done, 0 already there, 0 skipped, 1 failed" in out
    assert [(tmp_path / "out/small" / name / "guitar.wav").read_bytes() for name in "abc"] == alone
    assert "songs: 0 done, 3 already there" in run(*songs, "--jobs", "2")[1]


@pytest.mark.slow
def test_a_cluster_separates_the_songs(run, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    songs = [write(tmp_path / f"{name}.wav", song(seed=number)) for number, name in enumerate("ab")]
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        separate._separator.cache_clear()
        code, out, _ = run(*songs, "--backend", "dask")
    assert code == 0
    assert not separate._separator.cache_info().currsize  # nothing was separated in this process
    assert "songs: 2 done, 0 already there, 0 skipped, 0 failed" in out
    assert len(files(tmp_path / "out")) == 4


def test_a_model_is_loaded_once_for_all_songs(run, tmp_path, monkeypatch):
    from splitstrument import runtimes

    loaded, load = [], runtimes.load
    monkeypatch.setattr(runtimes, "load", lambda folder, *how: loaded.append(folder) or load(folder, *how))
    separate._separator.cache_clear()
    assert run(*(write(tmp_path / f"{name}.wav", song()) for name in "abc"))[0] == 0
    assert len(loaded) == 1


@pytest.mark.slow
def test_a_retrained_model_of_the_same_name_is_another_one(tmp_path, capsys):
    """A song that the model of before separated is not finished; one whose model got another name is."""
    path, model = write(tmp_path / "a.wav", song()), tmp_path / "models/small"
    line = [str(path), "--output", str(tmp_path / "out"), "--precision", "float32", "--model"]
    tiny.model(model, seed=1)
    assert main([*line, str(model)]) == 0
    guitar = (tmp_path / "out/small/a/guitar.wav").read_bytes()
    tiny.model(model, seed=2)
    capsys.readouterr()
    assert main([*line, str(model)]) == 1
    assert "holds stems made with other settings; use --overwrite" in capsys.readouterr().out
    assert (tmp_path / "out/small/a/guitar.wav").read_bytes() == guitar
    assert main([*line, str(model), "--overwrite"]) == 0
    assert (tmp_path / "out/small/a/guitar.wav").read_bytes() != guitar
    model.rename(tmp_path / "moved")
    capsys.readouterr()
    assert main([*line, str(tmp_path / "moved")]) == 0
    assert "0 done, 1 already there" in capsys.readouterr().out


@pytest.mark.slow
def test_parts_are_chosen_by_name(tmp_path, capsys):
    model = tiny.model(tmp_path / "four", sources=("vocals", "drums", "bass", "other"), whole=True)
    path = write(tmp_path / "a.wav", song())
    for only, parts in (
        ("vocals,drums", ["drums", "vocals"]),
        ("other", ["other"]),
        ("rest", ["other"]),
        ("instrument", ["bass", "drums", "vocals"]),
        ("bass,rest", ["bass", "other"]),
    ):
        out = tmp_path / only
        line = [str(path), "--model", str(model), "--output", str(out), "--precision", "float32", "--only", only]
        assert main(line) == 0
        assert files(out) == [f"four/a/{part}.wav" for part in parts]
    capsys.readouterr()
    assert main([str(path), "--model", str(model), "--only", "vocal"]) == 2
    assert capsys.readouterr().err == "splitstrument: --only: no part is called 'vocal'; did you mean vocals?\n"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1:30", 90), ("1:02:03.5", 3723.5), (".5", 0.5), ("75:10", 4510), ("0", 0), ("2:5.25", 125.25)],
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert separate._seconds(text) == seconds


@pytest.mark.parametrize("text", ["1:60", "1:75:00", "-1", "x", "1:", ":30", "nan", "inf", "1e3", "1:2:3:4", ""])
def test_what_is_no_time_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        main(["a.wav", "--start", text])
    assert "must be a time such as 90, 1:30 or 1:02:03.5" in capsys.readouterr().err


def test_names_of_files_are_chosen(run, tmp_path):
    path = write(tmp_path / "A song.wav", song(0.3))
    line = [path, "--name", "{song} - {part} ({model})"]
    assert run(*line)[0] == 0
    chosen = [f"small/A song/A song - {part} (small).wav" for part in ("guitar", "rest")]
    assert files(tmp_path / "out") == chosen
    assert "0 done, 1 already there" in run(*line)[1]
    # By other names the same stems come beside those, and both are known.
    assert "1 done, 0 already there" in run(path)[1]
    assert files(tmp_path / "out") == [*chosen, "small/A song/guitar.wav", "small/A song/rest.wav"]
    for arguments in [path], line:
        assert "0 done, 1 already there" in run(*arguments)[1]
    (tmp_path / "out" / chosen[0]).unlink()
    assert "0 done, 1 already there" in run(path)[1]
    assert "1 done, 0 already there" in run(*line)[1]
    # Of another song none comes to them.
    write(path, song(0.4, seed=1))
    assert "an earlier version of the song" in run(path, "--name", "new {part}")[1]
    assert len(files(tmp_path / "out")) == 4


def test_one_name_is_not_taken_for_two_parts(run, tmp_path):
    path = write(tmp_path / "a.wav", song(0.3))
    assert run(path, "--only", "rest", "--name", "{song}")[0] == 0
    rest = (tmp_path / "out/small/a/a.wav").read_bytes()
    code, out, _ = run(path, "--only", "guitar", "--name", "{song}")
    assert code == 1 and "holds stems made with other settings; use --overwrite" in out
    assert (tmp_path / "out/small/a/a.wav").read_bytes() == rest
    assert run(path, "--only", "guitar", "--name", "{song}", "--overwrite")[0] == 0
    assert (tmp_path / "out/small/a/a.wav").read_bytes() != rest
    assert run(path, "--only", "rest", "--name", "{song}")[0] == 1


def test_records_without_names_of_files_are_known(run, tmp_path):
    path = write(tmp_path / "a.wav", song(0.3))
    assert run(path)[0] == 0
    file = tmp_path / "out/small/a" / SEPARATED
    values = json.loads(file.read_text())
    values["formats"]["wav"]["parts"] = sorted(values["formats"]["wav"].pop("files").values())
    file.write_text(json.dumps(values))
    assert "0 done, 1 already there" in run(path)[1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("{artist} {part}", "no field is called 'artist'"),
        ("{} {part}", "no field is called ''"),
        ("{part!r}", "no field is called 'part!r'"),
        ("{part:>9}", "no field is called 'part:>9'"),
        ("{part.__class__}", "no field is called 'part.__class__'"),
        ("{part", "'{part': "),
        ("{song}", "'{song}' would be the name of 2 files; include {part}"),
        ("{{part}}", "would be the name of 2 files"),
        ("", "'' would be the name of 2 files"),
        ("{song}/{part}", "must be the name of a file, without folders"),
        ("..\\{part}", "must be the name of a file"),
    ],
)
def test_wrong_names_of_files_are_told_at_once(run, tmp_path, name, said):
    path = write(tmp_path / "a.wav", song(0.1))
    code, out, error = run(path, "--name", name)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith("splitstrument: --name: ") and said in error
    assert not (tmp_path / "out").exists()
