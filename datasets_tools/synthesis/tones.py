"""Computed pianos and synthesizers: every part is played by a different, random one.

Sample libraries contain few instruments, and a network trained on those alone would not know any others. These
instruments imitate none in particular. Pianos are strings struck by hammers, with the features of a piano (stiff
strings, several per note, two rates of decay, a soundboard; Fletcher and Rossing, The Physics of Musical Instruments,
chapter 12). Synthesizers are sums of partials or frequency modulation (Chowning 1973), decaying or sustained.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from datasets_tools.synthesis.scores import Note

STRUCK = ("electric piano", "harpsichord", "clavinet", "mallets", "harp")
HIGHEST = 12000  # Hz
PARTIALS = 28
LAYERS = 3  # of loudness, with different brightness
LONGEST = 6.0  # seconds, of a note


@dataclass(frozen=True)
class Patch:
    """The sound of an instrument. Times in seconds, frequencies in Hz; `stiff`: inharmonicity B of middle C's strings.

    `hammer`: where the strings are struck, as a fraction of their length. A partial k with frequency f has amplitude
    k^-`slope` exp(-f / `bright`), times `even` if k is even, decaying in `decay` / (1 + `damping` k) to `held` of its
    start. `detune` (of the strings of one note) and `vibrato` are in cents, `knock` is the level of the hammer noise.
    `index`: of frequency modulation by a tone `ratio` times as high, or 0. `board`: gains in dB from 50 Hz to HIGHEST.
    """

    stiff: float
    hammer: float
    slope: float
    bright: float
    even: float
    decay: float
    damping: float
    held: float
    attack: float
    release: float
    detune: float
    knock: float
    index: float
    ratio: float
    vibrato: float
    board: np.ndarray
    mistuned: np.ndarray


def drawn(family: str, random: np.random.Generator, worn: bool = False) -> Patch:
    """A random Patch for a family of instruments (material.FAMILIES). `worn`: an old piano."""
    piano, struck = family == "piano", family in STRUCK or (family == "bass" and random.random() < 0.6)
    kind = 0 if piano else 1 if struck else 2

    def one_of(*ranges):
        return random.uniform(*ranges[kind])

    modulated = not piano and random.random() < 0.35
    patch = Patch(
        stiff=10 ** random.uniform(-3.9, -2.9) if piano else 0.0,
        hammer=one_of((0.08, 0.16), (0.05, 0.5), (0, 0)),
        slope=one_of((0.2, 1.0), (0.3, 2.5), (0.3, 2.0)),
        bright=10 ** one_of((2.9, 3.5), (2.7, 3.8), (2.7, 3.8)),
        even=1.0 if piano else random.choice([1.0, 1.0, random.uniform(0, 1)]),
        decay=one_of((2, 7), (0.3, 4), (0.2, 3)),
        damping=one_of((0.05, 0.25), (0.05, 0.25), (0, 0.3)),
        held=one_of((0.02, 0.15), (0, 0.1), (0.3, 1)),
        attack=10 ** one_of((-3, -2.4), (-3, -2.4), (-2.3, -0.6)),
        release=one_of((0.05, 0.2), (0.05, 0.2), (0.03, 0.5)),
        detune=random.uniform(0.2, 1.2) if piano else random.choice([0.0, random.uniform(1, 12)]),
        knock=10 ** one_of((-2.2, -1.2), (-4, -1.5), (-4, -1.5)),
        index=random.uniform(0.5, 6) if modulated else 0.0,
        ratio=float(random.choice([0.5, 1, 1, 2, 3, 4, 7])),
        vibrato=0.0 if struck or piano else random.choice([0.0, random.uniform(3, 20)]),
        board=np.convolve(random.normal(0, 7 if piano else 5, 26), np.ones(3) / np.sqrt(3), "valid"),
        mistuned=np.zeros(128),
    )
    if not worn:
        return patch
    # Short strings are stiffer, old ones are out of tune, hammers are soft or hard, and cases resonate.
    return replace(
        patch,
        stiff=10 ** random.uniform(-3.7, -2.5),
        slope=random.uniform(0.0, 1.6),
        bright=10 ** random.uniform(2.6, 3.7),
        decay=random.uniform(1, 6),
        held=random.uniform(0.0, 0.4),
        detune=random.uniform(0.5, 8),
        knock=10 ** random.uniform(-2.2, -0.8),
        board=np.convolve(random.normal(0, 9, 41), np.ones(2) / np.sqrt(2), "valid"),
        mistuned=random.uniform(0, 8) * random.standard_normal(128),
    )


def play(
    family: str, notes: Iterable[Note], seconds: float, random: np.random.Generator, rate: int, worn: bool = False
) -> np.ndarray:
    """Play the notes on a random instrument: float32 (seconds * rate, 2)."""
    patch = drawn(family, random, worn)
    track = np.zeros((round(seconds * rate), 2), np.float32)
    release, spread = round(patch.release * rate), random.uniform(0, 0.5)
    groups: dict[tuple[int, int], list[Note]] = {}
    for note in notes:
        groups.setdefault((note.pitch, min(LAYERS * note.velocity // 128, LAYERS - 1)), []).append(note)
    for (pitch, layer), group in groups.items():
        longest = min(max(note.end - note.start for note in group), LONGEST)
        sound = _note(patch, pitch, (layer + 1) / LAYERS, longest + patch.release, random, rate)
        side = np.clip(spread * (pitch - 60) / 24, -0.7, 0.7)
        gains = np.sqrt(np.array([1 - side, 1 + side], np.float32))
        for note in group:
            first = round(note.start * rate)
            held = round(min(note.end - note.start, LONGEST) * rate)
            cut = sound[: held + release].copy()
            if len(cut) > held:
                cut[held:] *= np.exp(-5 * np.arange(len(cut) - held, dtype=np.float32) / release)
            cut = cut[: max(len(track) - first, 0)]
            track[first : first + len(cut)] += (note.velocity / 100) ** 1.5 * cut[:, None] * gains
    return track


def _note(
    patch: Patch, pitch: int, strength: float, seconds: float, random: np.random.Generator, rate: int
) -> np.ndarray:
    """One note, float32 (seconds * rate,), with about the same power as its neighbours."""
    time = np.arange(round(seconds * rate), dtype=np.float32) / rate
    hertz = 440 * 2 ** ((pitch - 69 + patch.mistuned[pitch] / 100) / 12)
    phase = 2 * np.pi * hertz * time.astype(np.float64)
    if patch.vibrato:
        swing = np.sin(2 * np.pi * 5.5 * time) * np.minimum(1, time / 0.4)
        phase = 2 * np.pi * np.cumsum(hertz * 2 ** (patch.vibrato / 1200 * swing) / rate)
    life = patch.decay * 2 ** ((60 - pitch) / 18)
    if patch.index:
        index = patch.index * strength * (patch.held + (1 - patch.held) * np.exp(-3 * time / life))
        sound = np.sin(phase + index * np.sin(patch.ratio * phase)) * _envelope(patch, time, life)
    else:
        sound = _partials(patch, hertz, phase, strength, life, time, random)
    sound *= 1 - np.exp(-time / patch.attack)
    count = min(len(time), round(0.05 * rate))
    blow = random.standard_normal(count) * np.exp(-np.arange(count) / rate / random.uniform(0.003, 0.012))
    sound[:count] += patch.knock * strength * np.convolve(blow, np.ones(12) / 4, "same")
    return (sound * (hertz / 262) ** -0.25).astype(np.float32)


def _partials(
    patch: Patch,
    hertz: float,
    phase: np.ndarray,
    strength: float,
    life: float,
    time: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    sound = np.zeros(len(time))
    stiff = patch.stiff * (hertz / 262) ** 1.6
    places = np.log(np.geomspace(50, HIGHEST, len(patch.board)))
    total = 0.0
    for k in range(1, PARTIALS + 1):
        stretch = np.sqrt((1 + stiff * k * k) / (1 + stiff))
        frequency = k * hertz * stretch
        if frequency > HIGHEST:
            break
        gain = k**-patch.slope * np.exp(-frequency / (patch.bright * (0.5 + strength)))
        gain *= 10 ** (np.interp(np.log(frequency), places, patch.board) / 20)
        gain *= abs(np.sin(np.pi * k * patch.hammer)) if patch.hammer else 1.0
        gain *= patch.even if k % 2 == 0 else 1.0
        if gain < 1e-5:
            continue
        # The strings of one note differ by a few cents and beat.
        beat = np.pi * frequency * (2 ** (patch.detune * random.normal(1, 0.4) / 1200) - 1)
        tone = np.sin((k * stretch * phase % (2 * np.pi)).astype(np.float32) + np.float32(random.uniform(0, 6.28)))
        tone *= _envelope(patch, time, life / (1 + patch.damping * k))
        if beat:
            tone *= 0.6 + 0.4 * np.cos(np.float32(beat) * time)
        sound += gain * tone
        total += gain * gain
    return sound / np.sqrt(total + 1e-12)


def _envelope(patch: Patch, time: np.ndarray, life: float) -> np.ndarray:
    """Decay from 1, at first quickly, then slowly (a piano's second decay), to silence or to the `held` level."""
    falls = np.exp(-6.9 * time / life)
    lasts = np.exp(-1.4 * time / life) if patch.hammer else 1.0
    return (1 - patch.held) * falls + patch.held * lasts
