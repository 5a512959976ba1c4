"""Looking back at the map's own surface: made from earlier months, and held against the month that came."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import NotAllowed, TooFewRecords
from placewise.core.progress import OnProgress
from placewise.geo.backtest import MIN_DISAGREEING, Accuracy, Backtest, SizeOf, backtest
from placewise.geo.street_lengths import street_lengths
from placewise.panel.analyses.analysis import SEED, Asked
from placewise.panel.analyses.asked_numbers import SEED_AT_MOST, one_of, whole_number
from placewise.panel.analyses.back_test_surfaces import (
    Compared,
    Counted,
    Earlier,
    Surface,
    from_months_before,
    smoothed_surface,
)
from placewise.panel.back_test_words import SURFACES, answer_in_words, verdict
from placewise.panel.hotspot_filter import USUAL_BANDWIDTH_M
from placewise.panel.hotspots import Hotspots

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

USUAL_BEFORE = 6
#: Fewer months looked back at say more of those months than of the surface.
MIN_WINDOWS = 3
#: Shares of the area, or of the streets, that are looked at; one of them is the one that the first sentence is about.
SHARES = (1, 2, 3, 5, 8, 10, 15, 20)
USUAL_SHARE = 5
RESAMPLES = 2000
OUTSIDE = -1
_M2_TO_KM2, _M_TO_KM = 1e-6, 1e-3


@dataclass(frozen=True, slots=True)
class BackTestTask:
    """What the answer depends on.

    Attributes
    ----------
    months : tuple of str
        The whole period.
    records : Earlier
        Records on the map in any month, ``n`` of them.
    month : ndarray of int64, shape (n,)
        Position in ``months``.
    area_km2, street_km : ndarray of float64, shape (cells,)
        ``street_km`` is None where no streets are held.
    surface : Counted, Smoothed or Compared
    judged : str
        Its name: ``counts``, ``density`` or ``significance``.
    before : int
        Months that each surface is made from.
    windows, silent : tuple of int
        Months looked back at, and those left out because nobody sent anything; positions.
    share : int
        Per cent of the area that the first sentence is about.
    """

    months: tuple[str, ...]
    records: Earlier = field(repr=False)
    month: Integers = field(repr=False)
    area_km2: Floats = field(repr=False)
    street_km: Floats | None = field(repr=False)
    surface: Surface
    judged: str
    cell_width_m: int
    before: int
    windows: tuple[int, ...]
    silent: tuple[int, ...]
    share: int
    seed: int


class BackTest:
    """Whether the map's own surface held more of what came than a plain count of what had been."""

    code = "back_test"
    label = "Looking back at the map"

    def prepare(self, found: Hotspots, asked: Asked) -> BackTestTask:
        """Take all months of the period; the slider's month is of no matter here.

        Parameters of the address: ``surface`` (``counts``, ``density``, ``significance``), ``before`` (months),
        ``share`` (per cent), ``seed``.

        Raises
        ------
        BadRequest, TooFewRecords, NotAllowed
        """
        if not found.children_known:
            raise NotAllowed("Looking back at the map needs all its records, which your role does not see.")
        judged = one_of(asked, "surface", tuple(SURFACES), usual="density", what="The surface")
        months, shares = found.records.months, [str(share) for share in SHARES]
        before = whole_number(
            asked, "before", usual=USUAL_BEFORE, low=1, high=60, what="The number of months before"
        )
        windows, silent = _windows(found, before)
        shown = np.flatnonzero(found.records.shown_any_month)
        columns = found.records.columns
        x, y = columns.x[shown], columns.y[shown]
        placed = Earlier(found.grid.locate(x, y), found.records.child_of_event[shown], x, y)
        month = found.records.month[shown]
        _require_enough(placed, month, windows)
        area_km2 = _areas_km2(found)
        streets = found.ground.street_lines() if found.ground.street_lines else np.empty(0, dtype=object)
        return BackTestTask(
            months=tuple(months),
            records=placed,
            month=month,
            area_km2=area_km2,
            street_km=street_lengths(streets, found.grid) * _M_TO_KM if streets.size else None,
            surface=_surface(judged, found, area_km2),
            judged=judged,
            cell_width_m=found.wanted.cell_width_m,
            before=before,
            windows=windows,
            silent=silent,
            share=int(one_of(asked, "share", shares, usual=str(USUAL_SHARE), what="The share (per cent)")),
            seed=whole_number(asked, "seed", usual=SEED, low=0, high=SEED_AT_MOST, what="The seed"),
        )

    def run(
        self, task: BackTestTask, *, executor: Executor | None = None, on_progress: OnProgress
    ) -> dict[str, Any]:
        """Make the surface before each month, hold it and the plain count against the month, and compare."""
        made = from_months_before(task.surface, task.records, task.month, before=task.before)
        sizes: list[tuple[SizeOf, Floats]] = [("area", task.area_km2)]
        if task.street_km is not None and (task.street_km > 0).any():
            sizes.append(("street_length", task.street_km))
        measured = {}
        for part, (size_of, size) in enumerate(sizes):
            work = partial(backtest, executor=executor, on_progress=_part(on_progress, part, len(sizes)))
            measured[size_of] = _measured(task, size_of, size, made, work)
        answer: dict[str, Any] = {
            "judged": task.judged,
            "cell_width_m": task.cell_width_m,
            "bandwidth_m": getattr(task.surface, "bandwidth_m", None),
            "first_month": task.months[0],
            "last_month": task.months[-1],
            "before": task.before,
            "windows": [task.months[position] for position in task.windows],
            "silent": [task.months[position] for position in task.silent],
            "share": task.share,
            "position": SHARES.index(task.share),
            "area": measured["area"],
            "street_length": measured.get("street_length"),
            "resamples": RESAMPLES,
            "seed": task.seed,
        }
        return {**answer, **answer_in_words(answer)}


BACK_TEST = BackTest()


def _windows(found: Hotspots, before: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Months to look back at, and those about which nobody reported: they are no months without harm."""
    months, gaps = found.records.months, set(found.records.empty_months)
    after = range(before, len(months))
    windows = tuple(position for position in after if months[position] not in gaps)
    if len(windows) < MIN_WINDOWS:
        raise TooFewRecords(
            f"Looking back needs {before + MIN_WINDOWS} months with records: {before} to make the first surface from, "
            f"and {MIN_WINDOWS} to hold against. This period leaves {len(windows)}. Choose a longer period, or fewer "
            "months before."
        )
    return windows, tuple(position for position in after if months[position] in gaps)


def _require_enough(placed: Earlier, month: Integers, windows: tuple[int, ...]) -> None:
    held = placed.cell != OUTSIDE
    came = int(np.isin(month[held], windows).sum())
    if came < MIN_DISAGREEING:
        raise TooFewRecords(
            f"Only {came} records on the map came in the months looked back at, and {MIN_DISAGREEING} are needed. "
            "Choose a longer period or more kinds of record."
        )


def _areas_km2(found: Hotspots) -> Floats:
    return np.asarray(found.grid.share_inside * found.grid.cell_area_m2 * _M2_TO_KM2)


def _surface(judged: str, found: Hotspots, area_km2: Floats) -> Surface:
    if judged == "counts":
        return Counted(found.grid.n_cells)
    if judged == "significance":
        return Compared(found.grid.adjacency, found.grid.share_inside)
    asked = found.wanted.bandwidth
    return smoothed_surface(
        found.ground.frame,
        found.grid,
        area_km2,
        # A distance judged by the records of all months would have seen what was to come.
        bandwidth_m=float(asked) if asked.isdecimal() else float(USUAL_BANDWIDTH_M),
        kernel="gaussian" if found.wanted.kernel == "gaussian" else "quartic",
        edge="uniform" if found.wanted.edge == "corrected" else "none",
    )


def _part(on_progress: OnProgress, part: int, parts: int) -> Callable[[int, int], bool]:
    return lambda done, total: on_progress(part * total + done, parts * total)


def _measured(
    task: BackTestTask,
    size_of: SizeOf,
    size: Floats,
    made: Callable[[float], Floats],
    held_against: Callable[..., Backtest],
) -> dict[str, Any]:
    """Judge by one size; cells without any of it (no street) are left out, and so are their records."""
    usable = size > 0
    renumbered = np.append(np.where(usable, np.cumsum(usable) - 1, OUTSIDE), OUTSIDE)
    result = held_against(
        renumbered[task.records.cell],  # -1 reads the last, which is outside
        task.month,  # in months: each window is one, however many days it has
        size=size[usable],
        cutoffs_days=task.windows,
        window_days=1,
        prior_days=task.before,
        predict=lambda _before, cutoff: made(cutoff)[usable] / task.before,
        shares=[share / 100 for share in SHARES],
        size_of=size_of,
        child=task.records.child,
        resamples=RESAMPLES,
        seed=task.seed,
    )
    return {
        "size": float(size.sum()),
        "records": result.n_records,
        "cells": int(usable.sum()),
        "left_out": result.n_outside,
        "rows": [_row(task, result, position) for position in range(len(SHARES))],
    }


def _row(task: BackTestTask, result: Backtest, at: int) -> dict[str, Any]:
    low, high = float(result.low[at]), float(result.high[at])
    return {
        "share": SHARES[at],
        "surface": _figures(result.surface, at, of_records=task.judged != "significance")
        | {"low": float(result.hit_rate_low[at]), "high": float(result.hit_rate_high[at])},
        "plain": _figures(result.baseline, at, of_records=True),
        "difference": float(result.difference[at]),
        "low": low,
        "high": high,
        "disagreeing": int(result.disagreeing[at]),
        "verdict": verdict(task.judged, result.verdict[at], high),
    }


def _figures(accuracy: Accuracy, at: int, *, of_records: bool) -> dict[str, Any]:
    """Figures at one share; the recapture index only of a surface that is a number of records."""
    rri = float(accuracy.rri[at])
    return {
        "hits": float(accuracy.hits[at]),
        "hit_rate": float(accuracy.hit_rate[at]),
        "pai": float(accuracy.pai[at]),
        "pei": float(accuracy.pei[at]) if math.isfinite(accuracy.pei[at]) else None,
        "rri": rri if of_records and math.isfinite(rri) else None,
    }
