"""What is said of a trained model: its card, with where its training material came from and how well it does."""

import re
from dataclasses import dataclass, field

from splitstrument.checking import STRICT

PART_NAME = r"[a-z][a-z0-9_-]*"  # also the name of a file


class ModelError(Exception):
    """A model that is not there or does not load; the message names it and says what to do."""


@dataclass(frozen=True)
class Source:
    """Material that a model was trained on, with its licence."""

    name: str
    licence: str
    what: str = ""


@dataclass(frozen=True)
class Score:
    """A measured figure: on which data, with which measure and command."""

    data: str
    measure: str
    value: float
    command: str


@dataclass(frozen=True)
class Card:
    """All that is said of a trained model; `sample_rate` in Hz, `options` are the network's.

    `sources`: the parts that it takes out, in the order of the network's outputs. `whole`: they are all of the song, so
    that no rest is left; then the last one is what the others leave, such as "other". `about`: one or two sentences on
    what a musician may expect.
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
                raise ValueError(f"sources: {name!r} is no name of a part, or is there twice")
        if self.whole and len(self.sources) < 2:
            raise ValueError("whole: takes two sources or more")
        if "rest" in self.sources[: None if not self.whole else -1]:
            raise ValueError("sources: the rest is what the sources leave; it is no source")
