"""Incidents, intelligence and what children said on return: the partners' own template."""

from __future__ import annotations

from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Code, Codes, Words
from placewise.intake.dates import Moment
from placewise.intake.layouts.event_rows import event_columns, interval
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.shared_columns import EVIDENCE, LOCATION, NOTE, REF
from placewise.intake.table import Table

_KINDS = ("incident", "intelligence", "return_home_disclosure")


def _assemble(table: Table) -> dict[str, Any]:
    kinds = table.column("kind")
    other = [i for i, kind in enumerate(kinds) if kind is not None and kind not in _KINDS]
    table.refuse(other, "kind", "unknown-code", f"This template takes: {', '.join(_KINDS)}.")
    begin, end = interval(table, "occurred_from", "occurred_to")
    return {
        "kind": kinds,
        "occurred_from": begin,
        "occurred_to": end,
        "children": table.words("children"),
        "adults": table.words("adults"),
        **event_columns(table),
    }


LAYOUT = Layout(
    name="incidents",
    title="Incidents and intelligence",
    gloss="Incidents, intelligence and return-home disclosures, one row each.",
    target=Target.EVENTS,
    columns=(
        Column("local_ref", REF, Need.VALUE, gloss="your own reference; the same one is the same record"),
        Column(
            "kind", Code("event_kind"), Need.VALUE, gloss="incident, intelligence or return_home_disclosure"
        ),
        Column("occurred_from", Moment(), Need.VALUE),
        Column("occurred_to", Moment()),
        Column("reported_at", Moment()),
        Column("harm_types", Codes("harm_type"), gloss="empty means not recorded"),
        Column("place_ref", REF, gloss="reference of a place sent before"),
        *LOCATION,
        Column("relation", Code("relation"), Need.VALUE, gloss="what the place has to do with the event"),
        Column("children", Words(), gloss="references of people"),
        Column("adults", Words(), gloss="references of people"),
        Column("summary", NOTE),
        *EVIDENCE,
    ),
    assemble=_assemble,
    identity=("local_ref",),
    geometry="optional",
)
