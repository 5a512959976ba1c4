"""What emerging hot spots are calculated from: the asker's choices, the steps of time, and the task they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import TooFewRecords
from placewise.geo.emerging import MIN_STEPS, Intensity
from placewise.geo.redraws import RedrawTask
from placewise.geo.space_time_cube import TimeSteps, monthly_steps
from placewise.panel.analyses.analysis import SEED, Asked
from placewise.panel.analyses.asked_numbers import SEED_AT_MOST, one_of, whole_number
from placewise.panel.hotspot_words import count_of

Flags = NDArray[np.bool_]

STEPS_MONTHS = (1, 2, 3)
REDRAWS, REDRAWS_AT_LEAST, REDRAWS_AT_MOST = 500, 99, 1999
WINDOWS = ("separate", "rolling")
#: What is said to rise or fall: records over those an even spread would put there, or the published z.
INTENSITIES: Mapping[str, Intensity] = {"share": "share", "z": "z"}
#: Hot spots are sought unless the asker says otherwise beforehand: few records may be few reports.
ALTERNATIVES: Mapping[str, Literal["hot", "both"]] = {"more": "hot", "both": "both"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the asker chose.

    Attributes
    ----------
    step_months : int
    rolling : bool
        Steps overlap: each begins a month after the one before.
    alternative : str
        A key of `ALTERNATIVES`.
    """

    step_months: int
    rolling: bool
    alternative: str
    intensity: Intensity
    redraws: int
    seed: int


@dataclass(frozen=True, slots=True)
class EmergingTask:
    """What the answer depends on.

    Attributes
    ----------
    redraws : RedrawTask
        Records, cells, steps, what is known, and the rules.
    months : list of str
        Of the whole period, known or not.
    unknown_months : list of str
        Used for no cell.
    agencies_left_out : list of tuple
        (name, records, months without reports in words).
    counted : dict of str to int
        Where the records of the period went; all but ``asked_for`` add up to it.
    """

    options: Options
    redraws: RedrawTask = field(repr=False)
    months: list[str]
    unknown_months: list[str]
    agencies_left_out: list[tuple[str, int, str]]
    counted: dict[str, int]


def read_options(asked: Asked, known: Flags) -> Options:
    """Understand the parameters of an address.

    Usual are the longest separate steps of which the period holds `MIN_STEPS` known ones; if those are months,
    steps of two months that overlap. The fewer records a step has, the more often a steady hot spot looks as
    if it came and went: in the demo borough, of the four that were planted, months show the steady one as
    without a pattern.

    Parameters
    ----------
    known : ndarray of bool, shape (months,)

    Raises
    ------
    BadRequest
        A parameter is not one of those offered.
    """
    lengths = [str(months) for months in STEPS_MONTHS]
    step = one_of(asked, "step", lengths, usual=str(_usual_step(known)), what="The step in months")
    overlap = not _enough(known, int(step)) and _enough(known, int(step), rolling=True)
    windows = one_of(asked, "windows", WINDOWS, usual=WINDOWS[overlap], what="The kind of steps")
    redraws = whole_number(
        asked,
        "redraws",
        usual=REDRAWS,
        low=REDRAWS_AT_LEAST,
        high=REDRAWS_AT_MOST,
        what="The number of redraws",
    )
    intensity = one_of(asked, "intensity", list(INTENSITIES), usual="share", what="What rises or falls")
    return Options(
        step_months=int(step),
        rolling=windows == "rolling" and int(step) > 1,
        alternative=one_of(asked, "alternative", list(ALTERNATIVES), usual="more", what="What is looked for"),
        intensity=INTENSITIES[intensity],
        redraws=redraws,
        seed=whole_number(asked, "seed", usual=SEED, low=0, high=SEED_AT_MOST, what="The seed"),
    )


def _usual_step(known: Flags) -> int:
    longest = max((months for months in STEPS_MONTHS if _enough(known, months)), default=1)
    return 2 if longest == 1 and _enough(known, 2, rolling=True) else longest


def _enough(known: Flags, months: int, *, rolling: bool = False) -> bool:
    return bool(np.count_nonzero(whole_steps(known, months, rolling=rolling)) >= MIN_STEPS)


def whole_steps(known: Flags, months: int, *, rolling: bool = False) -> Flags:
    """Which steps are wholly known; they end with the last month, for it decides what is called new.

    Examples
    --------
    >>> march_is_missing = np.array([True, True, False, True, True])
    >>> whole_steps(march_is_missing, 2).tolist(), whole_steps(march_is_missing, 2, rolling=True).tolist()
    ([False, True], [True, False, False, True])
    """
    starts = range(0 if rolling else known.size % months, known.size - months + 1, 1 if rolling else months)
    return np.array([known[start : start + months].all() for start in starts], dtype=np.bool_)


def time_steps(months: list[str], options: Options) -> TimeSteps:
    """The steps of a period; months at its beginning that fill no step are left out."""
    monthly = monthly_steps(months[0], months[-1])
    length = options.step_months
    if options.rolling:
        return TimeSteps(monthly.edges_ns, length)
    return TimeSteps(monthly.edges_ns[monthly.n_steps % length :: length])


def months_used(known: Flags, n_months: int, options: Options) -> Flags:
    """Which months lie in a known step; ``known`` has one entry a step."""
    used = np.zeros(n_months, dtype=np.bool_)
    first = 0 if options.rolling else n_months % options.step_months
    for step in np.flatnonzero(known).tolist():
        start = first + step * (1 if options.rolling else options.step_months)
        used[start : start + options.step_months] = True
    return used


def require_steps(known: Flags, options: Options) -> None:
    """Refuse a period too short, or with too many gaps, for any pattern; ``known`` has one entry a month.

    Raises
    ------
    TooFewRecords
        The message says how many steps there are, how many are needed and why.
    """
    whole = whole_steps(known, options.step_months, rolling=options.rolling)
    n = int(np.count_nonzero(whole))
    if n < MIN_STEPS:
        of = f"{options.step_months} months" if options.step_months > 1 else "one month"
        gaps = "" if n == whole.size else " with whole reports"
        raise TooFewRecords(
            f"The period has {count_of(n, 'step')} of {of}{gaps}, and a pattern over time needs {MIN_STEPS}: "
            "with fewer, neither a trend nor “nine steps of ten” means anything. Choose a longer period "
            "or shorter steps."
        )
