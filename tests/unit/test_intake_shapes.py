"""Places and boundaries that come with their own shapes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from placewise.core.errors import FileRefused, QuestionsOpen
from placewise.intake.batch import CheckedBatch
from placewise.intake.engine import read_and_check
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.intake.run import Context

ROOT = Path(__file__).parents[2]
BOUNDARIES = ROOT.parent / "shared" / "data" / "boundaries"
INCIDENT = {"local_ref": "A", "kind": "incident", "occurred_from": "14/05/2026", "relation": "harm_there"}


def context(**answers: str) -> Context:
    known = {key.replace("_", "-"): value for key, value in answers.items()}
    return Context("police", datetime(2026, 5, 20, tzinfo=UTC), answers=known)


def one(path: Path, layout: str, known: Context | None = None) -> CheckedBatch:
    (batch,) = read_and_check(path, get_layout(layout), context=known or context(), limits=UPLOAD_LIMITS)
    return batch


def codes(batch: CheckedBatch) -> list[tuple[int, str, str]]:
    return [(refusal.row, refusal.column, refusal.code) for refusal in batch.refusals]


def geojson(path: Path, geometries: Iterable[Any], **members: Any) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"local_ref": f"P{i}", "name": "A", "location_type": "park"},
            "geometry": g,
        }
        for i, g in enumerate(geometries)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return path


def test_places_come_with_their_own_shapes(tmp_path: Path) -> None:
    ring = [[-1.66, 53.80], [-1.65, 53.80], [-1.65, 53.81], [-1.66, 53.80]]
    bow = [[-1.66, 53.80], [-1.65, 53.81], [-1.65, 53.80], [-1.66, 53.81], [-1.66, 53.80]]
    shapes = [{"type": "Polygon", "coordinates": [ring]}, {"type": "Polygon", "coordinates": [bow]}]
    batch = one(geojson(tmp_path / "x.geojson", shapes), "places")
    assert codes(batch) == [(2, "geometry", "invalid-geometry")]
    shape = shapely.from_wkb(batch.columns["geometry"][0])
    assert shape.is_valid
    assert shape.area == pytest.approx(366_000, rel=0.01)
    assert shape.contains(shapely.Point(batch.columns["x"][0], batch.columns["y"][0]))


def test_swapped_shapes_are_asked_about_and_read_when_answered(tmp_path: Path) -> None:
    file = geojson(tmp_path / "x.geojson", [{"type": "Point", "coordinates": [53.8, -1.66]}])
    with pytest.raises(QuestionsOpen):
        one(file, "places")
    batch = one(file, "places", context(lonlat_swapped="swap"))
    assert batch.columns["x"][0] == pytest.approx(422_491, abs=5)


def test_a_web_mercator_or_grid_crs_member_is_read_as_it_says(tmp_path: Path) -> None:
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    batch = one(
        geojson(tmp_path / "x.geojson", [{"type": "Point", "coordinates": [422242, 433818]}], crs=named),
        "places",
    )
    assert batch.columns["x"][0] == 422242


def test_an_event_cannot_be_an_area(tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": INCIDENT,
        "geometry": {"type": "LineString", "coordinates": [[-1.66, 53.8], [-1.65, 53.8]]},
    }
    file = tmp_path / "x.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert codes(one(file, "incidents")) == [(1, "geometry", "geometry-type")]


def test_a_table_layout_refuses_a_map_file(tmp_path: Path) -> None:
    file = geojson(tmp_path / "x.geojson", [{"type": "Point", "coordinates": [-1.66, 53.8]}])
    with pytest.raises(FileRefused):
        one(file, "links")


@pytest.mark.skipif(not BOUNDARIES.is_dir(), reason="real data not present")
def test_real_boundaries_are_taken_whole_and_mending_is_said(tmp_path: Path) -> None:
    source = json.loads((BOUNDARIES / "lsoa2011_E08000035.geojson").read_text())
    for number, feature in enumerate(source["features"]):
        feature["properties"] = {"kind": "lsoa", "code": f"X{number:05}", "name": "A", "vintage": 2011}
    file = tmp_path / "lsoa.geojson"
    file.write_text(json.dumps(source))
    checking = read_and_check(file, get_layout("boundaries"), context=context(), limits=UPLOAD_LIMITS)
    shapes = [shapely.from_wkb(blob) for batch in checking for blob in batch.columns["geometry"]]
    assert len(shapes) == len(source["features"])
    assert {shape.geom_type for shape in shapes} == {"MultiPolygon"}
    assert all(shape.is_valid for shape in shapes)
    assert sum(shape.area for shape in shapes) == pytest.approx(552e6, rel=0.01)
    assert any(finding.code == "geometry-repaired" for finding in checking.findings)
