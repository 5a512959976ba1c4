"""Groups that the ties themselves suggest: who is tied to each other more than to everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import InvalidLinks
from placewise.core.progress import OnProgress, tell
from placewise.network.arrays import Floats, Network, Offsets
from placewise.network.links import IndexArray

if TYPE_CHECKING:
    from placewise.network.communities_compiled import Level

# A further round over a network that has converged costs as much as the others and finds next to nothing.
_WORTH_A_ROUND = 5e-4
_MOST_ROUNDS = 10


@dataclass(frozen=True)
class SuggestedGroups:
    """Every node in one suggested group; a node that nothing holds is alone in its own.

    Attributes
    ----------
    label : ndarray of int32, shape (n,)
        Number of each node's group, 0 up in order of the groups' first nodes: the order means nothing else.
    modularity : float
        Share of the ties' weight within the groups, beyond what the nodes' ties alone would put there.
    resolution : float
        Above 1 for smaller groups, below 1 for larger ones.
    seed, starts : int
    """

    label: IndexArray
    modularity: float
    resolution: float
    seed: int
    starts: int

    @cached_property
    def members(self) -> Sequence[Offsets]:
        """Positions of each group's members, ascending."""
        order = np.argsort(self.label, kind="stable")
        return [order[end - size : end] for size, end in zip(self.size, np.cumsum(self.size), strict=True)]

    @cached_property
    def size(self) -> Offsets:
        """Members of each group."""
        return np.bincount(self.label)


def suggest_groups(
    network: Network,
    *,
    seed: int,
    resolution: float = 1.0,
    starts: int = 10,
    on_progress: OnProgress | None = None,
) -> SuggestedGroups:
    """Suggest groups by the Leiden method: the best modularity of several starts.

    A suggestion is a question to people who know them, not a finding that a group exists: networks without any
    groups have suggestions too (`stability` says more), someone can belong to two groups and is put in one, and who
    has few recorded ties is put wherever these lead. It says nothing about anyone in it.

    Parameters
    ----------
    network : Network
        Not modified. Its weights count.
    seed : int >= 0
        The same seed, network and options give the same groups, in whatever order the links were given.
    resolution : float > 0
        Of modularity (see there). Small groups among many loosely tied people are found better at 2.
    starts : int >= 1
        Independent starts. 10 find the best known answer of the published networks; for more than 10,000 nodes 1 is
        within 0.001 of it.
    on_progress : callable, optional
        Told (starts done, starts) after each.

    Returns
    -------
    SuggestedGroups
        Each group hangs together by its own ties.

    Raises
    ------
    ValueError
        The resolution is not above nought, or there is no start.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    Time O(starts × rounds × ties), memory about 60 bytes a tie. Traag, Waltman and van Eck 2019,
    doi 10.1038/s41598-019-41695-z.

    Examples
    --------
    >>> two_triangles = Network.build(7, [0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
    >>> suggest_groups(two_triangles, seed=1).label.tolist()
    [0, 0, 0, 1, 1, 1, 2]
    """
    if not (np.isfinite(resolution) and resolution > 0) or starts < 1:
        raise ValueError(f"resolution must be above 0 and starts 1 or more, not {resolution} and {starts}")
    best, quality = np.arange(network.n_nodes, dtype=np.int32), -np.inf
    for start in range(starts):
        label, found = _one_start(network, random_numbers(seed, start), resolution)
        # Starts that end in the same groups may differ in the last digits.
        if found > quality + 1e-12:
            best, quality = label, found
        tell(on_progress, start + 1, starts)
    return SuggestedGroups(best, quality, resolution, seed, starts)


def random_numbers(seed: int, *number: int) -> np.random.Generator:
    """Return the random numbers of one start or redraw: the same whatever was made before it."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=number)))


def level_of(network: Network, *, resolution: float = 1.0) -> Level:
    """Return a network as the compiled loops take it, in weights of 1 on average."""
    from placewise.network.communities_compiled import Level

    weight = network.weight / network.weight.mean()
    strength = _strength(network, weight)
    expected = resolution / strength.sum()
    return Level(network.offsets, network.neighbour, weight[network.tie], strength, expected)


def _one_start(network: Network, rng: np.random.Generator, resolution: float) -> tuple[IndexArray, float]:
    from placewise.network.communities_compiled import improve

    label = np.arange(network.n_nodes, dtype=np.int32)
    quality = modularity(network, label, resolution=resolution)
    if network.n_ties == 0:
        return label, quality
    level = level_of(network, resolution=resolution)
    for _ in range(_MOST_ROUNDS):
        label, before = improve(level, label, rng), quality
        quality = modularity(network, label, resolution=resolution)
        if quality < before + _WORTH_A_ROUND:
            break
    return label, quality


def modularity(network: Network, labels: ArrayLike, *, resolution: float = 1.0) -> float:
    """Share of the ties' weight within groups, less what is expected there from how tied each node is.

    From −½ to 1. Networks without any groups reach high values too (sparse ones 0.5 and more), so a value says little
    without what chance gives (`stability.beside_chance`), and values of different networks do not compare.

    Parameters
    ----------
    network : Network
    labels : array_like of int, shape (n,)
        Group of each node.
    resolution : float
        What the expected share is multiplied by.

    Returns
    -------
    float
        0 for a network without ties.

    Raises
    ------
    InvalidLinks
        There is not one label for each node.

    Notes
    -----
    Q = Σ over groups of w_in / m − γ (s / 2m)²: weight within, all weight, resolution, and the sum of the members' tie
    weights. Newman and Girvan 2004, doi 10.1103/PhysRevE.69.026113; resolution: Reichardt and Bornholdt 2006,
    doi 10.1103/PhysRevE.74.016110.

    Examples
    --------
    >>> modularity(Network.build(4, [0, 2], [1, 3]), [0, 0, 1, 1])
    0.5
    """
    given = np.asarray(labels)
    if given.shape != (network.n_nodes,):
        raise InvalidLinks(f"There are {network.n_nodes:,} nodes, and {given.size:,} were given a group.")
    total = network.weight.sum()
    if total == 0:
        return 0.0
    group = np.unique(given, return_inverse=True)[1]
    within = network.weight[group[network.source] == group[network.target]].sum() / total
    strengths = np.bincount(group, _strength(network, network.weight)) / (2 * total)
    return float(within - resolution * (strengths @ strengths))


def _strength(network: Network, weight: Floats) -> Floats:
    """Return the weight of each node's ties, shape (n,)."""
    ends = np.concatenate([network.source, network.target])
    return np.bincount(ends, np.tile(weight, 2), network.n_nodes).astype(np.float64)


def shared_members(one: ArrayLike, other: ArrayLike) -> tuple[Offsets, Offsets, Offsets]:
    """Return which groups of two groupings share members, and how many: (group, group, members), shape (k,) each.

    Parameters
    ----------
    one, other : array_like of int >= 0, shape (n,)
        Group of each node.
    """
    first, second = np.asarray(one, dtype=np.int64), np.asarray(other, dtype=np.int64)
    width = int(second.max(initial=0)) + 1
    pair, count = np.unique(first * width + second, return_counts=True)
    return pair // width, pair % width, count


def adjusted_rand(one: ArrayLike, other: ArrayLike) -> float:
    """How far two groupings of the same nodes agree: 1 the same, about 0 no more than chance would give.

    Parameters
    ----------
    one, other : array_like of int >= 0, shape (n,)
        Group of each node.

    Returns
    -------
    float
        1 also where both put everybody together, or nobody.

    Notes
    -----
    Hubert and Arabie 1985, doi 10.1007/BF01908075.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], [5, 5, 2, 2]), round(adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]), 3)
    (1.0, 0.571)
    """
    first, second, shared = shared_members(one, other)
    together = _pairs(shared)
    in_one, in_other = _pairs(np.bincount(first, shared)), _pairs(np.bincount(second, shared))
    total = _pairs(shared.sum())
    expected = in_one * in_other / total if total else 0.0
    most = (in_one + in_other) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _pairs(members: ArrayLike) -> float:
    count = np.asarray(members, dtype=np.float64)
    return float((count * (count - 1) / 2).sum())
