"""The tracks that models are scored on: their true parts, which add up to the mixture.

A track is a pair, with the parts "instrument" and "rest", or a song of MUSDB's four stems: a folder with drums.wav,
bass.wav, other.wav and vocals.wav (MUSDB18-HQ), or a file `<song>.stem.mp4` (MUSDB18).
"""

from dataclasses import dataclass
from pathlib import Path

from splitstrument.tracks import PARTS, PairError, check_names, find_pairs

STEMS = ("drums", "bass", "other", "vocals")  # in the order of a .stem.mp4, whose first stream is their mixture
_SUFFIX = ".stem.mp4"


@dataclass(frozen=True)
class Track:
    """One track: the file and the audio stream (from 0) of each of its parts."""

    name: str
    folder: Path
    files: tuple[tuple[str, Path, int], ...]

    @property
    def parts(self):
        """The names of the parts: PARTS, or STEMS."""
        return tuple(part for part, _, _ in self.files)

    def read(self, remove_panning=False):
        """({part: float32 (samples, channels)}, sample rate in Hz); one channel, their mean, where panning is removed.

        Raises AudioError for a file that cannot be read or is cut, PairError for parts of different length or form.
        """
        sounds, forms = {}, {}
        for part, path, stream in self.files:
            sounds[part], rate = _read(path, stream, remove_panning)
            forms[path, stream] = (rate, len(sounds[part]), sounds[part].shape[1])
        (first, *_), (rate, samples, channels) = next(iter(forms.items()))
        for (path, _), form in forms.items():
            for there, here, unit in zip(form, (rate, samples, channels), ("Hz", "samples", "channels"), strict=True):
                if there != here:
                    raise PairError(f"{path}: has {there} {unit}, {first.name} has {here}; a track's parts must agree")
        return sounds, rate


def find_tracks(root):
    """All tracks below `root`, pairs (in the order of `find_pairs`) or songs of four stems.

    Raises PairError where there are none, two have one name, or both kinds are there.
    """
    root = Path(root)
    if not root.is_dir():
        raise PairError(f"{root}: {'is a file, not a folder' if root.exists() else 'no such folder'}")
    songs = _songs(root)
    try:
        pairs = find_pairs(root, whole=False)  # so that one that lacks a file is told
    except PairError:
        if not songs:
            raise PairError(
                f"{root}: no tracks below: neither pairs (instrument_<track>.wav and rest_<track>.wav in a folder "
                f"<track>) nor folders of {', '.join(STEMS)}.wav, nor files {_SUFFIX}"
            ) from None
        check_names(songs)
        return songs
    if songs:
        raise PairError(f"{root}: has pairs ({pairs[0].folder}) and songs of four stems ({songs[0].folder}); give one")
    check_names(pairs)
    return [Track(pair.name, pair.folder, tuple((part, pair.path(part), 0) for part in PARTS)) for pair in pairs]


def _songs(root):
    # Folders of at least two of the stems: one that lacks a stem is then told.
    folders = [path.parent for stem in STEMS for path in root.rglob(f"{stem}.wav")]
    found = [
        Track(folder.name, folder, tuple((stem, folder / f"{stem}.wav", 0) for stem in STEMS))
        for folder in sorted(set(folders))
        if folders.count(folder) > 1
    ]
    for path in sorted(root.rglob(f"*{_SUFFIX}")):
        files = tuple((stem, path, stream) for stream, stem in enumerate(STEMS, 1))
        found.append(Track(path.name.removesuffix(_SUFFIX), path, files))
    return found


def _read(path, stream, remove_panning):
    import numpy as np

    from splitstrument.files.audio import AudioError, open_audio

    with open_audio(path, stream) as reader:
        blocks = (block.mean(1, keepdims=True) if remove_panning else block for block in reader.blocks(1 << 18))
        sound = np.concatenate(list(blocks))
        if reader.warning:
            raise AudioError(reader.warning)
        return sound, reader.info.sample_rate
