"""Colour bands: a density surface as polygons that can be drawn."""

from __future__ import annotations

from typing import Literal

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import TooFewRecords
from placewise.geo.crs import BRITISH_NATIONAL_GRID, Flags, Floats, Integers
from placewise.geo.density import DensitySurface, SquareGrid

LevelRule = Literal["equal", "quantile"]


def band_levels(surface: DensitySurface, *, n_bands: int = 5, rule: LevelRule = "equal") -> Floats:
    """Choose the lower edges of colour bands, ascending, in records per km².

    Parameters
    ----------
    rule : {"equal", "quantile"}
        ``"equal"``: steps of peak / ``n_bands``, beginning one step above nought, so that the nearly empty
        part is left uncoloured (``n_bands - 1`` bands). ``"quantile"``: equal numbers of non-empty cells,
        ``n_bands`` bands; top bands then always exist, even in noise.

    Raises
    ------
    TooFewRecords
        The surface is nought or NaN everywhere.
    """
    filled = surface.values[surface.values > 0]
    if not filled.size:
        raise TooFewRecords("There are no records on the map to draw bands for.")
    if rule == "equal":
        return np.asarray(filled.max() * np.arange(1, n_bands) / n_bands, dtype=np.float64)
    return np.asarray(np.unique(np.quantile(filled, np.arange(n_bands) / n_bands)), dtype=np.float64)


def density_bands(surface: DensitySurface, *, levels: ArrayLike) -> gpd.GeoDataFrame:
    """Turn a surface into polygons for drawing, one a band, made of whole grid cells.

    The outlines step along the grid on purpose: a smooth line would claim a precision the cells lack.

    Parameters
    ----------
    levels : array_like of shape (m,)
        Lower edges, ascending and above nought; values below the first are not drawn.

    Returns
    -------
    GeoDataFrame, EPSG:27700
        Columns ``band`` (0 lowest), ``from_per_km2``, ``to_per_km2`` (infinite for the last),
        ``geometry``; bands no cell falls in are absent.

    Examples
    --------
    >>> grid = SquareGrid(540000.0, 180000.0, 100.0, rows=1, columns=3)
    >>> surface = DensitySurface(np.array([[1.0, 5.0, 9.0]]), grid, 100.0, "quartic", 3, 0)
    >>> bands = density_bands(surface, levels=[4, 8])
    >>> bands["band"].tolist(), bands.area.tolist()
    ([0, 1], [10000.0, 10000.0])
    """
    edges = np.asarray(levels, dtype=np.float64)
    if not edges.size or edges[0] <= 0 or np.any(np.diff(edges) <= 0):
        raise ValueError("levels must be above nought and ascending")
    band = np.digitize(np.nan_to_num(surface.values, nan=-1.0), edges) - 1
    faces, face_band = _faces(band, surface.grid)
    present = [int(b) for b in np.unique(face_band) if b >= 0]
    return gpd.GeoDataFrame(
        {
            "band": present,
            "from_per_km2": edges[present],
            "to_per_km2": np.append(edges[1:], np.inf)[present],
        },
        geometry=[shapely.multipolygons(faces[face_band == b]) for b in present],
        crs=BRITISH_NATIONAL_GRID,
    )


def _faces(band: Integers, grid: SquareGrid) -> tuple[NDArray[np.object_], Integers]:
    """Trace the outlines between bands once and return every face with its band.

    Much cheaper than merging cells: the work grows with the length of the outlines, not with the area.
    """
    framed = np.pad(band, 1, constant_values=-1)
    level = framed[1:, 1:-1] != framed[:-1, 1:-1]  # outline runs along x below this row
    upright = framed[1:-1, 1:] != framed[1:-1, :-1]  # outline runs along y left of this column
    # Lines must be cut wherever one of the other direction meets them.
    crossed = np.pad(upright, ((1, 1), (0, 0)))
    crossed = crossed[1:] | crossed[:-1]
    met = np.pad(level, ((0, 0), (1, 1)))
    met = met[:, 1:] | met[:, :-1]
    row, first, last = _runs(level, crossed)
    column, bottom, top = _runs(upright.T, met.T)
    ends = np.concatenate(
        [np.stack([first, row, last, row]), np.stack([column, bottom, column, top])], axis=1
    )
    corners = ends.T.reshape(-1, 2, 2) * grid.cell_m + [grid.x_min_m, grid.y_min_m]
    lines = np.asarray(shapely.linestrings(corners), dtype=np.object_)
    faces = shapely.get_parts(shapely.polygonize(lines))
    inner = shapely.point_on_surface(faces)
    across = np.floor((shapely.get_x(inner) - grid.x_min_m) / grid.cell_m).astype(np.int64)
    along = np.floor((shapely.get_y(inner) - grid.y_min_m) / grid.cell_m).astype(np.int64)
    return faces, band[along, across]


def _runs(line: Flags, cut: Flags) -> tuple[Integers, Integers, Integers]:
    """Return row, first and last corner of each unbroken stretch of a row of unit edges.

    ``line`` has shape (rows, n), ``cut`` (rows, n + 1): whether a stretch must end at that corner.
    """
    padded = np.pad(line, ((0, 0), (1, 1)))
    after, before = padded[:, 1:], padded[:, :-1]
    row, first = np.nonzero(after & (cut | ~before))
    last = np.nonzero(before & (cut | ~after))[1]
    return row, first, last
