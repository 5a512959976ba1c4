"""One calculation from its place in the queue to its result, in the name of whoever asked for it."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from placewise.core.errors import CalculationStopped, NotSignedIn, PlacewiseError, TooFewRecords
from placewise.core.progress import OnProgress
from placewise.core.scope import Action
from placewise.panel.analyses.analysis import Analysis, digest_of
from placewise.panel.analyses.catalogue import ANALYSES
from placewise.panel.hotspots import Nothing, find_hotspots
from placewise.store.session import Database
from placewise.store.worker import Started, Worker

_NOTE_EVERY_S = 0.5
_STOPPED = "The service stopped during the calculation. Start it again."
_NOTHING = "There are no records to calculate with any more."
_UNEXPECTED = "Something went wrong that should not. The operator finds it in the log."
_NOT_ANY_MORE = "You may no longer see these records."

log = logging.getLogger("placewise.worker")


class _StopsHere(CalculationStopped):
    """The service is stopping."""


def analyse(
    worker: Worker,
    database: Database,
    analysis_id: UUID,
    *,
    executors: Callable[[], AbstractContextManager[Executor | None]],
    must_stop: Callable[[], bool],
    analyses: Mapping[str, Analysis[Any]] = ANALYSES,
) -> None:
    """Do one calculation of the queue and keep its result, or say why there is none.

    Nobody's records are held while it calculates: they are read in one transaction of the asker's, and what is
    kept of them is what the method needs.
    """
    started = worker.start(analysis_id)
    if started is None:
        worker.end(analysis_id, "cancelled")
        return
    try:
        analysis = analyses[started.kind]
        task = _prepared(database, started, analysis)
        reporting = _reporting(worker, analysis_id, must_stop)
        with executors() as executor:  # a pool of its own: one that broke must not spoil the next calculation
            result = analysis.run(task, executor=executor, on_progress=reporting)
    except _StopsHere:
        worker.end(analysis_id, "failed", message=_STOPPED)
    except CalculationStopped:
        worker.end(analysis_id, "cancelled")
    except NotSignedIn:
        worker.end(analysis_id, "failed", message=_NOT_ANY_MORE)
    except PlacewiseError as problem:
        worker.end(analysis_id, "failed", message=str(problem))
    except Exception as problem:  # noqa: BLE001 - the end of the line: the page must hear of it
        # The message of an exception may quote a record; where it happened never does.
        places = "".join(traceback.format_tb(problem.__traceback__))
        log.error("%s in calculation %s\n%s", type(problem).__name__, analysis_id, places)  # noqa: TRY400  a traceback quotes the message, and that may quote a record
        worker.end(analysis_id, "failed", message=_UNEXPECTED)
    else:
        worker.end(analysis_id, "done", digest=digest_of(analysis.code, task), result=result)


def _prepared(database: Database, started: Started, analysis: Analysis[Any]) -> Any:
    asked = _as_asked(started)
    with database.session(started.scope, Action.CALCULATE) as session:
        found, _ = find_hotspots(session, asked)
        if isinstance(found, Nothing):
            raise TooFewRecords(_NOTHING)
        session.note(object_id=started.analysis_id, count=found.accounted.asked_for, kind=started.kind)
        return analysis.prepare(found, asked)


def _reporting(worker: Worker, analysis_id: UUID, must_stop: Callable[[], bool]) -> OnProgress:
    noted_at = 0.0

    def on_progress(done: int, total: int) -> bool:
        nonlocal noted_at
        if must_stop():
            raise _StopsHere(_STOPPED)
        if (now := time.monotonic()) - noted_at < _NOTE_EVERY_S:
            return True
        noted_at = now
        return worker.note(analysis_id, done, total)

    return on_progress


def _as_asked(started: Started) -> dict[str, list[str]]:
    """The address' values, with the records as they stood when the calculation was asked for."""
    values: dict[str, list[str]] = {}
    for name, value in started.query:
        values.setdefault(name, []).append(value)
    return {**values, "as_at": [started.data_cut_off.isoformat()]}
