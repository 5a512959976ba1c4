"""What a process keeps between requests of one open page: bounded in bytes and in time, made once when many ask.

It keeps what was read and decides nothing. Whoever takes from it has an open session, in which the database has just
verified the sign-in and its roles; the key must hold all that decides what that session may see.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """Bytes."""
        ...


Kept = TypeVar("Kept", bound=Sized)


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Kept]):
    content: Kept
    until: float


class Held(Generic[Kept]):
    """Contents by key; the one unused for longest goes first.

    Parameters
    ----------
    most_bytes : int
        All contents together; one that is larger by itself is handed out and not kept.
    for_s : float
        Seconds after which a content is made again, however often it is asked for.
    """

    def __init__(self, *, most_bytes: int, for_s: float) -> None:
        self._most_bytes = most_bytes
        self._for_s = for_s
        self._entries: OrderedDict[Hashable, _Entry[Kept]] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Memory that all contents take."""
        with self._lock:
            return self._total()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """The content of a key; ``make`` is called by the first who asks, while others who ask the same wait."""
        with self._lock:
            if found := self._fresh(key):
                return found.content
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if found := self._fresh(key):
                    return found.content
            try:
                content = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._keep(key, content)
            return content

    def _fresh(self, key: Hashable) -> _Entry[Kept] | None:
        now = time.monotonic()
        for old in [name for name, entry in self._entries.items() if entry.until <= now]:
            del self._entries[old]
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def _keep(self, key: Hashable, content: Kept) -> None:
        if content.nbytes > self._most_bytes:
            return
        self._entries[key] = _Entry(content, time.monotonic() + self._for_s)
        self._entries.move_to_end(key)
        while self._total() > self._most_bytes:
            self._entries.popitem(last=False)

    def _total(self) -> int:
        return sum(entry.content.nbytes for entry in self._entries.values())
