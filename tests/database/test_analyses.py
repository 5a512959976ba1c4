"""Long calculations: asked once, done in the asker's name, seen by the asker alone, shared by their inputs alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg2.extensions import connection as Connection

from placewise.core.errors import (
    CalculationStopped,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RuleBroken,
    TooFewRecords,
)
from placewise.core.scope import Action, Role, Scope
from placewise.panel.analyses.analysis import Asked, OnProgress
from placewise.panel.analyses.answers import Answer, ask, find_answer
from placewise.panel.analyses.running import analyse
from placewise.panel.hotspots import Hotspots, find_hotspots
from placewise.store import analyses
from placewise.store.session import Database
from placewise.store.worker import Worker
from tests.conftest import MakeAccount, MakeScope, TestPartnership, Urls
from tests.records import Records, london

DIGEST = bytes(range(32))


@dataclass(frozen=True)
class _Task:
    records: int
    times: int


class _Counting:
    """An analysis of which everything is known: it counts the map's records, and does what the address says."""

    code = "counting"
    label = "Counting"

    def prepare(self, found: Hotspots, asked: Asked) -> _Task:
        if found.accounted.placed < 2:
            raise TooFewRecords("Two records are needed.")
        return _Task(found.accounted.placed, int(asked.get("times", ["3"])[0]))

    def run(
        self, task: _Task, *, executor: Executor | None = None, on_progress: OnProgress
    ) -> dict[str, Any]:
        if task.times < 0:
            raise RuntimeError(f"{task.times} of a record")
        for done in range(task.times):
            if not on_progress(done, task.times):
                raise CalculationStopped("Stopped.")
        return {"records": task.records}


COUNTING = _Counting()
CATALOGUE = {"counting": COUNTING}


@pytest.fixture
def worker(database_urls: Urls) -> Iterator[Worker]:
    worker = Worker(database_urls.worker)
    yield worker
    worker.close()


@pytest.fixture
def records(admin: Connection, partnership: TestPartnership) -> None:
    for day in (3, 4, 5):
        add_record(admin, partnership, day)


def add_record(admin: Connection, partnership: TestPartnership, day: int) -> None:
    Records(admin, partnership).event(
        None, london(2026, 3, day), accuracy="exact", geom="SRID=27700;POINT(531000 181000)", radius_m=5
    )


Do = Callable[..., None]


@pytest.fixture
def do(worker: Worker, database: Database) -> Do:
    """Do one calculation as the worker would."""

    def do(analysis_id: UUID, *, must_stop: Callable[[], bool] = lambda: False) -> None:
        analyse(worker, database, analysis_id, executors=nullcontext, must_stop=must_stop, analyses=CATALOGUE)

    return do


def empty_queue(worker: Worker, do: Do) -> None:
    """Take what is in the queue; in a thread, for a browser of another test may have this one's event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(worker.run, lambda one, must_stop: do(one, must_stop=must_stop), wait=False).result()


def asked_for(database: Database, scope: Scope, digest: bytes = DIGEST) -> UUID:
    with database.session(scope, Action.ASK_ANALYSIS) as session:
        return analyses.ask_analysis(session, "counting", query=[], data_cut_off=None, digest=digest)


def ask_map(database: Database, scope: Scope, **query: str) -> UUID:
    asked = {name: [value] for name, value in query.items()}
    with database.session(scope, Action.ASK_ANALYSIS) as session:
        found, _ = find_hotspots(session, asked)
        assert isinstance(found, Hotspots)
        return ask(session, COUNTING, found, asked)


def answer(database: Database, scope: Scope, **query: str) -> Answer:
    asked = {name: [value] for name, value in query.items()}
    with database.session(scope, Action.CONSULT_ANALYSIS) as session:
        found, _ = find_hotspots(session, asked)
        assert isinstance(found, Hotspots)
        return find_answer(session, COUNTING, found, asked)


def state(database: Database, scope: Scope, analysis_id: UUID) -> analyses.Asked:
    with database.session(scope, Action.CONSULT_ANALYSIS) as session:
        return analyses.get_asked(session, analysis_id)


def test_asking_twice_is_asking_once(database: Database, scope: MakeScope) -> None:
    me = scope()
    assert asked_for(database, me) == asked_for(database, me)
    assert asked_for(database, me, bytes(32)) != asked_for(database, me)


def test_a_sixth_at_once_is_refused_in_words(database: Database, scope: MakeScope) -> None:
    me = scope()
    for number in range(5):
        asked_for(database, me, bytes([number]) * 32)
    with pytest.raises(RuleBroken, match="Five of your calculations"):
        asked_for(database, me, b"x" * 32)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_roles_that_see_no_records_cannot_ask(database: Database, scope: MakeScope, role: Role) -> None:
    with pytest.raises(NotAllowed):
        asked_for(database, scope(role))


@pytest.mark.usefixtures("records")
def test_done_in_the_askers_name_and_found_by_whoever_has_the_same_records(
    database: Database, scope: MakeScope, do: Do, admin: Connection
) -> None:
    me, colleague = scope(), scope(Role.ANALYST)
    assert answer(database, me).state == "not_asked"
    analysis_id = ask_map(database, me)
    assert answer(database, me).state == "waiting"
    do(analysis_id)
    assert state(database, me, analysis_id).state == "done"
    assert answer(database, me).result == {"records": 3}
    assert answer(database, colleague).result == {"records": 3}
    assert answer(database, colleague, times="4").state == "not_asked"
    with pytest.raises(NotFound):
        state(database, colleague, analysis_id)
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(account_id::text) FROM audit.event WHERE object_id = %s AND action = %s",
            (analysis_id, Action.CALCULATE.value),
        )
        n, account = cursor.fetchone() or (0, None)
        cursor.execute("SELECT asked_by::text FROM placewise.analysis WHERE analysis_id = %s", (analysis_id,))
        assert (n, (account,)) == (1, cursor.fetchone())


@pytest.mark.usefixtures("records")
def test_what_came_in_after_asking_is_not_part_of_it(
    database: Database, scope: MakeScope, do: Do, admin: Connection, partnership: TestPartnership
) -> None:
    me = scope()
    analysis_id = ask_map(database, me)
    add_record(admin, partnership, 6)
    do(analysis_id)
    assert answer(database, me).state == "not_asked"
    ask_map(database, me)
    assert answer(database, me).state == "waiting"


@pytest.mark.usefixtures("records")
def test_a_cancelled_one_is_not_begun_and_a_running_one_ends(
    database: Database, scope: MakeScope, do: Do, worker: Worker
) -> None:
    me, other = scope(), scope()
    waiting = ask_map(database, me)
    with pytest.raises(NotFound), database.session(other, Action.ASK_ANALYSIS) as session:
        analyses.cancel_analysis(session, waiting)
    with database.session(me, Action.ASK_ANALYSIS) as session:
        analyses.cancel_analysis(session, waiting)
    do(waiting)
    assert state(database, me, waiting).state == "cancelled"
    running = ask_map(database, me)
    assert worker.start(running) is not None
    assert worker.note(running, 1, 3)
    with database.session(me, Action.ASK_ANALYSIS) as session:
        analyses.cancel_analysis(session, running)
    assert not worker.note(running, 2, 3)
    at = state(database, me, running)
    assert (at.state, at.done, at.total) == ("running", 2, 3)


@pytest.mark.usefixtures("records")
def test_a_stopping_service_says_so(database: Database, scope: MakeScope, do: Do) -> None:
    me = scope()
    analysis_id = ask_map(database, me)
    do(analysis_id, must_stop=lambda: True)
    at = state(database, me, analysis_id)
    assert (at.state, at.message) == ("failed", "The service stopped during the calculation. Start it again.")


@pytest.mark.usefixtures("records")
def test_an_unforeseen_error_ends_it_without_quoting_a_record(
    database: Database, scope: MakeScope, do: Do, caplog: pytest.LogCaptureFixture
) -> None:
    me = scope()
    analysis_id = ask_map(database, me, times="-1")
    with caplog.at_level(logging.ERROR):
        do(analysis_id)
    at = state(database, me, analysis_id)
    assert (at.state, "operator" in at.message) == ("failed", True)
    assert "RuntimeError" in caplog.text
    assert "-1 of a record" not in caplog.text


def test_too_few_records_are_said_before_anything_is_asked(
    database: Database, scope: MakeScope, admin: Connection, partnership: TestPartnership
) -> None:
    add_record(admin, partnership, 6)
    found = answer(database, scope())
    assert (found.state, found.message) == ("impossible", "Two records are needed.")


def test_nothing_begins_for_somebody_whose_membership_ended(
    database: Database,
    make_account: MakeAccount,
    partnership: TestPartnership,
    worker: Worker,
    admin: Connection,
) -> None:
    account = make_account(Role.MEMBER)
    analysis_id = asked_for(database, Scope(account.token, partnership.partnership_id))
    with admin.cursor() as cursor:
        cursor.execute(
            "UPDATE guard.membership SET valid_to = current_date - 1 WHERE account_id = %s",
            (account.account_id,),
        )
    assert worker.start(analysis_id) is None


def test_the_workers_session_ends_with_the_calculation(
    database: Database, scope: MakeScope, worker: Worker
) -> None:
    started = worker.start(asked_for(database, scope()))
    assert started is not None
    with database.session(started.scope, Action.CALCULATE) as session:
        assert session.roles == Role.COORDINATOR
    worker.end(started.analysis_id, "failed", message="Enough.")
    with pytest.raises(NotSignedIn), database.session(started.scope, Action.CALCULATE):
        pass


def test_an_unknown_calculation_is_nothing_to_do(worker: Worker) -> None:
    assert worker.start(uuid4()) is None
    assert not worker.note(uuid4(), 1, 2)


def test_old_calculations_are_forgotten(
    database: Database, scope: MakeScope, worker: Worker, admin: Connection
) -> None:
    me = scope()
    old, new = asked_for(database, me), asked_for(database, me, bytes(32))
    with admin.cursor() as cursor:
        cursor.execute(
            "UPDATE placewise.analysis SET asked_at = now() - interval '31 days' WHERE analysis_id = %s",
            (old,),
        )
    assert worker.forget() >= 1
    assert state(database, me, new).state == "waiting"
    with pytest.raises(NotFound):
        state(database, me, old)


@pytest.mark.usefixtures("records")
def test_the_queue_brings_what_was_asked_and_keeps_nothing(
    database: Database, scope: MakeScope, worker: Worker, do: Do, admin: Connection
) -> None:
    me = scope()
    first, second = ask_map(database, me), ask_map(database, me, times="2")
    empty_queue(worker, do)
    assert {state(database, me, one).state for one in (first, second)} == {"done"}
    with admin.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM queue.procrastinate_jobs WHERE task_name = 'analyse'")
        assert cursor.fetchone() == (0,)


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(("attempts", "ended"), [(1, "done"), (2, "failed")])
def test_what_a_dead_worker_left_is_taken_up_but_not_for_ever(
    database: Database,
    scope: MakeScope,
    worker: Worker,
    do: Do,
    admin: Connection,
    attempts: int,
    ended: str,
) -> None:
    me = scope()
    analysis_id = ask_map(database, me)
    assert worker.start(analysis_id) is not None
    with admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO queue.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        (dead,) = cursor.fetchone() or (None,)
        cursor.execute(
            "UPDATE queue.procrastinate_jobs SET status = 'doing', worker_id = %s, attempts = %s WHERE args->>%s = %s",
            (dead, attempts, "analysis_id", str(analysis_id)),
        )
        assert cursor.rowcount == 1
    for _ in range(2):  # the first time the queue looked empty until it was taken up
        empty_queue(worker, do)
    at = state(database, me, analysis_id)
    assert at.state == ended
    assert ("three times" in at.message) == (ended == "failed")
