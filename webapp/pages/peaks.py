"""Peaks: the lowest and highest sample of each column of a waveform, which a page draws without the sound."""

import numpy as np

COLUMNS = 1200


class Peaks:
    """Takes a sound of `frames` frames block by block. Then `values` gives (lowest, highest) per column.

    A sound shorter than COLUMNS frames has as many columns as frames.
    """

    def __init__(self, frames: int, columns: int = COLUMNS) -> None:
        self._columns = max(1, min(columns, frames))
        self._frames = max(1, frames)
        self._at = 0
        self._low, self._high = np.zeros(self._columns, np.float32), np.zeros(self._columns, np.float32)

    def add(self, block: np.ndarray) -> None:
        """Take the next `block`, float32 (frames, channels)."""
        if not len(block):
            return
        places = (self._at + np.arange(len(block))) * self._columns // self._frames
        places = np.minimum(places, self._columns - 1)
        first = np.flatnonzero(np.diff(places, prepend=-1))
        columns = places[first]
        # Columns before channels: the other way round takes forty times as long.
        low, high = np.minimum.reduceat(block, first).min(axis=1), np.maximum.reduceat(block, first).max(axis=1)
        self._low[columns] = np.minimum(self._low[columns], low)
        self._high[columns] = np.maximum(self._high[columns], high)
        self._at += len(block)

    def values(self) -> list[float]:
        """[lowest, highest, lowest, highest, ...], from -1 to 1 at full scale, rounded for JSON."""
        both = np.stack([self._low, self._high], axis=1).ravel()
        return [round(float(value), 4) for value in both]
