"""Peer groups and their dated members, one row a member: the partners' own template."""

from __future__ import annotations

from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Code, Text
from placewise.intake.dates import Day
from placewise.intake.evidence import evidence
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.shared_columns import EVIDENCE, NOTE, REF
from placewise.intake.table import Table


def _assemble(table: Table) -> dict[str, Any]:
    joined, left = table.column("joined_on"), table.column("left_on")
    table.refuse(
        [i for i, (a, b) in enumerate(zip(joined, left, strict=True)) if a and b and b < a],
        "left_on",
        "interval-backwards",
        "Left before joining. Check both dates.",
    )
    return {
        **{name: table.column(name) for name in ("group_ref", "name", "member_ref")},
        "joined_on": joined,
        "left_on": left,
        "assessment_status": table.column("assessment_status", "not_started"),
        "norms": table.column("norms"),
        "strengths": table.column("strengths"),
        **evidence(table),
    }


LAYOUT = Layout(
    name="groups",
    title="Peer groups",
    gloss="Peer groups, one row for each member (or one without, for a group alone).",
    target=Target.GROUPS,
    columns=(
        Column("group_ref", REF, Need.VALUE, gloss="your own reference; the same one is the same group"),
        Column(
            "name", Text(longest=200), Need.VALUE, gloss="what the group would recognise, or a neutral code"
        ),
        Column("member_ref", REF, gloss="reference of a person"),
        Column("joined_on", Day()),
        Column("left_on", Day()),
        Column("assessment_status", Code("assessment_status")),
        Column("norms", NOTE),
        Column("strengths", NOTE),
        *EVIDENCE,
    ),
    assemble=_assemble,
    identity=("group_ref", "member_ref", "joined_on"),
)
