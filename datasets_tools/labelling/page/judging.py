"""The progress of judging: the order of tracks, judgements, undo, the next track, and the remaining time.

The marks are files on disk (labelling.marks). They are read again each time, since other people may judge the same
folder. Only what a person did since opening the page, a sitting, is kept here.
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
    """One key press that changed marks: the track's number, the change, and the seconds of listening before it."""

    track: int
    change: Change
    seconds: float | None  # None if it did not complete the track, or the track was already judged


class Judging:
    """The judging of `group` in `tracks` (in the order in which they are played) by one or more sittings.

    A sitting is any text that identifies an open page.
    """

    def __init__(self, tracks: Iterable[Organised], group: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.tracks, self.group = tuple(tracks), group
        self._clock = clock
        self._lock = threading.RLock()
        self._judgements: dict[str, list[Judgement]] = {}  # {sitting: the earliest first}
        self._since: dict[str, float] = {}  # {sitting: when it started its current track}
        self._at: dict[str, int | None] = {}  # {sitting: its current track}

    def marks(self, number: int) -> list[str]:
        """The marks of track `number`, in the order of MARKS."""
        given = marks_of(self.tracks[number].folder, self.group)
        return [mark for mark in MARKS if mark in given]

    def judged(self) -> list[bool]:
        """Whether each track is checked."""
        return [is_checked(track.folder, self.group) for track in self.tracks]

    def hear(self, sitting: str, number: int | None) -> None:
        """Note that a sitting has started track `number` (None: no track)."""
        with self._lock:
            self._at[sitting] = number
            self._since.setdefault(sitting, self._clock())

    def judge(
        self, sitting: str, number: int, wanted: Iterable[str] = (), unwanted: Iterable[str] = (), done: bool = True
    ) -> Judgement:
        """Set and clear marks of track `number` on disk; if `done`, it becomes checked."""
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
        """Undo the sitting's last judgement and return it; None if there is none."""
        with self._lock:
            if not self._judgements.get(sitting):
                return None
            last = self._judgements[sitting][-1]
            take_back(self.tracks[last.track].folder, self.group, last.change)
            self._judgements[sitting].pop()
            self._since[sitting] = self._clock()
            return last

    def count(self, sitting: str) -> int:
        """The number of judgements that a sitting can undo."""
        return len(self._judgements.get(sitting, ()))

    def coming(self, sitting: str, number: int = -1) -> list[int]:
        """The tracks that are not checked yet: those after `number`, then from 0 on.

        Tracks that another sitting is playing are left out as long as there are others.
        """
        with self._lock:
            judged = self.judged()
            after = [*range(number + 1, len(judged)), *range(max(0, number))]
            elsewhere = {at for other, at in self._at.items() if other != sitting}
            return sorted((track for track in after if not judged[track]), key=lambda track: track in elsewhere)

    def go_on(self, sitting: str, number: int = -1) -> int | None:
        """Let the sitting play the next track after `number` and return it; None if all are judged."""
        with self._lock:
            following = next(iter(self.coming(sitting, number)), None)
            self.hear(sitting, following)
            return following

    def history(self, sitting: str) -> list[int]:
        """The numbers of the tracks that a sitting has judged, each once, the latest first."""
        with self._lock:
            numbers = [judgement.track for judgement in reversed(self._judgements.get(sitting, ()))]
        return list(dict.fromkeys(numbers))

    def total(self) -> int:
        """The number of tracks judged by all sittings, without those undone."""
        every = [judgement for judgements in self._judgements.values() for judgement in judgements]
        return len({judgement.track for judgement in every if judgement.seconds is not None})

    def progress(self, sitting: str) -> dict[str, int | float | None]:
        """{total, judged, left}: `left` is the remaining time in seconds at the sitting's median pace, or None."""
        judged = sum(self.judged())
        with self._lock:
            mine = self._judgements.get(sitting, ())
            times = [judgement.seconds for judgement in mine if judgement.seconds is not None]
        left = median(times) * (len(self.tracks) - judged) if times else None
        return {"total": len(self.tracks), "judged": judged, "left": left}
