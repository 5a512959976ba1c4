"""Where and when a scan looks: circles over locations, and stretches of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import TooFewCells
from placewise.geo.crs import Flags, Floats, Integers, require_coordinates

# Distances that differ by less than a micrometre are one distance: rounding must not part a tie.
_SAME_DISTANCE_M = 1e-6


class Sites(NamedTuple):
    """The distinct coordinates of a set of locations.

    Attributes
    ----------
    x_m, y_m : ndarray of float64, shape (s,)
        Metres, EPSG:27700; ascending by x, then y.
    of_location : ndarray of int64, shape (n,)
        Position of each location's site.
    """

    x_m: Floats
    y_m: Floats
    of_location: Integers


def merge_locations(x: ArrayLike, y: ArrayLike) -> Sites:
    """Put locations with the same coordinates together, since no circle can part them.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.

    Raises
    ------
    MissingValue, WrongCRS
        See `crs.require_coordinates`.

    Notes
    -----
    Time O(n log n).

    Examples
    --------
    >>> sites = merge_locations([541000, 540000, 541000], [180000, 180000, 180000])
    >>> sites.x_m.tolist(), sites.of_location.tolist()
    ([540000.0, 541000.0], [1, 0, 1])
    """
    xs, ys = require_coordinates(x, y)
    order = np.lexsort((ys, xs))
    xo, yo = xs[order], ys[order]
    first = np.ones(xs.size, dtype=bool)
    first[1:] = (xo[1:] != xo[:-1]) | (yo[1:] != yo[:-1])
    of_location = np.empty(xs.size, dtype=np.int64)
    of_location[order] = np.cumsum(first) - 1
    return Sites(xo[first], yo[first], of_location)


@dataclass(frozen=True)
class Circles:
    """Every circle that is scanned, as a nearest-neighbour order for each centre.

    The members of the circles around site ``i``, nearest first, are
    ``member[indptr[i]:indptr[i + 1]]``; each entry with ``closes`` ends one circle.

    Attributes
    ----------
    indptr : ndarray of int64, shape (s + 1,)
    member : ndarray of int64, shape (m,)
    distance_m : ndarray of float64, shape (m,)
        From the centre to the member.
    closes : ndarray of bool, shape (m,)
        False where the next member is as far away: a circle holds both or neither.
    """

    indptr: Integers
    member: Integers
    distance_m: Floats
    closes: Flags

    @property
    def n_sites(self) -> int:
        """Number of sites, each the centre of some circles or of none."""
        return self.indptr.size - 1


def circles(
    sites: Sites, weight: Floats, *, max_share: float = 0.5, max_radius_m: float | None = None
) -> Circles:
    """List the circles centred on each site, up to a share of the whole and a radius.

    Parameters
    ----------
    sites : Sites
        s distinct coordinates.
    weight : ndarray of float64 >= 0, shape (s,)
        What ``max_share`` is a share of: population, expected cases, or cases.
    max_share : float in (0, 1]
        A circle holds at most this share of all weight. A half, as Kulldorff advises: a larger "cluster"
        is better told as a lack outside it.
    max_radius_m : float, optional
        Metres. Without it the share alone is the limit.

    Raises
    ------
    TooFewCells
        Not one circle is within the limits, or one is the whole of the study area and there is no other.
    ValueError
        A limit is out of range.

    Notes
    -----
    Circles, not ellipses: a cluster along a road or river shows as a circle around it. Time and memory
    O(s² log s) and O(s · members) without a radius. Kulldorff 1997, doi 10.1080/03610929708831995.
    """
    if not 0 < max_share <= 1:
        raise ValueError(f"max_share must be above 0 and at most 1, not {max_share}")
    if max_radius_m is not None and not max_radius_m >= 0:
        raise ValueError(f"max_radius_m must be nought or more, not {max_radius_m}")
    reach = np.inf if max_radius_m is None else float(max_radius_m)
    # A rounding above the share must not shut out a circle of exactly that share.
    most = max_share * float(weight.sum()) * (1 + 1e-12)
    found = [_around(sites, weight, i, most, reach) for i in range(sites.x_m.size)]
    sizes = np.array([members.size for members, _, _ in found], dtype=np.int64)
    if not sizes.any():
        raise TooFewCells(
            "No circle is within the limits. Allow a larger share or radius, or use more separate locations."
        )
    member, distance, closes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Circles(np.concatenate([[0], np.cumsum(sizes)]), member, distance, closes)


def _around(
    sites: Sites, weight: Floats, centre: int, most: float, reach: float
) -> tuple[Integers, Floats, Flags]:
    distance = np.hypot(sites.x_m - sites.x_m[centre], sites.y_m - sites.y_m[centre])
    within = np.flatnonzero(distance <= reach)
    order = within[np.argsort(distance[within], kind="stable")]
    apart = distance[order]
    closes = np.ones(order.size, dtype=bool)
    closes[:-1] = np.diff(apart) > _SAME_DISTANCE_M
    fits = np.flatnonzero(closes & (np.cumsum(weight[order]) <= most))
    end = fits[-1] + 1 if fits.size else 0
    return order[:end], apart[:end], closes[:end]


class TimeWindows(NamedTuple):
    """The stretches of time that are scanned.

    Attributes
    ----------
    n_steps : int
        Length of the study period.
    longest : int
        Most steps in a window.
    prospective : bool
        Only windows that reach to the last step; otherwise all.
    """

    n_steps: int
    longest: int
    prospective: bool

    @property
    def _from_the_end(self) -> bool:
        return self.prospective or self.longest == self.n_steps == 1

    @property
    def bounds(self) -> tuple[Integers, Integers]:
        """First step and step after the last of each window, from the shortest."""
        if self._from_the_end:
            length = np.arange(1, self.longest + 1)
            return self.n_steps - length, np.full(self.longest, self.n_steps)
        pieces = [np.arange(self.n_steps + 1 - w) for w in range(1, self.longest + 1)]
        lengths = [np.full(piece.size, w) for w, piece in enumerate(pieces, start=1)]
        first = np.concatenate(pieces)
        return first, first + np.concatenate(lengths)

    @property
    def first_kept(self) -> int:
        """Steps before it are in no window."""
        return self.n_steps - self.longest if self._from_the_end else 0

    @property
    def n_layers(self) -> int:
        """Length of the time axis that `stack` returns."""
        return self.longest if self._from_the_end else self.n_steps + 1

    def stack(self, steps: NDArray[Any]) -> NDArray[Any]:
        """Return running totals over time (axis 1) of the kept steps, from which `layers` takes windows."""
        lead = 0 if self._from_the_end else 1
        stacked = np.zeros((steps.shape[0], steps.shape[1] + lead, *steps.shape[2:]), dtype=steps.dtype)
        stacked[:, lead:] = steps[:, ::-1] if self._from_the_end else steps
        # Layer by layer, because numpy's cumsum along a middle axis takes one number at a time.
        for layer in range(1, stacked.shape[1]):
            np.add(stacked[:, layer], stacked[:, layer - 1], out=stacked[:, layer])
        return stacked

    @property
    def layers(self) -> tuple[Integers, Integers]:
        """Of each window, the layer of `stack` to take away (-1 for none) from the layer that its total is in."""
        if self._from_the_end:
            return np.full(self.longest, -1), np.arange(self.longest)
        return self.bounds


def time_windows(
    n_steps: int, *, max_time_share: float = 0.5, max_steps: int | None = None, prospective: bool = False
) -> TimeWindows:
    """Say which stretches of time are scanned, up to a share of the study period or a number of steps.

    Parameters
    ----------
    n_steps : int >= 1
        Days, weeks or months in the study period. 1: the scan is in space only.
    max_time_share : float in (0, 1]
        Longest window as a share of the period, rounded down but at least one step.
    max_steps : int, optional
        Longest window in steps, instead of the share.
    prospective : bool
        Only windows still open at the last step ("alive" clusters; Kulldorff 2001, doi
        10.1111/1467-985X.00186).

    Raises
    ------
    ValueError
        A limit is out of range.

    Examples
    --------
    >>> time_windows(52, max_time_share=0.5).longest, time_windows(52, max_steps=4, prospective=True).longest
    (26, 4)
    >>> [b.tolist() for b in time_windows(3, max_steps=2).bounds]
    [[0, 1, 2, 0, 1], [1, 2, 3, 2, 3]]
    """
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, not {n_steps}")
    if not 0 < max_time_share <= 1:
        raise ValueError(f"max_time_share must be above 0 and at most 1, not {max_time_share}")
    longest = max(1, int(n_steps * max_time_share + 1e-9)) if max_steps is None else max_steps
    if not 1 <= longest <= n_steps:
        raise ValueError(f"max_steps must be from 1 to {n_steps}, not {longest}")
    return TimeWindows(n_steps, longest, prospective)
