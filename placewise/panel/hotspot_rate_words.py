"""What is said of rates: the chair's sentence, the legend, and one cell's figure with its range."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from placewise.geo.intervals import apart_by_chance
from placewise.geo.rates import Rates
from placewise.panel.hotspot_rates import (
    ABOVE,
    BELOW,
    MONTHS_A_YEAR,
    NO_RATE,
    WITHIN,
    CellRates,
    months_in_view,
    on_peopled_ground,
)
from placewise.panel.hotspot_residents import Peopled
from placewise.panel.hotspot_words import Legend, Swatch, cell_words, count_of, counted_lines, shade_of
from placewise.panel.hotspots import Hotspots, period_words

Floats = NDArray[np.float64]

STANDS = {
    NO_RATE: "Too few to tell",
    WITHIN: "Within ordinary variation of the whole area",
    ABOVE: "Above the whole area",
    BELOW: "Below the whole area",
}
#: Lower edges of the classes of a quotient: 1 is like the whole area.
QUOTIENT_EDGES = (0.0, 0.5, 1.0, 1.5, 2.0)
_CLASSES = 5
#: A class begins at least a quarter above the one below: a shade would be read as more than a smaller step holds.
LEAST_STEP = 1.25
NO_RISK = "This rate is not the risk of those who live there."
_MORE_IN = "Above 1: more of the records than of what they are held against. Not “many”."


def rate_sentence(found: Hotspots, rates: CellRates) -> str:
    """What a chair would say aloud first of a rates view."""
    if rates.rates is None:
        return rates.why_none
    given, measure = rates.given.size, rates.measure
    held = int(((rates.rates.count > 0) | (rates.rates.denominator > 0)).sum())
    opening = f"In {period_words(found.wanted)}, {count_of(given, 'cell')} of {held:,} can be given a figure"
    fewer = f"the others have fewer than {rates.rates.smallest:g} {measure.denominator}"
    above, below = (int((rates.stand == stand).sum()) for stand in (ABOVE, BELOW))
    whole = (
        "their share of the whole area"
        if measure.is_quotient
        else f"the whole area’s {figure(rates.overall)} {measure.unit}"
    )
    clear = f"{_lie(above).capitalize()} clearly above {whole} and {_lie(below).split()[0]} clearly below"
    said = f"{opening}; {fewer}. {clear}: by chance alone {_by_chance(rates)} would."
    return f"{said} {NO_RISK}" if rates.peopled else said


def _by_chance(rates: CellRates) -> str:
    """How many cells would lie apart if every cell had the whole area's rate; one in twenty where that is not known."""
    if rates.rates is None or not rates.peopled:
        apart = round(rates.given.size / 20)
        return f"about {apart:,}" if apart else "hardly any"
    expected = rates.overall * rates.rates.denominator[rates.given] / rates.rates.per
    apart = round(apart_by_chance(expected[expected > 0]))
    return f"about {apart:,}" if apart else "hardly any"


def _lie(n: int) -> str:
    return "none lies" if n == 0 else f"{n:,} {'lies' if n == 1 else 'lie'}"


def rate_edges(rates: CellRates) -> list[float]:
    """Lower edges of up to five classes of the figures above nought: equal numbers of cells, fixed for a quotient.

    Fewer where the figures hardly differ; none where no figure is above nought.
    """
    some = _above_nought(rates)
    if not some.size:
        return []
    least, most = float(some.min()), float(some.max())
    if most < LEAST_STEP * least:
        return [_written(least, at_most=least)]
    if rates.measure.is_quotient:
        first = max(edge for edge in QUOTIENT_EDGES if edge <= least)
        return [edge for edge in QUOTIENT_EDGES if first <= edge <= most]
    classes = min(_CLASSES, some.size)
    edges = [_written(least, at_most=least)]
    for cut in np.quantile(some, np.arange(1, classes) / classes).tolist():
        edge = _written(cut, at_most=most)
        if edge > 0 and edge >= LEAST_STEP * edges[-1]:
            edges.append(edge)
    return edges


def _above_nought(rates: CellRates) -> Floats:
    some = np.empty(0) if rates.rates is None else rates.rates.rate[rates.given]
    return some[some > 0]


def _written(value: float, *, at_most: float) -> float:
    """A value as `figure` writes it, so that a cell is in the class that its legend says; one digit lower if above."""
    text = figure(value).replace(",", "")
    last = 10.0 ** -len(text.partition(".")[2])
    return float(text) if float(text) <= at_most else round(float(text) - last, 2)


def rates_legend(found: Hotspots, rates: CellRates, edges: list[float]) -> Legend:
    """Legend of the rates view."""
    measure, some = rates.measure, _above_nought(rates)
    labels = [f"{figure(low)} to under {figure(top)}" for low, top in pairwise(edges)]
    if edges:
        low, top = figure(edges[-1]), figure(some.max())
        labels.append(low if low == top else f"{low} to {top}")
    key = [Swatch(f"step-{shade_of(i, len(edges))}", words) for i, words in enumerate(labels)]
    if edges and edges[0] == 0:
        key[0] = replace(key[0], label=f"Above {key[0].label}")
    if rates.given.size > some.size:
        key.insert(0, Swatch("none", "0"))
    key.append(Swatch("too-few", STANDS[NO_RATE]))
    title = f"{measure.label}, in each {cell_words(found.wanted)}"
    alike = ["The figures hardly differ, so one shade stands for all of them."]
    said = alike if some.size > 1 and len(edges) == 1 else []
    return Legend(title, key, [*said, *_how(found, rates), *counted_lines(found)])


def _how(found: Hotspots, rates: CellRates) -> list[str]:
    measure = rates.measure
    if rates.rates is None:
        return [rates.why_none]
    if rates.peopled:
        return _how_by_residents(found, rates.rates, rates.peopled)
    said = [f"Denominator: {measure.denominator}, in the same cell and time."]
    if measure.is_quotient:
        said.append(
            f"A cell’s share of the {measure.numerator} over its share of the {measure.denominator}. {_MORE_IN}"
        )
    if measure.numerator == "reports":
        said.append(
            "A child counts once a cell however often named; records without a named child count each."
        )
    if measure.denominator == "recorded crimes":
        said.append("Recorded crime and stop and search are not counted as reports, whatever is ticked.")
    if measure.denominator == "different children":
        said.append("A record that names two children counts for each; one that names none is left out.")
        said.append(
            "How far repeats make the count. It describes a place and ranks no child; a child’s many reports are a "
            "need for help."
        )
    said.append(
        f"Cells with fewer than {rates.rates.smallest:g} {measure.denominator} are too few to tell. A high figure may "
        "come from a denominator that is low or badly recorded, and it is nobody’s risk: people in a town centre "
        "mostly live elsewhere."
    )
    return said


def _how_by_residents(found: Hotspots, made: Rates, peopled: Peopled) -> list[str]:
    areas = f"{peopled.areas.residents.sum():,} in {count_of(len(peopled.areas.ids), 'area')}"
    said = [
        f"Denominator: {made.denominator_is} ({areas}); nobody on water.",
        "A child counts once a cell and twelve months however often named; records without a named child count each.",
    ]
    months = months_in_view(found)
    if months != MONTHS_A_YEAR:
        said.append(f"Brought to a year from {count_of(months, 'month')}.")
    beyond = int((found.position >= 0).sum() - on_peopled_ground(found, peopled).sum())
    if beyond:
        said.append(f"{count_of(beyond, 'record')} on ground whose residents are not held: left out.")
    visitors = (
        "Records of children who only visit count too. A town centre has few residents and many visitors."
    )
    few = f"Cells with fewer than {made.smallest:g} residents are too few to tell. Most others hold few reports:"
    few += " read the ranges, take larger cells, or see the table of wards."
    uneven = "The ranges do not cover how unevenly people live within an area."
    return [*said, f"{visitors} {NO_RISK}", f"{few} {uneven}"]


@dataclass(frozen=True, slots=True)
class RateFigure:
    """One cell's rate as columns of the table; a dash where there are too few."""

    count: int
    denominator: int
    figure: str
    between: str
    stand: str


def rate_figure(rates: CellRates, at: int) -> RateFigure:
    """The rate of the cell at a position."""
    if rates.rates is None:
        return RateFigure(0, 0, "–", "–", STANDS[NO_RATE])
    made = rates.rates
    given = rates.stand[at] != NO_RATE
    return RateFigure(
        int(made.count[at]),
        round(made.denominator[at]),
        figure(made.rate[at]) if given else "–",
        between(made, at) if given else "–",
        STANDS[int(rates.stand[at])],
    )


def between(made: Rates, at: int) -> str:
    """The interval of one rate."""
    return f"{figure(made.low[at])} to {figure(made.high[at])}"


def rate_words(rates: CellRates, at: int) -> str:
    """One cell's figure with its range, and what it is made of."""
    measure = rates.measure
    if rates.rates is None:
        return rates.why_none
    made = rates.rates
    made_of = f"{made.count[at]:,.0f} {measure.numerator}, {made.denominator[at]:,.0f} {measure.denominator}"
    if rates.stand[at] == NO_RATE:
        return f"Too few to tell: {made_of} (at least {rates.rates.smallest:g} are needed)"
    unit = f" {measure.unit}" if measure.unit else " (1 is like the whole area)"
    value, low, high = (figure(edge[at]) for edge in (made.rate, made.low, made.high))
    whole = "" if measure.is_quotient else f"; the whole area has {figure(rates.overall)}"
    stand = STANDS[int(rates.stand[at])]
    if rates.peopled:
        stand += f". Held against {made.denominator_is}. {NO_RISK}"
    return f"{value}{unit}, 95% range {low} to {high}: {made_of}{whole}. {stand}"


def figure(value: float) -> str:
    """A rate to two digits or so: ``0.25``, ``3.4``, ``120``.

    >>> figure(0.254), figure(3.44), figure(118.7), figure(0)
    ('0.25', '3.4', '119', '0')
    """
    if value == 0:
        return "0"
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"
