"""Emerging hot spots of the map's records: which neighbourhoods are newly, still, or no longer above the rest."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placewise.core.errors import NotAllowed, TooFewCells, TooFewRecords
from placewise.core.progress import OnProgress
from placewise.geo.cells import CellGrid
from placewise.geo.chunks import summed
from placewise.geo.emerging import EmergingHotspots, emerging_hotspots
from placewise.geo.getis_ord import MIN_CELLS, MIN_OBSERVED
from placewise.geo.getis_ord_steps import StepMethod, sums_around
from placewise.geo.redraws import RedrawTask, Rule, count_categories, redraw_task, stability
from placewise.geo.space_time_cube import cube_of_cells
from placewise.panel.analyses.analysis import Asked
from placewise.panel.analyses.emerging_answer import HOLD, answer_of
from placewise.panel.analyses.emerging_task import (
    ALTERNATIVES,
    EmergingTask,
    Options,
    months_used,
    read_options,
    require_steps,
    time_steps,
    whole_steps,
)
from placewise.panel.analyses.gaps import Usable, usable
from placewise.panel.hotspot_months import gaps_named
from placewise.panel.hotspot_records import Records, account, known_within_m, locate, mark_records
from placewise.panel.hotspot_reporting import judge_months
from placewise.panel.hotspots import DENSE_REPORTS_A_CELL, Hotspots

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

#: From this share on, what is left out of a neighbourhood is its story, and the rest tells another one.
MOSTLY_LEFT_OUT = 0.5
#: So many records, and cells by steps, are redrawn in about a quarter of a second; then progress is told.
_WORK_A_PIECE = 400_000


class Emerging:
    """How hot spots come, stay and go over the period, and which of it the records cannot tell."""

    code = "emerging"
    label = "Emerging hot spots"

    def prepare(self, found: Hotspots, asked: Asked) -> EmergingTask:
        """Take the records of the whole period that the map shows, and say which steps and cells are known.

        Parameters of the address: ``step`` (months), ``windows`` (separate or rolling), ``alternative`` (more
        or both), ``intensity`` (share or z), ``redraws``, ``seed``.

        Raises
        ------
        BadRequest, NotAllowed, TooFewCells, TooFewRecords
        """
        _require_comparable(found)
        records = whole_period(found)
        position = locate(records, found.grid)
        placed = np.flatnonzero(position >= 0)
        shown = _shown(found, records, placed)
        gaps = usable(judge_months(found, records.months), shown)
        options = read_options(asked, gaps.known)
        require_steps(gaps.known, options)
        agency = records.columns.agency
        kept = placed[~np.isin(agency[placed], gaps.left_out)]
        received = _received(position, agency, gaps, found.grid, options)
        task = _redraw_task(records, kept, found.grid, options=options, received=received)
        in_step = months_used(_any(task.known, 1), len(records.months), options)[records.month[kept]]
        used = in_step & _any(task.known, 0)[position[kept]]
        _require_records(np.bincount(records.month[kept][used]), options.step_months)
        return EmergingTask(
            options,
            task,
            records.months,
            [month for month, known in zip(records.months, gaps.known, strict=True) if not known],
            _left_out(found, shown, gaps, records.months),
            _counted(records, position, kept, used, in_step),
        )

    def run(
        self, task: EmergingTask, *, executor: Executor | None = None, on_progress: OnProgress
    ) -> dict[str, Any]:
        """Find the categories, redraw place and time, and say which hold; see the module's answer in the methods.

        Raises
        ------
        CalculationStopped
            ``on_progress`` returned False.
        """
        redraws = task.redraws
        work = redraws.x.size + redraws.known.size
        times = summed(
            partial(count_categories, redraws),
            task.options.redraws,
            size=int(np.clip(_WORK_A_PIECE // work, 1, 10)),
            executor=executor,
            on_progress=on_progress,
        )
        return answer_of(task, _as_recorded(redraws), stability(times, hold=HOLD))


EMERGING = Emerging()


def _require_comparable(found: Hotspots) -> None:
    if not found.children_known:
        raise NotAllowed("You see the records of single places only, so places cannot be compared over time.")
    if found.grid.n_cells < MIN_CELLS:
        raise TooFewCells("There are too few cells to compare neighbourhoods. Choose a smaller cell size.")


def whole_period(found: Hotspots) -> Records:
    """The map's records without the time slider's choice."""
    if found.wanted.month is None:
        return found.records
    return mark_records(found.records.columns, found.wanted.but(month=None), found.ground)


def _shown(found: Hotspots, records: Records, placed: Integers) -> pd.DataFrame:
    """The records on the map by month (rows) and agency (columns)."""
    codes, n_months = [agency.code for agency in found.ground.agencies], len(records.months)
    row = records.month[placed] * len(codes) + records.columns.agency[placed]
    counts = np.bincount(row, minlength=n_months * len(codes)).reshape(n_months, len(codes))
    return pd.DataFrame(counts, columns=codes)


def _received(position: Integers, agency: Integers, gaps: Usable, grid: CellGrid, options: Options) -> Flags:
    """Which steps are known in which cells; where most records around are left out, none is."""
    # With steps that overlap, geo puts them together from the months.
    months = gaps.known if options.rolling else whole_steps(gaps.known, options.step_months)
    out = np.isin(agency, gaps.left_out)
    without, everyone = (
        np.bincount(position[rows], minlength=grid.n_cells).astype(np.float64)
        for rows in (out & (position >= 0), position >= 0)
    )
    around, all_around = sums_around(np.stack([without, everyone]), grid.adjacency)
    told_by_others = (around == 0) | (around < MOSTLY_LEFT_OUT * all_around)
    known: Flags = months[:, None] & told_by_others
    return known


def _redraw_task(
    records: Records, rows: Integers, grid: CellGrid, *, options: Options, received: Flags
) -> RedrawTask:
    """Put the records into an order of their own, so that the same records give the same redraws every time."""
    columns = records.columns
    radius = known_within_m(columns)
    first, last = columns.occurred_from_us, columns.occurred_to_us
    rows = rows[np.lexsort((radius[rows], columns.y[rows], columns.x[rows], last[rows], first[rows]))]
    x, y, child = columns.x[rows], columns.y[rows], _numbered(records.child_of_event[rows])
    # One child's repeats at one address have one true place, wherever near that address it is.
    together = np.unique(np.column_stack([child, x, y]), axis=0, return_inverse=True)[1].reshape(-1)
    dense = rows.size >= DENSE_REPORTS_A_CELL * grid.n_cells
    # Against an even spread, half of a busy map stands out: there a neighbourhood is held against the others.
    method: StepMethod = "normal" if dense else "even_spread"
    return redraw_task(
        x,
        y,
        _instants(first[rows]),
        _instants(last[rows]),
        accuracy_m=radius[rows],
        grid=grid,
        steps=time_steps(records.months, options),
        seed=options.seed,
        rule=Rule(method=method, alternative=ALTERNATIVES[options.alternative], intensity=options.intensity),
        child=child,
        received=received,
        moves_with=np.where(child < 0, -1, together),
    )


def _instants(microseconds: Integers) -> pd.DatetimeIndex:
    return pd.DatetimeIndex((microseconds * 1000).astype("datetime64[ns]")).tz_localize("UTC")


def _numbered(child: Integers) -> Integers:
    """Children by the order in which they first appear; -1 stays -1."""
    _, first, number = np.unique(child, return_index=True, return_inverse=True)
    ranks = np.empty(first.size, dtype=np.int64)
    ranks[np.argsort(first)] = np.arange(first.size)
    return np.where(child < 0, -1, ranks[number.reshape(-1)])


def _any(known: Flags, axis: int) -> Flags:
    return np.asarray(known.any(axis=axis))


def _require_records(used: Integers, step: int) -> None:
    """Refuse records, given by month, that are too few for any step to stand out."""
    if int(np.convolve(used, np.ones(step, dtype=np.int64)).max(initial=0)) < MIN_OBSERVED:
        raise TooFewRecords(
            f"No step holds {MIN_OBSERVED} records that can be used, and with fewer no neighbourhood can stand "
            "out. Choose longer steps, a longer period or fewer filters."
        )


def _left_out(
    found: Hotspots, shown: pd.DataFrame, gaps: Usable, months: list[str]
) -> list[tuple[str, int, str]]:
    return [
        (
            found.ground.agencies[agency].name,
            int(shown.iloc[:, agency].sum()),
            gaps_named([month for month, gone in zip(months, gaps.missing[:, agency], strict=True) if gone]),
        )
        for agency in gaps.left_out
    ]


def _counted(
    records: Records, position: Integers, kept: Integers, used: Flags, in_month: Flags
) -> dict[str, int]:
    """Where the records of the period went; all but ``asked_for`` add up to it."""
    counted = asdict(account(records, position))
    placed = counted.pop("placed")
    # A record spread over a ward may stand on another view; here, its place is not known closely enough.
    counted["too_coarse"] += counted.pop("spread")
    return counted | {
        "used": int(used.sum()),
        "agency_left_out": placed - kept.size,
        "no_whole_step": int((~in_month).sum()),
        "told_by_others_left_out": int((in_month & ~used).sum()),
    }


def _as_recorded(task: RedrawTask) -> EmergingHotspots:
    """The categories with every record where and when it was recorded, shared over its interval."""
    cell = task.grid.locate(task.x, task.y)
    cube = cube_of_cells(
        cell, task.from_ns, task.to_ns, grid=task.grid, steps=task.steps, child=task.child, known=task.known
    )
    rule, even = task.rule, task.rule.method == "even_spread"
    return emerging_hotspots(
        cube,
        task.grid.adjacency,
        exposure=task.grid.share_inside if even else None,
        method=rule.method,
        alternative=rule.alternative,
        alpha=rule.alpha,
        intensity=rule.intensity,
        min_records=rule.min_records,
    )
