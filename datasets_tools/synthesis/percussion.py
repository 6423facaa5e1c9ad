"""Computed percussion: bongos, two membranes that are struck, and the guira, a comb of metal that is scraped.

Sizes, tensions and metals are random, so each song has its own. Audio is float32 (frames, 1) at players.RATE. `struck`
is what a player strikes: (symbol of the pattern, note), see bachata.
"""

from collections.abc import Sequence

import numpy as np

from datasets_tools.synthesis.players import RATE
from datasets_tools.synthesis.scores import Note

MEMBRANE = (1.0, 1.59, 2.14, 2.30, 2.65)  # its modes' frequencies relative to the lowest one


def bongo(struck: Sequence[tuple[str, Note]], seconds: float, random: np.random.Generator) -> np.ndarray:
    """Two membranes: decaying modes that sink a little in pitch, and the slap of the hand."""
    high = random.uniform(320, 520)
    drums = {
        "h": (high, random.uniform(0.025, 0.06)),
        "l": (high * random.uniform(0.55, 0.72), random.uniform(0.05, 0.14)),
    }
    slap, sink = random.uniform(0.1, 0.5), random.uniform(0.0, 0.12)
    weights = random.uniform(0.2, 1.0, len(MEMBRANE)) / np.arange(1, len(MEMBRANE) + 1)
    track = np.zeros(round(seconds * RATE))
    t = np.arange(round(0.5 * RATE)) / RATE
    for symbol, note in struck:
        hertz, decay = drums[symbol.lower()]
        force = (note.velocity / 100) ** 1.5
        phase = 2 * np.pi * hertz * (t + sink * 0.02 * (1 - np.exp(-t / 0.02)))
        modes = sum(
            weight * np.sin(ratio * phase + random.uniform(0, 6)) * np.exp(-t * ratio / decay)
            for weight, ratio in zip(weights, MEMBRANE, strict=True)
        )
        hit = modes + slap * random.standard_normal(len(t)) * np.exp(-t / 0.004)
        _add(track, force * hit, note.start)
    return track[:, None].astype(np.float32)


def guira(struck: Sequence[tuple[str, Note]], seconds: float, random: np.random.Generator) -> np.ndarray:
    """A comb drawn over rows of bumps: bursts of noise, one for each bump, that metal colours."""
    from scipy.signal import butter, sosfilt

    bumps, low = random.uniform(90, 260), random.uniform(2200, 4500)
    ring = butter(2, (low, min(low * random.uniform(2.0, 4.0), 18000)), "bandpass", fs=RATE, output="sos")
    track = np.zeros(round(seconds * RATE))
    for symbol, note in struck:
        length = min(note.end - note.start, 0.3) if symbol == "X" else min(note.end - note.start, 0.09)
        t = np.arange(max(round(length * RATE), 64)) / RATE
        drawn = bumps * t * (1 + random.uniform(-0.2, 0.3) * t / t[-1])
        teeth = np.exp(-6 * (drawn % 1))
        stroke = np.minimum(t / 0.004, 1) * np.exp(-2.5 * t / t[-1])
        _add(track, (note.velocity / 100) * teeth * stroke * random.standard_normal(len(t)), note.start)
    return sosfilt(ring, track)[:, None].astype(np.float32)


def _add(track: np.ndarray, sound: np.ndarray, start: float) -> None:
    first = round(start * RATE)
    count = min(len(sound), len(track) - first)
    if count > 0:
        track[first : first + count] += sound[:count]
