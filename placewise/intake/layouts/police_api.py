"""Street-level crime as collected from the police.uk API, ward by ward."""

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
        "local_ref": table.column("id"),
        "category": table.column("category"),
        "summary": table.column("street_name", ""),
        **open_record(
            table, kind="recorded_crime", relation="harm_there", begin=starts(months), end=ends(months)
        ),
        **snap_points(table),
    }


LAYOUT = Layout(
    name="police_api",
    title="police.uk street crime (API)",
    gloss="Street crime collected from the police.uk API; a crime near a ward's edge may come twice.",
    target=Target.EVENTS,
    columns=(
        Column("id", _SHORT, Need.VALUE, gloss="the API's number; one crime found from two wards has one"),
        Column("month", Month(), Need.VALUE),
        Column("category", CATEGORY, Need.VALUE),
        Column("longitude", Number(), Need.COLUMN),
        Column("latitude", Number(), Need.COLUMN),
        Column("street_name", _SHORT),
        Column("area_code", Text(longest=20), aliases=("ward_code", "lsoa_code")),
    ),
    assemble=_assemble,
    identity=("id",),
    identity_source=False,
    revised=True,
    not_kept=(
        "persistent_id",
        "street_id",
        "location_type",
        "location_subtype",
        "context",
        "outcome_category",
        "outcome_date",
        "ward_name",
    ),
)
