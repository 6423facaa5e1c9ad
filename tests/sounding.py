"""Small songs with known beats, bars and sections: a drum, a bass and chords that change with the bar."""

import numpy as np

RATE = 22050
CHORDS = {
    "C": (60, 64, 67),
    "F": (65, 69, 72),
    "G": (67, 71, 74),
    "Am": (57, 60, 64),
    "E": (64, 68, 71),
    "B": (59, 63, 66),
}


def beat_times(bars, metre, tempo, pickup=0, changes=None):
    """(beats, bars) in seconds: `bars` whole bars after `pickup` beats. `changes`: {bar: tempo from there on}."""
    steps = []
    for bar in range(-1 if pickup else 0, bars):
        tempo = (changes or {}).get(bar, tempo)
        steps += [60 / tempo] * (pickup if bar < 0 else metre)
    beats = 0.2 + np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    return beats, beats[pickup::metre]


def _tone(midi, seconds, decay, partials=4):
    time = np.arange(round(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((midi - 69) / 12)
    wave = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, partials + 1))
    return wave * np.exp(-time / decay) * np.minimum(1, np.arange(len(time))[::-1] / 200)


def play(beats, bars, progression, timbre=4, drums=True, seed=0):
    """The sound (frames, 1): a kick and a bass note in the beginning of a bar, snares within it, chords on each beat.

    `progression`: names of CHORDS, one per bar, repeated.
    """
    random = np.random.default_rng(seed)
    ends = np.append(beats[1:], 2 * beats[-1] - beats[-2])
    sound = np.zeros(round((ends[-1] + 0.5) * RATE))

    def add(note, at, gain):
        first = round(at * RATE)
        sound[first : first + len(note)] += gain * note[: len(sound) - first]

    noise = random.normal(0, 1, 2000) * np.exp(-np.arange(2000) / 400)
    kick = np.sin(2 * np.pi * 60 * np.arange(3000) / RATE) * np.exp(-np.arange(3000) / 900)
    bar = int(np.searchsorted(bars, beats[0] + 0.01)) - 1
    place = 0 if bar >= 0 else 1
    for start, end in zip(beats, ends, strict=True):
        if np.any(np.abs(bars - start) < 1e-6):
            bar, place = bar + 1 if start > bars[0] else 0, 0
        chord = CHORDS[progression[bar % len(progression)]]
        for pitch in chord:
            add(_tone(pitch, end - start, 0.4, timbre), start, 0.05)
        add(_tone(chord[0] - 24, end - start, 0.5), start, 0.25 if place == 0 else 0.08)
        if drums:
            add(kick if place == 0 else noise, start, 0.5 if place == 0 else 0.12)
        place += 1
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)[:, None]


def form(sections, metre=4, tempo=120):
    """(sound, beats, bars, edges) of sections [(number of bars, progression, partials)], one after the other."""
    beats, bars = beat_times(sum(count for count, *_ in sections), metre, tempo)
    sounds, edges, first = [], [0.0], 0
    for count, progression, timbre in sections:
        inside = slice(first * metre, (first + count) * metre)
        own = beats[inside] - beats[first * metre]
        piece = play(own, own[::metre], progression, timbre)
        sounds.append(piece[: round(count * metre * 60 / tempo * RATE)])
        first += count
        edges.append(beats[0] + first * metre * 60 / tempo)
    lead = np.zeros((round(beats[0] * RATE), 1), np.float32)
    return np.concatenate([lead, *sounds]), beats, bars, np.array(edges)
