"""What a scan supposes when there is nothing to find: Poisson, Bernoulli, space–time permutation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import MissingValue, NoVariation, TooFewRecords
from placewise.geo.crs import Flags, Floats, Integers
from placewise.geo.scan_kernels import Family
from placewise.geo.time_shuffle import TimeBlocks, kept_together, shuffled

MIN_CASES = 2


@dataclass(frozen=True)
class PoissonModel:
    """Cases fall in proportion to what is expected; see `poisson_model`."""

    counts: Integers
    expected: Floats
    family: Family = "poisson"
    name: str = "poisson"

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return int(self.counts.sum())

    def at_sites(self, site: Integers, n_sites: int) -> PoissonModel:
        """Return the model with locations put together to sites."""
        return replace(
            self,
            counts=_sum_rows(self.counts, site, n_sites),
            expected=_sum_rows(self.expected, site, n_sites),
        )

    def baseline(self) -> Floats:
        """Return expected cases, scaled to the number of cases, shape (sites, steps)."""
        scaled: Floats = self.expected * (self.n_cases / self.expected.sum())
        return scaled

    @cached_property
    def _cumulative(self) -> Floats:
        cumulative: Floats = np.cumsum(self.expected)
        return cumulative

    def draw(self, rng: np.random.Generator, since: int = 0) -> Integers:
        """Return the cell (site × steps + step) of each case of a replicate with as many cases.

        Cells of steps before ``since`` may be left out, since no window reaches them.
        """
        cumulative, n = self._cumulative, self.n_cases
        if n > cumulative.size:
            shares = self.expected.reshape(-1) / self.expected.sum()
            cells: Integers = np.repeat(np.arange(shares.size), rng.multinomial(n, shares))
            return cells
        # side="right" passes over cells where nothing is expected.
        drawn = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
        last = int(np.searchsorted(cumulative, cumulative[-1]))
        drawn_cells: Integers = np.minimum(drawn, last)
        return drawn_cells


@dataclass(frozen=True)
class BernoulliModel:
    """Which records are cases is chance; see `bernoulli_model`."""

    location: Integers
    step: Integers
    case: Flags
    repeats: TimeBlocks
    n_locations: int
    n_steps: int
    family: Family = "bernoulli"
    name: str = "bernoulli"

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return int(self.case.sum())

    @property
    def counts(self) -> Integers:
        """Cases, shape (locations, steps)."""
        return self._per_cell(self._cells[self.case])

    def at_sites(self, site: Integers, n_sites: int) -> BernoulliModel:
        """Return the model with locations put together to sites."""
        return replace(self, location=site[self.location], n_locations=n_sites)

    def baseline(self) -> Floats:
        """Return cases and controls, shape (sites, steps)."""
        return self._per_cell(self._cells).astype(np.float64)

    @cached_property
    def _cells(self) -> Integers:
        cells: Integers = self.location * self.n_steps + self.step
        return cells

    def _per_cell(self, cells: Integers) -> Integers:
        size = self.n_locations * self.n_steps
        return np.bincount(cells, minlength=size).reshape(self.n_locations, self.n_steps)

    def draw(self, rng: np.random.Generator, since: int = 0) -> Integers:
        """Return the cell (site × steps + step) of each case, cases dealt anew; see `PoissonModel.draw`."""
        cells: Integers = self._cells[self.case[shuffled(self.repeats, rng)]]
        return cells


@dataclass(frozen=True)
class PermutationModel:
    """When an event happens has nothing to do with where; see `permutation_model`."""

    location: Integers
    step: Integers
    repeats: TimeBlocks
    n_locations: int
    n_steps: int
    family: Family = "poisson"
    name: str = "permutation"

    @property
    def n_cases(self) -> int:
        """Number of events."""
        return self.location.size

    @property
    def counts(self) -> Integers:
        """Events, shape (locations, steps)."""
        cells = self.location * self.n_steps + self.step
        size = self.n_locations * self.n_steps
        return np.bincount(cells, minlength=size).reshape(self.n_locations, self.n_steps)

    def at_sites(self, site: Integers, n_sites: int) -> PermutationModel:
        """Return the model with locations put together to sites."""
        return replace(self, location=site[self.location], n_locations=n_sites)

    def baseline(self) -> Floats:
        """Return events of the site × events of the step / all events, shape (sites, steps)."""
        here = np.bincount(self.location, minlength=self.n_locations)
        then = np.bincount(self.step, minlength=self.n_steps)
        expected: Floats = np.outer(here, then) / self.n_cases
        return expected

    def draw(self, rng: np.random.Generator, since: int = 0) -> Integers:
        """Return the cell (site × steps + step) of each event, times dealt anew; see `PoissonModel.draw`."""
        if since > 0 and self.repeats.all_alone:
            # The late times fall on a random few of the events: the same chances, and most need no dealing.
            late = self.step[self.step >= since]
            who = rng.choice(self.n_cases, late.size, replace=False)
            dealt: Integers = self.location[who] * self.n_steps + late
            return dealt
        cells: Integers = self.location * self.n_steps + self.step[shuffled(self.repeats, rng)]
        return cells


ScanModel = PoissonModel | BernoulliModel | PermutationModel


def _sum_rows(values: NDArray[Any], site: Integers, n_sites: int) -> NDArray[Any]:
    summed = np.zeros((n_sites, values.shape[1]), dtype=values.dtype)
    np.add.at(summed, site, values)
    return summed


def poisson_model(cases: ArrayLike, expected: ArrayLike) -> PoissonModel:
    """Say how many cases there were and how many were to be expected, by location and step.

    The scan then asks where there are more than this expectation has it. It is as good as the
    expectation: resident population says little about a town centre at night. Cases must be independent:
    count each child once, or its repeats will look like a cluster.

    Parameters
    ----------
    cases : array_like of int >= 0, shape (locations,) or (locations, steps)
        One dimension: a scan in space only. Not modified.
    expected : array_like of float >= 0, same shape
        Expected cases, population or person-time, in any unit: it is scaled to the number of cases.

    Raises
    ------
    MissingValue
        A value is missing, negative or infinite, or a case lies where nothing is expected.
    TooFewRecords
        Fewer than two cases.
    """
    counts, means = _table(cases, "cases"), _table(expected, "expected values")
    if counts.shape != means.shape:
        raise ValueError(f"cases {counts.shape} and expected {means.shape} must have one shape")
    if np.any(counts != np.rint(counts)):
        raise MissingValue("Cases must be whole numbers; spread or weighted records need another method.")
    if counts.sum() < MIN_CASES:
        raise TooFewRecords("A scan needs at least two cases.")
    stray = int(counts[means == 0].sum())
    if stray:
        raise MissingValue(
            f"{stray} cases lie where nothing is expected. Give an expectation, or leave them out."
        )
    return PoissonModel(counts.astype(np.int64), means)


def _table(values: ArrayLike, what: str) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim not in (1, 2):
        raise ValueError(f"{what} must have one or two dimensions, not {table.ndim}")
    bad = int(np.count_nonzero(~(np.isfinite(table) & (table >= 0))))
    if bad:
        raise MissingValue(f"{bad} of {table.size} {what} are missing, infinite or negative.")
    return table.reshape(table.shape[0], -1).copy()


def bernoulli_model(
    location: ArrayLike,
    case: ArrayLike,
    *,
    n_locations: int,
    step: ArrayLike | None = None,
    n_steps: int = 1,
    child: ArrayLike | None = None,
) -> BernoulliModel:
    """Say which records are cases and which are controls, one entry a record.

    The scan then asks where an unusual share of the records are cases. Controls stand for what is
    recorded anyway, so uneven recording matters less than it does to other scans.

    Parameters
    ----------
    location : array_like of int, shape (n,)
        Position of the record's location, from 0 to ``n_locations - 1``. Not modified.
    case : array_like of bool, shape (n,)
        True for a case, False for a control.
    n_locations : int
    step : array_like of int, shape (n,), optional
        From 0 to ``n_steps - 1``. Without it the scan is in space only.
    n_steps : int
    child : array_like of int, shape (n,), optional
        -1: none recorded. A child's cases and controls then stay together when cases are dealt anew: they
        go whole to a child with as many records.

    Raises
    ------
    MissingValue
        A location, step or child is missing or out of range.
    TooFewRecords
        Fewer than two cases.
    NoVariation
        There are no controls.
    """
    where, when = _places(location, step, n_locations, n_steps)
    flags = np.asarray(case)
    if flags.dtype != np.bool_ or flags.shape != where.shape:
        raise ValueError("case needs one True or False a record")
    if flags.sum() < MIN_CASES:
        raise TooFewRecords("A scan needs at least two cases.")
    if flags.all():
        raise NoVariation("There are no controls, so no share of cases can stand out.")
    repeats = kept_together(when, child)
    return BernoulliModel(where, when, flags.copy(), repeats, n_locations, n_steps)


def permutation_model(
    location: ArrayLike, step: ArrayLike, *, n_locations: int, n_steps: int, child: ArrayLike | None = None
) -> PermutationModel:
    """Say where and when each event was; the events are their own baseline.

    The scan then asks where, for a time, there were more events than that place's share and that time's
    share explain. It needs no population, and a place that is always busy is no cluster. It cannot see a
    rise that happens everywhere at once, nor a place that was always worse.

    Parameters
    ----------
    location, step : array_like of int, shape (n,)
        Positions from 0 to ``n_locations - 1`` and ``n_steps - 1``, one entry an event. Not modified.
    n_locations, n_steps : int
    child : array_like of int, shape (n,), optional
        -1: none recorded. A child's times then stay together, in their order, when times are dealt anew:
        they go whole to a child with as many events. A child with a number of events that no other child
        has keeps its own times.

    Raises
    ------
    MissingValue
        A location, step or child is missing or out of range.
    TooFewRecords
        Fewer than two events.
    NoVariation
        All events are at one location or in one step.

    Notes
    -----
    Kulldorff, Heffernan, Hartman, Assunção and Mostashari 2005, doi 10.1371/journal.pmed.0020059.
    """
    where, when = _places(location, step, n_locations, n_steps)
    if where.size < MIN_CASES:
        raise TooFewRecords("A scan needs at least two events.")
    if np.ptp(where) == 0 or np.ptp(when) == 0:
        raise NoVariation("All events are at one place or in one step, so none can stand out from the rest.")
    repeats = kept_together(when, child)
    return PermutationModel(where, when, repeats, n_locations, n_steps)


def _places(
    location: ArrayLike, step: ArrayLike | None, n_locations: int, n_steps: int
) -> tuple[Integers, Integers]:
    where = _whole(location, "locations", None, below=n_locations)
    if step is None:
        if n_steps != 1:
            raise ValueError("n_steps without steps: give the step of each record")
        return where, np.zeros_like(where)
    return where, _whole(step, "steps", where.size, below=n_steps)


def _whole(
    values: ArrayLike, what: str, size: int | None, *, least: int = 0, below: int | None = None
) -> Integers:
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or (size is not None and given.size != size):
        raise ValueError(f"{what} must be one-dimensional, one entry a record")
    top = np.inf if below is None else below
    usable = np.isfinite(given) & (given >= least) & (given < top) & (given == np.rint(given))
    bad = int(np.count_nonzero(~usable))
    if bad:
        raise MissingValue(
            f"{bad} of {given.size} {what} are missing or outside the study. Leave those records out and count them."
        )
    return given.astype(np.int64)
