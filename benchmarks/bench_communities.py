"""Suggested groups beside named peers, in one run: ``python -m benchmarks.bench_communities``.

E3: CPU milliseconds of this process, median of interleaved rounds, one start, on the networks of `bench_network`.
Modularity of both is networkx's own, outside the timed part. Reliability: made-up networks without groups, and with
groups of a size and tightness planted among 150 others; shares of suggested, or planted, groups that hold.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from itertools import product

import networkx as nx
import numba
import numpy as np

from benchmarks.bench_geo import Call, show
from benchmarks.bench_network import Problem
from placewise.network.arrays import Network
from placewise.network.communities import SuggestedGroups, suggest_groups
from placewise.network.groups import Groups
from placewise.network.periods import Shared, shared_between
from placewise.network.stability import beside_chance, holds, redrawn

OTHERS = 150
Made = Callable[[np.random.Generator], Network]


def bench_e3(people: int, rounds: int) -> None:
    """One start beside networkx's Louvain; stability and rewiring for the time of one redraw."""
    problem = Problem(people, 4.8)
    network, graph = problem.network, problem.graph
    suggested = suggest_groups(network, seed=1, starts=1)
    found: list[set[int]] = []

    def theirs() -> None:
        found[:] = nx.community.louvain_communities(graph, seed=1)

    def ours() -> None:
        suggest_groups(network, seed=1, starts=1)

    redrawn(network, suggested, seed=1, redraws=1)
    beside_chance(network, suggested, seed=1, rewirings=1)
    cases: dict[str, Call] = {
        "placewise, one start": ours,
        "networkx louvain_communities": theirs,
        "placewise, one redraw": lambda: redrawn(network, suggested, seed=1, redraws=1),
        "placewise, one rewiring": lambda: beside_chance(network, suggested, seed=1, rewirings=1),
    }
    title = f"E3, {people:,} people, {network.n_ties:,} ties; not run: leidenalg, igraph (not installed)"
    show(title, cases, rounds, f"{suggested.size.size:,} groups")
    mine = nx.community.modularity(graph, [set(m.tolist()) for m in suggested.members])
    other = nx.community.modularity(graph, found)
    print(f"  modularity {mine:.4f}, networkx {other:.4f}: {mine - other:+.4f}")


def without_groups(people: int, ties: float, *, hubs: bool) -> Made:
    """Return a maker of networks in which everybody is tied to anybody, some much more often."""

    def make(rng: np.random.Generator) -> Network:
        if hubs:
            degree = np.minimum(rng.pareto(1.5, people) * ties / 2 + 1, people // 4).astype(int)
        else:
            degree = rng.poisson(ties, people)
        ends = rng.permutation(np.repeat(np.arange(people), degree))
        half = ends.size // 2
        made = Network.build(people, ends[:half], ends[half : 2 * half])
        return Network.build(people, made.source, made.target)

    return make


def with_groups(members: int, tight: float, rng: np.random.Generator) -> tuple[Network, np.ndarray]:
    """Return five groups, and others, all with two ties to anybody on average; and each node's group, -1 for none."""
    n = 5 * members + OTHERS
    label = np.where(np.arange(n) < 5 * members, np.arange(n) // members, -1)
    one, other = np.triu_indices(n, 1)
    inside = (label[one] == label[other]) & (label[one] >= 0)
    tied = rng.random(one.size) < np.where(inside, tight, 2 / n)
    return Network.build(n, one[tied], other[tied]), label


def judge(network: Network, seed: int, resolution: float) -> tuple[SuggestedGroups, np.ndarray, np.ndarray]:
    """Return suggested groups, and which of three or more stand out from chance, and hold."""
    groups = suggest_groups(network, seed=seed, starts=3, resolution=resolution)
    chance = beside_chance(network, groups, seed=seed, rewirings=39)
    return groups, chance.as_strong <= 1, holds(redrawn(network, groups, seed=seed, redraws=20), chance)


def false_alarms(networks: int) -> None:
    """Print the shares of groups, and of networks, that are called something where there is nothing."""
    print(
        f"\nWithout groups, {networks} networks each: groups of 3 or more; beyond chance; hold; networks with any"
    )
    for resolution in (1, 2):
        for people, ties, hubs in product((60, 300), (2, 4, 10), (False, True)):
            make, counts = without_groups(people, ties, hubs=hubs), np.zeros(4, dtype=int)
            for seed in range(networks):
                groups, beyond, held = judge(make(np.random.default_rng(seed)), seed, resolution)
                counts += [np.sum(groups.size >= 3), beyond.sum(), held.sum(), held.any()]
            shares = "  ".join(f"{share:6.2%}" for share in counts[1:3] / counts[0])
            print(
                f"  resolution {resolution}, {people} people, {ties} ties each{', hubs' if hubs else '':<6} "
                f"{counts[0]:>6,}  {shares}  {counts[3] / networks:4.0%}"
            )


def power(networks: int) -> None:
    """Print the shares of planted groups that are suggested roughly as planted, and that hold then."""
    print(
        f"\nFive groups among {OTHERS}, {networks} networks each: roughly as planted; hold; other groups that hold"
    )
    for resolution, members, tight in product((1, 2, 4), (5, 8, 12), (0.4, 0.6, 0.8)):
        right = held = wrong = others = 0
        for seed in range(networks):
            network, label = with_groups(members, tight, np.random.default_rng(seed))
            groups, _, holding = judge(network, seed, resolution)
            shared = _shared(label, groups)
            alike = np.zeros(groups.size.size, dtype=bool)
            alike[shared.other[shared.jaccard >= 0.5]] = True
            right, held = right + alike.sum(), held + (alike & holding).sum()
            wrong, others = wrong + (~alike & holding).sum(), others + (~alike & (groups.size >= 3)).sum()
        planted = networks * 5
        print(
            f"  resolution {resolution}, {members:>2} members, {tight:.0%} of pairs tied: {right / planted:5.0%} "
            f"{held / planted:5.0%}  {wrong:,} of {others:,}"
        )


def _shared(label: np.ndarray, groups: SuggestedGroups) -> Shared:
    planted = np.flatnonzero(label >= 0)
    one = Groups.build(label.size, planted, label[planted], n_groups=5)
    every = np.arange(label.size)
    return shared_between(one, Groups.build(label.size, every, groups.label, n_groups=groups.size.size))


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 people, one round, few made-up networks")
    quick = parser.parse_args().quick
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, networkx {nx.__version__}, numba "
        f"{numba.__version__}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    for people in (10_000,) if quick else (1_000, 10_000, 100_000):
        bench_e3(people, 1 if quick else 3)
    false_alarms(5 if quick else 40)
    power(5 if quick else 40)
    load = os.getloadavg()[0]
    print(f"\nload average at the end {load:.1f}" + (": repeat on a quieter machine" if load > 1.5 else ""))


if __name__ == "__main__":
    main()
