"""The hotspot map: how many records in each cell, what stands out from chance, and what is not on the map."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import NoVariation, TooFewCells
from placewise.core.scope import PANEL
from placewise.geo.adjacency import Adjacency
from placewise.geo.cells import CellGrid
from placewise.geo.counts import (
    children_per_cell,
    incidents_per_cell,
    independent_reports_around,
    independent_reports_per_cell,
)
from placewise.geo.getis_ord import GiStar, gi_star
from placewise.geo.hexgrid import hex_grid
from placewise.geo.square_cells import square_cells
from placewise.panel.hotspot_filter import Choices, HotspotFilter, Problem, read_filter
from placewise.panel.hotspot_ground import Ground, as_at, read_ground, ward_of, with_hull
from placewise.panel.hotspot_months import named
from placewise.panel.hotspot_records import Accounted, Records, account, locate, read_records
from placewise.panel.hotspot_shared import SharedPoints, shared_points
from placewise.panel.hotspot_whereabouts import Terrain, read_terrain, spreadable
from placewise.panel.period import moment_words
from placewise.store.session import Session

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Share of false alarms accepted among the cells shown as standing out.
Q_AT_MOST = 0.05
#: `SHARED` stands out as well, but only because records share points that stand for a street or the like.
#: `NOT_COMPARED` is every cell of those who see single places only.
ORDINARY, STANDS_OUT, TOO_FEW, SHARED, NOT_COMPARED = 0, 1, 2, 3, 4
#: From this many reports a cell on average, an even spread is no fair comparison: every town centre beats it.
#: Then a neighbourhood must stand out among the counts there are, dealt to the cells at random.
DENSE_REPORTS_A_CELL = 20


@dataclass(frozen=True, slots=True)
class HotArea:
    """Neighbouring cells that stand out, as one.

    Attributes
    ----------
    peak : int
        Position of the cell with most records.
    cells : tuple of int
        Positions of its cells.
    ward : str
        Ward of the peak; may be empty.
    """

    peak: int
    cells: tuple[int, ...]
    ward: str


@dataclass(frozen=True)
class Hotspots:
    """One picture: the answer to one filter.

    Attributes
    ----------
    grid : CellGrid
    position : ndarray of int64
        Cell of each record, -1 where it is not on the map.
    counts, children : ndarray of int64, shape (cells,)
        Records, and distinct children known to them.
    test : GiStar or None
        None where nothing can be compared.
    verdict : ndarray of int64, shape (cells,)
        `ORDINARY`, `STANDS_OUT`, `TOO_FEW`, `SHARED` or `NOT_COMPARED`.
    areas : list of HotArea
        Most records first.
    shared_areas : list of HotArea
        The same of cells whose verdict is `SHARED`, where their points are not at the edge of ``areas``.
    shared : SharedPoints
    n_children : int
        Distinct children on the whole map.
    children_known : bool
        False for roles to which children are not counted.
    terrain : Terrain or None
        Where rough records may have been; None where they are left out.
    """

    wanted: HotspotFilter
    ground: Ground
    records: Records
    grid: CellGrid
    position: Integers = field(repr=False)
    counts: Integers = field(repr=False)
    children: Integers = field(repr=False)
    test: GiStar | None = field(repr=False)
    verdict: Integers = field(repr=False)
    areas: list[HotArea]
    shared_areas: list[HotArea]
    shared: SharedPoints = field(repr=False)
    accounted: Accounted
    n_children: int
    children_known: bool
    terrain: Terrain | None = field(default=None, repr=False)

    @property
    def shades_children(self) -> bool:
        """Whether cells are shaded by different children; not for roles to which children are not counted."""
        return self.wanted.view == "counts" and self.wanted.shade == "children" and self.children_known

    @property
    def drawn(self) -> Integers:
        """Positions of cells worth drawing: those with records and those that stand out."""
        return np.flatnonzero((self.counts > 0) | np.isin(self.verdict, (STANDS_OUT, SHARED)))


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why there is no map yet, and what to import."""

    ground: Ground
    reason: str


@dataclass(frozen=True, slots=True)
class Laid:
    """Records and the grid under them, before anything is counted; the attributes are those of `Hotspots`."""

    wanted: HotspotFilter
    ground: Ground
    records: Records
    grid: CellGrid
    children_known: bool


def read_choices(ground: Ground) -> Choices | None:
    """What the filters offer; None for a partnership without records."""
    if ground.first_month is None or ground.last_month is None:
        return None
    sending = {a.code: a.name for a in ground.agencies if a.code in ground.holding.counts}
    return Choices(ground.first_month, ground.last_month, sending, ground.usual_first_month)


def find_hotspots(
    session: Session, query: Mapping[str, Sequence[str]]
) -> tuple[Hotspots | Nothing, list[Problem]]:
    """Read, count and test what an address asks for.

    Returns
    -------
    Hotspots or Nothing
        `Nothing` when there are no records, or no ground to lay a grid on.
    list of Problem
        Values of the address that could not be understood.
    """
    laid, problems = lay_records(session, query)
    if isinstance(laid, Nothing):
        return laid, problems
    terrain = read_terrain(session, laid.records, laid.ground) if laid.wanted.spreads else None
    return count_records(laid, terrain), problems


def lay_records(session: Session, query: Mapping[str, Sequence[str]]) -> tuple[Laid | Nothing, list[Problem]]:
    """Read what an address asks for and lay the grid under it, as `find_hotspots`; nothing is counted."""
    ground = read_ground(session)
    choices = read_choices(ground)
    if choices is None:
        return Nothing(ground, "no_records"), []
    wanted, problems = read_filter(query, choices)
    ground = as_at(session, ground, wanted.as_at)
    records = read_records(session, wanted, ground)
    ground = with_hull(ground, records.columns.x, records.columns.y)
    if ground.area is None:
        return Nothing(ground, "no_ground"), problems
    try:
        grid = lay_grid(ground, wanted)
    except TooFewCells:
        return Nothing(ground, "no_ground"), problems
    return Laid(wanted, ground, records, grid, bool(session.roles & PANEL)), problems


def lay_grid(ground: Ground, wanted: HotspotFilter) -> CellGrid:
    """Cells of the shape and width asked for.

    Raises
    ------
    TooFewCells
        The area is so small that no cell shares ground with it.
    """
    if wanted.shape == "squares":
        return square_cells(ground.frame, cell_width_m=wanted.cell_width_m)
    return hex_grid(ground.frame, cell_width_m=wanted.cell_width_m)


def count_records(laid: Laid, terrain: Terrain | None = None) -> Hotspots:
    """Count and test records that were read already; with a terrain, rough ones are drawn spread over it."""
    wanted, ground, records, grid = laid.wanted, laid.ground, laid.records, laid.grid
    position = locate(records, grid)
    counts = incidents_per_cell(position, n_cells=grid.n_cells)
    child_cell, child = position[records.columns.child_event], records.columns.child
    at = records.columns
    shared = shared_points(position, at.accuracy, at.x, at.y, adjacency=grid.adjacency, n_cells=grid.n_cells)
    test = _test(records, grid, position) if laid.children_known else None
    verdict = _verdicts(test, grid.n_cells) if laid.children_known else np.full(grid.n_cells, NOT_COMPARED)
    verdict[_only_by_sharing(verdict == STANDS_OUT, shared, records, grid, position)] = SHARED
    plain = verdict == STANDS_OUT
    alone = _apart(verdict == SHARED, plain, shared, grid.adjacency)
    joined = [
        [cell for cell in group if plain[cell]]
        for group in connected(plain | ((verdict == SHARED) & ~alone), grid.adjacency)
    ]
    spread = None if terrain is None else spreadable(records, terrain)
    on_map = (position >= 0) if spread is None else (position >= 0) | spread
    children_on_map = child[on_map[records.columns.child_event]]
    return Hotspots(
        wanted,
        ground,
        records,
        grid,
        position,
        counts,
        children_per_cell(child_cell, child, n_cells=grid.n_cells),
        test,
        verdict,
        _hot_areas([group for group in joined if group], counts, grid, ground),
        _hot_areas(connected(alone, grid.adjacency), counts, grid, ground),
        shared,
        account(records, position, spread),
        int(np.unique(children_on_map).size),
        laid.children_known,
        terrain,
    )


def _test(records: Records, grid: CellGrid, position: Integers) -> GiStar | None:
    """Compare each neighbourhood with chance, each child counted once in it."""
    child = records.child_of_event
    reports = independent_reports_per_cell(position, child, n_cells=grid.n_cells)
    around = independent_reports_around(position, child, grid.adjacency)
    try:
        if reports.mean() >= DENSE_REPORTS_A_CELL:
            return gi_star(reports, grid.adjacency, method="shuffle")
        return gi_star(reports, grid.adjacency, totals=around, exposure=grid.share_inside)
    except (NoVariation, TooFewCells):
        return None


def _verdicts(test: GiStar | None, n_cells: int) -> Integers:
    if test is None:
        return np.full(n_cells, TOO_FEW)
    verdict = np.where(test.too_few, TOO_FEW, ORDINARY)
    verdict[test.hot(q_at_most=Q_AT_MOST)] = STANDS_OUT
    return verdict


def _only_by_sharing(
    stands_out: Flags, shared: SharedPoints, records: Records, grid: CellGrid, position: Integers
) -> Flags:
    """Cells that owe it to shared points: made mostly of them, or beside them and ordinary without them."""
    beside = stands_out & shared.mostly_around & ~shared.mostly
    if beside.any():
        without = _test(records, grid, np.where(shared.point >= 0, -1, position))
        beside &= _verdicts(without, grid.n_cells) != STANDS_OUT
    return beside | (stands_out & shared.mostly)


def _apart(sharing: Flags, plain: Flags, shared: SharedPoints, adjacency: Adjacency) -> Flags:
    """Groups of cells that shared points make up, but not those whose points lie right beside plain cells.

    The latter are the edge of an area that stands out anyway, and would be counted twice.
    """
    apart = np.zeros(sharing.size, dtype=bool)
    for group in connected(sharing, adjacency):
        points = [cell for cell in group if shared.mostly[cell]]
        beside = [adjacency.indices[adjacency.indptr[c] : adjacency.indptr[c + 1]] for c in points]
        apart[group] = not any(plain[cells].any() for cells in beside)
    return apart


def _hot_areas(groups: list[list[int]], counts: Integers, grid: CellGrid, ground: Ground) -> list[HotArea]:
    peaks = np.array([max(group, key=lambda cell: int(counts[cell])) for group in groups], dtype=np.int64)
    x, y = cell_centres(grid, peaks)
    areas = [
        HotArea(peak, tuple(group), ward)
        for peak, group, ward in zip(peaks.tolist(), groups, ward_of(ground, x, y), strict=True)
    ]
    return sorted(areas, key=lambda area: -int(counts[list(area.cells)].sum()))


def connected(flags: Flags, adjacency: Adjacency) -> list[list[int]]:
    """Groups of flagged cells that touch, each in ascending order."""
    left = set(np.flatnonzero(flags).tolist())
    groups = []
    while left:
        queue = deque([left.pop()])
        group = []
        while queue:
            cell = queue.popleft()
            group.append(cell)
            around = set(adjacency.indices[adjacency.indptr[cell] : adjacency.indptr[cell + 1]].tolist())
            queue.extend(around & left)
            left -= around
        groups.append(sorted(group))
    return groups


def cell_centres(grid: CellGrid, positions: Integers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastings and northings of the centres of cells given by position."""
    return grid.centres(positions)


def period_words(wanted: HotspotFilter) -> str:
    """The period as a phrase."""
    if wanted.month:
        return named(wanted.month)
    if wanted.first_month == wanted.last_month:
        return named(wanted.first_month)
    return f"{named(wanted.first_month)} to {named(wanted.last_month)}"


def as_held(wanted: HotspotFilter, said: str) -> str:
    """A sentence, with the moment first when the picture is of earlier records."""
    return f"Records as held on {moment_words(wanted.as_at)}. {said}" if wanted.as_at else said
