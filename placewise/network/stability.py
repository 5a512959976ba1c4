"""How far a suggested group can be relied on: with ties missing, and beside what chance alone suggests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placewise.core.progress import OnProgress, tell
from placewise.network.arrays import Flags, Floats, Network, Offsets
from placewise.network.communities import (
    SuggestedGroups,
    level_of,
    random_numbers,
    shared_members,
    suggest_groups,
)

# Shares of a group's and its best match's members that both have, from which a redraw counts as "comes back".
_ROUGHLY, _NEARLY = 0.5, 0.75
# How often a group comes back at least, and how many of its pairs stay together, for it to be relied on. Nearly the
# same so often, which chance seldom gives alone, also passes over most tight groups: somebody at the edge always moves.
_STEADY = 0.8
_TOGETHER = 0.7
_MOST_BY_CHANCE = 0.05
#: Two people are a tie, not a group.
LEAST_MEMBERS = 3


@dataclass(frozen=True)
class Redrawn:
    """How often each suggested group comes back when ties are missing.

    Attributes
    ----------
    redraws : int
    roughly, nearly : ndarray of int, shape (groups,)
        Redraws in which some group shares at least half, or three quarters, of all members that the two have.
    together : ndarray of float, shape (groups,)
        Share of the pairs of its members that a redraw puts in one group, on average; not a number for one member.
    """

    redraws: int
    roughly: Offsets
    nearly: Offsets
    together: Floats


@dataclass(frozen=True)
class BesideChance:
    """What networks suggest in which everybody has as many ties, but with anybody.

    Attributes
    ----------
    rewirings : int
    modularity_as_high : int
        Rewired networks whose own suggestion has at least this modularity.
    as_strong : ndarray of int, shape (groups,)
        Rewired networks with a group of no more members that is as strong; all of them for fewer than three members.
    """

    rewirings: int
    modularity_as_high: int
    as_strong: Offsets


def redrawn(
    network: Network,
    groups: SuggestedGroups,
    *,
    seed: int,
    redraws: int = 50,
    least_missing: float = 0.1,
    most_missing: float = 0.3,
    on_progress: OnProgress | None = None,
) -> Redrawn:
    """Say how often each group comes back when some of the ties are missing.

    Records miss ties, and a group that hangs on which of them were recorded is no group to act on. It does not say
    that a group that always comes back is one: a separate piece of the network always does (`beside_chance`).

    Parameters
    ----------
    network : Network
        The one that the groups were suggested for.
    groups : SuggestedGroups
        Suggested anew in each redraw with the same resolution and starts.
    seed : int >= 0
    redraws : int >= 1
    least_missing, most_missing : float, 0 to 1
        Shares of ties left out, at random: from the least in the first redraw, in even steps, to the most in the last.
    on_progress : callable, optional
        Told (redraws done, redraws) after each.

    Raises
    ------
    ValueError
        The shares are not in order between 0 and 1, or there is no redraw.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    Jaccard similarity to the most similar group: Hennig 2007, doi 10.1016/j.csda.2006.11.025, for clusters; here on
    networks with ties left out. Time: that of `suggest_groups` for each redraw.
    """
    if not 0 <= least_missing <= most_missing < 1 or redraws < 1:
        raise ValueError(
            f"from {least_missing} to {most_missing} of ties cannot be missing in {redraws} redraws"
        )
    roughly, nearly = np.zeros((2, groups.size.size), dtype=np.int64)
    together = np.zeros(groups.size.size)
    for number, missing in enumerate(np.linspace(least_missing, most_missing, redraws)):
        rng = random_numbers(seed, number)
        left_out = rng.permutation(network.n_ties)[: round(missing * network.n_ties)]
        kept = np.ones(network.n_ties, dtype=np.bool_)
        kept[left_out] = False
        again = _suggested_anew(network.only(kept), groups, rng)
        own, other, shared = shared_members(groups.label, again.label)
        alike = np.zeros(groups.size.size)
        np.maximum.at(alike, own, shared / (groups.size[own] + again.size[other] - shared))
        roughly += alike >= _ROUGHLY
        nearly += alike >= _NEARLY
        together += np.bincount(own, shared * (shared - 1), groups.size.size)
        tell(on_progress, number + 1, redraws)
    with np.errstate(invalid="ignore"):
        together /= redraws * (groups.size * (groups.size - 1))
    return Redrawn(redraws, roughly, nearly, together)


def beside_chance(
    network: Network,
    groups: SuggestedGroups,
    *,
    seed: int,
    rewirings: int = 99,
    on_progress: OnProgress | None = None,
) -> BesideChance:
    """Say what is suggested where there are no groups: in the same network with its ties rewired at random.

    Suggesting always suggests something. Rewired, everybody has as many ties as before, but to anybody; a group that
    such networks have as strong ones of is no finding.

    Parameters
    ----------
    network : Network
        The one that the groups were suggested for. Weights stay with the ties that are rewired.
    groups : SuggestedGroups
        Suggested anew in each rewired network with the same resolution and starts.
    seed : int >= 0
    rewirings : int >= 1
    on_progress : callable, optional
        Told (rewirings done, rewirings) after each.

    Raises
    ------
    ValueError
        There is no rewiring.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    A group is as strong as its weight w within is unlikely: w ln(w/e) − (w − e), with e = s²/4m expected of members
    with s of the 2m ends. Bigger groups have more of it by chance, as there are more ways to choose them: each is
    compared with the strongest of no more members. Rewiring by swaps: Maslov and Sneppen 2002,
    doi 10.1126/science.1065103. Time: that of `suggest_groups` for each rewiring, and as much again.
    """
    if rewirings < 1:
        raise ValueError("at least one network must be rewired")
    strength = _strength_of(network, groups)
    as_high, as_strong = 0, np.where(groups.size < LEAST_MEMBERS, rewirings, 0)
    for number in range(rewirings):
        rng = random_numbers(seed, number)
        other = rewired(network, rng)
        found = _suggested_anew(other, groups, rng)
        as_high += found.modularity >= groups.modularity - 1e-12
        strongest = _strongest_up_to(found.size, _strength_of(other, found), int(groups.size.max(initial=0)))
        as_strong += (groups.size >= LEAST_MEMBERS) & (strongest[groups.size] >= strength - 1e-12)
        tell(on_progress, number + 1, rewirings)
    return BesideChance(rewirings, as_high, as_strong)


def holds(drawn: Redrawn, chance: BesideChance) -> Flags:
    """Say which groups are more than chance and missing ties make of any network, shape (groups,).

    They come back roughly in four of five redraws, which leave seven of ten of their pairs together, and at most one
    in twenty networks (the rewired ones and this) has a group as strong.
    """
    steady = (drawn.roughly >= _STEADY * drawn.redraws) & (drawn.together >= _TOGETHER)
    return steady & ((chance.as_strong + 1) / (chance.rewirings + 1) <= _MOST_BY_CHANCE)


def rewired(network: Network, rng: np.random.Generator) -> Network:
    """Return a network in which everybody has as many ties as in this one, but with anybody."""
    from placewise.network.communities_compiled import swap_ends

    if network.n_ties == 0:
        return network
    source, target = network.source.copy(), network.target.copy()
    level = level_of(network)
    swap_ends(level._replace(neighbour=network.neighbour.copy()), source, target, rng)
    return Network.build(network.n_nodes, source, target, weight=network.weight)


def _suggested_anew(network: Network, groups: SuggestedGroups, rng: np.random.Generator) -> SuggestedGroups:
    seed = int(rng.integers(2**63))
    return suggest_groups(network, seed=seed, resolution=groups.resolution, starts=groups.starts)


def _strength_of(network: Network, groups: SuggestedGroups) -> Floats:
    """Return how unlikely the weight within each group is, shape (groups,); 0 where it is no more than expected."""
    n, one, other = groups.size.size, groups.label[network.source], groups.label[network.target]
    weight = network.weight / network.weight.mean() if network.n_ties else network.weight
    within = np.bincount(one[one == other], weight[one == other], n)
    ends = np.bincount(np.concatenate([one, other]), np.tile(weight, 2), n)
    expected = ends**2 / max(4 * network.n_ties, 1)
    more = within > expected
    ratio = np.divide(within, expected, out=np.ones(n), where=more)
    return np.where(more, within * np.log(ratio) - (within - expected), 0.0)


def _strongest_up_to(size: Offsets, strength: Floats, most: int) -> Floats:
    """Return the largest strength among groups of three to k members, for k = 0 to ``most``; nought for none."""
    best = np.zeros(max(most, int(size.max(initial=0))) + 1)
    fit = size >= LEAST_MEMBERS
    np.maximum.at(best, size[fit], strength[fit])
    return np.maximum.accumulate(best)
