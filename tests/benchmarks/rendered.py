"""Songs that `splitstrument synthesize` rendered, with their true beats, bars and sections, for the benchmarks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from splitstrument.files.yaml_files import read_yaml
from structure.features import Features, read_features


@dataclass(frozen=True)
class Known:
    """A song whose structure is known: times in seconds; `sections`: (start, end, label)."""

    name: str
    features: Features
    beats: np.ndarray
    bars: np.ndarray
    sections: tuple[tuple[float, float, str], ...]

    @property
    def metre(self) -> float:
        """The beats of most bars."""
        return float(np.median(np.diff(np.searchsorted(self.beats, self.bars - 0.02))))

    @property
    def kinds(self) -> list[str]:
        """What is special about the song: 3/4, a pick-up, changes of tempo; or plain."""
        steps = np.diff(self.beats)
        found = ["3/4"] if self.metre == 3 else []
        found += ["pick-up"] if self.bars[0] > self.beats[0] + 0.02 else []
        found += ["tempo changes"] if steps.max() > 1.05 * steps.min() else []
        return found or ["plain 4/4"]


def songs(folder: Path) -> list[Known]:
    """All songs below `folder` with a structure.yaml in which there are bars."""
    found = []
    for path in sorted(folder.glob("*/structure.yaml")):
        told = read_yaml(path)
        if len(told["bars"]) > 2:
            sections = tuple((one["start"], one["end"], one["label"]) for one in told["sections"])
            features = read_features(path.with_name("mix.flac"))
            found.append(Known(path.parent.name, features, np.array(told["beats"]), np.array(told["bars"]), sections))
    return found
