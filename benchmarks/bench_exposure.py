"""Exposure, derived ties and what-if beside a named peer, in one run: ``python -m benchmarks.bench_exposure``.

CPU milliseconds, median of interleaved rounds; inputs are made outside the timed part, and each answer is
checked. Data are synthetic: links of children to places, the places as unequal as a few stations and many corners.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import time
from collections import Counter

import networkx as nx
import numpy as np
import pandas as pd
import scipy

from benchmarks.bench_geo import show
from placewise.network.arrays import Network
from placewise.network.cover import Meetings
from placewise.network.derived import CO_PRESENT, occasions
from placewise.network.exposure import exposure, overlap
from placewise.network.groups import Groups
from placewise.network.presences import Presences
from placewise.network.what_if import Situation, best_within, resampled, what_if

GROUPS_OF = 8
MONTHS = 24


class Borough:
    """A share of 1/20 of the nodes are places, 1/100 adults of concern; the others are children."""

    def __init__(self, people: int, links: int) -> None:
        rng = np.random.default_rng(1)
        self.n_places, self.n_adults = people // 20, people // 100
        self.n_children = people - self.n_adults
        self.n_nodes = people + self.n_places
        popular = 1 / np.arange(1, self.n_places + 1) ** 0.7
        self.place = people + rng.choice(self.n_places, links, p=popular / popular.sum())
        self.child = rng.integers(0, self.n_children, links)
        self.adult = np.where(
            rng.random(links) < 0.2, self.n_children + rng.integers(0, self.n_adults, links), -1
        )
        self.month = rng.integers(0, MONTHS, links)
        self.places = np.arange(people, self.n_nodes)
        self.n_groups = max(self.n_children // GROUPS_OF, 1)
        self.member = rng.permutation(self.n_children)[: self.n_children // 2]
        self.group = rng.integers(0, self.n_groups, self.member.size)
        self.groups = Groups.build(self.n_nodes, self.member, self.group, n_groups=self.n_groups)


def bench_exposure(people: int, links: int, rounds: int) -> None:
    """Every place at once: children, their groups, months, adults; beside pandas and sets on a networkx graph."""
    b = Borough(people, links)
    frame = pd.DataFrame({"place": b.place, "child": b.child, "adult": b.adult, "month": b.month})
    members = pd.DataFrame({"child": b.member, "group": b.group})
    graph = nx.MultiGraph()
    known = [{"adult": a, "month": m} for a, m in zip(b.adult, b.month, strict=True)]
    graph.add_edges_from(zip(b.place, b.child, known, strict=True))
    group_of = dict(zip(b.member, b.group, strict=True))

    def ours() -> tuple[np.ndarray, int, int, int]:
        found = exposure(
            b.place, b.child, of=b.places, n_nodes=b.n_nodes, adult=b.adult, period=b.month, n_periods=MONTHS,
            groups=b.groups,
        )  # fmt: skip
        return found.children, found.by_group.sum(), found.by_period.sum(), found.by_adult.sum()

    def by_pandas() -> tuple[np.ndarray, int, int, int]:
        once = frame[["place", "child"]].drop_duplicates()
        children = once.groupby("place").size().reindex(b.places, fill_value=0).to_numpy()
        groups = once.merge(members, on="child").groupby(["place", "group"]).size()
        months = frame[["place", "month", "child"]].drop_duplicates().groupby(["place", "month"]).size()
        told = frame.loc[frame["adult"] >= 0, ["place", "adult", "child"]]
        adults = told.drop_duplicates().groupby(["place", "adult"]).size()
        return children, groups.sum(), months.sum(), adults.sum()

    def by_networkx() -> tuple[np.ndarray, int, int, int]:
        children, groups, months, adults = [], 0, 0, 0
        for place in b.places.tolist():
            near = graph.adj[place] if place in graph else {}
            children.append(len(near))
            groups += sum(Counter(group_of[c] for c in near if c in group_of).values())
            months += sum(len({e["month"] for e in edges.values()}) for edges in near.values())
            adults += sum(len({e["adult"] for e in edges.values()} - {-1}) for edges in near.values())
        return np.array(children), groups, months, adults

    answers = [call() for call in (ours, by_pandas, by_networkx)]
    agree = all(np.array_equal(answers[0][0], a[0]) and answers[0][1:] == a[1:] for a in answers[1:])
    show(
        "Exposure of all places: children, groups, months, adults of concern",
        {
            "placewise exposure": ours,
            "pandas drop_duplicates, groupby": by_pandas,
            "networkx MultiGraph, graph given": by_networkx,
        },
        rounds,
        f"{people:,} people, {links:,} links, {b.n_places:,} places; same figures: {agree}",
    )


def bench_growth(people: int, links: int) -> None:
    """Our time and memory alone, and the overlap of 20 places and of all."""
    b = Borough(people, links)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = exposure(
        b.place, b.child, of=b.places, n_nodes=b.n_nodes, adult=b.adult, period=b.month, n_periods=MONTHS,
        groups=b.groups,
    )  # fmt: skip
    taken = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    start = time.process_time()
    overlap(found, b.places[:20])
    few = time.process_time() - start
    start = time.process_time()
    pairs = overlap(found).shared.nnz
    every = time.process_time() - start
    print(
        f"  {people:>8,} people, {links:>9,} links: exposure {taken * 1000:7.1f} ms, {grown:5.0f} MiB more at the "
        f"peak; overlap of 20 places {few * 1000:5.1f} ms, of all {every * 1000:8.1f} ms ({pairs:,} pairs)"
    )


def bench_what_if(people: int, links: int) -> None:
    """Choice, outcome and one resample; there is no peer to name. Every link counts as a meeting with harm."""
    b = Borough(people, links)
    contexts = np.concatenate([b.places, np.arange(b.n_children, people)])
    network = Network.build(b.n_nodes, b.child, b.place)
    harm = Meetings.build(b.child, b.place, b.adult, n_nodes=b.n_nodes)
    whole = Situation.build(network, contexts=contexts, harm=harm, groups=b.groups)
    start = time.process_time()
    best = best_within(whole, 10)
    chosen = time.process_time()
    what_if(whole, best.contexts)
    told = time.process_time()
    resampled(whole, best.contexts, seed=1, resamples=2)
    each = (time.process_time() - told) / 2
    print(
        f"\nWhat if  [{harm.child.size:,} meetings, {contexts.size:,} contexts]\n  the 10 that end most "
        f"{(chosen - start) * 1000:.0f} ms (proven best: {best.exact}); outcome {(told - chosen) * 1000:.0f} ms; "
        f"a resample {each * 1000:.0f} ms"
    )


def bench_derived(people: int, records: int) -> None:
    """Co-presence within four hours over two years, a twentieth at a station in a day; there is no peer to name."""
    b = Borough(people, records)
    b.place[: records // 20] = b.places[0]
    minute = np.random.default_rng(2).integers(0, 2 * 365 * 1440, records)
    minute[: records // 20] %= 1440
    begin = np.datetime64("2024-05-01T00:00", "m") + minute
    given = Presences.build(
        person=b.child, event=np.arange(records), place=b.place, role=np.zeros(records, dtype=int), begin=begin,
        end=begin + np.timedelta64(60, "m"), recorded=begin, found=np.zeros(records), doubtful=np.zeros(records),
    )  # fmt: skip
    start = time.process_time()
    found = occasions(given, CO_PRESENT)
    taken = time.process_time() - start
    print(
        f"\nDerived ties  [{records:,} records]\n  co-presence {taken * 1000:.0f} ms: {found.one.size:,} occasions; "
        f"{sum(crowd.stays for crowd in found.left_out):,} records at {len(found.left_out)} places left out as crowds"
    )


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size and one round")
    quick = parser.parse_args().quick
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, pandas "
        f"{pd.__version__}, networkx {nx.__version__}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    print("\nGrowth")
    for people in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        bench_growth(people, 10 * people)
    bench_what_if(10_000 if quick else 100_000, 100_000 if quick else 1_000_000)
    bench_derived(10_000 if quick else 100_000, 100_000 if quick else 1_000_000)
    bench_exposure(10_000 if quick else 100_000, 100_000 if quick else 1_000_000, 1 if quick else 3)


if __name__ == "__main__":
    main()
