"""From the coordinates of a file to metres of the British National Grid, or a reason why not.

Checks are of whole columns at once. A row refused here may be one of many: when *all* located rows have
the same fault (longitude and latitude exchanged, grid metres under a degree heading) the summary asks one
question about the file instead.
"""

from __future__ import annotations

import numpy as np

from placewise.intake.table import Flags, Floats, Table
from placewise.store.osgb import to_grid, to_lonlat

#: Great Britain with its islands; Rockall and the sea beyond are not places of safeguarding.
WEST, EAST, SOUTH, NORTH = -8.7, 1.78, 49.8, 60.9

OUTSIDE = "The position is outside Great Britain. Check both numbers and their signs."
NORTHERN_IRELAND = (
    "The position is in Northern Ireland, which uses another grid (Irish Grid) and its own boundaries; "
    "Placewise covers Great Britain. Leave the row out."
)
SWAPPED = "Outside Great Britain as it stands, inside when exchanged: longitude and latitude look swapped."
GRID_IN_DEGREES = "These are not degrees. British National Grid metres belong in easting and northing."
DEGREES_IN_GRID = "These look like degrees. Longitude and latitude belong in columns of those names."


def locate(table: Table, *, among: Flags | None = None) -> tuple[Floats, Floats]:
    """Positions of a batch from its easting/northing or longitude/latitude columns.

    Parameters
    ----------
    table : Table
        Batch to which faults go.
    among : ndarray of bool, shape (n,), optional
        Rows to look at. Default: all.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
        EPSG:27700 metres; NaN for rows without a position. Rows with an unusable one get a fault.
    """
    columns = (table.floats(name) for name in ("longitude", "latitude", "easting", "northing"))
    lon, lat, east, north = (c if among is None else np.where(among, c, np.nan) for c in columns)
    sound = table.sound()
    for first, second, a, b in (("longitude", "latitude", lon, lat), ("easting", "northing", east, north)):
        half = sound & (np.isnan(a) ^ np.isnan(b))
        missing = first if np.isnan(a[half]).all() else second
        table.refuse(half, missing, "half-location", f"Give both {first} and {second}, or neither.")
    x, y = degrees_to_grid(table, lon, lat, column="longitude")
    gx, gy = check_grid(table, east, north, column="easting")
    if np.isfinite(x).any() and np.isfinite(gx).any():
        apart = np.hypot(x - gx, y - gy) > 100
        table.refuse(
            apart,
            "easting",
            "two-locations",
            "Easting/northing and longitude/latitude name different places.",
        )
    on_grid = np.isfinite(gx)
    x, y = np.where(on_grid, gx, x), np.where(on_grid, gy, y)
    _note_partnership(table, x, y)
    return x, y


def degrees_to_grid(table: Table, lon: Floats, lat: Floats, *, column: str) -> tuple[Floats, Floats]:
    """Grid positions of longitudes and latitudes; faults for those that cannot be right.

    Parameters
    ----------
    table : Table
        Batch to which faults and tallies go.
    lon, lat : ndarray of float64, shape (n,)
        Degrees; NaN for none.
    column : str
        Column to name in faults.
    """
    answers = table.run.context.answers
    if answers.get("lonlat-swapped") == "swap":
        lon, lat = lat, lon
    given = np.isfinite(lon) & np.isfinite(lat)
    if answers.get("crs") == "EPSG:27700":
        return check_grid(table, lon, lat, column=column)
    table.run.tallies["located"] += int(given.sum())
    x, y = _distinct_to_grid(lon, lat)
    good = given & in_britain(lon, lat) & np.isfinite(x) & ~in_northern_ireland(lon, lat)
    if not good.all():
        _refuse_degrees(table, lon, lat, given & ~good, column)
    x[~good] = y[~good] = np.nan
    return x, y


def _distinct_to_grid(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Each position once: police.uk's snap points and geocoded addresses come again and again."""
    pairs, where = np.unique(lon + 1j * lat, return_inverse=True)
    x, y = to_grid(pairs.real, pairs.imag)
    return x[where], y[where]


def check_grid(table: Table, x: Floats, y: Floats, *, column: str) -> tuple[Floats, Floats]:
    """Grid positions given as such; faults for those that are not in Great Britain."""
    given = np.isfinite(x) & np.isfinite(y)
    if not given.any():
        return np.full(table.size, np.nan), np.full(table.size, np.nan)
    table.run.tallies["located"] += int(given.sum())
    lon, lat = to_lonlat(x, y)
    ireland = given & in_northern_ireland(lon, lat)
    degrees = given & (np.abs(x) <= 180) & (np.abs(y) <= 90)
    null = degrees & (x == 0) & (y == 0)
    outside = given & ~degrees & ~ireland & ~(in_britain(lon, lat) & np.isfinite(lon))
    table.refuse(
        null, column, "null-island", "0, 0 means that no position was known. Leave both cells empty."
    )
    table.refuse(degrees & ~null, column, "crs", DEGREES_IN_GRID)
    table.refuse(ireland, column, "northern-ireland", NORTHERN_IRELAND)
    table.refuse(outside, column, "outside-area", OUTSIDE)
    table.run.tallies["degrees-in-grid"] += int((degrees & ~null).sum())
    good = given & ~(ireland | degrees | outside)
    return np.where(good, x, np.nan), np.where(good, y, np.nan)


def in_britain(lon: Floats, lat: Floats) -> Flags:
    """True inside the box round Great Britain; False for NaN."""
    inside: Flags = (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)
    return inside


def in_northern_ireland(lon: Floats, lat: Floats) -> Flags:
    """True in Northern Ireland and the sea close by; False in Kintyre, Islay, Galloway and for NaN."""
    south = (lat >= 54.0) & (lat <= 55.1) & (lon <= -5.4)
    north = (lat > 55.1) & (lat <= 55.33) & (lon <= -5.97)  # Rathlin, but not the Mull of Kintyre
    inside: Flags = (lon >= -8.2) & (south | north)
    return inside


def _refuse_degrees(table: Table, lon: Floats, lat: Floats, bad: Flags, column: str) -> None:
    null = bad & (lon == 0) & (lat == 0)
    swapped = bad & in_britain(lat, lon)
    metres = bad & ~swapped & ((np.abs(lon) > 180) | (np.abs(lat) > 90))
    ireland = bad & in_northern_ireland(lon, lat)
    table.refuse(
        null, column, "null-island", "0, 0 means that no position was known. Leave both cells empty."
    )
    table.refuse(swapped, column, "outside-area", SWAPPED)
    table.refuse(metres, column, "crs", GRID_IN_DEGREES)
    table.refuse(ireland, column, "northern-ireland", NORTHERN_IRELAND)
    table.refuse(bad & ~(null | swapped | metres | ireland), column, "outside-area", OUTSIDE)
    for code, rows in (("swapped", swapped), ("metres-in-degrees", metres), ("northern-ireland", ireland)):
        table.run.tallies[code] += int(rows.sum())


def coarse(lon: Floats, lat: Floats, *, places: int) -> Flags:
    """True where both degrees have no more than so many decimal places."""
    scale = 10.0**places
    given = np.isfinite(lon) & np.isfinite(lat)
    with np.errstate(invalid="ignore"):
        whole = (np.abs(lon * scale - np.rint(lon * scale)) < 1e-7) & (
            np.abs(lat * scale - np.rint(lat * scale)) < 1e-7
        )
    rough: Flags = given & whole
    return rough


def _note_partnership(table: Table, x: Floats, y: Floats) -> None:
    if (bounds := table.run.context.bounds_m) is None:
        return
    west, south, east, north = bounds
    away = np.isfinite(x) & ((x < west) | (x > east) | (y < south) | (y > north))
    table.run.tallies["outside-partnership"] += int(away.sum())
