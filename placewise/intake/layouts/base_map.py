"""Boundaries, streets and features of the base map, from GeoJSON or GeoPackage."""

from __future__ import annotations

from typing import Any

import numpy as np

from placewise.intake.batch import Target
from placewise.intake.cells import Code, Text, Whole
from placewise.intake.geometry import Shapes, multi, require_kinds, wkb
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.table import Table

_NAME = Text(longest=200)


def _shapes(table: Table) -> Shapes:
    return np.full(table.size, None, dtype=object) if table.shapes is None else table.shapes


def _boundaries(table: Table) -> dict[str, Any]:
    require_kinds(table, ("Polygon", "MultiPolygon"), "A boundary is an area. Export the polygons.")
    shapes = multi(_shapes(table), "MultiPolygon")
    counted, dated = table.filled("residents"), table.filled("residents_year")
    table.refuse(
        counted & ~dated,
        "residents_year",
        "residents-without-year",
        "Say of which year the residents are, for example 2021.",
    )
    table.refuse(
        dated & ~counted,
        "residents",
        "year-without-residents",
        "There is a year of residents but no residents. Give both, or leave both empty.",
    )
    columns = ("kind", "code", "name", "vintage", "residents", "residents_year")
    return {
        **{name: table.column(name) for name in columns},
        "geometry": wkb(shapes),
    }


def _streets(table: Table) -> dict[str, Any]:
    require_kinds(table, ("LineString", "MultiLineString"), "A street is a line. Export the centre lines.")
    shapes = multi(_shapes(table), "MultiLineString")
    street_class = table.column("street_class", "minor")
    return {"name": table.column("name"), "street_class": street_class, "geometry": wkb(shapes)}


def _features(table: Table) -> dict[str, Any]:
    return {"kind": table.column("kind"), "name": table.column("name", ""), "geometry": wkb(_shapes(table))}


BOUNDARIES = Layout(
    name="boundaries",
    title="Boundaries",
    gloss="Wards, LSOAs, MSOAs and local authorities, as areas.",
    target=Target.BOUNDARIES,
    columns=(
        Column("kind", Code("boundary_kind"), Need.VALUE),
        Column("code", Text(longest=20), Need.VALUE, gloss="GSS code, for example E05000475"),
        Column("name", _NAME, Need.VALUE),
        Column("vintage", Whole(1900, 2100), Need.VALUE, gloss="year the boundary came into force"),
        Column(
            "residents",
            Whole(0, 100_000_000),
            aliases=("population", "usual_residents"),
            gloss="who live there, for rates; best for LSOAs. A boundary held without gets them when it is sent again",
        ),
        Column(
            "residents_year",
            Whole(1900, 2100),
            aliases=("population_year",),
            gloss="year they were counted or estimated; needed with residents",
        ),
    ),
    assemble=_boundaries,
    identity=("kind", "code", "vintage"),
    identity_source=False,
    geometry="required",
    repair=True,
)
STREETS = Layout(
    name="streets",
    title="Streets",
    gloss="Street centre lines for the base map.",
    target=Target.STREETS,
    columns=(
        Column("name", _NAME, Need.VALUE),
        Column("street_class", Code("street_class"), gloss="minor when empty"),
    ),
    assemble=_streets,
    geometry="required",
    repair=True,
)
FEATURES = Layout(
    name="features",
    title="Features",
    gloss="Parks, water, stations, schools and shops for the base map.",
    target=Target.FEATURES,
    columns=(Column("kind", Code("feature_kind"), Need.VALUE), Column("name", _NAME)),
    assemble=_features,
    geometry="required",
    repair=True,
)
