"""The whole network's measures beside named peers, in one run: ``python -m benchmarks.bench_network``.

E2 surroundings of a node, E4 betweenness, and parts, cores, what lies between groups and paths, which have no row in
the suite. CPU milliseconds of this process, median of interleaved rounds. Synthetic: people in groups of 3 to 200,
three quarters of their ties inside, the rest mostly to hubs. The network stands as arrays before ours is timed, as a
graph before the peer's is. A peer that is not installed is "not run".
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tracemalloc

import networkx as nx
import numpy as np
import rustworkx as rx
import scipy

from benchmarks.bench_geo import Call, show
from placewise.network.arrays import Network
from placewise.network.betweenness import Betweenness, betweenness
from placewise.network.brokerage import bridges
from placewise.network.groups import Groups
from placewise.network.measures import core_numbers, separate_parts, surroundings
from placewise.network.paths import shortest_paths

SOURCES = 256
EGOS = 100


class Problem:
    """The same network as arrays, as a networkx graph, and as a rustworkx graph."""

    def __init__(self, people: int, links_each: float, *, graphs: bool = True) -> None:
        rng = np.random.default_rng(7)
        size = rng.lognormal(2.7, 0.6, people // 3 + 10).astype(int).clip(3, 200)
        label = np.repeat(np.arange(size.size), size)[:people]
        size = np.bincount(label)
        links = int(people * links_each)
        one = rng.integers(0, people, links)
        inside = (np.cumsum(size) - size)[label[one]] + (rng.random(links) * size[label[one]]).astype(int)
        hub = (people * rng.random(links) ** 4).astype(int)
        shuffled = rng.permutation(people)
        other = np.where(rng.random(links) < 0.75, inside, hub)
        self.network = Network.build(people, shuffled[one], shuffled[other])
        self.groups = Groups.build(people, shuffled, label, n_groups=size.size)
        self.asked = rng.choice(people, min(500, people // 10), replace=False)
        self.egos = rng.choice(people, EGOS, replace=False)
        self.graph: nx.Graph[int] = nx.Graph()
        self.rust = rx.PyGraph(multigraph=False)
        if graphs:
            ties = list(zip(self.network.source.tolist(), self.network.target.tolist(), strict=True))
            self.graph.add_nodes_from(range(people))
            self.graph.add_edges_from(ties)
            self.rust.add_nodes_from(range(people))
            self.rust.add_edges_from_no_data(ties)


def bench_e2(problem: Problem, rounds: int) -> None:
    """Two steps around a node and all ties there, 100 nodes one after another."""

    def ours() -> int:
        return sum(surroundings(problem.network, [v]).ties.size for v in problem.egos)

    def theirs() -> int:
        return sum(nx.ego_graph(problem.graph, v, 2).number_of_edges() for v in problem.egos)

    note = f"{ours() / EGOS:,.0f} ties each; same ties: {ours() == theirs()}; the best SQL: not run here"
    cases = {"placewise": ours, "networkx ego_graph": theirs}
    show(f"E2, {EGOS} surroundings of two steps", cases, rounds, note)


def bench_e4(problem: Problem, rounds: int) -> None:
    """Betweenness from 256 sources drawn at random."""
    network, n = problem.network, problem.network.n_nodes

    def ours() -> Betweenness:
        return betweenness(network, of=range(n), sources=SOURCES)

    note = f"margin {ours().margin.max():.3f} at 95 % for all {n:,}; exact ones of 300 differ by {difference():.0e}"
    cases: dict[str, Call] = {"placewise": ours}
    missing = ["igraph (not installed)", "rustworkx (draws no sources)"]
    if n <= 10_000:
        cases["networkx"] = lambda: nx.betweenness_centrality(problem.graph, k=SOURCES, seed=1)
    else:
        missing.append("networkx (minutes)")
    show(f"E4, {SOURCES} sources; not run: {', '.join(missing)}", cases, rounds, note)


def difference() -> float:
    """Return how far exact shares are from networkx's on a small network."""
    small = Problem(300, 4.8)
    expected = nx.betweenness_centrality(small.graph, normalized=False)
    found = betweenness(small.network, of=range(300)).routes
    return float(np.abs(found - [expected[v] for v in range(300)]).max())


def bench_exact(problem: Problem, rounds: int) -> None:
    """Exact betweenness beside rustworkx, which has no sampling, on one core."""
    everyone = range(problem.network.n_nodes)

    def theirs() -> rx.CentralityMapping:
        return rx.betweenness_centrality(problem.rust, normalized=False, parallel_threshold=len(everyone) + 1)

    found, expected = betweenness(problem.network, of=everyone).routes, theirs()
    gap = float(np.abs(found - [expected[v] for v in everyone]).max())
    cases: dict[str, Call] = {
        "placewise": lambda: betweenness(problem.network, of=everyone),
        "rustworkx": theirs,
    }
    note = f"largest difference {gap:.0e} of {found.max():,.0f}"
    show("Betweenness, exact", cases, rounds, note, missing=("igraph",))


def bench_whole(problem: Problem, rounds: int) -> None:
    """Parts and cores of the whole network."""
    network, graph, rust = problem.network, problem.graph, problem.rust
    same = sorted(separate_parts(network).size) == sorted(map(len, nx.connected_components(graph)))
    cases: dict[str, Call] = {
        "placewise": lambda: separate_parts(network),
        "rustworkx connected_components": lambda: rx.connected_components(rust),
        "networkx connected_components": lambda: list(nx.connected_components(graph)),
    }
    show("Separate parts", cases, rounds, f"same sizes: {same}", missing=("igraph",))
    expected = nx.core_number(graph)
    same = core_numbers(network, of=range(network.n_nodes)).tolist() == [expected[v] for v in graph]
    cases = {
        "placewise": lambda: core_numbers(network, of=range(network.n_nodes)),
        "rustworkx core_number": lambda: rx.core_number(rust),
        "networkx core_number": lambda: nx.core_number(graph),
    }
    show("Core numbers", cases, rounds, f"same: {same}", missing=("igraph",))


def bench_growth(people: int, rounds: int) -> None:
    """Our own at ten links a person, and what the network takes beside networkx's graph."""
    tracemalloc.start()
    problem = Problem(people, 10, graphs=False)
    network, groups = problem.network, problem.groups
    held = network.offsets.nbytes + network.neighbour.nbytes + network.tie.nbytes
    held += network.source.nbytes + network.target.nbytes + network.weight.nbytes
    before = tracemalloc.get_traced_memory()[0]
    graph: nx.Graph[int] = nx.Graph(zip(network.source.tolist(), network.target.tolist(), strict=True))
    theirs = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    one, other = problem.asked[:20], problem.asked[-20:]
    cases: dict[str, Call] = {
        "surroundings of two steps, 100 nodes": lambda: [surroundings(network, [v]) for v in problem.egos],
        "separate parts": lambda: separate_parts(network),
        "core numbers": lambda: core_numbers(network, of=problem.asked),
        "betweenness, 64 sources": lambda: betweenness(network, of=problem.asked, sources=64),
        "the same between groups": lambda: betweenness(network, of=problem.asked, sources=64, groups=groups),
        f"bridges of {problem.asked.size}": lambda: bridges(network, groups, of=problem.asked),
        "five paths between 20 and 20, one between": lambda: shortest_paths(network, one, other, count=5),
        "five paths between two, any number between": lambda: shortest_paths(
            network, one[0], other[0], count=5, max_between=None
        ),
    }
    for call in cases.values():
        call()  # compiles
    note = f"{network.n_ties:,} ties; held {held / 2**20:.1f} MiB, networkx {theirs / 2**20:.1f} ({len(graph):,} nodes)"
    show(f"Growth, {people:,} people, 10 links each, times of the first", cases, rounds, note)


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 people only, one round")
    quick = parser.parse_args().quick
    rounds = 1 if quick else 5
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, networkx "
        f"{nx.__version__}, rustworkx {rx.__version__}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    for people in (10_000,) if quick else (10_000, 100_000):
        problem = Problem(people, 4.8)
        print(f"\n== {people:,} people, {problem.network.n_ties:,} ties ==")
        bench_e2(problem, rounds)
        bench_e4(problem, min(rounds, 3))
        bench_whole(problem, rounds)
    bench_exact(Problem(1_000 if quick else 3_000, 4.8), 1)
    for people in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        bench_growth(people, min(rounds, 3))
    load = os.getloadavg()[0]
    print(
        f"\nload average at the end {load:.1f}{': repeat on a quieter machine' if load > 1.5 else ''}; "
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
