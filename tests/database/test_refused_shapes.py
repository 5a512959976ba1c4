"""A refused feature comes back mended, in a table, and is the very record it would have been in its own file."""

from __future__ import annotations

import io

import pytest
import shapely

from placewise.core.scope import Action, Role
from placewise.intake.bring_in import Sending, bring_in, hand_back
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.store.imports import list_refusals
from tests.shape_files import geojson, geopackage

WRITERS = {"geojson": geojson, "gpkg": geopackage}
DEGREES = shapely.Polygon([(-1.66, 53.8), (-1.65, 53.8), (-1.65, 53.810000000000004), (-1.66, 53.8)])
METRES = shapely.MultiPolygon(
    [shapely.box(441000.25, 381000.1, 441100, 381200), shapely.box(441200, 381000, 441300, 381100)]
)
SHAPES = {4326: DEGREES, 27700: METRES}


def feature(ref, shape, *, kind="park"):
    return {"local_ref": ref, "name": "Mill Park", "location_type": kind}, shape


@pytest.fixture
def coordinator(scope):
    return scope(Role.COORDINATOR)


@pytest.fixture
def send(database, coordinator):
    """Bring a file in; how it ended."""

    def run(path, layout="places"):
        return bring_in(
            database, coordinator, Sending(path, get_layout(layout), "police", UPLOAD_LIMITS, path.name)
        )

    return run


@pytest.fixture
def refused(database, coordinator):
    """The refused rows of an import, as they are downloaded."""

    def run(outcome):
        out = io.StringIO(newline="")
        hand_back(database, coordinator, outcome.batch_id, out)
        return out.getvalue()

    return run


@pytest.fixture
def held(admin, partnership):
    """Shapes of the records held in a table, by their own reference."""

    def run(table="place", ref="local_ref"):
        with admin.cursor() as cursor:
            cursor.execute(
                f"SELECT {ref}, ST_AsBinary(geom) FROM placewise.{table} WHERE partnership_id = %s",
                (str(partnership.partnership_id),),
            )
            return {key: bytes(shape) for key, shape in cursor.fetchall()}

    return run


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("epsg", SHAPES)
def test_a_refused_feature_is_mended_and_sent_again_with_the_same_shape(
    send, refused, held, tmp_path, ending, epsg
):
    write, shape = WRITERS[ending], SHAPES[epsg]
    good, bad = feature("P1", shape), feature("P2", shape, kind="parc")
    first = send(write(tmp_path / f"first.{ending}", [good, bad], epsg=epsg))
    assert (first.counts.accepted, first.counts.refused) == (1, 1)
    mended = tmp_path / "mended.csv"
    mended.write_text(refused(first).replace("parc", "park"), encoding="utf-8")
    again = send(mended)
    assert (again.counts.accepted, again.counts.refused) == (1, 0)
    shapes = held()
    assert shapes["P2"] == shapes["P1"]
    if epsg == 27700:
        assert shapely.from_wkb(shapes["P2"]) == shape
    # The same record from its own kind of file, mended there as well, is already held and says nothing else.
    whole = send(write(tmp_path / f"whole.{ending}", [good, feature("P2", shape)], epsg=epsg))
    assert (whole.counts.duplicate, whole.counts.refused) == (2, 0)


def test_a_fault_that_only_the_database_finds_leaves_the_row_its_shape(send, refused, held, tmp_path):
    shape = SHAPES[27700]
    send(geopackage(tmp_path / "a.gpkg", [feature("P1", shape)], epsg=27700))
    outcome = send(geopackage(tmp_path / "b.gpkg", [feature("P1", shape, kind="school")], epsg=27700))
    assert outcome.counts.refused == 1
    mended = tmp_path / "mended.csv"
    mended.write_text(refused(outcome).replace("P1", "P2"), encoding="utf-8")
    assert send(mended).counts.accepted == 1
    assert held()["P2"] == held()["P1"]


def test_a_boundary_is_mended_and_sent_again(send, refused, held, tmp_path):
    ward = {"kind": "ward", "code": "E05000001", "name": "Mill", "vintage": "20x3"}
    outcome = send(geojson(tmp_path / "a.geojson", [(ward, DEGREES)]), "boundaries")
    mended = tmp_path / "mended.csv"
    mended.write_text(refused(outcome).replace("20x3", "2023"), encoding="utf-8")
    assert send(mended, "boundaries").counts.accepted == 1
    send(
        geojson(tmp_path / "b.geojson", [(ward | {"vintage": "2024", "code": "E05000002"}, DEGREES)]),
        "boundaries",
    )
    shapes = held("boundary", "code")
    assert shapes["E05000001"] == shapes["E05000002"]


def test_a_boundary_of_100_000_corners_is_refused_without_storing_its_shape(
    send, refused, database, coordinator, tmp_path
):
    corners = [(-1.66 + i * 1e-7, 53.8 + (i % 2) * 1e-8) for i in range(99_997)]
    ring = shapely.Polygon([*corners, (-1.655, 53.81)])
    ward = {"kind": "warrd", "code": "E05000001", "name": "Mill", "vintage": "2023"}
    outcome = send(geojson(tmp_path / "a.geojson", [(ward, ring)]), "boundaries")
    with database.session(coordinator, Action.CONSULT_IMPORTS) as session:
        (refusal,) = list_refusals(session, outcome.batch_id)
    assert sum(map(len, refusal.cells)) < 100
    assert "more corners than a cell of a table can hold" in refusal.message
    assert len(refused(outcome)) < 1000
