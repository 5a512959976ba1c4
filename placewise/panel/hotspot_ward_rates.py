"""Rates of whole wards beside those of the map's cells: wards are what a panel talks about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placewise.geo.rates import Rates, population_rates
from placewise.panel.hotspot_rate_words import RateFigure, between, figure, rate_figure
from placewise.panel.hotspot_rates import CellRates, judged, on_peopled_ground, resident_rates
from placewise.panel.hotspot_residents import Peopled, area_at, of_year
from placewise.panel.hotspots import Hotspots

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WardRates:
    """Reports per 1,000 residents a year by ward.

    Attributes
    ----------
    rows : list of (str, RateFigure)
        Ward and its figure, by name.
    whole : RateFigure or None
        All wards together, a child once in each; None where no ward has a figure.
    why_none : str
        Why no ward has a figure; empty when one has.
    denominator_is : str
        With its year and source.
    elsewhere : int
        Records on the map that are in none of the wards, or where no residents are held.
    """

    rows: list[tuple[str, RateFigure]]
    whole: RateFigure | None
    why_none: str
    denominator_is: str
    elsewhere: int


def ward_rates(found: Hotspots, rates: CellRates | None) -> WardRates | None:
    """The same rate by ward; None without wards, or in a view of anything else."""
    wards = found.ground.wards
    if rates is None or rates.peopled is None or not wards.ids:
        return None
    living, denominator_is, may = _living(found, rates.peopled)
    columns, here = found.records.columns, np.flatnonzero(may)
    position = np.full(columns.n, -1, dtype=np.int64)
    position[here] = area_at(wards.shapes, columns.x[here], columns.y[here])
    made = judged(
        rates.measure,
        lambda: resident_rates(found, position, living, population_is=denominator_is),
        living.size,
    )
    return WardRates(
        [(name, rate_figure(made, at)) for at, name in enumerate(wards.names)],
        None if made.rates is None else _together(made.rates),
        made.why_none,
        denominator_is,
        int((found.position >= 0).sum() - (position >= 0).sum()),
    )


def _living(found: Hotspots, peopled: Peopled) -> tuple[Floats, str, Flags]:
    """Residents of each ward, what they are, and which records lie where they are held."""
    wards, own = found.ground.wards, peopled.wards
    if own is not None and own.year >= peopled.areas.year and set(wards.ids) <= set(own.ids):
        held = dict(zip(own.ids, own.residents.tolist(), strict=True))
        living = np.array([held[ward] for ward in wards.ids], dtype=np.float64)
        return living, of_year(own), found.position >= 0
    return peopled.within(wards.shapes), peopled.words, on_peopled_ground(found, peopled)


def _together(made: Rates) -> RateFigure:
    whole = population_rates(
        [made.count.sum()], [made.denominator.sum()], population_is=made.denominator_is, per=made.per
    )
    return RateFigure(
        int(whole.count[0]), round(whole.denominator[0]), figure(whole.rate[0]), between(whole, 0), ""
    )
