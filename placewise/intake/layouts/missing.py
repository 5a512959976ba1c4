"""Missing episodes: the partners' own template."""

from __future__ import annotations

from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Code, Codes, Words
from placewise.intake.dates import Moment, starts
from placewise.intake.layouts.event_rows import event_columns, interval
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.shared_columns import EVIDENCE, LOCATION, NOTE, REF
from placewise.intake.table import Table


def _assemble(table: Table) -> dict[str, Any]:
    begin, end = interval(table, "missing_from", "missing_to")
    return {
        "kind": ["missing_episode"] * table.size,
        "occurred_from": begin,
        "occurred_to": end,
        "children": [(ref,) if ref else () for ref in table.column("child_ref")],
        "adults": [()] * table.size,
        "risk_grade": table.column("risk_grade"),
        "returned_at": starts(table.column("missing_to")),
        "return_interview_offered": starts(table.column("return_interview_offered")),
        "return_interview_completed": starts(table.column("return_interview_completed")),
        "push": table.words("push"),
        "pull": table.words("pull"),
        **event_columns(table),
    }


LAYOUT = Layout(
    name="missing",
    title="Missing episodes",
    gloss="Children reported missing, one row an episode.",
    target=Target.EVENTS,
    columns=(
        Column("local_ref", REF, Need.VALUE, gloss="your own reference; the same one is the same record"),
        Column("child_ref", REF, Need.VALUE, gloss="reference of a child in the people template"),
        Column("missing_from", Moment(), Need.VALUE),
        Column("missing_to", Moment(), gloss="empty while the child is missing"),
        Column("reported_at", Moment()),
        Column("risk_grade", Code("missing_risk")),
        Column("place_ref", REF),
        *LOCATION,
        Column("relation", Code("relation"), Need.VALUE, gloss="last_seen or found_there, as a rule"),
        Column("harm_types", Codes("harm_type"), gloss="empty means not recorded"),
        Column("return_interview_offered", Moment(), gloss="when"),
        Column("return_interview_completed", Moment(), gloss="when"),
        Column("push", Words(), gloss="what the child went away from"),
        Column("pull", Words(), gloss="what the child went towards"),
        Column("summary", NOTE),
        *EVIDENCE,
    ),
    assemble=_assemble,
    identity=("local_ref",),
    geometry="optional",
)
