"""The three areas of a plan as drawings: the ground round the place, and the borough with what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely

from placewise.panel.before_after_plan import Grounds, Site
from placewise.store.places import Extract, find_extract
from placewise.store.session import Session

#: Ground shown beyond the ring, as a share of the picture.
MARGIN = 1.08
#: Corners that move a line of the borough by less than this share of its width are left out.
SMALLEST = 0.002


@dataclass(frozen=True, slots=True)
class Overview:
    """A whole partnership's ground: its box (left, top, width, height; metres, y downwards) and areas as path data."""

    box: tuple[float, float, float, float]
    areas: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """``near``: streets round the place; ``areas``: target and ring upon it, as path data; ``overview``: everything."""

    near: Extract | None
    areas: Sequence[tuple[str, str]]
    overview: Overview


def draw(session: Session, site: Site, grounds: Grounds) -> Picture:
    """Read the streets round the place and outline the areas."""
    left, bottom, right, top = shapely.bounds(shapely.union_all([grounds.target, grounds.ring])).tolist()
    half = MARGIN * max(right - left, top - bottom) / 2
    return Picture(
        find_extract(session, site.place.place_id, least_half_m=half),
        [("ring", path_of(grounds.ring)), ("target", path_of(grounds.target))],
        _overview(site, grounds),
    )


def _overview(site: Site, grounds: Grounds) -> Overview:
    shapes = [grounds.target, grounds.ring, grounds.comparison]
    left, bottom, right, top = shapely.bounds(
        shapely.union_all([*shapes, *([site.borough] if site.borough is not None else [])])
    ).tolist()
    tolerance = SMALLEST * max(right - left, top - bottom)
    looks = [("borough", site.borough), ("comparison", grounds.comparison)]
    looks += [
        *(("ward", shape) for shape in site.wards.shapes),
        ("ring", grounds.ring),
        ("target", grounds.target),
    ]
    drawn = [
        (look, path_of(shapely.simplify(shape, tolerance))) for look, shape in looks if shape is not None
    ]
    return Overview((left, -top, right - left, top - bottom), drawn)


def path_of(shape: shapely.Geometry) -> str:
    """Path data of polygons, to the metre, y downwards.

    >>> path_of(shapely.box(0, 0, 2, 1))
    'M2 0L2 -1L0 -1L0 0Z'
    """
    rings: list[str] = []
    for part in shapely.get_parts(shape):
        if shapely.get_dimensions(part) == 2:
            lines = [shapely.get_exterior_ring(part)]
            lines += [shapely.get_interior_ring(part, n) for n in range(shapely.get_num_interior_rings(part))]
            for line in lines:
                corners = shapely.get_coordinates(line)[:-1].round().astype(int).tolist()
                rings.append("M" + "L".join(f"{x} {-y}" for x, y in corners) + "Z")
    return "".join(rings)
