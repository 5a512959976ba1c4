"""Columns that several templates share: location and evidence."""

from __future__ import annotations

from placewise.intake.cells import Code, Number, Text
from placewise.intake.layouts.layout import Column

REF = Text(longest=200)
NOTE = Text()

LOCATION = (
    Column("easting", Number(), gloss="British National Grid, metres (or give longitude and latitude)"),
    Column("northing", Number()),
    Column("longitude", Number(), aliases=("lon", "long", "lng"), gloss="WGS84, degrees"),
    Column("latitude", Number(), aliases=("lat",)),
    Column("accuracy", Code("accuracy"), gloss="how precisely the place is known"),
    Column("radius_m", Number(), gloss="metres, when it differs from what the accuracy means"),
    Column("area_code", Text(longest=20), gloss="ward, LSOA or MSOA code, when only the area is known"),
)
EVIDENCE = (
    Column("source_grade", Code("source_grade"), gloss="3x5x2: source"),
    Column("assessment", Code("assessment"), gloss="3x5x2: information"),
    Column("handling", Code("handling"), gloss="3x5x2: handling; P when empty"),
    Column("handling_conditions", NOTE, gloss="needed when handling is C"),
    Column("basis", Code("basis")),
)
