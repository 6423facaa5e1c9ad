"""The chords of a score, half a bar each, and their fingerings on a guitar."""

from dataclasses import dataclass

import numpy as np

from datasets_tools.synthesis.scores import Score

# Semitones above the root, and the preference for this kind of chord if the notes are ambiguous.
KINDS = {
    "": ((0, 4, 7), 0.0),
    "m": ((0, 3, 7), 0.0),
    "7": ((0, 4, 7, 10), -0.06),
    "m7": ((0, 3, 7, 10), -0.06),
    "maj7": ((0, 4, 7, 11), -0.08),
    "sus4": ((0, 5, 7), -0.1),
}
STRINGS = (40, 45, 50, 55, 59, 64)  # a guitar's open strings


@dataclass(frozen=True)
class Chord:
    """A chord from `start` to `end` (s): the pitch class of its root, and its pitch classes, the root first."""

    start: float
    end: float
    root: int
    classes: tuple[int, ...]

    def near(self, low: int) -> list[int]:
        """The chord's pitches within the octave above `low`, in order."""
        return sorted(low + (pitch - low) % 12 for pitch in self.classes)

    def bass(self, low: int) -> int:
        """The lowest pitch of the root at or above `low`."""
        return low + (self.root - low) % 12


def heard(score: Score) -> list[Chord]:
    """The Chords of a Score, two beats each (one at slow tempos), each of the kind that fits the notes best.

    A passage without notes keeps the previous chord. The list is empty if there are fewer than three beats.
    """
    beats = np.array([*score.beats, score.seconds])
    beats = beats[np.concatenate([[True], np.diff(beats) > 0.05])]
    if len(beats) < 3:
        return []
    if score.sections:  # other songs keep their chords, so that a seed still gives the same song
        edges = _within_bars(beats, score)
    else:
        step = 2 if np.median(np.diff(beats)) < 0.9 else 1
        edges = beats[::step] if (len(beats) - 1) % step == 0 else np.append(beats[::step], beats[-1])
    notes = [note for part in score.parts if not part.drums for note in part.notes]
    chords, last = [], None
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        sounding = [note for note in notes if note.start < end - 0.02 and note.end > start + 0.02]
        weights, lowest = np.zeros(12), 128
        for note in sounding:
            weights[note.pitch % 12] += min(note.end, end) - max(note.start, start)
            lowest = min(lowest, note.pitch)
        if weights.sum():
            last = _fitting(weights / weights.sum(), lowest % 12)
        if last is not None:
            chords.append(Chord(float(start), float(end), *last))
    return chords


def _within_bars(beats: np.ndarray, score: Score) -> np.ndarray:
    """The edges of chords that change with the bar, and in bars of four beats also in its middle."""
    bars = np.searchsorted(beats, np.array(score.bars) - 0.02)
    halves = [first + 2 for first, after in zip(bars[:-1], bars[1:], strict=True) if after - first == 4]
    return beats[sorted({0, *bars.tolist(), *halves, len(beats) - 1})]


def _fitting(weights: np.ndarray, bass: int) -> tuple[int, tuple[int, ...]]:
    """(root, classes) of the best combination of root and kind; the bass note is the preferred root."""
    best: tuple[float, int, tuple[int, ...]] = (-np.inf, 0, ())
    for root in range(12):
        for steps, bonus in KINDS.values():
            classes = tuple((root + step) % 12 for step in steps)
            score = weights[list(classes)].sum() + bonus + 0.15 * (root == bass) + 0.1 * min(weights[root], 0.3)
            if score > best[0]:
                best = (score, root, classes)
    return best[1:]


def shape(chord: Chord, fret: int) -> list[int]:
    """The chord's pitches within reach of a hand at `fret` (0: open strings), root lowest, on up to six strings."""
    pitches: list[int] = []
    for string in STRINGS:
        open_note = string + fret
        reach = sorted((pitch - open_note) % 12 for pitch in chord.classes)
        if reach[0] > 4:
            continue  # this string stays silent
        pitch = open_note + reach[0]
        if not pitches:
            steps = (chord.root - open_note) % 12
            if steps > 4:
                continue
            pitch = open_note + steps
        pitches.append(pitch)
    return pitches or chord.near(48)
