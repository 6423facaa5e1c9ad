"""Who has judged what: tracks in their order, judgements as they come, undo, what is next, and how long it will take.

The marks are the files on disk (labelling.marks) and are read again whenever they are asked for, since other people may
judge the same folder. Only what a person did since the page was opened, a sitting, is kept here.
"""

import threading
import time
from dataclasses import dataclass
from statistics import median

from datasets_tools.labelling.marks import MARKS, Change, change_marks, is_checked, marks_of, take_back


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

    def __init__(self, tracks, group, clock=time.monotonic):
        self.tracks, self.group = tuple(tracks), group
        self._clock = clock
        self._lock = threading.RLock()
        self._judgements = {}  # of each sitting, the earliest first
        self._since = {}  # when each sitting began with what it hears
        self._at = {}  # the track that each sitting hears

    def marks(self, number):
        """The marks of track `number`, in the order of MARKS."""
        found = marks_of(self.tracks[number].folder, self.group)
        return [mark for mark in MARKS if mark in found]

    def judged(self):
        """For each track whether it is checked."""
        return [is_checked(track.folder, self.group) for track in self.tracks]

    def hear(self, sitting, number):
        """A sitting has begun with track `number`, or with none (None)."""
        with self._lock:
            self._at[sitting] = number
            self._since.setdefault(sitting, self._clock())

    def judge(self, sitting, number, wanted=(), unwanted=(), done=True):
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

    def undo(self, sitting):
        """Take back the sitting's last judgement; that Judgement, or None where there is none."""
        with self._lock:
            if not self._judgements.get(sitting):
                return None
            last = self._judgements[sitting][-1]
            take_back(self.tracks[last.track].folder, self.group, last.change)
            self._judgements[sitting].pop()
            self._since[sitting] = self._clock()
            return last

    def count(self, sitting):
        """How many judgements of a sitting there are to be undone."""
        return len(self._judgements.get(sitting, ()))

    def coming(self, sitting, number=-1):
        """The tracks that are not checked in the order in which they come after `number`: all after it, then from 0.

        What another sitting hears at the moment is left to it as long as there are others.
        """
        with self._lock:
            judged = self.judged()
            after = [*range(number + 1, len(judged)), *range(max(0, number))]
            elsewhere = {at for other, at in self._at.items() if other != sitting}
            return sorted((each for each in after if not judged[each]), key=lambda each: each in elsewhere)

    def go_on(self, sitting, number=-1):
        """The track that comes after `number`, which the sitting hears now; None where all are judged."""
        with self._lock:
            following = next(iter(self.coming(sitting, number)), None)
            self.hear(sitting, following)
            return following

    def history(self, sitting):
        """The numbers of the tracks that a sitting has judged, the latest first, each once."""
        with self._lock:
            numbers = [each.track for each in reversed(self._judgements.get(sitting, ()))]
        return list(dict.fromkeys(numbers))

    def total(self):
        """How many tracks were judged by all sittings, and not taken back."""
        every = [each for judgements in self._judgements.values() for each in judgements]
        return len({each.track for each in every if each.seconds is not None})

    def progress(self, sitting):
        """{total, judged, left}: the seconds that are left at the sitting's median, None before it has judged any."""
        judged = sum(self.judged())
        with self._lock:
            times = [each.seconds for each in self._judgements.get(sitting, ()) if each.seconds is not None]
        left = median(times) * (len(self.tracks) - judged) if times else None
        return {"total": len(self.tracks), "judged": judged, "left": left}
