"""Refused rows go out as a file that can be mended and sent again."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.intake.batch import CheckedBatch, Refusal
from placewise.intake.engine import read_and_check
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.intake.refusals import neutralise, undo_neutralising, write_refusals
from placewise.intake.run import Context

DANGEROUS = ["=1+1", "+1+cmd|x", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\uff1d1", " =1", "|calc", "%0A=1", "'=1"]
CONTEXT = Context("police", datetime(2026, 5, 20, tzinfo=UTC))


@pytest.mark.parametrize("cell", DANGEROUS)
def test_a_formula_is_made_inert(cell: str) -> None:
    assert neutralise(cell).startswith("'")


@pytest.mark.parametrize("cell", ["-0.1276", "51.5", "", "On or near High Street", "000123", "x;=1"])
def test_numbers_and_plain_words_stay_as_they_are(cell: str) -> None:
    assert neutralise(cell) == cell


@given(st.text())
def test_neutralising_can_be_undone_for_any_text(cell: str) -> None:
    assert undo_neutralising([neutralise(cell)]) == [cell]


def test_one_line_a_row_with_every_reason() -> None:
    out = io.StringIO()
    faults = [
        Refusal(5, "kind", "unknown-code", "Not a word.", ("=A1", "x")),
        Refusal(5, "", "field-count", "Too few.", ("=A1", "x")),
        Refusal(9, "", "field-count", "Too many.", ("a", "b", "c")),
    ]
    assert write_refusals(("ref", "kind"), faults, out) == 2
    lines = list(csv.reader(io.StringIO(out.getvalue())))
    assert lines[0] == ["ref", "kind", "placewise_row", "placewise_reason"]
    assert lines[1] == ["'=A1", "x", "5", "kind: Not a word.; Too few."]
    assert lines[2][:3] == ["a", "b", "9"]


def check(path: Path) -> tuple[list[CheckedBatch], list[Refusal], tuple[str, ...]]:
    checking = read_and_check(path, get_layout("incidents"), context=CONTEXT, limits=UPLOAD_LIMITS)
    batches = list(checking)
    return batches, [refusal for batch in batches for refusal in batch.refusals], checking.header


def test_a_mended_refusals_file_is_accepted_with_its_cells_as_they_were(tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    first.write_text(
        "local_ref,kind,occurred_from,relation,summary\n"
        "A1,incident,14/05/2026,harm_there,fine\n"
        "A2,incidnt,14/05/2026,harm_there,=HYPERLINK(1)\n"
    )
    _, refused, header = check(first)
    assert [(r.row, r.column, r.code) for r in refused] == [(3, "kind", "unknown-code")]
    mended = tmp_path / "mended.csv"
    with mended.open("w", newline="", encoding="utf-8") as out:
        write_refusals(header, refused, out)
    mended.write_text(mended.read_text().replace("incidnt", "incident"))
    batches, refused, header = check(mended)
    assert refused == []
    assert header == ("local_ref", "kind", "occurred_from", "relation", "summary")
    assert batches[0].columns["summary"] == ["=HYPERLINK(1)"]
    assert batches[0].columns["local_ref"] == ["A2"]
