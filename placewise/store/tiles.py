"""The base map as vector tiles: streets, water, parks, sites and ward names, from the partnership's own geography.

PostGIS's own ST_Transform is 2 m off here (no OSTN15 grid) and slow for each vertex. Within one tile the way
from the National Grid to the tile's pixels is an affine map to well under a pixel from zoom 11 on, so it is
fitted once a tile to 25 points transformed exactly, and PostGIS applies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import NotFound
from placewise.store.osgb import mercator_to_lonlat, to_grid
from placewise.store.session import Session

Floats: TypeAlias = NDArray[np.float64]

#: Units across a tile: sixteen to a screen pixel of a 256-pixel tile.
EXTENT = 4096
#: Drawn beyond the tile's edge, so that lines and their casings meet.
BUFFER = 64
MIN_ZOOM, MAX_ZOOM = 8, 16
_FIT_POINTS = 5  # on either side; three would do inland, but a coast needs some that lie within OSTN15
#: What there is outside the partnership's ground.
EMPTY_TILE = b""
_HALF_WORLD_M = 20_037_508.342789244

TILE = """
WITH tile AS (
    SELECT public.ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 27700) AS box,
        public.ST_MakeBox2D(public.ST_Point(-%(buffer)s, -%(buffer)s),
                            public.ST_Point(%(extent)s + %(buffer)s, %(extent)s + %(buffer)s)) AS frame
), drawn AS (
    SELECT 'feature' AS layer, f.kind, f.name, f.geom FROM placewise.feature f, tile
     WHERE f.geom && tile.box AND public.ST_Intersects(f.geom, tile.box)
       AND (%(zoom)s >= 12 OR f.kind IN ('park', 'water', 'railway', 'station'))
    UNION ALL
    SELECT 'street', s.street_class, CASE WHEN %(zoom)s >= 13 THEN s.name ELSE '' END, s.geom
      FROM placewise.street s, tile
     WHERE s.geom && tile.box AND public.ST_Intersects(s.geom, tile.box)
       AND (%(zoom)s >= 13 OR s.street_class = 'main' OR (%(zoom)s >= 11 AND s.street_class = 'minor'))
    UNION ALL
    SELECT 'land', 'local_authority', '', b.geom FROM placewise.boundary b, tile
     WHERE b.kind = 'local_authority' AND b.geom && tile.box AND public.ST_Intersects(b.geom, tile.box)
    UNION ALL
    SELECT 'label', 'ward', w.name, w.spot
      FROM (SELECT b.name, public.ST_PointOnSurface(b.geom) AS spot FROM placewise.boundary b, tile
             WHERE b.kind = 'ward' AND b.geom && tile.box
               AND b.vintage = (SELECT max(o.vintage) FROM placewise.boundary o WHERE o.kind = 'ward')) w, tile
     WHERE w.spot && tile.box
), placed AS (
    SELECT d.layer, d.kind, d.name, public.ST_AsMVTGeom(
        public.ST_Affine(CASE WHEN public.ST_Dimension(d.geom) = 0 THEN d.geom
                              ELSE public.ST_Simplify(d.geom, %(tolerance_m)s, true) END,
                         %(a)s, %(b)s, %(c)s, %(d)s, %(e)s, %(f)s),
        public.ST_MakeEnvelope(0, 0, %(extent)s, %(extent)s)::public.box2d, %(extent)s, %(buffer)s, true) AS geom
      FROM drawn d
)
SELECT coalesce(string_agg(mvt, ''::bytea), ''::bytea) FROM (
    SELECT public.ST_AsMVT(p, p.layer, %(extent)s, 'geom') AS mvt
      FROM (SELECT layer, kind, nullif(name, '') AS name, geom FROM placed WHERE geom IS NOT NULL) p
     GROUP BY p.layer) layers
"""


@dataclass(frozen=True, slots=True)
class TileFrame:
    """How a tile lies on the National Grid.

    Attributes
    ----------
    west, south, east, north : float
        Box in EPSG:27700 that holds the tile and its buffer.
    affine : tuple of float
        ST_Affine's a, b, d, e, xoff, yoff: metres to tile units, y upwards from the south edge.
    residual_px : float
        Largest distance of the fitted points from where they belong, in screen pixels (256 a tile).
    """

    west: float
    south: float
    east: float
    north: float
    affine: tuple[float, float, float, float, float, float]
    residual_px: float


def tile_frame(zoom: int, column: int, row: int) -> TileFrame:
    """Fit a tile's frame.

    Raises
    ------
    NotFound
        There is no such tile, or it lies outside Great Britain.
    """
    if not (MIN_ZOOM <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound("There is no such tile.")
    across, up = (axis.ravel() for axis in np.meshgrid(*[np.linspace(0, 1, _FIT_POINTS)] * 2))
    x, y = _grid_points(zoom, column, row, across, up)
    known = np.isfinite(x) & np.isfinite(y)
    if np.unique(across[known]).size < 2 or np.unique(up[known]).size < 2:
        raise NotFound("There is no such tile.")
    # Centred on the tile: national coordinates squared would cost the fit its last digits.
    middle_x, middle_y = float(x[known].mean()), float(y[known].mean())
    metres = np.column_stack([x - middle_x, y - middle_y, np.ones(x.size)])[known]
    wanted = np.column_stack([across, up])[known] * EXTENT
    fit, *_ = np.linalg.lstsq(metres, wanted, rcond=None)
    residual = float(np.abs(metres @ fit - wanted).max()) / EXTENT * 256
    west, south, east, north = _box(fit.astype(np.float64)) + np.array(
        [middle_x, middle_y, middle_x, middle_y]
    )
    (a, d), (b, e), (x_off, y_off) = fit.tolist()
    affine = (a, b, d, e, x_off - a * middle_x - b * middle_y, y_off - d * middle_x - e * middle_y)
    return TileFrame(float(west), float(south), float(east), float(north), affine, residual)


def _box(fit: Floats) -> Floats:
    """West, south, east and north of a tile with its buffer, from the fit turned round.

    Where OSTN15 ends (off the coast) some of the points are unknown; the fit still tells where they are.
    """
    low, high = -BUFFER, EXTENT + BUFFER
    corners = np.array([[low, low], [low, high], [high, low], [high, high]], dtype=np.float64)
    metres = (corners - fit[2]) @ np.linalg.inv(fit[:2])
    return np.concatenate([metres.min(axis=0), metres.max(axis=0)])


def _grid_points(zoom: int, column: int, row: int, across: Floats, up: Floats) -> tuple[Floats, Floats]:
    side = 2 * _HALF_WORLD_M / 2**zoom
    mercator_x = -_HALF_WORLD_M + (column + across) * side
    mercator_y = _HALF_WORLD_M - (row + 1 - up) * side
    return to_grid(*mercator_to_lonlat(mercator_x, mercator_y))


def get_tile(session: Session, zoom: int, column: int, row: int) -> bytes:
    """One Mapbox Vector Tile with the layers ``land``, ``feature``, ``street`` and ``label``.

    Every feature has ``kind`` and, where it has one, ``name``. An empty tile is no bytes.

    Raises
    ------
    NotFound
        There is no such tile, or it lies outside Great Britain.
    """
    frame = tile_frame(zoom, column, row)
    a, b, d, e, x_off, y_off = frame.affine
    values = {
        "west": frame.west,
        "south": frame.south,
        "east": frame.east,
        "north": frame.north,
        "a": a,
        "b": b,
        "c": d,
        "d": e,
        "e": x_off,
        "f": y_off,
        "zoom": zoom,
        "extent": EXTENT,
        "buffer": BUFFER,
        # A corner that moves a line by less than half a pixel is not seen.
        "tolerance_m": (frame.east - frame.west) / 512,
    }
    (tile,) = session.row(TILE, values) or (EMPTY_TILE,)
    return bytes(tile)
