"""The models that the demonstrator offers, by the names that people see, and the parts that come out of several."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from splitstrument.cards import Card, ModelError
from splitstrument.song_files import MIXTURE


@dataclass(frozen=True)
class Offered:
    """A model on offer: its `folder`, its `card`, and the names of what comes out of it.

    `takes`: what it takes out of a song, `remainder`: what it leaves where it works alone, `example`: whether it needs
    an example of the sound to take out.
    """

    folder: str
    card: Card
    takes: tuple[str, ...]
    remainder: str
    example: bool = False


Offer = dict[str, Offered]


def offer(names: Sequence[str] = ()) -> Offer:
    """These models, by name or folder, or all that are there: {the name that people see: Offered}.

    Raises ModelError where one of `names` cannot be used, or there is none at all. One that is only there is left out
    then, and standard error says so.
    """
    from splitstrument import models

    known = models.known()
    offered: dict[str, Offered] = {}
    for name in dict.fromkeys(names) or known:
        try:
            offered[name] = _offered(name)
        except ModelError as error:
            if names:
                raise
            print(f"splitstrument: left out: {error}", file=sys.stderr)
    if not offered:
        raise ModelError("there is no model to offer: name one in the settings")
    titles = {name: name if name in known else each.card.name for name, each in offered.items()}
    # Two models of one name are told apart as they were given: "guitar" and "runs/guitar".
    return {title if list(titles.values()).count(title) == 1 else name: offered[name] for name, title in titles.items()}


def _offered(name: str) -> Offered:
    from splitstrument import models
    from splitstrument.parts import parts_of

    folder = models.find(name)
    parts = parts_of([folder])
    if MIXTURE in parts.all:
        raise ModelError(f"{name}: has a part named {MIXTURE}, which is the page's name for the song")
    return Offered(str(folder), models.read_card(folder), parts.sources, parts.remainder, parts.example)


def parts_together(offer: Offer, names: Sequence[str]) -> tuple[str, ...]:
    """The names of the parts that several models make of a song together. The last is what the others leave.

    Raises ValueError with a line for people where two of them take out the same part.
    """
    takers: dict[str, str] = {}
    for name in names:
        for part in offer[name].takes:
            if part in takers:
                both = "is named twice" if takers[part] == name else f"and {takers[part]} both take out {part}"
                raise ValueError(f"{name} {both}. Choose models that take out different parts.")
            takers[part] = name
    return (*takers, offer[names[0]].remainder if len(names) == 1 else "rest")
