"""Where the samples of a WAV file lie, so that a page can fetch any second of it and no more."""

import os
import struct
from typing import TypedDict

import soundfile

_DEPTHS = {"PCM_16": "16", "PCM_24": "24", "FLOAT": "float"}


class Layout(TypedDict):
    """A WAV's rate in Hz, channels, frames, depth ("16", "24" or "float"), and where its samples begin, in bytes."""

    rate: int
    channels: int
    frames: int
    depth: str
    offset: int


def layout(path: str | os.PathLike[str]) -> Layout:
    """The Layout of a WAV that we wrote."""
    info = soundfile.info(os.fsencode(path))
    return {
        "rate": info.samplerate,
        "channels": info.channels,
        "frames": info.frames,
        "depth": _DEPTHS[info.subtype],
        "offset": _data(path),
    }


def _data(path: str | os.PathLike[str]) -> int:
    with open(path, "rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name == b"data":
                return file.tell()
            file.seek(size + size % 2, 1)
    raise ValueError(f"{path}: no samples in it")
