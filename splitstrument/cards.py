"""The card of a trained model: what it separates, what it was trained on, and how well it performs."""

import re
from dataclasses import dataclass, field

from splitstrument.checking import STRICT

PART_NAME = r"[a-z][a-z0-9_-]*"  # also the name of a file


class ModelError(Exception):
    """A model does not exist or cannot be loaded. The message names it and says what to do."""


@dataclass(frozen=True)
class Source:
    """One data set that a model was trained on, with its licence."""

    name: str
    licence: str
    what: str = ""


@dataclass(frozen=True)
class Score:
    """One measured score, with the data, the measure and the command that produced it."""

    data: str
    measure: str
    value: float
    command: str


@dataclass(frozen=True)
class Card:
    """The description of a trained model. `sample_rate` is in Hz, `options` are the network's.

    `sources`: the parts that the model takes out, in the order of the network's outputs. `whole`: the sources make up
    the whole song, so there is no rest; the last source is then the song minus the others, such as "other". `about`:
    one or two sentences on what a musician can expect.
    """

    name: str
    sources: tuple[str, ...]
    sample_rate: int
    network: str
    options: dict = field(default_factory=dict)
    trained_on: tuple[Source, ...] = ()
    training: str = ""
    scores: tuple[Score, ...] = ()
    version: str = ""
    whole: bool = False
    about: str = ""
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources: a model takes out at least one part")
        for name in self.sources:
            if not re.fullmatch(PART_NAME, name) or self.sources.count(name) > 1:
                raise ValueError(f"sources: {name!r} is not a valid part name, or occurs twice")
        if self.whole and len(self.sources) < 2:
            raise ValueError("whole: needs two sources or more")
        if "rest" in self.sources[: None if not self.whole else -1]:
            raise ValueError("sources: rest cannot be a source; it is the song minus all sources")
