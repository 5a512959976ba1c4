"""The worker: a process beside the web service that does the long calculations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from placewise.core.settings import read, read_whole, require
from placewise.panel.analyses.executors import executor
from placewise.panel.analyses.running import analyse
from placewise.store.session import Database
from placewise.store.worker import Worker


def work(*, wait: bool = True) -> None:
    """Take calculations from the queue until a signal says stop, or with ``wait=False`` until it is empty.

    Raises
    ------
    SettingMissing
        PLACEWISE_WORKER_URL or PLACEWISE_DATABASE_URL is absent, or PLACEWISE_PROCESSES is no number.
    """
    worker = Worker(require("PLACEWISE_WORKER_URL"))
    database = Database(require("PLACEWISE_DATABASE_URL"), size=4)
    executors = partial(executor, processes=read_whole("PLACEWISE_PROCESSES"), dask=read("PLACEWISE_DASK"))

    def do(analysis_id: UUID, must_stop: Callable[[], bool]) -> None:
        analyse(worker, database, analysis_id, executors=executors, must_stop=must_stop)

    worker.run(do, wait=wait)
    worker.close()
    database.close()
