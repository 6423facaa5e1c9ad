"""Systems to score on a track: trained models, baselines, ideal masks, and the mixture itself.

The mixture is the lower bound; improvements are relative to it. The oracles show how good a mask on the mixture's
spectrum can be, since they are computed from the truth: the ideal ratio mask |s| / sum of all |s|, and the ideal
binary mask, 1 where s is the loudest (Vincent, Gribonval, Plumbley 2007).
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.stages.run import StageError
from splitstrument.tracks import PAIR, Track

if TYPE_CHECKING:
    import numpy as np

    from evaluation.targets import Target
    from splitstrument.separator import Separator

    Sounds = dict[str, np.ndarray]


HEARD = 1e-3  # full scale is 1; an example begins where its part is heard


@dataclass(frozen=True)
class System:
    """A system that separates mixtures. `kind`: mixture, oracle, baseline or model; `source`: the folder of a model or
    the name of a baseline; `sources`: what it takes out; `whole`: whether they make up the whole song, as on a model's
    card; `identity`: identifies it in records, a model by its weights; `thorough`: see Separator; `examples`: the
    tracks that a model finds its examples in, if it takes out what sounds like one."""

    name: str
    kind: str
    what: str
    source: str = ""
    sources: tuple[str, ...] = ()
    whole: bool = False
    identity: str = ""
    thorough: bool = False
    examples: tuple[Track, ...] = ()

    @property
    def separates(self) -> bool:
        """Whether it works from the mixture alone and changes it, so that its time is measured."""
        return self.kind in ("model", "baseline")

    @property
    def taken(self) -> tuple[str, ...]:
        """Its sources, except for the one that is the remainder of the others."""
        return self.sources[:-1] if self.whole else self.sources

    @property
    def remainder(self) -> str:
        """Its name for the song without the sources."""
        return self.sources[-1] if self.whole else "rest"

    def prepare(self) -> None:
        """Load everything once per process, so that the time of `separate` includes no loading."""
        if self.separates:
            _prepare(self)

    def separate(
        self, mixture: "np.ndarray", rate: int, truth: "Sounds", targets: "Sequence[Target]", track: str = ""
    ) -> "Sounds":
        """Separate a `mixture` (samples, channels) at `rate` Hz: {name of each target: float32, same shape}.

        `truth`: {part of the track: audio}, which only oracles use. `track`: its name; no example is from there.
        """
        from splitstrument.separator import rest_of

        if self.kind == "mixture":
            return {target.name: mixture for target in targets}
        if self.kind == "oracle":
            return _by_oracle(self, mixture, rate, truth, targets)
        asked = [target.estimate for target in targets if target.estimate]
        if self.examples:
            wanted = {*asked}.union(*(target.minus for target in targets)) - {self.remainder}
            parts = _by_example(self, mixture, rate, wanted, track)
        else:
            parts = _parts(self, mixture, rate, asked)
        return {
            t.name: parts[t.estimate] if t.estimate else rest_of(mixture, [parts[part] for part in t.minus])
            for t in targets
        }


MIXTURE = System("mixture", "mixture", "the song as it is, as every part")
ORACLES = (
    System("ideal ratio mask", "oracle", "the mask |s| / (sum of all |s|), from the truth"),
    System("ideal binary mask", "oracle", "the mask that is 1 where s is the loudest, from the truth"),
)


def find_systems(
    names: Sequence[str],
    parts: Sequence[str] = PAIR,
    instrument: str | None = None,
    thorough: bool = False,
    tracks: Sequence[Track] = (),
) -> list[System]:
    """The Systems called `names` (baselines by name, models by name or folder), and the mixture and the oracles.

    `parts`: the parts of the tracks. Baselines take out all named parts; from pairs they take out `instrument` or, if
    that is None, the same as the models, or "guitar" if there are no models. `thorough`: add each model a second time
    as thorough. A model that takes an example takes out all named parts, each by the same part of another one of
    `tracks`. Raises ModelError for unknown names, StageError for equal names or if baselines lack an instrument.
    """
    from importlib.metadata import version

    from evaluation import baselines
    from splitstrument import models, networks

    cards = {name: models.read_card(_folder(name)) for name in names if name not in baselines.names()}
    titles = [cards[name].name for name in {_folder(name).resolve(): name for name in cards}.values()]
    systems = [replace(system, identity=f"{system.name} {version('splitstrument')}") for system in (MIXTURE, *ORACLES)]
    # Two spellings of one folder are the same model.
    for name in {str(_folder(name).resolve()) if name in cards else name: name for name in names}.values():
        if name in cards:
            card, folder = cards[name], _folder(name)
            # If two runs have the same name, use the names of their folders.
            title = card.name if titles.count(card.name) == 1 else str(name)
            what = f"{card.network}, trained"
            model = System(title, "model", what, str(folder), card.sources, card.whole, models.identity(folder))
            if networks.form(card.network, card.options).example:
                what = f"{what}; each part by the same part of another track"
                model = replace(model, what=what, sources=_shared_parts(tracks, title), examples=tuple(tracks))
            systems.append(model)
            if thorough:
                identity = f"{model.identity} thorough"
                systems.append(replace(model, name=f"{title}, thorough", identity=identity, thorough=True))
        else:
            what, identity = baselines.description(name), f"{name} {version('splitstrument')}"
            systems.append(System(name, "baseline", what, name, identity=identity))
    models_taken = {system.taken[0] for system in systems if system.kind == "model"}
    for number, system in enumerate(systems):
        if system.kind == "baseline":
            systems[number] = replace(system, sources=_asked_of_baselines(system, parts, instrument, models_taken))
    known = [system.name for system in systems]
    for name in known:
        if known.count(name) > 1:
            raise StageError(f"{name}: two systems would have this name; rename the model's folder")
    return systems


def _shared_parts(tracks: Sequence[Track], name: str) -> tuple[str, ...]:
    """The named parts that two tracks or more have. Raises StageError if there are none."""
    parts = [part for track in tracks for part in track.parts if part not in ("rest", "other")]
    if not (shared := tuple(part for part in dict.fromkeys(parts) if parts.count(part) > 1)):
        raise StageError(f"{name}: needs an example, and no part is in two tracks or more")
    return shared


def _asked_of_baselines(
    system: System, parts: Sequence[str], instrument: str | None, models_taken: set[str]
) -> tuple[str, ...]:
    if set(parts) != set(PAIR):
        return tuple(part for part in parts if part != "rest")
    if instrument is None and len(models_taken) > 1:
        raise StageError(f"{system.name}: use --instrument to say what it should take out of these pairs")
    return (instrument or next(iter(models_taken), "guitar"),)


def _folder(name: str) -> Path:
    """The folder of a model. The error for an unknown model also suggests baselines."""
    from evaluation import baselines
    from splitstrument import models
    from splitstrument.suggestions import no_such

    try:
        return models.find(name)
    except models.ModelError as error:
        if (message := str(error)).startswith("no model"):
            message = no_such("model or baseline", name, [*models.known(), *baselines.names()])
        raise models.ModelError(message) from None


@functools.cache
def _prepare(system: System) -> None:
    """Let a system separate some seconds of noise, to load libraries and compile networks."""
    import numpy as np

    noise = np.random.default_rng(0).normal(0, 0.1, (10 * 22050, 1)).astype(np.float32)
    if system.examples:
        _by_example(system, noise, 22050, system.sources[:1], "")
    else:
        _parts(system, noise, 22050, [*system.taken, "rest"])


@functools.cache
def _separator(source: str, identity: str, thorough: bool, by_example: bool = False) -> "Separator":
    """The Separator of a model, loaded once per process; one `by_example` has a silent one."""
    from splitstrument.separator import SILENCE, Separator

    return Separator(source, thorough=thorough, example=SILENCE if by_example else None)


def _by_example(system: System, mixture: "np.ndarray", rate: int, parts: "Iterable[str]", track: str) -> "Sounds":
    """{part: audio} for these parts, each by an example, and the system's remainder."""
    from splitstrument.separator import rest_of

    separator = _separator(system.source, system.identity, system.thorough, by_example=True)
    found = {}
    for part in parts:
        by = separator.like(_example(_other(system.examples, part, track), part))
        found[part] = by.separate(mixture, rate)[by.sources[0]]
    return found | {system.remainder: rest_of(mixture, found.values())}


def _other(tracks: Sequence[Track], part: str, name: str) -> Track:
    """The next track after the one of this name, or from the first one on, that has the part too."""
    names = [track.name for track in tracks]
    first = names.index(name) + 1 if name in names else 0
    return next(track for track in (*tracks[first:], *tracks[:first]) if part in track.parts)


@functools.lru_cache(maxsize=16)
def _example(track: Track, part: str) -> "tuple[np.ndarray, int]":
    """The part's first minute from where it is first heard, and its sample rate."""
    from splitstrument.files.audio import read
    from splitstrument.like import MOST

    path, stream = next((path, stream) for name, path, stream in track.files if name == part)
    sound, rate = read(path, stream)
    heard = abs(sound).max(1) > HEARD
    return sound[int(heard.argmax()) :][: int(MOST * rate)], rate


def _parts(system: System, mixture: "np.ndarray", rate: int, asked: Sequence[str]) -> "Sounds":
    """{part: audio} for all parts of a model, or for the parts asked of a baseline."""
    if system.kind == "model":
        return _separator(system.source, system.identity, system.thorough).separate(mixture, rate)
    from evaluation import baselines

    return baselines.separate(system.source, mixture, rate, tuple(asked))


def _by_oracle(
    system: System, mixture: "np.ndarray", rate: int, truth: "Sounds", targets: "Sequence[Target]"
) -> "Sounds":
    """Estimates by masks from the truth: for a part among all parts, for a remainder among the removed parts."""
    import numpy as np

    from splitstrument.spectrogram import grid_at, masked, spectra_of

    def mask(spectra: "Sounds", target: "Target") -> "np.ndarray":
        # In the order of the track, so that only one of equal parts is the loudest.
        among = {part: np.abs(spectrum) for part, spectrum in spectra.items() if part not in target.truth[1:]}
        if len(target.truth) > 1:
            among[target.truth[0]] = np.abs(sum(spectra[part] for part in target.truth))
        stacked, own = np.stack(list(among.values())), list(among).index(target.truth[0])
        if system.name == "ideal ratio mask":
            return stacked[own] / np.maximum(stacked.sum(0), 1e-12)
        return stacked.argmax(0) == own

    grid = grid_at(rate)
    in_step = zip(*(spectra_of(sound, grid) for sound in truth.values()), strict=True)
    parts = (dict(zip(truth, pieces, strict=True)) for pieces in in_step)
    pieces = ((sum(spectra.values()), {target.name: mask(spectra, target) for target in targets}) for spectra in parts)
    return masked(pieces, grid, len(mixture))
