"""Which tracks a run trains on and which it holds out, and whether they are fit for it.

As in the thesis: tracks stand in the order of the MD5 of their folder's name. Where collections have ratios, the whole
is as many tracks as the smallest collection allows at those ratios, or the limit if that is less; each collection
gives its share of it, rounded down, or all that it has. The first fifth of what each gives is for validation.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from splitstrument.tracks import PAIR, Track, TrackError, Wave, find_pairs


@dataclass(frozen=True)
class Track:
    """A pair that fits the run, its two files, and how often random windows come from it, among all tracks."""

    pair: Pair
    instrument: Wave
    rest: Wave
    weight: float = 1.0

    @property
    def samples(self):
        """The length of both files in samples."""
        return self.instrument.samples


@dataclass(frozen=True)
class Selection:
    """The tracks of a run, and a line for each that was left out."""

    training: tuple[Track, ...]
    validation: tuple[Track, ...]
    left_out: tuple[str, ...]


def counts(sizes, ratios, limit):
    """How many tracks each collection gives: of `sizes` at `ratios` (all None: no ratio), at most `limit` (0: any)."""
    if None in ratios:
        if not limit:
            return list(sizes)
        ratios = sizes
    whole = sum(ratios)
    smallest, share = min(zip(sizes, ratios, strict=True))
    target = whole / share * smallest
    target = min(target, limit) if limit else target
    # A small fraction more: 3 / 4 * 4 must not come out as 2.999.
    return [min(size, int(ratio / whole * target + 1e-9)) for size, ratio in zip(sizes, ratios, strict=True)]


def select(run, root, window):
    """The Selection of `run` from folders below `root`; `window`: the samples of a window.

    Raises TrackError, with a line for each pair that is not fit: half of it missing, other rates or lengths.
    """
    fit, left_out, wrong = [], [], []
    for collection in run.collections:
        folder = _folder(run, root, collection.pairs)
        tracks = []
        for pair in find_pairs(folder, whole=False):
            try:
                track = _track(pair, run)
            except TrackError as error:
                wrong.append(str(error))
                continue
            if track.samples < window:
                short = f"{track.samples / run.sample_rate:.2f} s of {window / run.sample_rate:.2f} s"
                left_out.append(f"{pair.folder}: left out: shorter than a window of the network ({short})")
            else:
                tracks.append(track)
        fit.append(tracks)
        if not tracks and not wrong:
            raise TrackError(f"{folder}: every track is shorter than a window, {window / run.sample_rate:.2f} s")
    if wrong:
        more = f"; and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise TrackError("; ".join(wrong[:8]) + more)
    training, validation = [], []
    numbers = counts([len(tracks) for tracks in fit], [each.ratio for each in run.collections], run.limit)
    for collection, tracks, number in zip(run.collections, fit, numbers, strict=True):
        held, kept = _held_out(collection, tracks[:number], run.validation_ratio)
        training += [replace(track, weight=collection.weight / len(kept)) for track in kept]
        validation += held
    folders = [track.pair.folder.resolve() for track in (*training, *validation)]
    twice = {folder.name for folder in folders if folders.count(folder) > 1}
    if twice:
        raise TrackError(f"{', '.join(sorted(twice)[:8])}: of two collections that hold the same folder")
    both = {track.pair.name for track in training} & {track.pair.name for track in validation}
    if both:
        raise TrackError(
            f"{', '.join(sorted(both)[:8])}: of one collection for training, of another one for validation; "
            "name the tracks that both hold out (validation), or rename them"
        )
    if not training:
        raise TrackError("no track is left to train on: more pairs, or a smaller validation_ratio")
    if not validation:
        raise TrackError("no track is held out for validation: more pairs, or a larger validation_ratio")
    return Selection(tuple(training), tuple(validation), tuple(left_out))


def _folder(run, root, name):
    """The folder of a collection's pairs at the run's rate; a run of one collection may have it as `root` itself."""
    root, below = Path(root), Path(root) / name
    folder = root if len(run.collections) == 1 and not below.exists() else below
    at_rate = folder / f"tracks_{run.sample_rate}hz"
    if at_rate.is_dir():
        return at_rate
    if not folder.is_dir():
        raise TrackError(f"{folder}: no such folder; --pairs says where the collections' folders are")
    return folder


def _track(pair, run):
    """The Track of a pair that fits the run. Raises TrackError."""
    for part in PAIR:
        if not pair.path(part).exists():
            raise TrackError(f"{pair.folder}: {pair.path(part).name} is missing; the other half is there")
    instrument, rest = (pair.wave(part) for part in PAIR)
    if instrument.rate != rest.rate:
        raise TrackError(f"{pair.folder}: the instrument has {instrument.rate} Hz, the rest {rest.rate}")
    if rest.rate != run.sample_rate:
        raise TrackError(f"{pair.folder}: has {rest.rate} Hz, the run {run.sample_rate}; splitstrument mix --rates")
    if instrument.samples != rest.samples:
        raise TrackError(f"{pair.folder}: the instrument has {instrument.samples:,} samples, the rest {rest.samples:,}")
    return Track(pair, instrument, rest)


def _held_out(collection, tracks, ratio):
    """(tracks for validation, tracks for training)."""
    if not collection.validation:
        number = max(int(len(tracks) * ratio), len(tracks) > 1)
        return tracks[:number], tracks[number:]
    held = [track for track in tracks if track.pair.name.startswith(collection.validation)]
    for prefix in collection.validation:
        if not any(track.pair.name.startswith(prefix) for track in held):
            raise TrackError(
                f"{collection.pairs}: of the tracks that are taken no name begins with {prefix!r}: validation"
            )
    return held, [track for track in tracks if track not in held]
