"""People who live in areas, shared out over cells that cut across them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from placewise.geo.crs import Floats, require_counts
from placewise.geo.spread import cell_shares


def residents_per_cell(
    areas: gpd.GeoSeries,
    residents: ArrayLike,
    cells: NDArray[np.object_],
    *,
    water: NDArray[np.object_] | None = None,
) -> Floats:
    """Share the residents of each area out over the cells it touches, by area of land.

    It supposes that people live evenly over an area's land, which they do not: a park in it gets residents, a tower
    too few. The smaller the areas beside the cells, the less that matters.

    Parameters
    ----------
    areas : GeoSeries of polygons, EPSG:27700
        They must not overlap. Not modified.
    residents : array_like of float >= 0, shape (areas,)
    cells : ndarray of shapely polygons, shape (k,)
        Metres, EPSG:27700; they must not overlap.
    water : ndarray of shapely polygons, EPSG:27700, optional
        Where nobody lives. An area that is all water keeps its residents all the same.

    Returns
    -------
    ndarray of float64, shape (k,)
        Residents that lie in no cell are missing from the sum.

    Raises
    ------
    WrongCRS, MissingValue, TooFewRecords
        As for `spread.cell_shares`; a number of residents is missing or negative.

    Notes
    -----
    Areal weighting: Goodchild and Lam 1980 (areal interpolation). Time as for `spread.cell_shares`.

    Examples
    --------
    >>> area = gpd.GeoSeries([shapely.box(540000, 180000, 540200, 180100)], crs="EPSG:27700")
    >>> cells = shapely.box([540000, 540150], 180000, [540150, 540300], 180100)
    >>> residents_per_cell(area, [1200], cells).tolist()
    [900.0, 300.0]
    """
    living = require_counts(residents, what="residents")
    if living.size != len(areas):
        raise ValueError(f"{living.size} numbers of residents for {len(areas)} areas")
    shares = cell_shares(_land_of(areas, water), cells)
    shared: Floats = np.zeros(len(cells))
    np.add.at(shared, shares.cell, living[shares.area] * shares.share)
    return shared


def _land_of(areas: gpd.GeoSeries, water: NDArray[np.object_] | None) -> gpd.GeoSeries:
    if water is None or not len(water):
        return areas
    shapes = areas.geometry.to_numpy()
    dry = shapely.difference(shapes, shapely.union_all(water))
    return gpd.GeoSeries(np.where(shapely.area(dry) > 0, dry, shapes), crs=areas.crs)
