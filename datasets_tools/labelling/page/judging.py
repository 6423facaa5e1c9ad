"""Who has judged what: tracks in their order, judgements as they come, undo, what is next, and how long it will take.

The marks are the files on disk (labelling.marks) and are read again whenever they are asked for, since other people may
judge the same folder. Only what a person did since the page was opened, a sitting, is kept here.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from datasets_tools.labelling.marks import MARKS, Change, change_marks, is_checked, marks_of, take_back
from datasets_tools.organize import Organised


@dataclass(frozen=True)
class Judgement:
    """One key that changed marks: the track's number, what it did, and the seconds of listening that it ended."""

    track: int
    change: Change
    seconds: float | None  # None where the track was not done by it, or was before


class Judging:
    """The judging of `group` in `tracks` (Organised, in the order in which they are heard), by one or more sittings.

    A sitting is any text that tells one open page from another.
    """

    def __init__(self, tracks: Iterable[Organised], group: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.tracks, self.group = tuple(tracks), group
        self._clock = clock
        self._lock = threading.RLock()
        self._judgements: dict[str, list[Judgement]] = {}  # of each sitting, the earliest first
        self._since: dict[str, float] = {}  # when each sitting began with what it hears
        self._at: dict[str, int | None] = {}  # the track that each sitting hears

    def marks(self, number: int) -> list[str]:
        """The marks of track `number`, in the order of MARKS."""
        given = marks_of(self.tracks[number].folder, self.group)
        return [mark for mark in MARKS if mark in given]

    def judged(self) -> list[bool]:
        """For each track whether it is checked."""
        return [is_checked(track.folder, self.group) for track in self.tracks]

    def hear(self, sitting: str, number: int | None) -> None:
        """A sitting has begun with track `number`, or with none (None)."""
        with self._lock:
            self._at[sitting] = number
            self._since.setdefault(sitting, self._clock())

    def judge(
        self, sitting: str, number: int, wanted: Iterable[str] = (), unwanted: Iterable[str] = (), done: bool = True
    ) -> Judgement:
        """Set and take away marks of track `number`, at once on disk; where `done` it is checked. The Judgement."""
        with self._lock:
            wanted = frozenset(wanted) | ({"checked"} if done else set())
            change = change_marks(self.tracks[number].folder, self.group, wanted, unwanted)
            now, seconds = self._clock(), None
            if "checked" in change.created:
                seconds = now - self._since.get(sitting, now)
                self._since[sitting] = now
            judgement = Judgement(number, change, seconds)
            self._judgements.setdefault(sitting, []).append(judgement)
            return judgement

    def undo(self, sitting: str) -> Judgement | None:
        """Take back the sitting's last judgement; that Judgement, or None where there is none."""
        with self._lock:
            if not self._judgements.get(sitting):
                return None
            last = self._judgements[sitting][-1]
            take_back(self.tracks[last.track].folder, self.group, last.change)
            self._judgements[sitting].pop()
            self._since[sitting] = self._clock()
            return last

    def count(self, sitting: str) -> int:
        """How many judgements of a sitting there are to be undone."""
        return len(self._judgements.get(sitting, ()))

    def coming(self, sitting: str, number: int = -1) -> list[int]:
        """The tracks that are not checked in the order in which they come after `number`: all after it, then from 0.

        What another sitting hears at the moment is left to it as long as there are others.
        """
        with self._lock:
            judged = self.judged()
            after = [*range(number + 1, len(judged)), *range(max(0, number))]
            elsewhere = {at for other, at in self._at.items() if other != sitting}
            return sorted((track for track in after if not judged[track]), key=lambda track: track in elsewhere)

    def go_on(self, sitting: str, number: int = -1) -> int | None:
        """The track that comes after `number`, which the sitting hears now; None where all are judged."""
        with self._lock:
            following = next(iter(self.coming(sitting, number)), None)
            self.hear(sitting, following)
            return following

    def history(self, sitting: str) -> list[int]:
        """The numbers of the tracks that a sitting has judged, the latest first, each once."""
        with self._lock:
            numbers = [judgement.track for judgement in reversed(self._judgements.get(sitting, ()))]
        return list(dict.fromkeys(numbers))

    def total(self) -> int:
        """How many tracks were judged by all sittings, and not taken back."""
        every = [judgement for judgements in self._judgements.values() for judgement in judgements]
        return len({judgement.track for judgement in every if judgement.seconds is not None})

    def progress(self, sitting: str) -> dict[str, int | float | None]:
        """{total, judged, left}: the seconds that are left at the sitting's median, None before it has judged any."""
        judged = sum(self.judged())
        with self._lock:
            mine = self._judgements.get(sitting, ())
            times = [judgement.seconds for judgement in mine if judgement.seconds is not None]
        left = median(times) * (len(self.tracks) - judged) if times else None
        return {"total": len(self.tracks), "judged": judged, "left": left}
