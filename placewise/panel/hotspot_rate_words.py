"""What is said of rates: the chair's sentence, the legend, and one cell's figure with its range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placewise.panel.hotspot_rates import ABOVE, BELOW, NO_RATE, WITHIN, CellRates
from placewise.panel.hotspot_words import Legend, Swatch, cell_words, count_of, counted_lines, shade_of
from placewise.panel.hotspots import Hotspots, period_words

STANDS = {
    NO_RATE: "Too few to tell",
    WITHIN: "Within ordinary variation of the whole area",
    ABOVE: "Above the whole area",
    BELOW: "Below the whole area",
}
#: Lower edges of the classes of a quotient: 1 is like the whole area.
QUOTIENT_EDGES = (0.0, 0.5, 1.0, 1.5, 2.0)
_CLASSES = 5
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
    return f"{opening}; {fewer}. {clear}: by chance alone about {max(1, round(given / 20)):,} would."


def _lie(n: int) -> str:
    return "none lies" if n == 0 else f"{n:,} {'lies' if n == 1 else 'lie'}"


def rate_edges(rates: CellRates) -> list[float]:
    """Lower edges of up to five classes: equal numbers of cells, or fixed ones for a quotient."""
    if rates.rates is None or not rates.given.size:
        return []
    if rates.measure.is_quotient:
        return list(QUOTIENT_EDGES)
    some = rates.rates.rate[rates.given]
    some = some[some > 0]
    classes = max(min(_CLASSES, some.size), 1)
    cuts = np.quantile(some, np.arange(1, classes) / classes) if some.size else np.empty(0)
    # Rounded as they are written, so that a cell is in the class that its legend says.
    return sorted({0.0, *(float(figure(cut).replace(",", "")) for cut in cuts)})


def rates_legend(found: Hotspots, rates: CellRates, edges: list[float]) -> Legend:
    """Legend of the rates view."""
    measure = rates.measure
    tops = [*(f"under {figure(edge)}" for edge in edges[1:]), "or more"][: len(edges)]
    key = [
        Swatch(
            f"step-{shade_of(i, len(edges))}",
            f"{figure(low)} {top}" if top == "or more" else f"{figure(low)} to {top}",
        )
        for i, (low, top) in enumerate(zip(edges, tops, strict=True))
    ]
    key.append(Swatch("too-few", STANDS[NO_RATE]))
    title = f"{measure.label}, in each {cell_words(found.wanted)}"
    return Legend(title, key, [*_how(rates), *counted_lines(found)])


def _how(rates: CellRates) -> list[str]:
    measure = rates.measure
    if rates.rates is None:
        return [rates.why_none]
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
        int(made.denominator[at]),
        figure(made.rate[at]) if given else "–",
        f"{figure(made.low[at])} to {figure(made.high[at])}" if given else "–",
        STANDS[int(rates.stand[at])],
    )


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
    return f"{value}{unit}, 95% range {low} to {high}: {made_of}{whole}. {stand}"


def figure(value: float) -> str:
    """A rate to two digits or so: ``0.25``, ``3.4``, ``120``.

    >>> figure(0.254), figure(3.44), figure(118.7), figure(0)
    ('0.25', '3.4', '119', '0')
    """
    if value == 0:
        return "0"
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"
