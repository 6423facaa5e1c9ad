"""The targets of a system: the parts that it shares with a track, and the remainder of the song.

The remainder is compared with the sum of all parts of the track that the system does not take out. It has the system's
name for it ("rest", or "accompaniment" for a model that separates the whole song). If two systems used one name for
different remainders, the names say what is removed, as in "rest without guitar".

A pair does not state its instrument. It is whatever a system takes out, unless `instrument` is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluation.systems import System
from splitstrument.stages.run import StageError
from splitstrument.tracks import PAIR, Track


@dataclass(frozen=True)
class Target:
    """One target of a system, with its truth and its estimate.

    `truth`: the parts of the track that add up to it. `estimate`: the system's part or, if there is none, the song
    minus the system's parts `minus`.
    """

    name: str
    truth: tuple[str, ...]
    estimate: str = ""
    minus: tuple[str, ...] = ()

    @property
    def is_left(self) -> bool:
        """Whether it is a remainder of the song and not a part of the track itself."""
        return self.truth != (self.name,)


@dataclass(frozen=True)
class Plan:
    """The targets of each of `systems`. `instrument`: the instrument of pairs, if it is known.

    `names`: {removed parts of a track: name of the remainder}, for remainders that are not parts of the tracks.
    """

    systems: tuple[System, ...]
    instrument: str | None = None
    names: dict[tuple[str, ...], str] = field(default_factory=dict)

    def targets(self, system: System, track: Track) -> tuple[Target, ...]:
        """The Targets of a system on a track; empty if they share no part.

        Mixture and ideal masks have the targets of all other systems. Baselines, which can take out anything, are also
        scored on the remainders of models.
        """
        targets = self._own(system, track) if system.separates else []
        if system.kind != "model":
            others = [target for other in self.systems if other.separates for target in self._own(other, track)]
            if system.kind == "baseline":
                others = [Target(t.name, t.truth, minus=_without(t, track)) for t in others if t.is_left]
            targets += others
        first: dict[str, Target] = {}
        for target in targets:
            first.setdefault(target.name, target)
        return tuple(first.values())

    def left(self, track: Track) -> dict[str, tuple[str, ...]]:
        """{name: the removed parts} for the remainders that are not parts of the track."""
        targets = [target for system in self.systems for target in self.targets(system, track)]
        return {target.name: _without(target, track) for target in targets if target.is_left}

    def _own(self, system: System, track: Track) -> list[Target]:
        taken, left, word = _shares(system, track, self.instrument)
        if not taken:
            return []
        targets = [Target(part, (part,), own) for part, own in taken.items()]
        if not left:
            return targets
        whole = set(taken.values()) == set(system.taken) or system.kind == "baseline"
        estimate = {"estimate": system.remainder} if whole else {"minus": tuple(taken.values())}
        return [*targets, Target(self.names.get(tuple(taken), word) if left != (word,) else word, left, **estimate)]


def plan(systems: Sequence[System], tracks: Sequence[Track], instrument: str | None = None) -> Plan:
    """The Plan of `systems` on `tracks`. `instrument`: the instrument of pairs.

    Raises StageError if a system and the tracks have no part in common, or if the instrument of pairs is ambiguous.
    """
    pairs = [is_pair(track) for track in tracks]
    if any(pairs) and not all(pairs):
        raise StageError(
            f"{tracks[pairs.index(True)].folder} is a pair, but {tracks[pairs.index(False)].folder} has named parts; "
            "use a folder with only one kind"
        )
    parts = parts_of(tracks)
    if instrument and not pairs[0]:
        raise StageError(f"--instrument only works with pairs; these tracks have named parts: {', '.join(parts)}")
    for system in (system for system in systems if system.separates):
        takes = f"{system.name}: takes out {', '.join(system.sources)}"
        if pairs[0]:
            if instrument and instrument not in system.sources:
                raise StageError(f"{takes}; --instrument says {instrument}")
            if not instrument and len(system.taken) > 1:
                raise StageError(f"{takes}; use --instrument to say which of them is the instrument of these pairs")
        elif not set(system.taken) & set(parts):
            raise StageError(f"{takes}; the tracks have {', '.join(parts)}")
    words: dict[tuple[str, ...], str] = {}
    plain = set()
    for track in tracks:
        for system in (system for system in systems if system.separates):
            taken, left, word = _shares(system, track, instrument)
            plain |= set(taken)
            if left == (word,):
                plain.add(word)
            elif taken and left:
                words.setdefault(tuple(taken), word)
    said = [*plain, *words.values()]
    names = {
        taken: word if said.count(word) == 1 else f"{word} without {', '.join(taken)}" for taken, word in words.items()
    }
    return Plan(tuple(systems), instrument, names)


def is_pair(track: Track) -> bool:
    """Whether the parts of a track are an unnamed instrument and the rest."""
    return set(track.parts) == set(PAIR)


def parts_of(tracks: Sequence[Track]) -> tuple[str, ...]:
    """The names of all parts of the tracks, each once."""
    return tuple(dict.fromkeys(part for track in tracks for part in track.parts))


def unknown_instrument(systems: Sequence[System]) -> str | None:
    """A note if systems assume different instruments for the pairs, else None."""
    taken = {system.name: system.taken[0] for system in systems if system.kind == "model"}
    if len(set(taken.values())) < 2:
        return None
    each = ", ".join(f"{name} takes out {source}" for name, source in taken.items())
    return f"{each}; each is scored as if that were the instrument of the pairs (--instrument sets it)"


def _shares(system: System, track: Track, instrument: str | None) -> tuple[dict[str, str], tuple[str, ...], str]:
    """({part of the track: part of the system}, the remaining parts of the track, the system's name for them)."""
    if is_pair(track):
        return {"instrument": instrument or system.taken[0]}, ("rest",), "rest"
    taken = {part: part for part in track.parts if part in system.taken}
    left = tuple(part for part in track.parts if part not in taken)
    whole = len(taken) == len(system.taken) or system.kind == "baseline"
    return taken, left, system.remainder if whole else "rest"


def _without(target: Target, track: Track) -> tuple[str, ...]:
    return tuple(part for part in track.parts if part not in target.truth)
