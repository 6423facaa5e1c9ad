"""What is said of a trained model: its card, with where its training material came from and how well it does."""

from dataclasses import dataclass, field

from splitstrument.checking import STRICT


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
    """All that is said of a trained model; `sample_rate` in Hz, `options` are the network's."""

    name: str
    instrument: str
    sample_rate: int
    network: str
    options: dict = field(default_factory=dict)
    trained_on: tuple[Source, ...] = ()
    training: str = ""
    scores: tuple[Score, ...] = ()
    version: str = ""
    __pydantic_config__ = STRICT
