"""Decode an uploaded or fetched file into a WAV of our own. Runs in processes of `sandbox`, where decoders may fail."""

import io
import math
import os
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import av.subtitles.codeccontext
import soundfile  # both decoders are loaded before the process is forked

from splitstrument.files.audio import AudioError, Reader, open_audio
from splitstrument.files.writing import AudioWriter
from splitstrument.like import read_example
from webapp.pages.refused import FULL, Refused, is_full
from webapp.sandbox import no_more_files

_BLOCK = 1 << 16
_EXAMPLE_RATE = 48000
_LOUD = 10 ** (1 / 20)  # peaks from here on are worth a word: those of MP3s are often a little above 1


def _warm() -> None:
    """Make the decoders load now what they would load with their first file: inside no_more_files they cannot."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2000))
    soundfile.read(io.BytesIO(sound.getvalue()))
    with av.open(io.BytesIO(sound.getvalue()), "r") as file:
        next(file.decode(audio=0)).to_ndarray()


_warm()


def probe(path: str, most_seconds: float, tell: Callable[[float], object] | None = None) -> dict[str, Any]:
    """Whether the file is a song that may be separated: {"rate", "channels", "seconds" or None}.

    Raises Refused: 415 where it is no audio, or has a rate or channels that cannot be read, 413 where it is too long.
    """
    with _opened(path) as reader:
        info = reader.info
        seconds = info.frames / info.sample_rate if info.frames else None
        _check_length(seconds or 0, most_seconds)
        try:
            next(reader.blocks(4096))
        except AudioError as error:
            raise _unreadable(error, path) from None
    return {"rate": info.sample_rate, "channels": info.channels, "seconds": seconds}


def decode(path: str, target: str, most_seconds: float, tell: Callable[[float], object]) -> dict[str, Any]:
    """Write the song in the file `path` as the WAV `target`, with 16 bits if it has no more, otherwise 24.

    {"seconds", "warning": None or what is missing or clipped}. Refused as in `probe`, also where the file is longer
    than it says.
    """
    with _opened(path) as reader:
        info = reader.info
        depth = "16" if info.depth == "16" else "24"
        frames, peak = 0, 0.0
        try:
            with AudioWriter(target, info.sample_rate, info.channels, depth, mask=info.mask) as writer:
                for block in reader.blocks(_BLOCK):
                    frames += len(block)
                    _check_length(frames / info.sample_rate, most_seconds)
                    writer.write(block)
                    peak = max(peak, float(abs(block).max()))
                    tell(frames / info.frames if info.frames else 0.5)
        except AudioError as error:
            raise _unreadable(error, path, target) from None
    warnings = [f"Not all of the file could be read: {_plain(reader.warning, path)}."] if reader.warning else []
    if peak > _LOUD:
        warnings.append(f"It is up to {20 * math.log10(peak):.1f} dB louder than full scale, and clipped there.")
    return {"seconds": frames / info.sample_rate, "warning": " ".join(warnings) or None}


def example(path: str, tell: Callable[[float], object]) -> None:
    """Replace the example in the file `path` by a WAV of its first minute, mono, at up to 48 kHz.

    Raises Refused (400 or 415) where it is no audio, is silent or too short to say anything.
    """
    import soxr

    try:
        with no_more_files(but=1):
            sound, rate = read_example(Path(path))
    except AudioError as error:
        if is_full(error):
            raise Refused(507, FULL) from None
        raise Refused(400, f"The example {_plain(error, path)}.") from None
    mono = sound.mean(1)
    if rate > _EXAMPLE_RATE:
        mono, rate = soxr.resample(mono, rate, _EXAMPLE_RATE), _EXAMPLE_RATE
    soundfile.write(f"{path}.part", mono, rate, format="WAV", subtype="FLOAT")
    os.replace(f"{path}.part", path)


def _opened(path: str) -> Reader:
    try:
        with no_more_files(but=1):
            return open_audio(path)
    except AudioError as error:
        raise _unreadable(error, path) from None


def _check_length(seconds: float, most: float) -> None:
    if seconds > most:
        raise Refused(413, f"The song is too long: this server takes at most {most / 60:g} minutes.")


def _unreadable(error: AudioError, *paths: str) -> Refused:
    if is_full(error):
        return Refused(507, FULL)
    return Refused(415, f"This file cannot be separated: {_plain(error, *paths)}.")


def _plain(error: AudioError | str, *paths: str) -> str:
    """The line of an error, without paths on this machine."""
    text = str(error)
    for path in paths:
        text = text.removeprefix(f"{path}: ")
    return text
