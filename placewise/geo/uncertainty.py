"""Positional uncertainty: a surface with and without the records whose place is not known well."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from placewise.geo.crs import Flags, Floats
from placewise.geo.density import DensitySurface, Edge, SquareGrid, kernel_density, points_inside
from placewise.geo.kernels import Binning, Kernel
from placewise.geo.spread import Spread


@dataclass(frozen=True)
class UncertainSurface:
    """A density surface with and without the records whose place is not known well.

    Attributes
    ----------
    everything, precise : DensitySurface
        Records per km² with the imprecise records spread out, and from the precise ones alone. ``n`` is the
        number of records given; ``n_outside`` those outside the study area or nowhere, parts added up and
        rounded.
    imprecise_share : ndarray of float64, shape (rows, columns)
        Share of the density at each spot that is imprecise, 0 to 1; NaN where there is none at all.
    imprecise_of_all : float
        The same for all that the surface adds up to; NaN for an empty surface.
    """

    everything: DensitySurface
    precise: DensitySurface
    imprecise_share: Floats = field(repr=False)
    imprecise_of_all: float


def uncertain_density(
    precise: Spread,
    imprecise: Spread,
    *,
    grid: SquareGrid,
    bandwidth_m: float,
    kernel: Kernel = "quartic",
    inside: Flags | None = None,
    edge: Edge = "uniform",
    binning: Binning = "linear",
) -> UncertainSurface:
    """Smooth precise and imprecise records into one surface, and say how much of it is imprecise.

    Where the share is high, a patch tells where an area's outline is, not where harm happens: never call
    it a hotspot. A record spread over a ward is too thin to make a peak of its own, on purpose.

    Parameters
    ----------
    precise, imprecise : Spread
    grid, bandwidth_m, kernel, inside, edge, binning
        As for `density.kernel_density`.

    Returns
    -------
    UncertainSurface

    Raises
    ------
    BadBandwidth
        See `density.kernel_density`.
    """
    known, spread = (
        _surface(s, grid, bandwidth_m, kernel, inside, edge=edge, binning=binning)
        for s in (precise, imprecise)
    )
    total = known.values + spread.values
    everything = replace(
        known, values=total, n=known.n + spread.n, n_outside=known.n_outside + spread.n_outside
    )
    some = total > 0
    share = np.where(some, spread.values / np.where(some, total, 1.0), np.nan)
    mass = float(np.nansum(total))
    return UncertainSurface(
        everything, known, share, float(np.nansum(spread.values)) / mass if mass else float("nan")
    )


def _surface(
    spread: Spread,
    grid: SquareGrid,
    bandwidth_m: float,
    kernel: Kernel,
    inside: Flags | None,
    *,
    edge: Edge,
    binning: Binning,
) -> DensitySurface:
    surface = kernel_density(
        spread.x,
        spread.y,
        grid=grid,
        bandwidth_m=bandwidth_m,
        kernel=kernel,
        weights=spread.weight,
        inside=inside,
        edge=edge,
        binning=binning,
    )
    outside = spread.n_nowhere
    if inside is not None:
        outside += float(spread.weight[~points_inside(spread.x, spread.y, grid, inside)].sum())
    return replace(surface, n=spread.n_records, n_outside=round(outside))
