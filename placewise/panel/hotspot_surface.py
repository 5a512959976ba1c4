"""The smoothed surface of the density view: how far to smooth, over what, and from which records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.core.errors import TooFewRecords
from placewise.geo.bandwidth import Rule, likelihood_bandwidth, silverman_bandwidth_m
from placewise.geo.density import DensitySurface, Edge, SquareGrid, cells_inside, kernel_density, square_grid
from placewise.geo.kernels import Kernel
from placewise.geo.uncertainty import uncertain_density
from placewise.panel.hotspot_filter import SURFACE_CELL_M, USUAL_BANDWIDTH_M
from placewise.panel.hotspot_whereabouts import Terrain, Whereabouts, spread_records
from placewise.panel.hotspots import Hotspots
from placewise.store.geography import grid_series

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_LARGEST_SURFACE = 150_000  # cells; beyond this they are made twice as wide
#: Records among which a smoothing distance is judged, and how many of them are held out: under a third of a second.
JUDGED_AMONG, HELD_OUT = 2_000, 500
#: Which records those are: the same question has the same answer.
SEED = 20_260_314
#: Fewer records than this have no density: each would be drawn as a peak of its own, the darkest of the map.
FEWEST_SMOOTHED = 5
_KERNELS: dict[str, Kernel] = {"quartic": "quartic", "gaussian": "gaussian"}
_EDGES: dict[str, Edge] = {"corrected": "uniform", "plain": "none"}


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How far the surface is smoothed, and who said so.

    Attributes
    ----------
    bandwidth_m : float
        Used: of the quartic kernel its reach, of the Gaussian its standard deviation.
    rule : {"chosen", "silverman", "likelihood"}
    judged_among, judged_of : int
        For a rule, the records it looked at, and how many there are.
    at_end : bool
        The records would perhaps choose a distance beyond those tried.
    unjudged : str
        Why the rule asked for could not be followed; empty if it was, and where none was asked for.
    asked_m : float
        The distance before it was mended to fit between one cell and the study area.
    """

    bandwidth_m: float
    rule: Rule
    judged_among: int = 0
    judged_of: int = 0
    at_end: bool = False
    unjudged: str = ""
    asked_m: float = 0.0


@dataclass(frozen=True)
class Smoothed:
    """The surface, one piece for each part of the study area, all on one lattice.

    Attributes
    ----------
    surfaces : list of DensitySurface
    smoothing : Smoothing
    whereabouts : Whereabouts or None
        Where the records were spread to; None where each is a point, and rough ones are left out.
    rough_share : float
        Share of all that is drawn that comes from records known only roughly; NaN where nothing is drawn.
    """

    surfaces: list[DensitySurface] = field(repr=False)
    smoothing: Smoothing
    whereabouts: Whereabouts | None = None
    rough_share: float = 0.0

    @property
    def peak(self) -> float:
        """Highest density, records per km²; nought where there is nothing."""
        return max(float(np.nanmax(surface.values, initial=0.0)) for surface in self.surfaces)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """One part of the study area as cells to smooth over."""

    grid: SquareGrid
    inside: Flags = field(repr=False)

    @property
    def longest_m(self) -> float:
        """Longest side of what is inside; nought where nothing is."""
        if not self.inside.any():
            return 0.0
        sides = (np.ptp(np.flatnonzero(self.inside.any(axis=axis))) + 1 for axis in (0, 1))
        return float(max(sides)) * self.grid.cell_m


def smoothed(found: Hotspots) -> Smoothed:
    """Smooth the records shown over the study area."""
    smoothing = smoothing_of(found)
    canvases = _canvases(_smoothed_over(found, smoothing.bandwidth_m))
    smoothing = _mended(smoothing, canvases)
    if found.terrain is not None:
        return _spread_out(found, found.terrain, smoothing, canvases)
    shown = found.position >= 0
    x, y = found.records.columns.x[shown], found.records.columns.y[shown]
    surfaces = [
        kernel_density(
            x,
            y,
            grid=canvas.grid,
            bandwidth_m=smoothing.bandwidth_m,
            kernel=_KERNELS[found.wanted.kernel],
            inside=canvas.inside,
            edge=_EDGES[found.wanted.edge],
        )
        for canvas in canvases
    ]
    return Smoothed(surfaces, smoothing)


def _spread_out(found: Hotspots, terrain: Terrain, smoothing: Smoothing, canvases: list[_Canvas]) -> Smoothed:
    """Smooth the records as parts, each where it may have been, rough ones too."""
    whereabouts = spread_records(
        found.records,
        terrain,
        found.position >= 0,
        cell_m=canvases[0].grid.cell_m,
        bandwidth_m=smoothing.bandwidth_m,
    )
    made = [
        uncertain_density(
            whereabouts.fine,
            whereabouts.rough,
            grid=canvas.grid,
            bandwidth_m=smoothing.bandwidth_m,
            kernel=_KERNELS[found.wanted.kernel],
            inside=canvas.inside,
            edge=_EDGES[found.wanted.edge],
        )
        for canvas in canvases
    ]
    everything = sum(float(np.nansum(one.everything.values)) for one in made)
    fine = sum(float(np.nansum(one.precise.values)) for one in made)
    share = 1 - fine / everything if everything else float("nan")
    return Smoothed([one.everything for one in made], smoothing, whereabouts, share)


def smoothing_of(found: Hotspots) -> Smoothing:
    """The distance asked for: a person's own, or what a rule makes of the records of the whole period.

    A rule looks at all months even when the slider shows one, so that months can be compared.
    """
    asked = found.wanted.bandwidth
    if asked.isdecimal():
        return Smoothing(float(asked), "chosen", asked_m=float(asked))
    rows = _judged(found)
    columns = found.records.columns
    try:
        if asked == "silverman":
            width = silverman_bandwidth_m(
                columns.x[rows], columns.y[rows], kernel=_KERNELS[found.wanted.kernel]
            )
            return Smoothing(width, "silverman", rows.size, rows.size, asked_m=width)
        return _by_likelihood(found, rows)
    except TooFewRecords as problem:
        width = float(USUAL_BANDWIDTH_M)
        return Smoothing(width, "chosen", rows.size, rows.size, unjudged=str(problem), asked_m=width)


def _judged(found: Hotspots) -> Integers:
    """Records on the map in any month; where parts lie far apart, those of the part with most of them."""
    columns = found.records.columns
    rows = np.flatnonzero(found.records.shown_any_month)
    rows = rows[found.grid.locate(columns.x[rows], columns.y[rows]) >= 0]
    if found.ground.parts is None or not rows.size:
        return rows
    part = found.ground.parts.of(columns.x[rows], columns.y[rows])
    of_most: Integers = rows[part == np.bincount(part).argmax()]
    return of_most


def _by_likelihood(found: Hotspots, rows: Integers) -> Smoothing:
    """Judge among a sample where there are many records, and shorten for the number of all.

    The best distance shrinks as n^(-1/6) (Silverman 1986, section 4.3.2). Figures of samples of 2,000 of 9,000 to
    20,000 records lay mostly within a quarter of the one from all of them; the likelihood is flat about its best.
    """
    columns, child = found.records.columns, found.records.child_of_event
    among = rows
    if rows.size > JUDGED_AMONG:
        among = np.sort(np.random.default_rng(SEED).choice(rows, JUDGED_AMONG, replace=False))
    judged = likelihood_bandwidth(
        columns.x[among],
        columns.y[among],
        seed=SEED,
        kernel=_KERNELS[found.wanted.kernel],
        child=child[among],
        max_held_out=HELD_OUT,
    )
    width = judged.bandwidth_m * (among.size / rows.size) ** (1 / 6)
    return Smoothing(width, "likelihood", among.size, rows.size, judged.at_end, asked_m=width)


def _smoothed_over(found: Hotspots, reach: float) -> list[Any]:
    """Frames to smooth over, most records first: around a few far records, as far as the smoothing reaches."""
    if found.ground.parts is None:
        return [found.ground.frame]
    parts = found.ground.parts
    outlines = [
        outline
        if is_area and max(np.ptp(np.reshape(shapely.bounds(outline), (2, 2)), axis=0)) > 2 * reach
        # Edge correction in so small a shape would make one record look like many.
        else shapely.buffer(outline, reach)
        for outline, is_area in zip(parts.outlines, parts.is_area, strict=True)
    ]
    return [grid_series(outline) for outline in outlines]


def _canvases(frames: list[Any]) -> list[_Canvas]:
    boxes = np.array([frame.total_bounds for frame in frames])
    extent = float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum())
    cell_m = SURFACE_CELL_M
    while extent / cell_m**2 > _LARGEST_SURFACE:
        cell_m *= 2
    grids = [square_grid(frame, cell_m=cell_m) for frame in frames]
    return [_Canvas(grid, cells_inside(frame, grid)) for frame, grid in zip(frames, grids, strict=True)]


def _mended(smoothing: Smoothing, canvases: list[_Canvas]) -> Smoothing:
    """At least one cell, or single records would be drawn as such; at most as far as the study area is long."""
    longest = min((canvas.longest_m for canvas in canvases if canvas.longest_m), default=np.inf)
    width = max(min(smoothing.bandwidth_m, longest), canvases[0].grid.cell_m)
    return replace(smoothing, bandwidth_m=width)
