"""Emerging hot spots beside esda and pyMannKendall in a loop: ``python -m benchmarks.bench_emerging``.

CPU time, in one process and one run; inputs are made outside the timed part. C1: 1,000,000 points (250 m
hexagons, 24 months) from points to categories, against esda's Gi* step by step and pyMannKendall cell by
cell. C2: the same points on cells of 100 m and 60 months, absolute. A peer that is not installed is
reported as "not run"; pyMannKendall, which the project does not need, may be put on PYTHONPATH. It is timed
on some cells and scaled to all; ``--full`` times it on every one.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bench_geo import AREA, edges_with_weights, synthetic_points
from placewise.geo.emerging import CATEGORIES, EmergingHotspots, emerging_hotspots
from placewise.geo.hexgrid import HexGrid, hex_grid
from placewise.geo.redraws import count_categories, redraw_task
from placewise.geo.space_time_cube import TimeSteps, monthly_steps, space_time_cube
from placewise.geo.trend import mann_kendall, sens_slope

Peer = tuple[float, np.ndarray]


def cpu_ms(call: Any) -> tuple[float, Any]:
    """Return CPU milliseconds and the result of one call."""
    start = time.process_time()
    result = call()
    return (time.process_time() - start) * 1000, result


def instants(n: int, steps: TimeSteps, seed: int = 2) -> pd.DatetimeIndex:
    """Return n times, evenly over the period."""
    rng = np.random.default_rng(seed)
    return pd.DatetimeIndex(rng.integers(steps.edges_ns[0], steps.edges_ns[-1], n), tz="UTC")


def from_points(
    x: np.ndarray, y: np.ndarray, times: pd.DatetimeIndex, grid: HexGrid, steps: TimeSteps, method: Any
) -> EmergingHotspots:
    """Return the categories of points."""
    cube = space_time_cube(x, y, times, grid=grid, steps=steps)
    return emerging_hotspots(cube, grid.adjacency, method=method)


def esda_steps(counts: np.ndarray, grid: HexGrid) -> Peer | None:
    """Return CPU milliseconds and z of esda's Gi* in a loop over steps, weights given."""
    try:
        import esda
        from libpysal.graph import Graph
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = Graph.from_arrays(*edges_with_weights(grid))
        return cpu_ms(
            lambda: np.stack(
                [esda.G_Local(c, graph, transform="B", star=True, permutations=0).Zs for c in counts]
            )
        )


def mann_kendall_cells(z: np.ndarray, n_cells: int) -> Peer | None:
    """Return CPU milliseconds, scaled to all cells, and z of pyMannKendall on the first cells."""
    try:
        import pymannkendall
    except ImportError:
        return None
    some = np.linspace(0, z.shape[1] - 1, n_cells).astype(int)
    ms, found = cpu_ms(lambda: np.array([pymannkendall.original_test(z[:, c]).z for c in some]))
    return ms * z.shape[1] / n_cells, np.stack([some, found])


def show(name: str, ms: float, ours: float | None = None) -> None:
    """Print a line; with ``ours``, the ratio to it."""
    ratio = "" if ours is None else f"   ×{ms / ours:,.0f}"
    print(f"  {name:<66} {ms:>11,.1f} ms{ratio}")


def bench_against_the_loop(n: int, rounds: int, *, full: bool) -> None:
    """C1: from points to categories, beside esda and pyMannKendall."""
    grid, steps = hex_grid(AREA, cell_width_m=268.6), monthly_steps("2024-01", "2025-12")
    x, y = synthetic_points(n)
    times = instants(n, steps)
    grid.locate(x[:1], y[:1]), grid.adjacency  # built before the timed part, as the peer's weights are
    print(f"\nC1: {n:,} points, {grid.n_cells:,} hexagons of 250 m squares' area, 24 months")
    spent = {}
    for method in ("normal", "even_spread"):
        runs = [cpu_ms(lambda m=method: from_points(x, y, times, grid, steps, m)) for _ in range(rounds)]
        spent[method] = median(ms for ms, _ in runs)
        show(f"placewise, {method}: points to z, p, trend, categories", spent[method])
    ours = from_points(x, y, times, grid, steps, "normal")
    counts = space_time_cube(x, y, times, grid=grid, steps=steps).counts
    peers = []
    gi = esda_steps(counts, grid)
    if gi is None:
        print("  esda.G_Local: not run (not installed)")
    else:
        peers.append(gi[0])
        show("esda.G_Local, Graph given, a loop over 24 steps", gi[0])
        print(f"    largest difference of z: {np.abs(gi[1] - ours.steps.z).max():.1e}")
    trend = mann_kendall_cells(ours.steps.z, grid.n_cells if full else 1000)
    if trend is None:
        print("  pymannkendall.original_test: not run (not installed)")
    else:
        cells, z = trend[1]
        peers.append(trend[0])
        show(f"pymannkendall, a loop over cells ({cells.size:,} timed, scaled)", trend[0])
        print(f"    largest difference of z: {np.abs(z - ours.trend.z[cells.astype(int)]).max():.1e}")
    if len(peers) == 2:
        show("both peers, against placewise normal", sum(peers), spent["normal"])
        show("both peers, against placewise even_spread (exact p)", sum(peers), spent["even_spread"])


def bench_absolute(n: int, rounds: int) -> None:
    """C2: 100 m and 60 months, and where the time goes."""
    grid, steps = hex_grid(AREA, cell_width_m=107.5), monthly_steps("2021-01", "2025-12")
    x, y = synthetic_points(n)
    times = instants(n, steps)
    grid.locate(x[:1], y[:1]), grid.adjacency
    print(f"\nC2: {n:,} points, {grid.n_cells:,} hexagons of 100 m squares' area, 60 months")
    cube = space_time_cube(x, y, times, grid=grid, steps=steps)
    found = emerging_hotspots(cube, grid.adjacency, method="normal")
    some = found.steps.z[:, :5000]
    for name, call in {
        "from points, normal": lambda: from_points(x, y, times, grid, steps, "normal"),
        "from points, even_spread": lambda: from_points(x, y, times, grid, steps, "even_spread"),
        "  of which the cube": lambda: space_time_cube(x, y, times, grid=grid, steps=steps),
        "  of which Mann-Kendall": lambda: mann_kendall(found.steps.order),
        "Hamed-Rao, 5,000 cells": lambda: mann_kendall(some, correction="hamed_rao"),
        "Sen's slope with interval, 5,000 cells": lambda: sens_slope(some),
    }.items():
        show(name, median(cpu_ms(call)[0] for _ in range(rounds)))
    print(f"  records in the cube {cube.counts.sum():,.0f} of {n:,}")


def bench_redraws(rounds: int) -> None:
    """A borough: 5,000 records, 24 months; one redraw."""
    x, y = synthetic_points(5000)
    grid, steps = hex_grid(AREA, cell_width_m=500), monthly_steps("2024-01", "2025-12")
    times = instants(5000, steps)
    later = times + pd.Timedelta(days=3)
    task = redraw_task(x, y, times, later, accuracy_m=150.0, grid=grid, steps=steps, seed=1)
    ms, counted = cpu_ms(lambda: count_categories(task, 0, 10 * rounds))
    print(f"\nRedraws: 5,000 records, {grid.n_cells:,} hexagons of 500 m, 24 months")
    show("one redraw of place and time, to categories", ms / (10 * rounds))
    show("500 redraws, from that", ms * 50 / rounds)
    print(f"  most frequent: {CATEGORIES[int(counted.sum(axis=0).argmax())]}; no peer")


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 points and one round")
    parser.add_argument("--full", action="store_true", help="time pyMannKendall on every cell")
    chosen = parser.parse_args()
    n, rounds = (100_000, 1) if chosen.quick else (1_000_000, 5)
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, CPU time, median of {rounds}")
    bench_against_the_loop(n, rounds, full=chosen.full)
    bench_absolute(n, rounds)
    bench_redraws(rounds)


if __name__ == "__main__":
    main()
