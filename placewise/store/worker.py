"""The worker's own login: it takes calculations from the queue, says how far they are, and sees no record.

To read records it begins a session in the name of whoever asked (``Started.token``), and the application's login
opens that as any other: the same wall, the same audit log. The queue is procrastinate's (decision 0011).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate.jobs import DeleteJobCondition, Status
from psycopg2.extras import Json

from placewise.core.scope import Scope
from placewise.store.pool import Pool
from placewise.store.refusals import translated

START = "SELECT partnership, kind, query, data_cut_off FROM guard.start_analysis(%s, %s)"
NOTE = "SELECT guard.note_analysis(%s, %s, %s)"
END = "SELECT guard.end_analysis(%s, %s, %s, %s, %s)"
FORGET = "SELECT guard.forget_analyses(%s)"

KEPT_DAYS = 30
_HEARTBEAT_S, _STALLED_S = 5.0, 20.0
#: A running calculation that is asked to end while the service stops has this long.
_GRACE_S = 5.0
_MOST_ATTEMPTS = 2
_GIVEN_UP = (
    "The calculation ended the program that did it, three times. The operator finds out why in its log."
)


@dataclass(frozen=True, slots=True)
class Started:
    """A calculation to do, and the scope to read its records with."""

    analysis_id: UUID
    scope: Scope = field(repr=False)
    kind: str
    query: Sequence[tuple[str, str]]
    data_cut_off: datetime


class Worker:
    """Calculations from the worker's side."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = Pool(url, size=4)

    def start(self, analysis_id: UUID) -> Started | None:
        """Begin a calculation; None when it is no longer wanted, or its asker may no longer see records."""
        token = secrets.token_urlsafe(32)
        row = self._row(START, (analysis_id, hashlib.sha256(token.encode()).digest()))
        if row is None or row[0] is None:
            return None
        partnership_id, kind, query, data_cut_off = row
        pairs = [(name, value) for name, value in query]
        return Started(analysis_id, Scope(token, partnership_id), kind, pairs, data_cut_off)

    def note(self, analysis_id: UUID, done: int, total: int) -> bool:
        """Say how far a calculation is; False when it should stop."""
        row = self._row(NOTE, (analysis_id, done, total))
        return row is not None and row[0] is False

    def end(
        self,
        analysis_id: UUID,
        state: str,
        *,
        message: str = "",
        digest: bytes | None = None,
        result: dict[str, Any] | None = None,
    ) -> None:
        """Say how it ended, and end the session it read with; what ended before stays as it was."""
        kept = None if result is None else Json(result)
        self._row(END, (analysis_id, state, message, digest, kept))

    def forget(self) -> int:
        """Remove calculations asked for more than ``KEPT_DAYS`` ago; how many."""
        row = self._row(FORGET, (KEPT_DAYS,))
        return int(row[0]) if row else 0

    def run(
        self, work: Callable[[UUID, Callable[[], bool]], None], *, at_once: int = 1, wait: bool = True
    ) -> None:
        """Take calculations from the queue until a signal says stop; those of a worker that died come again.

        Parameters
        ----------
        work : callable
            ``work(analysis_id, must_stop)``; ``must_stop()`` is True once the service is stopping.
        at_once : int
            How many at a time.
        wait : bool
            False: end when the queue is empty.
        """
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=self._url))

        @app.task(queue="analyses", name="analyse", pass_context=True)
        def analyse(context: procrastinate.JobContext, analysis_id: str) -> None:
            work(UUID(analysis_id), context.should_abort)

        @app.periodic(cron="* * * * *")
        @app.task(queue="upkeep", name="take-up", priority=1)
        async def take_up(timestamp: int) -> None:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_S):
                if job.attempts < _MOST_ATTEMPTS or "analysis_id" not in job.task_kwargs:
                    await app.job_manager.retry_job(job)
                else:  # whatever ends the worker would end it again
                    await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
                    self.end(UUID(str(job.task_kwargs["analysis_id"])), "failed", message=_GIVEN_UP)

        @app.periodic(cron="17 3 * * *")
        @app.task(queue="upkeep", name="forget", priority=1)
        def forget(timestamp: int) -> None:
            self.forget()

        with app.open():
            app.configure_task("take-up").defer(
                timestamp=0
            )  # whatever was left by a worker that was killed with the machine
        app.run_worker(
            concurrency=at_once + 1,  # upkeep must not wait for a calculation of many minutes
            wait=wait,
            delete_jobs=DeleteJobCondition.ALWAYS,
            shutdown_graceful_timeout=_GRACE_S,
            update_heartbeat_interval=_HEARTBEAT_S,
            stalled_worker_timeout=_STALLED_S,
        )

    def close(self) -> None:
        """Close free connections."""
        self._pool.close()

    def _row(self, statement: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchone()
