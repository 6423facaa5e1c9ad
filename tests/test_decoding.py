"""Files that are no songs, that are too long or odd, or that kill the program which reads them."""

import os
import re
import socket
import struct
import threading

import numpy as np
import pytest
import soundfile

from tests import served, strangers
from tests.audio_files import song, write_av
from tests.strangers import upload

pytest.importorskip("web")

from webapp import decoding, sandbox  # noqa: E402
from webapp.pages.refused import Refused  # noqa: E402
from webapp.sandbox import Limits  # noqa: E402


def test_pages_and_playlists_are_no_songs(server, sound, tmp_path, nothing_left):
    """What a playlist names is not opened: neither a file that could be read, nor an address that listens."""
    named = tmp_path / "named.wav"
    named.write_bytes(sound)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.mp3"
    texts = {"page": f"<!doctype html><html><audio src='{url}'></audio></html>" * 20}
    for target in (str(named), f"file:{named}", url):
        texts[f"HLS {target}"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n"
        texts[f"ffconcat {target}"] = f"ffconcat version 1.0\nfile '{target}'\n"
        texts[f"DASH {target}"] = f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">{target}</MPD>'
        texts[f"SDP {target}"] = f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio {target} RTP/AVP 0\n"
    with strangers.opened(named) as opened:
        for kind, text in texts.items():
            assert upload(server, text.encode())[0] == 415, kind
        with pytest.raises(TimeoutError):
            listener.accept()
        assert not opened()
        named.read_bytes()  # the watch sees what is opened
        assert opened()
        socket.create_connection(listener.getsockname()).close()
        listener.accept()[0].close()
    listener.close()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.m4a", {"codec": "aac"}),
        ("a.mp4", {"codec": "aac", "video": True}),
        ("a.webm", {"codec": "libopus", "rate": 48000}),
        ("a.mkv", {"codec": "flac", "video": True}),
        ("a.mp3", {"codec": "libmp3lame", "options": {"write_xing": "0"}}),
    ],
)
def test_songs_of_every_kind_are_read_in_a_process_that_opens_no_other_file(tmp_path, name, settings):
    rate = settings.get("rate", 44100)
    path = write_av(tmp_path / name, [song(0.5, rate)], **settings)
    limits = Limits(2**30, 20, 2**20)
    sound = sandbox.run(decoding.decode, (str(path), str(tmp_path / "out.wav"), 60), limits)
    assert sound["seconds"] == pytest.approx(0.5, abs=0.1)


def test_no_second_file_or_socket_can_be_opened(tmp_path):
    """Whatever a decoder would do with a file that names another one."""
    (tmp_path / "a").write_text("a")
    limits = Limits(2**28, 20, 2**20)
    assert sandbox.run(strangers.open_more, (str(tmp_path / "a"),), limits) == ["opened", 24, 24, "opened"]  # EMFILE


def silence(path, seconds, rate=8000):
    """A FLAC of silence: its blocks repeat, so this takes no time. Its header says its length."""
    soundfile.write(path, np.zeros(1, np.int16), rate, "PCM_16", format="FLAC")
    data = bytearray(path.read_bytes())
    total = round(seconds * rate)
    data[21] = data[21] & 0xF0 | total >> 32
    data[22:26] = struct.pack(">I", total & 0xFFFFFFFF)
    return bytes(data)


def test_a_day_of_silence(server, tmp_path, nothing_left):
    status, message = upload(server, silence(tmp_path / "a.flac", 86400), "a.flac")
    assert (status, message) == (413, "The song is too long: this server takes at most 1 minutes.")


def test_silence_whose_length_is_only_known_at_its_end(server, tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(90 * 8000, np.int16), 8000, "PCM_16", format="FLAC")
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    status, job = served.post(server.address, ("song", bytes(data), "a.flac"))
    assert (status, job["seconds"]) == (202, 0)
    job = served.until(server.address, job["id"])
    assert (job["state"], job["message"]) == ("failed", "The song is too long: this server takes at most 1 minutes.")
    strangers.wait_for(lambda: job["id"] not in strangers.left(server))


def wav(rate, channels, frames=100):
    size = 2 * channels * frames
    form = struct.pack("<HHIIHH", 1, channels, rate, 2 * rate % 2**32, 2 * channels % 2**16, 16)
    return b"RIFF%sWAVEfmt \x10\0\0\0%sdata%s" % (struct.pack("<I", 36 + size), form, struct.pack("<I", size)) + bytes(
        size
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wav(1, 1), "has 1 Hz"),
        (wav(44100, 9), "has 9 channels"),
        (wav(4_000_000_000, 2), "cannot be separated"),
        (wav(44100, 0), "cannot be separated"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(50), "cannot be separated"),
        (b"\x7fELF" + bytes(5000), "cannot be separated"),
    ],
)
def test_rates_channels_and_nonsense(server, nothing_left, data, words):
    status, message = upload(server, data, "a.wav")
    assert status == 415
    assert words in message
    assert "/" not in message


@pytest.mark.parametrize("bad", ["segfault", "abort", "endless_memory", "hang", "fill_disk", "lie"])
def test_a_decoder_that_dies_or_hangs(server, sound, monkeypatch, nothing_left, bad):
    monkeypatch.setattr("webapp.asked._PROBE_SECONDS", 0.5 if bad == "hang" else 600)
    monkeypatch.setattr(decoding, "probe", getattr(strangers, bad))
    status, message = upload(server, sound, "a.wav")
    assert status == {"endless_memory": 413, "fill_disk": 500}.get(bad, 415), message
    assert served.ask(server.address, "/health")[0] == 200


def test_a_decoder_that_dies_while_the_song_is_read(server, sound, monkeypatch):
    monkeypatch.setattr(decoding, "decode", strangers.segfault)
    _, job = served.post(server.address, ("song", sound, "a.wav"))
    job = served.until(server.address, job["id"])
    assert job["state"] == "failed"
    assert job["message"] == "This could not be read: it made the program that reads it fail."
    monkeypatch.undo()
    _, job = served.post(server.address, ("song", sound, "a.wav"))
    assert served.until(server.address, job["id"])["state"] == "done"


def test_a_process_that_is_deaf_to_its_alarm_is_ended(monkeypatch):
    monkeypatch.setattr(sandbox, "_PATIENCE", 0.2)
    limits = Limits(2**28, 0.3, 2**20)
    with pytest.raises(Refused) as refused:
        sandbox.run(strangers.hang_deaf, (), limits)  # which would never come back
    assert refused.value.status == 415


@pytest.mark.slow
def test_a_forkserver_that_was_killed_begins_again(server, sound):
    from multiprocessing import forkserver

    served.post(server.address, ("song", sound, "a.wav"))
    os.kill(forkserver._forkserver._forkserver_pid, 9)
    status, _ = served.post(server.address, ("song", sound, "a.wav"))
    if status != 202:  # it was still dying
        status, _ = served.post(server.address, ("song", sound, "a.wav"))
    assert status == 202


@pytest.mark.slow
def test_many_bad_files_at_once_are_looked_at_a_few_at_a_time(server, sound, monkeypatch):
    monkeypatch.setattr("webapp.asked._PROBE_SECONDS", 0.4)
    monkeypatch.setattr(decoding, "probe", strangers.hang)
    running, most = threading.Lock(), [0, 0]
    real = sandbox.run

    def run(function, *arguments):
        looked_at = function is strangers.hang  # what came before may be decoded still
        with running:
            most[0] += looked_at
            most[1] = max(most)
        try:
            return real(function, *arguments)
        finally:
            with running:
                most[0] -= looked_at

    monkeypatch.setattr(sandbox, "run", run)
    threads = [threading.Thread(target=upload, args=(server, sound)) for _ in range(20)]
    for thread in threads:
        thread.start()
    answered = 0
    while any(thread.is_alive() for thread in threads):
        assert served.ask(server.address, "/health")[0] == 200
        answered += 1
    assert 1 < most[1] <= 8
    assert answered > 1  # while the files were looked at, for 0.4 s of a processor each


def test_what_is_clipped_is_told(tmp_path):
    loud, target = tmp_path / "loud.wav", tmp_path / "mixture.wav"
    sound = song(0.5)
    soundfile.write(loud, 2 * sound / np.abs(sound).max(), 44100, "FLOAT")
    said = decoding.decode(str(loud), str(target), 60, lambda share: None)["warning"]
    assert said == "It is up to 6.0 dB louder than full scale, and clipped there."
    assert np.abs(soundfile.read(target)[0]).max() == pytest.approx(1, abs=1e-6)


def test_what_is_missing_of_a_cut_file_is_told(tmp_path):
    whole = strangers.short()
    cut, target = tmp_path / "cut.wav", tmp_path / "mixture.wav"
    cut.write_bytes(whole[: len(whole) // 2])
    sound = decoding.decode(str(cut), str(target), 60, lambda share: None)
    said = r"Not all of the file could be read: the file is cut: [\d.]+ of [\d.]+ s could be read\."
    assert re.fullmatch(said, sound["warning"])
    assert soundfile.info(target).duration == pytest.approx(sound["seconds"])
    cut.write_bytes(whole[:44])
    with pytest.raises(Refused, match="^This file cannot be separated: [^/]*$"):
        decoding.decode(str(cut), str(target), 60, lambda share: None)
