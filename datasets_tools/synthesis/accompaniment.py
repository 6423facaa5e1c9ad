"""Invent parts for the chords of a score: drums, bass, guitars that strum, pick and play solos, keys, pads, horns.

Many MIDI songs have only a piano, or a guitar part that nobody could play. This module makes what a band would add. A
bar is a pattern of 16 steps (see patterns.hits), or, if the song has bars of three beats, its first 12.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from datasets_tools.synthesis.chords import Chord, shape
from datasets_tools.synthesis.patterns import hits
from datasets_tools.synthesis.scores import Note, Part, Score

KICK, SNARE, RIM, HAT, OPEN, CRASH, RIDE = 36, 38, 37, 42, 46, 49, 51
TOMS = (50, 47, 45, 43)
DRUMS = {"k": KICK, "s": SNARE, "r": RIM, "h": HAT, "o": OPEN, "d": RIDE}
# Kick and snare of a bar, then hats.
BEATS = (
    ("k.......k.......", "....s.......s..."),
    ("k......kk.......", "....s.......s..."),
    ("k..k....k.k.....", "....s.......s..."),
    ("k.k...k..k......", "....s..s.s..s..."),
    ("k...k...k...k...", "....s.......s..."),
    ("k.....k.........", "........s......."),
    ("k..k..k...k.....", "....r.......r..."),
    ("kkk.kkk.kkk.kkk.", "....s.......s..."),
    ("k.........k.....", "....s..........."),
)
HATS = (
    "h.h.h.h.h.h.h.h.",
    "h...h...h...h...",
    "hhhhhhhhhhhhhhhh",
    "d.d.d.d.d.d.d.d.",
    "d..dd..dd..dd..d",
    "h.o.h.o.h.o.h.o.",
)
BASSES = (
    "r---r---r---r---",
    "r-r-r-r-r-r-r-r-",
    "r-----r-5---r---",
    "r---....5---..o-",
    "r--r--r-r--5--o-",
    "r-------5-------",
)
STRUMS = (
    "d---d---d---d---",
    "d---d-u---u-d-u-",
    "d--ud-u---u-dudu",
    "d-d-d-d-d-d-d-d-",
    "..d-..d-..d-..d-",
    "d-------d-------",
)
STRUMS += ("dudududududududu", "d-------u---d-u-", "..u...u...u...u.")
CHUGS = (
    "xmmmxmmmxmmmxmmm",
    "x-m-x-m-x-m-x-m-",
    "xmmxmmxmmxmmxmxm",
    "x-------x---x---",
    "x-x-x-x-x-x-x-x-",
    "x---------------",
)
CHUGS += ("mmxmmxmmmmxmmx--", "x-..x-..x-x-....")
ARPEGGIOS = ("0-2-3-4-3-2-3-2-", "0-3-2-4-3-2-4-2-", "0---2-3-4---3-2-", "0123432101234321", "0-2-4-2-3-2-4-2-")
COMPS = (
    "x---....x---....",
    "....x-......x-..",
    "x--x--x---x--x--",
    "x---x---x---x---",
    "..x-..x-..x-..x-",
    "x---------------",
)
COMPS += ("x.....x...x.....", "x-------------x-")
PENTATONIC = {True: (0, 3, 5, 7, 10), False: (0, 2, 4, 7, 9)}  # minor, major


class Accompaniment:
    """Make Parts for `chords` (see `chords.heard`) over `bars`, (start, end) each, with the Generator `random`.

    `form`: (start, label) of the song's sections, if they are known. A player plays a section as it was played before.
    `steps`: in a bar, 16, or 12 if it has three beats.
    """

    def __init__(
        self,
        chords: Sequence[Chord],
        bars: Sequence[tuple[float, float]],
        random: np.random.Generator,
        form: Sequence[tuple[float, str]] = (),
        steps: int = 16,
    ) -> None:
        self.chords, self.bars, self.random, self.steps = chords, bars, random, steps
        # In a section of the song, or else of four or eight bars, a player keeps a pattern, or rests throughout.
        size = int(random.choice([4, 8]))
        self.sections = [list(bars[at : at + size]) for at in range(0, len(bars), size)]
        self.labels = [str(number) for number in range(len(self.sections))]
        if form:
            first = [time - 0.02 for time, _ in form]
            after = [*first[1:], np.inf]
            self.sections = [[bar for bar in bars if a <= bar[0] < b] for a, b in zip(first, after, strict=True)]
            self.labels = [label for _, label in form]

    def chord(self, time: float) -> Chord | None:
        """The chord at `time`, or None."""
        begun = [chord for chord in self.chords if chord.start <= time + 0.02]
        return begun[-1] if begun else None

    def _hits(self, patterns: Sequence[str], rest: float = 0.0) -> Iterator[tuple[str, float, float, int]]:
        """Yield (symbol, start, end, step) for every hit; a section is silent with probability `rest`."""
        known: dict[str, str | None] = {}  # by label; None: silent
        for section, label in zip(self.sections, self.labels, strict=True):
            if label not in known:
                known[label] = None if self.random.random() < rest else str(self.random.choice(patterns))
            if (pattern := known[label]) is None:
                continue
            for start, end in section:
                length = (end - start) / self.steps
                for step, symbol, held in hits(pattern[: self.steps]):
                    yield symbol, start + step * length, start + (step + held) * length, step

    def _velocity(self, step: int, base: float = 88) -> int:
        return int(np.clip(base + 14 * (step % 4 == 0) + self.random.normal(0, 6), 20, 127))

    def drums(self) -> Part:
        notes, known = [], {}
        for number, (section, label) in enumerate(zip(self.sections, self.labels, strict=True)):
            if label not in known:
                known[label] = (*BEATS[self.random.integers(len(BEATS))], str(self.random.choice(HATS)))
            for place, (start, end) in enumerate(section):
                fill = place == len(section) - 1 and self.random.random() < 0.7
                length = (end - start) / self.steps
                for pattern in known[label]:
                    for step, symbol in enumerate(pattern[: self.steps - 4 * fill]):
                        if symbol in DRUMS:
                            at = start + step * length
                            notes.append(Note(at, at + 0.1, DRUMS[symbol], self._velocity(step)))
                if fill:
                    for step in range(self.steps - 4, self.steps):
                        at = start + step * length
                        drum = int(self.random.choice((SNARE, *TOMS)))
                        notes.append(Note(at, at + 0.1, drum, self._velocity(step, 95)))
                if place == 0 and number and self.random.random() < 0.8:
                    notes.append(Note(start, start + 1.0, CRASH, 105))
        return Part(0, tuple(notes), drums=True, role="drums")

    def bass(self) -> Part:
        notes = []
        for symbol, start, end, step in self._hits(BASSES, 0.05):
            if chord := self.chord(start):
                pitch = chord.bass(28) + {"5": 7, "o": 12}.get(symbol, 0)
                notes.append(Note(start, end - 0.02, pitch, self._velocity(step)))
        return Part(33, tuple(notes), role="bass")

    def strum(self) -> Part:
        """Chords on up to six strings, strummed down and up, one string after another."""
        fret, notes = int(self.random.choice([0, 0, 0, 2, 3, 5, 7])), []
        spread = self.random.uniform(0.005, 0.022)
        for symbol, start, end, step in self._hits(STRUMS, 0.15):
            if not (chord := self.chord(start)):
                continue
            pitches = shape(chord, fret)
            if symbol == "u":
                pitches = pitches[::-1][:4]
            for string, pitch in enumerate(pitches):
                velocity = self._velocity(step, 76 if symbol == "u" else 88)
                notes.append(Note(start + string * spread, end, pitch, velocity))
        return Part(25, tuple(notes), role="strum")

    def power(self) -> Part:
        """Power chords: root, fifth and octave low on the neck, some of them palm-muted ("m": short).

        The lowest string is E, or tuned down to as low as A.
        """
        low, notes = int(self.random.choice([40, 38, 38, 36, 35, 33])), []
        for symbol, start, end, step in self._hits(CHUGS, 0.1):
            if not (chord := self.chord(start)):
                continue
            root, muted = chord.bass(low), symbol == "m"
            pitches = (root, root + 7) if muted else (root, root + 7, root + 12)
            for pitch in pitches:
                length = min(0.09, end - start) if muted else end - start - 0.01
                notes.append(Note(start, start + length, pitch, self._velocity(step, 72 if muted else 98)))
        return Part(30, tuple(notes), role="power")

    def arpeggio(self) -> Part:
        """The notes of the chord one by one, each ringing as long as the chord, for 1.5 s at most."""
        fret, notes = int(self.random.choice([0, 0, 2, 5, 7])), []
        for symbol, start, end, step in self._hits(ARPEGGIOS, 0.1):
            if chord := self.chord(start):
                pitches = shape(chord, fret)
                ring = max(end, min(chord.end, start + 1.5))
                notes.append(Note(start, ring, pitches[int(symbol) % len(pitches)], self._velocity(step, 80)))
        return Part(27, tuple(notes), role="arpeggio")

    def solo(self, low: int = 57) -> Part:
        """A single-voice melody over the chords: phrases in a pentatonic scale, with pauses between them."""
        notes, place = [], int(self.random.integers(5, 12))
        root = np.bincount([chord.root for chord in self.chords], minlength=12).argmax()
        minor = np.mean([(chord.root + 3) % 12 in chord.classes for chord in self.chords]) > 0.5
        # The pentatonic scale of the most frequent chord fits most other chords.
        steps = PENTATONIC[bool(minor)]
        base = low + (root - low) % 12
        for start, end in self.bars:
            if self.random.random() < 0.3:
                continue
            length, time = (end - start) / self.steps, start
            while time < end - length:
                duration = length * int(self.random.choice([1, 2, 2, 4, 4, 8]))
                place = int(np.clip(place + self.random.integers(-2, 3), 0, 14))
                if self.random.random() < 0.85:
                    pitch = base + 12 * (place // 5) + steps[place % 5]
                    notes.append(Note(time, min(time + duration, end) - 0.01, int(pitch), self._velocity(0, 88)))
                time += duration
        return Part(30, tuple(notes), role="solo")

    def comp(self, low: int = 55) -> Part:
        """Chords of keys or horns, short or held, in a narrow range."""
        notes = []
        for _, start, end, step in self._hits(COMPS, 0.15):
            if chord := self.chord(start):
                notes += [Note(start, end - 0.02, pitch, self._velocity(step, 80)) for pitch in chord.near(low)]
        return Part(4, tuple(notes), role="comp")

    def pad(self, low: int = 52) -> Part:
        """Every chord, held for its whole length."""
        notes = [
            Note(chord.start, chord.end, pitch, self._velocity(1, 70))
            for chord in self.chords
            for pitch in chord.near(low)
        ]
        return Part(48, tuple(notes), role="pad")


def bars_of(score: Score) -> list[tuple[float, float]]:
    """(start, end) of the bars of a Score; four beats each if it does not say."""
    edges = [*score.bars] if len(score.bars) > 1 else [*score.beats[::4]]
    edges = [time for time in edges if time < score.seconds - 0.5] + [score.seconds]
    return [(start, end) for start, end in zip(edges[:-1], edges[1:], strict=True) if 0.4 < end - start < 8]


def beats_per_bar(score: Score) -> int:
    """3 if most bars of a Score have three beats, otherwise 4."""
    bars = np.searchsorted(score.beats, np.array(score.bars) - 0.02)
    return 3 if len(bars) > 1 and np.median(np.diff(bars)) == 3 else 4
