"""Events as arrays: the binary COPY agrees with plain SQL, row by row, under row-level security."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from placewise.core.errors import NotFound
from placewise.core.scope import Action, Role
from placewise.core.vocabulary import terms
from placewise.store.map_records import EventColumns, list_event_columns, rows_by_place
from placewise.store.place_events import count_by_agency_month
from placewise.store.saved_runs import append_saved_run, get_saved_run
from placewise.store.session import Database, Session
from tests.conftest import Account, MakeAccount, MakePartnership, MakeScope, TestPartnership

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 7, 1, tzinfo=UTC)
INSERT = """
INSERT INTO placewise.event (partnership_id, event_id, source_agency, recorded_by, kind, category,
    harm_types, occurred_from, occurred_to, relation, accuracy, radius_m, geom, place_id, handling,
    handling_conditions) VALUES %s
"""
TEMPLATE = "(%s, %s, %s, %s, %s, %s, %s::text[], %s, %s, %s, %s, %s, ST_GeomFromText(%s, 27700), %s, %s, %s)"
PLACE = """
INSERT INTO placewise.place (partnership_id, place_id, source_agency, recorded_by, name, location_type,
    geom, accuracy, radius_m) VALUES (%s, %s, %s, %s, 'Park', 'park', ST_GeomFromText(%s, 27700), 'premises', 150)
"""


@pytest.fixture
def account(make_account: MakeAccount) -> Account:
    return make_account(Role.COORDINATOR)


@pytest.fixture
def place(admin: Connection, partnership: TestPartnership, account: Account) -> UUID:
    made = uuid4()
    square = "POLYGON((540000 180000, 540100 180000, 540100 180100, 540000 180100, 540000 180000))"
    own = (str(partnership.partnership_id), str(made), str(partnership.agencies["police"]))
    with admin.cursor() as cursor:
        cursor.execute(PLACE, (*own, str(account.account_id), square))
    return made


def event(
    partnership: TestPartnership, account: Account, *, agency: str = "police", **changes: object
) -> tuple[object, ...]:
    usual: dict[str, object] = {
        "event_id": str(uuid4()),
        "kind": "incident",
        "category": None,
        "harm_types": [],
        "occurred_from": START + timedelta(days=40),
        "occurred_to": START + timedelta(days=40, hours=2),
        "relation": "harm_there",
        "accuracy": "exact",
        "radius_m": 20.0,
        "geom": "POINT(540000 180000)",
        "place_id": None,
        "handling": "P",
        "handling_conditions": None,
    }
    values = usual | changes
    own = (str(partnership.partnership_id), values.pop("event_id"), str(partnership.agencies[agency]))
    return (*own, str(account.account_id), *values.values())


def insert(admin: Connection, rows: list[tuple[object, ...]]) -> None:
    with admin.cursor() as cursor:
        execute_values(cursor, INSERT, rows, template=TEMPLATE)


def read(session: Session, partnership: TestPartnership, *, as_at: datetime | None = None) -> EventColumns:
    agencies = list(partnership.agencies.values())
    return list_event_columns(
        session, since=START, until=END, as_at=as_at or datetime.now(UTC), agencies=agencies
    )


def test_every_column_says_what_the_table_says(
    admin: Connection, database: Database, partnership: TestPartnership, account: Account, scope: MakeScope
) -> None:
    rng = np.random.default_rng(11)
    kinds, relations = list(terms("event_kind")), list(terms("relation"))
    accuracies, harms = list(terms("accuracy")), list(terms("harm_type"))
    categories = [None, *terms("crime_category")]
    rows = []
    for _ in range(300):
        located = rng.random() < 0.8
        begun = START + timedelta(minutes=int(rng.integers(0, 200_000)))
        rows.append(
            event(
                partnership,
                account,
                agency=str(rng.choice(list(partnership.agencies))),
                kind=str(rng.choice(kinds)),
                category=categories[int(rng.integers(len(categories)))],
                harm_types=[str(h) for h in rng.choice(harms, int(rng.integers(0, 4)), replace=False)],
                occurred_from=begun,
                occurred_to=begun + timedelta(minutes=int(rng.integers(0, 3000))),
                relation=str(rng.choice(relations)),
                accuracy=str(rng.choice(accuracies)),
                radius_m=float(rng.integers(20, 3000)) if located else None,
                geom=f"POINT({rng.integers(530_000, 550_000)} {rng.integers(170_000, 190_000)})"
                if located
                else None,
            )
        )
    insert(admin, rows)
    with database.session(scope(), Action.CONSULT_MAP) as session:
        found = read(session, partnership)
    by_time = {(row[7], row[2], row[4]): row for row in rows}
    agencies = [str(agency_id) for agency_id in partnership.agencies.values()]
    assert found.n == len(rows)
    seen = set()
    for i in range(found.n):
        at = datetime.fromtimestamp(found.occurred_from_us[i] / 1e6, UTC)
        key = (at, agencies[found.agency[i]], kinds[found.kind[i]])
        row = by_time[key]
        seen.add(key)
        assert categories[found.category[i] + 1] == row[5]
        assert {h for bit, h in enumerate(harms) if found.harms[i] >> bit & 1} == set(row[6])
        assert datetime.fromtimestamp(found.occurred_to_us[i] / 1e6, UTC) == row[8]
        assert (relations[found.relation[i]], accuracies[found.accuracy[i]]) == (row[9], row[10])
        where = None if np.isnan(found.x[i]) else f"POINT({found.x[i]:.0f} {found.y[i]:.0f})"
        assert where == row[12]
        assert (None if np.isnan(found.radius_m[i]) else found.radius_m[i]) == row[11]
    assert len(seen) == len(by_time)


def test_nothing_at_all_is_an_empty_answer(
    database: Database, partnership: TestPartnership, scope: MakeScope
) -> None:
    with database.session(scope(), Action.CONSULT_MAP) as session:
        assert read(session, partnership).n == 0


def test_an_event_without_a_point_stands_at_its_place_with_the_places_accuracy(
    admin: Connection,
    database: Database,
    partnership: TestPartnership,
    account: Account,
    place: UUID,
    scope: MakeScope,
) -> None:
    insert(
        admin,
        [
            event(
                partnership,
                account,
                geom=None,
                radius_m=None,
                accuracy="none",
                place_id=str(place),
            )
        ],
    )
    with database.session(scope(), Action.CONSULT_MAP) as session:
        found = read(session, partnership)
    assert 540_000 <= found.x[0] <= 540_100
    assert list(terms("accuracy"))[found.accuracy[0]] == "premises"
    assert found.radius_m[0] == 150
    assert rows_by_place(found.place_id)[place].tolist() == [0]


def test_children_are_counted_once_an_event_and_numbered_the_same_throughout(
    admin: Connection, database: Database, partnership: TestPartnership, account: Account, scope: MakeScope
) -> None:
    ids = [str(uuid4()) for _ in range(3)]
    insert(admin, [event(partnership, account, event_id=one) for one in ids])
    children, adult = [str(uuid4()), str(uuid4())], str(uuid4())
    own = str(partnership.partnership_id)
    with admin.cursor() as cursor:
        for number, (person, kind) in enumerate([*((c, "child") for c in children), (adult, "adult")]):
            cursor.execute(
                "INSERT INTO placewise.person (partnership_id, person_id, source_agency, recorded_by,"
                " pseudonym, kind) VALUES (%s, %s, %s, %s, %s, %s)",
                (
                    own,
                    person,
                    str(partnership.agencies["police"]),
                    str(account.account_id),
                    f"X {number}",
                    kind,
                ),
            )
        pairs = [(ids[0], children[0], "child_concerned"), (ids[0], children[0], "missing_child")]
        pairs += [(ids[0], children[1], "child_concerned"), (ids[2], children[0], "child_concerned")]
        pairs += [(ids[1], adult, "adult_concerned")]
        for one, person, role in pairs:
            cursor.execute(
                "INSERT INTO placewise.event_person VALUES (%s, %s, %s, %s)", (own, one, person, role)
            )
    with database.session(scope(), Action.CONSULT_MAP) as session:
        found = read(session, partnership)
    assert found.child.size == 3
    assert sorted(np.bincount(found.child).tolist()) == [1, 2]
    assert sorted(np.bincount(found.child_event, minlength=3).tolist()) == [0, 1, 2]


def test_what_was_recorded_later_is_not_in_an_earlier_view(
    admin: Connection, database: Database, partnership: TestPartnership, account: Account, scope: MakeScope
) -> None:
    insert(admin, [event(partnership, account)])
    between = datetime.now(UTC)
    insert(admin, [event(partnership, account)])
    with database.session(scope(), Action.CONSULT_MAP) as session:
        assert read(session, partnership, as_at=between).n == 1
        assert read(session, partnership).n == 2


def test_handling_conditions_hold_in_the_copy_too(
    admin: Connection, database: Database, partnership: TestPartnership, account: Account, scope: MakeScope
) -> None:
    insert(
        admin,
        [
            event(partnership, account),
            event(partnership, account, handling="C", handling_conditions="police only"),
        ],
    )
    with database.session(scope(agency="health"), Action.CONSULT_MAP) as session:
        assert read(session, partnership).n == 1
    with database.session(scope(agency="police"), Action.CONSULT_MAP) as session:
        assert read(session, partnership).n == 2


def test_another_partnerships_events_are_not_copied(
    admin: Connection,
    database: Database,
    make_partnership: MakePartnership,
    partnership: TestPartnership,
    account: Account,
    scope: MakeScope,
) -> None:
    other = make_partnership("Elsewhere")
    insert(admin, [event(other, account), event(partnership, account)])
    with database.session(scope(), Action.CONSULT_MAP) as session:
        assert read(session, partnership).n == 1
        ((agency, _, n),) = count_by_agency_month(session)
    assert (agency, n) == (partnership.agencies["police"], 1)


def test_a_saved_run_is_found_again_and_only_by_its_kind(
    database: Database, partnership: TestPartnership, scope: MakeScope
) -> None:
    key = scope(Role.ANALYST)
    query = [("view", "counts"), ("harm", "cse"), ("harm", "cce")]
    with database.session(key, Action.SAVE_RUN) as session:
        saved = append_saved_run(
            session, "hotspot_map", "March", query=query, parameters={}, result={"n": 3}, software_version="1"
        )
    with database.session(key, Action.CONSULT_MAP) as session:
        run = get_saved_run(session, saved, "hotspot_map")
        assert (run.title, list(run.query), run.result) == ("March", query, {"n": 3})
    with pytest.raises(NotFound), database.session(key, Action.CONSULT_MAP) as session:
        get_saved_run(session, saved, "evaluation")
