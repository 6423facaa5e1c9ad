"""Convert a part's WAV to another format, on the first request for it. Runs in processes of `sandbox`."""

from collections.abc import Callable
from pathlib import Path

from splitstrument.files.audio import AudioError, open_audio
from splitstrument.files.writing import AudioWriter
from webapp.pages import wav
from webapp.pages.refused import FULL, Refused, is_full


def encode(source: str, target: str, tell: Callable[[float], object]) -> int:
    """Write the WAV `source` as `target`, whose suffix gives the format. Returns its size in bytes. Raises Refused."""
    sound, done = wav.layout(source), 0
    try:
        with (
            open_audio(source) as reader,
            AudioWriter(target, sound["rate"], sound["channels"], sound["depth"]) as writer,
        ):
            for block in reader.blocks(sound["rate"]):
                writer.write(block)
                done += len(block)
                tell(done / sound["frames"])
        return Path(target).stat().st_size
    except (AudioError, OSError) as error:
        if is_full(error):
            raise Refused(507, FULL) from None
        raise Refused(500, "This file could not be made. Please try again.") from None
