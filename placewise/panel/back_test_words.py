"""What a look back at the map says, in a panel's words; a surface that does not beat a plain count says so first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from placewise.panel.hotspot_months import gaps_named, named
from placewise.panel.hotspot_words import count_of

#: What can be judged, as the subject of a sentence.
SURFACES = {
    "density": "The map’s density surface",
    "counts": "The map’s counts",
    "significance": "The map’s comparison with chance",
}
BETTER, NOT_BETTER, WORSE, TOO_FEW, SAME = "better", "not_better", "worse", "too_few", "same"
VERDICTS = {
    BETTER: "Beats the plain count",
    NOT_BETTER: "Does not beat the plain count",
    WORSE: "Does worse than the plain count",
    TOO_FEW: "Too few to tell",
    SAME: "Is the plain count",
}
NO_STREETS = (
    "No streets are held, so the surface is judged by area only. Import streets to judge it by their length."
)
SIZES = {"area": "area", "street_length": "street length"}

PURPOSE = (
    "This looks back at whether the map’s own surface is any good. It is not used to predict people or to send "
    "patrols: records follow whoever looks, and a place without records is not a safe place."
)


def verdict(judged: str, found: str, high: float) -> str:
    """Verdict on a surface at one share.

    Parameters
    ----------
    judged : str
        Its name; counts are the plain count itself.
    found : {"better", "not_better", "too_few"}
        As `geo.backtest` has it.
    high : float
        Upper end of the interval of the difference.
    """
    if judged == "counts":
        return SAME
    return WORSE if found == NOT_BETTER and high < 0 else found


def answer_in_words(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The sentences of an answer: the first, the same by street length, what it is for, and notes."""
    return {
        "sentence": _sentence(answer, "area"),
        "street_sentence": _sentence(answer, "street_length") if answer["street_length"] else NO_STREETS,
        "purpose": PURPOSE,
        "looked_at": _looked_at(answer),
        "method": list(_method(answer)),
        "limits": list(_limits(answer)),
    }


def _sentence(answer: Mapping[str, Any], size_of: str) -> str:
    measured = answer[size_of]
    row, before = measured["rows"][answer["position"]], count_of(answer["before"], "month")
    subject = SURFACES[answer["judged"]]
    where, came = f"in the {row['share']}% of the {SIZES[size_of]}", _came(measured["records"])
    surface, plain = f"{row['surface']['hit_rate']:.0%}", f"{row['plain']['hit_rate']:.0%}"
    if row["verdict"] == SAME:
        spread = f"{row['surface']['low']:.0%} to {row['surface']['high']:.0%}"
        return (
            f"{subject} are the plain count itself, so there is nothing for them to beat: {where} that they put "
            f"first, they held {surface} (95% interval {spread}) {came}."
        )
    figures = (
        f"{where} that it puts first, it held {surface} {came}, a plain count of the {before} before {plain}"
    )
    if row["verdict"] == TOO_FEW:
        differ = count_of(row["disagreeing"], "record or child", "records or children")
        return (
            f"Too few to tell {subject[0].lower()}{subject[1:]} from a plain count of earlier records: {figures}; "
            f"they differ on {differ}."
        )
    interval = f"95% interval {points(row['low'])} to {points(row['high'])}"
    difference = f"difference {points(row['difference'])} points, {interval}"
    return f"{subject} {_SAID[row['verdict']]} a plain count of earlier records: {figures} ({difference})."


_SAID = {BETTER: "beats", NOT_BETTER: "does not beat", WORSE: "does worse than"}


def _came(n: int) -> str:
    return f"of the {count_of(n, 'record')} that came next"


def points(difference: float) -> str:
    """A difference of shares, in percentage points with their sign.

    >>> points(0.0512), points(-0.01), points(-0.0001)
    ('+5.1', '−1.0', '0.0')
    """
    tenths = round(difference * 1000) / 10
    return f"{'+' if tenths > 0 else '−' if tenths < 0 else ''}{abs(tenths):.1f}"


def _looked_at(answer: Mapping[str, Any]) -> str:
    months = answer["windows"]
    said = (
        f"{count_of(len(months), 'month')} looked back at: {gaps_named(months)}, each from the "
        f"{count_of(answer['before'], 'month')} before it. n = {count_of(answer['area']['records'], 'record')}."
    )
    if answer["silent"]:
        said += f" Left out, because nobody sent anything: {gaps_named(answer['silent'])}."
    return said


def _method(answer: Mapping[str, Any]) -> Iterator[str]:
    made = {
        "density": f"smoothed over {answer['bandwidth_m'] or 0:,.0f} m and gathered into",
        "counts": "counted in",
        "significance": "compared with chance, each child once with its neighbours (Getis–Ord Gi*), in",
    }
    yield (
        f"Records of {named(answer['first_month'])} to {named(answer['last_month'])}, {made[answer['judged']]} cells "
        f"of {answer['cell_width_m']} m. Before each month the surface is made from the "
        f"{count_of(answer['before'], 'month')} before it and nothing later, so nothing leaks back."
    )
    yield (
        "Cells are looked at from the highest down until the share of the area (or of the street length) is full; "
        "ties and the last cell count in part. The plain count is the number of records in each cell in the same "
        "months before."
    )
    yield (
        "Hit rate: share of the records that came in the cells looked at. PAI: hit rate over share, 1 is what looking "
        "anywhere gives. PEI: hits over the most that any choice of that share could have had. Recapture index (RRI): "
        "records the surface put there over records that came; only of surfaces that are numbers of records."
    )
    yield (
        "The interval of the difference draws children (records where no child is named) again "
        f"{answer['resamples']:,} times, seed {answer['seed']}. With fewer than "
        "ten that the two held differently it is too few to tell."
    )
    yield (
        f"The first sentence is about {answer['share']}%, chosen beforehand; the other shares are shown for the "
        "whole curve and are not adjusted for their number."
    )


def _limits(answer: Mapping[str, Any]) -> Iterator[str]:
    yield "It counts records, not harm: if someone looked where the map was dark, records came from there."
    yield "A high PAI at a small share is cheap where cells are many and records few."
    if answer["area"]["left_out"]:
        yield f"{count_of(answer['area']['left_out'], 'record')} outside the study area left out."
    streets = answer["street_length"]
    if streets and streets["left_out"] > answer["area"]["left_out"]:
        extra = streets["left_out"] - answer["area"]["left_out"]
        yield f"By street length, {count_of(extra, 'record')} in cells without a street left out."
    if answer["judged"] == "density":
        yield "Another smoothing distance gives another surface; choosing the best after looking would flatter it."
    if answer["judged"] == "significance":
        yield "The map was not made to rank cells by p; it is judged here as if it were."
