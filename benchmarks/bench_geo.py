"""Spatial statistics beside a named peer, in one run: ``python -m benchmarks.bench_geo``.

CPU milliseconds, median of interleaved rounds; inputs are made outside the timed part. Each case also
checks the answer. A peer that is not installed is reported as "not run". Data are synthetic: a 25 km
square, 45% of points on 20,000 snap points, 40% in 200 clusters, 15% anywhere.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import geopandas as gpd
import numpy as np
import scipy
import shapely
from scipy import stats

from placewise.geo.bands import band_levels, density_bands
from placewise.geo.counts import children_per_cell, incidents_per_cell, independent_reports_around
from placewise.geo.density import SquareGrid, kernel_density
from placewise.geo.getis_ord import gi_star
from placewise.geo.hexgrid import HexGrid, hex_grid

WEST, SOUTH, SIDE_M = 530_000.0, 170_000.0, 25_000.0
AREA = gpd.GeoSeries([shapely.box(WEST, SOUTH, WEST + SIDE_M, SOUTH + SIDE_M)], crs="EPSG:27700")
Call = Callable[[], Any]


def synthetic_points(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return eastings and northings of n points, 45% snapped, 40% clustered, 15% anywhere."""
    rng = np.random.default_rng(seed)
    snaps, centres = rng.random((20_000, 2)), rng.random((200, 2))
    kind = rng.random(n)
    points = rng.random((n, 2))
    points[kind < 0.45] = snaps[rng.integers(0, 20_000, (kind < 0.45).sum())]
    clustered = kind > 0.60
    points[clustered] = centres[rng.integers(0, 200, clustered.sum())] + rng.normal(
        0, 0.015, (clustered.sum(), 2)
    )
    x, y = (points.clip(0, 0.999_999) * SIDE_M).T
    return x + WEST, y + SOUTH


def interleaved(cases: dict[str, Call], rounds: int) -> dict[str, float]:
    """Return median CPU milliseconds of each case, one call of each a round."""
    spent: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, call in cases.items():
            start = time.process_time()
            call()
            spent[name].append((time.process_time() - start) * 1000)
    return {name: median(times) for name, times in spent.items()}


def show(title: str, cases: dict[str, Call], rounds: int, note: str, missing: tuple[str, ...] = ()) -> None:
    """Time the cases and print a table; the first is ours, ratios are peer over ours."""
    times = interleaved(cases, rounds)
    ours = next(iter(times.values()))
    print(f"\n{title}  [{note}]")
    for name, ms in times.items():
        print(f"  {name:<52} {ms:>12,.1f} ms   ×{ms / ours:,.1f}")
    for name in missing:
        print(f"  {name:<52}      not run (not installed)")


def bench_hexagons(n: int, rounds: int) -> HexGrid:
    """Points to hexagons, beside geopandas' spatial join on the same polygons."""
    x, y = synthetic_points(n)
    grid = hex_grid(AREA, cell_width_m=107.5)
    ours = incidents_per_cell(grid.locate(x, y), n_cells=grid.n_cells)
    few = min(n, 100_000)
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x[:few], y[:few], crs=27700))
    cells = grid.frame()
    joined = gpd.sjoin(frame, cells, predicate="within")
    agree = np.array_equal(
        np.bincount(joined["index_right"], minlength=grid.n_cells),
        incidents_per_cell(grid.locate(x[:few], y[:few]), n_cells=grid.n_cells),
    )
    note = f"sum {ours.sum():,} of {n:,}; equal to sjoin: {agree}"
    show(
        f"Points to {grid.n_cells:,} hexagons",
        {
            f"placewise: locate + count, {few:,}": lambda: incidents_per_cell(
                grid.locate(x[:few], y[:few]), n_cells=grid.n_cells
            ),
            f"geopandas.sjoin (within), {few:,}": lambda: gpd.sjoin(frame, cells, predicate="within"),
            f"placewise: locate + count, {n:,}": lambda: incidents_per_cell(
                grid.locate(x, y), n_cells=grid.n_cells
            ),
        },
        rounds,
        note,
    )
    cell, child = grid.locate(x, y), np.random.default_rng(2).integers(-1, 20_000, n)
    show(
        "Children, each once",
        {
            f"children_per_cell, {n:,}": lambda: children_per_cell(cell, child, n_cells=grid.n_cells),
            f"independent_reports_around, {n:,}": lambda: independent_reports_around(
                cell, child, grid.adjacency
            ),
        },
        rounds,
        "no peer",
    )
    return grid


def bench_getis_ord(grid: HexGrid, n: int, rounds: int) -> None:
    """Gi* with p and q, beside esda on the same neighbours, weights given to both."""
    x, y = synthetic_points(n)
    counts = incidents_per_cell(grid.locate(x, y), n_cells=grid.n_cells)
    cases: dict[str, Call] = {
        "placewise gi_star normal (z, p, q)": lambda: gi_star(counts, grid.adjacency, method="normal"),
        "placewise gi_star even_spread (z, exact p, q)": lambda: gi_star(counts, grid.adjacency),
        "placewise gi_star shuffle (z, exact p, q)": lambda: gi_star(
            counts, grid.adjacency, method="shuffle"
        ),
        "placewise build: hex_grid + adjacency": lambda: hex_grid(AREA, cell_width_m=107.5).adjacency,
    }
    note, missing = "", ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import esda
            from libpysal.graph import Graph

            graph = Graph.from_arrays(*edges_with_weights(grid))
            peer = esda.G_Local(counts, graph, transform="B", star=True, permutations=0)
        difference = np.abs(peer.Zs - gi_star(counts, grid.adjacency, method="normal").z).max()
        note = f"largest difference of z from esda {difference:.1e}"
        cases["esda.G_Local analytic, Graph (z, p)"] = lambda: esda.G_Local(
            counts, graph, transform="B", star=True, permutations=0
        )
        cases["libpysal Graph.build_contiguity of the polygons"] = lambda: Graph.build_contiguity(
            grid.frame()
        )
    except ImportError:
        missing = ("esda.G_Local",)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        show(f"Gi* on {grid.n_cells:,} cells, {n:,} points", cases, rounds, note, missing)


def edges_with_weights(grid: HexGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return source, target and weight 1 of every pair of neighbours."""
    indptr, indices = grid.adjacency
    return np.repeat(np.arange(grid.n_cells), np.diff(indptr)), indices, np.ones(indices.size)


def bench_density(n: int, rounds: int) -> None:
    """Density surfaces, beside scipy and scikit-learn on 10,000 points."""
    x, y = synthetic_points(n)
    fine = SquareGrid(WEST, SOUTH, 50.0, rows=500, columns=500)
    surface = kernel_density(x, y, grid=fine, bandwidth_m=300)
    levels = band_levels(surface, rule="quantile")
    mass = surface.values.sum() * 50**2 / 1e6 / n
    show(
        f"Density, 50 m on 25 km (500 × 500), bandwidth 300 m, {n:,} points",
        {
            "placewise gaussian": lambda: kernel_density(x, y, grid=fine, bandwidth_m=300, kernel="gaussian"),
            "placewise quartic": lambda: kernel_density(x, y, grid=fine, bandwidth_m=300),
            "placewise density_bands (5 quantiles to polygons)": lambda: density_bands(
                surface, levels=levels
            ),
        },
        rounds,
        f"mass inside the grid {mass:.4f}; no peer at this size",
    )
    few, coarse = 10_000, SquareGrid(WEST, SOUTH, 100.0, rows=250, columns=250)
    xs, ys = x[:few], y[:few]
    nodes = np.stack([a.ravel() for a in np.meshgrid(coarse.x_m, coarse.y_m)])
    data = np.stack([xs, ys])
    cases: dict[str, Call] = {
        "placewise gaussian": lambda: kernel_density(xs, ys, grid=coarse, bandwidth_m=300, kernel="gaussian"),
        "placewise quartic, exact": lambda: kernel_density(xs, ys, grid=coarse, bandwidth_m=300),
    }
    missing: tuple[str, ...] = ()
    note = error_against_scipy(data, nodes, coarse)
    try:
        from sklearn.neighbors import KernelDensity

        model = KernelDensity(kernel="gaussian", bandwidth=300, rtol=1e-4).fit(data.T)
        cases["sklearn KernelDensity gaussian rtol 1e-4"] = lambda: model.score_samples(nodes.T)
    except ImportError:
        missing = ("sklearn.neighbors.KernelDensity",)
    show("Density, 100 m on 25 km (250 × 250), 10,000 points", cases, max(1, rounds // 3), note, missing)
    show(
        "The same beside scipy (one round: it is slow)",
        {
            "placewise gaussian": cases["placewise gaussian"],
            "scipy.stats.gaussian_kde": lambda: scipy_density(data, nodes),
        },
        1,
        note,
    )


def scipy_density(data: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Evaluate scipy's Gaussian kernel estimate with a round kernel of 300 m."""
    kde = stats.gaussian_kde(data)
    kde.set_bandwidth(1.0)
    kde.covariance = np.eye(2) * 300.0**2
    kde.cho_cov = np.eye(2) * 300.0
    kde.log_det = 2 * np.log(2 * np.pi * 300.0**2)
    return np.asarray(kde(nodes))


def error_against_scipy(data: np.ndarray, nodes: np.ndarray, grid: SquareGrid) -> str:
    """Say how far our Gaussian surface is from scipy's at 2,000 of the cells."""
    some = np.random.default_rng(0).choice(nodes.shape[1], 2000, replace=False)
    exact = scipy_density(data, nodes[:, some]) * data.shape[1] * 1e6
    ours = kernel_density(*data, grid=grid, bandwidth_m=300, kernel="gaussian").values.ravel()[some]
    return f"largest error over peak against scipy {np.abs(ours - exact).max() / exact.max():.1e}"


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 points and 3 rounds")
    quick = parser.parse_args().quick
    n, rounds = (100_000, 3) if quick else (1_000_000, 5)
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"geopandas {gpd.__version__}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    grid = bench_hexagons(n, rounds)
    bench_getis_ord(grid, n, rounds)
    bench_density(n, rounds)
    load = os.getloadavg()[0]
    print(f"\nload average at the end {load:.1f}" + (": repeat on a quieter machine" if load > 1.5 else ""))


if __name__ == "__main__":
    main()
