"""Between longitude and latitude and the British National Grid, to the centimetre.

The transformation is OSTN15, Ordnance Survey's definition of the National Grid, from the grid that
``convertbng`` carries. The PROJ of pyproj, PostGIS and GDAL as installed has no OSTN15 file and falls back,
silently, to a Helmert shift that is about 2 m off; nothing in Placewise transforms with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import shapely
from convertbng import cutil
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
_Pair: TypeAlias = tuple[Floats, Floats]

_EARTH_RADIUS_M = 6_378_137.0  # of Web Mercator's sphere, EPSG:3857


def to_grid(lon: ArrayLike, lat: ArrayLike) -> _Pair:
    """Eastings and northings (EPSG:27700, metres) of longitudes and latitudes.

    WGS84 is taken as ETRS89: the two differ by under a metre in Great Britain, which GPS positions and
    street data do not resolve. Against Ordnance Survey's published test points the error is under 1 mm.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees (EPSG:4326). Not modified.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
        NaN for both where either input is NaN or the point lies outside the area that OSTN15 covers.

    Examples
    --------
    >>> x, y = to_grid([-1.66379168242], [53.8002151963])
    >>> round(float(x[0]), 3), round(float(y[0]), 3)
    (422242.186, 433818.701)
    """
    return _both(cutil.convert_bng, lon, lat)


def to_lonlat(x: ArrayLike, y: ArrayLike) -> _Pair:
    """Longitudes and latitudes (EPSG:4326, degrees) of National Grid coordinates; undoes ``to_grid``.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.

    Returns
    -------
    lon, lat : ndarray of float64, shape (n,)
        NaN for both outside the area that OSTN15 covers. There and back agree to under 1 mm.
    """
    return _both(cutil.convert_lonlat, x, y)


def mercator_to_lonlat(x: ArrayLike, y: ArrayLike) -> _Pair:
    """Longitudes and latitudes (degrees) of Web Mercator coordinates (EPSG:3857, metres)."""
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    lat = 2 * np.arctan(np.exp(ys / _EARTH_RADIUS_M)) - np.pi / 2
    return np.degrees(xs / _EARTH_RADIUS_M), np.degrees(lat)


def geometries_from_mercator(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapely geometries in EPSG:4326 from ones in EPSG:3857."""
    return _transformed(geometries, mercator_to_lonlat)


def exchanged(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapely geometries with the two coordinates of every vertex exchanged."""
    return _transformed(geometries, lambda first, second: (second, first))


def geometries_to_grid(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapely geometries in EPSG:27700 from ones in EPSG:4326; NaN vertices where OSTN15 does not reach."""
    return _transformed(geometries, to_grid)


def geometries_to_lonlat(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapely geometries in EPSG:4326 from ones in EPSG:27700."""
    return _transformed(geometries, to_lonlat)


def _transformed(geometries: NDArray[np.object_], transform: Any) -> NDArray[np.object_]:
    shapes: Any = geometries
    result: NDArray[np.object_] = shapely.transform(shapes, transform, interleaved=False)
    return result


def _both(convert: Callable[[Floats, Floats], _Pair], first: ArrayLike, second: ArrayLike) -> _Pair:
    a = np.ascontiguousarray(first, dtype=np.float64)
    b = np.ascontiguousarray(second, dtype=np.float64)
    if not a.size:
        return a.copy(), b.copy()
    left, right = convert(a, b)
    gap = np.isnan(left) | np.isnan(right)
    return np.where(gap, np.nan, left), np.where(gap, np.nan, right)
