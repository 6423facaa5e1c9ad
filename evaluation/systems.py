"""What can be scored on a track: trained models, baselines, ideal masks, and the mixture itself.

The mixture is the floor: every improvement is over it. The oracles show how far a mask on the mixture's spectrum can
go, since they are made from the truth: the ideal ratio mask |s| / sum of all |s|, and the ideal binary mask, 1 where s
is the loudest (Vincent, Gribonval, Plumbley 2007).
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.stages.run import StageError
from splitstrument.tracks import PAIR

if TYPE_CHECKING:
    import numpy as np

    from evaluation.targets import Target
    from splitstrument.separator import Separator

    Sounds = dict[str, np.ndarray]


@dataclass(frozen=True)
class System:
    """One thing that takes mixtures apart. `kind`: mixture, oracle, baseline or model; `source`: a model's folder or
    a baseline's name; `sources`: what it takes out, and `whole`: whether they are all of the song, as on a model's
    card; `identity`: by what it is known again, a model by its weights; `thorough`: see Separator."""

    name: str
    kind: str
    what: str
    source: str = ""
    sources: tuple[str, ...] = ()
    whole: bool = False
    identity: str = ""
    thorough: bool = False

    @property
    def separates(self) -> bool:
        """Whether it works from the mixture alone and changes it, so that its time counts."""
        return self.kind in ("model", "baseline")

    @property
    def taken(self) -> tuple[str, ...]:
        """Its sources, but for one that is what the others leave."""
        return self.sources[:-1] if self.whole else self.sources

    @property
    def remainder(self) -> str:
        """What it calls the song without what is taken out."""
        return self.sources[-1] if self.whole else "rest"

    def prepare(self) -> None:
        """Load what is needed, once in a process, so that the time that `separate` takes is its own."""
        if self.separates:
            _prepare(self)

    def separate(self, mixture: "np.ndarray", rate: int, truth: "Sounds", targets: "Sequence[Target]") -> "Sounds":
        """{the name of each target: its estimate, float32 (samples, channels)} of a mixture of that shape at `rate` Hz.

        `truth`: {part of the track: sound}, at which only oracles look.
        """
        from splitstrument.separator import rest_of

        if self.kind == "mixture":
            return {target.name: mixture for target in targets}
        if self.kind == "oracle":
            return _by_oracle(self, mixture, rate, truth, targets)
        parts = _parts(self, mixture, rate, [target.estimate for target in targets if target.estimate])
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
    names: Sequence[str], parts: Sequence[str] = PAIR, instrument: str | None = None, thorough: bool = False
) -> list[System]:
    """The Systems of `names`: baselines by name, models by name or folder; with them the mixture and the oracles.

    `parts`: those of the tracks. Baselines take out all of them that have names; of pairs `instrument`, or, where that
    is None, what the models do, or "guitar" without any. `thorough`: each model once more, as a thorough one.
    Raises ModelError for what is not there, StageError where two would be one or baselines lack an instrument.
    """
    from importlib.metadata import version

    from evaluation import baselines
    from splitstrument import models

    cards = {name: models.read_card(_folder(name)) for name in names if name not in baselines.names()}
    titles = [cards[name].name for name in {_folder(name).resolve(): name for name in cards}.values()]
    systems = [replace(system, identity=f"{system.name} {version('splitstrument')}") for system in (MIXTURE, *ORACLES)]
    # One folder in two spellings is one model.
    for name in {str(_folder(name).resolve()) if name in cards else name: name for name in names}.values():
        if name in cards:
            card, folder = cards[name], _folder(name)
            # Two runs may bear one name; then each is called by its folder.
            title = card.name if titles.count(card.name) == 1 else str(name)
            what = f"{card.network}, trained"
            model = System(title, "model", what, str(folder), card.sources, card.whole, models.identity(folder))
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
            raise StageError(f"{name}: two systems would bear this name; give the model's folder another name")
    return systems


def _asked_of_baselines(
    system: System, parts: Sequence[str], instrument: str | None, models_taken: set[str]
) -> tuple[str, ...]:
    if set(parts) != set(PAIR):
        return tuple(part for part in parts if part != "rest")
    if instrument is None and len(models_taken) > 1:
        raise StageError(f"{system.name}: what is it to take out of these pairs? Say it with --instrument")
    return (instrument or next(iter(models_taken), "guitar"),)


def _folder(name: str) -> Path:
    """A model's folder; where there is no such model, the message knows the baselines too."""
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
    """Let a system separate some seconds of noise: libraries are loaded, networks compiled."""
    import numpy as np

    noise = np.random.default_rng(0).normal(0, 0.1, (10 * 22050, 1)).astype(np.float32)
    _parts(system, noise, 22050, [*system.taken, "rest"])


@functools.cache
def _separator(source: str, identity: str, thorough: bool) -> "Separator":
    """A model's Separator, loaded once in a process."""
    from splitstrument.separator import Separator

    return Separator(source, thorough=thorough)


def _parts(system: System, mixture: "np.ndarray", rate: int, asked: Sequence[str]) -> "Sounds":
    """{part: sound} of all that a model gives, of what a baseline is asked for."""
    if system.kind == "model":
        return _separator(system.source, system.identity, system.thorough).separate(mixture, rate)
    from evaluation import baselines

    return baselines.separate(system.source, mixture, rate, tuple(asked))


def _by_oracle(
    system: System, mixture: "np.ndarray", rate: int, truth: "Sounds", targets: "Sequence[Target]"
) -> "Sounds":
    """What masks made from the truth give: of a part among all parts, of what is left among the parts taken out."""
    import numpy as np

    from splitstrument.spectrogram import grid_at, masked, spectra_of

    def mask(spectra: "Sounds", target: "Target") -> "np.ndarray":
        # In the order of the track, so that of equals only one is the loudest.
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
