"""Children and adults of concern, with what goes to the identity vault: the partners' own template."""

from __future__ import annotations

from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Code, Text, YesNo
from placewise.intake.dates import Day
from placewise.intake.evidence import evidence
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.shared_columns import EVIDENCE, REF
from placewise.intake.table import Table

_NAME = Text(longest=200)


def _assemble(table: Table) -> dict[str, Any]:
    kinds, concern = table.column("kind"), table.column("concern_category", "none")
    table.refuse(
        [
            i
            for i, (kind, c) in enumerate(zip(kinds, concern, strict=True))
            if kind == "child" and c != "none"
        ],
        "concern_category",
        "child-of-concern",
        "A child is never a person of concern. Leave this empty; dual_role says that a child also harms.",
    )
    graded = evidence(table)
    ungraded = [
        i
        for i, c in enumerate(concern)
        if c != "none" and None in (graded["source_grade"][i], graded["assessment"][i], graded["basis"][i])
    ]
    table.refuse(
        ungraded,
        "source_grade",
        "grading-missing",
        "An adult of concern needs source_grade, assessment and basis. Fill in all three.",
    )
    return {
        "local_ref": table.column("local_ref"),
        "kind": kinds,
        "age_band": table.column("age_band", "not_recorded"),
        "sex": table.column("sex", "not_recorded"),
        "care_status": table.column("care_status", "not_recorded"),
        "concern_category": concern,
        "dual_role": table.column("dual_role", False),
        **{
            name: table.column(name)
            for name in ("review_due", "given_name", "family_name", "date_of_birth", "address")
        },
        **graded,
    }


LAYOUT = Layout(
    name="people",
    title="People",
    gloss="Children, and adults of concern; names go to the identity vault.",
    target=Target.PEOPLE,
    columns=(
        Column("local_ref", REF, Need.VALUE, gloss="your own reference; the same one is the same person"),
        Column("kind", Code("person_kind"), Need.VALUE),
        Column("age_band", Code("age_band")),
        Column("sex", Code("sex")),
        Column("care_status", Code("care_status")),
        Column("concern_category", Code("concern_category"), gloss="adults only; needs grading and basis"),
        Column("dual_role", YesNo(), gloss="yes for a child who is harmed and also harms"),
        Column("given_name", _NAME),
        Column("family_name", _NAME),
        Column("date_of_birth", Day(birth=True), aliases=("dob",)),
        Column("address", Text(longest=500)),
        Column("review_due", Day(future=True)),
        *EVIDENCE,
    ),
    assemble=_assemble,
    identity=("local_ref",),
)
