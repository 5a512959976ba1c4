"""tipg on a database of ours, for comparison; it runs from the Python that PLACEWISE_BENCH_TIPG names."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

from placewise.store.cluster import PrivateCluster

PORT = 18_499
# tipg's best case: the column is in the map's own projection and has its index.
FOR_TIPG = """
CREATE TABLE public.points AS SELECT row_number() OVER ()::int AS id,
    ST_Transform(geom, 3857)::geometry(Point, 3857) AS geom
  FROM placewise.event;
ALTER TABLE public.points ADD PRIMARY KEY (id);
CREATE INDEX ON public.points USING gist (geom);
ANALYSE public.points
"""


def backends(cluster: PrivateCluster) -> list[int]:
    """Processes of a server that serve a client now."""
    postmaster = int((cluster.data / "postmaster.pid").read_text().split("\n")[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [int(pid) for pid in children if "[local]" in Path(f"/proc/{pid}/cmdline").read_text()]


@contextmanager
def tipg(cluster: PrivateCluster) -> Iterator[tuple[Any, Callable[[], list[int]]]]:
    """Run tipg on the same database; (None, …) where none is given."""
    python = os.environ.get("PLACEWISE_BENCH_TIPG")
    if not python:
        print("  tipg                             not run (PLACEWISE_BENCH_TIPG names no Python)")
        yield None, list
        return
    dsn = cluster.superuser_dsn()
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(FOR_TIPG)
    parts = psycopg2.extensions.parse_dsn(dsn)
    login = f"{parts['user']}:{quote(parts['password'])}@{quote(parts['host'], safe='')}:{parts['port']}"
    url = f"postgresql://{login}/{parts['dbname']}"
    settings = {"DATABASE_URL": url, "TIPG_DB_SCHEMAS": '["public"]', "TIPG_DB_TABLES": '["public.points"]'}
    process = subprocess.Popen(
        [python, "-m", "uvicorn", "tipg.main:app", "--port", str(PORT), "--log-level", "error"],
        env={**os.environ, **settings},
    )
    try:
        yield connected(process), lambda: [process.pid, *backends(cluster)]
    finally:
        process.terminate()
        process.wait()


def connected(process: subprocess.Popen[bytes]) -> Callable[[Any], bytes]:
    """Wait for tipg and ask it for tiles over one connection."""
    connection = HTTPConnection("127.0.0.1", PORT)

    def get(tile: Sequence[Any]) -> bytes:
        z, column, row = tile
        connection.request("GET", f"/collections/public.points/tiles/WebMercatorQuad/{z}/{column}/{row}")
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 204), content[:500]
        return content

    for _ in range(120):
        try:
            get((0, 0, 0))
        except ConnectionRefusedError:
            assert process.poll() is None, "tipg ended"
            connection.close()
            time.sleep(0.5)
        else:
            return get
    raise TimeoutError("tipg does not answer")


def features(tile: bytes) -> int:
    """Number of features of a Mapbox Vector Tile: fields 2 of its layers (fields 3)."""
    return sum(len(parts(layer, 2)) for layer in parts(tile, 3))


def parts(message: bytes, wanted: int) -> list[bytes]:
    """Contents of a field of a Protocol Buffers message."""
    at, found = 0, []

    def number() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = number()
        length = number()
        if tag & 7 == 2:
            if tag >> 3 == wanted:
                found.append(message[at : at + length])
            at += length
    return found
