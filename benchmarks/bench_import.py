"""Bringing a police.uk file in, beside geopandas, in one run: ``python -m benchmarks.bench_import FILE``.

CPU seconds of everything that works for the import: this process, the locked-in reader, and the server's
backends. Two peers read the same file in the same run: pandas and geopandas with a COPY of their well-known
binary into a bare table (faster than ``GeoDataFrame.to_postgis``, which does the same through SQLAlchemy),
and the server's own COPY of the file as it stands, which is the floor for anything that reads text. Neither
checks anything, keeps the fate of a row or recognises a record it already holds; the first is about 2 m off
(no OSTN15), the second has no positions at all. Each case has a fresh table, and each answer is checked.

Without FILE a synthetic one of the same columns is made. ``--times 10`` makes it longer, to see memory stay flat.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg2
from psycopg2.extensions import make_dsn

from placewise.core.scope import Role, Scope
from placewise.intake.bring_in import Sending, bring_in
from placewise.intake.layouts import get_layout
from placewise.intake.limits import COMMAND_LIMITS
from placewise.store.administration import administrator, save_account, save_partnership, set_login_passwords
from placewise.store.cluster import PrivateCluster
from placewise.store.door import Door
from placewise.store.migrate import migrate
from placewise.store.session import Database

HEADER = ("id", "month", "category", "longitude", "latitude", "street_name", "ward_code")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """What a case cost."""

    rows: int
    python_s: float
    server_s: float
    wall_s: float

    def line(self, name: str) -> str:
        """One line of the report."""
        cpu = self.python_s + self.server_s
        return (
            f"{name:<28}{self.rows:>9,} rows{self.python_s:>8.2f} s Python{self.server_s:>8.2f} s server"
            f"{self.rows / cpu:>10,.0f} rows/CPU s{self.wall_s:>8.2f} s waited"
        )


class Server:
    """A server of the benchmark's own, migrated, with one partnership per case."""

    def __init__(self, cluster: PrivateCluster) -> None:
        self.admin_url = cluster.superuser_dsn()
        self._postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        migrate(self.admin_url)
        with administrator(self.admin_url) as connection:
            set_login_passwords(connection, {"placewise_app": "app", "placewise_door": "door"})
        self.database = Database(make_dsn(self.admin_url, user="placewise_app", password="app"))
        door_url = make_dsn(self.admin_url, user="placewise_door", password="door")
        self.door = Door(door_url, idle_minutes=60, session_hours=10)

    def scope(self) -> Scope:
        """A co-ordinator of a new, empty partnership."""
        with administrator(self.admin_url) as connection:
            made = save_partnership(
                connection,
                f"bench-{uuid4().hex[:8]}",
                "Bench",
                {"police": ("Police", "police")},
                synthetic=False,
            )
            account = save_account(
                connection,
                f"{uuid4().hex}@bench.invalid",
                "Bench",
                "!",
                partnership_id=made.partnership_id,
                agency="police",
                roles=Role.COORDINATOR,
            )
        return Scope(self.door.start(account), made.partnership_id)

    def cpu_s(self) -> float:
        """User and system seconds of every process of the server so far."""
        total = 0.0
        for process in Path("/proc").iterdir():
            if process.name.isdecimal():
                try:
                    fields = (process / "stat").read_text().rpartition(")")[2].split()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if int(process.name) == self._postmaster or int(fields[1]) == self._postmaster:
                    # Ended backends are in the postmaster's own count of its children.
                    own = 4 if int(process.name) == self._postmaster else 2
                    total += sum(map(int, fields[11 : 11 + own])) * _TICK_S
        return total


@contextmanager
def fresh_server() -> Iterator[Server]:
    """Start a private server and take it away again."""
    home = Path(tempfile.mkdtemp(prefix="placewise-bench-"))
    home.chmod(0o711)
    try:
        with PrivateCluster(home / "cluster") as cluster:
            server = Server(cluster)
            yield server
            server.database.close()
            server.door.close()
    finally:
        shutil.rmtree(home)


def measured(server: Server, call: Callable[[], int]) -> Spent:
    """Run one case."""
    before, python, wall = server.cpu_s(), python_s(), time.perf_counter()
    rows = call()
    return Spent(rows, python_s() - python, server.cpu_s() - before, time.perf_counter() - wall)


def python_s() -> float:
    """CPU seconds of this process and of the children it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def placewise_import(server: Server, file: Path, *, scope: Scope | None = None) -> int:
    """Bring the file in as ``placewise import`` does; every row must have a fate."""
    sending = Sending(file, get_layout("police_api"), "police", COMMAND_LIMITS, file.name)
    counts = bring_in(server.database, scope or server.scope(), sending).counts
    assert counts.read == counts.accepted + counts.duplicate + counts.refused
    return counts.read


def geopandas_import(server: Server, file: Path) -> int:
    """Append the file to a table by pandas, geopandas and COPY."""
    rows = 0
    with closing(psycopg2.connect(server.admin_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(PEER_TABLE)
        for frame in pd.read_csv(file, dtype={"id": str}, chunksize=50_000):
            points = gpd.GeoSeries(gpd.points_from_xy(frame.longitude, frame.latitude, crs="EPSG:4326"))
            frame["geom"] = points.to_crs("EPSG:27700").to_wkb(hex=True).to_numpy()
            frame["month"] = pd.to_datetime(frame["month"], utc=True)
            chosen = frame[["id", "month", "category", "street_name", "ward_code", "geom"]]
            cursor.copy_expert(PEER_COPY, io.StringIO(chosen.to_csv(header=False, index=False)))
            rows += len(frame)
    return rows


def bare_copy(server: Server, file: Path) -> int:
    """Copy the file as it stands into a table of text."""
    with _opened(file) as source, closing(psycopg2.connect(server.admin_url)) as connection, connection:
        columns = ", ".join(f'"{name}" text' for name in next(csv.reader([source.readline()])))
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS bare; CREATE TABLE bare ({columns})")
            cursor.copy_expert("COPY bare FROM STDIN WITH (FORMAT csv)", source)
            rows: int = cursor.rowcount
    return rows


PEER_COPY = (
    "COPY peer (local_ref, occurred_from, category, summary, area_code, geom) FROM STDIN WITH (FORMAT csv)"
)
PEER_TABLE = """
DROP TABLE IF EXISTS peer;
CREATE TABLE peer (peer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, local_ref text, occurred_from timestamptz,
    category text, summary text, area_code text, geom public.geometry(Point, 27700));
CREATE INDEX peer_geom ON peer USING spgist (geom);
CREATE INDEX peer_when ON peer (occurred_from);
"""


def synthetic_file(path: Path, rows: int = 95_440, seed: int = 1) -> Path:
    """Write a file of the API's columns with invented rows on 2,000 snap points."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(0.0, 0.1, 2000), rng.uniform(51.48, 51.56, 2000)
    snap, month = rng.integers(0, 2000, rows), rng.integers(0, 30, rows)
    categories = ("burglary", "drugs", "robbery", "violent-crime", "anti-social-behaviour", "vehicle-crime")
    kind = rng.integers(0, len(categories), rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for i in range(rows):
            at, m = snap[i], month[i]
            writer.writerow(
                (10_000_000 + i, f"{2016 + m // 12}-{m % 12 + 1:02}", categories[kind[i]], f"{lon[at]:.6f}",
                 f"{lat[at]:.6f}", f"On or near Street {at}", f"E0500{at % 20:04}")
            )  # fmt: skip
    return path


def longer(file: Path, times: int, path: Path) -> Path:
    """Write the file several times over, each time with numbers of its own, so that every row is a new record."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        for time_round in range(times):
            with _opened(file) as source:
                reader = csv.reader(source)
                header = next(reader)
                at = header.index("id")
                if not time_round:
                    writer.writerow(header)
                for cells in reader:
                    cells[at] = f"{time_round}{cells[at]}"
                    writer.writerow(cells)
    return path


def _opened(file: Path) -> IO[Any]:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")


def peak_mb(file: Path) -> str:
    """Peak memory of an import of the file in a process of its own, and of its reader."""
    command = [sys.executable, "-m", "benchmarks.bench_import", str(file), "--memory"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def report_memory(file: Path) -> None:
    """Import once and print the peaks."""
    with fresh_server() as server:
        rows = placewise_import(server, file)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{rows:,} rows: peak {own:.0f} MB in the importing process")


def compare(file: Path, rounds: int) -> None:
    """Time the import, the same file again, and the peer."""
    with fresh_server() as server:
        scope = server.scope()
        placewise_import(server, file, scope=scope)  # imports modules, warms caches
        for _ in range(rounds):
            scope = server.scope()
            print(
                measured(server, lambda s=scope: placewise_import(server, file, scope=s)).line(
                    "placewise import"
                )
            )
            print(
                measured(server, lambda s=scope: placewise_import(server, file, scope=s)).line(
                    "placewise, sent again"
                )
            )
            print(measured(server, lambda: geopandas_import(server, file)).line("geopandas and COPY"))
            print(measured(server, lambda: bare_copy(server, file)).line("COPY of the bare text"))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="CSV of the police.uk API, plain or gzip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--times", type=int, default=1, help="how many times as long to make it for the memory test"
    )
    parser.add_argument("--memory", action="store_true", help="import once and print the peak of memory")
    given = parser.parse_args()
    if given.memory:
        report_memory(given.file)
        return
    print(
        f"Python {platform.python_version()}, geopandas {gpd.__version__}; {os.cpu_count()} cores, "
        f"load average {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = given.file or synthetic_file(Path(folder) / "synthetic.csv")
        compare(file, given.rounds)
        if given.times > 1:
            print(f"memory: {peak_mb(file)}")
            print(f"memory: {peak_mb(longer(file, given.times, Path(folder) / 'longer.csv'))}")


if __name__ == "__main__":
    main()
