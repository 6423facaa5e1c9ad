"""What a sound file says of itself, which speakers its channels are for, and the error of one that cannot be read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# The bits of a WAV's channel mask, in its order, which is that of our arrays where the speakers are known.
SPEAKERS = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR")
SPEAKERS += ("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR")


class AudioError(Exception):
    """A song that cannot be read or written: one line that names the file and says why."""


@dataclass(frozen=True)
class AudioInfo:
    """What a file says of one of its audio streams.

    frames is None where the file does not say, and only right to some milliseconds in MP4, WebM and Opus; a damaged
    file may give fewer, joined files more. depth ("16", "24" or "float") is what a WAV written from it should have.
    mask says which speakers the channels are for, as in a WAV; 0 where that is not known.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int | None
    depth: str
    codec: str
    mask: int = 0


def speaker_mask(names: Iterable[str]) -> int:
    """The channel mask of speakers by FFmpeg's names; 0 where one of them has no bit, or two are the same."""
    bits = [1 << SPEAKERS.index(name) if name in SPEAKERS else 0 for name in names]
    return sum(bits) if all(bits) and len(set(bits)) == len(bits) else 0
