"""What a system is scored on: the parts that it and a track share, and what it leaves of the song.

What is left is compared with the sum of all parts of the track that the system does not take out. It is called as the
system calls it ("rest", or "accompaniment" of a model that takes a whole song apart). Where two systems would call
different things so, each says what it is without, as in "rest without guitar".

A pair does not say what its instrument is: it is what each system takes out, unless `instrument` says it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluation.systems import System
from splitstrument.stages.run import StageError
from splitstrument.tracks import PAIR, Track


@dataclass(frozen=True)
class Target:
    """One thing that a system is scored on: what of the track is its truth, and what of the system its estimate.

    `truth`: the parts of the track that add up to it. `estimate`: the system's part; where there is none, the song
    minus the system's parts `minus`.
    """

    name: str
    truth: tuple[str, ...]
    estimate: str = ""
    minus: tuple[str, ...] = ()

    @property
    def is_left(self) -> bool:
        """Whether it is what is left of a song, and no part of the track by itself."""
        return self.truth != (self.name,)


@dataclass(frozen=True)
class Plan:
    """What each of `systems` is scored on. `instrument`: that of pairs, if it is known.

    `names`: {parts of a track: what is left without them}, of what is no part of the tracks by itself.
    """

    systems: tuple[System, ...]
    instrument: str | None = None
    names: dict[tuple[str, ...], str] = field(default_factory=dict)

    def targets(self, system: System, track: Track) -> tuple[Target, ...]:
        """The Targets of a system on a track, none where they share no part.

        Mixture and ideal masks have those of all others. Baselines, which take out whatever they are asked for, are
        also scored on what models leave.
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
        """{name: the parts that it is the song without}, of what is no part of the track by itself."""
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
    """The Plan of `systems` on `tracks`. `instrument`: what the instrument of pairs is.

    Raises StageError where a system and the tracks share nothing, or pairs do not say what is asked of them.
    """
    pairs = [is_pair(track) for track in tracks]
    if any(pairs) and not all(pairs):
        raise StageError(
            f"{tracks[pairs.index(True)].folder} is a pair, {tracks[pairs.index(False)].folder} has parts of other "
            "names; give the folder of one kind"
        )
    parts = parts_of(tracks)
    if instrument and not pairs[0]:
        raise StageError(f"--instrument is for pairs; these tracks name their parts: {', '.join(parts)}")
    for system in (system for system in systems if system.separates):
        takes = f"{system.name}: takes out {', '.join(system.sources)}"
        if pairs[0]:
            if instrument and instrument not in system.sources:
                raise StageError(f"{takes}; --instrument says {instrument}")
            if not instrument and len(system.taken) > 1:
                raise StageError(f"{takes}; say with --instrument which of them the instrument of these pairs is")
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
    """Whether the parts of a track are an instrument, which it does not name, and the rest."""
    return set(track.parts) == set(PAIR)


def parts_of(tracks: Sequence[Track]) -> tuple[str, ...]:
    """The names of all parts of the tracks, each once."""
    return tuple(dict.fromkeys(part for track in tracks for part in track.parts))


def unknown_instrument(systems: Sequence[System]) -> str | None:
    """A line that says that systems take different instruments for that of the pairs; None where they do not."""
    taken = {system.name: system.taken[0] for system in systems if system.kind == "model"}
    if len(set(taken.values())) < 2:
        return None
    each = ", ".join(f"{name} takes out {source}" for name, source in taken.items())
    return f"{each}; each is scored as if that were the instrument of the pairs (--instrument says what it is)"


def _shares(system: System, track: Track, instrument: str | None) -> tuple[dict[str, str], tuple[str, ...], str]:
    """({part of the track: the system's}, the track's parts that are left, what the system calls them together)."""
    if is_pair(track):
        return {"instrument": instrument or system.taken[0]}, ("rest",), "rest"
    taken = {part: part for part in track.parts if part in system.taken}
    left = tuple(part for part in track.parts if part not in taken)
    whole = len(taken) == len(system.taken) or system.kind == "baseline"
    return taken, left, system.remainder if whole else "rest"


def _without(target: Target, track: Track) -> tuple[str, ...]:
    return tuple(part for part in track.parts if part not in target.truth)
