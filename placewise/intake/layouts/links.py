"""Links between people, peer groups and places, each with its evidence: the partners' own template."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Code, Words
from placewise.intake.dates import Day
from placewise.intake.evidence import evidence
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.shared_columns import EVIDENCE, NOTE, REF
from placewise.intake.table import Table

#: A link nobody confirms again lapses; without a date from the sender, a year after it was last seen.
_LIFE = timedelta(days=365)


def _assemble(table: Table) -> dict[str, Any]:
    graded = evidence(table)
    first, last, expires = _dates(table)
    refs, notes = table.words("evidence_refs"), table.column("evidence_note")
    table.refuse(
        [i for i, (ref, note) in enumerate(zip(refs, notes, strict=True)) if not ref and not note],
        "evidence_refs",
        "evidence-missing",
        "A link needs evidence. Name events in evidence_refs or write evidence_note.",
    )
    strength = table.column("strength")
    weak = [
        i
        for i, word in enumerate(strength)
        if word not in (None, "possible")
        and (graded["source_grade"][i] == 3 or graded["assessment"][i] == "E")
    ]
    table.refuse(
        weak,
        "strength",
        "strength-above-grading",
        "From source 3 or assessment E a link is at most possible.",
    )
    ends = {name: table.column(name) for name in ("from_kind", "from_ref", "to_kind", "to_ref")}
    itself = [
        i
        for i, (a, b, c, d) in enumerate(zip(*ends.values(), strict=True))
        if a is not None and b is not None and (a, b.casefold()) == (c, (d or "").casefold())
    ]
    table.refuse(
        itself, "to_ref", "link-to-itself", "A link joins two different records. Check both references."
    )
    return {
        **ends,
        "type": table.column("type"),
        "strength": strength,
        "first_seen": first,
        "last_seen": last,
        "expires_on": expires,
        "evidence_refs": refs,
        "evidence_note": notes,
        **graded,
    }


def _dates(table: Table) -> tuple[list[date | None], list[date | None], list[date | None]]:
    first, last, expires = (table.column(name) for name in ("first_seen", "last_seen", "expires_on"))
    last = [seen or begun for seen, begun in zip(last, first, strict=True)]
    table.run.tallies["expiry-unstated"] += sum(day is None for day in expires)
    expires = [day or (seen + _LIFE if seen else None) for day, seen in zip(expires, last, strict=True)]
    for index, (begun, seen, lapses) in enumerate(zip(first, last, expires, strict=True)):
        if begun and not begun <= seen:
            table.refuse(
                [index], "last_seen", "interval-backwards", "Last seen lies before first seen. Check both."
            )
        elif seen and lapses < seen:
            table.refuse(
                [index], "expires_on", "interval-backwards", "It expires before it was last seen. Check both."
            )
    return first, last, expires


LAYOUT = Layout(
    name="links",
    title="Links",
    gloss="Links between people, peer groups and places; each needs evidence.",
    target=Target.LINKS,
    columns=(
        Column("from_kind", Code("node_kind"), Need.VALUE),
        Column("from_ref", REF, Need.VALUE),
        Column("to_kind", Code("node_kind"), Need.VALUE),
        Column("to_ref", REF, Need.VALUE),
        Column("type", Code("link_type"), Need.VALUE),
        Column("strength", Code("link_strength"), Need.VALUE),
        Column("first_seen", Day(), Need.VALUE),
        Column("last_seen", Day(), gloss="first_seen when empty"),
        Column("expires_on", Day(future=True), gloss="a year after last_seen when empty"),
        Column("evidence_refs", Words(), gloss="local_refs of events; this or evidence_note"),
        Column("evidence_note", NOTE),
        *EVIDENCE,
    ),
    assemble=_assemble,
    identity=("from_kind", "from_ref", "to_kind", "to_ref", "type", "first_seen"),
)
