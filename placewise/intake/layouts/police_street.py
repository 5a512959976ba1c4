"""Street-level crime as police.uk publishes it: one CSV file a month and force."""

from __future__ import annotations

from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Number, Text
from placewise.intake.dates import Month, ends, starts
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.police_rows import CATEGORY, open_record, snap_points
from placewise.intake.table import Table

_SHORT = Text(longest=200)


def _assemble(table: Table) -> dict[str, Any]:
    months = table.parsed("month")
    return {
        "local_ref": table.column("crime_id"),
        "category": table.column("category"),
        "summary": table.column("location", ""),
        **open_record(
            table, kind="recorded_crime", relation="harm_there", begin=starts(months), end=ends(months)
        ),
        **snap_points(table),
    }


LAYOUT = Layout(
    name="police_street",
    title="police.uk street crime",
    gloss="The monthly street CSV from data.police.uk, one file for each force.",
    target=Target.EVENTS,
    columns=(
        Column(
            "crime_id", _SHORT, Need.COLUMN, aliases=("Crime ID",), gloss="empty for anti-social behaviour"
        ),
        Column("month", Month(), Need.VALUE, aliases=("Month",)),
        Column("force", _SHORT, aliases=("Reported by",), gloss="read to refuse Northern Ireland; not kept"),
        Column(
            "force_area", _SHORT, aliases=("Falls within",), gloss="read to refuse Northern Ireland; not kept"
        ),
        Column("longitude", Number(), Need.COLUMN, aliases=("Longitude",)),
        Column("latitude", Number(), Need.COLUMN, aliases=("Latitude",)),
        Column("location", _SHORT, aliases=("Location",)),
        Column("area_code", Text(longest=20), aliases=("LSOA code",)),
        Column("category", CATEGORY, Need.VALUE, aliases=("Crime type",)),
    ),
    assemble=_assemble,
    identity=("crime_id",),
    identity_source=False,
    revised=True,
    not_kept=("LSOA name", "Last outcome category", "Context"),
)
