"""Stop and search as police.uk publishes it, without what it says of the person searched."""

from __future__ import annotations

from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Number, Text
from placewise.intake.dates import Moment, ends, starts
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.police_rows import open_record, snap_points
from placewise.intake.table import Table

_SHORT = Text(longest=200)


def _assemble(table: Table) -> dict[str, Any]:
    times = table.parsed("date")
    told = zip(table.column("type"), table.column("object", "object not recorded"), strict=True)
    return {
        "local_ref": [None] * table.size,
        "category": [None] * table.size,
        "summary": [f"{kind or ''}: {thing}" for kind, thing in told],
        **open_record(
            # A search says where officers were, not where harm was.
            table,
            kind="stop_search",
            relation="detected_there",
            begin=starts(times),
            end=ends(times),
        ),
        **snap_points(table),
    }


LAYOUT = Layout(
    name="police_stop_search",
    title="police.uk stop and search",
    gloss="The monthly stop-and-search CSV from data.police.uk. Nothing about the person is kept.",
    target=Target.EVENTS,
    columns=(
        Column("type", _SHORT, Need.VALUE, aliases=("Type",)),
        Column("date", Moment(), Need.VALUE, aliases=("Date",)),
        Column("latitude", Number(), Need.COLUMN, aliases=("Latitude",)),
        Column("longitude", Number(), Need.COLUMN, aliases=("Longitude",)),
        Column("legislation", _SHORT, aliases=("Legislation",), gloss="tells repeats apart; not kept"),
        Column("object", _SHORT, aliases=("Object of search",)),
        Column("outcome", _SHORT, aliases=("Outcome",), gloss="tells repeats apart; not kept"),
    ),
    assemble=_assemble,
    identity_source=False,
    not_kept=(
        "Part of a policing operation",
        "Policing operation",
        "Gender",
        "Age range",
        "Self-defined ethnicity",
        "Officer-defined ethnicity",
        "Outcome linked to object of search",
        "Removal of more than just outer clothing",
    ),
)
