"""Select and check the tracks for training and validation, and assign their parts to the run's sources.

As in the thesis, tracks are sorted by the MD5 of their folder's name. If collections have ratios, the total is the
number of tracks that the smallest collection allows at those ratios, or the limit if that is lower. Each collection
provides its share of the total, rounded down, or all its tracks. The first fifth of each is for validation.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from splitstrument.stages.console import some
from splitstrument.tracks import PAIR, Track, TrackError, Wave, find_tracks_at, thesis_order
from training.config import Collection, Run
from training.decoding import Decoding, decoding

NAMELESS = ("other", "rest")  # parts that are no instrument of their own


@dataclass(frozen=True)
class Material:
    """A track that fits the run, with the files to sum for each part of a batch.

    `parts`: the files of each of the run's sources in order, then, unless they are the whole song, of everything else.
    A part without files is silent. `weight`: how often random windows come from this track, relative to the others.
    `kind`: in a run by example, the name of the part that is the source.
    """

    track: Track
    parts: tuple[tuple[Wave, ...], ...]
    weight: float = 1.0
    kind: str = ""

    @property
    def name(self) -> str:
        """The track's name."""
        return self.track.name

    @property
    def samples(self) -> int:
        """The length of all files in samples."""
        return self._any.samples

    @property
    def rate(self) -> int:
        """The sample rate of all files in Hz."""
        return self._any.rate

    @property
    def _any(self) -> Wave:
        return next(wave for waves in self.parts for wave in waves)


@dataclass(frozen=True)
class Selection:
    """The tracks of a run, and lines about tracks that were left out or lack a source."""

    training: tuple[Material, ...]
    validation: tuple[Material, ...]
    left_out: tuple[str, ...]


def counts(sizes: Sequence[int], ratios: Sequence[float | None], limit: int) -> list[int]:
    """The number of tracks from each collection, for `sizes`, `ratios` (all None: no ratio) and `limit` (0: none)."""
    shares = [float(ratio) for ratio in ratios if ratio is not None]
    if len(shares) < len(sizes):
        if not limit:
            return list(sizes)
        shares = [float(size) for size in sizes]
    whole = sum(shares)
    smallest, share = min(zip(sizes, shares, strict=True))
    target = whole / share * smallest
    target = min(target, limit) if limit else target
    # The small constant prevents rounding errors: 3 / 4 * 4 must not become 2.999.
    return [min(size, int(ratio / whole * target + 1e-9)) for size, ratio in zip(sizes, shares, strict=True)]


def select(run: Run, root: str | Path, window: int) -> Selection:
    """Select the tracks of `run` from folders below `root`; `window`: the samples of a window.

    Raises TrackError, in one line that lists the tracks that cannot be used: half of a pair is missing, rates or
    lengths differ, or the run needs several sources but the track is a pair. Also if no track has a source.
    """
    fit, left_out, wrong = [], [], []
    for collection in run.collections:
        folder = _folder(run, root, collection.pairs)
        if (needed := decoding(run, folder)) and not (folder := needed.tracks).is_dir():
            raise TrackError(f"{needed.collection}: is not decoded into WAV files yet; run {needed.command}")
        tracks = []
        found, others = find_tracks_at(folder, run.sample_rate)
        if others:
            other_rates = " and ".join(f"{rate} Hz" for rate in others)
            left_out.append(f"{folder}: the tracks at {run.sample_rate} Hz are used, those at {other_rates} are not")
        for track in sorted(found, key=thesis_order):
            try:
                material = _material(track, run)
            except TrackError as error:
                wrong.append(str(error))
                continue
            if material.samples < window:
                short = f"{material.samples / run.sample_rate:.2f} s of {window / run.sample_rate:.2f} s"
                left_out.append(f"{track.folder}: skipped, since it is shorter than a window of the network ({short})")
            else:
                tracks.append(material)
        fit.append(tracks)
        if not tracks and not wrong:
            raise TrackError(f"{folder}: all tracks are shorter than a window of {window / run.sample_rate:.2f} s")
    if wrong:
        others = f"; and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise TrackError("; ".join(wrong[:8]) + others)
    training, validation = [], []
    numbers = counts([len(tracks) for tracks in fit], [collection.ratio for collection in run.collections], run.limit)
    for collection, tracks, number in zip(run.collections, fit, numbers, strict=True):
        held, kept = _held_out(collection, tracks[:number], run.validation_ratio)
        training += [replace(material, weight=collection.weight / len(kept)) for material in kept]
        validation += held
    _check_sides(run, training, validation)
    if run.by_example:
        training, validation = (
            balanced([each for material in materials for each in each_part(material)])
            for materials in (training, validation)
        )
    else:
        left_out += _silent_sources(run, training + validation)
    return Selection(tuple(training), tuple(validation), tuple(left_out))


def each_part(material: Material) -> list[Material]:
    """A Material for each part of a track that has a name of its own, with this part as the source."""
    waves = dict(zip(material.track.parts, material.parts[-1], strict=True))
    kinds = [part for part in waves if part not in NAMELESS]
    return [
        replace(
            material,
            parts=((waves[kind],), tuple(wave for part, wave in waves.items() if part != kind)),
            weight=material.weight / len(kinds),
            kind=kind,
        )
        for kind in kinds
    ]


def balanced(materials: list[Material]) -> list[Material]:
    """The same with weights such that a kind in four times as many tracks is the source twice as often, not four times.

    Drums, in nearly every song, are soon learned.
    """
    totals: dict[str, float] = defaultdict(float)
    for material in materials:
        totals[material.kind] += material.weight
    return [replace(material, weight=material.weight / math.sqrt(totals[material.kind])) for material in materials]


def _silent_sources(run: Run, tracks: list[Material]) -> list[str]:
    """A line for each source that some tracks have no part of."""
    lines = []
    for number, source in enumerate(run.source_names):
        if lacking := [material for material in tracks if not material.parts[number]]:
            names = some([str(material.track.folder) for material in lacking], 3)
            where = f"{len(lacking)} of {len(tracks)} tracks, which have no such part"
            lines.append(f"{source}: is silent in {where}: {names}")
    return lines


def _check_sides(run: Run, training: list[Material], validation: list[Material]) -> None:
    """Raise TrackError if a track occurs twice or in both sets, a set is empty, or no track has one of the sources."""
    folders = [material.track.folder.resolve() for material in (*training, *validation)]
    twice = {folder.name for folder in folders if folders.count(folder) > 1}
    if twice:
        raise TrackError(f"{', '.join(sorted(twice)[:8])}: in two collections with the same folder")
    both = {material.name for material in training} & {material.name for material in validation}
    if both:
        raise TrackError(
            f"{', '.join(sorted(both)[:8])}: for training in one collection, but for validation in another; "
            "list the tracks to hold out in both (validation), or rename them"
        )
    if not training:
        raise TrackError("no track is left for training; add more tracks, or use a smaller validation_ratio")
    if not validation:
        raise TrackError("no track is left for validation; add more tracks, or use a larger validation_ratio")
    for number, source in enumerate(() if run.by_example else run.source_names):
        if not any(material.parts[number] for material in training):
            names = sorted({part for material in training for part in material.track.parts})
            places = sorted({str(material.track.folder.parent) for material in training})
            raise TrackError(
                f"{' and '.join(places[:3])}: no training track has a part {source}; their parts are: "
                f"{', '.join(names)}; change the run's sources, or mix tracks with it (splitstrument mix --parts)"
            )


def decodings(run: Run, root: str | Path) -> list[Decoding]:
    """What has to be decoded before `select`: those of the run's collections that are not tracks of WAV files."""
    found = (decoding(run, _folder(run, root, collection.pairs)) for collection in run.collections)
    return [needed for needed in found if needed]


def _folder(run: Run, root: str | Path, name: str) -> Path:
    """The folder of a collection's tracks at the run's rate; with only one collection, it may be `root` itself."""
    root, below = Path(root), Path(root) / name
    folder = root if len(run.collections) == 1 and not below.exists() else below
    at_rate = folder / f"tracks_{run.sample_rate}hz"
    if at_rate.is_dir():
        return at_rate
    if not folder.is_dir():
        raise TrackError(f"{folder}: no such folder; use --pairs to give the folder of the collections")
    return folder


def _material(track: Track, run: Run) -> Material:
    """The Material of a track that fits the run. Raises TrackError."""
    pair = set(track.parts) == set(PAIR)
    if pair and (run.by_example or len(run.source_names) > 1):
        kind = "by example" if run.by_example else "of several sources"
        raise TrackError(
            f"{track.folder}: is a pair of instrument and rest; a run {kind} needs tracks of named parts, "
            "see splitstrument mix --parts"
        )
    for part in track.parts:
        if not track.path(part).exists():
            other = "only the other half exists" if pair else "the other parts exist; restore it, or remove the track"
            raise TrackError(f"{track.folder}: {track.path(part).name} is missing; {other}")
    waves = {part: track.wave(part) for part in track.parts}
    (first, wave), *others = waves.items()
    for part, other in others:
        if other.rate != wave.rate:
            raise TrackError(f"{track.folder}: the {first} has {wave.rate} Hz, the {part} {other.rate}")
    if wave.rate != run.sample_rate:
        raise TrackError(f"{track.folder}: has {wave.rate} Hz, the run {run.sample_rate}; see splitstrument mix")
    for part, other in others:
        if other.samples != wave.samples:
            raise TrackError(f"{track.folder}: the {first} has {wave.samples:,} samples, the {part} {other.samples:,}")
    named = PAIR[:1] if pair else () if run.by_example else run.source_names[: -1 if run.whole else None]
    sources = [tuple(waves[name] for name in (source,) if name in waves) for source in named]
    everything_else = tuple(wave for part, wave in waves.items() if part not in named)
    return Material(track, (*sources, everything_else))


def _held_out(collection: Collection, tracks: list[Material], ratio: float) -> tuple[list[Material], list[Material]]:
    """(tracks for validation, tracks for training)."""
    if collection.validation is None:
        number = max(int(len(tracks) * ratio), len(tracks) > 1)
        return tracks[:number], tracks[number:]
    held = [track for track in tracks if track.name.startswith(collection.validation)]
    for prefix in collection.validation:
        if not any(track.name.startswith(prefix) for track in held):
            raise TrackError(
                f"{collection.pairs}: validation: none of the selected tracks has a name that starts with {prefix!r}"
            )
    return held, [track for track in tracks if track not in held]
