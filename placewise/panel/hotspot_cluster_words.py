"""A scan's answer in words: how it compares, what it looked at, and each cluster's figures as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from placewise.panel.analyses.scan_question import ANY, AREA, BACKGROUND, NOW, PERMUTATION, WHOLE
from placewise.panel.hotspot_months import named
from placewise.panel.hotspot_words import count_of, spelled

#: The answer of `analyses.scan.SCAN`, and one of its clusters.
Result = Mapping[str, Any]
One = Mapping[str, Any]

COMPARED_LABELS = {
    PERMUTATION: "Each place’s own other months",
    AREA: "An even spread over the area",
    BACKGROUND: "All other records, of every kind",
}
TIME_LABELS = {NOW: "Still going on", ANY: "Any months", WHOLE: "The whole period at once"}
STANDS_OUT, WITHIN_CHANCE = "Stands out from chance", "Within what chance gives"
KEY = "Numbered circle: more records than chance would put there"

HOW = {
    PERMUTATION: (
        "Expected: the circle’s share of all records times its months’ share. So a place that is always busy is no "
        "cluster, nor is a month that is busy everywhere; a place that was always worse is not found, nor a rise "
        "everywhere at once (space–time permutation)."
    ),
    AREA: (
        "Expected: the circle’s share of the study area, as if harm could be anywhere alike. Streets, shops and "
        "schools beat that anyway, so compare it with other records too. Residential population is not held "
        "(Poisson)."
    ),
    BACKGROUND: (
        "Expected: the circle’s share of all records that are located as finely, whatever their harm and their link "
        "to the location except a child’s home, from the same agencies. Found and detected points are among them, so "
        "harm beside a police station may not stand out (Bernoulli)."
    ),
}
_REPEATS = {
    PERMUTATION: "Records that share a child were moved together",
    AREA: "Each child counts once, at the first of its records",
    BACKGROUND: "Records that share a child were dealt together",
}
LIMITS = (
    "The edge of a circle is not the edge of a problem. The strongest of many circles looks stronger than it is. "
    "It says nothing of why, nor of who, nor that places outside are safe."
)


def how_many(n: int, result: Result) -> str:
    """How many clusters stand out, as a sentence."""
    amount, noun = spelled(n).capitalize(), "cluster" if n == 1 else "clusters"
    if result["parameters"]["time"] == NOW:
        return f"{amount} {noun} {'is' if n == 1 else 'are'} still going on in {named(result['period'][1])}."
    first, last = (named(month) for month in result["period"])
    period = first if first == last else f"{first} to {last}"
    return f"{amount} {noun} {'stands' if n == 1 else 'stand'} out in {period}."


def unseen(result: Result) -> str:
    """What this scan could not have seen, for where it found nothing."""
    if result["parameters"]["compared"] == PERMUTATION:
        return "harm that goes on in the same places at the same rate makes no cluster, nor does a rise everywhere."
    return "harm that is spread evenly makes no cluster, nor does harm that nobody recorded."


def repeats(result: Result) -> str:
    """What was done about one child’s many records."""
    asked, records = result["parameters"], result["records"]
    said = f"{_REPEATS[asked['compared']]}, so that one child’s repeats are not taken for many children’s."
    left = records["on_map"] - records["used"]
    if asked["compared"] == AREA and left:
        said += f" {count_of(left, 'repeat')} left out, {records['used']:,} of {records['on_map']:,} used."
    if records["kept_in_place"]:
        n = records["kept_in_place"]
        said += (
            f" {count_of(n, 'record')} could not be moved: no other child has as many. Clusters of these are "
            "harder to see."
        )
    return said


def looked_at(result: Result) -> str:
    """Which circles and months were held against chance."""
    asked = result["parameters"]
    stretch = ""
    if asked["time"] != WHOLE:
        ending = f" up to {named(result['period'][1])}" if asked["time"] == NOW else ""
        stretch = f", and stretches of up to {count_of(asked['longest_months'], 'month')}{ending}"
    return (
        f"Looked at: circles of up to {asked['radius_m']:,} m and {asked['share_percent']}% of the whole around the "
        f"centres of {result['cells']:,} cells{stretch}; only for more than expected, and from "
        f"{asked['least_in_cluster']} records on. Cells and not points, because records are not known more closely."
    )


def made_by(result: Result) -> str:
    """How to make the answer again."""
    asked, made = result["parameters"], result["shufflings_made"]
    stopped = ", stopped early because chance had equalled it often enough" if result["stopped_early"] else ""
    return f"{made:,} shuffles of {asked['shufflings']:,} asked for{stopped}; seed {asked['seed']}."


def counts(one: One, result: Result) -> str:
    """Records and what would be expected: ``31 records where 9.0 would be expected``."""
    once = ", each child counted once," if result["parameters"]["compared"] == AREA else ""
    return f"{count_of(one['observed'], 'record')}{once} where {expected(one)} would be expected"


def expected(one: One) -> str:
    """Expected records, rounded as they should be read."""
    return f"{one['expected']:.0f}" if one["expected"] >= 10 else f"{one['expected']:.1f}"


def when(one: One) -> str:
    """Its months.

    >>> when({"first_month": "2026-03", "last_month": "2026-05"})
    'from March to May 2026'
    >>> when({"first_month": "2025-12", "last_month": "2026-02"})
    'from December 2025 to February 2026'
    >>> when({"first_month": "2026-05", "last_month": "2026-05"})
    'in May 2026'
    """
    first, last = named(one["first_month"]), named(one["last_month"])
    if first == last:
        return f"in {first}"
    (month, year), same_year = first.split(), one["first_month"][:4] == one["last_month"][:4]
    return f"from {month if same_year else f'{month} {year}'} to {last}"


def chance(one: One, result: Result) -> str:
    """How often chance alone did as well."""
    return f"chance alone did as well {shuffles(one, result)}"


def shuffles(one: One, result: Result) -> str:
    """How many shuffles equalled it: of so many made, or about 1 in so many where they stopped early."""
    made = result["shufflings_made"]
    if result["stopped_early"]:
        return f"in about {one['p']:.0%} of {made:,} shuffles"
    equal = round(one["p"] * (made + 1)) - 1
    return f"in {equal if equal else 'none'} of {made:,} shuffles"


def p_words(one: One) -> str:
    """The p-value with how well it is known."""
    said = f"p {one['p']:.3f}, 95% limits {one['p_low']:.3f} to {one['p_high']:.3f}"
    if one["gumbel_p"] is not None:
        said += f"; by a curve through the shuffles about {one['gumbel_p']:.0e}"
    return said


def recurrence(one: One, result: Result) -> str:
    """How often chance would show such a cluster to who looks each month; empty if nobody asked for the present."""
    if one["recurrence_months"] is None:
        return ""
    months = one["recurrence_months"]
    often = f"{months / 12:,.0f} years" if months >= 24 else f"{months:,.0f} months"
    rarely = "At most about once" if one["p_low"] == 0 else "About once"
    return f"{rarely} in {often} of looking every month"
