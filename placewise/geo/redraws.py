"""Does a category survive what is not known of each record's place and time: redraw both, and count."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from placewise.core.progress import OnProgress
from placewise.geo.cells import CellGrid
from placewise.geo.chunks import replicate_generator, summed
from placewise.geo.counts import checked_children, group_numbers
from placewise.geo.crs import Flags, Floats, Integers, require_coordinates, require_counts
from placewise.geo.emerging import (
    CANNOT_TELL,
    CATEGORIES,
    Codes,
    Intensity,
    categories,
    too_few_records,
    trend_directions,
)
from placewise.geo.getis_ord import MIN_OBSERVED
from placewise.geo.getis_ord_steps import Alternative, StepMethod, gi_star_steps
from placewise.geo.local_time import intervals
from placewise.geo.space_time_cube import (
    SpaceTimeCube,
    TimeSteps,
    cube_of_cells,
    known_windows,
)
from placewise.geo.trend import Correction

_PIECE = 10  # redraws


@dataclass(frozen=True)
class Rule:
    """How a cube becomes categories; the fields are the options of `emerging.emerging_hotspots`."""

    method: StepMethod = "even_spread"
    alternative: Alternative = "both"
    alpha: float = 0.05
    correction: Correction = "none"
    intensity: Intensity = "z"
    min_records: float = MIN_OBSERVED


@dataclass(frozen=True)
class RedrawTask:
    """Everything a redraw needs, checked once; made by `redraw_task`, and safe to send to a worker.

    Attributes
    ----------
    x, y, accuracy_m : ndarray of float64, shape (n,)
    from_ns, to_ns : ndarray of int64, shape (n,)
    moves_with : ndarray of int64, shape (n,)
        Records with one number share one displacement.
    child : ndarray of int64, shape (n,), or None
    known : ndarray of bool, shape (T, n_cells)
    grid : CellGrid
    steps : TimeSteps
    rule : Rule
    seed : int
    """

    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    accuracy_m: Floats = field(repr=False)
    from_ns: Integers = field(repr=False)
    to_ns: Integers = field(repr=False)
    moves_with: Integers = field(repr=False)
    child: Integers | None = field(repr=False)
    known: Flags = field(repr=False)
    grid: CellGrid = field(repr=False)
    steps: TimeSteps
    rule: Rule
    seed: int


@dataclass(frozen=True)
class Stability:
    """What became of each cell's category over the redraws; arrays have one entry a cell unless said.

    Attributes
    ----------
    category : ndarray of int8
        The most frequent one (positions in `emerging.CATEGORIES`) where it held in at least ``hold`` of the
        redraws, otherwise `emerging.CANNOT_TELL`.
    most_frequent : ndarray of int8
        The same without the condition.
    share : ndarray of float64
        Share of the redraws in which ``most_frequent`` was found.
    times : ndarray of int64, shape (n, number of categories)
        Redraws in which each category was found.
    n_redraws : int
    hold : float
    """

    category: Codes
    most_frequent: Codes
    share: Floats
    times: Integers = field(repr=False)
    n_redraws: int
    hold: float

    def sentence(self, cell: int) -> str:
        """Say how often the category was found, such as "new hot spot in 83% of 500 redraws"."""
        order = np.argsort(-self.times[cell], kind="stable")
        found = [(CATEGORIES[c], int(self.times[cell, c])) for c in order if self.times[cell, c]]
        name, times = found[0]
        if self.category[cell] != CANNOT_TELL:
            return f"{name} in {_percent(times, self.n_redraws)} of {self.n_redraws} redraws"
        if self.most_frequent[cell] == CANNOT_TELL:
            return f"cannot tell: too few in {_percent(times, self.n_redraws)} of {self.n_redraws} redraws"
        shares = ", ".join(f"{name} in {_percent(times, self.n_redraws)}" for name, times in found[:3])
        return f"cannot tell: {shares} of {self.n_redraws} redraws"


def redraw_task(
    x: ArrayLike,
    y: ArrayLike,
    start: pd.Series | pd.DatetimeIndex,
    end: pd.Series | pd.DatetimeIndex | None = None,
    *,
    accuracy_m: ArrayLike,
    grid: CellGrid,
    steps: TimeSteps,
    seed: int,
    rule: Rule | None = None,
    child: ArrayLike | None = None,
    received: ArrayLike | None = None,
    moves_with: ArrayLike | None = None,
) -> RedrawTask:
    """Check the records and put together what redraws need; see `redraw_categories` for the parameters.

    Raises
    ------
    WrongCRS, MissingValue
        See `require_coordinates` and `local_time.intervals`; also an accuracy that is missing or negative.
    """
    xs, ys = require_coordinates(x, y)
    begins, ends = intervals(start, end)
    if len(begins) != xs.size:
        raise ValueError(f"{len(begins)} times for {xs.size} records")
    radius = np.asarray(accuracy_m, dtype=np.float64)
    radius = require_counts(
        np.broadcast_to(radius, xs.shape) if not radius.ndim else radius, what="accuracies"
    )
    if radius.shape != xs.shape:
        raise ValueError(f"{radius.size} accuracies for {xs.size} records")
    return RedrawTask(
        xs, ys, radius, begins.asi8, ends.asi8, group_numbers(moves_with, xs.size, what="moves_with"),
        None if child is None else checked_children(child, xs.size),
        known_windows(received, steps, grid.n_cells), grid, steps, rule or Rule(), seed,
    )  # fmt: skip


def redraw_categories(
    x: ArrayLike,
    y: ArrayLike,
    start: pd.Series | pd.DatetimeIndex,
    end: pd.Series | pd.DatetimeIndex | None = None,
    *,
    accuracy_m: ArrayLike,
    grid: CellGrid,
    steps: TimeSteps,
    seed: int,
    n_redraws: int = 500,
    hold: float = 0.8,
    rule: Rule | None = None,
    child: ArrayLike | None = None,
    received: ArrayLike | None = None,
    moves_with: ArrayLike | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Stability:
    """Say of each cell which category survives the uncertainty of the records' place and time.

    In each redraw every record gets a place within its accuracy radius and an instant within its interval,
    all equally likely, and the categories are worked out anew. A cluster smaller than the accuracy of its
    records fades, as it should: nobody can tell in which of the cells it is. The share is no probability
    that the category is true; it speaks of recorded precision only, not of records never made.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.
    start, end : Series or DatetimeIndex of datetime64, shape (n,)
        As for `space_time_cube`.
    accuracy_m : array_like of float >= 0, shape (n,), or float
        Radius in metres within which a record's true place lies; 0 where it is exact.
    grid, steps, child, received
        As for `space_time_cube`.
    seed : int
        The same seed gives the same redraws, whatever chunks they are made in.
    n_redraws : int
    hold : float
        Share of the redraws, above one half, in which a category must be found to be told.
    rule : Rule, optional
        Options of `emerging_hotspots`.
    moves_with : array_like of int, shape (n,), optional
        Records with the same number (-1: none) have one true place and are moved together: one venue, or
        one child's repeats at one address.
    executor, on_progress
        Who makes the redraws, and who is told; see `chunks.pieces`.

    Returns
    -------
    Stability

    Raises
    ------
    WrongCRS, MissingValue
        See `redraw_task`.
    TooFewCells
        See `gi_star_steps`.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    Time O(redraws × (n + T × cells)).
    """
    task = redraw_task(
        x, y, start, end, accuracy_m=accuracy_m, grid=grid, steps=steps, seed=seed, rule=rule,
        child=child, received=received, moves_with=moves_with,
    )  # fmt: skip
    return run_redraws(task, n_redraws=n_redraws, hold=hold, executor=executor, on_progress=on_progress)


def run_redraws(
    task: RedrawTask,
    *,
    n_redraws: int = 500,
    hold: float = 0.8,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Stability:
    """Do the redraws of a task that is put together already; see `redraw_categories`."""
    if n_redraws < 1:
        raise ValueError(f"n_redraws is at least one, not {n_redraws}")
    work = partial(count_categories, task)
    times = summed(work, n_redraws, size=_PIECE, executor=executor, on_progress=on_progress)
    return stability(times, hold=hold)


def count_categories(task: RedrawTask, first: int, count: int) -> Integers:
    """Count how often each cell got each category in redraws ``first`` to ``first + count - 1``.

    Returns
    -------
    ndarray of int64, shape (n_cells, number of categories)
        Pieces may be added up in any order.
    """
    times = np.zeros((task.grid.n_cells, len(CATEGORIES)), dtype=np.int64)
    cells = np.arange(task.grid.n_cells)
    for redraw in range(first, first + count):
        times[cells, _categories_of(_redrawn(task, redraw), task)] += 1
    return times


def stability(times: Integers, *, hold: float = 0.8) -> Stability:
    """Turn counts of `count_categories`, added up over all chunks, into what may be told.

    Examples
    --------
    >>> times = np.zeros((2, len(CATEGORIES)), dtype=np.int64)
    >>> times[0, [0, 1]], times[1, [0, 1]] = [85, 415], [240, 260]
    >>> found = stability(times)
    >>> found.sentence(0)
    'new hot spot in 83% of 500 redraws'
    >>> found.sentence(1)
    'cannot tell: new hot spot in 52%, no pattern in 48% of 500 redraws'
    """
    if not 0.5 < hold <= 1:
        raise ValueError(f"hold lies above one half and up to one, not {hold}")
    n_redraws = int(times[0].sum()) if times.size else 0
    most = np.argmax(times, axis=1).astype(np.int8)
    best = times.max(axis=1)
    # In whole redraws, so that 80% of 5 is 4 without rounding.
    holds = best >= np.ceil(hold * n_redraws - 1e-9)
    category = np.where(holds, most, CANNOT_TELL).astype(np.int8)
    return Stability(category, most, best / max(n_redraws, 1), times, n_redraws, hold)


def _percent(times: int, of: int) -> str:
    # Neither "0%" of what was found nor "100%" of what once was not.
    whole = round(100 * times / of)
    if whole == 0:
        return "less than 1%"
    return "more than 99%" if whole == 100 and times < of else f"{whole}%"


def _redrawn(task: RedrawTask, redraw: int) -> SpaceTimeCube:
    """Return the cube of one redraw: the same whichever chunk it is made in."""
    rng = replicate_generator(task.seed, redraw)
    draws = rng.random((2, int(task.moves_with.max(initial=-1)) + 1))[:, task.moves_with]
    distance = task.accuracy_m * np.sqrt(draws[0])  # the root makes every spot of the disc equally likely
    angle = 2 * np.pi * draws[1]
    cell = task.grid.locate(task.x + distance * np.cos(angle), task.y + distance * np.sin(angle))
    length = task.to_ns - task.from_ns
    instant = task.from_ns + np.minimum((rng.random(length.size) * length).astype(np.int64), length)
    # An interval does not contain its end.
    instant -= (instant == task.to_ns) & (length > 0)
    return cube_of_cells(
        cell, instant, instant, grid=task.grid, steps=task.steps, child=task.child, known=task.known
    )


def _categories_of(cube: SpaceTimeCube, task: RedrawTask) -> Codes:
    rule, exact = task.rule, task.rule.method == "even_spread"
    steps = gi_star_steps(
        cube.counts, task.grid.adjacency, known=cube.known, totals=cube.totals if exact else None,
        exposure=task.grid.share_inside if exact else None, method=rule.method, alternative=rule.alternative,
        alpha=rule.alpha, min_records=rule.min_records,
    )  # fmt: skip
    direction = trend_directions(
        steps, cube, correction=rule.correction, intensity=rule.intensity, alpha=rule.alpha
    )
    category = categories(steps.bins, steps.known, direction)
    category[too_few_records(steps, rule.min_records)[1]] = CANNOT_TELL
    return category
