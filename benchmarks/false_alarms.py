"""How often pure noise is called hot, and how often a planted cluster is found: the tables of docs/methods.md.

``python -m benchmarks.false_alarms [--maps 300]``. Synthetic: a square of 10 km, cells of 500 m and 250 m.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from placewise.geo.counts import incidents_per_cell, independent_reports_around, independent_reports_per_cell
from placewise.geo.getis_ord import gi_star
from placewise.geo.hexgrid import HexGrid, hex_grid

AREA = gpd.GeoSeries([shapely.box(540_000, 180_000, 550_000, 190_000)], crs="EPSG:27700")
RECORDS = (60, 300, 1500)


class Map(NamedTuple):
    """One made-up map: a row for each incident, and the middle of the planted cluster (-1 for none)."""

    cell: np.ndarray
    child: np.ndarray
    planted: int


def noise(grid: HexGrid, n: int, rng: np.random.Generator) -> Map:
    """Return n independent records, evenly over the area."""
    share = grid.share_inside / grid.share_inside.sum()
    return Map(rng.choice(grid.n_cells, n, p=share), np.full(n, -1), -1)


def repeats(grid: HexGrid, n: int, rng: np.random.Generator, moves: str) -> Map:
    """Return children evenly over the area: 6% of them with about a quarter of the incidents."""
    often = rng.random(n) < 0.06
    sizes = np.where(often, 3 + rng.poisson(8, n), 1 + rng.poisson(0.9, n))
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n)) + 1]
    home = noise(grid, sizes.size, rng).cell
    cell, child = np.repeat(home, sizes), np.repeat(np.arange(sizes.size), sizes)
    away = rng.random(cell.size) < 0.5
    if moves == "next door":
        first, degree = grid.adjacency.indptr[cell[away]], grid.adjacency.degree[cell[away]]
        cell[away] = grid.adjacency.indices[first + (rng.random(away.sum()) * degree).astype(int)]
    elif moves == "anywhere":
        cell[away] = noise(grid, int(away.sum()), rng).cell
    return Map(cell, child, -1)


def planted(grid: HexGrid, n: int, rng: np.random.Generator, spread: bool) -> Map:
    """Return noise and a cluster of n / 25 records (at least 8) in one cell, or in it and its neighbours."""
    middle = int(rng.choice(np.flatnonzero(grid.adjacency.degree == 6)))
    near = grid.adjacency.indices[grid.adjacency.indptr[middle] : grid.adjacency.indptr[middle + 1]]
    extra = (
        rng.choice(np.append(near, middle), max(8, n // 25)) if spread else np.full(max(8, n // 25), middle)
    )
    cell = np.concatenate([noise(grid, n, rng).cell, extra])
    return Map(cell, np.full(cell.size, -1), middle)


def tests(grid: HexGrid, one: Map) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a name and the hot cells for each way to test a map."""
    incidents = incidents_per_cell(one.cell, n_cells=grid.n_cells)
    reports = independent_reports_per_cell(one.cell, one.child, n_cells=grid.n_cells)
    around = independent_reports_around(one.cell, one.child, grid.adjacency)
    exposure = grid.share_inside
    yield "normal, incidents", gi_star(incidents, grid.adjacency, method="normal").hot()
    yield "shuffle, incidents", gi_star(incidents, grid.adjacency, method="shuffle").hot()
    yield "even, incidents", gi_star(incidents, grid.adjacency, exposure=exposure).hot()
    yield "even, child once a cell", gi_star(reports, grid.adjacency, exposure=exposure).hot()
    yield "even, child once around", gi_star(reports, grid.adjacency, totals=around, exposure=exposure).hot()


SCENES = {
    "even noise": noise,
    "repeats at one spot": lambda g, n, r: repeats(g, n, r, "stays"),
    "repeats next door": lambda g, n, r: repeats(g, n, r, "next door"),
    "repeats anywhere": lambda g, n, r: repeats(g, n, r, "anywhere"),
    "cluster in one cell": lambda g, n, r: planted(g, n, r, spread=False),
    "cluster in seven cells": lambda g, n, r: planted(g, n, r, spread=True),
}


def main() -> None:
    """Print one Markdown table: share of maps with a false alarm, or with the planted cell found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=int, default=300)
    maps = parser.parse_args().maps
    header = "| scene | cell | records | normal, incidents | shuffle, incidents | even, incidents "
    print(header + "| even, child once a cell | even, child once around |\n|---|---|---|---|---|---|---|---|")
    for name, make in SCENES.items():
        for width in (500, 250):
            grid = hex_grid(AREA, cell_width_m=width)
            for n in RECORDS:
                rng = np.random.default_rng(7)
                hits: dict[str, int] = {}
                for _ in range(maps):
                    one = make(grid, n, rng)
                    for test, hot in tests(grid, one):
                        hit = hot.any() if one.planted < 0 else hot[one.planted]
                        hits[test] = hits.get(test, 0) + int(hit)
                shares = " | ".join(f"{h / maps:.2f}" for h in hits.values())
                print(f"| {name} | {width} m | {n} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
