"""What a table of near repeats says, in a panel's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from placewise.panel.hotspot_words import count_of

#: Pairs are called more than chance gives at this p (the one question) or q (the table).
Q_AT_MOST = 0.05
#: As for the map's cells: fewer seen and fewer expected say nothing.
MIN_OBSERVED, MIN_EXPECTED = 5, 1.0
MORE, ORDINARY, TOO_FEW = "more", "ordinary", "too_few"
VERDICTS = {MORE: "More than chance gives", ORDINARY: "Within what chance gives", TOO_FEW: "Too few to tell"}
#: Lower edges of the steps of shade, in times as frequent as chance gives; below the first there is none.
SHADE_FROM = (1.0, 1.25, 1.5, 2.0, 3.0)
_NAMED = 3

ABOUT = (
    "This tells about records, not about who: it does not say that one child led another, why records come together, "
    "or where the next will be."
)


def verdict(observed: int, expected: float, q: float) -> str:
    """Whether so many pairs are more than chance gives, within it, or too few to tell.

    >>> verdict(23, 12.9, 0.002), verdict(12, 12.9, 0.6), verdict(3, 0.2, 0.001)
    ('more', 'ordinary', 'too_few')
    """
    if observed < MIN_OBSERVED and (expected < MIN_EXPECTED or q <= Q_AT_MOST):
        return TOO_FEW
    return MORE if q <= Q_AT_MOST else ORDINARY


def shade(cell: Mapping[str, Any]) -> int:
    """Step of the one ramp, 0 (no more than chance gives) to 5."""
    ratio = cell["ratio"]
    return 0 if ratio is None or cell["verdict"] == TOO_FEW else sum(ratio > edge for edge in SHADE_FROM)


def space_labels(bounds_m: tuple[int, ...]) -> tuple[str, ...]:
    """Names of distance bands that hold their upper end and not their lower.

    >>> space_labels((100, 200))
    ('up to 100 m', 'over 100 to 200 m')
    """
    return (
        f"up to {bounds_m[0]:,} m",
        *(f"over {low:,} to {high:,} m" for low, high in pairwise(bounds_m)),
    )


def chance_words(p: float) -> str:
    """A p value as it is read.

    >>> chance_words(0.0021), chance_words(0.047), chance_words(0.3104), chance_words(1.0)
    ('p 0.002', 'p 0.047', 'p 0.31', 'p 1')
    """
    return f"p {p:.3f}" if p < 0.1 else f"p {p:.2g}"


def answer_in_words(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The sentences of an answer: the first, what it is about, what was left out, the table, the other test, notes."""
    return {
        "sentence": _question(answer),
        "about": ABOUT,
        "left_out": _left_out(answer),
        "table_sentence": _table(answer),
        "nearest_sentence": _nearest(answer),
        "method": list(_method(answer)),
        "limits": list(_limits(answer)),
    }


def _another(answer: Mapping[str, Any]) -> str:
    records = answer["records"]
    return "another record" if records["without_child"] == records["used"] else "another child’s record"


def _question(answer: Mapping[str, Any]) -> str:
    here = answer["question"]
    within = f"{_another(answer)} within {here['within_m']:,} m and {_days(here['within_days'])}"
    counts = f"{count_of(here['observed'], 'pair')} against {here['expected']:,.1f}"
    p = chance_words(here["p"])
    if here["verdict"] == TOO_FEW:
        return f"Too few to tell whether, after a record, {within} is more frequent than chance gives ({counts})."
    if here["verdict"] == MORE:
        return f"After a record, {within} was {here['ratio']:.1f} times as frequent as chance gives ({counts}; {p})."
    spread = f"{here['chance_low']:,.0f} to {here['chance_high']:,.0f}"
    return (
        f"After a record, {within} was within what chance gives ({counts}; chance alone gave {spread}; {p})."
    )


def _days(days: int) -> str:
    return "on the same day" if days == 0 else count_of(days, "day")


def _left_out(answer: Mapping[str, Any]) -> str:
    records = answer["records"]
    left = records["matching"] - records["used"]
    said = f"{records['used']:,} of {count_of(records['matching'], 'record')} that match the filters are compared"
    if not left:
        return f"{said}; none is left out."
    reasons = [
        (records["matching"] - records["on_map"], "not on the map"),
        (records["not_exact"], f"not known to within {answer['exact_m']:,} m"),
        (records["not_dated"], "not known to the day"),
    ]
    named = ", ".join(f"{n:,} {words}" for n, words in reasons if n)
    return f"{said}; {left:,} ({left / records['matching']:.0%}) are left out: {named}."


def _table(answer: Mapping[str, Any]) -> str:
    cells = [
        (f"{space}, {time}", cell["verdict"])
        for space, row in zip(answer["space"], answer["rows"], strict=True)
        for time, cell in zip(answer["time"], row, strict=True)
    ]
    more = [name for name, found in cells if found == MORE]
    few = sum(found == TOO_FEW for _, found in cells)
    n = count_of(len(cells), "combination")
    said = f"Of {n} of distance and time, none holds more pairs than chance gives"
    if more:
        others = f" and {len(more) - _NAMED} more" if len(more) > _NAMED else ""
        holds = "holds" if len(more) == 1 else "hold"
        said = f"Of {n} of distance and time, {len(more)} {holds} more pairs than chance gives: "
        said += "; ".join(more[:_NAMED]) + others
    return f"{said}{f'; {few} have too few to tell' if few else ''}. This allows for all of them having been looked at."


def _nearest(answer: Mapping[str, Any]) -> str:
    test = answer["nearest"]
    if "problem" in test:
        return f"The test by nearest records could not be made. {test['problem']}"
    whole = "others’" if _another(answer) == "another record" else "other children’s"
    counts = f"{test['statistic']:,.1f} pairs against {test['expected']:,.1f}, {chance_words(test['p'])}"
    more = "more often than chance gives" if test["p"] <= Q_AT_MOST else "as often as chance alone can give"
    return (
        f"Without choosing a distance (Jacquez): the {test['k']} nearest of {whole} records in place were also "
        f"among the {test['k']} nearest in time {more} ({counts})."
    )


def _method(answer: Mapping[str, Any]) -> Iterator[str]:
    records, n_cells = answer["records"], len(answer["space"]) * len(answer["time"])
    own = records["own_pairs"]
    yield (
        f"Period: {answer['period']}. Days are those of the London calendar; a record between two days counts on "
        "the day of its middle. “Up to 100 m” holds 100 m itself; “1 to 7 days” holds days 1 and 7."
    )
    yield (
        f"Expected is the mean of {answer['shufflings']:,} shufflings of the dates (Knox 1964; Johnson and others "
        "2007). p is the share of shufflings with at least as many pairs, the data themselves counted as one."
    )
    yield (
        "A child’s records keep together: its pairs with itself are not counted, and its dates change places as one "
        "with those of another child with equally many records. Records that name several children join those. "
        f"{records['movable']:,} of {count_of(records['used'], 'record')} can change places; "
        f"{count_of(own, 'pair')} of one child’s own records {'is' if own == 1 else 'are'} left out."
    )
    yield (
        "The one question of distance and days is fixed before the records are looked at, as is “more” (not “fewer”). "
        f"In the table p is adjusted for all {n_cells} combinations (q, Benjamini–Hochberg): at most one in twenty of "
        "those called more is expected to be a false alarm."
    )
    yield f"Shuffled with seed {answer['seed']}: the same records and seed give the same figures."


def _limits(answer: Mapping[str, Any]) -> Iterator[str]:
    records = answer["records"]
    if records["without_child"]:
        share = f"{records['without_child']:,} of {count_of(records['used'], 'record')}"
        verb = "names" if records["without_child"] == 1 else "name"
        yield f"{share} {verb} no child: repeats of one child among them cannot be told from near repeats."
    if records["movable"] < records["used"]:
        yield "Children who alone have so many records keep their dates, which hides some of what there is."
    yield (
        f"Each location may be up to {answer['exact_m']:,} m off, so a pair may be in a band too near or too far; "
        "records moved to a street’s or a place’s point lie nearer to one another than they were."
    )
    yield "Two agencies’ records of one incident are two records, and a pair, unless both name the child."
    yield "A home that opens, a school term or a police operation brings records together in place and time as well."
