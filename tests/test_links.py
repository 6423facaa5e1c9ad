"""Which links name a video of YouTube: checked without a request."""

import pickle
import socket
import subprocess
import sys

import pytest

from splitstrument import youtube

ID = "dQw4w9WgXcQ"
WATCH = f"https://www.youtube.com/watch?v={ID}"


@pytest.fixture
def no_network(monkeypatch):
    def blocked(*_, **__):
        raise AssertionError("a link was to be checked, not followed")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, blocked)


@pytest.mark.parametrize(
    "link",
    [
        WATCH,
        f"http://www.youtube.com/watch?v={ID}",
        f"youtube.com/watch?v={ID}",
        f"HTTPS://WWW.YouTube.com/watch?v={ID}",
        f"https://m.youtube.com/watch?v={ID}",
        f"https://music.youtube.com/watch?v={ID}&si=abc",
        f"https://youtu.be/{ID}",
        f"youtu.be/{ID}?t=42",
        f"https://youtu.be/{ID}/?si=x#there",
        f"https://www.youtube.com/shorts/{ID}",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"https://www.youtube.com/embed/{ID}",
        f"https://www.youtube-nocookie.com/embed/{ID}?start=3",
        f"https://www.youtube.com/watch?list=PL0123456789&index=2&v={ID}&t=1s",
        f"https://www.youtube.com/watch/?v={ID}#v=other",
        f"  {WATCH}\n",
    ],
)
def test_address_is_built_anew_from_the_id(link, no_network):
    assert youtube.address(link) == WATCH


def test_address_keeps_every_letter_of_an_id(no_network):
    assert youtube.address("youtu.be/-_aZ09-_bY8") == "https://www.youtube.com/watch?v=-_aZ09-_bY8"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "   ",
        "a song",
        ID,
        "https://",
        "https://example.com/song.mp3",
        f"https://vimeo.com/watch?v={ID}",
        f"https://youtube.com.evil.com/watch?v={ID}",
        f"https://evil.com/youtube.com/watch?v={ID}",
        f"https://evil.com/?u=https://www.youtube.com/watch?v={ID}",
        f"https://notyoutube.com/watch?v={ID}",
        f"https://evil.youtube.com/watch?v={ID}",
        f"https://youtube.com./watch?v={ID}",
        f"https://user@youtube.com/watch?v={ID}",
        f"https://user:word@www.youtube.com/watch?v={ID}",
        f"https://youtube.com@evil.com/watch?v={ID}",
        f"https://youtube.com:443/watch?v={ID}",
        f"https://youtube.com:8080/watch?v={ID}",
        f"https://evil.com\\youtube.com/watch?v={ID}",
        f"https://youtube.com\\@evil.com/watch?v={ID}",
        f"https:\\\\youtube.com/watch?v={ID}",
        f"https:/youtube.com/watch?v={ID}",
        f"https:///youtube.com/watch?v={ID}",
        f"https://https://youtube.com/watch?v={ID}",
        f"//youtube.com/watch?v={ID}",
        f"https://xn--youtube-9ya.com/watch?v={ID}",
        f"https://y\u043eutube.com/watch?v={ID}",  # a Cyrillic o
        f"https://\uff59outube.com/watch?v={ID}",  # a wide y, which is a y to a browser
        f"https://youtube\u3002com/watch?v={ID}",  # a full stop, to a browser
        f"https://youtube\u2024com/watch?v={ID}",
        f"https://youtu\u200bbe.com/watch?v={ID}",
        f"https://you%74ube.com/watch?v={ID}",
        f"https://youtube.com%2f@evil.com/watch?v={ID}",
        f"https://you\ttube.com/watch?v={ID}",
        f"https://youtube.com/wat\nch?v={ID}",
        f"https://youtube.com/watch?v={ID}\x00",
        f"https://youtube.com/watch?v={ID} https://evil.com",
        f"https://youtube.com/watch?v={ID}&x=\u00e9",
        f"https://www.youtube.com/watch?v={ID}&x=" + 5000 * "a",
        5000 * "a",
        f"http://127.0.0.1/watch?v={ID}",
        f"http://127.0.0.1:8080/watch?v={ID}",
        f"http://localhost/watch?v={ID}",
        f"http://[::1]/watch?v={ID}",
        f"http://0x7f000001/watch?v={ID}",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        f"file://youtube.com/watch?v={ID}",
        f"ftp://youtube.com/watch?v={ID}",
        f"javascript://youtube.com/watch?v={ID}",
        "javascript:alert(1)",
        "data:audio/ogg;base64,T2dnUw==",
        f"ytsearch:{ID}",
        f"-v {WATCH}",
    ],
    ids=lambda link: ascii(link)[:60],
)
def test_address_refuses_what_is_not_youtube(link, no_network):
    with pytest.raises(youtube.LinkError, match="not a YouTube link") as caught:
        youtube.address(link)
    assert caught.value.status == 400
    assert len(caught.value.message) < 100


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=",
        "https://www.youtube.com/watch?list=PL0123456789",
        "https://www.youtube.com/playlist?list=PL0123456789",
        f"https://www.youtube.com/playlist?list=PL0123456789&v={ID}",
        "https://music.youtube.com/playlist?list=OLAK5uy_0123456789",
        "https://www.youtube.com/embed/videoseries?list=PL0123456789",
        "https://www.youtube.com/embed/live_stream?channel=UC0123456789",
        "https://www.youtube.com/@someone",
        "https://www.youtube.com/@someone/videos",
        "https://www.youtube.com/channel/UC0123456789",
        "https://www.youtube.com/c/someone",
        "https://www.youtube.com/user/someone/live",
        "https://www.youtube.com/results?search_query=song",
        f"https://www.youtube.com/redirect?q=http://evil.com/&v={ID}",
        f"https://www.youtube.com//evil.com/watch?v={ID}",
        f"https://www.youtube.com/{ID}",
        f"https://www.youtube.com/shorts/{ID}/{ID}",
        "https://youtu.be/",
        f"https://youtu.be/watch/{ID}",
    ],
)
def test_address_wants_one_video(link, no_network):
    with pytest.raises(youtube.LinkError, match="Use the link of one video") as caught:
        youtube.address(link)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "id", ["short", ID + "x", ID[:-1] + "%20", ID[:-1] + ".", "../../../etc", ID[:-1] + "%C3%A9", ID + "%0A", "a" * 90]
)
def test_address_refuses_a_wrong_id(id, no_network):
    for link in (f"https://www.youtube.com/watch?v={id}", f"https://youtu.be/{id.replace('/', '%2f')}"):
        with pytest.raises(youtube.LinkError, match="11 letters") as caught:
            youtube.address(link)
        assert caught.value.status == 400


def test_rule_is_closed_but_for_tests(no_network):
    rule = youtube.Rule(("generic",), "http://127.0.0.1:80/")
    assert youtube.address("http://127.0.0.1:80/song.ogg", rule) == "http://127.0.0.1:80/song.ogg"
    assert youtube.address(f"youtu.be/{ID}", rule) == WATCH
    for other in ("http://127.0.0.1:8080/song.ogg", "http://127.0.0.2:80/song.ogg"):
        with pytest.raises(youtube.LinkError, match="not a YouTube link"):
            youtube.address(other, rule)
    assert youtube.Rule(("youtube",), None) == youtube.YOUTUBE
    assert pickle.loads(pickle.dumps(rule)) == rule  # a fetch runs in a process of its own


def test_import_is_cheap():
    code = "import sys, splitstrument.youtube; sys.exit(any(name in sys.modules for name in ('yt_dlp', 'numpy', 'av')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
