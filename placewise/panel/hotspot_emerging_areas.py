"""Emerging hot spots as areas: the chair's sentence, with how many there are, how large, and in which wards."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from placewise.geo.emerging import CANNOT_TELL, NO_PATTERN
from placewise.geo.hexgrid import pack_cell
from placewise.panel.hotspot_emerging_words import KINDS, Answer, kind_of, period_of
from placewise.panel.hotspot_ground import ward_of
from placewise.panel.hotspot_words import count_of, spelled
from placewise.panel.hotspots import Hotspots, cell_centres, connected

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

#: Families in the order in which they are told, each as what is said of one area and of more.
TOLD = {
    "rising": ("has come up or grown", "have come up or grown"),
    "lasting": ("has stood out all the time", "have stood out all the time"),
    "on_off": ("stands out on and off", "stand out on and off"),
    "fading": (
        "stood out before and has faded or come to rest",
        "stood out before and have faded or come to rest",
    ),
    "cold": ("has fewer records than the rest", "have fewer records than the rest"),
}
#: The edge of what was told already is no area of its own.
_EDGES = ("on_off", "fading")
_WARDS_NAMED = 3


def kinds_of(answer: Answer) -> list[int]:
    """Kind of each cell of the answer, as drawn, listed and told."""
    cells = answer["cells"]
    return [
        CANNOT_TELL if (code := kind_of(*of)) == NO_PATTERN else code
        for of in zip(cells["category"], cells["marks"], cells["trend"], strict=True)
    ]


def positions_of(found: Hotspots, answer: Answer) -> Integers:
    """Position in the grid of each cell of the answer."""
    return found.grid.positions(pack_cell(answer["cells"]["q"], answer["cells"]["r"]))


def emerging_sentence(found: Hotspots, answer: Answer, shared: list[bool]) -> str:
    """What a chair would say aloud first: areas by what became of them, and how much nobody can tell.

    Parameters
    ----------
    shared : list of bool
        Which cells of the answer are made up by points that stand for a street or the like.
    """
    codes, positions = np.array(kinds_of(answer), dtype=np.int64), positions_of(found, answer)
    by_sharing = np.array(shared, dtype=np.bool_)
    said = []
    told = np.zeros(found.grid.n_cells, dtype=np.bool_)
    for family, verbs in TOLD.items():
        chosen = np.isin(codes, [code for code, kind in KINDS.items() if kind.family == family]) & ~by_sharing
        flags = np.zeros_like(told)
        flags[positions[chosen]] = True
        groups = connected(flags, found.grid.adjacency)
        if family in _EDGES:
            groups = [group for group in groups if not _touches(group, told, found)]
        told |= flags
        if groups:
            verb = verbs[len(groups) > 1]
            said.append(f"{_how_many(groups)} {verb}{_wards_of(found, groups)}")
    if by_sharing.any():
        flags = np.zeros_like(told)
        flags[positions[by_sharing]] = True
        groups = connected(flags, found.grid.adjacency)
        whose = "its" if len(groups) == 1 else "their"
        said.append(
            f"{_how_many(groups, more=bool(said))} stood out in some step{_wards_of(found, groups)}, but most of "
            f"{whose} records share a street’s point or the like"
        )
    opening = "; ".join(said) or "no area stands out in any step"
    return f"{period_of(answer)}: {opening}.{_untold(answer, int((codes == CANNOT_TELL).sum()))}"


def _untold(answer: Answer, drawn: int) -> str:
    untold = answer["totals"].get("cannot tell", 0)
    if not untold:
        return ""
    empty = (
        f"; {untold - drawn:,} of them, without a record here or around, are not drawn"
        if untold > drawn
        else ""
    )
    return f" In {untold:,} of {count_of(answer['n_cells'], 'cell')} nobody can tell{empty}."


def _how_many(groups: list[list[int]], *, more: bool = False) -> str:
    """Areas and single cells apart: "three areas of 2 to 5 cells and four single cells"."""
    sizes = sorted(len(group) for group in groups if len(group) > 1)
    said, of = [], " more" if more else ""
    if sizes:
        size = f"{sizes[0]}" if sizes[0] == sizes[-1] else f"{sizes[0]} to {sizes[-1]}"
        said.append(f"{spelled(len(sizes))}{of} {'area' if len(sizes) == 1 else 'areas'} of {size} cells")
    if single := len(groups) - len(sizes):
        said.append(f"{spelled(single)}{of if not sizes else ''} single {'cell' if single == 1 else 'cells'}")
    return " and ".join(said)


def _wards_of(found: Hotspots, groups: list[list[int]]) -> str:
    """Wards that the cells lie in, in brackets, those with most of them first; empty where none is known."""
    cells = np.array([cell for group in groups for cell in group], dtype=np.int64)
    wards = Counter(ward for ward in ward_of(found.ground, *cell_centres(found.grid, cells)) if ward)
    named = sorted(wards, key=lambda ward: (-wards[ward], ward))
    more = len(named) - _WARDS_NAMED
    shown = ", ".join(named[:_WARDS_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f" ({shown})" if shown else ""


def _touches(group: list[int], told: Flags, found: Hotspots) -> bool:
    around = found.grid.adjacency
    return any(told[around.indices[around.indptr[cell] : around.indptr[cell + 1]]].any() for cell in group)
