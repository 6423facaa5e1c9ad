"""Find the silence of a track and cut it out of both files of a pair (thesis, section 4.3.3).

A track is divided into windows of one second; the last one may be shorter. A window is silent if the root mean square
over all its samples and channels is at most -50 dBFS (a constant 1 has 0 dBFS). Only whole windows are cut, so the
rest keeps the same windows, and its silence is exactly as predicted. A cut is a range of windows (first, end).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.files.audio import Reader, open_audio
from splitstrument.tracks import Track

if TYPE_CHECKING:
    import numpy as np

Cut = tuple[int, int]  # windows: the first, and the one after the last
THRESHOLD = -50.0  # dBFS
FADE = 0.01  # seconds


@dataclass(frozen=True)
class Windows:
    """The windows of one track: its sample rate in Hz, its frames, and whether each window is silent."""

    rate: int
    frames: int
    silent: tuple[bool, ...]
    warning: str | None = None

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def silence(self) -> float:
        """The share of silence in percent."""
        return 100 * self.silent_frames / self.frames

    @property
    def silent_frames(self) -> int:
        return sum(self.length(window) for window, silent in enumerate(self.silent) if silent)

    def length(self, window: int) -> int:
        """The frames of a window: one second, except for the last window."""
        return min(self.rate, self.frames - window * self.rate)

    def stretches(self) -> list[Cut]:
        """The ranges (first, end) of two or more silent windows in a row."""
        stretches, at = list[Cut](), 0
        for silent, run in groupby(self.silent):
            first, at = at, at + len(list(run))
            if silent and at - first > 1:
                stretches.append((first, at))
        return stretches


def is_silent(block: "np.ndarray") -> bool:
    """Whether a window, float (frames, channels), is silent."""
    import numpy as np

    return bool(np.mean(np.square(block, dtype=np.float64)) <= 10 ** (THRESHOLD / 10))


def measure(path: str | Path) -> Windows:
    """Read the audio file `path` window by window. Raises AudioError if it cannot be read."""
    frames, silent = 0, []
    with open_audio(path) as reader:
        rate = reader.info.sample_rate
        for block in reader.blocks(rate):
            frames += len(block)
            silent.append(is_silent(block))
        return Windows(rate, frames, tuple(silent), reader.warning)


def choose_cuts(windows: Windows, target: float) -> list[Cut]:
    """The cuts, sorted by time, that reduce the silence to `target` percent (below 100), or as close as possible.

    Stretches are cut in this order: the one at the beginning, the one at the end, then from the longest to the
    shortest; of equally long ones the earlier comes first. A track that is silent throughout is not cut.
    """
    if all(windows.silent):
        return []
    last = len(windows.silent)
    stretches = windows.stretches()
    edges = [stretch for stretch in stretches if stretch[0] == 0]
    edges += [stretch for stretch in stretches if stretch[1] == last]
    inner = [stretch for stretch in stretches if stretch not in edges]
    inner.sort(key=lambda stretch: (stretch[0] - stretch[1], stretch[0]))
    # S of T frames are silent. To reach the share t, cut c frames so that (S - c) / (T - c) = t, that is
    # c = (S - tT) / (1 - t). After a window of w frames is cut, c - w are left to cut: with S - w for S and T - w for
    # T, c becomes (S - w - tT + tw) / (1 - t) = c - w. In percent, multiplied by (100 - target), integers stay exact:
    excess = 100 * windows.silent_frames - target * windows.frames
    cuts = []
    for first, end in edges + inner:
        # The last stretch is cut from its end backwards, so that the cut reaches the end of the track.
        order = range(end - 1, first - 1, -1) if end == last else range(first, end)
        count = 0
        while excess > 0 and count < end - first:
            excess -= (100 - target) * windows.length(order[count])
            count += 1
        if not count:
            break
        if end == last:
            first = end - count
        elif first and count < end - first:
            first += 1  # the sound before decays in the first silent window, so keep that window if possible
        cuts.append((first, first + count))
    return sorted(cuts)


def silence_without(windows: Windows, cuts: Iterable[Cut]) -> float:
    """The predicted share of silence after the `cuts`, in percent."""
    gone = sum(windows.length(window) for cut in cuts for window in range(*cut))
    return 100 * (windows.silent_frames - gone) / (windows.frames - gone)


def in_seconds(windows: Windows, cuts: Iterable[Cut]) -> list[list[float]]:
    """Cuts as lists [start, end] in seconds of the uncut track."""
    return [[first, min(end, round(windows.seconds, 3))] for first, end in cuts]


def kept(blocks: Iterable["np.ndarray"], cuts: Iterable[Cut], rate: int) -> Iterator["np.ndarray"]:
    """Yield the `blocks` (a track's windows, float (frames, channels)) that are not cut, faded at the joints."""
    import numpy as np

    fade = round(FADE * rate)
    # The samples [a, b) are cut, with a fade of n samples. x[a - n : a] is the end of the sound before the cut, and
    # x[b - n : b] is the end of the cut, which leads into x[b]. The last n samples before the joint fade from the
    # first to the second: (1 - r) x[a - n + k] + r x[b - n + k]. So there is no step on either side, the kept parts
    # keep their full length, no sample exceeds the range of the two, and two files with the same cuts stay in sync.
    rise = np.sin(np.pi / 2 * (np.arange(fade, dtype=np.float32)[:, None] + 0.5) / fade) ** 2
    gone = {window for cut in cuts for window in range(*cut)}
    before: np.ndarray | None = None  # the window to yield next
    last: np.ndarray | None = None  # the last window that was cut after `before`
    for number, block in enumerate(blocks):
        if number in gone:
            last = block
            continue
        if last is not None and before is None:
            block = block.copy()
            block[:fade] *= rise[: len(block)]  # the track now begins here
        elif before is not None and last is not None:
            before = _faded(before, last, rise)
        if before is not None:
            yield before
        before, last = block, None
    if before is not None:
        yield before if last is None else _faded(before, np.zeros_like(before), rise)


def _faded(block: "np.ndarray", into: "np.ndarray", rise: "np.ndarray") -> "np.ndarray":
    """The window `block` with its end faded into the end of the window `into`."""
    block, fade = block.copy(), len(rise)
    block[-fade:] += rise * (into[-fade:] - block[-fade:])
    return block


@contextlib.contextmanager
def open_pair(pair: Track) -> Iterator[tuple[Reader, Reader]]:
    """The Readers of instrument and rest. Raises ValueError unless they agree in rate, channels and length."""
    with open_audio(pair.path("instrument")) as instrument, open_audio(pair.path("rest")) as rest:
        for field, unit in (("sample_rate", "Hz"), ("channels", "channels"), ("frames", "frames")):
            one, other = (getattr(reader.info, field) for reader in (instrument, rest))
            if one != other:
                raise ValueError(f"{pair.folder}: the instrument has {one} {unit}, the rest {other}")
        yield instrument, rest


def write_cut(readers: Sequence[Reader], cuts: Sequence[Cut], write: Callable[..., None]) -> tuple[float, float, float]:
    """Pass instrument and rest without `cuts` to `write`, block by block.

    `readers`: from `open_pair`. Returns (seconds, silence in percent, peak) of what was written. Raises ValueError if
    a file is incomplete.
    """
    rate = readers[0].info.sample_rate
    frames = silent = 0
    peak = 0.0
    for instrument, rest in zip(*(kept(reader.blocks(rate), cuts, rate) for reader in readers), strict=True):
        write(instrument, rest)
        frames += len(instrument)
        silent += len(instrument) * is_silent(instrument)
        peak = max(peak, *(float(abs(block).max()) for block in (instrument, rest)))
    for reader in readers:
        if reader.warning:
            raise ValueError(reader.warning)
    return frames / rate, 100 * silent / frames, peak
