"""The layouts that can be imported: one small module each; a new one is added to ``LAYOUTS`` below."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from placewise.core.errors import NotFound
from placewise.intake.layouts import (
    base_map,
    groups,
    incidents,
    links,
    missing,
    people,
    places,
    police_api,
    police_stop_search,
    police_street,
)
from placewise.intake.layouts.layout import Column, Layout, Match, Need, match

__all__ = ["LAYOUTS", "Column", "Layout", "Match", "Need", "best_layout", "get_layout", "match"]

#: By name, in the order in which they are offered.
LAYOUTS = MappingProxyType(
    {
        layout.name: layout
        for layout in (
            incidents.LAYOUT,
            missing.LAYOUT,
            places.LAYOUT,
            people.LAYOUT,
            links.LAYOUT,
            groups.LAYOUT,
            police_street.LAYOUT,
            police_api.LAYOUT,
            police_stop_search.LAYOUT,
            base_map.BOUNDARIES,
            base_map.STREETS,
            base_map.FEATURES,
        )
    }
)


def get_layout(name: str) -> Layout:
    """Layout of that name.

    Raises
    ------
    NotFound
        There is none; the message lists them.
    """
    if layout := LAYOUTS.get(name):
        return layout
    raise NotFound(f"There is no layout called {name!r}. Choose one of: {', '.join(LAYOUTS)}.")


def best_layout(header: Sequence[str], *, geometry: bool = False) -> list[Match]:
    """Layouts by how well a header fits them, best first; those that share no column are left out.

    Parameters
    ----------
    header : sequence of str
        Column names as the file has them.
    geometry : bool
        Whether the file carries geometries.
    """
    matches = [match(header, layout, geometry=geometry) for layout in LAYOUTS.values()]
    return sorted((m for m in matches if m.positions), key=lambda m: m.score, reverse=True)
