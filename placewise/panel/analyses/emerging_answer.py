"""The answer on emerging hot spots as plain lists: no single record, only cells with something to say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from placewise.geo.crs import Integers
from placewise.geo.emerging import CANNOT_TELL, CATEGORIES, NO_PATTERN, EmergingHotspots
from placewise.geo.hexgrid import unpack_cell
from placewise.geo.redraws import Stability
from placewise.panel.analyses.emerging_task import EmergingTask

#: Share of the redraws in which a category must be found to be told.
HOLD = 0.8
#: A step of a cell: above the rest, below it, neither, not known.
HOT, COLD, NEITHER, UNKNOWN = "+", "-", ".", "?"
_MARKS = np.array([NEITHER, HOT, COLD])  # by -1, 0, 1 as positions
_MOST_FOUND = 3


def answer_of(task: EmergingTask, seen: EmergingHotspots, stable: Stability) -> dict[str, Any]:
    """Parameters, what was used and what not, totals and cells, ready for JSON.

    Parameters
    ----------
    seen : EmergingHotspots
        With every record where and when it was recorded.
    stable : Stability
        What became of the categories over the redraws.
    """
    redraws = task.redraws
    codes, counts = np.unique(stable.category, return_counts=True)
    return {
        "parameters": {
            **asdict(task.options),
            "hold": HOLD,
            "alpha": redraws.rule.alpha,
            "method": redraws.rule.method,
            "cell_width_m": redraws.grid.cell_width_m,
            "first_month": task.months[0],
            "last_month": task.months[-1],
        },
        "steps": [redraws.steps.label(step) for step in range(redraws.steps.n_windows)],
        "steps_known": np.any(redraws.known, axis=1, keepdims=True)[:, 0].tolist(),
        "unknown_months": task.unknown_months,
        "agencies_left_out": [list(agency) for agency in task.agencies_left_out],
        "counted": task.counted,
        "n_cells": redraws.grid.n_cells,
        "totals": {CATEGORIES[code]: n for code, n in zip(codes.tolist(), counts.tolist(), strict=True)},
        "cells": _cells(task, seen, stable),
    }


def _cells(task: EmergingTask, seen: EmergingHotspots, stable: Stability) -> dict[str, Any]:
    """One list a fact; a series only where a step stood out, or a category was found more often than none.

    Cells that never stood out, and those without any record, are not in it: that is most of a map.
    """
    plain = np.isin(stable.most_frequent, (NO_PATTERN, CANNOT_TELL))
    told = (seen.steps.bins != 0).any(axis=0) | ~plain
    no_record = (seen.records == 0) & (seen.n_known > 0)
    drawn = np.flatnonzero(told | ((stable.category == CANNOT_TELL) & ~no_record))
    q, r = unpack_cell(task.redraws.grid.cell[drawn])
    slope = seen.slopes(drawn)
    change = np.round(np.column_stack([slope.slope, slope.low, slope.high]), 2)
    around = np.rint(seen.steps.total[:, drawn].T).astype(int)
    with_series = told[drawn].tolist()
    return {
        "q": q.tolist(),
        "r": r.tolist(),
        "category": stable.category[drawn].tolist(),
        "found": [_most_found(stable, cell) for cell in drawn.tolist()],
        "records": _records(task, seen)[drawn].tolist(),
        "steps_known": seen.n_known[drawn].tolist(),
        "marks": [
            _marks(seen, cell) if t else "" for cell, t in zip(drawn.tolist(), with_series, strict=True)
        ],
        "around": [row if t else None for row, t in zip(around.tolist(), with_series, strict=True)],
        "trend": seen.trend.direction(alpha=task.redraws.rule.alpha)[drawn].tolist(),
        "change": [row if t else None for row, t in zip(change.tolist(), with_series, strict=True)],
    }


def _most_found(stable: Stability, cell: int) -> list[list[int]]:
    """The categories found most often: code, and redraws it was found in."""
    order = np.argsort(-stable.times[cell], kind="stable")[:_MOST_FOUND]
    return [[int(code), int(stable.times[cell, code])] for code in order if stable.times[cell, code]]


def _records(task: EmergingTask, seen: EmergingHotspots) -> Integers:
    """Records around each cell; of steps that overlap, only those that do not, counted back from the last."""
    every = task.redraws.steps.window_steps
    apart = slice((seen.n_steps - 1) % every, None, every)
    total = np.where(seen.steps.known[apart], seen.steps.total[apart], 0.0).sum(axis=0)
    records: Integers = np.rint(total).astype(np.int64)
    return records


def _marks(seen: EmergingHotspots, cell: int) -> str:
    marks = np.where(seen.steps.known[:, cell], _MARKS[seen.steps.bins[:, cell]], UNKNOWN)
    return "".join(marks.tolist())
