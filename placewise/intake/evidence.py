"""Grading, basis and location of evidence: the columns every partner template shares, checked together."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.core.vocabulary import radius_m
from placewise.intake.coordinates import coarse, locate
from placewise.intake.table import Floats, Table

#: What an area's code says of its kind: GSS prefixes of wards, LSOAs, MSOAs and local authorities.
_AREA_ACCURACY = {
    **dict.fromkeys(("E05", "W05", "S13"), "ward"),
    **dict.fromkeys(("E01", "E02", "W01", "W02", "S01", "S02"), "neighbourhood"),
    **dict.fromkeys(("E06", "E07", "E08", "E09", "W06", "S12"), "borough"),
}


def evidence(table: Table) -> dict[str, Any]:
    """3x5x2 grading, handling conditions and basis; ``handling`` is P unless the file says C."""
    handling = table.column("handling", "P")
    conditions = table.column("handling_conditions")
    table.refuse(
        [
            i
            for i, (code, words) in enumerate(zip(handling, conditions, strict=True))
            if code == "C" and not words
        ],
        "handling_conditions",
        "conditions-missing",
        "Handling C means sharing with conditions. Write the conditions.",
    )
    return {
        "source_grade": [int(code) if code else None for code in table.column("source_grade")],
        "assessment": table.column("assessment"),
        "handling": handling,
        "handling_conditions": conditions,
        "basis": table.column("basis"),
    }


def location(
    table: Table, *, at: tuple[Floats, Floats] | None = None, unstated: str = "postcode"
) -> dict[str, Any]:
    """Position (or the one given), accuracy, radius and area code of each record.

    A position whose accuracy nobody states is ``unstated``: by default the vaguest that is still placed.
    """
    if at is not None:
        x, y = at
    else:
        x, y = or_columns(table, *point_positions(table))
    areas = table.column("area_code")
    note_areas(table, areas)
    accuracy = _accuracy(table, x, areas, unstated)
    radius = _radius(table, accuracy)
    return {"x": x, "y": y, "accuracy": accuracy, "radius_m": radius, "area_code": areas}


def point_positions(table: Table) -> tuple[Floats, Floats]:
    """Coordinates of the batch's own geometries, which must be points."""
    x, y = np.full(table.size, np.nan), np.full(table.size, np.nan)
    shapes = table.shapes if table.shapes is not None else ()
    for index, shape in enumerate(shapes):
        if shape is None:
            continue
        if shape.geom_type == "Point":
            x[index], y[index] = shape.x, shape.y
        else:
            table.refuse(
                [index], "geometry", "geometry-type", "An event needs a point, not a line or an area."
            )
    return x, y


def or_columns(table: Table, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Positions of the shapes there are, and from the columns of the rows without one."""
    if table.shapes is None:
        return locate(table)
    without = shapely.is_missing(table.shapes)
    if not without.any():
        return x, y
    own_x, own_y = locate(table, among=without & table.sound())
    return np.where(without, own_x, x), np.where(without, own_y, y)


def point_of(shapes: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Coordinates of a point within each geometry; NaN where there is none."""
    points = shapely.point_on_surface(shapes)
    return shapely.get_x(points), shapely.get_y(points)


def note_areas(table: Table, areas: list[str | None]) -> None:
    """Count area codes that are not among the boundaries held, for the summary."""
    known = table.run.context.known_areas
    distinct = {area for area in set(areas) if area}
    table.run.seen["areas"] |= distinct
    if known is None:
        return
    strange = distinct - known
    table.run.seen["unknown areas"] |= strange
    if strange:
        table.run.tallies["unknown-area"] += sum(area in strange for area in areas)


def _accuracy(table: Table, x: Floats, areas: list[str | None], unstated: str) -> list[str]:
    stated = table.column("accuracy")
    placed = np.isfinite(x).tolist()
    result = [
        code or (unstated if point else _AREA_ACCURACY.get((area or "")[:3], "none"))
        for code, point, area in zip(stated, placed, areas, strict=True)
    ]
    table.run.tallies["accuracy-unstated"] += sum(
        not code and point for code, point in zip(stated, placed, strict=True)
    )
    table.refuse(
        [i for i, (code, point) in enumerate(zip(stated, placed, strict=True)) if code == "none" and point],
        "accuracy",
        "accuracy-none",
        "The accuracy says there is no location, yet there is one. Say how accurate it is.",
    )
    for index, vague in rough_degrees(table).items():
        result[index] = vague
    return result


def rough_degrees(table: Table) -> dict[int, str]:
    """Accuracy of rows whose degrees have two decimal places (a kilometre) or one (eleven); they are counted."""
    lon, lat = table.floats("longitude"), table.floats("latitude")
    rough: dict[int, str] = {}
    for places, vague in ((2, "neighbourhood"), (1, "borough")):
        rough |= dict.fromkeys(np.flatnonzero(coarse(lon, lat, places=places)).tolist(), vague)
    table.run.tallies["low-precision"] += len(rough)
    return rough


def _radius(table: Table, accuracy: list[str]) -> Floats:
    by_code = {code: radius_m(code) for code in set(accuracy)}
    usual = np.array([by_code[code] for code in accuracy], dtype=np.float64)
    stated = table.floats("radius_m")
    table.refuse(stated <= 0, "radius_m", "out-of-range", "A radius is more than 0 metres.")
    # A stated radius may widen what the word means; precision beyond the word would be false.
    return np.where(np.isfinite(stated) & (stated > 0) & np.isfinite(usual), stated, usual)
