"""How often a planted spot is found, by records and by the share known only roughly: a table of docs/methods.md.

``python -m benchmarks.power [--maps 200] [--slow-maps 30]``. Synthetic: 5 km by 5 km, hexagons of 250 m, 24 months.
Records are of children, 6% of whom have about a quarter of them, as in `benchmarks.false_alarms`; a child's records
lie in three months, half of them about 250 m from its usual place. In a circle of 250 m there are as many times more
children than elsewhere as the table says: in all months, or from month 19 on. Records known only to a ward are in no
cell, as on the map, so it does not matter to which. The rules are those of the map: `panel.hotspots`,
`panel.analyses.scan` and `panel.analyses.emerging`, with fewer shufflings (99) and redraws (25).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from itertools import product
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats

from placewise.geo.cells import CellGrid
from placewise.geo.counts import (
    incidents_per_cell,
    independent_reports_around,
    independent_reports_per_cell,
)
from placewise.geo.emerging import CANNOT_TELL, CATEGORIES
from placewise.geo.getis_ord import gi_star
from placewise.geo.hexgrid import hex_grid
from placewise.geo.redraws import Rule, redraw_categories
from placewise.geo.scan import ScanPlan, plan_scan, scan
from placewise.geo.scan_models import permutation_model, poisson_model
from placewise.geo.space_time_cube import TimeSteps, monthly_steps
from placewise.panel.analyses.emerging_answer import HOLD
from placewise.panel.analyses.scan_question import (
    LEAST_IN_CLUSTER,
    LEAST_RECORDS,
    LONGEST_MONTHS,
    P_AT_MOST,
    RADIUS_M,
    SHARE_PERCENT,
)
from placewise.panel.hotspots import Q_AT_MOST, connected

WEST, SOUTH, SIDE_M = 540_000.0, 180_000.0, 5_000.0
AREA = gpd.GeoSeries([shapely.box(WEST, SOUTH, WEST + SIDE_M, SOUTH + SIDE_M)], crs="EPSG:27700")
GRID = hex_grid(AREA, cell_width_m=250)
MONTHS, BEGINS = 24, 18
SPOT_M, AWAY_M, ACCURACY_M = 250.0, 250.0, 100.0
#: What is told within the spot finds it; so far off it has nothing to do with it: its children move next door, and
#: a neighbourhood reaches a cell further.
ELSEWHERE_M = SPOT_M + AWAY_M + 250.0
STAY_MONTHS = 3.0
SHUFFLINGS, STOP_AFTER = 99, 5  # stopped where 999 would be at 50: p above 0.05 is certain
REDRAWS = 25
RECORDS, ROUGH = (100, 200, 400, 800, 1600), (0.0, 0.2, 0.4, 0.6)
EVENLY, AT_SPOT = "evenly", "twice as often at the spot"
_HOT = [code for code, name in enumerate(CATEGORIES) if name.endswith("hot spot")]
_MONTHLY = monthly_steps("2024-01", "2025-12")
STEPS = TimeSteps(_MONTHLY.edges_ns[::2])


class Records(NamedTuple):
    """Records of a made-up borough; ``month`` is a time, 0 to 24; ``at_spot`` says whose usual place is the spot."""

    x: np.ndarray
    y: np.ndarray
    month: np.ndarray
    child: np.ndarray
    at_spot: np.ndarray

    def only(self, rows: np.ndarray) -> Records:
        """Return some of the records."""
        return Records(*(column[rows] for column in self))


class Told(NamedTuple):
    """Groups of cells that a method points to, and whether it cannot tell of each cell."""

    groups: list[np.ndarray]
    cannot_tell: np.ndarray


def borough(
    n: int, times: float, rng: np.random.Generator, *, begins: int = 0, repeats: bool = True
) -> tuple[Records, tuple[float, float]]:
    """Return n records and the middle of the spot, where from a month on there are so many times more children."""
    often = rng.random(n) < 0.06
    sizes = np.where(often, 3 + rng.poisson(8, n), 1 + rng.poisson(0.9, n))
    if not repeats:
        sizes = np.ones(n, dtype=int)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n)) + 1]
    arrives = rng.uniform(0, MONTHS, sizes.size)
    middle = rng.uniform(ELSEWHERE_M, SIDE_M - ELSEWHERE_M, 2)
    home = rng.uniform(0, SIDE_M, (sizes.size, 2))
    extra = (times - 1) * np.pi * SPOT_M**2 / SIDE_M**2
    drawn = (rng.random(sizes.size) < extra / (1 + extra)) & (arrives >= begins)
    home[drawn] = middle + _on_disc(int(drawn.sum()), SPOT_M, rng)
    child = np.repeat(np.arange(sizes.size), sizes)[:n]
    angle = rng.uniform(0, 2 * np.pi, n)
    next_door = AWAY_M * np.column_stack([np.cos(angle), np.sin(angle)])
    place = (
        home[child]
        + np.where(rng.random((n, 1)) < (0.5 if repeats else 0.0), next_door, 0.0)
        + _on_disc(n, ACCURACY_M, rng)
    )
    place = SIDE_M - np.abs(SIDE_M - np.abs(place))  # what would lie outside is mirrored
    month = arrives[child] + rng.random(n) * np.minimum(STAY_MONTHS, MONTHS - arrives[child])
    at_spot = np.hypot(*(home - middle).T)[child] <= SPOT_M
    x, y = place.T + np.array([[WEST], [SOUTH]])
    return Records(x, y, month, child, at_spot), (WEST + middle[0], SOUTH + middle[1])


def _on_disc(n: int, radius: float, rng: np.random.Generator) -> np.ndarray:
    angle, distance = rng.uniform(0, 2 * np.pi, n), radius * np.sqrt(rng.random(n))
    return np.column_stack([distance * np.cos(angle), distance * np.sin(angle)])


def placed(records: Records, rough: float, whose: str, rng: np.random.Generator) -> Records:
    """Leave out the records known only to a ward."""
    chance = np.full(records.x.size, rough)
    if whose == AT_SPOT:
        chance[records.at_spot] = min(1.0, 2 * rough)
    return records.only(rng.random(records.x.size) >= chance)


def by_gi_star(records: Records, grid: CellGrid, seed: int) -> Told:
    """The map's significance view."""
    cell = grid.locate(records.x, records.y)
    counts = independent_reports_per_cell(cell, records.child, n_cells=grid.n_cells)
    around = independent_reports_around(cell, records.child, grid.adjacency)
    test = gi_star(counts, grid.adjacency, totals=around, exposure=grid.share_inside)
    hot = connected(test.hot(q_at_most=Q_AT_MOST), grid.adjacency)
    return Told([np.array(group) for group in hot], test.too_few)


def by_scan_of_area(records: Records, grid: CellGrid, seed: int) -> Told:
    """Clusters against an even spread over the area, each child once."""
    order = np.argsort(records.month, kind="stable")
    once = records.only(order[np.unique(records.child[order], return_index=True)[1]])
    if once.x.size < LEAST_RECORDS:
        return _nothing(grid)
    cases = incidents_per_cell(grid.locate(once.x, once.y), n_cells=grid.n_cells)
    model = poisson_model(cases, np.maximum(grid.share_inside, 0.5))
    every = np.arange(grid.n_cells)
    plan = plan_scan(model, *grid.centres(every), seed=seed, max_steps=1, **_limits(grid))
    return _clusters(plan, every, grid)


def by_scan_now(records: Records, grid: CellGrid, seed: int) -> Told:
    """Clusters against each place's own other months, still going on."""
    if records.x.size < LEAST_RECORDS:
        return _nothing(grid)
    cells, location = np.unique(grid.locate(records.x, records.y), return_inverse=True)
    model = permutation_model(
        location, records.month.astype(int), n_locations=cells.size, n_steps=MONTHS, child=records.child
    )
    plan = plan_scan(
        model,
        *grid.centres(cells),
        seed=seed,
        max_steps=LONGEST_MONTHS,
        prospective=True,
        **_limits(grid),
    )
    return _clusters(plan, cells, grid)


def _limits(grid: CellGrid) -> dict[str, float]:
    return {
        "max_share": SHARE_PERCENT / 100,
        "max_radius_m": RADIUS_M - grid.corner_m,
        "min_cases": LEAST_IN_CLUSTER,
    }


def _clusters(plan: ScanPlan, cells: np.ndarray, grid: CellGrid) -> Told:
    result = scan(plan, replicates=SHUFFLINGS, stop_after=STOP_AFTER)
    found = [cells[cluster.members] for cluster in result.standing_out(p_at_most=P_AT_MOST)]
    return Told(found, np.zeros(grid.n_cells, dtype=bool))


def _nothing(grid: CellGrid) -> Told:
    return Told([], np.ones(grid.n_cells, dtype=bool))


def by_emerging(records: Records, grid: CellGrid, seed: int) -> Told:
    """Emerging hot spots of two months' steps that hold in at least 80% of the redraws."""
    first, last = _MONTHLY.edges_ns[[0, -1]]
    instants = first + (records.month / MONTHS * (last - first)).astype(np.int64)
    stable = redraw_categories(
        records.x,
        records.y,
        pd.DatetimeIndex(instants, tz="UTC"),
        accuracy_m=ACCURACY_M,
        grid=grid,
        steps=STEPS,
        seed=seed,
        n_redraws=REDRAWS,
        hold=HOLD,
        rule=Rule(alternative="hot", intensity="share"),
        child=records.child,
    )
    hot = connected(np.isin(stable.category, _HOT), grid.adjacency)
    return Told([np.array(group) for group in hot], stable.category == CANNOT_TELL)


Method = Callable[[Records, CellGrid, int], Told]


class World(NamedTuple):
    """What the made-up boroughs of one table have in common."""

    title: str
    repeats: bool
    begins: int


class Tally(NamedTuple):
    """Of so many maps: the spot found, something pointed to elsewhere, and "cannot tell" at the spot."""

    maps: int
    found: int
    elsewhere: int
    cannot_tell: int


def added(tallies: Iterable[Tally]) -> Tally:
    """Return the sums."""
    return Tally(*(sum(column) for column in zip(*tallies, strict=True)))


def percent(count: int, of: int) -> str:
    """Percent with its exact 95% interval (Clopper and Pearson)."""
    limits = stats.binomtest(count, of).proportion_ci(0.95)
    return f"{100 * count / of:.0f} ({100 * limits.low:.0f}–{100 * limits.high:.0f})"


def tally(
    method: Method, n: int, times: float, rough: float, *, maps: int, world: World, whose: str = EVENLY
) -> Tally:
    """Make so many maps, the same for every method, and count what it says."""
    each = []
    centres = np.column_stack(GRID.centres(np.arange(GRID.n_cells)))
    for number in range(maps):
        rng = np.random.default_rng([number, n, round(10 * times), world.begins, world.repeats])
        records, middle = borough(n, times, rng, begins=world.begins, repeats=world.repeats)
        told = method(placed(records, rough, whose, rng), GRID, number)
        away = np.hypot(*(centres - middle).T)
        nearest = [float(away[group].min()) for group in told.groups]
        found = min(nearest, default=np.inf) <= SPOT_M
        elsewhere = max(nearest, default=0.0) > ELSEWHERE_M
        each.append(Tally(1, int(found), int(elsewhere), int(told.cannot_tell[away.argmin()])))
    return added(each)


class Asked(NamedTuple):
    """A method, how many times more children the spot has, and how many maps are made of each."""

    name: str
    method: Method
    strengths: tuple[float, ...]
    slow: bool


ALWAYS = [
    Asked("significance", by_gi_star, (2, 3, 5, 10), slow=False),
    Asked("clusters, area", by_scan_of_area, (3, 5, 10), slow=True),
]
CHANGE = [
    Asked("clusters, still going on", by_scan_now, (10, 20), slow=True),
    Asked("emerging", by_emerging, (10, 20), slow=True),
]
EACH = list(product(RECORDS, ROUGH, [EVENLY])) + list(product(RECORDS[-1:], ROUGH[1:], [AT_SPOT]))
FEW = list(product(RECORDS, (0.0, 0.4), [EVENLY]))
TABLES = {
    "always": (World("More children in all 24 months, with repeats", True, 0), ALWAYS, EACH),
    "change": (World("More children in the last six months, with repeats", True, BEGINS), CHANGE, EACH),
    "always-once": (World("In all 24 months, each record of another child", False, 0), ALWAYS, FEW),
    "change-once": (World("In the last six, each record of another child", False, BEGINS), CHANGE, FEW),
}


def table(name: str, maps: tuple[int, int]) -> None:
    """Print one Markdown table of so many maps (the slow methods: the second), and what was told elsewhere."""
    world, methods, rows = TABLES[name]
    columns = [(asked, times) for asked in methods for times in asked.strengths]
    heads = " | ".join(f"{asked.name}: {times:g}×" for asked, times in columns)
    print(f"\n{world.title}: percent of maps in which the spot is found (95% interval)\n")
    print(f"| records | known only to a ward | {heads} |\n{'|---' * (len(columns) + 2)}|")
    counted = []
    for n, rough, whose in rows:
        row = [
            tally(asked.method, n, times, rough, maps=maps[asked.slow], world=world, whose=whose)
            for asked, times in columns
        ]
        counted.append(row)
        share = f"{rough:.0%}" + (f", {whose}" if whose != EVENLY else "")
        print(f"| {n} | {share} | " + " | ".join(percent(t.found, t.maps) for t in row) + " |", flush=True)
    print()
    for (asked, times), column in zip(columns, zip(*counted, strict=True), strict=True):
        total = added(column)
        told = f"elsewhere {percent(total.elsewhere, total.maps)} of {total.maps} maps in all"
        print(f"{asked.name}, {times:g}×: {told}; cannot tell at the spot {total.cannot_tell}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help=f"of {', '.join(TABLES)}; all by default")
    parser.add_argument("--maps", type=int, default=200)
    parser.add_argument("--slow-maps", type=int, default=30)
    asked = parser.parse_args()
    for name in asked.tables or TABLES:
        table(name, (asked.maps, asked.slow_maps))
    print(f"\nCPU {time.process_time():.0f} s")


if __name__ == "__main__":
    main()
