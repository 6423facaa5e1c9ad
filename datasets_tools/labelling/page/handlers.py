"""The requests of the labelling page: tracks, stems, hints and marks as JSON, and sounds as WAV."""

import functools
import hmac
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import web

from datasets_tools.labelling.marks import MARKS, MEANINGS
from datasets_tools.labelling.sound_cache import Broken
from splitstrument.stages.console import error_line
from webapp.pages import site
from webapp.pages.refused import Refused

if TYPE_CHECKING:
    from datasets_tools.labelling.page.server import Context
    from datasets_tools.labelling.sound_cache import Sound

KEYS = {
    "bad_quality": "Q",
    "bleed": "B",
    "mislabeled": "L",
    "missing": "M",
    "inaudible": "I",
    "audible": "A",
    "detailed": "D",
}  # as in the thesis's tool
_STATIC = Path(__file__).parent / "static"
_WAIT = 2.0  # seconds that a request waits for a sound before the page asks again
_SOON = 3  # number of coming tracks to find hints for

URLS = (
    "/", "Page",
    "/api/sitting", "Sitting",
    "/api/tracks/([0-9]{1,9})", "Track",
    "/api/tracks/([0-9]{1,9})/hints", "Hints",
    "/api/tracks/([0-9]{1,9})/stems/([0-9]{1,9})(-others)?", "Stem",
    "/api/tracks/([0-9]{1,9})/marks", "Marks",
    "/api/undo", "Undo",
    "/api/history", "History",
    "/sound/([0-9]{1,9})/([0-9]{1,9})(-others)?[.]wav", "Wav",
)  # fmt: skip


def make_site(context: "Context") -> site.Wsgi:
    """The WSGI application."""
    return site.application(URLS, globals(), context, _STATIC, hosts={"127.0.0.1", "localhost"})


def _context() -> "Context":
    """The shared Context, if the request has the key. All requests but the first one send it as a cookie."""
    context = web.ctx.context
    given = web.cookies().get(context.cookie, "")
    if not hmac.compare_digest(given.encode(), context.key.encode()):
        raise Refused(403, "Open the page with the complete address shown in the terminal.")
    return context


def _number(text: str, items: Sequence) -> int:
    if (number := int(text)) >= len(items):
        raise Refused(404, "There is no such track or stem.")
    return number


def _sitting() -> str:
    sitting = web.input(_method="get", sitting="").sitting
    if not re.fullmatch("[0-9a-f-]{8,40}", sitting):
        raise Refused(400, "The request lacks the parameter sitting.")
    return sitting


def _written(change):
    """Call `change`, which changes marks on disk, and return its result. Raises Refused if they cannot be written."""
    try:
        return change()
    except OSError as error:
        raise Refused(500, f"The mark was not set: {error_line(error)}") from None


def _state(context: "Context", sitting: str) -> dict[str, Any]:
    """The overall state, which every answer about marks contains."""
    return context.judging.progress(sitting) | {"undoable": context.judging.count(sitting)}


class Page:
    """/, with the key in the address on the first visit."""

    def GET(self) -> Any:
        context = web.ctx.context
        if hmac.compare_digest(web.input(_method="get", key="").key.encode(), context.key.encode()):
            web.setcookie(context.cookie, context.key, httponly=True, samesite="Strict", path="/")
        else:
            _context()
        return site.page("listen.html")


class Sitting:
    """What a page needs to start: the settings, the marks, and the first track (null: all are judged)."""

    def GET(self) -> Any:
        context, sitting = _context(), _sitting()
        settings = context.settings
        marks = [{"name": name, "key": key, "meaning": MEANINGS[name]} for name, key in KEYS.items()]
        start = {"group": settings.group, "also": settings.also, "splits": settings.splits}
        start |= {"cautious": settings.cautious, "marks": marks, "track": context.judging.go_on(sitting)}
        return site.answer(start | _state(context, sitting))


class Track:
    """One track: its stems and marks; with `hear=1` the sitting starts to play it and gets the likely next track."""

    def GET(self, track: str) -> Any:
        context = _context()
        number = _number(track, context.stems)
        groups = (context.settings.group, *context.settings.also)
        stems = [
            {"group": group, "name": file.name, "judged": group in groups} for group, file in context.stems[number]
        ]
        facts = {"track": number, "name": context.judging.tracks[number].name, "stems": stems}
        facts |= {"marks": context.judging.marks(number)}
        if web.input(_method="get", hear="").hear:
            sitting = _sitting()
            context.judging.hear(sitting, number)
            facts |= {"next": _prepare(context, sitting, number, stems)} | _state(context, sitting)
        return site.answer(facts)


def _prepare(context: "Context", sitting: str, number: int, stems: Sequence[dict[str, Any]]) -> int | None:
    """Prepare what the sitting will play after it has started a track. Returns the number of the next track."""
    soon = context.judging.coming(sitting, number)[:_SOON]
    mine = [(number, place, False) for place, stem in enumerate(stems) if stem["judged"]]
    others = [(number, place, True) for _, place, _ in mine] if len(stems) > 1 else []
    first = [(track, 0, False) for track in soon]
    context.sounds.want(sitting, [mine[0], *first[:1], *mine[1:], *first[1:2], *others])
    context.hints.want(sitting, [number, *soon])
    return soon[0] if soon else None


class Hints:
    """The hints of a track: lines for each stem, or why there are none; not `ready` while the analysis runs."""

    def GET(self, track: str) -> Any:
        context = _context()
        number = _number(track, context.stems)
        outcome = context.hints.get(number, _WAIT)
        if outcome is None:
            return site.answer({"ready": False})
        lines = {}
        for (group, name), hints in (outcome.result or {}).items():
            lines[group, name] = [hint.text for hint in hints]
        stems = [lines.get((group, file.name), []) for group, file in context.stems[number]]
        reason = outcome.reason.replace(f"{context.judging.tracks[number].folder}/", "")
        return site.answer({"ready": True, "error": reason or None, "stems": stems})


class Stem:
    """The sound of a stem, or of its track's other stems: its address and peaks, or why it cannot be played."""

    def GET(self, track: str, stem: str, others: str | None) -> Any:
        sound = _sound(track, stem, others)
        if sound is None:
            return site.answer({"ready": False})
        if isinstance(sound, Broken):
            return site.answer({"ready": True, "error": sound.error})
        url = f"/sound/{int(track)}/{int(stem)}{others or ''}.wav"
        facts = {"sound": sound.layout | {"url": url}, "peaks": sound.peaks, "warning": sound.warning}
        return site.answer({"ready": True, "error": None} | facts)


def _sound(track: str, stem: str, others: str | None) -> "Sound | Broken | None":
    context = _context()
    number = _number(track, context.stems)
    place = _number(stem, context.stems[number])
    if others and len(context.stems[number]) == 1:
        raise Refused(404, "The track has no other stems.")
    return context.sounds.get((number, place, bool(others)), _WAIT)


class Wav:
    """The WAV of a sound; supports byte ranges."""

    def GET(self, track: str, stem: str, others: str | None) -> Any:
        sound = _sound(track, stem, others)
        if sound is None or isinstance(sound, Broken):
            raise Refused(404, "This sound is not ready yet.")
        return site.send_file(sound.path)


class Marks:
    """Set and clear marks of a track; `done`: this completes its judgement, and the answer has the next track."""

    def POST(self, track: str) -> Any:
        context, sitting = _context(), _sitting()
        number = _number(track, context.stems)
        wanted, unwanted, done = _judgement(web.data())
        judging = context.judging
        _written(functools.partial(judging.judge, sitting, number, wanted, unwanted, done))
        state = {"marks": judging.marks(number)} | _state(context, sitting)
        if done:
            state["next"] = judging.go_on(sitting, number)
        return site.answer(state)


def _judgement(body: bytes) -> tuple[list[str], list[str], bool]:
    """(marks to set, marks to clear, done) from the JSON of a request. Raises Refused for anything else."""
    try:
        given = json.loads(body)
        wanted, unwanted, done = given.get("set", []), given.get("clear", []), given.get("done", False)
        known = {*wanted, *unwanted} <= set(MARKS) - {"checked"} and isinstance(done, bool)
    except (ValueError, TypeError, AttributeError, RecursionError):
        known = False
    if not known or set(wanted) & set(unwanted):
        raise Refused(400, f"A judgement needs set and clear (lists of {', '.join(KEYS)}) and done (true or false).")
    return wanted, unwanted, done


class Undo:
    """Undo the sitting's last judgement; `track` is the track that was judged, or null."""

    def POST(self) -> Any:
        context, sitting = _context(), _sitting()
        last = _written(functools.partial(context.judging.undo, sitting))
        return site.answer({"track": last.track if last else None} | _state(context, sitting))


class History:
    """The tracks that a sitting has judged, with their marks, the latest first."""

    def GET(self) -> Any:
        judging = _context().judging
        numbers = judging.history(_sitting())
        tracks = [{"track": n, "name": judging.tracks[n].name, "marks": judging.marks(n)} for n in numbers]
        return site.answer({"tracks": tracks})
