"""Records as a cube: how many in each cell in each step of time, and which of those numbers are known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from placewise.geo.adjacency import Adjacency
from placewise.geo.cells import CellGrid, Table
from placewise.geo.counts import NO_CHILD, checked_children
from placewise.geo.crs import Flags, Floats, Integers, require_coordinates
from placewise.geo.getis_ord_steps import sums_around
from placewise.geo.local_time import LONDON, intervals

# The period is cut into 2 ** 12 to 2 ** 13 parts to look up steps in.
_BITS_OF_PARTS = 13


@dataclass(frozen=True)
class TimeSteps:
    """Steps of time on the London calendar; a window of several steps slides along by one step.

    Attributes
    ----------
    edges_ns : ndarray of int64, shape (n_steps + 1,)
        Nanoseconds since 1970 UTC: step i is [edges_ns[i], edges_ns[i + 1]).
    window_steps : int
        Steps in a window; 1 for separate steps.
    """

    edges_ns: Integers
    window_steps: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.window_steps <= self.edges_ns.size - 1:
            raise ValueError(f"a window holds 1 to {self.edges_ns.size - 1} steps, not {self.window_steps}")

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return self.edges_ns.size - 1

    @property
    def n_windows(self) -> int:
        """Number of windows, which is the length of a cube along time."""
        return self.n_steps - self.window_steps + 1

    @property
    def starts_ns(self) -> Integers:
        """Start of each window, shape (n_windows,)."""
        return self.edges_ns[: self.n_windows]

    @property
    def ends_ns(self) -> Integers:
        """End of each window (not part of it), shape (n_windows,)."""
        return self.edges_ns[self.window_steps :]

    def label(self, window: int) -> str:
        """Return a window's first and last day, as "1 May 2026 to 31 May 2026"."""
        first = pd.Timestamp(int(self.starts_ns[window]), tz="UTC").tz_convert(LONDON)
        last = pd.Timestamp(int(self.ends_ns[window]) - 1, tz="UTC").tz_convert(LONDON)
        return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"


def monthly_steps(
    first_month: pd.Period | str, last_month: pd.Period | str, *, window_steps: int = 1
) -> TimeSteps:
    """Divide a period into calendar months; both months named are included.

    Examples
    --------
    >>> steps = monthly_steps("2026-01", "2026-12", window_steps=3)
    >>> steps.n_windows, steps.label(9)
    (10, '1 October 2026 to 31 December 2026')
    """
    months = pd.period_range(first_month, last_month, freq="M")
    if not len(months):
        raise ValueError(f"last_month {last_month} is before first_month {first_month}")
    edges = pd.date_range(months[0].start_time, periods=len(months) + 1, freq="MS", tz=LONDON)
    return TimeSteps(edges.as_unit("ns").asi8, window_steps)


def daily_steps(
    first_day: pd.Timestamp | str, last_day: pd.Timestamp | str, *, days: int, window_steps: int = 1
) -> TimeSteps:
    """Divide a period into steps of so many days that end with its last day.

    Days at the beginning that do not fill a step are left out: the last step decides what is called new.

    Examples
    --------
    >>> steps = daily_steps("2026-03-01", "2026-03-31", days=7)      # 31 days: three left out
    >>> steps.n_windows, steps.label(0), steps.label(3)
    (4, '4 March 2026 to 10 March 2026', '25 March 2026 to 31 March 2026')
    """
    if days < 1:
        raise ValueError(f"a step is at least one day, not {days}")
    first, after = pd.Timestamp(first_day), pd.Timestamp(last_day) + pd.Timedelta(days=1)
    count = (after - first).days // days
    if count < 1:
        raise ValueError(f"the period from {first_day} to {last_day} holds no step of {days} days")
    # Midnights are counted on the calendar first: a step across a clock change is an hour off 24 a day.
    midnights = after - pd.to_timedelta(np.arange(count, -1, -1) * days, unit="D")
    return TimeSteps(pd.DatetimeIndex(midnights).tz_localize(LONDON).as_unit("ns").asi8, window_steps)


@dataclass(frozen=True)
class SpaceTimeCube:
    """Records by window of time (rows) and cell (columns).

    Attributes
    ----------
    counts : ndarray of float64, shape (T, n)
        Records; parts of one where a record's interval spans windows. 0 where not known.
    known : ndarray of bool, shape (T, n)
        False: reports are missing, so that a count would say nothing.
    totals : ndarray of float64, shape (T, n), or None
        Records in the cell and its neighbours, each child once; None where no children were given.
    steps : TimeSteps
    n : int
        Records that touch the study area and the period.
    n_outside : int
        Records outside the study area.
    n_out_of_period : int
        Records inside it, wholly outside the period.
    weight_not_known : float
        Records, in parts where they are spread, that fall where reports are missing: left out.
    """

    counts: Floats = field(repr=False)
    known: Flags = field(repr=False)
    totals: Floats | None = field(repr=False)
    steps: TimeSteps
    n: int
    n_outside: int
    n_out_of_period: int
    weight_not_known: float


def space_time_cube(
    x: ArrayLike,
    y: ArrayLike,
    start: pd.Series | pd.DatetimeIndex,
    end: pd.Series | pd.DatetimeIndex | None = None,
    *,
    grid: CellGrid,
    steps: TimeSteps,
    child: ArrayLike | None = None,
    received: ArrayLike | None = None,
) -> SpaceTimeCube:
    """Count records by cell and window of time.

    A count is of records received. Say with ``received`` which numbers are not known: a month in which
    an agency did not report is no month without harm, and must not read as a decline.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.
    start, end : Series or DatetimeIndex of datetime64, shape (n,)
        Records lie in [start, end), London time where no zone is given. A missing end means an instant.
        A longer record is shared over the windows it touches, by time.
    grid : CellGrid
        Cells and their width.
    steps : TimeSteps
        `monthly_steps` or `daily_steps`; with ``window_steps`` above 1 the windows overlap.
    child : array_like of int, shape (n,), optional
        A number that stands for the child (-1: none recorded). Each child then counts once a cell and
        window; where its records are spread in time, it counts by the chance that at least one falls
        there. The repeats of one child are not independent, and a test takes records for independent.
    received : array_like of bool, shape (n_steps,) or (n_steps, n_cells), optional
        False where reports are missing (`series.reports_received`). A window with one such step is not
        known. All received by default.

    Returns
    -------
    SpaceTimeCube

    Raises
    ------
    WrongCRS, MissingValue
        See `require_coordinates` and `local_time.intervals`.

    Notes
    -----
    Time O(n w) for windows of w steps (and sorting, with ``child``), memory O(windows × cells).

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from placewise.geo.hexgrid import hex_grid
    >>> square = gpd.GeoSeries([shapely.box(540000, 180000, 541000, 181000)], crs="EPSG:27700")
    >>> night = pd.DatetimeIndex(["2026-01-31 18:00"]), pd.DatetimeIndex(["2026-02-01 06:00"])
    >>> cube = space_time_cube([540500], [180500], *night, grid=hex_grid(square, cell_width_m=500),
    ...                        steps=monthly_steps("2026-01", "2026-03"), received=[True, True, False])
    >>> cube.counts.sum(axis=1).tolist(), cube.known.all(axis=1).tolist()
    ([0.5, 0.5, 0.0], [True, True, False])
    """
    xs, ys = require_coordinates(x, y)
    begins, ends = intervals(start, end)
    if len(begins) != xs.size:
        raise ValueError(f"{len(begins)} times for {xs.size} records")
    children = None if child is None else checked_children(child, xs.size)
    known = known_windows(received, steps, grid.n_cells)
    if end is None and children is None and steps.window_steps == 1 and grid.table is not None:
        return _cube_of_instants(xs, ys, begins.asi8, grid=grid, table=grid.table, steps=steps, known=known)
    return cube_of_cells(
        grid.locate(xs, ys), begins.asi8, ends.asi8, grid=grid, steps=steps, child=children, known=known
    )


def _cube_of_instants(
    x: Floats, y: Floats, times_ns: Integers, *, grid: CellGrid, table: Table, steps: TimeSteps, known: Flags
) -> SpaceTimeCube:
    """Count records that each fall into one cell and one step."""
    from placewise.geo.cube_compiled import Calendar, Cells, count_instants

    edges = steps.edges_ns
    length = int(edges[-1] - edges[0])
    shift = max(length.bit_length() - _BITS_OF_PARTS, 0)
    parts = edges[0] + (np.arange((length >> shift) + 1) << shift)
    calendar = Calendar(edges, np.searchsorted(edges, parts, side="right") - 1, shift)
    cells = Cells(grid.hexagonal, grid.cell_width_m, float(table.q_low), float(table.r_low), table.position)
    counts = np.zeros((steps.n_steps, grid.n_cells))
    n_outside, n_out_of_period = count_instants((x, y), times_ns, cells, calendar, counts)
    lost = 0.0
    if not known.all():
        lost = float(counts.sum(where=~known))
        counts[~known] = 0.0
    n = x.size - n_outside - n_out_of_period
    return SpaceTimeCube(counts, known, None, steps, n, n_outside, n_out_of_period, lost)


def known_windows(received: ArrayLike | None, steps: TimeSteps, n_cells: int) -> Flags:
    """Return which windows are known in which cells, shape (T, n_cells): those with every step received."""
    if received is None:
        return np.ones((steps.n_windows, n_cells), dtype=np.bool_)
    flags = np.asarray(received)
    if flags.dtype != np.bool_ or flags.shape not in {(steps.n_steps,), (steps.n_steps, n_cells)}:
        raise ValueError(f"received is true or false for each of {steps.n_steps} steps (and {n_cells} cells)")
    by_cell = np.broadcast_to(flags[:, None] if flags.ndim == 1 else flags, (steps.n_steps, n_cells))
    known: Flags = by_cell[: steps.n_windows].copy()
    for later in range(1, steps.window_steps):
        known &= by_cell[later : later + steps.n_windows]
    return known


def cube_of_cells(
    cell: Integers,
    from_ns: Integers,
    to_ns: Integers,
    *,
    grid: CellGrid,
    steps: TimeSteps,
    child: Integers | None,
    known: Flags,
) -> SpaceTimeCube:
    """Count records whose cell position (-1 outside) is known already; see `space_time_cube`."""
    n_cells = grid.n_cells
    record, window, weight = _entries(from_ns, to_ns, steps)
    inside = cell >= 0
    touching = np.zeros(cell.size, dtype=np.bool_)
    touching[record] = True
    slot = np.multiply(window, n_cells, out=window)
    slot += cell[record]
    counted = inside[record]
    if not known.all():
        # Records outside would fall into another window's last cell.
        counted = counted & known.ravel()[slot]
    lost = 0.0
    if not counted.all():
        lost = float(weight[inside[record] & ~counted].sum())
        record, slot, weight = record[counted], slot[counted], weight[counted]
    shape = (steps.n_windows, n_cells)
    if child is None:
        counts, totals = _sum_by(slot, weight, shape), None
    else:
        counts, totals = _each_child_once(slot, child[record], weight, grid.adjacency, shape)
    n = int(np.count_nonzero(inside & touching))
    n_inside = int(np.count_nonzero(inside))
    return SpaceTimeCube(counts, known, totals, steps, n, cell.size - n_inside, n_inside - n, lost)


def _entries(from_ns: Integers, to_ns: Integers, steps: TimeSteps) -> tuple[Integers, Integers, Floats]:
    """Return record, window and share of the record's interval for each window that a record touches."""
    instant = to_ns == from_ns
    step_first = _steps_of(from_ns, steps.edges_ns)
    # An instant is in the step that starts with it; an interval that ends there is not.
    step_last = np.where(instant, step_first, _steps_of(to_ns - 1, steps.edges_ns))
    first = np.maximum(step_first - steps.window_steps + 1, 0)
    last = np.minimum(step_last, steps.n_windows - 1)
    touched = np.maximum(last - first + 1, 0)
    record = np.repeat(np.arange(touched.size), touched)
    rank = np.arange(record.size) - np.repeat(np.cumsum(touched) - touched, touched)
    window = first[record] + rank
    weight = np.ones(record.size, dtype=np.float64)
    lasting = np.flatnonzero(~instant[record])
    of, at = record[lasting], window[lasting]
    overlap = np.minimum(to_ns[of], steps.ends_ns[at]) - np.maximum(from_ns[of], steps.starts_ns[at])
    weight[lasting] = overlap / (to_ns[of] - from_ns[of]).astype(np.float64)
    return record, window, weight


def _steps_of(times_ns: Integers, edges_ns: Integers) -> Integers:
    """Return the step each time is in: -1 before the first, one more than the last has after it."""
    return np.asarray(np.searchsorted(edges_ns, times_ns, side="right") - 1)


def _sum_by(slot: Integers, weight: Floats, shape: tuple[int, int]) -> Floats:
    size = shape[0] * shape[1]
    return np.asarray(np.bincount(slot, weights=weight, minlength=size), dtype=np.float64).reshape(shape)


def _each_child_once(
    slot: Integers, child: Integers, weight: Floats, adjacency: Adjacency, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return counts by cell and by neighbourhood in which a child adds the chance of having been there."""
    unnamed = child == NO_CHILD
    counts = _sum_by(slot[unnamed], weight[unnamed], shape)
    totals = sums_around(counts, adjacency)
    numbers = np.unique(child[~unnamed], return_inverse=True)[1].astype(np.int64)
    slot, weight = slot[~unnamed], weight[~unnamed]
    counts = counts + _chance_by(slot, numbers, weight, shape)
    window, cell = np.divmod(slot, shape[1])
    degree = adjacency.degree[cell]
    row = np.repeat(np.arange(cell.size), degree)
    rank = np.arange(row.size) - np.repeat(np.cumsum(degree) - degree, degree)
    around = window[row] * shape[1] + adjacency.indices[adjacency.indptr[cell][row] + rank]
    both = np.concatenate([slot, around]), np.concatenate([numbers, numbers[row]])
    return counts, totals + _chance_by(*both, np.concatenate([weight, weight[row]]), shape)


def _chance_by(slot: Integers, number: Integers, weight: Floats, shape: tuple[int, int]) -> Floats:
    """Sum over children the chance that at least one of a child's records falls into each slot."""
    many = int(number.max()) + 1 if number.size else 1
    keys, which = np.unique(slot * many + number, return_inverse=True)
    with np.errstate(divide="ignore"):  # a record certain to be there: log of nought
        nowhere = np.bincount(which, weights=np.log1p(-weight), minlength=keys.size)
    return _sum_by(keys // many, -np.expm1(nowhere), shape)
