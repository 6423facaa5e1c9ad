"""Random chord charts, played by MMA (Musical MIDI Accompaniment, Debian's package `mma`).

MMA has about a thousand grooves. Its MIDI output has a part for each player, with General MIDI programs.
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from datasets_tools.synthesis.scores import Score, read_midi

LIBRARY = Path("/usr/share/mma/lib/stdlib")
# Steps of the scale, major and minor; a chart uses one or two progressions of four or eight bars each.
PROGRESSIONS = {
    False: ("1 5 6m 4", "1 4 5 4", "1 6m 4 5", "6m 4 1 5", "1 1 4 4 1 1 5 5", "2m 5 1 1", "1 3m 4 5", "1 4 1 5")
    + ("1 4 6m 5", "4 5 3m 6m", "2m7 57 1M7 6m7", "17 47 17 17 47 47 17 57", "1 2m 3m 4"),
    True: ("1m 7 6 7", "1m 4m 5m 1m", "1m 6 3 7", "1m 6 4m 5", "1m 7 6 5", "1m 1m 4m 5", "1m 3 7 4m", "1m7 4m7 7 3"),
}
SCALES = {False: (0, 2, 4, 5, 7, 9, 11), True: (0, 2, 3, 5, 7, 8, 10)}
NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


def installed() -> bool:
    """Whether MMA and its grooves are installed."""
    return bool(shutil.which("mma")) and bool(_grooves())


@functools.cache
def _grooves() -> tuple[str, ...]:
    """The names of the grooves with four beats per bar."""
    names = []
    for path in sorted(LIBRARY.glob("*.mma")):
        text = path.read_text(encoding="latin-1")
        if not re.search(r"^\s*Time\s+(?!4\b)", text, re.MULTILINE | re.IGNORECASE):
            names += re.findall(r"^\s*DefGroove\s+(\S+)", text, re.MULTILINE)
    return tuple(name for name in names if not re.search("Intro|End|Fill|Metronome", name))


def drawn(random: np.random.Generator, bars: int) -> tuple[str, str]:
    """(groove, text) of a random chart of `bars` bars, with a tempo, a key and one or two progressions."""
    minor, tonic = bool(random.random() < 0.4), int(random.integers(12))
    progressions = [str(random.choice(PROGRESSIONS[minor])).split() for _ in range(2)]
    chords = (progressions[0] * 2 + progressions[1] * 2) * bars
    tempo, groove = random.integers(75, 165), str(random.choice(_grooves()))
    lines = [f"Tempo {tempo}", f"Groove {groove}"]
    for number, chord in enumerate(chords[:bars], 1):
        root = NAMES[(tonic + SCALES[minor][int(chord[0]) - 1]) % 12]
        lines.append(f"{number} {root}{chord[1:]}")
    return groove, "\n".join(lines) + "\n"


def play(chart: str, seed: int) -> Score:
    """Let MMA play the text of a chart; `seed` determines its random choices.

    Raises ValueError if MMA is not installed, or if it rejects the chart, with its message.
    """
    if not shutil.which("mma"):
        raise ValueError("chord charts need MMA (Debian's package mma)")
    with tempfile.TemporaryDirectory() as folder:
        source, midi = Path(folder) / "chart.mma", Path(folder) / "chart.mid"
        source.write_text(f"RndSeed {seed}\n{chart}", encoding="utf-8")
        command = ["mma", "-w", "-f", str(midi), str(source)]
        # A separate folder, so that two processes do not overwrite each other's files.
        home = os.environ | {"HOME": folder}
        try:
            answer = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=home, timeout=60)
        except subprocess.TimeoutExpired:
            raise ValueError("MMA needs more than a minute for the chart") from None
        if answer.returncode or not midi.exists():
            lines = [line for line in (answer.stdout + answer.stderr).splitlines() if line.strip()]
            raise ValueError(f"MMA rejects the chart: {lines[-1].strip() if lines else 'no message'}")
        return read_midi(midi)
