"""Looking at the fictional borough of the demo as its panel does; the fixtures are in ``tests/web/conftest.py``."""

from __future__ import annotations

from typing import Any

from placewise.core.scope import Action, Scope
from placewise.panel.hotspots import Hotspots, find_hotspots
from placewise.store.session import Database

Truth = dict[str, Any]
ALL_MONTHS = {"from": ["2024-05"], "to": ["2026-04"]}


def look(database: Database, scope: Scope, **query: list[str]) -> Hotspots:
    """The map of the borough for a query without a mistake."""
    with database.session(scope, Action.CONSULT_MAP) as session:
        found, problems = find_hotspots(session, query)
    assert problems == []
    assert isinstance(found, Hotspots)
    return found


def cell_at(found: Hotspots, spot: dict[str, Any]) -> int:
    """Position of the cell that a planted spot lies in."""
    return int(found.grid.locate([spot["x"]], [spot["y"]])[0])
