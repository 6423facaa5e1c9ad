"""A song's beats and bars in one call, and its sections: from a file to times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.files.audio import AudioError
from structure.bars import BarSettings, downbeat_odds, positions
from structure.boundaries import boundary_odds
from structure.features import Features, read_features
from structure.segmentation import SectionSettings, sections
from structure.similarity import Places, places
from structure.tracking import BeatSettings, NoBeats, track

if TYPE_CHECKING:
    import numpy as np

BEATS, BARS, SECTIONS = BeatSettings(), BarSettings(), SectionSettings()
SHORTEST = 20.0  # seconds; a shorter song has no sections


@dataclass(frozen=True)
class Beats:
    """The beats of a song of `seconds`: `times` (n,), the `places` (n,) in their bars from 1, and `metres` (n,).

    A metre is the number of beats in the bar of a beat.
    """

    seconds: float
    times: "np.ndarray"
    places: "np.ndarray"
    metres: "np.ndarray"

    @property
    def bars(self) -> "np.ndarray":
        """The times of the first beats of bars, in seconds."""
        return self.times[self.places == 1]

    @property
    def tempo(self) -> float:
        """The median tempo in beats per minute."""
        import numpy as np

        return float(60 / np.median(np.diff(self.times)))


@dataclass(frozen=True)
class Sections:
    """The sections of a song: `edges` (k + 1,) in seconds, from 0 to the end, and a label "A", "B", ... for each."""

    edges: "np.ndarray"
    labels: Sequence[str]


def beats_in(features: Features, beat_settings: BeatSettings = BEATS, bar_settings: BarSettings = BARS) -> Beats:
    """The Beats of a song from its Features. Raises NoBeats."""
    times = track(features, beat_settings)
    return Beats(features.seconds, times, *positions(downbeat_odds(features, times), bar_settings))


def sections_in(features: Features, settings: SectionSettings = SECTIONS) -> tuple[Sections, Places]:
    """The Sections of a song from its Features, and the Places that were compared.

    Raises NoBeats, or ValueError if the song is shorter than SHORTEST.
    """
    check_length(features.seconds)
    beats = beats_in(features)
    song = places(features, beats.times, beats.places == 1)
    odds = boundary_odds(features, song.times[:-1]) if settings.method == "network" else None
    edges, labels = sections(song, settings, odds)
    times = song.times[edges]
    times[0], times[-1] = 0.0, features.seconds
    return Sections(times, [name(label) for label in labels]), song


def check_length(seconds: float) -> None:
    """Raise ValueError if a song is too short to have sections."""
    if seconds < SHORTEST:
        raise ValueError(f"is too short: {seconds:.1f} s, sections need at least {SHORTEST:.0f} s")


def name(number: int) -> str:
    """A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters


def read_song(path: Path, label: str, progress: Callable[[float], object] = lambda seconds: None) -> Features:
    """`read_features`, with `label` as the song's name in errors. Raises AudioError."""
    try:
        return read_features(path, progress)
    except AudioError as error:
        raise AudioError(str(error).replace(str(path), label)) from None


__all__ = ["BarSettings", "BeatSettings", "Beats", "NoBeats", "SectionSettings", "Sections", "beats_in", "sections_in"]
