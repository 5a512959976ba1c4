"""What every police.uk file has in common: snap points, months, and forces that cover other ground."""

from __future__ import annotations

from typing import Any

import numpy as np

from placewise.core.vocabulary import radius_m
from placewise.intake.cells import Code
from placewise.intake.coded import Coded
from placewise.intake.coordinates import NORTHERN_IRELAND, locate
from placewise.intake.dates import Times
from placewise.intake.evidence import note_areas
from placewise.intake.run import MOST_COUNTED, Run
from placewise.intake.table import Table

_PSNI = "police service of northern ireland"
#: Names the API uses, now or formerly, that differ from the published ones.
_API_NAMES = {
    "violent-crime": "violence_and_sexual_offences",
    "violence-and-sexual-offences": "violence_and_sexual_offences",
    "criminal-damage-arson": "criminal_damage_arson",
    "criminal damage and arson": "criminal_damage_arson",
    "public-disorder-weapons": "public_order",
    "public disorder and weapons": "public_order",
}


class CrimeCategory(Code):
    """A police.uk crime type, as published or as its API calls it."""

    __slots__ = ()

    def parse(self, text: str, run: Run, column: str) -> str:
        """Code of the category."""
        return _API_NAMES.get(text.lower()) or super().parse(text, run, column)


CATEGORY = CrimeCategory("crime_category")


def snap_points(table: Table) -> dict[str, Any]:
    """Positions with the accuracy of police.uk: a snap point near, never at, where it happened.

    A record without coordinates is kept without a position.
    """
    x, y = locate(table)
    sound = table.sound()
    elsewhere = [
        row for row in _psni(table) if sound[row]
    ]  # by force or area code, where the position did not tell
    table.refuse(elsewhere, "force", "northern-ireland", NORTHERN_IRELAND)
    table.run.tallies["northern-ireland"] += len(elsewhere)
    placed = np.isfinite(x)
    table.run.tallies["without-position"] += int((~placed & table.sound()).sum())
    table.run.tallies["snap-point"] += int(placed.sum())
    points = table.run.seen["snap points"]
    if len(points) < MOST_COUNTED:
        points.update(np.unique(x[placed] + 1j * y[placed]).tolist())
    areas = table.column("area_code")
    note_areas(table, areas)
    return {
        "x": x,
        "y": y,
        "accuracy": list(map(("none", "snap_point").__getitem__, placed.tolist())),
        "radius_m": np.where(placed, float(radius_m("snap_point") or np.nan), np.nan),
        "area_code": areas,
    }


def open_record(table: Table, *, kind: str, relation: str, begin: Times, end: Times) -> dict[str, Any]:
    """Columns of an open police record that names no one and carries no grading."""
    size = table.size
    nothing: list[None] = [None] * size
    return {
        "kind": [kind] * size,
        "harm_types": [()] * size,
        "occurred_from": begin,
        "occurred_to": end,
        "reported_at": np.full(size, "NaT", dtype="datetime64[us]"),
        "place_ref": nothing,
        "relation": [relation] * size,
        "children": [()] * size,
        "adults": [()] * size,
        "source_grade": nothing,
        "assessment": nothing,
        "handling": ["P"] * size,
        "handling_conditions": nothing,
        "basis": nothing,
    }


def _psni(table: Table) -> list[int]:
    """Rows that name Northern Ireland's force, or an area whose code begins with N."""
    rows: set[int] = set()
    for name in ("area_code", "force", "force_area"):
        cells = table.cells.get(name, [])
        texts = cells.distinct if isinstance(cells, Coded) else cells
        if irish := {text for text in set(texts) if _is_irish(text, code=name == "area_code")}:
            rows |= {index for index, text in enumerate(cells) if text in irish}
    return sorted(rows)


def _is_irish(text: str, *, code: bool) -> bool:
    return text.startswith("N") if code else text.lower() == _PSNI
