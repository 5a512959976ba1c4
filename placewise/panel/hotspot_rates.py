"""The rates view: records of each cell against something else that is recorded there, and never without its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import TooFewRecords
from placewise.core.vocabulary import terms
from placewise.geo.counts import independent_reports_per_cell
from placewise.geo.rates import Rates, background_rates, location_quotients, population_rates
from placewise.geo.repeat_rates import records_per_child
from placewise.panel.hotspot_records import NO_CHILD
from placewise.panel.hotspot_residents import Peopled, area_at
from placewise.panel.hotspots import Hotspots

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PER_RESIDENTS = 1000.0
MONTHS_A_YEAR = 12
#: Where the interval of a cell lies, held against the figure of the whole area.
NO_RATE, WITHIN, ABOVE, BELOW = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Measure:
    """What is held against what, in words.

    Attributes
    ----------
    label : str
        In the form: "per 100 recorded crimes".
    numerator : str
        What is counted above the line: "reports".
    denominator : str
        What is counted below it: "recorded crimes".
    unit : str
        What follows the figure; empty for a quotient, which has none.
    """

    label: str
    numerator: str
    denominator: str
    unit: str

    @property
    def is_quotient(self) -> bool:
        """A share of one thing over a share of another: 1 is like the whole area."""
        return not self.unit


_OTHERS = "other records of any harm or crime"
MEASURES = {
    "children": Measure(
        "Records per child known", "mentions of a child", "different children", "records per child"
    ),
    "residents": Measure(
        "Reports per 1,000 residents a year", "reports", "residents", "per 1,000 residents a year"
    ),
    "crime": Measure("Per 100 recorded crimes", "reports", "recorded crimes", "per 100 recorded crimes"),
    "crime_quotient": Measure("Quotient: recorded crime", "reports", "recorded crimes", ""),
    "all": Measure(
        "Per 100 records of any kind", "reports", "reports of any harm or crime", "per 100 reports"
    ),
    "all_quotient": Measure("Quotient: all other records", "reports", _OTHERS, ""),
}


@dataclass(frozen=True)
class CellRates:
    """The rates of one picture.

    Attributes
    ----------
    measure : Measure
    rates : Rates or None
        One entry a cell; None when no rate can be given at all.
    why_none : str
        The reason then.
    overall : float
        The same figure of the whole area; 1 for a quotient.
    stand : ndarray of int64, shape (cells,)
        `NO_RATE`, `WITHIN`, `ABOVE` or `BELOW`.
    peopled : Peopled or None
        Who lives where, of a rate by residents.
    """

    measure: Measure
    rates: Rates | None = field(repr=False)
    why_none: str
    overall: float
    stand: Integers = field(repr=False)
    peopled: Peopled | None = field(default=None, repr=False)

    @property
    def given(self) -> Integers:
        """Positions of the cells with a rate."""
        return np.flatnonzero(self.stand != NO_RATE)


def rates_in_view(found: Hotspots) -> CellRates | None:
    """The rates, if the view is of rates."""
    return cell_rates(found) if found.wanted.view == "rates" else None


def cells_to_draw(found: Hotspots, rates: CellRates | None) -> Integers:
    """Positions of cells worth drawing; of a rates view also those without records that can be given a rate."""
    if rates is None:
        return found.drawn
    return np.flatnonzero((found.counts > 0) | (rates.stand != NO_RATE))


def cell_rates(found: Hotspots) -> CellRates:
    """Set the records of each cell against what the filter names, each child once a cell."""
    measure = MEASURES[found.wanted.rate]
    peopled = None
    if found.wanted.rate == "residents" and found.children_known and found.ground.peopled is not None:
        peopled = found.ground.peopled()
    made = judged(measure, lambda: _rates(found, measure, peopled), found.grid.n_cells)
    return replace(made, peopled=peopled)


def judged(measure: Measure, make: Callable[[], Rates], n: int) -> CellRates:
    """Hold each of ``n`` rates against that of the whole; where none can be made, say why."""
    try:
        rates = make()
    except TooFewRecords as problem:
        return CellRates(measure, None, str(problem), float("nan"), np.zeros(n, dtype=np.int64))
    overall = 1.0 if measure.is_quotient else rates.per * float(rates.count.sum() / rates.denominator.sum())
    stand = np.where(rates.low > overall, ABOVE, np.where(rates.high < overall, BELOW, WITHIN))
    # Ten children with one record each are no proof that another would not have two.
    stand[rates.low == rates.high] = WITHIN
    stand[rates.too_small] = NO_RATE
    return CellRates(measure, rates, "", overall, stand)


def _rates(found: Hotspots, measure: Measure, peopled: Peopled | None) -> Rates:
    if not found.children_known:
        raise TooFewRecords(
            "No rate can be given: you see only the records at the places named for your group, and a rate needs all."
        )
    against, _, quotient = found.wanted.rate.partition("_")
    if against == "children":
        columns = found.records.columns
        return records_per_child(
            found.position[columns.child_event], columns.child, n_cells=found.grid.n_cells
        )
    if against == "residents":
        return _against_residents(found, peopled)
    upper, lower = (_against_crime if against == "crime" else _against_all)(found)
    if quotient:
        # Records held against must be apart from those counted.
        apart = lower if against == "crime" else lower - upper
        return location_quotients(upper, apart, background_is=measure.denominator, background_is_counted=True)
    return background_rates(upper, lower, background_is=measure.denominator, counted_in=against == "all")


def _against_residents(found: Hotspots, peopled: Peopled | None) -> Rates:
    """Reports on ground whose residents are held, and those residents: both of the same ground."""
    if peopled is None:
        raise TooFewRecords(
            "No rate can be given: nobody is held to live in any area here. Import boundaries, best of LSOAs, with "
            "the columns residents and residents_year, or choose another figure."
        )
    position = np.where(on_peopled_ground(found, peopled), found.position, -1)
    return resident_rates(found, position, peopled.within(found.grid.polygons()), population_is=peopled.words)


def on_peopled_ground(found: Hotspots, peopled: Peopled) -> Flags:
    """Which records on the map lie in an area whose residents are held, shape (records,)."""
    columns = found.records.columns
    here = np.flatnonzero(found.position >= 0)
    inside = np.zeros(columns.n, dtype=bool)
    inside[here] = area_at(peopled.areas.shapes, columns.x[here], columns.y[here]) >= 0
    return inside


def resident_rates(found: Hotspots, position: Integers, living: Floats, *, population_is: str) -> Rates:
    """Reports per 1,000 residents a year: a child once in each area and each twelve months of the period.

    Parameters
    ----------
    position : ndarray of int64, shape (records,)
        Area of each record, -1 for none.
    living : ndarray of float64, shape (areas,)

    Raises
    ------
    TooFewRecords
        No record lies in any of them: noughts everywhere would be read as figures.
    """
    if not (position >= 0).any():
        raise TooFewRecords("No rate can be given: no record lies where residents are held.")
    records = found.records
    stretch = np.maximum(records.month, 0) // MONTHS_A_YEAR
    child = records.child_of_event
    yearly = np.where(child < 0, NO_CHILD, child * (stretch.max(initial=0) + 1) + stretch)
    reports = independent_reports_per_cell(position, yearly, n_cells=living.size)
    years = months_in_view(found) / MONTHS_A_YEAR
    return population_rates(reports, living, population_is=population_is, per=PER_RESIDENTS / years)


def months_in_view(found: Hotspots) -> int:
    """Months that the picture is of, but for those before the first and after the last record held."""
    if found.wanted.month is not None:
        return 1
    first, last = found.ground.first_month or "", found.ground.last_month or "9"
    return max(sum(first <= month <= last for month in found.records.months), 1)


def _against_crime(found: Hotspots) -> tuple[Integers, Integers]:
    """Reports that are no open data, and recorded crime of the same time, whatever harm or crime is asked for."""
    crime = _of_kind(found, "recorded_crime")
    background = _reports(found, _locatable(found) & crime)
    if not background.any():
        raise TooFewRecords(
            "No rate can be given: no recorded crime (open data, such as police.uk street crime) is held here for "
            "this period. Import it, or choose another figure."
        )
    return _reports(found, found.records.shown & ~crime & ~_of_kind(found, "stop_search")), background


def _against_all(found: Hotspots) -> tuple[Integers, Integers]:
    """Reports that match the filter, and those of the kinds of record chosen, of any harm, crime and agency."""
    kinds = np.zeros(found.records.columns.n, dtype=bool)
    for kind in found.wanted.kinds:
        kinds |= _of_kind(found, kind)
    chosen, every = found.records.shown, _locatable(found) & kinds
    if chosen.sum() == every.sum():
        raise TooFewRecords(
            "No share can be given: the filters leave nothing out, so every record would be held against itself. "
            "Choose a harm, a crime or an agency."
        )
    return _reports(found, chosen), _reports(found, every)


def _locatable(found: Hotspots) -> Flags:
    """Records of the time in view that a cell may carry, as the filter has it but for harm, crime, agency and kind."""
    records = found.records
    month = found.wanted.month
    in_view = records.month >= 0 if month is None else records.month == records.months.index(month)
    chosen = np.array([code in found.wanted.accuracies for code in terms("accuracy")] + [False])
    may: Flags = (
        in_view & records.by_relation & records.located & records.fine & chosen[records.columns.accuracy]
    )
    return may


def _of_kind(found: Hotspots, code: str) -> Flags:
    of_kind: Flags = found.records.columns.kind == list(terms("event_kind")).index(code)
    return of_kind


def _reports(found: Hotspots, rows: Flags) -> Integers:
    """Reports in each cell, a child once a cell."""
    records, here = found.records, np.flatnonzero(rows)
    position = found.grid.locate(records.columns.x[here], records.columns.y[here])
    return independent_reports_per_cell(position, records.child_of_event[here], n_cells=found.grid.n_cells)
