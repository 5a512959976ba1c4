"""E1: the network out of the database into memory, and pages of connections.

Everything is read through a session under row-level security, by a member who recorded none of it. CPU of the process
and of its database backend together, and the most memory above that of the process at its beginning; each load in a
process of its own. Peers take the same links, as rows, with the same facts on each. The page is asked for as a browser
does; its figures are CPU of web process and backend. igraph: not run (it is GPL and no dependency).
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID

import networkx as nx
import rustworkx as rx
from flask.testing import FlaskClient
from psycopg2.extensions import make_dsn

from benchmarks.bench_map import measure, served
from benchmarks.made_up_network import fill_network
from placewise.core.scope import Action, Scope
from placewise.panel.network import load_network
from placewise.store.cluster import PrivateCluster
from placewise.store.door import Door
from placewise.store.session import Database, Session
from placewise.web.connection_pages import SECOND_STEPS
from placewise.web.pages import TOKEN

#: All that is made up stands on this day.
DAY = date(2026, 1, 1)
ROWS = """
SELECT coalesce(from_person, from_group, from_place), coalesce(to_person, to_group, to_place), type, strength,
       first_seen, last_seen, expires_on, source_grade, assessment
  FROM placewise.link WHERE first_seen <= %(day)s AND expires_on >= %(day)s
UNION ALL
SELECT person_id, peer_group_id, 'member', 'known', joined_on, NULL, left_on, source_grade, assessment
  FROM placewise.peer_group_member WHERE joined_on <= %(day)s AND left_on >= %(day)s IS NOT FALSE
"""
NODES = """
SELECT person_id, kind, concern_category FROM placewise.person
UNION ALL SELECT peer_group_id, 'group', NULL FROM placewise.peer_group
UNION ALL SELECT place_id, 'place', location_type FROM placewise.place
"""
FACTS = ("type", "strength", "first_seen", "last_seen", "expires_on", "source_grade", "assessment")


def ours(session: Session) -> tuple[int, int]:
    """Columns, the ties that stand, and both directions of each."""
    loaded = load_network(session, as_of=DAY)
    return loaded.network.n_ties, loaded.network.neighbour.size


def as_networkx(session: Session, kind: type[nx.Graph[Any]] = nx.Graph) -> tuple[int, int]:
    """A graph with the same facts on nodes and links."""
    graph = kind()
    for node, what, detail in session.rows(NODES):
        graph.add_node(node, kind=what, detail=detail)
    for one, other, *facts in session.rows(ROWS, {"day": DAY}):
        graph.add_edge(one, other, **dict(zip(FACTS, facts, strict=True)))
    ties = graph.number_of_edges() if kind is nx.Graph else nx.Graph(graph).number_of_edges()
    return ties, 2 * ties


def as_rustworkx(session: Session) -> tuple[int, int]:
    """A graph with the same facts on nodes and links."""
    graph: rx.PyGraph[Any, Any] = rx.PyGraph(multigraph=False)
    rows = session.rows(NODES)
    number = dict(zip((row[0] for row in rows), graph.add_nodes_from(rows), strict=True))
    links = session.rows(ROWS, {"day": DAY})
    graph.add_edges_from([(number[one], number[other], facts) for one, other, *facts in links])
    return graph.num_edges(), 2 * graph.num_edges()


LOADS: dict[str, Callable[[Session], tuple[int, int]]] = {
    "placewise": ours,
    "networkx Graph": as_networkx,
    "networkx MultiGraph": partial(as_networkx, kind=nx.MultiGraph),
    "rustworkx": as_rustworkx,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--links-each", type=float, default=4.8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    for people in asked.people:
        measured(people, int(people * asked.links_each), asked.rounds)


def measured(people: int, links: int, rounds: int) -> None:
    """Report on a partnership of this size."""
    home = Path(tempfile.mkdtemp(prefix="placewise-bench-"))
    home.chmod(0o711)
    filling = partial(_fill, links=links)
    try:
        with (
            PrivateCluster(home / "cluster", fast=True) as cluster,
            served(cluster, home, people, filling) as client,
        ):
            postmaster = int((cluster.data / "postmaster.pid").read_text().split("\n")[0])
            print(f"\n{people:,} people, {links:,} links; load average {os.getloadavg()[0]:.1f}")
            report_loads(cluster.superuser_dsn(), client, rounds)
            report_pages(client, postmaster, rounds)
    finally:
        shutil.rmtree(home)


def _fill(connection: Any, own: UUID, agencies: Any, account: UUID, people: int, *, links: int) -> None:
    fill_network(connection, own, agencies, account, people, links=links)


def report_loads(admin: str, client: FlaskClient, rounds: int) -> None:
    """E1: CPU and memory of each way to load."""
    app = make_dsn(admin, user="placewise_app", password="app")
    with client.session_transaction() as cookie:
        token = str(cookie[TOKEN])
    door = Door(make_dsn(admin, user="placewise_door", password="door"), idle_minutes=60, session_hours=2)
    (membership,) = door.memberships(token)
    scope = Scope(token, membership.partnership_id)
    taken: dict[str, list[tuple[float, float, tuple[int, int]]]] = {name: [] for name in LOADS}
    for _ in range(rounds):
        for name in LOADS:
            with get_context("fork").Pool(1) as pool:
                taken[name].append(pool.apply(load, (app, scope, name)))
    assert len({found[0][2][0] for found in taken.values()}) == 1, "all have the same ties"
    own = [statistics.median(t[i] for t in taken["placewise"]) for i in (0, 1)]
    for name, times in taken.items():
        cpu, memory = (statistics.median(t[i] for t in times) for i in (0, 1))
        print(
            f"E1 {name:20} {cpu * 1000:8,.0f} ms ({cpu / own[0]:5.1f})  {memory:7,.0f} MiB ({memory / own[1]:5.1f})"
            f"  {times[0][2][0]:,} ties"
        )


def load(app: str, scope: Scope, name: str) -> tuple[float, float, tuple[int, int]]:
    """CPU seconds of process and backend, MiB above the beginning, and what was found."""
    database = Database(app, size=1)
    with database.session(scope, Action.READ_PART) as session:
        (backend,) = session.row("SELECT pg_backend_pid()") or (0,)
        session.run(
            "SET LOCAL statement_timeout = '10min'; SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        held, cpu = _resident_mib(), _cpu_s(backend) + time.process_time()
        found = LOADS[name](session)
        spent = _cpu_s(backend) + time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    database.close()
    return spent, peak - held, found


def _cpu_s(process: int) -> float:
    words = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def report_pages(client: FlaskClient, postmaster: int, rounds: int) -> None:
    """The page of connections and its picture, one and two steps round groups and places."""
    for kind, address in (("group", "groups"), ("place", "places")):
        listed = client.get(f"/p/bench/{address}").get_data(as_text=True)
        starts = sorted(set(re.findall(rf"/{address}/([0-9a-f-]{{36}})", listed)))[:10]
        for hops in (1, 2):
            with client.session_transaction() as cookie:
                cookie[SECOND_STEPS] = {f"bench/{start}": time.time() + 3600 for start in starts}
            for what in ("connections", "connections.json"):
                paths = [f"/p/bench/{what}?{kind}={start}&hops={hops}" for start in starts]
                taken = [measure(partial(_size, client, path), postmaster, rounds) for path in paths]
                web, backend, wall = (statistics.median(t[i] for t in taken) * 1000 for i in range(3))
                most = max(t[0] + t[1] for t in taken) * 1000
                print(
                    f"{what:17} {kind:6} {hops} steps  web {web:4.0f} + database {backend:4.0f} ms, most {most:4.0f};"
                    f" wall {wall:4.0f} ms"
                )


def _size(client: FlaskClient, path: str) -> int:
    answer = client.get(path)
    assert answer.status_code in (200, 400), path  # 400: more than one picture holds, which takes reading too
    return len(answer.get_data())


if __name__ == "__main__":
    main()
