"""A YouTube link -> an audio file, through yt-dlp as a library.

Of a link only the 11 characters of the video's id are kept, and the address is built anew from them: what else a
person typed reaches no one. yt-dlp runs with the one extractor of YouTube, without plugins, cookies, a cache or
files of settings, and takes a stream that is one plain file, so that no FFmpeg program is needed. Where Deno and the
package yt-dlp-ejs are installed it finds them by itself and gets at more videos.
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
# A host and nothing else before the path: no user, no port, no backslash, no letter beyond ASCII.
_LINK = re.compile(r"(?:https?://)?(?P<host>[a-z.-]+)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?", re.I)
_PLAIN = re.compile(r"[!-\[\]-~]{1,2000}")
_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_NO_VIDEOS = ("videoseries", "live_stream")  # as long as an id: an embedded playlist, a channel's live stream

_NAME = "sound"
_DIRECT = "[protocol~='^https?$']"
_FORMAT = f"ba{_DIRECT}[audio_channels<=?2]/ba{_DIRECT}/b{_DIRECT}"
_BLOCK = 1 << 16  # bytes read before they are counted
_PATIENCE = 20  # seconds without a byte

_LIVE = "This is a live stream, or was one until just now. Give the link of a finished video."
_NO_SOUND = "YouTube gave no sound of this video. Try later, or take a file."
# Patterns of what yt-dlp says, in small letters -> our line. The first that fits: it may hold words of a later one.
_HINDERED = {
    "not a bot|captcha challenge|ip is likely being blocked": (
        "YouTube wants a proof that this is no robot. Try later, or take a file."
    ),
    "rate-limited|http error 429": "YouTube asks for fewer requests. Try later, or take a file.",
    "got error: |caused by (?:transport|ssl|certificate|proxy|incomplete)": (
        "The connection to YouTube failed. Try later, or take a file."
    ),
    "requested format is not available|no video formats found|did not get any data": _NO_SOUND,
}
_NOT_TO_BE_HAD = {
    "confirm your age|age-restricted": "This video is restricted by age.",
    "members-only": "This video is only for members of its channel.",
    "private video|video is private": "This video is private.",
    "requires payment|premium members": "This video has to be paid for.",
    "drm protected": "This video is protected against copying (DRM).",
    "live event (?:will|has)|premieres in|premiere will begin": _LIVE,
    "in your country": "This video is not available in the country from which it was asked for.",
    "copyright": "This video is blocked or removed for copyright.",
    "video (?:is )?unavailable|(?:video|recording) is(?:n't| not) available|content isn't available"
    "|been removed|no longer available|been terminated|does not exist": (
        "YouTube says that this video is unavailable: removed, or never there."
    ),
}
# From here on yt-dlp advises those who sit at its command line.
_ADVICE = re.compile(
    r"[.;,]?\s+(?:\(caused by|Use --|(?i:please report)|See +https?:|Also see|You might want|For more|Confirm you are)"
)


class LinkError(Exception):
    """Why there is no sound of a link: a `message`, one sentence for people, and the HTTP `status` that means it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class Rule:
    """Which of yt-dlp's extractors may run, and for which links.

    `opened` is for tests alone: links that begin with it are taken as they are, next to those of YouTube.
    """

    extractors: tuple[str, ...] = ("youtube",)
    opened: str | None = None


YOUTUBE = Rule()


def address(link: str, rule: Rule = YOUTUBE) -> str:
    """The address of the one video that a link names; nothing is requested."""
    link = link.strip()
    if rule.opened and link.startswith(rule.opened):
        return link
    parts = _LINK.fullmatch(link) if _PLAIN.fullmatch(link) else None
    if parts is None or parts["host"].lower() not in _HOSTS:
        raise LinkError(400, "This is no link to YouTube.")
    path = parts["path"] or "/"
    if parts["host"].lower() == "youtu.be":
        form = re.fullmatch("/(?P<id>[^/]+)/?", path)
    else:
        form = re.fullmatch("/(?:shorts|embed|live)/(?P<id>[^/]+)/?", path)
    video = form and form["id"]
    if path.rstrip("/") == "/watch":
        video = urllib.parse.parse_qs(parts["query"] or "").get("v", [None])[0]
    if video is None or video in _NO_VIDEOS:
        raise LinkError(400, "This link names no video, or a list of them. Give the link of one video.")
    if not _ID.fullmatch(video):
        raise LinkError(400, "This link names no video: the id of one is 11 letters, digits, - and _.")
    return f"https://www.youtube.com/watch?v={video}"


def look(link: str, rule: Rule = YOUTUBE) -> tuple[str, float | None]:
    """(title, seconds or None): what YouTube says of the video that `link` names, without its sound. LinkError."""
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
    """(file, title): the sound of the video that `link` names, as one file in `folder`, which is only for it.

    `tell` gets the share of it (0 to 1) that is there. Raises LinkError; whatever goes wrong, no file is left.
    """
    folder = Path(folder)

    def count(state: dict[str, Any]) -> None:
        done, total = state.get("downloaded_bytes") or 0, state.get("total_bytes")
        if max(done, total or 0) > most_bytes:
            raise LinkError(413, f"The video is too large: its sound has more than {round(most_bytes / 1e6, 1):g} MB.")
        tell(min(1.0, done / (total or most_bytes)))

    try:
        with _downloader(folder, rule, count) as downloader:
            # Not processed: what the link leads on to, as a playlist or another site, is not followed.
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
    """yt-dlp, which writes into `folder`; what it raises becomes a LinkError."""
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
    """What yt-dlp is told."""
    return {
        "allowed_extractors": list(rule.extractors),
        "noplaylist": True,
        "format": _FORMAT,
        "extractor_args": {"youtube": {"skip": ["hls", "dash"]}},  # lists of pieces, which `format` does not take
        "paths": {"home": str(folder)},
        "outtmpl": _NAME,
        "continuedl": False,  # a fetch that was killed may have been of another stream
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
    """Where yt-dlp writes: nothing is printed; the warnings are kept, the errors come as exceptions."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: object) -> None:
        pass

    def warning(self, message: object) -> None:
        self.warnings.append(str(message))

    def error(self, message: object) -> None:
        pass


def _checked(video: dict[str, Any] | None, most_seconds: float) -> tuple[str, float | None]:
    """(title, seconds or None) of what an extractor found, if it is one finished video that is not too long."""
    if not video or video.get("_type", "video") != "video":
        raise LinkError(422, "This link leads to no single video. Give the link of one video.")
    if video.get("is_live") or video.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise LinkError(422, _LIVE)
    if (seconds := video.get("duration") or 0) > most_seconds:
        most = f"{round(most_seconds / 60, 1):g}"
        raise LinkError(413, f"The video is too long: {math.ceil(seconds / 60)} minutes; at most {most} are taken.")
    # YouTube cuts titles in the middle of a pair of surrogates, which no answer could hold.
    title = str(video.get("title") or "").encode("utf-8", "replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", title).split())[:200], seconds or None


def _refusal(error: Exception, warnings: Sequence[str]) -> LinkError:
    """What yt-dlp's `error` means for a person; raises what it hides if that is our own, as a full disk."""
    from yt_dlp.utils import UnavailableVideoError

    if isinstance(error, UnavailableVideoError):
        hidden = error.__context__
    else:
        hidden = (getattr(error, "exc_info", None) or (None, None))[1]
    if isinstance(hidden, OSError):  # yt-dlp's errors of the network are none
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
    return LinkError(502, f"YouTube did not give this video: {_first_line(texts[0])}.")


def _first_line(text: str) -> str:
    """yt-dlp's message without its prefixes and its advice."""
    line = re.sub(r"^(?:ERROR: *)?(?:\[[^\]]*\] (?:[\w-]{11}: )?)?", "", text.strip()).partition("\n")[0]
    line = _ADVICE.split(line, maxsplit=1)[0]
    return " ".join(line.split())[:200].strip(" .;,") or "no reason given"
