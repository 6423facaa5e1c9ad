"""Bands of frequencies that instruments are taken to live in, and how they divide the spectrum among them.

Of the pitched instruments a band begins at the lowest note in the usual tuning (bass: B0 of five strings, 30.9 Hz;
guitar: E2, 82.4 Hz; piano: A0, 27.5 Hz; a bass singer's E2, of which the partials carry) and ends where the partials
have become weak: those of a guitar's loudspeaker at 5 kHz, of a piano an octave over C8's 4186 Hz, consonants at
8 kHz. A bass goes higher than 250 Hz, but what lies above is mostly others'. Of the drums, the kick has the bottom
and cymbals the top to themselves; where the snare is, all others are too.
"""

from collections.abc import Sequence

import numpy as np

BANDS = {  # Hz
    "bass": [(30, 250)],
    "drums": [(20, 100), (5000, 20000)],
    "vocals": [(120, 8000)],
    "guitar": [(80, 5000)],
    "piano": [(27, 8000)],
}
DEFAULT = [(80, 8000)]  # any other melodic instrument, and MUSDB's "other"


def inside(frequencies: np.ndarray, instrument: str) -> np.ndarray:
    """Which of the frequencies (Hz) lie in the instrument's band: boolean, of their shape."""
    return np.any([(frequencies >= low) & (frequencies < high) for low, high in BANDS.get(instrument, DEFAULT)], axis=0)


def shares(frequencies: np.ndarray, instruments: Sequence[str]) -> dict[str, np.ndarray]:
    """{instrument: float32 of their shape}: 1 in its band, an equal share where bands overlap, 0 elsewhere."""
    insides = {instrument: inside(frequencies, instrument) for instrument in instruments}
    count = np.maximum(np.sum(list(insides.values()), axis=0), 1, dtype=np.float32)
    return {instrument: band / count for instrument, band in insides.items()}


def instruments_of(parts: Sequence[str]) -> list[str]:
    """The parts but for the rest."""
    return [part for part in parts if part != "rest"]


def with_rest(masks: dict[str, np.ndarray], parts: Sequence[str]) -> dict[str, np.ndarray]:
    """The masks, and what they leave as the mask of the rest if `parts` has it."""
    if "rest" not in parts:
        return masks
    rest = 1 - np.sum(list(masks.values()), axis=0)
    return {**masks, "rest": np.maximum(rest, 0, out=rest)}
