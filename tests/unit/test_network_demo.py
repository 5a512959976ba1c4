"""The demo borough's planted bridge is found: its place and its adult first, and no child in any list."""

import numpy as np
import pytest

from placewise.network.arrays import Network
from placewise.network.betweenness import betweenness
from placewise.network.brokerage import bridges
from placewise.network.groups import Groups
from placewise.network.paths import shortest_paths
from tests.partner_files import Files


class Demo:
    """Links and memberships of the demo's files; a group is a node, and a member of itself."""

    def __init__(self, files: Files) -> None:
        links = files.table("youth-justice-links.csv")
        ends = [[(link[f"{end}_kind"], link[f"{end}_ref"]) for link in links] for end in ("from", "to")]
        groups = files.truth["groups"]
        members = [(("person", ref), i) for i, group in enumerate(groups) for ref in group["members"]]
        own = [(("group", group["ref"]), i) for i, group in enumerate(groups)]
        self.nodes = sorted({*ends[0], *ends[1], *(node for node, _ in members + own)})
        self.at = {node: i for i, node in enumerate(self.nodes)}
        source, target = ([self.at[node] for node in side] for side in ends)
        source += [self.at[node] for node, _ in members]
        target += [self.at[own[i][0]] for _, i in members]
        self.network = Network.build(len(self.nodes), source, target)
        self.groups = Groups.build(
            len(self.nodes),
            [self.at[node] for node, _ in members + own],
            [i for _, i in members + own],
            n_groups=len(groups),
        )
        contacts = {ref for group in groups for ref in group["contacts"]}
        self.places = [i for i, (kind, _) in enumerate(self.nodes) if kind == "place"]
        self.adults = [self.at["person", ref] for ref in sorted(contacts)]

    def at_refs(self, kind: str, refs: list[str]) -> set[int]:
        return {self.at[kind, ref] for ref in refs}


@pytest.fixture(scope="module")
def demo(files: Files) -> Demo:
    return Demo(files)


@pytest.mark.parametrize(("kind", "planted"), [("place", "places"), ("person", "adults")])
def test_the_planted_bridge_comes_first(files: Files, demo: Demo, kind: str, planted: str) -> None:
    bridge = demo.at_refs(kind, files.truth["bridge"][planted])
    assert bridge
    of = demo.places if kind == "place" else demo.adults
    pairs = bridges(demo.network, demo.groups, of=of).pairs
    assert {of[i] for i in np.flatnonzero(pairs)} == bridge
    share = betweenness(demo.network, of=of, groups=demo.groups).share
    assert {of[i] for i in np.argsort(-share)[: len(bridge)]} == bridge


def test_the_groups_of_the_bridge_are_joined_by_its_place_and_its_adult(files: Files, demo: Demo) -> None:
    truth = files.truth["bridge"]
    one, other = (demo.at["group", ref] for ref in truth["groups"])
    between = {path.nodes[1] for path in shortest_paths(demo.network, one, other, count=9)}
    assert between == demo.at_refs("place", truth["places"]) | demo.at_refs("person", truth["adults"])


def test_without_place_and_adult_the_groups_fall_apart(files: Files, demo: Demo) -> None:
    """Either alone still joins them, and then the other is all that does."""
    truth = files.truth["bridge"]
    place, adult = demo.at["place", truth["places"][0]], demo.at["person", truth["adults"][0]]
    both = bridges(demo.network, demo.groups, of=[place, adult])
    assert both.sole_pairs.tolist() == [0, 0]
    alone = bridges(demo.network.without([place]), demo.groups, of=[adult])
    assert alone.sole_pairs.tolist() == [1]
    assert alone.parts.tolist() == [2]
