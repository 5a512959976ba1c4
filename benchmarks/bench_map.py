"""The hotspot map at 100,000 events: CPU of the web process and of its database backend, and bytes sent.

``python -m benchmarks.bench_map [--events N …]`` starts a private server, makes a partnership with N synthetic events
(two thirds on 1,700 snap points, one third at 60 places, each with a child) and asks for what a first view asks for.
With several N it ends with F3: how the bytes grow, beside those of a folium page of the same points.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import folium
import numpy as np
from flask.testing import FlaskClient
from folium.plugins import FastMarkerCluster, HeatMap
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn
from psycopg2.extras import execute_values

from placewise.core.scope import Role
from placewise.core.settings import Settings
from placewise.core.vocabulary import terms
from placewise.store.administration import (
    administrator,
    analyse,
    save_account,
    save_partnership,
    set_login_passwords,
)
from placewise.store.cluster import PrivateCluster
from placewise.store.door import Door
from placewise.store.migrate import migrate
from placewise.store.session import Database
from placewise.web.app import create_app
from placewise.web.pages import TOKEN

SIDE_M = 8_000
X, Y = 536_000, 177_000
#: Ways to draw, beside the views as they open.
DRAWN = {
    "squares": "cells=squares",
    "by children": "shade=children",
    "gaussian": "view=density&kernel=gaussian",
    "cross-validated": "view=density&bandwidth=likelihood",
    "spread": "view=density&imprecise=spread",
    "spread, both": "view=density&imprecise=spread&bandwidth=likelihood",
    "per child": "view=rates&rate=children",
    "against crime": "view=rates&rate=crime",
    "quotient": "view=rates&rate=crime_quotient",
}
EVENTS = """
INSERT INTO placewise.event (partnership_id, event_id, source_agency, recorded_by, kind, category,
    harm_types, occurred_from, occurred_to, relation, accuracy, radius_m, geom) VALUES %s
"""
EVENT = (
    "(%s, %s, %s, %s, %s, %s, %s::text[], %s, %s, 'harm_there', %s, %s,"
    " ST_SetSRID(ST_MakePoint(%s, %s), 27700))"
)

WARD = """
INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom)
VALUES (%s, 'ward', %s, %s, 2024, ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 27700)))
"""
PEOPLE = """
INSERT INTO placewise.person (partnership_id, person_id, source_agency, recorded_by, pseudonym, kind)
VALUES %s
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[100_000])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    sizes = asked.events
    sent = {events: measured(events, asked.rounds) for events in sizes}
    if len(sizes) > 1:
        report_growth(sent)


def measured(events: int, rounds: int) -> int:
    """Report on one partnership of so many events; the bytes of its page with all layers."""
    home = Path(tempfile.mkdtemp(prefix="placewise-bench-"))
    home.chmod(0o711)
    try:
        with PrivateCluster(home / "cluster", fast=True) as cluster, served(cluster, home, events) as client:
            postmaster = int((cluster.data / "postmaster.pid").read_text().split("\n")[0])
            return report(client, events, postmaster, rounds)
    finally:
        shutil.rmtree(home)


def report_growth(sent: dict[int, int]) -> None:
    """F3: bytes of the page by number of events, beside folium's pages, which carry every point."""
    least = min(sent.values())
    print(
        "\nF3 bytes of the page with scripts, styles and all layers; of one file by folium (without its CDN files)"
    )
    for events, size in sent.items():
        print(
            f"{events:>10,} events  placewise {size:>12,} ({size / least:.2f} of the least)  {folium_bytes(events)}"
        )


def folium_bytes(events: int) -> str:
    """Bytes of two pages that show the same number of points."""
    rng = np.random.default_rng(1)
    points = np.round(rng.uniform([51.46, 0.0], [51.54, 0.12], (events, 2)), 6).tolist()
    made = []
    for plugin in (HeatMap, FastMarkerCluster):
        page = folium.Map([51.5, 0.06])
        plugin(points).add_to(page)
        made.append(f"{plugin.__name__} {len(page.get_root().render()):,}")
    return ", ".join(made)


@contextmanager
def served(
    cluster: PrivateCluster, home: Path, events: int, filling: Callable[..., None] | None = None
) -> Iterator[FlaskClient]:
    """A signed-in client of an application on a database with so many events."""
    admin = cluster.superuser_dsn()
    migrate(admin)
    with administrator(admin) as connection:
        set_login_passwords(connection, {"placewise_app": "app", "placewise_door": "door"})
        agencies = {"police": ("Police", "police"), "open": ("Open data", "open_data")}
        made = save_partnership(connection, "bench", "Bench", agencies, synthetic=True)
        account = save_account(
            connection,
            "bench@test.invalid",
            "Bench",
            None,
            partnership_id=made.partnership_id,
            agency="police",
            roles=Role.CHAIR,
        )
        (filling or fill)(connection, made.partnership_id, made.agencies, account, events)
    analyse(admin)
    app_url = make_dsn(admin, user="placewise_app", password="app")
    door_url = make_dsn(admin, user="placewise_door", password="door")
    database, door = Database(app_url, size=1), Door(door_url, idle_minutes=60, session_hours=2)
    app = create_app(Settings(app_url, door_url, "for this run only", home, demo=True), database, door)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie[TOKEN] = door.start(account)
    yield client
    database.close()
    door.close()


def fill(connection: Connection, partnership_id: UUID, agencies: Any, account: UUID, events: int) -> None:
    own, by = str(partnership_id), str(account)
    children = [str(uuid4()) for _ in range(2_000)]
    rows, links = made_up(own, agencies, by, children, events)
    with connection.cursor() as cursor:
        for step in range(4):
            west, east = X + SIDE_M / 4 * step, X + SIDE_M / 4 * (step + 1)
            cursor.execute(WARD, (own, f"W{step}", f"Ward {step}", west, Y, east, Y + SIDE_M))
        execute_values(cursor, EVENTS, rows, template=EVENT, page_size=2_000)
        people = [(own, c, str(agencies["police"]), by, f"C {n}") for n, c in enumerate(children)]
        execute_values(cursor, PEOPLE, people, template="(%s, %s, %s, %s, %s, 'child')")
        execute_values(cursor, "INSERT INTO placewise.event_person VALUES %s", links, page_size=5_000)


def made_up(
    own: str, agencies: Any, by: str, children: list[str], events: int
) -> tuple[list[tuple[Any, ...]], list[tuple[str, ...]]]:
    """Events of one year, and who was concerned."""
    rng = np.random.default_rng(1)
    snaps = rng.normal(SIDE_M / 2, SIDE_M / 5, (1_700, 2)).clip(50, SIDE_M - 50)
    places = rng.uniform(200, SIDE_M - 200, (60, 2))
    categories, harms = list(terms("crime_category")), list(terms("harm_type"))
    rows, links = [], []
    for i in range(events):
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=int(rng.integers(0, 525_600)))
        event, snapped = str(uuid4()), i % 3 < 2
        if snapped:
            what, located = ("recorded_crime", categories[i % 14], []), ("snap_point", 150)
            x, y = snaps[int(rng.integers(1_700))]
        else:
            what, located = ("incident", None, [harms[i % 13]]), ("exact", 20)
            x, y = places[int(rng.integers(60))] + rng.normal(0, 40, 2)
            links.append((own, event, children[int(rng.integers(2_000))], "child_concerned"))
        agency = str(agencies["open" if snapped else "police"])
        who = (own, event, agency, by)
        rows.append((*who, *what, at, at + timedelta(hours=2), *located, X + float(x), Y + float(y)))
    return rows, links


def backend_cpu_s(postmaster: int) -> float:
    """CPU of the application's backends of one server; other servers may run on the same machine."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(words[1]) == postmaster and "placewise_app" in (folder / "cmdline").read_text():
                total += (int(words[11]) + int(words[12])) / 100
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def measure(ask: Callable[[], int], postmaster: int, rounds: int) -> tuple[float, float, float, int]:
    """Least web CPU, mean backend CPU, least wall (seconds) and bytes of so many requests."""
    ask()
    web, wall, size = [], [], 0
    backend = backend_cpu_s(postmaster)
    for _ in range(rounds):
        cpu, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        size = ask()
        wall.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_SELF)
        web.append(after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime)
    return min(web), (backend_cpu_s(postmaster) - backend) / rounds, min(wall), size


def report(client: FlaskClient, events: int, postmaster: int, rounds: int) -> int:
    """Ask for the page and its layers; the bytes of all of them."""

    def get(path: str) -> bytes:
        answer = client.get(path)
        assert answer.status_code == 200, path
        return answer.get_data()

    page = get("/p/bench/map").decode()
    files = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)))
    static = sum(len(get(path.replace("&amp;", "&"))) for path in files)
    print(f"{events:,} events; CPU seconds, wall seconds, bytes")
    first = {
        "page": "/p/bench/map",
        "wards": "/p/bench/map/outlines/ward.json",
    }
    more = {
        f"layer ({v})": f"/p/bench/map/layer.json?view={v}" for v in ("counts", "significance", "density")
    }
    more["layer (150 m)"] = "/p/bench/map/layer.json?width=150"
    for name, query in DRAWN.items():
        more[f"layer ({name})"] = f"/p/bench/map/layer.json?{query}"
    cpu_total, bytes_total = 0.0, static
    for name, path in (first | more).items():
        web, backend, wall, size = measure(lambda path=path: len(get(path)), postmaster, rounds)
        print(f"{name:22} web {web:5.2f}  database {backend:5.2f}  wall {wall:5.2f}  {size:9,} B")
        cpu_total += (web + backend) if name in first else 0
        bytes_total += size
    print(f"scripts and styles     {static:,} B in {len(files)} files, uncompressed")
    print(
        f"first view             {cpu_total:.2f} s CPU: the page, which carries its first layer, and the wards"
    )
    print(f"page and all layers    {bytes_total:,} B with scripts and styles (without tiles)")
    return bytes_total


if __name__ == "__main__":
    main()
