"""Geometries that came with a file: sound, in Great Britain, in metres of the National Grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.intake.coordinates import check_grid, degrees_to_grid
from placewise.intake.table import Table
from placewise.store.osgb import exchanged, geometries_from_mercator, geometries_to_grid

Shapes = NDArray[np.object_]

#: Coordinate systems that are read; any other is asked about.
KNOWN_CRS = ("EPSG:4326", "EPSG:27700", "EPSG:3857")
_KINDS = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})


def take_shapes(table: Table, hexes: list[str | None], crs: str, *, required: bool, repair: bool) -> None:
    """Set ``table.shapes`` from a batch's WKB; faults for those that cannot be used.

    Parameters
    ----------
    table : Table
        Batch.
    hexes : list of str or None
        WKB as hexadecimal text, already rewritten by the reader.
    crs : str
        One of ``KNOWN_CRS``.
    required : bool
        Whether a row without a geometry is refused.
    repair : bool
        Whether a shape that crosses itself is mended (and counted aloud) instead of refused: for open
        boundaries, where a missing one would leave a hole, never for a partner's own drawing.
    """
    shapes: Shapes = shapely.from_wkb(np.array(hexes, dtype=object), on_invalid="ignore")
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if required:
        table.refuse(
            empty & table.sound(), "geometry", "no-geometry", "The feature has no geometry. Draw it."
        )
    shapes[empty] = None
    if crs == "EPSG:3857":
        shapes = geometries_from_mercator(shapes)
    shapes = _on_grid(table, shapes, degrees=crs != "EPSG:27700")
    table.shapes = _valid(table, shapes, repair=repair)


def multi(shapes: Shapes, kind: str) -> Shapes:
    """Single parts as collections of one: what a MultiPolygon or MultiLineString column takes."""
    part = kind.removeprefix("Multi")
    build: Any = shapely.multipolygons if part == "Polygon" else shapely.multilinestrings
    return np.array(
        [build([shape]) if shape is not None and shape.geom_type == part else shape for shape in shapes],
        dtype=object,
    )


def wkb(shapes: Shapes) -> list[bytes | None]:
    """WKB bytes of each geometry; None where there is none."""
    result: list[bytes | None] = list(shapely.to_wkb(shapes, output_dimension=2))
    return result


def require_kinds(table: Table, kinds: tuple[str, ...], message: str) -> None:
    """Refuse rows whose geometry is of another kind."""
    for index, shape in enumerate(table.shapes if table.shapes is not None else ()):
        if shape is not None and shape.geom_type not in kinds:
            table.refuse([index], "geometry", "geometry-type", message)


def _on_grid(table: Table, shapes: Shapes, *, degrees: bool) -> Shapes:
    """Check one corner of each box (a whole shape is where its corner is), then transform every vertex."""
    swap = table.run.context.answers.get("lonlat-swapped") == "swap" and degrees
    if swap:
        shapes = exchanged(shapes)
    corners = shapely.bounds(shapes)
    check = degrees_to_grid if degrees else check_grid
    left, bottom = (corners[:, 1], corners[:, 0]) if swap else (corners[:, 0], corners[:, 1])
    x, _ = check(table, left, bottom, column="geometry")
    outside = np.isnan(x)
    shapes = shapes.copy()
    shapes[outside] = None
    as_grid = table.run.context.answers.get("crs") == "EPSG:27700"
    return geometries_to_grid(shapes) if degrees and not as_grid else shapes


def _valid(table: Table, shapes: Shapes, *, repair: bool) -> Shapes:
    missing = shapely.is_missing(shapes)
    lost = ~missing & ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    table.refuse(lost, "geometry", "outside-area", "Part of the shape lies outside Great Britain.")
    broken = ~missing & ~lost & ~shapely.is_valid(shapes)
    if repair and broken.any():
        shapes[broken] = shapely.make_valid(shapes[broken], method="structure")
        table.run.tallies["geometry-repaired"] += int(broken.sum())
    elif broken.any():
        table.refuse(
            broken,
            "geometry",
            "invalid-geometry",
            "The shape crosses itself. Mend it in QGIS and send again.",
        )
    shapes[lost | (broken & (not repair))] = None
    kinds = {None, *_KINDS}
    odd = np.array([shape is not None and shape.geom_type not in kinds for shape in shapes], dtype=bool)
    table.refuse(odd, "geometry", "geometry-type", "Only points, lines and areas are read, not mixtures.")
    shapes[odd] = None
    return shapes
