"""The corpus of hostile and merely human files: each has the outcome that its manifest demands.

The corpus stands in ``../shared/nasty`` and is about another template than ours, so two layouts of its own
are declared here over the same engine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from placewise.core.errors import FileRefused, QuestionsOpen
from placewise.intake.batch import Target
from placewise.intake.cells import Code, Text
from placewise.intake.coordinates import locate
from placewise.intake.dates import Day
from placewise.intake.engine import read_and_check
from placewise.intake.evidence import rough_degrees
from placewise.intake.layouts import Column, Layout, Need
from placewise.intake.layouts.shared_columns import LOCATION, NOTE, REF
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.intake.run import Context
from placewise.intake.table import Table

CORPUS = Path(__file__).parents[2].parent / "shared" / "nasty" / "nasty.py"
pytestmark = pytest.mark.skipif(not CORPUS.is_file(), reason="real data not present")

#: Files whose outcome differs from the manifest, and why that is right for our templates.
DIFFERENT = {
    "unmapped_columns.csv": ("WARN", "the only answer would be to leave them out: said, and not kept"),
    "blank_rows.csv": ("WARN", "left out as demanded, and the count is said"),
    "row_gap.xlsx": ("WARN", "left out as demanded, and the count is said"),
    "no_header.csv": ("REJECT", "no row of the file has column names, so there is nothing to choose"),
    "scientific.csv": ("ACCEPT", "no template of ours has an NHS number"),
    "nhs_bad_check.csv": ("ACCEPT", "no template of ours has an NHS number"),
    "date_two_digit.csv": ("ROWS", "each row is refused; no answer would make a century certain"),
    "date_serial_in_csv.csv": ("ROWS", "each row is refused with the advice to format the column"),
    "event_before_birth.csv": ("ACCEPT", "events and dates of birth come in different files"),
    "time_dst.csv": ("ACCEPT", "our templates hold date and time in one column; tested there"),
    "time_24.csv": ("ACCEPT", "our templates hold date and time in one column; tested there"),
    "same_ref_conflict.csv": ("ROWS", "the first of the two stands: a stream cannot take it back"),
    "same_as_001.csv": ("ACCEPT", "known bytes are the database's knowledge"),
    "same_rows_reordered.csv": (
        "ACCEPT",
        "known rows are the database's knowledge; fingerprints tested apart",
    ),
    "crs_member.geojson": ("WARN", "the file says which system it is in; that is read and said, not guessed"),
    "big_int.geojson": ("WARN", "the number stands in a property that is not kept"),
    "proto.geojson": ("WARN", "accepted; says which properties are not kept"),
    "html_in_props.geojson": ("WARN", "accepted; says which properties are not kept"),
}


def _assemble(table: Table) -> dict[str, Any]:
    if table.shapes is None:
        locate(table)
        rough_degrees(table)
    return {}


PEOPLE = Layout(
    name="nasty",
    title="Corpus",
    gloss="",
    target=Target.EVENTS,
    columns=(
        Column("person_ref", REF, Need.VALUE),
        Column("given_name", Text(longest=200), Need.COLUMN),
        Column("family_name", Text(longest=200)),
        Column("dob", Day(birth=True)),
        Column("event_date", Day(), Need.VALUE),
        Column("event_time", NOTE),
        Column("category", Code("harm_type")),
        Column("risk", Code("missing_risk"), Need.VALUE),
        *(column for column in LOCATION if column.name in ("longitude", "latitude")),
        Column("nhs_no", NOTE),
        Column("notes", NOTE),
    ),
    assemble=_assemble,
    identity=("person_ref", "event_date"),
)
SHAPES = Layout(
    name="nasty_shapes",
    title="Corpus, shapes",
    gloss="",
    target=Target.EVENTS,
    columns=(Column("person_ref", REF, Need.VALUE), Column("event_date", Day(), Need.VALUE)),
    assemble=_assemble,
    geometry="required",
)


@dataclass
class Outcome:
    """What became of one file."""

    kind: str
    codes: set[str] = field(default_factory=set)
    accepted: int = 0
    refused_rows: list[int] = field(default_factory=list)


def outcome_of(path: Path, name: str) -> Outcome:
    """Read one file as an upload and sort what came of it into the manifest's classes."""
    layout = SHAPES if name.endswith(("json", "gpkg")) else PEOPLE
    london = (503_000.0, 155_000.0, 562_000.0, 201_000.0)
    context = Context("police", datetime(2026, 11, 1, tzinfo=UTC), bounds_m=london)
    check = read_and_check(path, layout, context=context, limits=UPLOAD_LIMITS, name=name)
    refusals = []
    try:
        for batch in check:
            refusals.extend(batch.refusals)
    except FileRefused as refused:
        return Outcome("REJECT", {refused.code})
    except QuestionsOpen:
        return Outcome("ASK", {finding.code for finding in check.findings})
    said = {finding.code for finding in check.findings}
    codes = said | {refusal.code for refusal in refusals}
    rows = sorted({refusal.row for refusal in refusals})
    kind = "ROWS" if rows else "WARN" if said else "ACCEPT"
    return Outcome(kind, codes, check.counts["accepted"], rows)


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[tuple[dict[str, Any], Future[Outcome]]]]:
    folder = tmp_path_factory.mktemp("nasty")
    subprocess.run(
        [sys.executable, "-I", str(CORPUS), str(folder), "--small"], check=True, capture_output=True
    )
    with ThreadPoolExecutor(3) as pool:
        yield [
            (entry, pool.submit(outcome_of, folder / entry["file"], entry["upload_name"]))
            for entry in json.loads((folder / "manifest.json").read_text())
        ]


def _named(entry: dict[str, Any]) -> str:
    return str(entry["file"])[4:]


def _expected(entry: dict[str, Any]) -> str:
    kind, _ = DIFFERENT.get(_named(entry), (entry["outcome"], ""))
    return kind


def test_every_file_ends_in_the_class_its_manifest_demands(outcomes: list[Any]) -> None:
    assert len(outcomes) > 200
    wrong = {
        entry["file"]: (_expected(entry), outcome.result())
        for entry, outcome in outcomes
        if outcome.result().kind != _expected(entry)
    }
    assert wrong == {}


def test_refused_rows_are_exactly_the_bad_ones(outcomes: list[Any]) -> None:
    for entry, outcome in outcomes:
        if entry["outcome"] == _expected(entry) == "ROWS" and _named(entry) != "same_ref_conflict.csv":
            header = entry["upload_name"].endswith(("csv", "xlsx"))
            assert outcome.result().refused_rows == [row + header for row in entry["bad_rows"]], entry["file"]


def test_accepted_files_lose_no_row(outcomes: list[Any]) -> None:
    for entry, outcome in outcomes:
        if entry["outcome"] in ("ACCEPT", "WARN") and entry["rows"] and _named(entry) != "duplicate_rows.csv":
            assert outcome.result().accepted == entry["rows"], entry["file"]


def test_reasons_carry_the_codes_of_the_manifest(outcomes: list[Any]) -> None:
    other_word = {"duplicate_rows.csv", "same_ref_conflict.csv", "html.xls", "wkb_deep_nest.gpkg"}
    for entry, outcome in outcomes:
        if entry["code"] and _named(entry) not in DIFFERENT.keys() | other_word:
            assert entry["code"] in outcome.result().codes, entry["file"]
