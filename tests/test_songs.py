"""What may be given as a song besides a file: standard input, a link; and which track of a video it is."""

import io
import shutil
import subprocess
import sys

import av
import numpy as np
import pytest

from splitstrument import youtube
from splitstrument.files.audio import read
from splitstrument.separate import main
from tests import tiny
from tests.audio_files import song, write_av, write_sound

RATE = 44100


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny.model(tmp_path_factory.mktemp("models") / "small", graph=True))


@pytest.fixture
def run(model, tmp_path, capsys):
    """Runs the command in `tmp_path` with the small model: (exit code, standard output, standard error)."""

    def run(*arguments):
        code = main([*map(str, arguments), "--model", model, "--output", str(tmp_path / "out")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def folders(tmp_path):
    return sorted(path.name for path in (tmp_path / "out/small").iterdir())


def mixture(folder):
    """The song that its stems add up to."""
    return sum(read(folder / f"{part}.wav")[0] for part in ("guitar", "rest"))


def give(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# Standard input


@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3"])
def test_standard_input(format, run, tmp_path, monkeypatch):
    path = write_sound(tmp_path / "a", song(1.0), RATE, format=format)
    give(monkeypatch, path.read_bytes())
    assert run("-")[0] == 0
    np.testing.assert_allclose(mixture(tmp_path / "out/small/standard input"), read(path)[0], atol=2**-14)


def test_what_comes_again_is_known_and_what_is_new_replaces_nothing(run, tmp_path, monkeypatch):
    one, two = (
        write_sound(tmp_path / name, song(0.5, seed=seed), RATE) for seed, name in enumerate(["1.wav", "2.wav"])
    )
    for path, said in ((one, "1 done"), (two, "1 done"), (one, "1 already there"), (two, "1 already there")):
        give(monkeypatch, path.read_bytes())
        code, output, _ = run("-")
        assert (code, said in output) == (0, True)
    first, second = folders(tmp_path)
    np.testing.assert_allclose(mixture(tmp_path / "out/small" / first), read(one)[0], atol=2**-14)
    np.testing.assert_allclose(mixture(tmp_path / "out/small" / second), read(two)[0], atol=2**-14)
    assert (first, second[:16]) == ("standard input", "standard input (")


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "standard input: the file is empty"), (b"no sound" * 99, "standard input: not an audio")]
)
def test_standard_input_that_is_no_song(data, said, run, tmp_path, monkeypatch):
    give(monkeypatch, data)
    code, output, _ = run("-")
    assert code == 1 and said in output and "/tmp/tmp" not in output
    assert not list((tmp_path / "out").rglob("*.wav"))


def test_a_pipe_of_a_shell(model, tmp_path):
    path = write_sound(tmp_path / "a.wav", song(0.5), RATE)
    command = [sys.executable, "-m", "splitstrument", "separate", "-", "--model", model, "-o", str(tmp_path / "out")]
    with open(path, "rb") as file:
        subprocess.run(command, stdin=file, check=True, capture_output=True)
    assert folders(tmp_path) == ["standard input"]


def test_no_standard_input(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # as after <&-
    code, output, _ = run("-")
    assert code == 1 and "for example with: < song.mp3" in output


def test_a_file_of_that_name_is_a_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "-", song(0.5), RATE, format="WAV")
    assert run("./-")[0] == 0
    assert folders(tmp_path) == ["-"]


# Links


@pytest.fixture
def video(tmp_path, monkeypatch):
    """Sets what a link leads to; gives the server and the link."""
    yt_dlp = pytest.importorskip("yt_dlp")
    from tests.video_server import SongsIE, serving

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yt_dlp.extractor.gen_extractor_classes()
    monkeypatch.setitem(yt_dlp.globals.extractors.value, "SongsIE", SongsIE)
    path = write_sound(tmp_path / "a.ogg", song(1.0), RATE, format="OGG", subtype="VORBIS")
    with serving(path.read_bytes()) as server:
        monkeypatch.setattr(youtube, "YOUTUBE", youtube.Rule(("songs",), server.address("")))

        def found(sound="song.ogg", **video):
            monkeypatch.setattr(SongsIE, "found", {"url": server.address(sound), "duration": 1, **video})
            return server.address("songs")

        yield server, found


def test_a_link_is_a_song_by_the_title_of_its_video(video, run, tmp_path):
    server, found = video
    code, output, error = run(found(title="Ein Lied / a song"))
    assert (code, error) == (0, "")
    assert folders(tmp_path) == ["Ein Lied _ a song"]
    sound = mixture(tmp_path / "out/small/Ein Lied _ a song")
    np.testing.assert_allclose(sound, read(tmp_path / "a.ogg")[0], atol=2**-14)
    server.asked.clear()
    assert "1 already there" in run(found(title="Ein Lied / a song"))[1]
    assert server.asked == []  # its sound is not fetched again


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sound": "gone.ogg"}, "YouTube did not provide this video"),
        ({"sound": "empty.ogg"}, "YouTube sent no audio"),
        ({"live_status": "is_live"}, "live stream"),
        ({"_type": "playlist", "entries": []}, "does not lead to a single video"),
        ({"sound": "page.ogg"}, "not an audio file"),
    ],
)
def test_a_link_without_a_song_is_told_of_by_its_address_and_the_others_go_on(given, said, video, run, tmp_path):
    link, path = video[1](**given), write_sound(tmp_path / "a.wav", song(0.5), RATE)
    code, output, _ = run(link, path)
    assert code == 1 and f"{link}: " in output and said in output and "/tmp/tmp" not in output
    assert folders(tmp_path) == ["a"]


def test_a_link_elsewhere_is_none(run):
    code, output, _ = run("https://example.org/song.mp3")
    assert code == 1 and "failed: https://example.org/song.mp3: This is not a YouTube link." in output


# Tracks


@pytest.fixture
def film(tmp_path):
    """A video with two audio tracks, of which the second is marked as the default."""
    path = write_av(tmp_path / "film.mkv", [song(1.0), song(1.0, seed=1)], RATE, "flac", video=True)
    plain = path.with_name("plain.mkv")
    shutil.move(path, plain)
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for stream, copied in zip(old.streams.audio, new.streams.audio, strict=True):
            copied.disposition = av.stream.Disposition.default if stream.index == 2 else av.stream.Disposition(0)
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    return path


def test_of_several_tracks_the_default_one_is_read(film):
    sounds = [read(film, stream)[0] for stream in (0, 1, None)]
    assert not np.allclose(sounds[0], sounds[1], atol=0.1)
    np.testing.assert_array_equal(sounds[2], sounds[1])
    np.testing.assert_array_equal(read(film.with_name("plain.mkv"))[0], sounds[0])


def test_a_track_can_be_chosen_and_is_a_result_of_its_own(film, run, tmp_path):
    for arguments in ((), ("--track", "1"), ("--track", "2"), ("--track", 1, "--start", "0.5")):
        code, output, error = run(film, *arguments)
        assert (code, error, "1 done" in output) == (0, "", True)
    assert folders(tmp_path) == ["film", "film (track 1)", "film (track 1) (from 0.5 s)", "film (track 2)"]
    for name, stream in (("film", 1), ("film (track 1)", 0), ("film (track 2)", 1)):
        np.testing.assert_allclose(mixture(tmp_path / "out/small" / name), read(film, stream)[0], atol=2**-14)
    assert "1 already there" in run(film, "--track", 1)[1]


@pytest.mark.parametrize("name", ["film.mkv", "a.wav"])
def test_a_track_that_there_is_not(name, film, run, tmp_path):
    write_sound(tmp_path / "a.wav", song(0.5), RATE)
    code, output, _ = run(tmp_path / name, "--track", 3)
    assert code == 1 and "; no track 3" in output


@pytest.mark.parametrize("track", ["0", "-1", "one", "1.5"])
def test_a_track_that_is_no_number(track, run, capsys):
    with pytest.raises(SystemExit):
        run("a.wav", f"--track={track}")
    assert "a whole number from 1" in capsys.readouterr().err
