"""The layers as the browser draws them: whole numbers on lattices, and one short formula to place them.

A hexagon or a grid corner needs only its place on the National Grid; the browser turns that into longitude and
latitude by a polynomial fitted here to exact OSTN15 positions of the study area (`Projection`). So a cell costs a
dozen bytes instead of two hundred, and neighbours share their corners to the bit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import shapely
from numpy.polynomial.polynomial import polyval2d
from numpy.typing import NDArray

from placewise.geo.bands import density_bands
from placewise.geo.hexgrid import unpack_cell
from placewise.panel.hotspot_rate_words import rate_edges, rate_figure, rate_sentence, rates_legend
from placewise.panel.hotspot_rates import NO_RATE, CellRates, cells_to_draw
from placewise.panel.hotspot_reporting import nobody_reported
from placewise.panel.hotspot_surface import smoothed
from placewise.panel.hotspot_surface_words import density_legend, too_few_to_smooth, undrawn_legend
from placewise.panel.hotspot_words import (
    Legend,
    count_steps,
    counts_legend,
    left_out,
    sentence,
    shade_of,
    significance_legend,
)
from placewise.panel.hotspots import ORDINARY, TOO_FEW, Hotspots, as_held
from placewise.store.geography import list_mapped_places, list_outlines
from placewise.store.map_records import rows_by_place
from placewise.store.osgb import geometries_to_lonlat, to_lonlat
from placewise.store.session import Session

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Corners: TypeAlias = tuple[tuple[float, float], tuple[float, float]]

#: Powers of (x, y) in the browser's formula; map.js has the same list.
POWERS = [(i, j) for i in range(5) for j in range(5 - i)]
_FIT_POINTS = 24
#: Lower edges of the bands as shares of the peak: the lower ones closer, or only the peak would be seen.
BAND_SHARES = (0.06, 0.15, 0.3, 0.5, 0.75)
#: A corner that moves an outline by less than this is not sent.
OUTLINE_TOLERANCE_M = 4.0
#: A few far records must not make the map open on a whole county; fewer records than this say little of an extent.
OPENING_QUANTILES = (0.025, 0.975)
OPENING_FROM = 40
OPENING_MARGIN_CELLS = 3


@dataclass(frozen=True, slots=True)
class Projection:
    """National Grid to longitude and latitude within one box: a polynomial of degree 4 in scaled x and y.

    Attributes
    ----------
    x_m, y_m, scale_m : float
        Centre and half-size of the box.
    lon, lat : list of float
        Coefficients in the order of `POWERS`.
    """

    x_m: float
    y_m: float
    scale_m: float
    lon: list[float]
    lat: list[float]

    def place(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """What the browser computes."""
        u, v = (x - self.x_m) / self.scale_m, (y - self.y_m) / self.scale_m
        table, (i, j) = np.zeros((2, 5, 5)), np.array(POWERS).T
        table[:, i, j] = [self.lon, self.lat]
        return polyval2d(u, v, table[0]), polyval2d(u, v, table[1])


def fit_projection(bounds: tuple[float, float, float, float]) -> Projection:
    """Fit the formula to a box in EPSG:27700; within 0.2 m over 40 km of land."""
    x_low, y_low, x_high, y_high = bounds
    scale = max(x_high - x_low, y_high - y_low, 1000.0) / 2
    middle_x, middle_y = (x_low + x_high) / 2, (y_low + y_high) / 2
    u, v = (axis.ravel() for axis in np.meshgrid(*[np.linspace(-1, 1, _FIT_POINTS)] * 2))
    lon, lat = to_lonlat(middle_x + u * scale, middle_y + v * scale)
    known = np.isfinite(lon)
    terms = _terms(u[known], v[known])
    fit, *_ = np.linalg.lstsq(terms, np.column_stack([lon[known], lat[known]]), rcond=None)
    rounded = np.round(fit, 9)
    return Projection(middle_x, middle_y, scale, rounded[:, 0].tolist(), rounded[:, 1].tolist())


def _terms(u: Floats, v: Floats) -> Floats:
    return np.column_stack([u**i * v**j for i, j in POWERS])


def shown_counts(found: Hotspots) -> Integers:
    """What each cell is shaded and numbered by: its records, or the different children known there."""
    return found.children if found.shades_children else found.counts


def highest_count(found: Hotspots) -> int:
    """Highest count of a cell; with the slider, of any month, so that its months share one scale."""
    if found.wanted.month is None:
        return int(shown_counts(found).max(initial=0))
    if found.shades_children:
        return _most_children(found)
    records = found.records
    every = records.shown_any_month & (records.month >= 0)
    cell = found.grid.locate(records.columns.x[every], records.columns.y[every])
    month = records.month[every][cell >= 0]
    pairs = cell[cell >= 0] * len(records.months) + month
    return int(np.bincount(pairs).max(initial=0)) if pairs.size else 0


def _most_children(found: Hotspots) -> int:
    """Most different children of a cell in any month of the period."""
    records, columns = found.records, found.records.columns
    rows = columns.child_event
    used = records.shown_any_month[rows] & (records.month[rows] >= 0)
    cell = found.grid.locate(columns.x[rows[used]], columns.y[rows[used]])
    slot = cell * len(records.months) + records.month[rows[used]]
    named = np.unique(np.column_stack([slot, columns.child[used]])[cell >= 0], axis=0)
    return int(np.unique(named[:, 0], return_counts=True)[1].max(initial=0))


def layer(found: Hotspots, rates: CellRates | None) -> dict[str, Any]:
    """The view's layer, legend and words, ready for JSON; ``rates`` if the view is of rates."""
    if rates is not None:
        drawn, legend = rates_layer(found, rates)
    elif found.wanted.view == "density":
        drawn, legend = density_layer(found)
    else:
        drawn, legend = cell_layer(found)
    return {
        "view": found.wanted.view,
        "layer": drawn,
        "legend": asdict(legend),
        "sentence": as_held(found.wanted, sentence(found) if rates is None else rate_sentence(found, rates)),
        "left_out": left_out(found),
        "silence": nobody_reported(found) or too_few_to_smooth(found),
        "n": found.accounted.drawn,
    }


def cell_layer(found: Hotspots) -> tuple[dict[str, Any], Legend]:
    """Cells by lattice coordinates, with count, class (0 to 4) and verdict."""
    drawn = found.drawn
    highest = highest_count(found)
    steps = count_steps(highest)
    counts = shown_counts(found)[drawn]
    legend = (
        significance_legend(found)
        if found.wanted.view == "significance"
        else counts_legend(found, steps, highest)
    )
    shades = np.array(
        [int(swatch.look[-1]) for swatch in legend.key if swatch.look.startswith("step-")] or [1]
    )
    step = np.searchsorted(np.array(steps or [1]), counts, side="right") - 1
    return {
        **_lattice(found, drawn),
        "count": counts.tolist(),
        "shade": shades[np.clip(step, 0, shades.size - 1)].tolist(),
        "verdict": found.verdict[drawn].tolist(),
    }, legend


def _lattice(found: Hotspots, drawn: Integers) -> dict[str, Any]:
    """Which cells to draw, and how to place them."""
    q, r = unpack_cell(found.grid.cell[drawn])
    return {
        "kind": "cells",
        "width_m": found.grid.cell_width_m,
        "shape": found.wanted.shape,
        "projection": asdict(fit_projection(found.ground.frame.total_bounds)),
        "q": q.tolist(),
        "r": r.tolist(),
    }


def rates_layer(found: Hotspots, rates: CellRates) -> tuple[dict[str, Any], Legend]:
    """Cells with their rate as text and class; hatched where there are too few to tell."""
    drawn = cells_to_draw(found, rates)
    edges = rate_edges(rates)
    legend = rates_legend(found, rates, edges)
    figures = [rate_figure(rates, at).figure for at in drawn.tolist()]
    values = np.zeros(drawn.size) if rates.rates is None else np.nan_to_num(rates.rates.rate[drawn])
    step = np.searchsorted(np.array(edges or [0.0]), values, side="right") - 1
    shades = np.array([shade_of(i, len(edges)) for i in range(len(edges))] or [1])
    return {
        **_lattice(found, drawn),
        "count": found.counts[drawn].tolist(),
        "text": figures,
        "shade": shades[np.maximum(step, 0)].tolist(),  # a nought and too few have looks of their own
        "verdict": np.where(rates.stand[drawn] == NO_RATE, TOO_FEW, ORDINARY).tolist(),
    }, legend


def density_layer(found: Hotspots) -> tuple[dict[str, Any], Legend]:
    """Bands of the smoothed surface as rings of grid corners (columns and rows)."""
    if too_few_to_smooth(found):
        return {"kind": "bands", "bands": []}, undrawn_legend(found)
    made = smoothed(found)
    peak = made.peak
    if peak == 0:
        return {"kind": "bands", "bands": []}, undrawn_legend(found)
    edges = peak * np.array(BAND_SHARES)
    grid = made.surfaces[0].grid
    polygons: dict[int, list[list[list[int]]]] = {}
    for bands in (density_bands(surface, levels=edges) for surface in made.surfaces):
        for band, shape in zip(bands["band"], bands.geometry, strict=True):
            polygons.setdefault(int(band), []).extend(_rings(shape, grid.x_min_m, grid.y_min_m, grid.cell_m))
    return {
        "kind": "bands",
        "projection": asdict(fit_projection(found.ground.frame.total_bounds)),
        "cell_m": grid.cell_m,
        "x_m": grid.x_min_m,
        "y_m": grid.y_min_m,
        "bands": [{"shade": band + 1, "polygons": polygons[band]} for band in sorted(polygons)],
    }, density_legend(found, made, edges.tolist())


def _rings(shape: shapely.Geometry, x_m: float, y_m: float, cell_m: float) -> list[list[list[int]]]:
    """Each polygon as its rings, a ring as column, row, column, row and so on."""
    polygons = []
    for polygon in shapely.get_parts(shape):
        rings = []
        for ring in shapely.get_rings(shapely.simplify(polygon, 0.1)):
            corners = (shapely.get_coordinates(ring) - [x_m, y_m]) / cell_m
            rings.append(np.rint(corners).astype(int).ravel().tolist())
        polygons.append(rings)
    return polygons


def map_bounds(found: Hotspots) -> Corners:
    """South-west and north-east corners of the study area as (lon, lat)."""
    x_low, y_low, x_high, y_high = found.ground.frame.total_bounds
    return _corners(x_low, y_low, x_high, y_high)


def opening_bounds(found: Hotspots) -> Corners:
    """Where the map opens: the middle 95% of the records, or the whole study area when there are few.

    Without boundaries, the same of the part that holds most of the records shown: the middle of records in two
    far cities is empty land.
    """
    shown, parts = found.position >= 0, found.ground.parts
    x, y = found.records.columns.x[shown], found.records.columns.y[shown]
    bounds = found.ground.frame.total_bounds
    if parts is not None:
        part = parts.of(x, y)
        most = int(np.bincount(part, minlength=parts.n.size).argmax())
        x, y, bounds = x[part == most], y[part == most], shapely.bounds(parts.outlines[most])
    if x.size < OPENING_FROM:
        return _corners(*bounds)
    margin = OPENING_MARGIN_CELLS * found.wanted.cell_width_m
    x_low, x_high = np.quantile(x, OPENING_QUANTILES).tolist()
    y_low, y_high = np.quantile(y, OPENING_QUANTILES).tolist()
    return _corners(x_low - margin, y_low - margin, x_high + margin, y_high + margin)


def _corners(x_low: float, y_low: float, x_high: float, y_high: float) -> Corners:
    lon, lat = to_lonlat([x_low, x_low, x_high, x_high], [y_low, y_high, y_low, y_high])
    return (float(lon.min()), float(lat.min())), (float(lon.max()), float(lat.max()))


class PlacesDrawn(NamedTuple):
    """Places with a location fine enough to draw, and how many of all could not be drawn."""

    drawn: list[dict[str, Any]]
    online: int
    too_coarse: int

    @property
    def words(self) -> str:
        """How many are on the map, and why others are not: ``45 of 47 (2 are online)``."""
        reasons = [
            f"{n:,} {'is' if n == 1 else 'are'} {words}"
            for n, words in ((self.online, "online"), (self.too_coarse, "located too roughly, or not at all"))
            if n
        ]
        n, total = len(self.drawn), len(self.drawn) + self.online + self.too_coarse
        return f"{n:,} of {total:,} ({'; '.join(reasons)})" if reasons else f"{n:,}"


def places_layer(session: Session, found: Hotspots) -> PlacesDrawn:
    """The places to draw, and how many records of the view name each."""
    rows = rows_by_place(found.records.columns.place_id)
    every = list_mapped_places(session)
    places = [place for place in every if place.is_drawn]
    points = shapely.point_on_surface(np.array([p.shape for p in places], dtype=object))
    lon, lat = to_lonlat(shapely.get_x(points), shapely.get_y(points))
    counted = found.records.wanted & found.records.by_relation
    drawn = [
        {
            "id": str(place.place_id),
            "name": place.name,
            "type": place.location_type,
            "status": place.status,
            "lon": round(float(x), 6),
            "lat": round(float(y), 6),
            "records": int(counted[rows[place.place_id]].sum()) if place.place_id in rows else 0,
        }
        for place, x, y in zip(places, lon, lat, strict=True)
    ]
    online = sum(place.online and not place.is_drawn for place in every)
    return PlacesDrawn(drawn, online, len(every) - len(drawn) - online)


def outlines_layer(session: Session, kind: str) -> dict[str, Any]:
    """Outlines of wards, LSOAs … as GeoJSON, names in the properties."""
    areas = list_outlines(session, kind, tolerance_m=OUTLINE_TOLERANCE_M)
    shapes = shapely.set_precision(geometries_to_lonlat(areas.shapes), 1e-5, mode="pointwise")
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": shapely.geometry.mapping(shape)}
        for name, shape in zip(areas.names, shapes, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}
