"""Where the samples of a WAV file lie, so that a page can fetch any second of it and no more."""

import struct

import soundfile

_DEPTHS = {"PCM_16": "16", "PCM_24": "24", "FLOAT": "float"}


def layout(path):
    """{rate, channels, frames, depth, offset} of a WAV that we wrote: depth "16", "24" or "float", offset in bytes."""
    info = soundfile.info(path)
    found = {"rate": info.samplerate, "channels": info.channels, "frames": info.frames}
    return found | {"depth": _DEPTHS[info.subtype], "offset": _data(path)}


def _data(path):
    with open(path, "rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name == b"data":
                return file.tell()
            file.seek(size + size % 2, 1)
    raise ValueError(f"{path}: no samples in it")
