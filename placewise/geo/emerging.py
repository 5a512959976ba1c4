"""Emerging hot spots: how each cell's hot and cold steps follow one another, and where nothing can be said.

The seventeen categories are those of ArcGIS Pro's Emerging Hot Spot Analysis (Esri, "How Emerging Hot Spot
Analysis works", pro.arcgis.com/en/pro-app/latest/tool-reference/space-time-pattern-mining/learnmoreemerging.htm,
as of version 3.2), of which every step is a hot or a cold spot of Gi*, or neither, and the trend is
Mann–Kendall's on the step scores z. "Steps" are the known ones alone:

========================= =============================================================================
no pattern                none of those below
new hot spot              hot in the last step, never before
consecutive hot spot      one unbroken run of at least two hot steps up to the last, never hot before it;
                          fewer than 90% of steps hot
intensifying hot spot     hot in at least 90% of steps and in the last; z rises, significantly
persistent hot spot       hot in at least 90% of steps; no discernible trend
diminishing hot spot      hot in at least 90% of steps and in the last; z falls, significantly
sporadic hot spot         hot in the last step and on and off before; fewer than 90% hot, none cold
oscillating hot spot      hot in the last step, cold in some step before; fewer than 90% hot
historical hot spot       not hot in the last step, hot in at least 90% of steps
========================= =============================================================================

and the same for cold spots, intensifying where z falls and diminishing where it rises. (Up to version 2.9
"sporadic" did not need a hot last step, and one hot step at the end was "consecutive" too.) Where two of
these sentences fit, the published text does not say which holds. Here the last step comes first (hot or cold
now, before historical); a cell that was cold before is oscillating, not new or consecutive; and one hot in
90% of steps, but not in the last, is historical, not persistent.

"Cannot tell" is ours: fewer than `MIN_STEPS` known steps, or too few records. `redraws` adds: no category
that survives the uncertainty of the records' place and time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import TooFewRecords
from placewise.geo.adjacency import Adjacency
from placewise.geo.crs import Flags, Floats, Integers
from placewise.geo.getis_ord import MIN_OBSERVED
from placewise.geo.getis_ord_steps import Alternative, StepGiStar, StepMethod, gi_star_steps
from placewise.geo.space_time_cube import SpaceTimeCube, TimeSteps
from placewise.geo.trend import Correction, Slope, Trend, mann_kendall, sens_slope

_PATTERNS = (
    "new", "consecutive", "intensifying", "persistent", "diminishing", "sporadic", "oscillating", "historical",
)  # fmt: skip
#: A category's code is its place here.
CATEGORIES: Final = (
    "no pattern",
    *(f"{pattern} hot spot" for pattern in _PATTERNS),
    *(f"{pattern} cold spot" for pattern in _PATTERNS),
    "cannot tell",
)
NO_PATTERN: Final = 0
CANNOT_TELL: Final = len(CATEGORIES) - 1
_NEW, _CONSECUTIVE, _INTENSIFYING, _PERSISTENT, _DIMINISHING, _SPORADIC, _OSCILLATING, _HISTORICAL = range(
    1, 9
)
_COLD: Final = len(_PATTERNS)

# Mann–Kendall's normal approximation, and "90% of steps", need ten; ArcGIS refuses fewer as well.
MIN_STEPS = 10
#: More than this share of steps, of ten.
_MOSTLY_OF_TEN = 9

Codes = NDArray[np.int8]
Intensity = Literal["z", "share"]


@dataclass(frozen=True)
class EmergingHotspots:
    """The result of `emerging_hotspots`; arrays have one entry a cell unless said.

    Attributes
    ----------
    category : ndarray of int8
        Codes: positions in `CATEGORIES`.
    steps : StepGiStar
        Gi* of every step and cell.
    trend : Trend
        Of z over the known steps; where windows overlap, see ``correction``.
    n_known : ndarray of int64
        Steps known; the others took no part in category or trend.
    last_known : ndarray of int64
        The step that counts as the last; −1 where none is known.
    records : ndarray of float64
        Records in the cell and its neighbours in the known steps.
    too_few : ndarray of bool
        Too few records to tell.
    """

    category: Codes
    steps: StepGiStar = field(repr=False)
    trend: Trend = field(repr=False)
    n_known: Integers = field(repr=False)
    last_known: Integers = field(repr=False)
    records: Floats = field(repr=False)
    too_few: Flags = field(repr=False)

    @property
    def n_steps(self) -> int:
        """Steps in the cube, known or not."""
        return len(self.steps.known)

    def names(self) -> list[str]:
        """Return the category of each cell in words."""
        return [CATEGORIES[c] for c in self.category]

    def slopes(self, cells: ArrayLike, *, confidence: float = 0.95) -> Slope:
        """Return Sen's slope of the records around the given cell positions, in records a step."""
        at = np.asarray(cells, dtype=np.int64)
        known = self.steps.known[:, at]
        return sens_slope(np.where(known, self.steps.total[:, at], np.nan), confidence=confidence)

    def sentence(self, cell: int) -> str:
        """Say a cell's category with what it rests on, and which steps are not known."""
        name, known = CATEGORIES[self.category[cell]], int(self.n_known[cell])
        rests = f"{self.records[cell]:.0f} records around it in {known} steps"
        missing = self.n_steps - known
        parts = [f"{name}: {rests}"]
        if missing:
            parts.append(f"{missing} of {self.n_steps} steps left out because reports are missing")
        if known and self.last_known[cell] < self.n_steps - 1:
            parts.append(f"as of step {self.last_known[cell] + 1}, the last one known")
        return "; ".join(parts)


def emerging_hotspots(
    cube: SpaceTimeCube,
    adjacency: Adjacency,
    *,
    exposure: ArrayLike | None = None,
    method: StepMethod = "even_spread",
    alternative: Alternative = "both",
    alpha: float = 0.05,
    correction: Correction = "none",
    intensity: Intensity = "z",
    min_records: float = MIN_OBSERVED,
) -> EmergingHotspots:
    """Say of each cell how its hot and cold spots have developed; see the head of this module.

    A category describes the records of the past as recorded. It does not say that harm is rising there,
    why, or that it will go on; "no pattern" is not "safe"; and "cold" is few *records*, which may be few
    reports. Steps in which reports are missing are left out, so they cannot read as a decline.

    Parameters
    ----------
    cube : SpaceTimeCube
        `space_time_cube`, or its ``counts``, ``known`` and ``totals`` of your own. Not modified.
    adjacency : Adjacency
        Neighbours of the cube's n cells.
    exposure, method, alternative, alpha, min_records
        As for `gi_star_steps`: both sides are sought unless stated otherwise beforehand. ``alpha`` is also
        the two-sided level of the trend. Fewer than ``min_records`` records seen around a cell over all
        known steps, and fewer expected, are too few to tell.
    correction : {"none", "hamed_rao"}
        Of the trend test for autocorrelation. With ``"none"`` and overlapping windows, the trend is that
        of the windows that do not overlap, counted back from the last; ``"hamed_rao"`` uses them all and
        still finds trends in noise three times too often (`docs/methods.md`).
    intensity : {"z", "share"}
        What rises or falls. ``"z"``, as published: it hardly moves once one spot makes up most of the
        map's variation, however its records grow. ``"share"``: the records around the cell over those an
        even spread would put there, which goes on rising.

    Returns
    -------
    EmergingHotspots

    Raises
    ------
    TooFewRecords
        The cube has fewer than `MIN_STEPS` windows.
    TooFewCells, MissingValue
        See `gi_star_steps`.

    Notes
    -----
    Time O(T n (k + T)) for k neighbours. Unlike ArcGIS: exact binomial tails instead of the normal
    approximation (``method="normal"`` has that); each step compared with itself only, not with the step
    before (``window_steps=2`` joins them) and not with the cube's mean; unknown steps; ``min_records``.

    Examples
    --------
    >>> from placewise.geo.adjacency import adjacency_from_pairs
    >>> from placewise.geo.space_time_cube import monthly_steps
    >>> line = adjacency_from_pairs(range(19), range(1, 20), n_cells=20)
    >>> counts = np.ones((12, 20))
    >>> counts[-1, 3] = 30
    >>> cube = cube_of_counts(counts, monthly_steps("2026-01", "2026-12"))
    >>> emerging_hotspots(cube, line).sentence(3)
    'new hot spot: 53 records around it in 12 steps'
    """
    if cube.steps.n_windows < MIN_STEPS:
        raise TooFewRecords(
            f"{cube.steps.n_windows} steps are too few to speak of a pattern. Choose at least {MIN_STEPS}: "
            "a longer period or shorter steps."
        )
    steps = gi_star_steps(
        cube.counts, adjacency, known=cube.known, totals=cube.totals if method == "even_spread" else None,
        exposure=exposure, method=method, alternative=alternative, alpha=alpha, min_records=min_records,
    )  # fmt: skip
    trend = mann_kendall(_intensities(steps, cube, intensity, correction), correction=correction)
    records, too_few = too_few_records(steps, min_records)
    n_known = np.count_nonzero(steps.known, axis=0).astype(np.int64)
    last_known = np.where(n_known > 0, steps.known.shape[0] - 1 - np.argmax(steps.known[::-1], axis=0), -1)
    category = categories(steps.bins, steps.known, trend.direction(alpha=alpha))
    category[too_few] = CANNOT_TELL
    return EmergingHotspots(category, steps, trend, n_known, last_known, records, too_few)


def cube_of_counts(counts: ArrayLike, steps: TimeSteps, *, known: ArrayLike | None = None) -> SpaceTimeCube:
    """Make a cube of counts that are there already, shape (T, n); ``known`` has the same shape."""
    values = np.asarray(counts, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != steps.n_windows:
        raise ValueError(f"counts has a row for each of {steps.n_windows} windows, not shape {values.shape}")
    seen = np.ones(values.shape, dtype=np.bool_) if known is None else np.asarray(known)
    used = float(np.where(seen, values, 0.0).sum())
    return SpaceTimeCube(values, seen, None, steps, round(used), 0, 0, float(values.sum()) - used)


def trend_directions(
    steps: StepGiStar, cube: SpaceTimeCube, *, correction: Correction, intensity: Intensity, alpha: float
) -> NDArray[np.int8]:
    """Return the trend of the only cells whose category depends on it, 0 elsewhere."""
    n_known = np.count_nonzero(steps.known, axis=0)
    mostly = np.maximum(np.count_nonzero(steps.bins > 0, axis=0), np.count_nonzero(steps.bins < 0, axis=0))
    cells = np.flatnonzero((10 * mostly >= _MOSTLY_OF_TEN * n_known) & (n_known >= MIN_STEPS))
    direction = np.zeros(n_known.size, dtype=np.int8)
    series = _intensities(steps, cube, intensity, correction)[:, cells]
    direction[cells] = mann_kendall(series, correction=correction).direction(alpha=alpha)
    return direction


def too_few_records(steps: StepGiStar, min_records: float) -> tuple[Floats, Flags]:
    """Return the records around each cell in the known steps, and whether they are too few to tell."""
    # Adding up under a mask takes many times as long.
    where = True if steps.known.all() else steps.known
    records = np.sum(steps.total, axis=0, where=where)
    expected = np.sum(steps.expected, axis=0, where=where)
    return records, (records < min_records) & (expected < min_records)


def categories(bins: ArrayLike, known: ArrayLike, direction: ArrayLike) -> Codes:
    """Name the pattern of each cell's hot and cold steps.

    Parameters
    ----------
    bins : array_like of int, shape (T, n)
        1 hot, −1 cold, 0 neither.
    known : array_like of bool, shape (T, n)
        Steps not known are left out.
    direction : array_like of int, shape (n,)
        1 where z rises, −1 where it falls, 0 where there is no discernible trend.

    Returns
    -------
    ndarray of int8, shape (n,)
        Codes: positions in `CATEGORIES`; `CANNOT_TELL` where fewer than `MIN_STEPS` steps are known.

    Examples
    --------
    >>> twelve = np.array(10 * [[0, 0, 1, 1]] + [[0, 1, 1, 1], [1, 1, 1, 1]])
    >>> [CATEGORIES[c] for c in categories(twelve, twelve > -1, [0, 0, 1, 0])]
    ['new hot spot', 'consecutive hot spot', 'intensifying hot spot', 'persistent hot spot']
    """
    marks, seen, trend = np.asarray(bins), np.asarray(known, dtype=np.bool_), np.asarray(direction)
    n_known = np.count_nonzero(seen, axis=0)
    hot, cold = (marks > 0) & seen, (marks < 0) & seen
    found = np.full(n_known.size, NO_PATTERN, dtype=np.int8)
    # The cold side's codes lie behind the hot side's; a cell is hot now, cold now, or historical.
    for here, other, rising, behind in ((hot, cold, trend, 0), (cold, hot, -trend, _COLD)):
        pattern = _pattern(here, other, seen, rising, n_known)
        free = (pattern != NO_PATTERN) & ((found == NO_PATTERN) | (pattern != _HISTORICAL))
        found[free] = pattern[free] + behind
    found[n_known < MIN_STEPS] = CANNOT_TELL
    return found


def _pattern(here: Flags, other: Flags, seen: Flags, rising: Integers, n_known: Integers) -> Codes:
    """Return the pattern of one side: its own marks, the other side's, and the trend towards more of it."""
    count, run = np.count_nonzero(here, axis=0), _run_at_end(here, seen)
    mostly = (10 * count >= _MOSTLY_OF_TEN * n_known) & (count > 0)
    now, opposed = run > 0, other.any(axis=0)
    choices = [
        (mostly & ~now, _HISTORICAL),
        (mostly & (rising > 0), _INTENSIFYING),
        (mostly & (rising < 0), _DIMINISHING),
        (mostly, _PERSISTENT),
        (now & opposed, _OSCILLATING),
        (now & (count > run), _SPORADIC),
        (run > 1, _CONSECUTIVE),
        (run == 1, _NEW),
    ]
    chosen = np.select([when for when, _ in choices], [which for _, which in choices], default=NO_PATTERN)
    return chosen.astype(np.int8)


def _run_at_end(here: Flags, seen: Flags) -> Integers:
    """Return the length of the unbroken run up to the last known step; unknown steps do not break it."""
    run = np.zeros(here.shape[1], dtype=np.int64)
    going = np.ones(here.shape[1], dtype=np.bool_)
    for marked, known in zip(here[::-1], seen[::-1], strict=True):
        going &= marked | ~known
        run += going & marked
        if not going.any():
            break
    return run


def _intensities(
    steps: StepGiStar, cube: SpaceTimeCube, intensity: Intensity, correction: Correction
) -> Floats | NDArray[np.uint16]:
    """Return the series the trend is tested on: without correction, only windows that do not overlap."""
    every = 1 if correction == "hamed_rao" else cube.steps.window_steps
    kept = slice((len(steps.z) - 1) % every, None, every)  # counted back from the last
    if intensity == "z":
        # Places rise and fall as the scores do; only the correction needs the scores themselves.
        if steps.order is not None and correction == "none":
            return steps.order[kept]
        return steps.z[kept]
    if intensity != "share":
        raise ValueError(f"intensity is z or share, not {intensity!r}")
    usable = steps.known[kept] & (steps.expected[kept] > 0)
    out = np.full(usable.shape, np.nan)
    np.divide(steps.total[kept], steps.expected[kept], out=out, where=usable)
    return out
