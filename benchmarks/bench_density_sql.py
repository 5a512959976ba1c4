"""A5: the quartic surface beside the same worked out in PostgreSQL alone: ``python -m benchmarks.bench_density_sql``.

The SQL is what an analyst without a program would write: count on squares, then add up what every square within reach
gives. It takes each point for its square's middle, so it is checked against the same sums in numpy, and the
distance from the finely binned surface is said. CPU seconds of client and backend; a private server of its own.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import psycopg2
from psycopg2.extensions import cursor as Cursor
from scipy import ndimage

from benchmarks.bench_geo import SOUTH, WEST, synthetic_points
from benchmarks.bench_surfaces import BANDWIDTH_M, FINE
from benchmarks.bench_tiles import cpu_s
from placewise.geo.density import kernel_density
from placewise.store.cluster import PrivateCluster

CELL_M = 50.0
SIDE = 500
SQL = """
WITH square AS (
    SELECT floor((ST_X(at) - %(west)s) / %(cell)s)::int AS i, floor((ST_Y(at) - %(south)s) / %(cell)s)::int AS j,
           count(*) AS n
      FROM point GROUP BY 1, 2),
near AS (
    SELECT a.i AS di, b.j AS dj, power(1 - (a.i * a.i + b.j * b.j) * power(%(cell)s / %(reach)s, 2), 2) AS weight
      FROM generate_series(-%(most)s, %(most)s) AS a (i), generate_series(-%(most)s, %(most)s) AS b (j)
     WHERE (a.i * a.i + b.j * b.j) * %(cell)s * %(cell)s < %(reach)s * %(reach)s)
SELECT i + di, j + dj, sum(n * weight) * 3 / (pi() * power(%(reach)s, 2)) FROM square, near
 WHERE i + di BETWEEN 0 AND %(last)s AND j + dj BETWEEN 0 AND %(last)s
 GROUP BY 1, 2
"""
ASKED = {
    "west": WEST,
    "south": SOUTH,
    "cell": CELL_M,
    "reach": BANDWIDTH_M,
    "most": int(BANDWIDTH_M // CELL_M),
    "last": SIDE - 1,
}


def fill(cursor: Cursor, x: np.ndarray, y: np.ndarray) -> None:
    """Put the points into a table."""
    cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    cursor.execute("CREATE TABLE point (at geometry(Point, 27700))")
    rows = "\n".join(f"SRID=27700;POINT({a!r} {b!r})" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    cursor.copy_expert("COPY point FROM STDIN", io.StringIO(rows))
    cursor.execute("ANALYZE point")


def in_sql(cursor: Cursor) -> np.ndarray:
    """Points to a square metre, rows from the south."""
    cursor.execute(SQL, ASKED)
    surface = np.zeros((SIDE, SIDE))
    for column, row, value in cursor.fetchall():
        surface[row, column] = value
    return surface


def in_numpy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the same sums."""
    counts, _, _ = np.histogram2d(y - SOUTH, x - WEST, bins=(SIDE, SIDE), range=[[0, SIDE * CELL_M]] * 2)
    step = np.arange(-ASKED["most"], ASKED["most"] + 1) * CELL_M / BANDWIDTH_M
    weight = np.maximum(1 - step[:, None] ** 2 - step**2, 0) ** 2 * 3 / (np.pi * BANDWIDTH_M**2)
    return np.asarray(ndimage.convolve(counts, weight, mode="constant"))


def timed(call: Callable[[], object], pids: list[int], rounds: int) -> float:
    """Median CPU seconds; of this process by its own fine clock, of the backend by the kernel's."""
    took = []
    for _ in range(rounds):
        here, there = time.process_time(), cpu_s(pids)
        call()
        took.append(time.process_time() - here + cpu_s(pids) - there)
    return median(took)


def main() -> None:
    """Time both on the same points."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    x, y = synthetic_points(asked.points)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with (
            PrivateCluster(Path(folder) / "cluster", fast=True) as cluster,
            psycopg2.connect(cluster.superuser_dsn()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            fill(cursor, x, y)
            pid = connection.info.backend_pid
            theirs = in_sql(cursor)
            sql_s = timed(lambda: in_sql(cursor), [pid], asked.rounds)
    ours = kernel_density(x, y, grid=FINE, bandwidth_m=BANDWIDTH_M, binning="cubic").values / 1e6
    ours_s = timed(lambda: kernel_density(x, y, grid=FINE, bandwidth_m=BANDWIDTH_M), [], max(asked.rounds, 7))
    same = np.allclose(theirs, in_numpy(x, y), rtol=1e-9, atol=1e-18)
    print(f"A5 quartic 50 m, {asked.points:,} points, load average {os.getloadavg()[0]:.1f}")
    print(f"  PostGIS-only SQL equals the same sums in numpy: {same}")
    print(f"  its largest distance from the finely binned surface, over the peak: {gap(theirs, ours):.1e}")
    print(f"  placewise {ours_s * 1000:,.0f} ms; PostGIS-only SQL {sql_s:,.1f} s, ×{sql_s / ours_s:,.0f}")


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference over the other's peak, away from the edge (which only the other corrects)."""
    inside = np.s_[10:-10, 10:-10]
    return float(np.abs(one[inside] - other[inside]).max() / other.max())


if __name__ == "__main__":
    main()
