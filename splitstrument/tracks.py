"""Finds tracks on disk and opens them without loading them.

A track has two or more true parts, whose sum is the mixture. It is a folder `<track>` with `<part>_<track>.wav` for
each part, such as the pair instrument_<track>.wav and rest_<track>.wav. Or it is a song with MUSDB's four stems: a
folder with drums.wav, bass.wav, other.wav and vocals.wav (MUSDB18-HQ), or a file `<song>.stem.mp4` (MUSDB18).
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.cards import PART_NAME
from splitstrument.files.folders import walk
from splitstrument.files.wav import FLOAT, PCM, wav_header

if TYPE_CHECKING:
    import numpy as np

PAIR = ("instrument", "rest")
STEMS = ("drums", "bass", "other", "vocals")  # in the order of a .stem.mp4, whose first stream is the mixture
STEM_FILE = ".stem.mp4"
# (coding, bytes per sample) -> NumPy's type; there is none for 24 bits
_DTYPES = {(PCM, 1): "|u1", (PCM, 2): "<i2", (PCM, 3): "|V3", (PCM, 4): "<i4", (FLOAT, 4): "<f4", (FLOAT, 8): "<f8"}


class TrackError(ValueError):
    """A track cannot be used. The message names the file."""


@dataclass(frozen=True)
class Wave:
    """A WAV file whose header has been read: sample rate in Hz, samples, channels, type and place of the samples."""

    path: Path
    rate: int
    samples: int
    channels: int
    dtype: str
    offset: int

    def read(self, start: int, count: int) -> "np.ndarray":
        """Read `count` samples from `start` on: float32 (count, channels), full scale 1.

        The file is opened, read and closed. If it were mapped into memory and its disk went away, the process would
        crash. Raises TrackError if the samples no longer exist.
        """
        import numpy as np

        width = np.dtype(self.dtype).itemsize * self.channels
        try:
            data = np.fromfile(self.path, self.dtype, count * self.channels, offset=self.offset + start * width)
        except OSError as error:
            reason = error.strerror.lower() if error.strerror else "it cannot be read"
            raise TrackError(f"{self.path}: {reason}; is its disk still there?") from None
        if len(data) < count * self.channels:
            raise TrackError(f"{self.path}: is shorter than before")
        return _as_float(data).reshape(count, self.channels)


@dataclass(frozen=True)
class Track:
    """One track: the file and the audio stream (from 0) of each of its parts.

    >>> from pathlib import Path
    >>> from splitstrument.tracks import track_in
    >>> track = track_in(Path("pairs/song"))
    >>> track.parts, str(track.path("rest"))
    (('instrument', 'rest'), 'pairs/song/rest_song.wav')
    >>> sounds, sample_rate = track.read()  # whole
    >>> mixture = sum(sounds.values())
    >>> mixture.shape, sample_rate
    ((44100, 2), 44100)
    >>> track.wave("instrument").read(start=1000, count=256).shape  # a window, without reading the rest of the file
    (256, 2)
    """

    name: str
    folder: Path
    files: tuple[tuple[str, Path, int], ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(part for part, _, _ in self.files)

    def path(self, part: str) -> Path:
        """The file of `part`."""
        return next(path for name, path, _ in self.files if name == part)

    def wave(self, part: str) -> Wave:
        """The Wave of `part`.

        Raises TrackError if the file is missing, is not a WAV file, is compressed or cut, or has no samples.
        """
        path, reason = self.path(part), ""
        try:
            with path.open("rb") as file:
                header = wav_header(file)
        except OSError as error:
            header, reason = None, error.strerror or str(error)
        if header is None:
            raise _unfit(path, reason or "it is another kind of file")
        dtype = _DTYPES.get((header.tag, header.frame // max(1, header.channels)))
        if dtype is None:
            raise _unfit(path, "it is compressed")
        if header.said is not None and header.said != header.held:
            raise _unfit(path, "it is cut" if header.held < header.said else "it holds more than its header says")
        if header.held < header.frame:
            raise TrackError(f"{path}: holds no samples")
        return Wave(path, header.rate, header.held // header.frame, header.channels, dtype, header.offset)

    def read(self, remove_panning: bool = False) -> tuple[dict[str, "np.ndarray"], int]:
        """({part: float32 (samples, channels)}, sample rate in Hz). `remove_panning` gives the mean of the channels.

        Raises AudioError if a file cannot be read or is cut, TrackError if lengths, rates or channels differ.
        """
        sounds, forms = {}, {}
        for part, path, stream in self.files:
            sounds[part], rate = _read(path, stream, remove_panning)
            forms[path, stream] = (rate, len(sounds[part]), sounds[part].shape[1])
        (first, *_), (rate, samples, channels) = next(iter(forms.items()))
        for (path, _), form in forms.items():
            for there, here, unit in zip(form, (rate, samples, channels), ("Hz", "samples", "channels"), strict=True):
                if there != here:
                    raise TrackError(f"{path}: has {there} {unit}, {first.name} has {here}; a track's parts must agree")
        return sounds, rate


def track_in(folder: Path, parts: Iterable[str] = PAIR) -> Track:
    """The track in `folder` with these parts, each `<part>_<track>.wav`, whether the files exist or not."""
    return Track(folder.name, folder, tuple((part, folder / f"{part}_{folder.name}.wav", 0) for part in parts))


def find_pairs(root: str | Path) -> list[Track]:
    """All whole pairs below `root`, in the order of `find_tracks`. Raises TrackError if there are none."""
    if not (pairs := [track for track in _whole(root) if set(track.parts) == set(PAIR)]):
        raise TrackError(f"{root}: no pairs (folders with instrument_<track>.wav and rest_<track>.wav) below")
    return pairs


def find_at_all_rates(root: str | Path) -> list[Track]:
    """All tracks below `root` with `<part>_<track>.wav`, at all sample rates. Raises TrackError if there are none."""
    if not (tracks := _whole(root)):
        raise TrackError(f"{root}: no tracks (folders <track> with <part>_<track>.wav for each part) below")
    return tracks


def _whole(root: str | Path) -> list[Track]:
    return [track for track in tracks_of_parts(_listing(root)) if all(path.exists() for _, path, _ in track.files)]


def find_tracks(root: str | Path) -> list[Track]:
    """All tracks below `root`: those with `<part>_<track>.wav`, ordered by the MD5 of their names as in the thesis
    (section 5.3), or songs with four stems. A track that lacks one of its pair or of its four stems is included.

    Raises TrackError if there are no tracks, if two have the same name, or if there are both kinds.
    """
    return check_names(_all_tracks(root))


def find_tracks_at(root: str | Path, rate: int) -> tuple[list[Track], list[int]]:
    """(the tracks below `root` in folders with this sample rate in Hz, the rates of the others); see `find_tracks`.

    A folder that has only tracks of other rates is left out. If no folder has this rate, all tracks are returned.
    """
    tracks = _all_tracks(root)
    rates: dict[Path, set[int | None]] = {}
    for track in tracks:
        rates.setdefault(track.folder.parent, set()).add(_rate(track))
    others = [folder for folder, its_rates in rates.items() if its_rates.isdisjoint((rate, None))]
    if len(others) == len(rates):
        return check_names(tracks), []
    left_out = sorted({its_rate for folder in others for its_rate in rates[folder] if its_rate})
    return check_names([track for track in tracks if track.folder.parent not in others]), left_out


def _rate(track: Track) -> int | None:
    """The sample rate of a track in Hz, from its first file; None if that cannot be read as a WAV file."""
    try:
        return track.wave(track.parts[0]).rate
    except TrackError:
        return None


def _all_tracks(root: str | Path) -> list[Track]:
    root = Path(root)
    if not root.is_dir():
        raise TrackError(f"{root}: {'is a file, not a folder' if root.exists() else 'no such folder'}")
    listing = _listing(root)
    songs, tracks = songs_of_stems(listing), tracks_of_parts(listing)
    if songs and tracks:
        raise TrackError(
            f"{root}: has tracks with named parts ({tracks[0].folder}) and songs with four stems ({songs[0].folder}); "
            "give the folder of one kind"
        )
    if not songs and not tracks:
        raise TrackError(
            f"{root}: no tracks below: neither pairs (instrument_<track>.wav and rest_<track>.wav in a folder "
            f"<track>) or other parts named like that, nor folders with {', '.join(STEMS)}.wav, nor {STEM_FILE} files; "
            "splitstrument mix makes tracks from stems"
        )
    return songs or tracks


def check_names(tracks: list[Track]) -> list[Track]:
    """Return the tracks unchanged. Raises TrackError if two of them have the same name."""
    seen: dict[str, Track] = {}
    for track in tracks:
        if seen.setdefault(track.name, track) is not track:
            folders = seen[track.name].folder, track.folder
            both, parents = " and ".join(map(str, folders)), " or ".join(str(folder.parent) for folder in folders)
            raise TrackError(f"{both} have the same name; choose one of their folders: {parents}")
    return tracks


def _listing(root: str | Path) -> list[tuple[Path, list[str]]]:
    """[(folder, its files)] for `root` and all folders below. Raises TrackError if a folder cannot be read."""
    try:
        return [(folder, files) for folder, _, files in walk(root)]
    except ValueError as error:
        raise TrackError(str(error)) from None


def tracks_of_parts(listing: Iterable[tuple[Path, list[str]]]) -> list[Track]:
    """The tracks whose file names give the parts: pairs, even incomplete ones, and two or more parts of other names.

    `listing`: [(folder, its files)].
    """
    parts: dict[Path, set[str]] = {}
    for folder, files in listing:
        ending = f"_{folder.name}.wav"
        for file in files:
            name = file.removesuffix(ending)
            if file.endswith(ending) and re.fullmatch(PART_NAME, name):
                parts.setdefault(folder, set()).add(name)
    tracks = []
    for folder, names in parts.items():
        if names <= set(PAIR):
            tracks.append(track_in(folder))
        elif len(names) > 1:
            tracks.append(track_in(folder, sorted(names, key=lambda name: (name == "rest", name))))
    return sorted(tracks, key=thesis_order)


def thesis_order(track: Track) -> tuple[str, str]:
    """The key to sort tracks by the MD5 of their names, as in the thesis (section 5.3)."""
    return hashlib.md5(track.name.encode(errors="surrogateescape")).hexdigest(), str(track.folder)


def songs_of_stems(listing: Iterable[tuple[Path, list[str]]]) -> list[Track]:
    """The songs with MUSDB's four stems, even incomplete ones. `listing`: [(folder, its files)]."""
    folders, files = [], []
    for folder, names in listing:
        # Two stems are enough, so that a song that lacks a stem is reported later.
        if sum(f"{stem}.wav" in names for stem in STEMS) > 1:
            stems = tuple((stem, folder / f"{stem}.wav", 0) for stem in STEMS)
            folders.append(Track(folder.name, folder, stems))
        for name in names:
            if name.endswith(STEM_FILE):
                streams = tuple((stem, folder / name, stream) for stream, stem in enumerate(STEMS, 1))
                files.append(Track(name.removesuffix(STEM_FILE), folder / name, streams))
    return folders + files


def _read(path: Path, stream: int, remove_panning: bool) -> tuple["np.ndarray", int]:
    import numpy as np

    from splitstrument.files.audio import AudioError, open_audio

    with open_audio(path, stream) as reader:
        blocks = (block.mean(1, keepdims=True) if remove_panning else block for block in reader.blocks(1 << 18))
        sound = np.concatenate(list(blocks))
        if reader.warning:
            raise AudioError(reader.warning)
        return sound, reader.info.sample_rate


def _unfit(path: Path, reason: str) -> TrackError:
    return TrackError(f"{path}: cannot be opened as a WAV file ({reason})")


def _as_float(samples: "np.ndarray") -> "np.ndarray":
    """Stored samples -> float32 with full scale 1."""
    import numpy as np

    if samples.dtype.kind == "V":  # 24 bits become the upper 24 of 32
        wide = np.zeros((len(samples), 4), np.uint8)
        wide[:, 1:] = samples.view(np.uint8).reshape(-1, 3)
        samples = wide.view("<i4")[:, 0]
    if samples.dtype == np.uint8:  # 8-bit WAV is offset binary
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples.astype(np.float32)
