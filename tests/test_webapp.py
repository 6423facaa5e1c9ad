"""What the pages are drawn from: peaks, spectrograms, the samples of a WAV; titles; and a job from a link."""

import functools
import http.server
import json
import re
import threading

import numpy as np
import pytest
import soundfile

from tests import audio_files, served, strangers

pytest.importorskip("web")

from splitstrument import youtube
from webapp import settings, uploads
from webapp.pages import site, spectrogram_image, wav  # noqa: E402
from webapp.pages.peaks import Peaks  # noqa: E402


@pytest.mark.parametrize("frames, columns", [(44100, 1200), (1200, 1200), (1201, 1200), (7, 7)])
def test_peaks_are_those_of_each_column(frames, columns):
    sound = audio_files.song(frames / 44100)[:frames]
    peaks = Peaks(frames)
    for start in range(0, frames, 1000):
        peaks.add(sound[start : start + 1000])
    values = peaks.values()
    assert len(values) == 2 * columns
    owner = np.arange(frames) * columns // frames
    for column in (0, columns // 2, columns - 1):
        own = sound[owner == column]
        assert values[2 * column] == pytest.approx(min(0, own.min()), abs=1e-4)
        assert values[2 * column + 1] == pytest.approx(max(0, own.max()), abs=1e-4)


def test_peaks_of_more_sound_than_was_said_stay_in_the_last_column():
    peaks = Peaks(10)
    peaks.add(np.zeros((10, 1), np.float32))
    peaks.add(np.full((5, 1), 0.5, np.float32))
    assert peaks.values()[-1] == 0.5


@pytest.mark.parametrize("rate, seconds", [(44100, 4), (8000, 300)])  # of the longer one not all frames are drawn
def test_a_spectrogram_has_a_tone_where_and_when_it_sounds(rate, seconds):
    hertz = 1000.0
    time = np.arange(seconds * rate) / rate
    sound = (np.sin(2 * np.pi * hertz * time) * (time >= seconds / 2)).astype(np.float32)[:, None]
    spectrogram = spectrogram_image.Spectrogram(len(sound), rate, 1)
    for start in range(0, len(sound), 5000):
        spectrogram.add(sound[start : start + 5000])
    power = spectrogram.finish()
    columns = len(power)
    row = int(power.sum(axis=0).argmax())
    low, high = spectrogram_image.LOWEST, rate / 2
    expected = np.log(hertz / low) / np.log(high / low) * spectrogram_image.HEIGHT
    assert abs(row - expected) < 3
    first = int((power[:, row] > power[:, row].max() / 10).argmax())
    assert abs(first - columns / 2) < columns / 40


@pytest.mark.parametrize("frames", [1, 100, 5000])
def test_short_sounds_have_pictures_too(tmp_path, frames):
    spectrogram = spectrogram_image.Spectrogram(frames, 8000, 2)
    spectrogram.add(np.full((frames, 2), 0.1, np.float32))
    power = spectrogram.finish()
    assert np.isfinite(power).all()
    spectrogram_image.save(tmp_path / "p.png", power, float(power.max()))
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("subtype, dtype, scale", [("PCM_16", "<i2", 2**15), ("FLOAT", "<f4", 1)])
def test_the_samples_lie_where_the_layout_says(tmp_path, subtype, dtype, scale):
    sound = audio_files.song(0.1)
    path = audio_files.write_sound(tmp_path / "a.wav", sound, subtype=subtype)
    found = wav.layout(path)
    data = np.frombuffer(path.read_bytes()[found["offset"] :], dtype, count=found["frames"] * found["channels"])
    assert np.array_equal(data.reshape(-1, 2) / scale, soundfile.read(path)[0])


@pytest.mark.parametrize(
    "name, title",
    [
        ("My song.mp3", "My song"),
        ("../../etc/passwd", "passwd"),
        ("C:\\music\\A\x00b\nc.flac", "A b c"),
        ("", "song"),
        ("....", "song"),
        ("x" * 5000 + ".wav", "x" * 120),
        ("Ä 曲.opus", "Ä 曲"),
    ],
)
def test_a_title_is_a_short_line(name, title):
    assert uploads.title_of(name) == title


@pytest.mark.slow
def test_a_link_becomes_a_result(tmp_path):
    pytest.importorskip("yt_dlp")
    (tmp_path / "web").mkdir()
    audio_files.write_sound(tmp_path / "web" / "video.ogg", audio_files.song(3))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "web")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as local:
        threading.Thread(target=local.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{local.server_port}/video.ogg"
        rule = youtube.Rule(("generic",), opened=address)
        with strangers.quickly(tmp_path, strangers.card(tmp_path / "tiny"), rule=rule) as server:
            status, job = served.post(server.address, ("youtube", address), ("song", b"no song", "a.mp3"))
            assert status == 202, job
            done = served.until(server.address, job["id"])
            assert done["state"] == "done", done
            assert done["seconds"] == pytest.approx(3, abs=0.01)
            status, _, file = served.ask(server.address, f"/api/jobs/{job['id']}/rest.wav")
            assert status == 200 and file.startswith(b"RIFF")
        local.shutdown()


def test_two_models_of_one_name_are_told_apart(tmp_path):
    folders = [tmp_path / name / "guitar" for name in ("ours", "theirs")]
    for folder in folders:
        folder.parent.mkdir()
        strangers.card(folder)
    with served.inside(tmp_path, models=tuple(map(str, folders))) as server:
        models = json.loads(served.ask(server.address, "/api/models")[2])["models"]
        assert [model["name"] for model in models] == [str(folder) for folder in folders]


def test_one_model_in_a_file_of_settings_needs_no_list(tmp_path):
    (tmp_path / "settings.yaml").write_text("models: piano\nminutes: 5\n")
    found = settings.read(tmp_path / "settings.yaml", {"minutes": 6.0, "port": None})
    assert (found.models, found.minutes, found.port) == (("piano",), 6.0, 8080)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("minutes: true", "minutes: must be a number, not true or false"),
        ("workers: true", "workers: must be a number, not true or false"),
        ("port: false", "port: must be a number, not true or false"),
        ("trusted_proxy: nonsense", "trusted_proxy: must be an IP address, not 'nonsense'"),
        ("trusted_proxy: proxy.example.org", "trusted_proxy: must be an IP address, not 'proxy.example.org'"),
    ],
)
def test_wrong_settings_are_named_with_their_file(tmp_path, text, said):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as error:
        settings.read(path, {})
    assert str(error.value) == f"{path}: {said}"


@pytest.mark.parametrize("proxy", ["nonsense", "*", "10.0.0.0/8"])  # waitress would believe everybody's headers with *
def test_wrong_settings_are_named_with_their_flag(proxy):
    with pytest.raises(ValueError) as error:
        settings.read(None, {"trusted_proxy": proxy, "port": 0})
    assert str(error.value) == f"--trusted-proxy: trusted_proxy: must be an IP address, not {proxy!r}"


def test_yes_and_no_stay_what_youtube_is(tmp_path):
    (tmp_path / "settings.yaml").write_text("youtube: no\n")
    assert settings.read(tmp_path / "settings.yaml", {}).youtube is False
    assert settings.read(tmp_path / "settings.yaml", {"youtube": "yes"}).youtube is True


@pytest.mark.parametrize(
    ("given", "kept"), [("", ""), ("10.0.0.1", "10.0.0.1"), ("0:0::1", "::1"), ("FD00::A", "fd00::a")]
)
def test_a_proxy_is_kept_as_the_server_writes_addresses(given, kept):
    assert settings.read(None, {"trusted_proxy": given}).trusted_proxy == kept


def test_scripts_and_styles_that_a_browser_has_are_not_sent_again(tmp_path):
    with served.inside(tmp_path, models=(str(strangers.card(tmp_path / "tiny")),)) as server:
        tags = {}
        for path in ("start.js", "job.js", "signalsmith-stretch.mjs", "style.css", "icon.svg", "song.ogg"):
            path = f"/static/{path}"
            status, headers, content = served.ask(server.address, path)
            tag = tags[path] = headers["ETag"]
            assert (status, headers["Cache-Control"], headers["Content-Length"]) == (200, "no-cache", str(len(content)))
            assert served.ask(server.address, path)[1]["ETag"] == tag
            for known in (tag, f"W/{tag}", f'"old", {tag}', "*"):
                for method in ("GET", "HEAD"):
                    status, headers, sent = served.ask(server.address, path, method, **{"If-None-Match": known})
                    assert (status, sent, headers["ETag"]) == (304, b"", tag)
                    assert (headers["Cache-Control"], headers["Content-Length"]) == ("no-cache", None)
            for known in ("", '"old"', tag.strip('"'), 'x"', '"' * 9000):
                assert served.ask(server.address, path, **{"If-None-Match": known})[::2] == (200, content)
        assert len(set(tags.values())) == len(tags)
        assert all(re.fullmatch('"[0-9a-f]{32}"', tag) for tag in tags.values())


def test_the_example_song_comes_with_the_page(server):
    status, headers, content = served.ask(server.address, "/static/song.ogg")
    assert (status, headers["Content-Type"]) == (200, "audio/ogg")
    assert content == (served.ROOT / "examples" / "song.ogg").read_bytes()


def test_only_the_player_may_compile_web_assembly(server, sound):
    _, job = served.post(server.address, ("song", sound, "a.wav"))
    start, player = (served.ask(server.address, path)[1] for path in ("/", f"/jobs/{job['id']}"))
    policy = start["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy and "unsafe" not in policy
    allowed = policy.replace("script-src 'self';", "script-src 'self' 'wasm-unsafe-eval';")
    assert player["Content-Security-Policy"] == allowed


def test_models_say_what_to_expect(tmp_path):
    with strangers.quickly(tmp_path, "guitar") as server:
        (model,) = json.loads(served.ask(server.address, "/api/models")[2])["models"]
        assert set(model) == {"name", "takes", "remainder", "example", "about"}
        assert model["about"].startswith("Takes the guitars out of a song.")


def test_an_etag_follows_the_content(tmp_path):
    (tmp_path / "a.js").write_text("first")
    wsgi = site.application((), {}, None, tmp_path)

    def ask(**headers):
        begun = []
        environ = {"PATH_INFO": "/static/a.js", "REQUEST_METHOD": "GET", "HTTP_HOST": "x"} | headers
        body = b"".join(wsgi(environ, lambda *answer: begun.extend(answer)))
        return begun[0], dict(begun[1])["ETag"], body

    status, first, body = ask()
    assert (status, body) == ("200 OK", b"first")
    (tmp_path / "a.js").write_text("other")
    status, second, body = ask(HTTP_IF_NONE_MATCH=first)
    assert (status, body) == ("200 OK", b"other") and second != first
