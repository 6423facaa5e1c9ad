"""Downloads the audio of a YouTube link as a file, with yt-dlp as a library.

Only the 11 characters of the video's id are taken from a link, and the address is built from them; nothing else that a
person typed is sent anywhere. yt-dlp runs with only its YouTube extractor, without plugins, cookies, a cache or
settings files. It takes a stream that is one plain file, so no FFmpeg program is needed. If Deno and the package
yt-dlp-ejs are installed, it finds them by itself and can get more videos.
"""

import contextlib
import math
import re
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yt_dlp import YoutubeDL

_HOSTS = frozenset(
    ["youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "youtu.be", "www.youtube-nocookie.com"]
)
# Only a host before the path: no user, no port, no backslash, no letters outside ASCII.
_LINK = re.compile(r"(?:https?://)?(?P<host>[a-z.-]+)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?", re.I)
_PLAIN = re.compile(r"[!-\[\]-~]{1,2000}")
_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_NO_VIDEOS = ("videoseries", "live_stream")  # an embedded playlist and a channel's live stream, as long as an id

_NAME = "sound"
_DIRECT = "[protocol~='^https?$']"
_FORMAT = f"ba{_DIRECT}[audio_channels<=?2]/ba{_DIRECT}/b{_DIRECT}"
_BLOCK = 1 << 16  # bytes read between two counts
_PATIENCE = 20  # seconds without a byte

_LIVE = "This is a live stream, or it has only just ended. Use the link of a finished video."
_NO_SOUND = "YouTube sent no audio for this video. Try again later, or use a file."
# Patterns in yt-dlp's messages, in lower case -> our line. The first match counts: it may have words of a later one.
_HINDERED = {
    "not a bot|captcha challenge|ip is likely being blocked": (
        "YouTube asks for proof that this is not a robot. Try again later, or use a file."
    ),
    "rate-limited|http error 429": "YouTube is limiting requests. Try again later, or use a file.",
    "got error: |caused by (?:transport|ssl|certificate|proxy|incomplete)": (
        "The connection to YouTube failed. Try again later, or use a file."
    ),
    "requested format is not available|no video formats found|did not get any data": _NO_SOUND,
}
_NOT_TO_BE_HAD = {
    "confirm your age|age-restricted": "This video is age-restricted.",
    "members-only": "This video is only for members of its channel.",
    "private video|video is private": "This video is private.",
    "requires payment|premium members": "This video must be paid for.",
    "drm protected": "This video is copy-protected (DRM).",
    "live event (?:will|has)|premieres in|premiere will begin": _LIVE,
    "in your country": "This video is not available in this computer's country.",
    "copyright": "This video is blocked or removed for copyright reasons.",
    "video (?:is )?unavailable|(?:video|recording) is(?:n't| not) available|content isn't available"
    "|been removed|no longer available|been terminated|does not exist": (
        "YouTube says that this video is unavailable: it was removed or never existed."
    ),
}
# From here on, yt-dlp's message is advice for users of its command line.
_ADVICE = re.compile(
    r"[.;,]?\s+(?:\(caused by|Use --|(?i:please report)|See +https?:|Also see|You might want|For more|Confirm you are)"
)


class LinkError(Exception):
    """Why a link gives no audio: a `message` of one sentence for people, and the matching HTTP `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class Rule:
    """Which of yt-dlp's extractors may run, and for which links.

    `opened` is only for tests: links that begin with it are accepted unchanged, in addition to YouTube's.
    """

    extractors: tuple[str, ...] = ("youtube",)
    opened: str | None = None


YOUTUBE = Rule()


def address(link: str, rule: Rule = YOUTUBE) -> str:
    """The address of the video that a link names. Sends no request. Raises LinkError."""
    link = link.strip()
    if rule.opened and link.startswith(rule.opened):
        return link
    parts = _LINK.fullmatch(link) if _PLAIN.fullmatch(link) else None
    if parts is None or parts["host"].lower() not in _HOSTS:
        raise LinkError(400, "This is not a YouTube link.")
    path = parts["path"] or "/"
    if parts["host"].lower() == "youtu.be":
        form = re.fullmatch("/(?P<id>[^/]+)/?", path)
    else:
        form = re.fullmatch("/(?:shorts|embed|live)/(?P<id>[^/]+)/?", path)
    video = form and form["id"]
    if path.rstrip("/") == "/watch":
        video = urllib.parse.parse_qs(parts["query"] or "").get("v", [None])[0]
    if video is None or video in _NO_VIDEOS:
        raise LinkError(400, "This link is not for a single video. Use the link of one video.")
    if not _ID.fullmatch(video):
        raise LinkError(400, "This link is not for a video: the id of a video has 11 letters, digits, - and _.")
    return f"https://www.youtube.com/watch?v={video}"


def look(link: str, rule: Rule = YOUTUBE) -> tuple[str, float | None]:
    """(title, seconds or None) of the video that `link` names, without downloading it. Raises LinkError."""
    with _downloader(Path(), rule) as downloader:
        return _checked(downloader.extract_info(address(link, rule), download=False, process=False), math.inf)


def fetch(
    link: str,
    folder: str | Path,
    most_bytes: float = math.inf,
    most_seconds: float = math.inf,
    tell: Callable[[float], object] = lambda share: None,
    rule: Rule = YOUTUBE,
) -> tuple[Path, str]:
    """Download the audio of the video that `link` names into `folder`, which must be only for it: (file, title).

    `tell` is called with the downloaded share (0 to 1). Raises LinkError. After any error no file is left.
    """
    folder = Path(folder)

    def count(state: dict[str, Any]) -> None:
        done, total = state.get("downloaded_bytes") or 0, state.get("total_bytes")
        if max(done, total or 0) > most_bytes:
            raise LinkError(413, f"The video is too large: its audio has more than {round(most_bytes / 1e6, 1):g} MB.")
        tell(min(1.0, done / (total or most_bytes)))

    try:
        with _downloader(folder, rule, count) as downloader:
            # Not processed, so nothing that the link leads to, such as a playlist or another site, is followed.
            video = downloader.extract_info(address(link, rule), download=False, process=False)
            title, _ = _checked(video, most_seconds)
            downloader.process_ie_result(video, download=True)
        if not (folder / _NAME).is_file():
            raise LinkError(502, _NO_SOUND)
        return folder / _NAME, title
    except BaseException:
        for file in folder.iterdir():
            file.unlink()
        raise


@contextlib.contextmanager
def _downloader(folder: Path, rule: Rule, *hooks: Callable[[dict[str, Any]], None]) -> Iterator["YoutubeDL"]:
    """yt-dlp, which writes into `folder`. Its errors become LinkErrors."""
    import yt_dlp
    from yt_dlp.globals import plugin_dirs

    plugin_dirs.value = []  # there is no parameter for it
    log = _Log()
    try:
        with yt_dlp.YoutubeDL(_parameters(folder, rule, log) | {"progress_hooks": list(hooks)}) as downloader:
            yield downloader
    except yt_dlp.utils.YoutubeDLError as error:
        raise _refusal(error, log.warnings) from error


def _parameters(folder: Path, rule: Rule, log: "_Log") -> dict[str, Any]:
    """The parameters for yt-dlp."""
    return {
        "allowed_extractors": list(rule.extractors),
        "noplaylist": True,
        "format": _FORMAT,
        "extractor_args": {"youtube": {"skip": ["hls", "dash"]}},  # lists of pieces, which `format` does not accept
        "paths": {"home": str(folder)},
        "outtmpl": _NAME,
        "continuedl": False,  # the unfinished file of a killed download may be from another stream
        "buffersize": _BLOCK,
        "noresizebuffer": True,
        "fixup": "never",
        "cachedir": False,
        "geo_bypass": False,
        "socket_timeout": _PATIENCE,
        "retries": 2,
        "extractor_retries": 1,
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "logger": log,
    }


class _Log:
    """The logger for yt-dlp: prints nothing and keeps the warnings; errors are raised as exceptions."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: object) -> None:
        pass

    def warning(self, message: object) -> None:
        self.warnings.append(str(message))

    def error(self, message: object) -> None:
        pass


def _checked(video: dict[str, Any] | None, most_seconds: float) -> tuple[str, float | None]:
    """(title, seconds or None) of an extractor's result, if it is one finished video that is not too long."""
    if not video or video.get("_type", "video") != "video":
        raise LinkError(422, "This link does not lead to a single video. Use the link of one video.")
    if video.get("is_live") or video.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise LinkError(422, _LIVE)
    if (seconds := video.get("duration") or 0) > most_seconds:
        most = f"{round(most_seconds / 60, 1):g}"
        raise LinkError(413, f"The video is too long: {math.ceil(seconds / 60)} minutes; the limit is {most}.")
    # YouTube may cut a title in the middle of a surrogate pair, which cannot be encoded.
    title = str(video.get("title") or "").encode("utf-8", "replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", title).split())[:200], seconds or None


def _refusal(error: Exception, warnings: Sequence[str]) -> LinkError:
    """The LinkError for yt-dlp's `error`. If it hides an error of this machine, such as a full disk, raises that."""
    from yt_dlp.utils import UnavailableVideoError

    if isinstance(error, UnavailableVideoError):
        hidden = error.__context__
    else:
        hidden = (getattr(error, "exc_info", None) or (None, None))[1]
    if isinstance(hidden, OSError):  # yt-dlp's network errors are not OSErrors
        raise hidden
    texts = [str(error)]
    if "Failed to extract any player response" in texts[0]:  # only the warnings say why
        texts += reversed(warnings)
    for text in texts:
        plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        for status, reasons in ((502, _HINDERED), (422, _NOT_TO_BE_HAD)):
            for pattern, message in reasons.items():
                if re.search(pattern, plain):
                    return LinkError(status, message)
    return LinkError(502, f"YouTube did not provide this video: {_first_line(texts[0])}.")


def _first_line(text: str) -> str:
    """yt-dlp's message without its prefixes and its advice."""
    line = re.sub(r"^(?:ERROR: *)?(?:\[[^\]]*\] (?:[\w-]{11}: )?)?", "", text.strip()).partition("\n")[0]
    line = _ADVICE.split(line, maxsplit=1)[0]
    return " ".join(line.split())[:200].strip(" .;,") or "no reason given"
