"""Surfaces and local association beside named peers, in one run: ``python -m benchmarks.bench_surfaces``.

Targets A1–A5 and B1–B2. CPU milliseconds, median of interleaved rounds; each case checks its answer first.
A peer that is not installed is reported as "not run". Data are those of `benchmarks.bench_geo`.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import warnings
from importlib.util import find_spec
from typing import Any

import geopandas as gpd
import numpy as np
import scipy
import shapely
from scipy import ndimage
from scipy.spatial import cKDTree

from benchmarks.bench_geo import SOUTH, WEST, Call, scipy_density, show, synthetic_points
from placewise.geo import kernels
from placewise.geo.density import SquareGrid, kernel_density
from placewise.geo.local_g import local_g
from placewise.geo.local_moran import local_moran
from placewise.geo.multiplicity import castro_singer_cut_off
from placewise.geo.squares import count_in_squares, gi_star_of_squares, square_adjacency

FINE = SquareGrid(WEST, SOUTH, 50.0, rows=500, columns=500)
COARSE = SquareGrid(WEST, SOUTH, 100.0, rows=250, columns=250)
BANDWIDTH_M = 300.0
Points = tuple[np.ndarray, np.ndarray]


def missing(*modules: str) -> tuple[str, ...]:
    """Return the names of peers that are not installed."""
    return tuple(name for name in modules if find_spec(name.split(" ")[0]) is None)


def errors_of_binning(few: Points) -> str:
    """Largest error over the peak of 10,000 points, of each way to bin and of nearest cells."""
    u, v = (few[0] - WEST) / 50, (few[1] - SOUTH) / 50
    shape, reach, ones = (500, 500), BANDWIDTH_M / 50, np.ones(few[0].size)
    exact = {
        "gaussian": kernels.gaussian_exact(u, v, ones, shape, reach),
        "quartic": kernels.quartic_exact(u, v, ones, shape, reach),
    }
    binned = {"gaussian": kernels.gaussian_binned, "quartic": kernels.quartic_binned}
    found = []
    for kernel, truth in exact.items():
        for binning in ("linear", "cubic"):
            surface = binned[kernel](u, v, None, shape, reach, binning=binning)
            found.append((f"{kernel} {binning}", surface, truth))
    nearest, _, _ = np.histogram2d(v, u, bins=shape, range=[[0, 500], [0, 500]])
    blurred = ndimage.gaussian_filter(nearest, reach, mode="constant", truncate=5.0)
    found.append(("gaussian nearest cell", blurred, exact["gaussian"]))
    return "; ".join(
        f"{name} {np.abs(a - b).max() / b.max():.1e} (RMSE/mean {np.sqrt(np.mean((a - b) ** 2)) / b.mean():.1e})"
        for name, a, b in found
    )


def blurred_counts(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What datashader and a filter do: nearest cells, then a blur."""
    counts, _, _ = np.histogram2d(y - SOUTH, x - WEST, bins=(500, 500), range=[[0, 25_000], [0, 25_000]])
    return np.asarray(ndimage.gaussian_filter(counts, BANDWIDTH_M / 50, mode="constant"))


def bench_large_surfaces(n: int, rounds: int) -> None:
    """A1, A2, A3, A5: a million points on 50 m."""
    x, y = synthetic_points(n)
    few = (x[:10_000], y[:10_000])
    print(f"\nLargest error over peak, 10,000 points: {errors_of_binning(few)}")
    cases: dict[str, Call] = {
        "placewise gaussian, linear": lambda: kernel_density(
            x, y, grid=FINE, bandwidth_m=BANDWIDTH_M, kernel="gaussian"
        ),
        "placewise gaussian, cubic": lambda: kernel_density(
            x, y, grid=FINE, bandwidth_m=BANDWIDTH_M, kernel="gaussian", binning="cubic"
        ),
        "numpy.histogram2d + gaussian_filter (nearest cell)": lambda: blurred_counts(x, y),
    }
    absent = ("KDEpy FFTKDE",)
    if find_spec("KDEpy"):
        from KDEpy import FFTKDE

        points, nodes = np.column_stack([x, y]), grid_nodes(FINE)
        cases["KDEpy FFTKDE"] = lambda: FFTKDE(kernel="gaussian", bw=BANDWIDTH_M).fit(points).evaluate(nodes)
        absent = ()
    if find_spec("datashader"):
        cases["datashader + gaussian_filter"] = datashader_blur(x, y)
    else:
        absent += ("datashader + gaussian_filter",)
    show(f"A1, A2 Gaussian 50 m, {n:,} points", cases, rounds, "errors above", absent)
    surface = kernel_density(x, y, grid=FINE, bandwidth_m=BANDWIDTH_M)
    show(
        f"A3, A5 quartic 50 m, {n:,} points",
        {
            "placewise quartic, linear on a third of a cell": lambda: kernel_density(
                x, y, grid=FINE, bandwidth_m=BANDWIDTH_M
            ),
            "placewise quartic, cubic on a third of a cell": lambda: kernel_density(
                x, y, grid=FINE, bandwidth_m=BANDWIDTH_M, binning="cubic"
            ),
        },
        rounds,
        f"mass inside the grid {surface.values.sum() * 50**2 / 1e6 / n:.4f}",
        ("QGIS heatmap", "spatstat density.ppp"),
    )
    print(f"  {'A5 PostGIS-only SQL':<52}      in bench_density_sql, which needs a database")


def datashader_blur(x: np.ndarray, y: np.ndarray) -> Call:
    """Return the call of datashader's canvas and a blur."""
    import datashader
    import pandas as pd

    frame = pd.DataFrame({"x": x, "y": y})
    canvas = datashader.Canvas(500, 500, (WEST, WEST + 25_000), (SOUTH, SOUTH + 25_000))
    return lambda: ndimage.gaussian_filter(canvas.points(frame, "x", "y").to_numpy().astype(float), 6)


def grid_nodes(grid: SquareGrid) -> np.ndarray:
    """Return cell centres, shape (cells, 2)."""
    return np.column_stack([a.ravel() for a in np.meshgrid(grid.x_m, grid.y_m, indexing="ij")])


def quartic_by_tree(data: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Sum the quartic kernel over pairs a k-d tree finds."""
    pairs = cKDTree(data).sparse_distance_matrix(cKDTree(nodes), BANDWIDTH_M, output_type="coo_matrix")
    share = 3 / (np.pi * BANDWIDTH_M**2) * (1 - (pairs.data / BANDWIDTH_M) ** 2) ** 2
    return np.bincount(pairs.col, share, nodes.shape[0])


def bench_exact(rounds: int) -> None:
    """A4: the exact quartic of 10,000 points on 100 m."""
    x, y = synthetic_points(10_000)
    data = np.column_stack([x, y])
    nodes = np.column_stack([a.ravel() for a in np.meshgrid(COARSE.x_m, COARSE.y_m)])
    ours = kernel_density(x, y, grid=COARSE, bandwidth_m=BANDWIDTH_M).values.ravel() / 1e6
    worst = np.abs(ours - quartic_by_tree(data, nodes)).max() / ours.max()
    cases: dict[str, Call] = {
        "placewise quartic, exact": lambda: kernel_density(x, y, grid=COARSE, bandwidth_m=BANDWIDTH_M),
        "scipy cKDTree exact quartic": lambda: quartic_by_tree(data, nodes),
    }
    absent = missing("sklearn KernelDensity epanechnikov")
    if not absent:
        from sklearn.neighbors import KernelDensity

        model = KernelDensity(kernel="epanechnikov", bandwidth=BANDWIDTH_M, rtol=1e-4).fit(data)
        cases["sklearn epanechnikov rtol 1e-4"] = lambda: model.score_samples(nodes)
    note = f"largest difference from the k-d tree's sum over the peak {worst:.1e}"
    show("A4 exact quartic 100 m, 10,000 points", cases, rounds, note, absent)
    first = "placewise quartic, exact"
    slow: dict[str, Call] = {
        first: cases[first],
        "scipy gaussian_kde": lambda: scipy_density(data.T, nodes.T),
    }
    show("A4 beside scipy (one round: it is slow)", slow, 1, note)


def bench_gi_star(n: int, rounds: int) -> None:
    """B1: from points to Gi* with p and the cut-off, 62,500 cells."""
    x, y = synthetic_points(n)

    def ours() -> np.ndarray:
        result = gi_star_of_squares(count_in_squares(x, y, grid=COARSE)[0], method="normal")
        castro_singer_cut_off(result.p)
        return result.z

    counts = count_in_squares(x, y, grid=COARSE)[0].ravel()
    cases: dict[str, Call] = {"placewise: bin + Gi* + p + q + cut-off": ours}
    note, absent = "", ("spdep localG",)
    if find_spec("esda"):
        import esda
        from libpysal.graph import Graph

        graph = Graph.from_W(raster_weights(250))
        peer = esda.G_Local(counts, graph, transform="B", star=True, permutations=0)
        note = f"largest difference of z from esda {np.abs(peer.Zs - ours()).max():.1e}"
        polygons = gpd.GeoDataFrame(geometry=square_polygons(COARSE), crs=27700)
        cases["esda: Graph of the polygons + G_Local"] = lambda: esda.G_Local(
            counts, Graph.build_contiguity(polygons, rook=False), transform="B", star=True, permutations=0
        )
        cases["esda: W of the polygons + G_Local"] = lambda: esda.G_Local(
            counts, polygon_weights(polygons), transform="B", star=True, permutations=0
        )
        if find_spec("xarray"):
            raster = raster_of(counts)
            cases["esda: Graph of the raster + G_Local"] = lambda: esda.G_Local(
                counts, Graph.build_raster_contiguity(raster, rook=False), star=True, permutations=0
            )
        else:
            absent += ("esda: Graph of the raster (needs xarray)",)
        cases["esda: G_Local alone, Graph given"] = lambda: esda.G_Local(
            counts, graph, transform="B", star=True, permutations=0
        )
    else:
        absent += ("esda.G_Local",)
    show(f"B1 Gi* from {n:,} points on 62,500 cells", cases, min(rounds, 3), note, absent)


def square_polygons(grid: SquareGrid) -> np.ndarray:
    """Return the squares of a grid, row by row."""
    row, column = np.divmod(np.arange(grid.rows * grid.columns), grid.columns)
    west, south = grid.x_min_m + column * grid.cell_m, grid.y_min_m + row * grid.cell_m
    return shapely.box(west, south, west + grid.cell_m, south + grid.cell_m)


def polygon_weights(polygons: gpd.GeoDataFrame) -> Any:
    """Return libpysal's queen weights of polygons."""
    import libpysal

    return libpysal.weights.Queen.from_dataframe(polygons, use_index=False)


def raster_of(counts: np.ndarray) -> Any:
    """Return the counts of a square raster as libpysal wants them."""
    import xarray

    side = np.arange(math.isqrt(counts.size))
    values = counts.reshape(side.size, side.size)
    return xarray.DataArray(values, dims=("y", "x"), coords={"y": side, "x": side})


def raster_weights(side: int) -> Any:
    """Return libpysal's queen weights of a lattice."""
    import libpysal

    return libpysal.weights.lat2W(side, side, rook=False)


def bench_permutations(rounds: int) -> None:
    """B2: 999 conditional permutations on 10,000 cells, queen neighbours."""
    grid = SquareGrid(WEST, SOUTH, 250.0, rows=100, columns=100)
    near, counts = square_adjacency(grid), np.random.default_rng(1).poisson(3.0, 10_000)
    cases: dict[str, Call] = {
        "placewise local_g, 999": lambda: local_g(counts, near, seed=1),
        "placewise local_moran, 999": lambda: local_moran(counts, near, seed=1),
    }
    note, absent = "", ("spdep localG_perm",)
    if find_spec("esda"):
        import esda

        weights = raster_weights(100)
        peer = esda.G_Local(counts.astype(float), weights, transform="B", permutations=999, n_jobs=1, seed=1)
        # esda's own p is whichever tail is smaller, so its simulated values are counted here instead.
        theirs = ((peer.sim >= peer.Gs - 1e-12).sum(axis=0) + 1) / 1000
        gap = np.abs(local_g(counts, near, seed=1).p - theirs)
        note = f"mean |p − esda's| {gap.mean():.4f}, largest {gap.max():.3f} (999 draws each)"
        cases["esda.G_Local, 999, n_jobs 1"] = lambda: esda.G_Local(
            counts.astype(float), weights, transform="B", permutations=999, n_jobs=1, seed=1
        )
    else:
        absent += ("esda.G_Local",)
    show("B2 999 permutations, 10,000 cells", cases, min(rounds, 3), note, absent)


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 points and 3 rounds")
    quick = parser.parse_args().quick
    n, rounds = (100_000, 3) if quick else (1_000_000, 5)
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}; "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bench_large_surfaces(n, rounds)
        bench_gi_star(n, rounds)
        bench_permutations(rounds)
        bench_exact(rounds)
    load = os.getloadavg()[0]
    print(f"\nload average at the end {load:.1f}" + (": repeat on a quieter machine" if load > 1.5 else ""))


if __name__ == "__main__":
    main()
