"""A small synthetic rock band: composed songs with true stems, made without any samples.

Strings are plucked waveguides (Karplus and Strong 1983; Jaffe and Smith 1983), keys are decaying partials, and drums
are swept sines and noise. The seed determines everything, from the key to the mix.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from datasets_tools.synthesis.patterns import hits
from datasets_tools.synthesis.strings import hertz_of, key, pluck
from splitstrument.files.atomic import atomic_folder
from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.locking import kept

# Scale, and progressions as degrees from 0, one chord per bar; none is diminished, so power chords always fit.
MODES = (
    ((0, 2, 4, 5, 7, 9, 11), ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 5, 4), (3, 0, 4, 5))),
    ((0, 2, 3, 5, 7, 8, 10), ((0, 5, 2, 6), (0, 6, 5, 6), (0, 3, 5, 6), (5, 6, 0, 0), (0, 2, 6, 3))),
)
# Patterns (see patterns.hits): capitals are accents, m is palm-muted, and a digit is a string of the chord (arpeggios)
# or a scale step above its root (bass).
REST, LONG, ROOT, POWER = 16 * ".", "X---------------", "0---------------", np.array([0, 7, 12])
ARPEGGIOS = ("0-2-3-2-4-3-2-3-", "0-1-2-3-4-3-2-1-", "0-3-2-4-3-2-3-1-", "0---2-3-4---3-2-")
CHUGS = ("X-----m-X---m-m-", "X-m-m-X-m-m-X-m-", "X---m-m-X---X-m-", "X-----X-----X---", "X-X-m-m-X-X-m-m-")
BASS = ("0-----0-0---4-5-", "0---4---0---2-4-", "0-0-0-0-0-0-0-0-", "0---0-0-0---0-7-", "0-0-0-0-7-7-4-4-")
KEYS = ("X-------X-------", "X-----X---------", "X---x---x---x---", "X-----x-----X---", "..x-..x-..x-..x-")
KICKS = ("K.......K.k.....", "K.....k.K.......", "K..k....K.k...k.", "K.k.....K.....k.", "K.....k...K.....")
HATS = ("H.h.H.h.H.h.H.h.", "H.hhH.h.H.hhH.h.", "H...H...H...H...", "HhhhHhhhHhhhHhhh")
FILLS = ("1.1.2.2.", "11112222", "..11.22222", "1.12.22.", "....1122")
RHYTHMS = ("X-----x-x---x---", "x---x-x-X-------", "..x-x-x-X---x---", "X-------..x-x-x-", "x-x-X-----x-X---")
CONTOURS = ((0, 1, 2, 4, 2), (4, 3, 2, 0, 1), (0, 2, 1, 3, 2), (2, 4, 3, 2, 0), (0, 0, 1, 2, -1))
# Keyboards: stiffness, Hz at which partials are at 1/e, seconds to 1/e at middle C, damping by partial.
KEYBOARDS = ((0, 700, 1.6, 0.5), (0, 1800, 60, 0), (4e-4, 2500, 1.2, 0.1), (4e-4, 2500, 1.2, 0.1))
# Drums: hertz, downward sweep in Hz, decay in s; noise amplitude, decay in s, lower edge in Hz; pan, gain.
KIT = {
    "k": (50, 160, 0.16, 0.25, 0.006, 1500, 0.0, 1.0),
    "s": (190, 60, 0.07, 0.7, 0.09, 1200, 0.05, 0.6),
    "h": (0, 0, 0.03, 0.25, 0.035, 7000, 0.35, 1.2),
    "o": (0, 0, 0.15, 0.2, 0.16, 6000, 0.35, 1.2),
    "c": (0, 0, 0.8, 0.25, 0.9, 3500, -0.4, 1.2),
    "1": (165, 60, 0.16, 0.15, 0.03, 800, -0.4, 0.6),
    "2": (95, 40, 0.25, 0.15, 0.03, 600, 0.4, 0.7),
}


@dataclass(frozen=True)
class Song:
    """Stems by group ("guitar", "bass", "drums", "piano"), each float32 (frames, 2)."""

    sample_rate: int
    stems: dict[str, np.ndarray]

    @property
    def mixture(self) -> np.ndarray:
        """Sum of the stems, float32 (frames, 2), peak at most 0.9."""
        return np.asarray(np.sum(list(self.stems.values()), axis=0, dtype=np.float32))


def _filter(
    signal: np.ndarray, sample_rate: int, order: int, hertz: float | tuple[float, float], kind: str
) -> np.ndarray:
    from scipy.signal import butter, sosfilt

    sections = butter(order, np.minimum(hertz, 0.45 * sample_rate), kind, fs=sample_rate, output="sos")
    return sosfilt(sections, signal, axis=0)


def _pan(signal: np.ndarray, position: float) -> np.ndarray:
    return signal[:, None] * np.sqrt([0.5 - position / 2, 0.5 + position / 2])  # -1 is left; equal power


def amplifier(signal: np.ndarray, sample_rate: int, drive: float) -> np.ndarray:
    """A distorting guitar amplifier and loudspeaker, (frames,) to (frames,); drive is the level into tanh."""
    from scipy.signal import resample_poly

    pre = signal + 1.2 * _filter(signal, sample_rate, 1, 1500.0, "highpass")
    pre *= drive / np.std(pre[np.abs(pre) > 0.03 * np.abs(pre).max()])  # the level while playing
    loud = resample_poly(np.tanh(resample_poly(pre, 4, 1)), 1, 4)  # at four times the rate: no aliasing
    # The loudspeaker: resonance, presence, and little beyond either end.
    loud += 1.5 * _filter(loud, sample_rate, 1, 150.0, "lowpass")
    loud += 3.0 * _filter(loud, sample_rate, 1, (2800.0, 5500.0), "bandpass")
    return _filter(_filter(loud, sample_rate, 2, 75.0, "highpass"), sample_rate, 3, 5200.0, "lowpass")


class _Band:
    """A composition and its players; each player returns a part as (frames, 2)."""

    def __init__(self, rng: np.random.Generator, seconds: float, rate: int) -> None:
        count = max(round(seconds * rng.uniform(84, 144) / 240) - 1, 1)  # bars before the final chord
        self.rng, self.rate, self.frames = rng, rate, round(seconds * rate)
        self.step = seconds / (count + 1) / 16  # seconds in a sixteenth
        (self.scale, progressions), self.tonic = MODES[rng.integers(2)], int(rng.integers(40, 52))  # MIDI
        verse, chorus = rng.permutation(progressions)[:2].tolist()
        place = np.arange(count) * max(round(count / 16), 1) / count  # in rounds of verse and chorus
        # Sections are 0 intro, 1 verse, 2 chorus, 3 end; a bar is (section, number in it, chord, last of it).
        self.bars, number = [], 0
        for section, after in pairwise([*((place >= 0.14) + 1 * (place % 1 >= 0.42)).tolist(), 3, 3]):
            degree = (verse, verse, chorus, [0])[section][number % 4]
            self.bars.append((section, number, degree, section != after))
            number = number + 1 if section == after else 0

    def pitch(self, degree: int) -> int:
        return self.tonic + self.scale[degree % 7] + 12 * (degree // 7)

    def near(self, degree: int, low: int) -> int:
        return low + (self.pitch(degree) - low) % 12  # in the octave above low, so that chords stay close

    def chord(self, degree: int, bottom: int, low: int) -> list[int]:
        """The root near bottom, the chord's three notes near low, and the lowest of these an octave higher."""
        triad = sorted(self.near(degree + third, low) for third in (0, 2, 4))
        return [self.near(degree, bottom), *triad, triad[0] + 12]

    def hits(self, patterns: Sequence[str], fill: str = "") -> Iterator[tuple[str, int, float, float, float, int, int]]:
        """Yield each note's (symbol, degree, start s, length s, velocity, step, number of its bar)."""
        for index, (section, number, degree, last) in enumerate(self.bars):
            pattern = "".join(np.roll(list(patterns[section]), -16 * number)[: 16 - len(fill) * last])
            pattern += fill * last  # patterns may last several bars, and a fill ends a section
            for step, symbol, held in hits(pattern):
                start = max((16 * index + step) * self.step + self.rng.normal(0, 0.004), 0)
                accent = 1.0 if symbol.isupper() or step % 4 == 0 else 0.8
                velocity = accent * self.rng.uniform(0.85, 1.1)
                yield symbol, degree, start, held * self.step, velocity, step, number

    def place(self, track: np.ndarray, note: np.ndarray, start: float, release: float = 0.03) -> None:
        """Add a note to a track, with its last `release` seconds faded out."""
        first, fade = round(start * self.rate), np.arange(len(note))[::-1] / (release * self.rate)
        track[first : first + len(note)] += (note * np.minimum(fade, 1))[: max(self.frames - first, 0)]

    def keys(self) -> np.ndarray:
        rng, track = self.rng, np.zeros(self.frames)
        keyboard, low = rng.choice(KEYBOARDS), int(rng.integers(55, 62))
        for _, degree, start, length, velocity, *_ in self.hits((LONG, *rng.choice(KEYS, 2), LONG)):
            for pitch in self.chord(degree, 43, low)[:4]:
                note = key(hertz_of(pitch), length, self.rate, velocity, *keyboard)
                self.place(track, note, start + rng.uniform(0, 0.008), 0.08)
        return _pan(track, -0.2)

    def drums(self) -> np.ndarray:
        rng, tracks = self.rng, {name: np.zeros(self.frames) for name in KIT}
        size, fill = rng.uniform(0.9, 1.15), str(rng.choice(FILLS))
        kick, hat, snare = rng.permutation(KICKS), rng.permutation(HATS), "....S.......S..."
        long, crash, pause = "K" + REST[1:], "C" + 127 * ".", REST[: len(fill)]
        voices = [((long, kick[0], kick[1] + kick[2], long), ""), ((REST, snare, snare, REST), fill)]
        hats = (HATS[2], hat[0], hat[1].replace("H", "O"), REST)
        voices += [((REST, crash, crash, crash), ""), (hats, pause)]
        for patterns, ending in voices:
            for symbol, _, start, _, velocity, *_ in self.hits(patterns, ending):
                hertz, sweep, decay, noise, noise_decay, edge, _, _ = KIT[symbol.lower()]
                t = np.arange(round(6 * decay * self.rate)) / self.rate
                # The pitch falls as hertz + sweep exp(-t / 0.03); the phase is its integral.
                phase = 2 * np.pi * size * (hertz * t + 0.03 * sweep * (1 - np.exp(-t / 0.03)))
                hiss = _filter(rng.standard_normal(len(t)), self.rate, 2, edge, "highpass")
                hit = np.sin(phase) * np.exp(-t / decay) + noise * hiss * np.exp(-t / noise_decay)
                self.place(tracks[symbol.lower()], velocity**2 * hit, start)
        return np.tanh(sum(_pan(gain * tracks[name], pan) for name, (*_, pan, gain) in KIT.items()))

    def strings(
        self,
        patterns: Sequence[str],
        voicing: Callable[..., Sequence[int] | np.ndarray],
        string: dict[str, float],
        ring: bool = False,
    ) -> np.ndarray:
        """Pluck all notes of voicing(degree, step, number), or the one of the digit, (frames,).

        `ring`: let notes ring to the end of the bar. `string`: parameters of `pluck`.
        """
        track = np.zeros(self.frames)
        for symbol, degree, start, length, velocity, step, number in self.hits(patterns):
            pitches = voicing(degree, step, number)
            muted = {"sustain": 0.5, "treble": 0.15} if symbol == "m" else {}
            seconds = (16 - step) * self.step if ring else length
            for pitch in [pitches[int(symbol)]] if symbol.isdigit() else pitches:
                note = pluck(hertz_of(pitch), seconds, self.rate, self.rng, **string | muted)
                self.place(track, velocity * note, start + self.rng.uniform(0, 0.008))
        return track

    def bass(self) -> np.ndarray:
        patterns = (ROOT, *self.rng.choice(BASS, 2), ROOT)
        string = {"pick": self.rng.uniform(0.12, 0.25), "bright": self.rng.uniform(600, 1400), "treble": 0.5}

        def steps(degree, *_):
            return [self.near(degree, 28) + self.pitch(degree + i) - self.pitch(degree) for i in range(8)]

        return _pan(np.tanh(0.5 * self.strings(patterns, steps, string)), 0)

    def guitars(self) -> np.ndarray:
        """Clean arpeggios in intro and verse; power chords left and right and a lead melody in the chorus."""
        rng, rate, drive = self.rng, self.rate, self.rng.uniform(2, 6)
        contours, rhythm = rng.permutation(CONTOURS), rng.permutation(RHYTHMS)

        def melody(degree, step, number):
            # Two bars, answered a third higher; on strong beats the note moves to the nearest chord note.
            note = 14 + contours[number % 2][step * 5 // 16] + number % 4 // 2 * 2
            chord = [degree + third + octave for third in (0, 2, 4) for octave in (0, 7, 14)]
            return [self.pitch(note if step % 8 else min(chord, key=lambda near: abs(near - note)))]

        theme = (REST, REST, rhythm[0] + rhythm[1] + rhythm[0] + "X-----------....", LONG)
        lead = self.strings(theme, melody, {"pickup": 0.15, "sustain": 12.0, "treble": 3.0})
        track = _pan(0.5 * amplifier(lead, rate, 1.5 * drive), rng.uniform(-0.2, 0.2))
        patterns = (REST, REST, "".join(rng.choice(CHUGS, 2)), LONG)
        for side in (-0.85, 0.85):
            string = {"pick": rng.uniform(0.08, 0.15), "pickup": 0.15, "sustain": 8.0, "treble": 2.0}
            power = self.strings(patterns, lambda degree, *_: self.near(degree, 40) + POWER, string)
            track += _pan(0.75 * amplifier(power, rate, drive), side)
        patterns, pick = (*[rng.choice(ARPEGGIOS)] * 2, REST, REST), rng.uniform(0.1, 0.25)
        clean = self.strings(patterns, lambda degree, *_: self.chord(degree, 40, 52), {"pick": pick}, True)
        return track + _pan(0.9 * _filter(clean, rate, 2, 6000.0, "lowpass"), rng.uniform(-0.4, 0.4))


def play(seed: int = 0, seconds: float = 30.0, sample_rate: int = 44100) -> Song:
    """The song of a seed: intro of clean guitar over keys, verse, chorus with power chords and lead, end chord.

    It lasts `seconds` (1 or more) at `sample_rate` (8000 Hz or more); below about 15 s the sections are very short.
    """
    from scipy.signal import fftconvolve

    rng = np.random.default_rng(seed)
    band = _Band(rng, seconds, sample_rate)
    parts = {"guitar": band.guitars(), "bass": band.bass(), "drums": band.drums(), "piano": band.keys()}
    # The room: noise with the power exp(-13.8 t), which falls by 60 dB over its length; the sum is length / 13.8.
    length = round(rng.uniform(0.5, 1.1) * sample_rate)
    room = rng.standard_normal((length, 2)) * np.exp(-6.9 * np.arange(length) / length)[:, None]
    room *= 0.15 / np.sqrt(length / 13.8)
    fade = np.minimum(np.arange(band.frames)[::-1, None] / (4 * band.step * sample_rate), 1)
    stems = {}
    for (group, dry), decibels in zip(parts.items(), (0.0, 0.0, 0.5, -4.0), strict=True):
        stem = fade * (dry + fftconvolve(dry, room, axes=0)[: band.frames])
        stems[group] = stem / np.std(stem) * 10 ** ((decibels + rng.normal(0, 1)) / 20)
    peak = max(np.abs(signal).max() for signal in (sum(stems.values()), *stems.values()))
    return Song(sample_rate, {group: np.asarray(0.89 / peak * stem, np.float32) for group, stem in stems.items()})


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Write <output>/band<seed>/<group>/<group>.wav and mix/mix.wav, 16 bit; return 1 if a folder exists."""
    parser = Parser("band", "Make songs with stems, by seed.")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="folder for the songs")
    for option, default in {"--songs": 1, "--seed": 0, "--seconds": 30.0, "--rate": 44100}.items():
        parser.add_argument(option, type=type(default), default=default, help=f"default: {default}")
    options = parser.parse_args(arguments)
    if options.songs < 1 or options.seed < 0 or options.seconds < 1 or options.rate < 8000:
        parser.error("need --songs >= 1, --seed >= 0, --seconds >= 1 and --rate >= 8000")
    seeds = range(options.seed, options.seed + options.songs)
    if present := [str(folder) for seed in seeds if (folder := options.output / f"band{seed}").exists()]:
        print(f"nothing written, already there: {', '.join(present)}", file=sys.stderr)
        return 1
    import soundfile

    with kept(options.output):
        for seed in seeds:
            song = play(seed, options.seconds, options.rate)
            with atomic_folder(options.output / f"band{seed}") as beside:
                for name, signal in (*song.stems.items(), ("mix", song.mixture)):
                    folder = beside / name
                    folder.mkdir()
                    soundfile.write(os.fsencode(folder / f"{name}.wav"), signal, options.rate, subtype="PCM_16")
    return 0


if __name__ == "__main__":
    sys.exit(main())
