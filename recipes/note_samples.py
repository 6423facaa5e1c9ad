"""Make SFZ programs from samples with notes in their file names.

    python3 recipes/note_samples.py FOLDER

FOLDER: the output of recipes/real_sounds.sh; the programs and their samples (WAV, 44.1 kHz, mono) are added to it.
"""

import math
import re
import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr

from splitstrument.files.audio import AudioError, open_audio
from splitstrument.stages.console import command

RATE, LONGEST, FADE, QUIET = 44100, 8.0, 0.3, 10 ** (-50 / 20)
STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
# The MIDI velocity for dynamics in file names.
HARD = {"": 100, "pp": 40, "soft": 60, "mf": 80, "loud": 110, "ff": 115}
# Folder, prefix of the programs' names, then {subfolder: seconds of release}.
NOTES = [
    ("samples-alex-bainter/samples", "bainter-", {"acoustic-guitar": 0.3, "vcsl-tenor-sax-vib": 0.1}),
    ("samples-alex-bainter/samples", "bainter-", {"vsco2-trumpet-sus-f": 0.1, "vsco2-cellos-susvib-mp": 0.25}),
    ("samples-alex-bainter/samples", "bainter-", {"sso-chorus-male": 0.3}),
    ("keyboardia/app/public/instruments", "keyboardia-", {"hammond-organ": 0.06, "french-horn": 0.12}),
    ("keyboardia/app/public/instruments", "keyboardia-", {"string-section": 0.25, "alto-sax": 0.1}),
    ("keyboardia/app/public/instruments", "keyboardia-", {"acoustic-guitar": 0.3}),
    ("forbidden-music/public/audio/chromatic", "autotel-", {"harpsichord": 0.15, "hohner_pianet": 0.15}),
    ("forbidden-music/public/audio/chromatic", "autotel-", {"old_trombone": 0.12, "violin_section": 0.25}),
    ("forbidden-music/public/extras-84Z5I4", "", {"uni-iowa-piano": 0.35}),
    ("dshop-light-up-piano/Hardware/logic-board", "dshop-", {"piano": 0.3}),
]


def note_of(stem: str) -> tuple[float, int] | None:
    """(MIDI key with cents, velocity) from a file name with a note or [velocity_]frequency in Hz; None without any."""
    if match := re.fullmatch(r"(?:(\d+)_)?(\d+(?:\.\d+)?)(?:_.*)?", stem):
        return 69 + 12 * math.log2(float(match[2]) / 440), int(match[1] or 100)
    match = re.fullmatch(r"([a-g])(sharp|s|b|-)?(-?\d)(?:-([a-z]+))?", stem.lower())
    if not match or (match[4] or "") not in HARD:
        return None
    sharp = {"sharp": 1, "s": 1, "-": 1, "b": -1}.get(match[2] or "", 0)
    return float(STEPS[match[1]] + sharp + 12 * (int(match[3]) + 1)), HARD[match[4] or ""]


def sample(source: Path, target: Path) -> None:
    """Write a recorded note without leading silence and with a fade-out."""
    with open_audio(source) as reader:
        rate, sound = reader.info.sample_rate, np.concatenate(list(reader.blocks(1 << 16))).mean(1)
    sound = soxr.resample(sound, rate, RATE)
    heard = np.flatnonzero(np.abs(sound) > QUIET)
    sound = sound[heard[0] if len(heard) else 0 :][: round(LONGEST * RATE)].copy()
    fade = min(round(FADE * RATE), len(sound))
    sound[len(sound) - fade :] *= np.linspace(1, 0, fade)
    target.parent.mkdir(exist_ok=True)
    soundfile.write(target, sound, RATE, "PCM_16")


def regions(samples: dict[tuple[int, int], tuple[Path, float]]) -> list[str]:
    """A region for each of {(velocity, key): (file, cents above the key)}, extending halfway to its neighbours."""
    layers, lines = sorted({velocity for velocity, _ in samples}), []
    for number, layer in enumerate(layers):
        low = 0 if not number else (layers[number - 1] + layer) // 2 + 1
        high = 127 if layer == layers[-1] else (layer + layers[number + 1]) // 2
        keys = sorted(key for velocity, key in samples if velocity == layer)
        for place, key in enumerate(keys):
            lowest = key - 5 if not place else (keys[place - 1] + key) // 2 + 1
            highest = key + 5 if key == keys[-1] else (key + keys[place + 1]) // 2
            path, cents = samples[layer, key]
            lines.append(
                f"<region> sample={path.parent.name}/{path.name} lokey={max(0, lowest)} hikey={min(127, highest)} "
                f"pitch_keycenter={key} tune={round(-cents)} lovel={low} hivel={high}"
            )
    return lines


@command
def main(arguments):
    (folder,) = map(Path, arguments)
    for place, beginning, instruments in NOTES:
        for name, release in instruments.items():
            program, samples = folder / f"{beginning}{name}.sfz", {}
            for path in sorted((folder / place / name).glob("*.*")):
                note = note_of(path.stem)
                if note is None or (note[1], round(note[0])) in samples:
                    continue
                target = folder / program.stem / (re.sub(r"\W", "_", path.stem) + ".wav")
                try:
                    sample(path, target)
                except AudioError:
                    continue  # not a sample, for example a picture or a text
                samples[note[1], round(note[0])] = target, 100 * (note[0] - round(note[0]))
            if not samples:
                raise ValueError(f"{folder / place / name}: contains no samples with notes in their names")
            program.write_text(
                "\n".join([f"<group> ampeg_attack=0.003 ampeg_release={release}", *regions(samples)]) + "\n"
            )
            print(f"{program}: {len(samples)} notes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
