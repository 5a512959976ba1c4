"""Events assembled from a partner's rows: what incidents and missing episodes have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from placewise.intake.dates import Times, ends, starts
from placewise.intake.evidence import evidence, location
from placewise.intake.table import Table


def interval(table: Table, first: str, last: str) -> tuple[Times, Times]:
    """Start and end of each event; the end of ``first`` where ``last`` is empty."""
    begin, own_end = starts(table.parsed(first)), ends(table.parsed(first))
    end = ends(table.parsed(last))
    backwards = ~np.isnat(end) & ~np.isnat(begin) & (end < begin)
    table.refuse(backwards, last, "interval-backwards", f"The end lies before {first}. Check both dates.")
    return begin, np.where(np.isnat(end), own_end, end)


def event_columns(table: Table) -> dict[str, Any]:
    """Columns every event of a partner has besides its kind, times and people."""
    return {
        "local_ref": table.column("local_ref"),
        "category": [None] * table.size,
        "harm_types": table.words("harm_types"),
        "reported_at": starts(table.parsed("reported_at")),
        "place_ref": table.column("place_ref"),
        "relation": table.column("relation"),
        "summary": table.column("summary", ""),
        **location(table),
        **evidence(table),
    }
