"""What a scan is asked: with what, when, how far and how long, each parameter of the address checked."""

from __future__ import annotations

from dataclasses import dataclass

from placewise.core.errors import BadRequest, TooFewRecords
from placewise.panel.analyses.analysis import SEED, Asked
from placewise.panel.analyses.asked_numbers import SEED_AT_MOST, one_of, whole_number

#: What a place's records are compared with.
PERMUTATION, AREA, BACKGROUND = "permutation", "area", "background"
#: Clusters still going on in the last month; of any stretch of months; of the whole period at once.
NOW, ANY, WHOLE = "now", "any", "whole"
#: Which times make sense with each comparison; the first is the usual one. An even spread over the area says nothing
#: of months, and shuffled months say nothing of a place that is always busy.
TIMES = {PERMUTATION: (NOW, ANY), AREA: (WHOLE,), BACKGROUND: (WHOLE, NOW, ANY)}
RADIUS_M, LARGEST_RADIUS_M = 1000, 10_000
#: Kulldorff's advice: what holds more than half is better told as a lack outside it.
SHARE_PERCENT = 50
LONGEST_MONTHS = 6
SHUFFLINGS = ("199", "999", "4999")

P_AT_MOST = 0.05
#: Among fewer, three or four records decide alone, and the rest are too few to show what is usual. (Of 15 records,
#: three in one place and month stood out in 28 of 40 trials, four in 34.)
LEAST_RECORDS = 20
#: Of two months neither is the usual one.
LEAST_MONTHS = 3
#: Two records are no cluster to send anybody to.
LEAST_IN_CLUSTER = 3


@dataclass(frozen=True, slots=True)
class ScanQuestion:
    """What is asked, all of it fixed before anything is tested; more than expected is sought, never less.

    Attributes
    ----------
    compared : {"permutation", "area", "background"}
    time : {"now", "any", "whole"}
    longest_months : int
        Of a stretch of months; not used for the whole period.
    radius_m : int
        Of the largest circle, to the outer corners of its cells.
    share_percent : int
        A circle holds at most this share of the records, or of the area.
    """

    compared: str
    time: str
    longest_months: int
    radius_m: int
    share_percent: int
    shufflings: int
    seed: int


def read_question(asked: Asked, *, n_months: int, cell_width_m: int) -> ScanQuestion:
    """Understand the address' parameters.

    Raises
    ------
    BadRequest
        One cannot be understood, or does not go with another.
    TooFewRecords
        The period is too short for comparing months.
    """
    compared = one_of(
        asked, "compared", tuple(TIMES), usual=PERMUTATION, what="What records are compared with"
    )
    times = TIMES[compared]
    time = one_of(asked, "time", (NOW, ANY, WHOLE), usual=times[0], what="The time of clusters")
    if time not in times:
        raise BadRequest(_unfit(compared))
    if time != WHOLE and n_months < LEAST_MONTHS:
        raise TooFewRecords(
            f"The map shows {'one month' if n_months == 1 else 'two months'}, and months can only be compared from "
            f"{LEAST_MONTHS} on: of two, neither is the usual one. Choose a longer period"
            + ("." if compared == PERMUTATION else ", or the whole period at once.")
        )
    half = max(1, n_months // 2)
    return ScanQuestion(
        compared,
        time,
        0
        if time == WHOLE
        else whole_number(
            asked,
            "longest",
            usual=min(LONGEST_MONTHS, half),
            low=1,
            high=half,
            what="The longest stretch of months (up to half of the period)",
        ),
        whole_number(
            asked,
            "radius",
            usual=max(RADIUS_M, cell_width_m),
            low=cell_width_m,
            high=LARGEST_RADIUS_M,
            what="The radius of the largest circle (metres, at least one cell)",
        ),
        whole_number(asked, "share", usual=SHARE_PERCENT, low=1, high=50, what="The largest share (percent)"),
        int(one_of(asked, "shufflings", SHUFFLINGS, usual="999", what="The shufflings")),
        whole_number(asked, "seed", usual=SEED, low=0, high=SEED_AT_MOST, what="The seed"),
    )


def _unfit(compared: str) -> str:
    if compared == AREA:
        return (
            "An even spread over the area says nothing of months. Choose the whole period, or compare each place with "
            "its own other months."
        )
    return (
        "Each place is compared with its own other months, so the whole period at once cannot stand out. Choose "
        "clusters still going on, or of any months; or compare with the area or with other records."
    )
