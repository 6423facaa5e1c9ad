"""Make items in background threads before they are needed: first those awaited, then those wanted soon."""

import threading
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Stopped(Exception):
    """The item being made is no longer needed."""


class Prefetch(Generic[Key, Made]):
    """Call `make(key, check)` once for each key and keep the result until `forget`.

    `make` must call `check` regularly, which raises Stopped after `close`; it must not raise anything else.
    """

    def __init__(self, make: Callable[[Key, Callable[[], None]], Made], threads: int) -> None:
        self._make = make
        self._made: dict[Key, Made] = {}
        self._making: set[Key] = set()
        self._awaited: list[Key] = []  # keys that somebody waits for, the latest last
        self._wanted: dict[str, tuple[Key, ...]] = {}  # {listener: keys, the soonest first}
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop, and wait until the items in progress are abandoned."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)

    def _check(self) -> None:
        if self._closed:
            raise Stopped

    def want(self, listener: str, keys: Iterable[Key]) -> None:
        """Announce that `listener` will ask for `keys`, in this order; replaces its earlier, unstarted keys."""
        with self._changed:
            self._wanted[listener] = tuple(keys)
            self._changed.notify_all()

    def get(self, key: Key, timeout: float) -> Made | None:
        """The result for `key`; None if it takes longer than `timeout` seconds (the work continues; ask again)."""
        with self._changed:
            if key not in self._made and key not in self._awaited:
                self._awaited.append(key)
                self._changed.notify_all()
            self._changed.wait_for(lambda: key in self._made or self._closed, timeout)
            return self._made.get(key)

    def forget(self, key: Key) -> None:
        """Drop the result for `key`; it is made again only when somebody asks for it."""
        with self._changed:
            self._made.pop(key, None)
            self._wanted = {who: tuple(k for k in keys if k != key) for who, keys in self._wanted.items()}

    def _next(self) -> Key | None:
        """The most urgent key, or None."""
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
