"""Videos are fetched from a server of the test's own, through yt-dlp itself.

Three ways lead past YouTube's servers: a rule opened for yt-dlp's generic extractor, one for an extractor of the
test's (`SongsIE`), and YouTube's own extractor with what YouTube would answer put in its place.
"""

import os
import re
import socket

import numpy as np
import pytest

from splitstrument import youtube
from splitstrument.files.audio import read
from tests.audio_files import song, write_sound

yt_dlp = pytest.importorskip("yt_dlp")
from tests.video_server import ENDLESS, MEGABYTE, SongsIE, serving  # noqa: E402

ID = "dQw4w9WgXcQ"
WATCH = f"https://www.youtube.com/watch?v={ID}"


@pytest.fixture(scope="module")
def ogg(tmp_path_factory):
    path = write_sound(tmp_path_factory.mktemp("ogg") / "a.ogg", song(20.0), format="OGG", subtype="VORBIS")
    assert len(path.read_bytes()) > 3 << 16  # several blocks
    return path


@pytest.fixture
def server(ogg, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(ogg.read_bytes()) as served:
        yield served


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "fetched"
    path.mkdir()
    return path


@pytest.fixture
def opened(server):
    return youtube.Rule(("generic",), server.address(""))


@pytest.fixture
def songs(server, monkeypatch):
    """Sets what the extractor `SongsIE` finds; gives the rule and the link for it."""
    yt_dlp.extractor.gen_extractor_classes()
    monkeypatch.setitem(yt_dlp.globals.extractors.value, "SongsIE", SongsIE)

    def found(**video):
        monkeypatch.setattr(SongsIE, "found", video)
        return youtube.Rule(("songs",), server.address("")), server.address("songs")

    return found


def get(link, folder, rule, most_bytes=MEGABYTE, most_seconds=600, **more):
    return youtube.fetch(link, folder, most_bytes, most_seconds, rule=rule, **more)


def refused(status, message, link, folder, rule, **more):
    """A fetch that is refused so, and leaves nothing."""
    with pytest.raises(youtube.LinkError, match=message) as caught:
        get(link, folder, rule, **more)
    assert caught.value.status == status
    assert re.fullmatch("[A-Z].*[.]", caught.value.message)  # a sentence, of one line
    assert list(folder.iterdir()) == []
    return caught.value.message


# Fetching


@pytest.mark.parametrize("path", ["song.ogg", "lengthless.ogg", "slow.ogg"])
def test_fetch(path, server, folder, opened, ogg, capfd):
    shares = []
    file, title = get(server.address(path), folder, opened, tell=shares.append)
    assert (file, title) == (folder / "sound", path[:-4])
    assert list(folder.iterdir()) == [file]
    assert file.read_bytes() == ogg.read_bytes()
    np.testing.assert_array_equal(read(file)[0], read(ogg)[0])  # a name without an ending is enough
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5
    assert shares[-1] == 1
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize("link", ["song.ogg", None, "https://www.youtube.com/playlist?list=PL0123456789"])
def test_fetch_checks_the_link_again(link, server, folder):
    link = server.address("song.ogg") if link == "song.ogg" else link or "file:///etc/passwd"
    refused(400, "link", link, folder, youtube.YOUTUBE)
    assert server.asked == []


@pytest.mark.parametrize("path", ["endless.ogg", "more.ogg"])
def test_fetch_stops_what_does_not_end(path, server, folder, opened):
    shares = []
    message = refused(413, "too large", server.address(path), folder, opened, tell=shares.append)
    assert message == "The video is too large: its audio has more than 1 MB."
    assert len(shares) == MEGABYTE // (1 << 16)  # counted often, and not once after it was too much
    assert max(shares) <= 1
    server.closing.set()
    assert server.sent < ENDLESS / 4


def test_fetch_takes_no_more_than_the_most_bytes(server, folder, opened, ogg):
    size = len(ogg.read_bytes())
    for path in ("song.ogg", "lengthless.ogg"):
        refused(413, "too large", server.address(path), folder, opened, most_bytes=size - 1)
        file, _ = get(server.address(path), folder, opened, most_bytes=size)
        file.unlink()


def test_fetch_believes_a_length_that_is_too_large(server, folder, opened):
    shares = []
    refused(413, "too large", server.address("huge.ogg"), folder, opened, tell=shares.append)
    assert shares == []


@pytest.mark.parametrize(
    "path, message",
    [
        ("less.ogg", "The connection to YouTube failed"),
        ("empty.ogg", "YouTube sent no audio"),
        ("gone.ogg", "HTTP Error 404: Not Found.$"),
        ("busy.ogg", "limiting requests"),
        ("page.html", "did not provide this video: Unsupported URL"),
    ],
)
def test_fetch_of_what_a_server_has_not(path, message, server, folder, opened, capfd):
    refused(502, message, server.address(path), folder, opened)
    assert server.asked  # it was the server that had it not
    assert "".join(capfd.readouterr()) == ""


def test_fetch_does_not_wait_for_a_server_that_says_no_more(server, folder, opened, monkeypatch):
    monkeypatch.setattr(youtube, "_PATIENCE", 0.2)
    refused(502, "The connection to YouTube failed", server.address("silent.ogg"), folder, opened)
    assert not server.gave_up  # the client gave up first


def test_fetch_goes_on_where_the_connection_broke(server, folder, songs, ogg):
    rule, link = songs(url=server.address("broken.ogg"), ext="ogg")
    file, _ = get(link, folder, rule)
    assert file.read_bytes() == ogg.read_bytes()
    assert server.asked == 2 * ["/broken.ogg"]


def test_fetch_without_a_network(folder, monkeypatch):
    """With the rule of YouTube, and nobody at the proxy's port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    refused(502, "The connection to YouTube failed", WATCH, folder, youtube.YOUTUBE)


def test_fetch_follows_a_redirect_of_the_file_alone(server, folder, opened, songs, ogg):
    refused(422, "not lead to a single video", server.address("moved.ogg"), folder, opened)
    rule, link = songs(url=server.address("moved.ogg"), ext="ogg")
    file, _ = get(link, folder, rule)
    assert file.read_bytes() == ogg.read_bytes()


def test_fetch_is_not_led_to_a_file(server, folder, songs):
    rule, link = songs(url=server.address("away.ogg"), ext="ogg")
    refused(502, "YouTube", link, folder, rule)
    assert "/away.ogg" in server.asked
    rule, link = songs(url="file:///etc/passwd", ext="ogg")
    refused(502, "YouTube", link, folder, rule)


def test_fetch_ends_with_the_one_who_asked(server, folder, opened):
    """What `tell` raises goes through yt-dlp as it is, also what yt-dlp takes for a fault of the disk."""
    for error in (BrokenPipeError("gone"), ValueError("gone"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught:
            get(
                server.address("endless.ogg"),
                folder,
                opened,
                tell=lambda share, error=error: (_ for _ in ()).throw(error),
            )
        assert caught.value is error
        assert list(folder.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk to write to")
@pytest.mark.parametrize("path", ["song.ogg", "small.ogg"])
def test_fetch_tells_a_full_disk_from_youtube(path, server, folder, opened):
    if path == "small.ogg":
        server.song = server.song[:100]  # written only as the file is closed
    (folder / "sound.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        get(server.address(path), folder, opened)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "found, status, message",
    [
        ({"duration": 601}, 413, "^The video is too long: 11 minutes; the limit is 10.$"),
        ({"duration": 36000}, 413, "^The video is too long: 600 minutes; the limit is 10.$"),
        ({"is_live": True}, 422, "live stream"),
        ({"live_status": "is_live"}, 422, "live stream"),
        ({"live_status": "is_upcoming"}, 422, "live stream"),
        ({"live_status": "post_live"}, 422, "live stream"),
        ({"_type": "playlist", "entries": "here"}, 422, "not lead to a single video"),
        ({"_type": "url"}, 422, "not lead to a single video"),
        ({"_type": "url_transparent"}, 422, "not lead to a single video"),
    ],
)
def test_fetch_refuses_before_the_download(found, status, message, server, folder, songs):
    found = {"url": server.address("song.ogg"), "ext": "ogg", **found}
    if "entries" in found:
        found["entries"] = [{"id": str(index), "title": "", "url": found["url"], "ext": "ogg"} for index in range(3)]
    rule, link = songs(**found)
    refused(status, message, link, folder, rule)
    assert server.asked == []


@pytest.mark.parametrize(
    "found", [{"duration": 600}, {"duration": None}, {"live_status": "was_live", "is_live": False}]
)
def test_fetch_takes_what_is_short_and_finished(found, server, folder, songs, ogg):
    rule, link = songs(url=server.address("song.ogg"), ext="ogg", **found)
    assert get(link, folder, rule)[0].read_bytes() == ogg.read_bytes()
    assert server.asked == ["/song.ogg"]


def test_fetch_prefers_sound_of_two_channels_in_one_file(server, folder, songs):
    def stream(name, **more):
        return {"format_id": name, "url": server.address(name), "ext": "mp4", "acodec": "aac", "vcodec": "none", **more}

    pieces = stream("list.m3u8", protocol="m3u8_native", tbr=999)
    streams = [
        stream("song.lesser", abr=50, audio_channels=2),
        stream("song.picture", vcodec="avc1", height=2160, tbr=9999),
        stream("song.cinema", abr=500, audio_channels=6),
        stream("song.sound", abr=128, audio_channels=2),
        pieces,
    ]
    for first in ("song.sound", "song.lesser", "song.cinema", "song.picture"):
        server.asked.clear()
        rule, link = songs(formats=[dict(each) for each in streams])
        get(link, folder, rule)[0].unlink()
        assert server.asked == [f"/{first}"]
        streams = [each for each in streams if each["format_id"] != first]
    rule, link = songs(formats=[pieces])
    refused(502, "YouTube sent no audio", link, folder, rule)


@pytest.mark.parametrize(
    "title, cleaned",
    [
        ("../../etc/passwd", "../../etc/passwd"),
        ("%(id)s $HOME ~", "%(id)s $HOME ~"),
        (" two\nlines\x1b[31m\tand\x00 more ", "two lines [31m and more"),
        ("half \ud83d", "half ?"),
        (300 * "long ", (40 * "long ")),
        ("Ünïcode \u266b", "Ünïcode \u266b"),
    ],
)
def test_fetch_takes_the_title_but_not_the_name(title, cleaned, server, folder, songs):
    rule, link = songs(url=server.address("song.ogg"), ext="ogg", id="../../x", title=title)
    assert get(link, folder, rule) == (folder / "sound", cleaned)
    assert list(folder.iterdir()) == [folder / "sound"]


def test_fetch_leaves_the_file_as_it_came(server, folder, songs, ogg):
    """yt-dlp would give this kind to an ffmpeg program, if there is one."""
    rule, link = songs(url=server.address("song.m4a"), ext="m4a", container="m4a_dash", vcodec="none")
    assert get(link, folder, rule)[0].read_bytes() == ogg.read_bytes()


@pytest.mark.parametrize("left", ["sound", "sound.part"])
def test_fetch_keeps_nothing_of_one_that_was_killed(left, server, folder, songs, ogg):
    (folder / left).write_bytes(b"old")
    rule, link = songs(url=server.address("song.ogg"), ext="ogg")
    assert get(link, folder, rule)[0].read_bytes() == ogg.read_bytes()
    assert list(folder.iterdir()) == [folder / "sound"]


def test_fetch_loads_no_plugins(server, folder, opened, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(yt_dlp.globals.all_plugins_loaded, "value", False)
    monkeypatch.setattr(yt_dlp.globals.plugin_dirs, "value", ["default"])
    plugin = tmp_path / "yt_dlp_plugins" / "extractor" / "evil.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f"open({str(tmp_path / 'loaded')!r}, 'w')")
    get(server.address("song.ogg"), folder, opened)
    assert not (tmp_path / "loaded").exists()


def test_only_the_extractor_of_youtube_runs(folder):
    told = youtube._parameters(folder, youtube.YOUTUBE, youtube._Log())
    with yt_dlp.YoutubeDL(told) as downloader:
        assert list(downloader._ies) == ["Youtube"]
        assert not downloader.cache.enabled
        assert len(downloader.cookiejar) == 0
        for link in (f"https://www.youtube.com/playlist?list=PL{ID}", "https://example.com/a.mp3", "ytsearch:song"):
            with pytest.raises(yt_dlp.utils.DownloadError, match="No suitable extractor"):
                downloader.extract_info(link, download=False)


# YouTube's own extractor


@pytest.fixture
def answers(monkeypatch, server):
    """Sets what YouTube answers the extractor, in its own words."""
    from yt_dlp.extractor.youtube import _video

    def answered(reason=None, more=None, details=None, sound=None, cameras=()):
        texts = {"reason": {"simpleText": reason}, "subreason": {"simpleText": more or ""}}
        response = {
            "playabilityStatus": {"reason": reason, "errorScreen": {"playerErrorMessageRenderer": texts}},
            "videoDetails": {"videoId": ID, "title": "A song", "lengthSeconds": "20", **(details or {})},
            "multicamera": {"playerLegacyMulticameraRenderer": {"metadataList": ",".join(cameras)}},
        }
        if sound:
            opus = {"itag": 251, "mimeType": 'audio/webm; codecs="opus"', "audioQuality": "AUDIO_QUALITY_MEDIUM"}
            response["streamingData"] = {
                "hlsManifestUrl": server.address("list.m3u8"),
                "dashManifestUrl": server.address("list.mpd"),
                "adaptiveFormats": [{**opus, "url": server.address(sound), "audioChannels": 2}],
                _video.STREAMING_DATA_CLIENT_NAME: "visionos",
                _video.STREAMING_DATA_FETCH_GVS_PO_TOKEN: lambda **_: None,
                _video.STREAMING_DATA_FETCH_SUBS_PO_TOKEN: lambda **_: None,
                _video.STREAMING_DATA_IS_PREMIUM_SUBSCRIBER: False,
                _video.STREAMING_DATA_PLAYER_TOKEN_PROVIDED: False,
                _video.STREAMING_DATA_AVAILABLE_AT_TIMESTAMP: None,
            }
        got = (None, {}, {}, False, [response], None)
        monkeypatch.setattr(_video.YoutubeIE, "_initial_extract", lambda self, *_: got)

    return answered


BOT = "^YouTube asks for proof that this is not a robot. Try again later, or use a file.$"
MEMBERS = "Join this channel to get access to members-only content"
ENDED = "This video is no longer available because the YouTube account associated with this video has been"
OLD = "The following content is not available on this app.. Watch on the latest version of YouTube"


@pytest.mark.parametrize(
    "reason, more, status, message",
    [
        ("Sign in to confirm you\u2019re not a bot", None, 502, BOT),
        ("Sign in to confirm you're not a bot", None, 502, BOT),
        ("This content isn't available, try again later.", None, 502, "limiting requests"),
        ("Private video", "Sign in if you've been granted access to this video", 422, "^This video is private.$"),
        ("This video is private", None, 422, "^This video is private.$"),
        ("This video is age-restricted and only available on YouTube", None, 422, "age-restricted"),
        ("Sign in to confirm your age", "This video may be inappropriate for some users.", 422, "age-restricted"),
        (f"{MEMBERS} like this video, and other exclusive perks.", None, 422, "only for members"),
        (f"This video is available to this channel's members on level: Fan. {MEMBERS}.", None, 422, "only for members"),
        ("This live event will begin in 2 days.", None, 422, "live stream"),
        ("Premiere will begin shortly", None, 422, "live stream"),
        ("Premieres in 6 hours", None, 422, "live stream"),
        ("This live stream recording is not available.", None, 422, "is unavailable"),
        ("Video unavailable", None, 422, "is unavailable"),
        ("Video unavailable", f"{ENDED} terminated.", 422, "is unavailable"),
        ("This content isn\u2019t available.", None, 422, "is unavailable"),
        ("This video has been removed by the uploader", None, 422, "is unavailable"),
        ("This video has been removed for violating YouTube's Terms of Service", None, 422, "is unavailable"),
        ("Video unavailable", "The uploader has not made this video available in your country", 422, "country"),
        (
            "Video unavailable",
            "It contains content from SME, who has blocked it on copyright grounds",
            422,
            "copyright",
        ),
        ("Video unavailable", "It contains content from SME, who has blocked it in your country on", 422, "country"),
        ("This video is no longer available due to a copyright claim by WMG", None, 422, "copyright"),
        ("This video requires payment to watch", None, 422, "paid for"),
        ("This video is only available to Music Premium members", None, 422, "paid for"),
        (f"{OLD}.", None, 502, f"^YouTube did not provide this video: {OLD}.$"),
        ("Please sign in", None, 502, "^YouTube did not provide this video: Please sign in.$"),
        (None, None, 502, "YouTube sent no audio"),
    ],
)
def test_fetch_says_why_youtube_does_not_give_a_video(reason, more, status, message, answers, server, folder):
    answers(reason, more)
    refused(status, message, WATCH, folder, youtube.YOUTUBE)
    assert server.asked == []


def test_fetch_from_youtube(answers, server, folder, ogg):
    answers(sound="song.webm")
    file, title = get(f"youtu.be/{ID}?list=PL0123456789", folder, youtube.YOUTUBE)
    assert (file.read_bytes(), title) == (ogg.read_bytes(), "A song")
    assert server.asked == ["/song.webm"]


def test_fetch_takes_one_of_the_videos_of_several_cameras(answers, server, folder):
    answers(sound="song.webm", cameras=[f"id={ID}&title=left", "id=xxxxxxxxxxx&title=right"])
    get(WATCH, folder, youtube.YOUTUBE)
    assert server.asked == ["/song.webm"]


def test_fetch_from_youtube_in_several_requests(answers, server, folder):
    """As yt-dlp does it with YouTube, 10 MiB at a time: they are counted as one file."""
    server.song = np.random.default_rng(0).bytes(25 << 20)
    answers(sound="song.webm")
    shares = []
    file, _ = get(WATCH, folder, youtube.YOUTUBE, most_bytes=25 << 20, tell=shares.append)
    assert file.read_bytes() == server.song
    assert len(server.asked) > 2
    assert shares == sorted(shares)
    assert (shares[0] < 0.01, shares[-1]) == (True, 1)
    file.unlink()
    refused(413, "too large", WATCH, folder, youtube.YOUTUBE, most_bytes=(25 << 20) - 1)


@pytest.mark.parametrize(
    "details, code, message",
    [
        ({"lengthSeconds": "601"}, 413, "^The video is too long: 11 minutes; the limit is 10.$"),
        ({"isLive": True, "isLiveContent": True}, 422, "live stream"),
        ({"isUpcoming": True}, 422, "live stream"),
        ({"isPostLiveDvr": True}, 422, "live stream"),
    ],
)
def test_fetch_refuses_by_what_youtube_says_of_a_video(details, code, message, answers, server, folder):
    answers(details=details, sound="song.webm")
    refused(code, message, WATCH, folder, youtube.YOUTUBE)
    assert server.asked == []


def test_fetch_stops_an_endless_video_of_youtube(answers, server, folder):
    answers(sound="endless.webm")
    refused(413, "too large", WATCH, folder, youtube.YOUTUBE)
    server.closing.set()
    assert server.sent < ENDLESS / 4


@pytest.mark.parametrize(
    "text, warnings, message",
    [
        (
            f"ERROR: [youtube] {ID}: Wait. YouTube is requiring a captcha challenge before playback",
            [],
            "YouTube asks for proof that this is not a robot. Try again later, or use a file.",
        ),
        (
            f"ERROR: [youtube] {ID}: This video is DRM protected",
            [],
            "This video is copy-protected (DRM).",
        ),
        (
            "ERROR: [youtube] All player responses are invalid. Your IP is likely being blocked by Youtube",
            [],
            "YouTube asks for proof that this is not a robot. Try again later, or use a file.",
        ),
        (
            f"ERROR: [youtube] {ID}: Failed to extract any player response; please report this issue on  https://a.b/c",
            ["other", f"[youtube] {ID}: HTTP Error 429: Too Many Requests (caused by <HTTPError 429>)"],
            "YouTube is limiting requests. Try again later, or use a file.",
        ),
        (
            f"ERROR: [youtube] {ID}: Failed to extract any player response; please report this issue on  https://a.b/c",
            [f"[youtube] {ID}: Unable to download API page: timed out (caused by TransportError('timed out'))"],
            "The connection to YouTube failed. Try again later, or use a file.",
        ),
        (
            f"ERROR: [youtube] {ID}: Failed to extract any player response; please report this issue on  https://a.b/c",
            [],
            "YouTube did not provide this video: Failed to extract any player response.",
        ),
        (
            f"ERROR: [youtube] {ID}: The page needs to be reloaded.",
            ["HTTP Error 429: Too Many Requests"],  # of something else
            "YouTube did not provide this video: The page needs to be reloaded.",
        ),
        (
            "ERROR: unable to download video data: HTTP Error 403: Forbidden",
            [],
            "YouTube did not provide this video: unable to download video data: HTTP Error 403: Forbidden.",
        ),
        (
            f"ERROR: [youtube] {ID}: Unable to extract it; please report this issue on  https://github.com/yt-dlp/yt-dlp"
            "/issues?q= , filling out the appropriate issue template. Confirm you are on the latest version",
            [],
            "YouTube did not provide this video: Unable to extract it.",
        ),
        ("ERROR: ", [], "YouTube did not provide this video: no reason given."),
        ("ERROR: " + 900 * "x", [], "YouTube did not provide this video: " + 200 * "x" + "."),
    ],
)
def test_refusal_of_other_messages(text, warnings, message):
    assert youtube._refusal(yt_dlp.utils.DownloadError(text), warnings).message == message


@pytest.mark.parametrize(
    "name", ["TransportError", "SSLError", "CertificateVerifyError", "ProxyError", "IncompleteRead"]
)
def test_refusal_of_a_connection_that_failed(name):
    assert hasattr(yt_dlp.networking.exceptions, name)
    error = yt_dlp.utils.DownloadError(f"ERROR: [youtube] {ID}: Unable to download API page: x (caused by {name}('x'))")
    refusal = youtube._refusal(error, [])
    assert (refusal.status, refusal.message[:32]) == (502, "The connection to YouTube failed")
