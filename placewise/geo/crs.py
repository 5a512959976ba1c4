"""The gate every coordinate passes: metres of the British National Grid, and no gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import MissingValue, WrongCRS

BRITISH_NATIONAL_GRID = "EPSG:27700"

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def require_british_grid(crs: Any) -> None:
    """Refuse any coordinate reference system but EPSG:27700.

    Distances here are in metres; degrees would be silently wrong, and a missing CRS is never guessed.

    Raises
    ------
    WrongCRS
        The CRS is missing, geographic, or any other than the British National Grid.

    Examples
    --------
    >>> require_british_grid("EPSG:27700")
    >>> require_british_grid(None)
    Traceback (most recent call last):
    ...
    placewise.core.errors.WrongCRS: The layer does not say its coordinate system. Set it to EPSG:27700.
    """
    if crs is None:
        raise WrongCRS("The layer does not say its coordinate system. Set it to EPSG:27700.")
    if crs != BRITISH_NATIONAL_GRID:
        raise WrongCRS(f"The layer is in {crs}; convert it to EPSG:27700 (metres) first.")


def require_coordinates(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Return x and y as float64 arrays, checked; the inputs are not modified.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Eastings and northings in metres, EPSG:27700.

    Raises
    ------
    MissingValue
        A coordinate is NaN or infinite; the message counts them.
    WrongCRS
        Every pair would be a valid longitude and latitude: these are degrees, not metres.
    ValueError
        The arrays are not one-dimensional or differ in length.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if xs.ndim != 1 or xs.shape != ys.shape:
        raise ValueError(f"x and y must be one-dimensional and equally long, not {xs.shape} and {ys.shape}")
    if not xs.size:
        return xs, ys
    # A gap makes the sum one, and a sum is quicker than a look at each; so do values too large to add up.
    with np.errstate(over="ignore", invalid="ignore"):
        whole = xs.sum() + ys.sum()
    gaps = 0 if np.isfinite(whole) else int(np.count_nonzero(~(np.isfinite(xs) & np.isfinite(ys))))
    if gaps:
        raise MissingValue(
            f"{gaps} of {xs.size} records have no usable coordinates. Leave them out and count them."
        )
    # (180, 90) metres is open sea west of Scilly, so a whole layer within it is in degrees; mostly the first
    # record tells already that it is not.
    first_within = abs(xs[0]) <= 180 and abs(ys[0]) <= 90
    if first_within and max(xs.max(), -xs.min()) <= 180 and max(ys.max(), -ys.min()) <= 90:
        raise WrongCRS(
            "The coordinates look like longitude and latitude; convert them to EPSG:27700 (metres) first."
        )
    return xs, ys


def require_counts(values: ArrayLike, *, what: str = "counts") -> Floats:
    """Return non-negative finite values as a float64 array of shape (n,); the input is not modified.

    Raises
    ------
    MissingValue
        A value is NaN, infinite or negative.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{what} must be one-dimensional, not {array.shape}")
    bad = int(np.count_nonzero(~(np.isfinite(array) & (array >= 0))))
    if bad:
        raise MissingValue(f"{bad} of {array.size} {what} are missing, infinite or negative.")
    return array
