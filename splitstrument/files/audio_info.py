"""The properties of an audio file, the speakers of its channels, and the error for files that cannot be read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# The bits of a WAV's channel mask, in order. If the speakers are known, channels of arrays are in this order.
SPEAKERS = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR")
SPEAKERS += ("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR")


class AudioError(Exception):
    """A song cannot be read or written. The message is one line that names the file and says why."""


@dataclass(frozen=True)
class AudioInfo:
    """The properties of one audio stream, as the file states them.

    `frames` is None if the file does not say, and only accurate to a few milliseconds in MP4, WebM and Opus. A damaged
    file may give fewer frames, joined files more. `depth` ("16", "24" or "float") is the depth that a WAV written from
    it should have. `mask` says which speakers the channels are for, as in a WAV; 0 if that is not known.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int | None
    depth: str
    codec: str
    mask: int = 0


def speaker_mask(names: Iterable[str]) -> int:
    """The channel mask of speakers given by FFmpeg's names; 0 if one has no bit or occurs twice."""
    bits = [1 << SPEAKERS.index(name) if name in SPEAKERS else 0 for name in names]
    return sum(bits) if all(bits) and len(set(bits)) == len(bits) else 0
