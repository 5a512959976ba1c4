"""Near repeats of the map's records: bands of distance and time, one question fixed beforehand, and Jacquez's test."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placewise.core.errors import NotAllowed, TooFewRecords, TooManyPairs
from placewise.core.progress import OnProgress
from placewise.geo.jacquez import jacquez_test
from placewise.geo.near_repeat import NearRepeatTable, near_repeat_table
from placewise.geo.time_shuffle import time_blocks
from placewise.panel.analyses.analysis import SEED, Asked
from placewise.panel.analyses.asked_numbers import SEED_AT_MOST, one_of, rising_numbers, whole_number
from placewise.panel.analyses.kept_together import NO_CHILD, kept_together
from placewise.panel.hotspot_months import LONDON
from placewise.panel.hotspot_records import known_within_m
from placewise.panel.hotspots import Hotspots, period_words
from placewise.panel.near_repeat_words import answer_in_words, space_labels, verdict
from placewise.store.map_records import EventColumns

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BOUNDS_M = (100, 200, 400, 800)
LAST_DAYS = (0, 7, 14, 28)
MOST_BANDS = 5
WITHIN_M, WITHIN_DAYS = 100, 7
NEAREST = 3
SHUFFLINGS = ("199", "999", "4999")
#: With fewer records hardly any pair is near in both, and the page would only say so.
MIN_RECORDS = 20
_DAY_US = 86_400_000_000
_TESTS = 3  # table, one question, nearest neighbours: each takes part in the progress alike


@dataclass(frozen=True, slots=True)
class NearRepeatTask:
    """What the answer depends on.

    Attributes
    ----------
    x, y : ndarray of float64, shape (n,)
        Metres, EPSG:27700.
    day : ndarray of int64, shape (n,)
        Days of the London calendar since 1970.
    child : ndarray of int64, shape (n,)
        Equal for records that share a child; -1 where none is named.
    matching, on_map, not_exact, not_dated : int
        Records that match the filters; those on the map; of these, left out because their location, or
        their day, is not known closely enough.
    bounds_m, last_days : tuple of int
        Upper end of each band, included.
    within_m, within_days : int
        The one question.
    """

    period: str
    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    day: Integers = field(repr=False)
    child: Integers = field(repr=False)
    matching: int
    on_map: int
    not_exact: int
    not_dated: int
    bounds_m: tuple[int, ...]
    last_days: tuple[int, ...]
    within_m: int
    within_days: int
    nearest: int
    shufflings: int
    seed: int


class NearRepeats:
    """Whether another child's record comes near a record, and soon, more often than chance gives."""

    code = "near_repeats"
    label = "Near repeats"

    def prepare(self, found: Hotspots, asked: Asked) -> NearRepeatTask:
        """Take the records on the map that are known as closely as the shortest distance and the shortest time.

        Parameters of the address: ``distances`` (metres) and ``days``, the upper ends of the bands;
        ``within_m`` and ``within_days``, the one question; ``nearest``; ``shufflings``; ``seed``.

        Raises
        ------
        BadRequest, TooFewRecords, NoVariation, NotAllowed
        """
        if not found.children_known:
            raise NotAllowed(
                "Near repeats need each child’s records kept together, which your role does not see."
            )
        bounds_m, last_days = _bands(asked)
        columns, on_map = found.records.columns, found.position >= 0
        exact = on_map & (known_within_m(columns) <= bounds_m[0])
        dated = columns.occurred_to_us - columns.occurred_from_us <= _DAY_US
        used = exact & dated
        task = NearRepeatTask(
            period=period_words(found.wanted),
            x=columns.x[used],
            y=columns.y[used],
            day=days_of(columns)[used],
            child=kept_together(columns, used),
            matching=found.accounted.asked_for,
            on_map=int(on_map.sum()),
            not_exact=int((on_map & ~exact).sum()),
            not_dated=int((exact & ~dated).sum()),
            bounds_m=bounds_m,
            last_days=last_days,
            within_m=_one_of_bounds(
                asked, "within_m", bounds_m, WITHIN_M, "The distance of the one question"
            ),
            within_days=_one_of_bounds(
                asked, "within_days", last_days, WITHIN_DAYS, "The days of the one question"
            ),
            nearest=whole_number(
                asked, "nearest", usual=NEAREST, low=1, high=20, what="The number of nearest records"
            ),
            shufflings=int(one_of(asked, "shufflings", SHUFFLINGS, usual="999", what="The shufflings")),
            seed=whole_number(asked, "seed", usual=SEED, low=0, high=SEED_AT_MOST, what="The seed"),
        )
        _require_enough(task)
        return task

    def run(
        self, task: NearRepeatTask, *, executor: Executor | None = None, on_progress: OnProgress
    ) -> dict[str, Any]:
        """Count pairs, shuffle the times of whole children, and say what stands out."""
        table = _shuffled(task, task.bounds_m, task.last_days, executor, _part(on_progress, 0))
        question = _shuffled(task, (task.within_m,), (task.within_days,), executor, _part(on_progress, 1))
        answer: dict[str, Any] = {
            "period": task.period,
            "records": {
                "matching": task.matching,
                "on_map": task.on_map,
                "not_exact": task.not_exact,
                "not_dated": task.not_dated,
                "used": task.day.size,
                "movable": table.n_movable,
                "without_child": int((task.child == NO_CHILD).sum()),
                "own_pairs": table.n_own_pairs,
            },
            "question": {
                "within_m": task.within_m,
                "within_days": task.within_days,
                **_cell(question, 0, 0),
            },
            "space": list(space_labels(task.bounds_m)),
            "time": list(table.time_labels),
            "rows": [
                [_cell(table, i, j) for j in range(len(task.last_days))] for i in range(len(task.bounds_m))
            ],
            "nearest": _nearest(task, executor, _part(on_progress, 2)),
            "exact_m": task.bounds_m[0],
            "shufflings": task.shufflings,
            "seed": task.seed,
        }
        return {**answer, **answer_in_words(answer)}


NEAR_REPEATS = NearRepeats()


def days_of(columns: EventColumns) -> Integers:
    """Day of the London calendar in the middle of each record's interval, in days since 1970; shape (n,)."""
    middle = columns.occurred_from_us + (columns.occurred_to_us - columns.occurred_from_us) // 2
    local = pd.to_datetime(middle, unit="us", utc=True).tz_convert(LONDON).tz_localize(None)
    return np.asarray(local.to_numpy().astype("datetime64[D]").astype(np.int64))


def _bands(asked: Asked) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (
        rising_numbers(
            asked,
            "distances",
            usual=BOUNDS_M,
            low=20,
            high=5_000,
            at_most=MOST_BANDS,
            what="The distances (metres)",
        ),
        rising_numbers(
            asked, "days", usual=LAST_DAYS, low=0, high=365, at_most=MOST_BANDS, what="The days of the bands"
        ),
    )


def _one_of_bounds(asked: Asked, name: str, bounds: tuple[int, ...], usual: int, what: str) -> int:
    """One of the bands' upper ends: the usual one, or the first where that is none of them."""
    known = [str(bound) for bound in bounds]
    return int(one_of(asked, name, known, usual=str(usual if usual in bounds else bounds[0]), what=what))


def _require_enough(task: NearRepeatTask) -> None:
    if task.day.size < MIN_RECORDS:
        raise TooFewRecords(
            f"Only {task.day.size:,} of {task.on_map:,} records on the map are known to within {task.bounds_m[0]:,} m "
            f"and to the day, and {MIN_RECORDS} are needed. Choose a longer period, more kinds of record, or a longer "
            "first distance."
        )
    time_blocks(task.day.astype(np.float64), task.child)  # refuses times that nobody could exchange


def _part(on_progress: OnProgress, part: int) -> Callable[[int, int], bool]:
    return lambda done, total: on_progress(part * total + done, _TESTS * total)


def _shuffled(
    task: NearRepeatTask,
    bounds_m: tuple[int, ...],
    last_days: tuple[int, ...],
    executor: Executor | None,
    on_progress: OnProgress,
) -> NearRepeatTable:
    # A band of the statistics ends before its upper bound; ours holds it.
    edges_m = [0.0, *(math.nextafter(bound, math.inf) for bound in bounds_m)]
    return near_repeat_table(
        task.x,
        task.y,
        task.day,
        seed=task.seed,
        space_edges_m=edges_m,
        time_edges_days=[0, *(day + 1 for day in last_days)],
        child=task.child,
        permutations=task.shufflings,
        executor=executor,
        on_progress=on_progress,
    )


def _cell(table: NearRepeatTable, row: int, column: int) -> dict[str, Any]:
    at = (row, column)
    observed, expected, p, q = (
        int(table.observed[at]),
        float(table.expected[at]),
        float(table.p[at]),
        float(table.q[at]),
    )
    return {
        "observed": observed,
        "expected": expected,
        "ratio": float(table.ratio[at]) if expected else None,
        "chance_low": float(table.chance_low[at]),
        "chance_high": float(table.chance_high[at]),
        "p": p,
        "p_low": float(table.p_low[at]),
        "p_high": float(table.p_high[at]),
        "q": q,
        # One cell alone is its own adjustment: q is p.
        "verdict": verdict(observed, expected, q),
    }


def _nearest(task: NearRepeatTask, executor: Executor | None, on_progress: OnProgress) -> dict[str, Any]:
    try:
        test = jacquez_test(
            task.x,
            task.y,
            task.day,
            k=task.nearest,
            seed=task.seed,
            child=task.child,
            permutations=task.shufflings,
            executor=executor,
            on_progress=on_progress,
        )
    except (TooFewRecords, TooManyPairs) as problem:  # the table stands without it
        return {"k": task.nearest, "problem": str(problem)}
    return {
        "k": test.k,
        "statistic": test.statistic,
        "certain": test.certain,
        "possible": test.possible,
        "expected": test.expected,
        "ratio": test.ratio if test.expected else None,
        "p": test.p,
        "p_low": test.p_low,
        "p_high": test.p_high,
    }
