"""Counts by tile beside tipg, and a filtered surface beside SQL: ``python -m benchmarks.bench_tiles``.

F1: tiles of an open map of N records through the whole application (sign-in, session, answer), beside tipg on the
same database. tipg runs from the Python that PLACEWISE_BENCH_TIPG names (with tipg and uvicorn);
without it, it is "not run".
F2: 24 of 60 months and 3 of 14 crime categories, counted on squares of 100 m, in memory and in PostgreSQL.
Growth: tiles, filter, density and Gi* from 10,000 to 5,000,000 records in memory.

CPU milliseconds: for the application and tipg those of the web process and its database backends, median or mean of the
tiles named. One connection, one question after the other. Each part checks its answer first.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import psycopg2
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from benchmarks.bench_geo import SIDE_M, SOUTH, WEST, Call, interleaved, show, synthetic_points
from benchmarks.bench_map import served
from benchmarks.bench_surfaces import square_polygons
from benchmarks.tipg import backends, features, tipg
from placewise.core.vocabulary import terms
from placewise.geo.density import SquareGrid, kernel_density
from placewise.geo.squares import count_in_squares, gi_star_of_squares
from placewise.panel.hotspot_tiles import PointTiles, point_tiles
from placewise.store.cluster import PrivateCluster
from placewise.store.osgb import to_lonlat

GRID = SquareGrid(WEST, SOUTH, 100.0, rows=250, columns=250)
MONTHS = [f"{2021 + month // 12}-{month % 12 + 1:02}" for month in range(60)]
CATEGORIES = list(terms("crime_category"))[:14]
CHOSEN, FIRST, LAST = CATEGORIES[:3], 30, 53
SAMPLE = 60
FAR, NEAR = (10, 11, 12), (13, 14, 15, 16)

EVENTS = """
INSERT INTO placewise.event (partnership_id, source_agency, recorded_by, kind, category, occurred_from, occurred_to,
    relation, accuracy, radius_m, geom, recorded_at)
SELECT %s, %s, %s, 'recorded_crime', category, at, at, 'harm_there', 'exact', 20,
    ST_SetSRID(ST_MakePoint(x, y), 27700), '2026-01-01'
  FROM unnest(%s::float8[], %s::float8[], %s::text[], %s::timestamptz[]) AS row (x, y, category, at)
"""
WARD = """
INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom)
VALUES (%s, 'ward', 'W', 'Ward', 2024, ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 27700)))
"""
FILTERED = """
SELECT floor((ST_X(geom) - %(west)s) / 100)::int, floor((ST_Y(geom) - %(south)s) / 100)::int, count(*)
  FROM placewise.event
 WHERE occurred_from >= %(since)s AND occurred_from < %(until)s AND category = ANY (%(chosen)s) GROUP BY 1, 2
"""


def made_up(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Eastings, northings, month and category of n records."""
    rng = np.random.default_rng(2)
    x, y = synthetic_points(n)
    return x, y, rng.integers(0, len(MONTHS), n), rng.integers(0, len(CATEGORIES), n)


def fill(connection: Connection, partnership_id: Any, agencies: Any, account: Any, events: int) -> None:
    """Put the records and one ward around them into the database."""
    x, y, month, category = made_up(events)
    days = [datetime.fromisoformat(f"{name}-15T12:00:00+00:00") for name in MONTHS]
    who = (str(partnership_id), str(agencies["open"]), str(account))
    with connection.cursor() as cursor:
        cursor.execute(WARD, (who[0], WEST - 100, SOUTH - 100, WEST + SIDE_M + 100, SOUTH + SIDE_M + 100))
        for start in range(0, events, 100_000):
            part = slice(start, start + 100_000)
            names = [CATEGORIES[code] for code in category[part].tolist()]
            at = [days[code] for code in month[part].tolist()]
            cursor.execute(EVENTS, (*who, x[part].tolist(), y[part].tolist(), names, at))


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int, int]:
    """Zoom, column and row of the tile that holds a position."""
    n = 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return zoom, int((lon + 180) / 360 * n), int(down * n)


def chosen_tiles(zooms: Sequence[int], n: int) -> list[tuple[int, int, int]]:
    """Tiles where records are, each zoom's busiest first; at most ``SAMPLE`` of them."""
    x, y, *_ = made_up(n)
    lon, lat = to_lonlat(x[:20_000], y[:20_000])
    found: list[tuple[int, int, int]] = []
    for zoom in zooms:
        tiles = [tile_of(a, b, zoom) for a, b in zip(lon.tolist(), lat.tolist(), strict=True)]
        busiest = (
            sorted(set(tiles), key=tiles.count, reverse=True) if zoom <= max(FAR) else sorted(set(tiles))
        )
        found += busiest[:: max(1, len(busiest) * len(zooms) // SAMPLE)]
    return found


def cpu_s(pids: Sequence[int]) -> float:
    """CPU seconds of processes so far."""
    total = 0.0
    for pid in pids:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return total


def timed(ask: Callable[[tuple[int, int, int]], bytes], tiles: Sequence[Any], pids: Sequence[int]) -> str:
    """Ask for each tile once; requests a second, CPU a request, wall at the 95th percentile, the largest answer."""
    walls, largest, before = [], 0, cpu_s(pids)
    for tile in tiles:
        start = time.perf_counter()
        largest = max(largest, len(ask(tile)))
        walls.append(time.perf_counter() - start)
    spent = (cpu_s(pids) - before) / len(tiles) * 1000
    p95 = sorted(walls)[int(0.95 * (len(walls) - 1))] * 1000
    return f"{len(tiles) / sum(walls):>8,.1f} req/s  p95 {p95:>8,.1f} ms  CPU {spent:>7,.1f} ms  largest {largest:,} B"


def bench_served(events: int) -> None:
    """F1 and F2 on one database."""
    home = Path(tempfile.mkdtemp(prefix="placewise-bench-"))
    home.chmod(0o711)
    try:
        with (
            PrivateCluster(home / "cluster", fast=True) as cluster,
            served(cluster, home, events, fill) as client,
        ):
            bench_tiles(client, cluster, events)
            bench_filter(cluster, events)
    finally:
        shutil.rmtree(home)


def bench_tiles(client: FlaskClient, cluster: PrivateCluster, events: int) -> None:
    """F1: the application, then tipg."""
    start = time.perf_counter()
    page = client.get(f"/p/bench/map?from={MONTHS[0]}&to={MONTHS[-1]}").get_data(as_text=True)
    opened = time.perf_counter() - start
    address = page.split('data-dots="')[1].split('"')[0].replace("&amp;", "&")

    def ask(tile: tuple[int, int, int]) -> bytes:
        answer = client.get(whole(address, tile))
        assert answer.status_code == 200, answer.get_data()
        return answer.get_data()

    start = time.perf_counter()
    ask((0, 0, 0))
    first = time.perf_counter() - start
    print(
        f"\nF1 {events:,} records: the page opens in {opened:.1f} s; its first tile reads them in {first:.1f} s"
    )
    for zoom in (10, 12, 14):
        print(f"  zoom {zoom}: counts of all tiles add up to {sum_of(ask, zoom, events):,}")
    pids = [os.getpid(), *backends(cluster)]
    sets = {"z10-12": chosen_tiles(FAR, events), "z13-16": chosen_tiles(NEAR, events)}
    for name, tiles in sets.items():
        print(f"  placewise {name} ({len(tiles)} tiles)    {timed(ask, tiles, pids)}")
    print(
        f"  placewise, empty tiles           {timed(ask, [(12, 0, 0)] * SAMPLE, pids)}  (the session alone)"
    )
    month = "&month=" + MONTHS[40]
    of_month = timed(lambda tile: client.get(whole(address, tile) + month).get_data(), sets["z10-12"], pids)
    print(f"  placewise z10-12, one month      {of_month}")
    with tipg(cluster) as (get, own):
        for name, tiles in sets.items() if get else ():
            print(f"  tipg 3857 {name} ({len(tiles)} tiles)    {timed(get, tiles, own())}")
        if get:
            busiest = sets["z10-12"][0]
            print(f"  tipg draws {features(get(busiest)):,} features on the busiest tile {busiest}")


def whole(address: str, tile: Sequence[Any]) -> str:
    """An address with a tile in it."""
    return address.replace("{z}", str(tile[0])).replace("{x}", str(tile[1])).replace("{y}", str(tile[2]))


def sum_of(ask: Callable[[Any], bytes], zoom: int, events: int) -> int:
    """Counts of all tiles of a zoom together."""
    lon, lat = to_lonlat([WEST, WEST, WEST + SIDE_M, WEST + SIDE_M], [SOUTH, SOUTH + SIDE_M] * 2)
    _, columns, rows = zip(
        *[tile_of(a, b, zoom) for a, b in zip(lon.tolist(), lat.tolist(), strict=True)], strict=True
    )
    total = sum(
        sum(orjson.loads(ask((zoom, column, row)))["count"])
        for column in range(min(columns), max(columns) + 1)
        for row in range(min(rows), max(rows) + 1)
    )
    assert total == events, f"{total:,} of {events:,} records"
    return total


def filtered_counts(x: np.ndarray, y: np.ndarray, month: np.ndarray, category: np.ndarray) -> np.ndarray:
    """Records of the chosen months and categories on squares of 100 m."""
    kept = np.flatnonzero((month >= FIRST) & (month <= LAST) & (category < len(CHOSEN)))
    return counted(x[kept], y[kept]).ravel()


def counted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Records on each square of 100 m."""
    return count_in_squares(x, y, grid=GRID)[0]


def bench_filter(cluster: PrivateCluster, events: int) -> None:
    """F2: in memory, in PostgreSQL on the same database, and by a spatial join with the squares."""
    x, y, month, category = made_up(events)
    codes = month.astype(np.int16), category.astype(np.int8)
    ours = filtered_counts(x, y, *codes)
    asked = {
        "west": WEST,
        "south": SOUTH,
        "since": datetime.fromisoformat(f"{MONTHS[FIRST]}-01T00:00:00+00:00"),
        "until": datetime.fromisoformat(f"{MONTHS[LAST + 1]}-01T00:00:00+00:00"),
        "chosen": CHOSEN,
    }
    with psycopg2.connect(cluster.superuser_dsn()) as connection, connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")

        def in_sql() -> list[tuple[int, int, int]]:
            cursor.execute(FILTERED, asked)
            return cursor.fetchall()

        theirs = np.zeros_like(ours)
        for column, row, count in in_sql():
            theirs[row * GRID.columns + column] = count
        squares = gpd.GeoDataFrame(geometry=square_polygons(GRID), crs=27700)
        points = gpd.GeoDataFrame({"m": month, "c": category}, geometry=gpd.points_from_xy(x, y), crs=27700)

        def joined() -> np.ndarray:
            kept = points[(points.m >= FIRST) & (points.m <= LAST) & (points.c < len(CHOSEN))]
            return np.bincount(gpd.sjoin(kept, squares)["index_right"], minlength=len(squares))

        def joined_first() -> np.ndarray:
            every = gpd.sjoin(points, squares)
            kept = every[(every.m >= FIRST) & (every.m <= LAST) & (every.c < len(CHOSEN))]
            return np.bincount(kept["index_right"], minlength=len(squares))

        cases: dict[str, Call] = {
            "placewise arrays: filter and count": lambda: filtered_counts(x, y, *codes),
            "geopandas: filter, then sjoin of those kept": joined,
            "geopandas: sjoin of all, then filter": joined_first,
        }
        same = (
            f"equal to SQL: {np.array_equal(ours, theirs)}, to sjoin: {np.array_equal(ours, joined())}; "
            f"records {ours.sum():,}"
        )
        show(f"F2 24 of 60 months, 3 of 14 categories, 100 m, {events:,} records", cases, 3, same)
        pids = [os.getpid(), connection.info.backend_pid]
        before = cpu_s(pids)
        for _ in range(3):
            in_sql()
        print(
            f"  {'PostgreSQL GROUP BY (client and backend)':<52} {(cpu_s(pids) - before) / 3 * 1000:>12,.1f} ms"
        )


def bench_growth(sizes: Sequence[int], rounds: int) -> None:
    """CPU milliseconds by number of records, and the exponent from each size to the next."""
    rows: dict[str, list[float]] = {}
    for n in sizes:
        x, y, month, category = made_up(n)
        lon, lat = to_lonlat(x, y)
        tiles = point_tiles(lon, lat, month, MONTHS)
        spots = chosen_tiles(FAR, n), chosen_tiles(NEAR, n)
        codes = month.astype(np.int16), category.astype(np.int8)
        cases: dict[str, Call] = {
            "positions to longitude and latitude (OSTN15)": lambda x=x, y=y: to_lonlat(x, y),
            "sorted for tiles": lambda a=lon, b=lat, m=month: point_tiles(a, b, m, MONTHS),
            "a tile, z10-12 (mean)": lambda t=tiles, s=spots[0]: each(t, s, None),
            "a tile, z13-16 (mean)": lambda t=tiles, s=spots[1]: each(t, s, None),
            "a tile of one month, z10-12 (mean)": lambda t=tiles, s=spots[0]: each(t, s, MONTHS[40]),
            "filter and 100 m counts": lambda x=x, y=y, c=codes: filtered_counts(x, y, *c),
            "density 300 m on 100 m, quartic": lambda x=x, y=y: kernel_density(
                x, y, grid=GRID, bandwidth_m=300.0
            ),
            "Gi* on 62,500 squares, from points": lambda x=x, y=y: gi_star_of_squares(counted(x, y)),
        }
        for name, ms in interleaved(cases, rounds).items():
            per = len(spots[0 if "z10" in name else 1]) if name.startswith("a tile") else 1
            rows.setdefault(name, []).append(ms / per)
        print(f"  {n:,} records: {tiles.nbytes / 2**20:,.1f} MiB held for tiles")
    print("\n  CPU ms at " + ", ".join(f"{n:,}" for n in sizes) + "; exponents")
    for name, times in rows.items():
        steps = [
            math.log(b / a) / math.log(m / k)
            for a, b, k, m in zip(times, times[1:], sizes, sizes[1:], strict=False)
        ]
        print(
            f"  {name:<48}"
            + "".join(f"{ms:>12,.2f}" for ms in times)
            + "   "
            + ", ".join(f"{s:.2f}" for s in steps)
        )


def each(tiles: PointTiles, spots: Sequence[tuple[int, int, int]], month: str | None) -> None:
    """Make every one of these tiles."""
    for spot in spots:
        tiles.tile(*spot, month)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--growth", type=int, nargs="*", default=[10_000, 100_000, 1_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {datetime.now(UTC):%Y-%m-%d}")
    print(f"load average {os.getloadavg()[0]:.1f}")
    if asked.growth:
        bench_growth(asked.growth, asked.rounds)
    if asked.events:
        bench_served(asked.events)


if __name__ == "__main__":
    main()
