"""Shapes as text: the same to the last bit when they come back, and nothing else gets in."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import FileRefused
from placewise.intake.readers.wkb import BadGeometry, from_wkb
from placewise.intake.wkt import from_wkt, to_wkt

SHAPES = [
    shapely.Point(-0.1276, 51.5072),
    shapely.LineString([(0, 0), (1.5, 1e-9), (2, 1e22)]),
    shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 0)], [[(1, 0.5), (2, 0.5), (2, 1), (1, 0.5)]]),
    shapely.MultiPoint([(0, 0), (1, 1)]),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, max_value=1e300, min_value=-1e300)


def plain(shape: shapely.Geometry) -> str:
    text = from_wkb(shapely.to_wkb(shape), 1000)
    assert text is not None
    return text


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.geom_type)
def test_a_shape_comes_back_to_the_last_bit_and_others_can_read_it(shape: shapely.Geometry) -> None:
    text = to_wkt(plain(shape), "EPSG:27700")
    assert from_wkt(text, 1000) == ("EPSG:27700", plain(shape))
    assert shapely.from_wkt(text.removeprefix("SRID=27700;")) == shape


@given(NUMBERS, NUMBERS)
def test_every_number_comes_back_to_the_last_bit(x: float, y: float) -> None:
    shape = plain(shapely.Point(x, y))
    assert from_wkt(to_wkt(shape, "EPSG:4326"), 1000) == ("EPSG:4326", shape)


@pytest.mark.parametrize(
    "text",
    [
        " srid=27700 ; point(1 2) ",
        "SRID=27700;Point (1 2 9)",
        "SRID=27700;POINT (1.0 2e0)",
    ],
)
def test_what_a_person_writes_is_read(text: str) -> None:
    assert from_wkt(text, 1000) == ("EPSG:27700", plain(shapely.Point(1, 2)))


@pytest.mark.parametrize("body", ["(1 1, 2 2)", "((1 1), (2 2))"])
def test_both_ways_to_write_several_points_are_read(body: str) -> None:
    points = shapely.MultiPoint([(1, 1), (2, 2)])
    assert from_wkt(f"SRID=4326;MULTIPOINT {body}", 1000) == ("EPSG:4326", plain(points))


def test_an_empty_shape_is_none() -> None:
    assert from_wkt("SRID=4326;POLYGON EMPTY", 1000) == ("EPSG:4326", None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("POINT (1 2)", "invalid-geometry"),
        ("see map", "invalid-geometry"),
        ("SRID=4326;POINT (1)", "invalid-geometry"),
        ("SRID=4326;POINT (1 2, 3 4)", "invalid-geometry"),
        ("SRID=4326;POINT ()", "invalid-geometry"),
        ("SRID=4326;POINT (1 e)", "invalid-geometry"),
        ("SRID=4326;POLYGON ((0 0, 1 1, 2 2, 0 1))", "invalid-geometry"),
        ("SRID=4326;POLYGON ((0 0, 1 1, 2 2, 0 0)", "invalid-geometry"),
        ("SRID=4326;LINESTRING ((0 0, 1 1))", "invalid-geometry"),
        (f"SRID=4326;POLYGON {'(' * 15_000}{')' * 15_000}", "invalid-geometry"),
        ("SRID=4326;POINT (1e999 2)", "not-a-number"),
        ("SRID=4326;GEOMETRYCOLLECTION (1 2)", "geometry-type"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(BadGeometry) as refused:
        from_wkt(text, 1000)
    assert refused.value.code == code


@given(
    st.text("SRID=4326;POLYGNTEM ()-.,0123456789e", max_size=60), st.sampled_from(["", "SRID=4326;POLYGON"])
)
def test_any_text_is_a_plain_shape_or_a_refusal(text: str, front: str) -> None:
    try:
        _, shape = from_wkt(front + text, 1000)
    except BadGeometry:
        return
    assert shape is None or shapely.from_wkb(shape) is not None


def test_more_vertices_than_are_read_refuse_the_file() -> None:
    line = plain(shapely.LineString([(i, i) for i in range(20)]))
    with pytest.raises(FileRefused) as refused:
        from_wkt(to_wkt(line, "EPSG:27700"), 10)
    assert refused.value.code == "too-complex"
