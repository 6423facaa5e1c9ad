"""Which parts several models produce when they separate a song together. No network is loaded for this."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from splitstrument import models, networks

ModelName = str | os.PathLike[str]


@dataclass(frozen=True)
class Parts:
    """The parts of a song: the `sources`, in the models' order, and the `remainder`, which is the song minus them.

    `name`: the models' names, joined by "+". `places`: for each model, the indices of the sources that are used.
    `example`: whether a model needs an example of what it takes out.
    """

    name: str
    sources: tuple[str, ...]
    remainder: str
    places: tuple[tuple[int, ...], ...]
    example: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all parts, which add up to the song."""
        return (*self.sources, self.remainder)


def parts_of(names: Sequence[ModelName]) -> Parts:
    """The Parts of these models, by name or folder.

    If a model's sources make up the whole song and it is used alone, all of them are parts; the last one is the song
    minus the others. With other models, its last source becomes part of the rest, the song minus all sources.

    Raises ValueError if no model is given or two take out the same part; ModelError if a model does not exist.
    """
    if not names:
        raise ValueError("no model to separate with: name one, or several that take out different parts")
    cards = [models.read_card(models.find(name)) for name in names]
    places = tuple(tuple(range(len(card.sources) - card.whole)) for card in cards)
    seen: dict[str, ModelName] = {}
    for name, card, own in zip(names, cards, places, strict=True):
        for part in (card.sources[place] for place in own):
            if part in seen:
                both = f"{seen[part]} and {name} both take out {part}"
                raise ValueError(f"{both}: leave one of them out, or separate the song with each on its own")
            seen[part] = name
    remainder = cards[0].sources[-1] if len(cards) == 1 and cards[0].whole else "rest"
    example = any(networks.form(card.network, card.options).example for card in cards)
    return Parts("+".join(card.name for card in cards), tuple(seen), remainder, places, example)
