"""The frequency bands of instruments, and how they share the spectrum.

The band of a pitched instrument starts at the lowest note in the usual tuning (bass: B0 of five strings, 30.9 Hz;
guitar: E2, 82.4 Hz; piano: A0, 27.5 Hz; vocals: a bass singer's E2, which is heard by its partials). It ends where the
partials become weak: a guitar loudspeaker at 5 kHz, a piano an octave above C8 (4186 Hz), consonants at 8 kHz. A bass
also reaches above 250 Hz, but most sound there belongs to others. Of the drums, the kick has the lowest and the
cymbals the highest frequencies to themselves; the snare overlaps with everything else.
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
    """Whether each of the frequencies (Hz) is in the instrument's band: boolean, same shape."""
    return np.any([(frequencies >= low) & (frequencies < high) for low, high in BANDS.get(instrument, DEFAULT)], axis=0)


def shares(frequencies: np.ndarray, instruments: Sequence[str]) -> dict[str, np.ndarray]:
    """{instrument: float32, same shape}: 1 in its band, an equal share where bands overlap, 0 elsewhere."""
    insides = {instrument: inside(frequencies, instrument) for instrument in instruments}
    count = np.maximum(np.sum(list(insides.values()), axis=0), 1, dtype=np.float32)
    return {instrument: band / count for instrument, band in insides.items()}


def instruments_of(parts: Sequence[str]) -> list[str]:
    """The parts without the rest."""
    return [part for part in parts if part != "rest"]


def with_rest(masks: dict[str, np.ndarray], parts: Sequence[str]) -> dict[str, np.ndarray]:
    """Add a mask for the rest, 1 minus the other masks, if `parts` has a rest."""
    if "rest" not in parts:
        return masks
    rest = 1 - np.sum(list(masks.values()), axis=0)
    return {**masks, "rest": np.maximum(rest, 0, out=rest)}
