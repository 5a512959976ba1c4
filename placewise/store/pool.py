"""A pool that waits, tests what sat idle, and never hands on a connection with anything left in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812 - the driver's class has a lower-case name

from placewise.core.errors import DatabaseBusy

TEST = "SELECT 1"
#: A cursor held open, a prepared plan, a session setting or a lock of the last user must not reach the next.
WIPE = "DISCARD ALL"


class Pool:
    """Up to ``size`` connections of one login.

    Parameters
    ----------
    url : str
        Connection of an unprivileged login.
    size : int
        Most connections at once.
    wait_seconds : float
        How long a caller waits for a free one before ``DatabaseBusy``.
    test_after_seconds : float
        Idle time after which a connection is tried before use.
    """

    def __init__(
        self, url: str, *, size: int = 8, wait_seconds: float = 5.0, test_after_seconds: float = 5.0
    ) -> None:
        self._url = url
        self._free: list[tuple[float, Connection]] = []
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(size)
        self._wait_seconds = wait_seconds
        self._test_after_seconds = test_after_seconds

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend one connection; what it did is committed on success and rolled back on any error.

        Raises
        ------
        DatabaseBusy
            None came free in time, or the server cannot be reached.
        """
        if not self._places.acquire(timeout=self._wait_seconds):
            raise DatabaseBusy("Placewise is busy. Try again in a moment.")
        try:
            lent = self._take()
            try:
                with lent:
                    yield lent
            finally:
                self._give_back(lent)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close what is free; lent connections close when they come back broken."""
        with self._lock:
            free, self._free = self._free, []
        for _, connection in free:
            connection.close()

    def _take(self) -> Connection:
        while True:
            with self._lock:
                if not self._free:
                    break
                idle_since, connection = self._free.pop()
            if time.monotonic() - idle_since < self._test_after_seconds or _answers(connection):
                return connection
        try:
            return psycopg2.connect(self._url)
        except psycopg2.OperationalError as problem:
            raise DatabaseBusy("The database cannot be reached. Try again in a moment.") from problem

    def _give_back(self, connection: Connection) -> None:
        if not _wiped(connection):
            connection.close()
            return
        with self._lock:
            self._free.append((time.monotonic(), connection))


def _answers(connection: Connection) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(TEST)
        connection.rollback()
    except psycopg2.Error:
        connection.close()
        return False
    return True


def _wiped(connection: Connection) -> bool:
    if connection.closed or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return False
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(WIPE)
        connection.autocommit = False
    except psycopg2.Error:
        return False
    return True
