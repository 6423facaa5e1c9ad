"""Small sound files of all formats, each spoilt in some way: whether reading one ends, and ends well.

Each is read in the limited process that the demonstrator reads uploads in, and written as a WAV. What may come of it:
it is read, with or without a warning, or refused in one line. What may not: the process dies, hangs, wants too much
memory, fails with a traceback, or leaves a WAV that is not whole. Those files are kept below --keep.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import soundfile

from tests.audio_files import song, write_av
from webapp import decoding, sandbox
from webapp.pages.refused import Refused

LIMITS = sandbox.Limits(memory=2**29, seconds=30, file=2**28)
BY_SOUNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "wav24": ("WAVEX", "PCM_24"),
    "rf64": ("RF64", "FLOAT"),
    "gsm": ("WAV", "GSM610"),
    "adpcm": ("WAV", "IMA_ADPCM"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "G721_32"),
    "caf": ("CAF", "ALAC_16"),
    "w64": ("W64", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
BY_AV = {  # the codec, the container, whether with a video
    "m4a": ("aac", "mp4", False),
    "alac": ("alac", "mp4", False),
    "mp4": ("aac", "mp4", True),
    "aac": ("aac", "adts", False),
    "mkv": ("flac", "matroska", True),
    "webm": ("libopus", "webm", False),
    "avi": ("libmp3lame", "avi", True),
    "ts": ("aac", "mpegts", False),
    "mpg": ("mp2", "mpeg", False),
    "flv": ("aac", "flv", False),
    "ac3": ("ac3", "ac3", False),
    "wv": ("wavpack", "wv", False),
    "tta": ("tta", "tta", False),
    "mp3 in wav": ("libmp3lame", "wav", False),
}


def whole_files(folder: Path) -> dict[str, bytes]:
    """{format: the bytes of a small file}; six channels in some."""
    files = {}
    for name, (container, coding) in BY_SOUNDFILE.items():
        mono = coding in ("GSM610", "G721_32")
        rate = 8000 if mono else 48000
        for channels in [1] if mono else [2] if coding in ("IMA_ADPCM", "MPEG_LAYER_III") else [2, 6, 8]:
            soundfile.write(folder / "a", song(0.6, rate, channels), rate, coding, format=container)
            files[f"{name}, {channels} channels"] = (folder / "a").read_bytes()
    for name, (codec, container, video) in BY_AV.items():
        files[name] = write_av(folder / "a", [song(0.6, 48000)], 48000, codec, container, video).read_bytes()
    return files


def spoil(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The bytes with one to four faults."""
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        # Headers, which are short, as often as all the rest.
        at = chance.randrange(min(len(spoilt), chance.choice((64, 1024, 1 << 30))) or 1)
        size = chance.choice((1, 2, 4, 30, 300, 3000))
        fault = chance.randrange(8)
        if fault == 0:
            spoilt[at : at + size] = chance.randbytes(size)
        elif fault == 1:
            spoilt[at : at + size] = bytes([chance.choice((0, 255, 127, 128))]) * size
        elif fault == 2:
            del spoilt[at:]
        elif fault == 3:
            del spoilt[at : at + size]
        elif fault == 4:
            spoilt[at:at] = chance.randbytes(size)
        elif fault == 5:
            spoilt += chance.choice(others)
        elif fault == 6:
            spoilt[at:at] = spoilt[at : at + size]
        elif at < len(spoilt):
            spoilt[at] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def outcome(path: Path, target: Path) -> str:
    """What comes of reading a file: "read", "warned" or "refused", or else what may not be."""
    target.unlink(missing_ok=True)
    try:
        sound = sandbox.run(decoding.decode, (str(path), str(target), 600), LIMITS)
    except Refused as refused:
        if target.exists():
            return "half a file"
        if refused.message.startswith(("This file cannot be separated", "The song is too long")):
            return "refused"
        return refused.message
    if abs(soundfile.info(target).duration - sound["seconds"]) > 1e-6:
        return "another length"
    return "warned" if sound["warning"] else "read"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzzed"), help="where files go that end badly")
    options = parser.parse_args()
    began, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        path, target = Path(scratch, "song"), Path(scratch, "out.wav")
        files = whole_files(Path(scratch))
        kinds, others = list(files), list(files.values())
        for kind, data in files.items():
            path.write_bytes(data)
            if (said := outcome(path, target)) != "read":
                print(f"whole {kind}: {said}")
                return 1
        for number in range(options.files):
            if time.monotonic() - began > 60 * options.minutes:
                break
            chance = random.Random(f"{options.seed} {number}")
            kind = kinds[number % len(kinds)]
            path.write_bytes(spoil(files[kind], others, chance))
            said = outcome(path, target)
            counts[said] += 1
            if said not in ("read", "warned", "refused"):
                options.keep.mkdir(parents=True, exist_ok=True)
                kept = options.keep / f"{options.seed}_{number}_{kind.split(',')[0].replace(' ', '_')}"
                kept.write_bytes(path.read_bytes())
                print(f"{kept}: {said}", flush=True)
    bad = sum(counts.values()) - counts["read"] - counts["warned"] - counts["refused"]
    told = ", ".join(f"{count:,} {said}" for said, count in counts.most_common())
    print(f"{sum(counts.values()):,} files of {len(kinds)} kinds in {time.monotonic() - began:.0f} s: {told}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
