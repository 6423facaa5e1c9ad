"""The sections of a song for the player, found on the first request for them."""

import functools
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from splitstrument.files.audio import AudioError
from splitstrument.files.texts import write_text
from webapp import sandbox
from webapp.pages import wav
from webapp.pages.refused import FULL, Refused, is_full

LIMITS = sandbox.Limits(memory=3 << 30, seconds=600.0, file=2**20)  # its libraries reserve more than they use


@functools.cache
def available() -> bool:
    """Whether what finds sections is installed (the extra `structure`)."""
    return find_spec("librosa") is not None


def made(source: str, target: str) -> int:
    """Write the sections of the WAV `source` as JSON: {"sections": [{"start", "end", "label"}, ...], "message"}.

    Times are in seconds. Where there are no sections, the message says why, as the end of a sentence that begins with
    "This song". Returns the size in bytes. Raises Refused (507) if the disk is full.
    """
    try:
        return sandbox.run(_find, (source, target), LIMITS)
    except Refused as refused:  # by what would happen to it again
        if refused.status == 507:
            raise
        return _write(target, [], "could not be analysed")


def _find(source: str, target: str, tell: Callable[[float], object]) -> int:
    """As `made`, in a process of its own."""
    from structure.analysis import NoBeats, check_length, sections_in
    from structure.features import read_features

    sound = wav.layout(source)
    try:
        check_length(sound["frames"] / sound["rate"])
    except ValueError as error:
        return _write(target, [], str(error))
    try:
        features = read_features(source, lambda seconds: tell(seconds * sound["rate"] / sound["frames"]))
        found, _ = sections_in(features)
    except (AudioError, NoBeats) as error:
        return _write(target, [], str(error).replace(f"{source}: ", ""))
    edges = [round(time, 3) for time in found.edges.tolist()]
    rows = zip(edges[:-1], edges[1:], found.labels, strict=True)
    return _write(target, [{"start": start, "end": end, "label": label} for start, end, label in rows], "")


def _write(target: str, sections: list[dict], message: str) -> int:
    text = json.dumps({"sections": sections, "message": message})
    try:
        write_text(Path(target), text)
    except AudioError as error:
        raise Refused(*((507, FULL) if is_full(error) else (500, "This could not be kept."))) from None
    return len(text)
