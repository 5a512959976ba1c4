"""Who lives where: residents of areas as they are held, and of any other shapes by their share of the land."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.geo.residents import residents_per_cell
from placewise.store.geography import ResidentAreas, grid_shapes, list_residents, list_water
from placewise.store.session import Session

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

#: The smaller the areas, the better they fit a cell; with what a page calls them.
FINEST_FIRST = {"lsoa": "LSOA", "msoa": "MSOA", "ward": "ward"}


@dataclass(frozen=True, slots=True)
class Peopled:
    """Residents of the finest areas that have them, of the wards where they have their own, and the water.

    Attributes
    ----------
    areas : ResidentAreas
    wards : ResidentAreas or None
    water : ndarray of shapely geometries
        EPSG:27700; nobody lives there.
    """

    areas: ResidentAreas
    wards: ResidentAreas | None
    water: Geometries = field(repr=False)

    @property
    def words(self) -> str:
        """What a rate is held against, with its year and source: ``residents of 2021 by LSOA, …``."""
        return f"{of_year(self.areas)}, shared out by area of land"

    def within(self, shapes: Geometries) -> Floats:
        """Residents of each shape (EPSG:27700) to the nearest whole one, by its share of the land of each area."""
        areas = grid_shapes(self.areas.shapes)
        return np.rint(residents_per_cell(areas, self.areas.residents, shapes, water=self.water))


def of_year(areas: ResidentAreas) -> str:
    """Residents named with their year and source: ``residents of 2021 by LSOA``."""
    return f"residents of {areas.year} by {FINEST_FIRST[areas.kind]}"


def read_peopled(session: Session) -> Peopled | None:
    """Residents as they are held; None where no area has any."""
    for kind in FINEST_FIRST:
        areas = list_residents(session, kind)
        if areas is not None:
            return Peopled(areas, list_residents(session, "ward"), list_water(session))
    return None


def area_at(shapes: Geometries, x: Floats, y: Floats) -> NDArray[np.int64]:
    """Position of the first shape that each point lies in or on, -1 for none."""
    at = np.full(x.size, len(shapes), dtype=np.int64)
    if len(shapes) and x.size:
        # Few shapes with many points each: a shape is prepared once, which takes a quarter to a half of the time.
        shape, point = shapely.STRtree(np.asarray(shapely.points(x, y))).query(shapes, predicate="intersects")
        np.minimum.at(at, point, shape)
    return np.where(at == len(shapes), -1, at)
