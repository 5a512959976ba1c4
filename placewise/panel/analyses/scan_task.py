"""What a scan calculates with: the map's records by cell and month, each child's kept together.

Locations are the map's cells, not the records' own points. Most records are known to within 100 or 200 m and many
share a street's midpoint, so exact points would promise what nobody knows; a circle around one record would tell of
that record; and cells are what the map shows. Users of SaTScan do so with counts of areas: each stands at its centre.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from placewise.core.errors import NoVariation, TooFewRecords, TooManyPairs
from placewise.geo.scan_windows import time_windows
from placewise.geo.time_shuffle import kept_together as time_blocks
from placewise.panel.analyses.kept_together import NO_CHILD, kept_together
from placewise.panel.analyses.scan_question import (
    AREA,
    BACKGROUND,
    LEAST_RECORDS,
    NOW,
    PERMUTATION,
    WHOLE,
    ScanQuestion,
)
from placewise.panel.hotspot_filter import mappable_relations
from placewise.panel.hotspot_months import named
from placewise.panel.hotspot_records import locate, mark_records
from placewise.panel.hotspots import Hotspots, cell_centres

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Cells in all circles (25 bytes each), and comparisons in all shufflings: about an hour of one processor.
_MOST_IN_CIRCLES, _MOST_COMPARISONS = 40_000_000, 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class ScanTask:
    """What the answer depends on; records in an order of their own, not the database's.

    Attributes
    ----------
    months : tuple of str
    x_m, y_m : ndarray of float64, shape (cells,)
        Centres, EPSG:27700: of cells with records, or for ``area`` of all.
    inside : ndarray of float64, shape (cells,)
        Share of each cell inside the study area; for ``area`` alone, otherwise empty.
    cell, step : ndarray of int64, shape (n,)
        Position of each record's cell, and of its month (0 for the whole period).
    case : ndarray of bool, shape (n,)
        On the map; the others are its background.
    together : ndarray of int64, shape (n,)
        Equal for records that share a child; -1 where none is named.
    child_record, child : ndarray of int64
        One row for each child of each record, for counting children.
    matching, on_map : int
        Records that match the filters, and those on the map.
    """

    question: ScanQuestion
    months: tuple[str, ...]
    cell_width_m: int
    corner_m: float
    x_m: Floats = field(repr=False)
    y_m: Floats = field(repr=False)
    inside: Floats = field(repr=False)
    cell: Integers = field(repr=False)
    step: Integers = field(repr=False)
    case: Flags = field(repr=False)
    together: Integers = field(repr=False)
    child_record: Integers = field(repr=False)
    child: Integers = field(repr=False)
    matching: int
    on_map: int

    @property
    def n_steps(self) -> int:
        """Months told apart."""
        return 1 if self.question.time == WHOLE else len(self.months)

    @property
    def longest_steps(self) -> int:
        """Most months of a cluster; the whole period is one step."""
        return 1 if self.question.time == WHOLE else self.question.longest_months

    @property
    def reach_m(self) -> float:
        """From the centre of the largest circle to the centres of the cells inside."""
        return self.question.radius_m - self.corner_m


def make_task(found: Hotspots, question: ScanQuestion, months: tuple[str, ...]) -> ScanTask:
    """Take the records on the map, and for a background all others located as finely.

    Raises
    ------
    NoVariation, TooFewRecords, TooManyPairs
        There is too little, or too much, to calculate with; the message says what to do.
    """
    task = _task(found, question, months)
    _require_enough(task)
    _require_bearable(task)
    return task


def _task(found: Hotspots, question: ScanQuestion, months: tuple[str, ...]) -> ScanTask:
    columns, case = found.records.columns, found.position >= 0
    position = _with_background(found) if question.compared == BACKGROUND else found.position
    used = position >= 0
    if question.compared == AREA:
        used &= _first_of_each_child(found, used)
        cells, inside = np.arange(found.grid.n_cells), found.grid.share_inside
    else:
        cells, inside = np.unique(position[used]), np.empty(0)
    x_m, y_m = cell_centres(found.grid, cells)
    rows = _in_order(found, np.flatnonzero(used))
    together = np.full(columns.n, NO_CHILD, dtype=np.int64)
    together[used] = kept_together(columns, used)
    place = np.full(columns.n, -1)
    place[rows] = np.arange(rows.size)
    named_in = used[columns.child_event]
    child_record, child = place[columns.child_event[named_in]], columns.child[named_in]
    order = np.argsort(child_record, kind="stable")
    return ScanTask(
        question=question,
        months=months,
        cell_width_m=found.wanted.cell_width_m,
        corner_m=found.grid.corner_m,
        x_m=x_m,
        y_m=y_m,
        inside=inside,
        cell=np.searchsorted(cells, position[rows]),
        step=np.zeros_like(rows) if question.time == WHOLE else found.records.month[rows],
        case=case[rows],
        together=_numbered(together[rows]),
        child_record=child_record[order],
        child=_numbered(child[order]),
        matching=found.accounted.asked_for,
        on_map=int(case.sum()),
    )


def _with_background(found: Hotspots) -> Integers:
    """Cell of each record on the map and of every other of the same agencies, kinds and accuracies, whatever the harm.

    Found and detected points are among them: they show where somebody looked. A child's home never is.
    """
    wanted = found.wanted.but(harms=(), categories=(), relations=mappable_relations())
    others = locate(mark_records(found.records.columns, wanted, found.ground), found.grid)
    return np.where(found.position >= 0, found.position, others)


def _first_of_each_child(found: Hotspots, used: Flags) -> Flags:
    """Records that are the first of every child they name: shares of an area cannot keep a child's repeats together."""
    columns = found.records.columns
    rows = _in_order(found, np.flatnonzero(used))
    rank = np.full(columns.n, columns.n)
    rank[rows] = np.arange(rows.size)
    at = rank[columns.child_event]
    earliest = np.full(int(columns.child.max(initial=-1)) + 1, columns.n)
    np.minimum.at(earliest, columns.child, at)
    first = np.ones(columns.n, dtype=bool)
    first[columns.child_event[at > earliest[columns.child]]] = False
    return first


def _in_order(found: Hotspots, rows: Integers) -> Integers:
    """Rows by time and place: equal records give equal shuffles, however the database happens to hand them over."""
    columns = found.records.columns
    keys = (columns.agency, columns.y, columns.x, columns.occurred_to_us, columns.occurred_from_us)
    return rows[np.lexsort([key[rows] for key in keys])]


def _numbered(ids: Integers) -> Integers:
    """Ids by order of first appearance; `NO_CHILD` stays."""
    known = ids != NO_CHILD
    _, first, code = np.unique(ids[known], return_index=True, return_inverse=True)
    numbered = np.full(ids.size, NO_CHILD, dtype=np.int64)
    numbered[known] = np.argsort(np.argsort(first))[code]
    return numbered


def _require_enough(task: ScanTask) -> None:
    n, others = int(task.case.sum()), int((~task.case).sum())
    if n < LEAST_RECORDS:
        counted = "on the map" if n == task.on_map else "on the map once each child is counted once"
        raise TooFewRecords(
            f"{n:,} record{'' if n == 1 else 's'} {counted}, and a scan needs {LEAST_RECORDS}: among fewer, three "
            "or four records decide alone. Choose a longer period or more kinds of record."
        )
    if task.question.compared == BACKGROUND and others < LEAST_RECORDS:
        raise TooFewRecords(
            f"Only {others:,} other records are located as finely, and {LEAST_RECORDS} are needed to compare with. "
            "Choose fewer kinds of harm, or compare with the area."
        )
    if np.unique(task.cell).size == 1:
        raise NoVariation(
            f"All {task.cell.size:,} records lie in one cell of the map, so no place can stand out from another. "
            "Choose smaller cells."
        )
    if task.question.compared == PERMUTATION and np.unique(task.step).size == 1:
        raise NoVariation(
            f"All {n:,} records are of {named(task.months[task.step[0]])}, so no month can stand out from another. "
            "Choose another period."
        )

    movable = n_movable(task)
    if movable < LEAST_RECORDS:
        raise NoVariation(
            f"Only {movable:,} of {task.cell.size:,} records can be shuffled without parting one child’s records, and "
            f"{LEAST_RECORDS} are needed. Choose a longer period or more kinds of record."
        )


def n_movable(task: ScanTask) -> int:
    """Records that shuffling can move; the others' children have a number of records that nobody else has."""
    if task.question.compared == AREA:  # nothing is shuffled: each child counts once
        return task.cell.size
    return time_blocks(task.step, task.together).n_movable


def _require_bearable(task: ScanTask) -> None:
    tree = KDTree(np.column_stack([task.x_m, task.y_m]))
    inside = int(tree.count_neighbors(tree, task.reach_m))
    question = task.question
    windows = time_windows(task.n_steps, max_steps=task.longest_steps, prospective=question.time == NOW)
    if inside > _MOST_IN_CIRCLES or inside * windows.bounds[0].size * question.shufflings > _MOST_COMPARISONS:
        raise TooManyPairs(
            f"So many circles of up to {question.radius_m:,} m among {task.x_m.size:,} cells would take hours. Choose "
            "a smaller largest circle, wider cells, fewer months or fewer shufflings."
        )
