"""Random charts with the form of a song: intro, verse, chorus, bridge, outro, each with its chords and its groove.

A section that comes again has the same chords and groove. Songs are in 4/4 or 3/4, may begin with a pick-up, and may
change the tempo where a section begins, at once or over two bars. MMA plays the charts (see charts.play).
"""

import functools
import re
from dataclasses import dataclass, replace

import numpy as np

from datasets_tools.synthesis.charts import LIBRARY, NAMES, PROGRESSIONS, SCALES, play
from datasets_tools.synthesis.scores import Score, excerpt

FORMS = (
    "intro verse chorus verse chorus bridge chorus outro",
    "intro verse chorus verse bridge chorus outro",
    "verse chorus verse chorus bridge chorus",
    "intro verse bridge verse bridge outro",
    "verse bridge verse bridge outro",
)
SHORT = ("intro", "outro")  # half as long as the other sections
TRIPLE = 0.3  # the share of songs in 3/4


@dataclass(frozen=True)
class Chart:
    """The `text` of a chart for MMA; its `sections`, (number of the first bar from 0, label) each.

    The song begins in bar 0, its last `pickup` beats before bar 1; 0: it begins with the first beat of bar 1.
    """

    groove: str
    text: str
    sections: tuple[tuple[int, str], ...]
    pickup: int = 0


@functools.cache
def _grooves(beats: int) -> tuple[tuple[str, ...], ...]:
    """The grooves of each file of MMA's library whose bars have this number of quarter notes, two or more per file."""
    found = []
    for path in sorted(LIBRARY.glob("*.mma")):
        text = path.read_text(encoding="latin-1")
        times = set(re.findall(r"^\s*Time\s+(\d+)", text, re.MULTILINE | re.IGNORECASE)) or {"4"}
        compound = re.search(rf"^\s*TimeSig\s+(?!{beats} 4)", text, re.MULTILINE | re.IGNORECASE)
        names = re.findall(r"^\s*DefGroove\s+(\S+)", text, re.MULTILINE)
        names = [name for name in names if not re.search("Intro|End|Fill|Metronome", name)]
        if times == {str(beats)} and not compound and len(names) > 1:
            found.append(tuple(names))
    return tuple(found)


def drawn(random: np.random.Generator, seconds: float) -> Chart:
    """A random Chart of about `seconds`, with whole bars, that has at least two different sections."""
    beats = 3 if random.random() < TRIPLE else 4
    minor, tonic = bool(random.random() < 0.4), int(random.integers(12))
    libraries = _grooves(beats)
    grooves = libraries[int(random.integers(len(libraries)))]
    tempo = float(random.integers(80, 150) if beats == 4 else random.integers(90, 170))
    changing = bool(random.random() < 0.35)
    form = str(random.choice(FORMS)).split()
    left = max(8, round(seconds * tempo / 60 / beats))  # bars
    units = sum(0.5 if label in SHORT else 1 for label in form)
    size = int(np.clip(4 * round(left / units / 4), 4, 16))
    styles = {
        label: (str(random.choice(PROGRESSIONS[minor])).split(), str(random.choice(grooves)), int(random.integers(4)))
        for label in ("intro", "verse", "chorus", "bridge", "outro")
    }
    lines = [f"Tempo {tempo:.0f}", f"Groove {styles['verse'][1]}", f"0 {NAMES[tonic]}"]
    sections: list[tuple[int, str]] = []
    bar = 1
    for label in form:
        bars = min(left, size // 2 if label in SHORT else size)
        if bars < 2:
            break
        chords, groove, thin = styles[label]
        if changing and sections and random.random() < 0.5:
            tempo = float(np.clip(tempo * random.choice([0.85, 0.92, 1.08, 1.15]), 70, 180))
            lines.append(f"Tempo {tempo:.0f}" + (" 2" if random.random() < 0.5 else ""))
        # A thin section has no drums, or no chords but those of the bass.
        lines += [f"Groove {groove}", f"AllTracks Drum {'Off' if label in SHORT and thin < 2 else 'On'}"]
        lines.append(f"AllTracks Chord {'Off' if label == 'bridge' and thin == 0 else 'On'}")
        sections.append((bar, label))
        for number in range(bars):
            chord = chords[number % len(chords)]
            lines.append(f"{bar} {NAMES[(tonic + SCALES[minor][int(chord[0]) - 1]) % 12]}{chord[1:]}")
            bar += 1
        left -= bars
    pickup = int(random.integers(1, beats)) if random.random() < 0.4 else 0
    return Chart(styles["verse"][1], "\n".join(lines) + "\n", tuple(sections), pickup)


def performed(chart: Chart, seed: int) -> Score:
    """The Score of a Chart as MMA plays it, with its sections. Raises ValueError as charts.play does."""
    score = play(chart.text, seed)
    bars = score.bars
    if len(bars) <= chart.sections[-1][0]:
        raise ValueError("MMA played fewer bars than the chart has")
    # After the last bar MMA's notes may ring; a beat later there is no music.
    end = min(score.seconds, 2 * bars[-1] - bars[-2])
    beats = tuple(beat for beat in score.beats if beat < end - 0.01)
    start = beats[beats.index(bars[1]) - chart.pickup]
    (_, first), *others = chart.sections  # the pick-up belongs to the first section
    sections = ((start, first), *((bars[bar], label) for bar, label in others))
    score = replace(score, beats=beats, sections=sections)
    return excerpt(score, start, end - start)
