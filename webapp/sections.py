"""The sections of a song for the player, found on the first request for them. Runs in processes of `sandbox`."""

import json
from collections.abc import Callable
from importlib.util import find_spec

from splitstrument.files.texts import write_text
from webapp.pages import wav

MEMORY = 3 << 30  # bytes of address space, most of which its libraries only reserve
SECONDS = 600.0


def available() -> bool:
    """Whether what finds sections is installed (the extra `structure`)."""
    return find_spec("librosa") is not None


def find(source: str, target: str, tell: Callable[[float], object]) -> int:
    """Write the sections of the WAV `source` as JSON: {"sections": [{"start", "end", "label"}, ...], "message"}.

    Times are in seconds. Where a song has no sections, there are none, and the message says why. Returns the size in
    bytes.
    """
    from pathlib import Path

    from splitstrument.files.audio import AudioError
    from structure.analysis import NoBeats, check_length, sections_in
    from structure.features import read_features

    sound = wav.layout(source)
    found, message = [], ""
    try:
        check_length(sound["frames"] / sound["rate"])
        features = read_features(source, lambda seconds: tell(seconds * sound["rate"] / sound["frames"]))
        sections, _ = sections_in(features)
        edges = [round(time, 3) for time in sections.edges.tolist()]
        found = [
            {"start": start, "end": end, "label": label}
            for start, end, label in zip(edges[:-1], edges[1:], sections.labels, strict=True)
        ]
    except (AudioError, NoBeats, ValueError) as error:
        message = str(error).replace(f"{source}: ", "")
    text = json.dumps({"sections": found, "message": message})
    write_text(Path(target), text)
    return len(text)
