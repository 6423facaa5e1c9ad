"""What can be scored on a track: trained models, baselines, ideal masks, and the mixture itself.

The mixture is the floor: every improvement is over it. The oracles show how far a mask on the mixture's spectrum can
go, since they are made from the truth: the ideal ratio mask |s| / sum of all |s|, and the ideal binary mask, 1 where s
is the loudest (Vincent, Gribonval, Plumbley 2007).
"""

import functools
from dataclasses import dataclass, replace

from splitstrument.stages.run import StageError


@dataclass(frozen=True)
class System:
    """One thing that takes mixtures apart. `kind`: mixture, oracle, baseline or model; `source`: a model's folder or
    name; `instrument`: what it takes out; `thorough`: a model's masks are means, see Separator."""

    name: str
    kind: str
    what: str
    source: str = ""
    instrument: str = ""
    thorough: bool = False

    @property
    def separates(self):
        """Whether it works from the mixture alone and changes it, so that its time counts."""
        return self.kind in ("model", "baseline")

    def prepare(self):
        """Load what is needed, once in a process, so that the time that `separate` takes is its own."""
        if self.separates:
            _prepare(self)

    def separate(self, mixture, rate, truth):
        """{part: estimate, float32 (samples, channels)} of a mixture of that shape at `rate` Hz.

        `truth`: {part: sound}; oracles look at the sounds, the others at the names of the parts.
        """
        return _SEPARATE[self.kind](self, mixture, rate, truth)


MIXTURE = System("mixture", "mixture", "the song as it is, as every part")
ORACLES = (
    System("ideal ratio mask", "oracle", "the mask |s| / (sum of all |s|), from the truth"),
    System("ideal binary mask", "oracle", "the mask that is 1 where s is the loudest, from the truth"),
)


def find_systems(names, instrument=None, thorough=False):
    """The Systems of `names`: baselines by name, models by name or folder; with them the mixture and the oracles.

    `instrument` is what baselines take out, and what models must; None: what the models do, or "guitar" without any.
    `thorough`: each model once more, as a thorough one.
    Raises ModelError for what is not there, StageError where two would be one or models do not fit together.
    """
    from evaluation import baselines
    from splitstrument import models

    cards = {name: models.read_card(_folder(name)) for name in names if name not in baselines.names()}
    wanted = {card.instrument for card in cards.values()} | ({instrument} if instrument else set())
    if len(wanted) > 1:
        said = ", ".join(f"{name} takes out {card.instrument}" for name, card in cards.items())
        said += f"; --instrument says {instrument}" * bool(instrument)
        raise StageError(f"{said}: they do not fit together")
    target = next(iter(wanted), "guitar")
    titles = [cards[name].name for name in {_folder(name).resolve(): name for name in cards}.values()]
    found = [MIXTURE, *ORACLES]
    # One folder in two spellings is one model.
    for name in {str(_folder(name).resolve()) if name in cards else name: name for name in names}.values():
        if name in cards:
            # Two runs may bear one name; then each is called by its folder.
            title = cards[name].name if titles.count(cards[name].name) == 1 else str(name)
            model = System(title, "model", f"{cards[name].network}, trained", str(_folder(name)), target)
            found.append(model)
            if thorough:
                found.append(replace(model, name=f"{title}, thorough", thorough=True))
        else:
            found.append(System(name, "baseline", baselines.description(name), name, target))
    known = [system.name for system in found]
    for name in known:
        if known.count(name) > 1:
            raise StageError(f"{name}: two systems would bear this name; give the model's folder another name")
    return found


def _folder(name):
    """A model's folder; where there is no such model, the message knows the baselines too."""
    from evaluation import baselines
    from splitstrument import models
    from splitstrument.suggestions import no_such

    try:
        return models.find(name)
    except models.ModelError as error:
        if (message := str(error)).startswith("no model"):
            message = no_such("model or baseline", name, [*models.shipped(), *baselines.names()])
        raise models.ModelError(message) from None


@functools.cache
def _prepare(system):
    """Let a system separate some seconds of noise: libraries are loaded, networks compiled."""
    import numpy as np

    noise = np.random.default_rng(0).normal(0, 0.1, (10 * 22050, 1)).astype(np.float32)
    _SEPARATE[system.kind](system, noise, 22050, {"instrument": noise, "rest": noise})


@functools.cache
def _separator(source, thorough):
    """A model's Separator, loaded once in a process."""
    from splitstrument.separator import Separator

    return Separator(source, thorough=thorough)


def _by_model(system, mixture, rate, truth):
    parts = _separator(system.source, system.thorough).separate(mixture, rate)
    return {_own_part(truth, system.instrument): parts[system.instrument], "rest": parts["rest"]}


def _own_part(truth, instrument):
    """What the part that is taken out is called on this track: "instrument" of a pair, else by its own name."""
    return "instrument" if "instrument" in truth else instrument


def _by_baseline(system, mixture, rate, truth):
    from evaluation import baselines

    if "instrument" not in truth:
        return baselines.separate(system.source, mixture, rate, tuple(truth))
    parts = baselines.separate(system.source, mixture, rate, (system.instrument, "rest"))
    return {"instrument": parts[system.instrument], "rest": parts["rest"]}


def _by_oracle(system, mixture, rate, truth):
    import numpy as np

    from splitstrument.spectrogram import Analysis, Synthesis, grid_at

    grid = grid_at(rate)
    analyses = {part: Analysis(grid, mixture.shape[1]) for part in truth}
    syntheses = {part: Synthesis(grid, mixture.shape[1]) for part in truth}
    pieces = {part: [] for part in truth}
    size = 256 * grid.hop
    for start in range(0, len(mixture) + size, size):
        spectra = {}
        for part, sound in truth.items():
            block, analyse = sound[start : start + size], analyses[part]
            spectra[part] = analyse(block) if len(block) else analyse.finish()
        magnitudes = np.stack([np.abs(spectrum) for spectrum in spectra.values()])
        if system.name == "ideal ratio mask":
            masks = magnitudes / np.maximum(magnitudes.sum(0), 1e-12)
        else:
            masks = np.arange(len(magnitudes))[:, None, None, None] == magnitudes.argmax(0)
        mixed = sum(spectra.values())
        for mask, part in zip(masks, truth, strict=True):
            pieces[part].append(syntheses[part](mixed * mask))
        if start >= len(mixture):
            break
    return {part: np.concatenate(sounds)[: len(mixture)] for part, sounds in pieces.items()}


_SEPARATE = {
    "mixture": lambda system, mixture, rate, truth: dict.fromkeys(truth, mixture),
    "oracle": _by_oracle,
    "baseline": _by_baseline,
    "model": _by_model,
}
