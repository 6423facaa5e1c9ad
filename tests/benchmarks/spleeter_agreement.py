"""Vocals of Spleeter itself and of ours with the same weights: how good both are, and how near to each other.

    python3.11 -m venv scratch && scratch/bin/pip install spleeter==2.4.2       # and ffmpeg
    python tests/benchmarks/spleeter_agreement.py --spleeter scratch/bin/spleeter --models PRETRAINED_MODELS

PRETRAINED_MODELS holds Deezer's `2stems`. The songs are a voice that is known, spoken by Flite or sung by
datasets_tools.synthesis, over half a minute of a band (Debian's fretsonfire-songs-sectoid, or else the example song).
Plain SDR and SI-SDR of the vocals against that voice in dB; `agreement` is the SDR of ours against Spleeter's vocals,
which cannot be above some 80 dB, for these are of 16 bits.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE, SECONDS = 44100, 30
SONGS = Path("/usr/share/games/fretsonfire/data/songs/sectoid")
EXAMPLE = Path(__file__).parents[2] / "examples" / "song.ogg"
TEXT = """Hold me now and never let go of the light in your eyes, when rivers run down to the sea. All night long we
were young again, falling over broken stones. Oh my heart is calling home: where have you been, so far away from here?
Tell them why this fire keeps burning slow inside every shadow. Summer rain is gone before morning comes around, and
nobody knows how to leave it behind. Just one more time, baby, stay with somebody true, until tomorrow finds us."""


def spoken(voice):
    """A text spoken by one of Flite's voices, (samples,) at RATE."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "voice.wav")
        subprocess.run(["flite", "-voice", voice, "-t", TEXT, "-o", path], check=True)
        sound, rate = soundfile.read(path)
    return np.resize(soxr.resample(sound, rate, RATE), RATE * SECONDS)


def sung(lowest):
    """A computed voice that sings Flite's words on a melody, (samples,) at RATE."""
    from datasets_tools.synthesis import scores, voice

    random = np.random.default_rng(lowest)
    steps = lowest + np.array([0, 2, 4, 5, 7, 9, 11, 12])[np.cumsum(random.integers(-1, 2, 60)) % 8]
    notes = [scores.Note(0.5 * place, 0.5 * place + 0.45, int(step), 90) for place, step in enumerate(steps)]
    return voice.sing(scores.Part(52, tuple(notes)), SECONDS, random, RATE, voice.Words)[:, 0]


def songs(folder):
    """{name: (path, voice (samples, 2))}; each song's file is written into `folder`."""
    bands = sorted(path for path in SONGS.glob("*/*.ogg") if path.stem == "song") or [EXAMPLE]
    voices = {f"spoken by {voice}": spoken(voice) for voice in ("slt", "rms", "awb")}
    voices |= {f"sung from {lowest}": sung(lowest) for lowest in (50, 57, 64)}
    made = {}
    for place, (name, voice) in enumerate(voices.items()):
        path = bands[place % len(bands)]
        start = 40 * RATE if path != EXAMPLE else 0
        band, rate = soundfile.read(path, RATE * SECONDS, start=start, always_2d=True)
        assert rate == RATE, f"{path}: is not at {RATE} Hz"
        voice = voice[: len(band), None] * np.array([0.9, 1.0])
        voice *= 0.12 / np.sqrt((voice**2).mean())
        band *= 0.12 / np.sqrt((band**2).mean())
        peak = np.abs(band + voice).max() / 0.9
        path = Path(folder, f"{place}.wav")
        soundfile.write(path, (band + voice) / peak, RATE, "PCM_16")
        made[name] = path, voice / peak
    return made


def sdr(truth, estimate):
    return 10 * np.log10((truth**2).sum() / ((truth - estimate) ** 2).sum())


def si_sdr(truth, estimate):
    return sdr(truth * (truth * estimate).sum() / (truth**2).sum(), estimate)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spleeter", required=True, help="its program")
    parser.add_argument("--models", required=True, type=Path, help="the folder that holds 2stems")
    options = parser.parse_args()
    from splitstrument import Separator

    with tempfile.TemporaryDirectory() as folder:
        made = songs(folder)
        command = [options.spleeter, "separate", "-p", "spleeter:2stems", "-o", folder]
        environment = os.environ | {"MODEL_PATH": str(options.models.absolute())}
        paths = [str(path) for path, _ in made.values()]
        subprocess.run(command + paths, env=environment, check=True, capture_output=True)
        model = options.models / "2stems"
        ours = {
            'ours, float32, above="zero"': Separator(model, "float32", above="zero"),
            "ours, as it comes": Separator(model),
        }
        differences = {way: [] for way in ours}
        for name, (path, voice) in made.items():
            theirs = soundfile.read(Path(folder, path.stem, "vocals.wav"), always_2d=True)[0]
            song = soundfile.read(path, dtype="float32")[0]
            print(f"{name}: the mixture has {sdr(voice, song):.2f} dB")
            print(f"  Spleeter: SDR {sdr(voice, theirs):.2f}, SI-SDR {si_sdr(voice, theirs):.2f}")
            for way, separator in ours.items():
                vocals = separator.separate(song, RATE)["vocals"]
                differences[way].append(sdr(voice, vocals) - sdr(voice, theirs))
                figures = f"SDR {sdr(voice, vocals):.2f}, SI-SDR {si_sdr(voice, vocals):.2f}"
                print(f"  {way}: {figures}, agreement {sdr(theirs, vocals):.1f}", flush=True)
        for way, values in differences.items():
            print(f"{way}: on average {np.mean(values):+.2f} dB of SDR against Spleeter")


if __name__ == "__main__":
    main()
