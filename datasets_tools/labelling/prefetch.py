"""Makes things before they are asked for, in threads of its own: what somebody waits for, then what is wanted soon."""

import threading
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Stopped(Exception):
    """Nobody wants any more what is being made."""


class Prefetch(Generic[Key, Made]):
    """Makes `make(key, check)` of keys, each once, and keeps what comes out until it is forgotten.

    `make` raises nothing but what `check` does, which it calls now and then: Stopped, after `close`.
    """

    def __init__(self, make: Callable[[Key, Callable[[], None]], Made], threads: int) -> None:
        self._make = make
        self._made: dict[Key, Made] = {}
        self._making: set[Key] = set()
        self._awaited: list[Key] = []  # keys that somebody waits for, the latest last
        self._wanted: dict[str, tuple[Key, ...]] = {}  # of each listener: keys, the soonest first
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Make nothing more, and wait until what is being made was given up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)

    def _check(self) -> None:
        if self._closed:
            raise Stopped

    def want(self, listener: str, keys: Iterable[Key]) -> None:
        """`listener` will ask for `keys`, in this order; what it wanted before and nobody began is given up."""
        with self._changed:
            self._wanted[listener] = tuple(keys)
            self._changed.notify_all()

    def get(self, key: Key, timeout: float) -> Made | None:
        """What was made of `key`; None where that takes longer than `timeout` seconds (it goes on; ask again)."""
        with self._changed:
            if key not in self._made and key not in self._awaited:
                self._awaited.append(key)
                self._changed.notify_all()
            self._changed.wait_for(lambda: key in self._made or self._closed, timeout)
            return self._made.get(key)

    def forget(self, key: Key) -> None:
        """Let go of what was made of `key`; it is made again when it is asked for, and no sooner."""
        with self._changed:
            self._made.pop(key, None)
            self._wanted = {who: tuple(k for k in keys if k != key) for who, keys in self._wanted.items()}

    def _next(self) -> Key | None:
        """The key that is needed first, or None."""
        soonest = sorted((place, key) for keys in self._wanted.values() for place, key in enumerate(keys))
        for key in [*self._awaited, *(key for _, key in soonest)]:
            if key not in self._made and key not in self._making:
                return key
        return None

    def _work(self) -> None:
        while True:
            with self._changed:
                while (key := self._next()) is None and not self._closed:
                    self._changed.wait()
                if key is None or self._closed:
                    return
                self._making.add(key)
            try:
                made = self._make(key, self._check)
            except Stopped:
                return
            with self._changed:
                self._making.discard(key)
                self._made[key] = made
                self._awaited = [other for other in self._awaited if other != key]
                self._changed.notify_all()
