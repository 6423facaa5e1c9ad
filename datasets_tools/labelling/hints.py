"""Hints: possible problems of a track's stems, found from the audio before anybody has listened. They set no marks.

All stems of a track are read in parallel, in bounded memory. Each stem of the group is measured by itself (meters) and
compared with the stems of the other groups (bleed).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from datasets_tools.labelling.bleed import WINDOW, Bleed, bleed_share
from datasets_tools.labelling.meters import Measures, Meter
from datasets_tools.organize import Organised
from datasets_tools.stem_sums import Resampler
from datasets_tools.tracks import SILENT_GROUPS
from splitstrument.files.audio import Reader, open_audio

SILENT, NEARLY_SILENT = 0.99, 0.90  # shares of the time
QUIET = -40.0  # LUFS
FULL = 0.98  # peaks at or above this count as full scale
FLAT_TOPS = 3  # with at least this many clips, a peak below full scale counts as clipped too
OFFSET = 0.005  # of full scale
NO_SIDE = -50.0  # dB
LENGTHS = 2.0  # seconds
BLEED = -35.0  # dB
_NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True)
class Hint:
    """A possible problem of a stem: its kind, the measured value, a line to show, and its severity, 0 (mild) to 1."""

    kind: str
    value: float
    text: str
    severity: float


Hints = Mapping[Any, Sequence[Hint]]  # {stem: its hints}


def severity(hints: Hints) -> float:
    """The total severity of all `hints` of a track, {stem: hints}."""
    return sum(hint.severity for of_stem in hints.values() for hint in of_stem)


def worst_first(tracks: Iterable[tuple[str, Hints]]) -> list[tuple[str, Hints]]:
    """Sort `tracks`, pairs of (name, {stem: hints}), the worst first, without those that have no hints."""
    suspicious = [(name, hints) for name, hints in tracks if severity(hints)]
    return sorted(suspicious, key=lambda track: (-severity(track[1]), track[0]))


def hints_of(track: Organised, group: str, check: Callable[[], None] | None = None) -> dict[Path, tuple[Hint, ...]]:
    """The hints for each stem of `group` in `track`, {path: hints, the worst first}.

    `check()` is called every few seconds of audio and may raise an exception to stop. Raises AudioError if any stem of
    the track cannot be read.
    """
    others = {name: files for name, files in track.stems.items() if name != group and name not in SILENT_GROUPS}
    if group not in track.stems:
        return {}
    with contextlib.ExitStack() as stack:

        def opened(paths: Iterable[Path], measured: bool) -> list[_Stem]:
            return [_Stem(stack.enter_context(open_audio(path)), measured) for path in paths]

        stems = opened(track.stems[group], True)
        other_stems = {name: opened(files, False) for name, files in others.items()}
        bleeds = _bleeds(stems, other_stems, check)
    everything = [*stems, *chain.from_iterable(other_stems.values())]
    hints = {}
    for stem, bleed in zip(stems, bleeds, strict=True):
        siblings = [other.seconds for other in everything if other is not stem]
        hints[stem.info.path] = _hints(stem, siblings, bleed)
    return hints


def _bleeds(
    stems: list["_Stem"], others: Mapping[str, list["_Stem"]], check: Callable[[], None] | None
) -> list[dict[str, Bleed]]:
    """Read all stems to their ends. Returns, for each of `stems`, {group: Bleed} for the groups of `others`."""
    rate = stems[0].info.sample_rate
    streams = [stem.windows(rate) for stem in stems]
    sources = {group: [other.windows(rate) for other in group_stems] for group, group_stems in others.items()}
    shares: list[dict[str, list[tuple[float, float] | None]]] = [{group: [] for group in others} for _ in stems]
    while True:
        if check:
            check()
        heard = [next(stream, _NOTHING) for stream in streams]
        sums = {
            group: _sum([next(stream, _NOTHING) for stream in group_streams])
            for group, group_streams in sources.items()
        }
        if not any(map(len, (*heard, *sums.values()))):
            return [{group: Bleed(tuple(windows)) for group, windows in of_stem.items()} for of_stem in shares]
        for stem, of_stem in zip(heard, shares, strict=True):
            for group, other in sums.items():
                of_stem[group].append(bleed_share(stem, other, rate))


def _sum(sounds: Sequence[np.ndarray]) -> np.ndarray:
    total = np.zeros(max(map(len, sounds)), np.float32)
    for sound in sounds:
        total[: len(sound)] += sound
    return total


class _Stem:
    """An open stem: its length in seconds so far and, if it is to be measured, its Meter."""

    def __init__(self, reader: Reader, measured: bool) -> None:
        self.reader, self.info = reader, reader.info
        self.meter = Meter(self.info.sample_rate, self.info.channels) if measured else None
        self.seconds = 0.0

    def windows(self, sample_rate: int) -> Iterator[np.ndarray]:
        """Yield the mean of the channels at `sample_rate`, WINDOW seconds at a time; the last may be shorter."""
        size, parts, held = WINDOW * sample_rate, [], 0
        for part in self._resampled(sample_rate):
            parts.append(part)
            held += len(part)
            if held >= size:
                joined = np.concatenate(parts)
                yield joined[:size]
                parts, held = [joined[size:]], held - size
        if held:
            yield np.concatenate(parts)

    def _resampled(self, sample_rate: int) -> Iterator[np.ndarray]:
        """Yield the same in pieces of about a second."""
        resampler = Resampler(self.info.sample_rate, sample_rate, 1)
        for piece in self._mono():
            yield resampler(piece).ravel()
        yield resampler.finish().ravel()

    def _mono(self) -> Iterator[np.ndarray]:
        for block in self.reader.blocks(self.info.sample_rate):
            self.seconds += len(block) / self.info.sample_rate
            if self.meter:
                self.meter.add(block)
            yield block @ np.full((block.shape[1], 1), 1 / block.shape[1], np.float32)


def _hints(stem: _Stem, lengths: list[float], bleeds: Mapping[str, Bleed]) -> tuple[Hint, ...]:
    """The hints for a stem that has been read; `lengths`: the lengths of the track's other stems in seconds."""
    assert stem.meter  # stems of the group have one
    measures = stem.meter.measures()
    hints = [
        *_of_silence(measures),
        *_of_clipping(measures),
        *_of_format(stem, measures, lengths),
        *_of_bleed(bleeds),
    ]
    return tuple(sorted(hints, key=lambda hint: -hint.severity))


def _of_silence(measures: Measures) -> Iterator[Hint]:
    share = measures.silent_share
    if share > SILENT:
        yield Hint("silent", share, f"silent ({share:.1%} of the time)", 1.0)
        return
    if share > NEARLY_SILENT:
        yield Hint("nearly_silent", share, f"nearly silent ({share:.1%} of the time)", 0.7)
    if measures.loudness is not None and measures.loudness < QUIET:
        text = f"very quiet ({measures.loudness:.1f} LUFS)"
        yield Hint("quiet", measures.loudness, text, _between(0.3, 0.8, (QUIET - measures.loudness) / 20))


def _of_clipping(measures: Measures) -> Iterator[Hint]:
    clips = measures.clips
    if clips >= (1 if measures.peak >= FULL else FLAT_TOPS):
        where = "" if measures.peak >= FULL else f" at {20 * np.log10(measures.peak):.1f} dBFS"
        text = f"clipped {clips} time{'s' * (clips > 1)}{where}"
        yield Hint("clipped", float(clips), text, _between(0.1, 0.9, np.log10(clips) / 4))


def _of_format(stem: _Stem, measures: Measures, lengths: list[float]) -> Iterator[Hint]:
    if stem.reader.warning:
        yield Hint("damaged", measures.seconds, stem.reader.warning.removeprefix(f"{stem.info.path}: "), 0.6)
    if measures.offset > OFFSET:
        text = f"its mean differs from zero by {measures.offset:.2%} of full scale"
        yield Hint("offset", measures.offset, text, _between(0.2, 0.5, measures.offset / 0.1))
    sounds = measures.silent_share <= SILENT
    if sounds and measures.side is not None and measures.side <= NO_SIDE:
        yield Hint("mono", measures.side, "stereo, but both channels are the same", 0.1)
    apart = measures.seconds - median(lengths) if lengths else 0.0
    if abs(apart) > LENGTHS:
        text = f"{abs(apart):.1f} s {'longer' if apart > 0 else 'shorter'} than the track's other stems"
        yield Hint("length", apart, text, _between(0.2, 0.5, abs(apart) / 60))
    if sounds and measures.edge is not None:
        text = f"nothing above {measures.edge / 1000:.1f} kHz: probably from an MP3 or a lower sample rate"
        yield Hint("band_limited", measures.edge, text, _between(0.9, 0.2, measures.edge / 20_000))


def _of_bleed(bleeds: Mapping[str, Bleed]) -> Iterator[Hint]:
    levels = [(bleed.level, group, bleed.peak) for group, bleed in bleeds.items()]
    heard = [(level, group, peak) for level, group, peak in levels if peak and level is not None and level > BLEED]
    if heard:
        heard.sort(key=lambda one: -one[0])
        parts = [f"{group} at {level:.0f} dB ({_peak(*peak)})" for level, group, peak in heard]
        level = heard[0][0]
        yield Hint("bleed", level, "other instruments: " + ", ".join(parts), _between(0.3, 1.0, (level - BLEED) / 25))


def _peak(level: float, time: float) -> str:
    return f"{level:.0f} at {int(time) // 60}:{int(time) % 60:02}"


def _between(start: float, end: float, share: float) -> float:
    """Interpolate from `start` to `end` as `share` goes from 0 to 1, with `share` clipped to that range."""
    return float(start + (end - start) * min(1.0, max(0.0, share)))
