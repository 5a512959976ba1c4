"""The words for what connects peer groups, and for what would end without some of it."""

from __future__ import annotations

from placewise.network.what_if import Outcome, Uncertainty
from placewise.panel.group_connections import Change, Connector, GroupConnections

#: What the figures say, as they stand now, without what is removed, and in how wide a range when links are missing.
ChangeRow = tuple[str, str, str, str]


def sentence(found: GroupConnections) -> str:
    """What a chair would say of it."""
    if found.held == 0:
        return "No peer group is held yet, so nothing can join two."
    if not found.connectors:
        groups = _count(found.held, "peer group")
        return f"Nothing that is recorded joins two peer groups, of {groups} that you see. Nobody may have looked."
    places = sum(one.node.kind == "place" for one in found.connectors)
    adults = len(found.connectors) - places
    kinds = [
        _count(n, *words)
        for n, words in ((places, ("place", "places")), (adults, ("adult of concern", "adults of concern")))
        if n
    ]
    first = "The first " if found.more else ""
    joins = "joins" if len(found.connectors) == 1 else "join"
    return f"{first}{_and(kinds)} {joins} {len(found.groups):,} of {_count(found.held, 'peer group')}. {_alone(found)}"


def _alone(found: GroupConnections) -> str:
    only = [one.node.label for one in found.connectors if one.sole_pairs]
    if not only:
        return "No two groups hang on one of them alone: something else joins them too."
    if len(only) > 3:
        return f"{len(only):,} of them are all that joins two groups in one step."
    are = "is" if len(only) == 1 else "are each"
    return f"{_and(only)} {are} all that joins two groups in one step."


def sole_words(one: Connector) -> str:
    """Whether groups hang on this one alone.

    >>> from placewise.network.links import Node
    >>> park = Node("1", "place", "Weir Park", "Park")
    >>> sole_words(Connector(park, (0, 1, 2), 1, 2, 5, (2, 2, 1), 0, 1))
    '1 of 3 pairs of groups; without it the network here falls into 2 parts'
    """
    pairs = len(one.joins) * (len(one.joins) - 1) // 2
    said = f"{one.sole_pairs:,} of {_count(pairs, 'pair')} of groups" if one.sole_pairs else "No"
    return said + (f"; without it the network here falls into {one.parts:,} parts" if one.parts > 1 else "")


def children_words(found: GroupConnections, one: Connector) -> list[str]:
    """Different children who meet it, by group; never who."""
    if not one.children:
        return ["No child is recorded with it"]
    by_group = [
        f"{n:,} of {found.groups[group].children:,} in {found.groups[group].node.label}"
        for group, n in zip(one.joins, one.by_group, strict=True)
    ]
    none = [f"{one.in_no_group:,} in no peer group"] if one.in_no_group else []
    return [f"{_count(one.children, 'different child', 'different children')}:", *by_group, *none]


def beside_words(one: Connector) -> str:
    """Adults of concern named at a place with a child, or places at which an adult is named with one.

    >>> from placewise.network.links import Node
    >>> beside_words(Connector(Node("1", "adult", "Adult 0001", ""), (0, 1), 0, 1, 5, (2, 2), 1, 1))
    'At 1 place'
    """
    if one.node.kind == "place":
        return f"With {_count(one.beside, 'adult', 'adults')} of concern"
    return f"At {_count(one.beside, 'place')}"


def change_sentence(change: Change) -> str:
    """What would end, what would be lost, and how sure that is."""
    outcome = change.outcome
    if outcome.share_ended is None:
        return "Cannot tell: no child is recorded as meeting any of these places or adults, so there is nothing to end."
    if change.uncertainty is None:
        return "No place or adult that can be asked about ends any of the recorded meetings."
    said = (
        f"Without {_and([node.label for node in change.removed])}, {outcome.ended:,} of "
        f"{_count(outcome.exposures, 'recorded meeting')} would end ({outcome.share_ended:.0%}), and "
        f"{outcome.between_before - outcome.between_after:,} of {_count(outcome.between_before, 'tie')} between "
        f"groups. {_lost(outcome)}"
    )
    return f"{said} {_how_sure(change, change.uncertainty)}"


def _lost(outcome: Outcome) -> str:
    if not outcome.protective:
        return "No tie that keeps a child safe is recorded, so what would be lost cannot be told."
    of = _count(outcome.protective, "tie that keeps a child safe", "ties that keep children safe")
    return f"Of {of}, {outcome.protective_lost or 'none'} would be lost."


def _how_sure(change: Change, found: Uncertainty) -> str:
    good = round(found.as_good_as_best * found.resamples)
    if change.choice is None:
        best = f"nothing else ended more in {good} of {found.resamples} trials"
    else:
        best = f"this choice stayed best in {good} of {found.resamples} trials"
    spread = found.share_ended
    if spread is None:
        return f"With a fifth of the links left out at random, nothing was left to end; {best}."
    low, _, high = spread
    return f"With a fifth of the links left out at random, {low:.0%} to {high:.0%} ended; {best}."


def choice_words(change: Change) -> str:
    """How far what was removed is the best choice; empty where the reader named it."""
    if change.choice is None or not change.removed:
        return ""
    if change.choice.exact:
        return "No other choice of as many ends more: every one that could was tried."
    return f"A better choice of as many could end {change.choice.gap:,} meetings more at most."


def change_rows(change: Change) -> list[ChangeRow]:
    """The figures of an answer as a table."""
    outcome, found = change.outcome, change.uncertainty
    share = "–" if found is None or found.share_ended is None else _range(found.share_ended, percent=True)
    between, largest = (
        ("–", "–") if found is None else (_range(found.between_fall), _range(found.largest_fall))
    )
    no_longer = outcome.children - outcome.children_left
    return [
        ("Meetings of a child with a place or an adult of concern", f"{outcome.exposures:,}",
         f"{outcome.ended:,} end", share),
        ("Different children with such a meeting", f"{outcome.children:,}", f"{no_longer:,} have none left", "–"),
        ("Ties between peer groups", f"{outcome.between_before:,}",
         f"{outcome.between_before - outcome.between_after:,} end", between),
        ("People, groups and places in the largest connected part", f"{outcome.largest_before:,}",
         f"{outcome.largest_before - outcome.largest_after:,} fewer", largest),
        ("Ties that keep children safe", f"{outcome.protective:,}", f"{outcome.protective_lost:,} lost", "Not varied"),
    ]  # fmt: skip


def _range(spread: tuple[float, float, float], *, percent: bool = False) -> str:
    low, high = (f"{end:.0%}" if percent else f"{round(end):,}" for end in (spread[0], spread[2]))
    return low if low == high else f"{low} to {high}"


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _and(parts: list[str]) -> str:
    comma, last = (
        ("; ", "; and ") if any("," in part for part in parts) else (", ", " and ")
    )  # names hold commas
    return last.join([comma.join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
