"""Residents of areas: brought in with a boundary or after it, never changed, and read of the newest year."""

from __future__ import annotations

import pytest
import shapely
from psycopg2 import sql

from placewise.core.errors import NotAllowed, RuleBroken
from placewise.core.scope import Action, Role
from placewise.intake.bring_in import Sending, bring_in
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.store.geography import list_residents
from placewise.store.imports import list_refusals
from tests.shape_files import geojson

SHAPE = shapely.Polygon([(-1.66, 53.8), (-1.65, 53.8), (-1.65, 53.81), (-1.66, 53.8)])
LSOA = {"kind": "lsoa", "code": "E01000001", "name": "Mill 001", "vintage": "2021"}
COUNTED = {"residents": "1500", "residents_year": "2021"}
ADD = sql.SQL("""
INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom, residents, residents_year)
VALUES (%s, 'lsoa', 'E01000009', 'Mill', 2021, public.ST_Multi(public.ST_MakeEnvelope(0, 0, 9, 9, 27700)), %s, %s)
""")


@pytest.fixture
def coordinator(scope):
    return scope(Role.COORDINATOR)


@pytest.fixture
def send(database, coordinator, tmp_path):
    """Bring areas in; how it ended."""

    def run(*rows):
        path = geojson(tmp_path / "areas.geojson", [(row, SHAPE) for row in rows])
        sending = Sending(path, get_layout("boundaries"), "police", UPLOAD_LIMITS, path.name)
        return bring_in(database, coordinator, sending)

    return run


@pytest.fixture
def living(database, coordinator):
    """Year and residents of the areas of a kind."""

    def run(kind="lsoa"):
        with database.session(coordinator, Action.CONSULT_MAP) as session:
            areas = list_residents(session, kind)
        return areas and (areas.year, areas.residents.tolist())

    return run


def test_residents_come_with_the_boundary(send, living):
    assert send(LSOA | COUNTED, LSOA | {"code": "E01000002"}).counts.accepted == 2
    assert living() == (2021, [1500])
    assert living("ward") is None


def test_a_boundary_held_without_residents_gets_them_once(send, living):
    send(LSOA)
    assert living() is None
    assert send(LSOA | COUNTED).counts.accepted == 1
    assert living() == (2021, [1500])
    again = send(LSOA | COUNTED).counts
    assert (again.accepted, again.duplicate) == (0, 1)


def test_sending_the_boundary_without_residents_keeps_them(send, living):
    send(LSOA | COUNTED)
    assert send(LSOA).counts.duplicate == 1
    assert living() == (2021, [1500])


def test_other_residents_of_a_boundary_are_refused_and_go_with_a_newer_vintage(
    send, living, database, coordinator
):
    send(LSOA | COUNTED)
    newer = {"residents": "1600", "residents_year": "2024"}
    outcome = send(LSOA | newer)
    assert outcome.counts.refused == 1
    with database.session(coordinator, Action.CONSULT_IMPORTS) as session:
        (refusal,) = list_refusals(session, outcome.batch_id)
    assert "held with other residents (1500 of 2021)" in refusal.message
    assert living() == (2021, [1500])
    assert send(LSOA | newer | {"vintage": "2024"}).counts.accepted == 1
    assert living() == (2024, [1600])


@pytest.mark.parametrize(
    ("residents", "year", "message"),
    [
        (-1, 2021, "nought or more"),
        (1500, None, "need the year"),
        (None, 2021, "need the year"),
        (1500, 21, "as four digits"),
    ],
)
def test_the_database_holds_residents_to_their_rules(
    database, coordinator, partnership, residents, year, message
):
    def add():
        with database.session(coordinator, Action.COLLECT_FILE) as session:
            session.run(ADD, (partnership.partnership_id, residents, year))

    with pytest.raises(RuleBroken, match=message):
        add()


def test_nobody_changes_residents_that_are_held_or_anything_else_of_a_boundary(
    send, living, database, coordinator
):
    send(LSOA | COUNTED)
    with database.session(coordinator, Action.COLLECT_FILE) as session:
        session.run("UPDATE placewise.boundary SET residents = 1, residents_year = 1999")
    assert living() == (2021, [1500])
    with (
        pytest.raises(NotAllowed),
        database.session(coordinator, Action.COLLECT_FILE) as session,
    ):
        session.run("UPDATE placewise.boundary SET name = 'x'")


def test_only_importers_add_residents(send, living, database, scope):
    send(LSOA)
    with database.session(scope(Role.CHAIR), Action.CONSULT_MAP) as session:
        session.run("UPDATE placewise.boundary SET residents = 1, residents_year = 1999")
    assert living() is None
