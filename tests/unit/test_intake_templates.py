"""The partners' templates: what each accepts, what each refuses, and what comes out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import shapely
import xlsxwriter

from placewise.core.errors import NotFound
from placewise.intake.batch import CheckedBatch, Target
from placewise.intake.engine import preview, read_and_check
from placewise.intake.findings import Severity
from placewise.intake.layouts import LAYOUTS, best_layout, get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.intake.run import Context
from placewise.store.loading import Fault

NOW = datetime(2026, 5, 20, tzinfo=UTC)
INCIDENT = {
    "local_ref": "000123",
    "kind": "incident",
    "occurred_from": "14/05/2026 22:15",
    "relation": "harm_there",
}


def context(agency: str = "police", **answers: str) -> Context:
    return Context(agency, NOW, answers={key.replace("_", "-"): value for key, value in answers.items()})


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write rows as CSV; the header is the union of their keys."""
    rows = list(rows)
    header = list(dict.fromkeys(key for row in rows for key in row))
    lines = [",".join(header), *(",".join(str(row.get(key, "")) for key in header) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def one(path: Path, layout: str, known: Context | None = None) -> CheckedBatch:
    (batch,) = read_and_check(path, get_layout(layout), context=known or context(), limits=UPLOAD_LIMITS)
    return batch


def codes(batch: CheckedBatch) -> list[tuple[int, str, str]]:
    return [(refusal.row, refusal.column, refusal.code) for refusal in batch.refusals]


def test_a_plain_incident_becomes_an_event(tmp_path: Path) -> None:
    row = INCIDENT | {
        "harm_types": "cse; County lines",
        "longitude": -1.66379168242,
        "latitude": 53.8002151963,
        "accuracy": "street",
        "children": "C1;C2;C1",
        "summary": "NA",
        "source_grade": 2,
        "assessment": "b",
    }
    batch = one(write(tmp_path / "x.csv", [row]), "incidents")
    values = {name: column[0] for name, column in batch.columns.items()}
    assert batch.target is Target.EVENTS
    assert values["local_ref"] == "000123"
    assert values["harm_types"] == ("cse", "county_lines")
    assert values["children"] == ("C1", "C2")
    assert values["summary"] == "NA"
    assert (values["x"], values["y"]) == pytest.approx((422242.186, 433818.701), abs=0.02)
    assert (values["accuracy"], values["radius_m"]) == ("street", 100.0)
    assert str(values["occurred_from"])[:16] == str(values["occurred_to"])[:16] == "2026-05-14T21:15"
    assert (values["source_grade"], values["assessment"], values["handling"]) == (2, "B", "P")
    assert values["category"] is None
    assert UUID(bytes=batch.record_ids[0].tobytes()).version == 8


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"local_ref": ""}, "local_ref", "required-missing"),
        ({"kind": "incidnt"}, "kind", "unknown-code"),
        ({"kind": "missing_episode"}, "kind", "unknown-code"),
        ({"occurred_from": "31/02/2026"}, "occurred_from", "invalid-date"),
        ({"occurred_to": "13/05/2026"}, "occurred_to", "interval-backwards"),
        ({"relation": ""}, "relation", "required-missing"),
        ({"handling": "C"}, "handling_conditions", "conditions-missing"),
        ({"radius_m": "-5"}, "radius_m", "out-of-range"),
        ({"summary": "x\u202ey"}, "summary", "bidi-control"),
        ({"summary": "x\x07y"}, "summary", "control-character"),
        ({"harm_types": "cse;mising"}, "harm_types", "unknown-code"),
        ({"local_ref": "x" * 201}, "local_ref", "field-too-long"),
    ],
    ids=str,
)
def test_a_fault_refuses_its_row_and_names_its_column(
    change: dict[str, str], column: str, code: str, tmp_path: Path
) -> None:
    good = INCIDENT | {"occurred_to": "", "handling": "", "handling_conditions": ""}
    rows = [good | {"local_ref": "A"}, good | change, good | {"local_ref": "B"}]
    batch = one(write(tmp_path / "x.csv", rows), "incidents")
    assert codes(batch) == [(3, column, code)]
    assert batch.columns["local_ref"] == ["A", "B"]
    assert batch.row_numbers.tolist() == [2, 4]
    assert batch.rows_read == 3
    assert batch.refusals[0].cells[0] == (good | change)["local_ref"]


def test_a_message_suggests_and_never_quotes_the_cell(tmp_path: Path) -> None:
    batch = one(write(tmp_path / "x.csv", [INCIDENT | {"relation": "harmthere"}]), "incidents")
    assert "Did you mean “harm_there”?" in batch.refusals[0].message
    assert "harmthere" not in batch.refusals[0].message


def test_original_cells_of_accepted_rows_can_be_asked_for(tmp_path: Path) -> None:
    batch = one(write(tmp_path / "x.csv", [INCIDENT, INCIDENT | {"local_ref": " B "}]), "incidents")
    assert batch.cells_of(3)[0] == " B "
    with pytest.raises(KeyError):
        batch.cells_of(4)


def test_a_day_is_an_interval_and_an_area_without_a_point_is_vague(tmp_path: Path) -> None:
    row = INCIDENT | {"occurred_from": "14/05/2026", "area_code": "E05000475"}
    values = {
        name: column[0] for name, column in one(write(tmp_path / "x.csv", [row]), "incidents").columns.items()
    }
    assert str(values["occurred_to"] - values["occurred_from"]) == "86400000000 microseconds"
    assert (values["accuracy"], values["radius_m"]) == ("ward", 2000.0)
    assert np.isnan(values["x"])


def test_the_same_reference_is_the_same_record_whatever_file_and_its_agency_s_own(tmp_path: Path) -> None:
    first = one(write(tmp_path / "a.csv", [INCIDENT | {"kind": "Incident"}]), "incidents")
    again = one(write(tmp_path / "b.csv", [{**INCIDENT, "occurred_from": "2026-05-14T22:15"}]), "incidents")
    other = one(write(tmp_path / "c.csv", [INCIDENT]), "incidents", context("health"))
    changed = one(write(tmp_path / "d.csv", [INCIDENT | {"kind": "intelligence"}]), "incidents")
    ids = [batch.record_ids.tolist() for batch in (first, again, changed, other)]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert first.content_digests == again.content_digests != changed.content_digests


def test_a_reference_used_twice_with_other_facts_is_refused_and_a_plain_repeat_is_not(tmp_path: Path) -> None:
    rows = [INCIDENT, INCIDENT, INCIDENT | {"kind": "intelligence"}]
    batch = one(write(tmp_path / "x.csv", rows), "incidents")
    assert codes(batch) == [(4, "local_ref", "conflicting-ref")]
    assert batch.repeats.tolist() == [False, True]


def test_an_open_missing_episode_has_no_return(tmp_path: Path) -> None:
    rows = [
        {
            "local_ref": "M1",
            "child_ref": "C1",
            "missing_from": "14/05/2026 20:00",
            "missing_to": "",
            "relation": "last_seen",
        },
        {
            "local_ref": "M2",
            "child_ref": "C1",
            "missing_from": "1/5/2026 20:00",
            "missing_to": "2/5/2026 07:30",
            "relation": "found_there",
        },
    ]
    columns = one(write(tmp_path / "x.csv", rows), "missing").columns
    assert np.isnat(columns["returned_at"]).tolist() == [True, False]
    assert columns["children"] == [("C1",), ("C1",)]
    assert columns["kind"] == ["missing_episode"] * 2


def test_people_keep_their_leading_zeros_and_a_child_is_never_of_concern(tmp_path: Path) -> None:
    rows = [
        {"local_ref": "0001", "kind": "child", "family_name": "Null", "date_of_birth": "14/05/2012"},
        {"local_ref": "0002", "kind": "child", "concern_category": "suspected"},
        {"local_ref": "0003", "kind": "adult", "concern_category": "suspected"},
        {
            "local_ref": "0004",
            "kind": "adult",
            "concern_category": "suspected",
            "source_grade": "1",
            "assessment": "A",
            "basis": "fact",
        },
    ]
    batch = one(write(tmp_path / "x.csv", rows), "people")
    assert [(row, code) for row, _, code in codes(batch)] == [
        (3, "child-of-concern"), (3, "grading-missing"), (4, "grading-missing"),
    ]  # fmt: skip
    assert batch.columns["local_ref"] == ["0001", "0004"]
    assert batch.columns["family_name"] == ["Null", None]
    assert batch.columns["date_of_birth"][0] == date(2012, 5, 14)
    assert batch.columns["age_band"] == ["not_recorded"] * 2


def test_a_link_needs_evidence_and_no_more_strength_than_its_grading(tmp_path: Path) -> None:
    link = {
        "from_kind": "person", "from_ref": "C1", "to_kind": "place", "to_ref": "P1", "type": "frequents",
        "strength": "known", "first_seen": "01/05/2026", "evidence_refs": "A1;A2", "source_grade": "1",
    }  # fmt: skip
    rows = [
        link,
        link | {"to_ref": "P2", "evidence_refs": ""},
        link | {"to_ref": "P3", "source_grade": "3"},
        link | {"to_ref": "c1", "to_kind": "person"},
    ]
    batch = one(write(tmp_path / "x.csv", rows), "links")
    assert [(row, code) for row, _, code in codes(batch)] == [
        (3, "evidence-missing"), (4, "strength-above-grading"), (5, "link-to-itself"),
    ]  # fmt: skip
    assert batch.columns["last_seen"] == [date(2026, 5, 1)]
    assert batch.columns["expires_on"] == [date(2027, 5, 1)]
    assert batch.columns["evidence_refs"] == [("A1", "A2")]


def test_a_group_row_is_a_member(tmp_path: Path) -> None:
    rows = [
        {
            "group_ref": "G1",
            "name": "Blue",
            "member_ref": "C1",
            "joined_on": "01/01/2026",
            "left_on": "01/02/2026",
        },
        {
            "group_ref": "G1",
            "name": "Blue",
            "member_ref": "C2",
            "joined_on": "01/03/2026",
            "left_on": "01/02/2026",
        },
    ]
    batch = one(write(tmp_path / "x.csv", rows), "groups")
    assert codes(batch) == [(3, "left_on", "interval-backwards")]
    assert batch.columns["assessment_status"] == ["not_started"]


def test_a_place_needs_a_position_or_is_online(tmp_path: Path) -> None:
    place = {"local_ref": "P1", "name": "{{ 7*7 }}<script>", "location_type": "park"}
    rows = [
        place | {"easting": "422242", "northing": "433818"},
        place | {"local_ref": "P2", "online": "yes"},
        place | {"local_ref": "P3"},
    ]
    batch = one(write(tmp_path / "x.csv", rows), "places")
    assert codes(batch) == [(4, "", "no-geometry")]
    assert shapely.from_wkb(batch.columns["geometry"][0]).coords[0] == (422242, 433818)
    assert batch.columns["name"] == ["{{ 7*7 }}<script>"] * 2
    assert batch.columns["accuracy"] == ["exact", "none"]


def test_a_workbook_reads_as_its_csv_does(tmp_path: Path) -> None:
    file = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(INCIDENT))
        sheet.write_row(1, 0, ["000123", "incident"])
        sheet.write_datetime(
            1,
            2,
            datetime.fromisoformat("2026-05-14T22:15"),
            book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
        )
        sheet.write(1, 3, "harm_there")
    from_sheet = one(file, "incidents")
    from_csv = one(write(tmp_path / "x.csv", [INCIDENT]), "incidents")
    assert from_sheet.record_ids.tolist() == from_csv.record_ids.tolist()
    assert from_sheet.content_digests == from_csv.content_digests


def test_a_title_above_the_header_is_asked_about_and_skipped_when_answered(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    body = write(tmp_path / "y.csv", [INCIDENT]).read_text()
    file.write_text(f"Incidents of May,,,\n,,,\n{body}")
    seen = preview(file, get_layout("incidents"), context=context(), limits=UPLOAD_LIMITS)
    assert [(f.code, f.choices) for f in seen.questions] == [("header-row", ("3",))]
    batch = one(file, "incidents", context(header_row="3"))
    assert batch.row_numbers.tolist() == [4]


def test_a_preview_holds_the_first_rows_faults_and_counts(tmp_path: Path) -> None:
    rows = [INCIDENT | {"local_ref": f"A{i}"} for i in range(5)] + [INCIDENT | {"kind": "x"}]
    seen = preview(
        write(tmp_path / "x.csv", rows),
        get_layout("incidents"),
        context=context(),
        limits=UPLOAD_LIMITS,
        rehearse=lambda batch: ([Fault(6, "place_ref", "unknown-reference", "Not held.", ("A4",))], 3),
    )
    assert seen.refused is None
    assert seen.batch is not None
    assert len(seen.batch) == 5
    assert [r.code for r in seen.refusals] == ["unknown-code", "unknown-reference"]
    counted = {"read": 6, "accepted": 4, "refused": 2, "blank": 0}
    assert dict(seen.counts) == {**counted, "held": 3, "repeated": 0}


def test_a_preview_of_a_file_that_cannot_be_taken_says_why(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(b"MZ\x90\0" + b"\0" * 99)
    seen = preview(file, get_layout("incidents"), context=context(), limits=UPLOAD_LIMITS)
    assert seen.refused is not None
    assert seen.refused.code == "type-mismatch"


def test_columns_that_are_not_kept_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", [INCIDENT | {"ethnicity": "x"}])
    seen = preview(file, get_layout("incidents"), context=context(), limits=UPLOAD_LIMITS)
    (said,) = [f for f in seen.findings if f.code == "unmapped-columns"]
    assert said.severity is Severity.WARN
    assert "ethnicity" in said.message


def test_progress_only_grows_and_reaches_the_end(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", [INCIDENT | {"local_ref": f"A{i}"} for i in range(12_000)])
    steps: list[tuple[int, int]] = []
    checking = read_and_check(
        file,
        get_layout("incidents"),
        context=context(),
        limits=UPLOAD_LIMITS,
        on_progress=lambda *step: steps.append(step),
    )
    assert sum(map(len, checking)) == 12_000
    assert steps == sorted(steps)
    assert steps[-1] == (file.stat().st_size, file.stat().st_size)


def test_every_template_header_fits_its_own_layout_best() -> None:
    for layout in LAYOUTS.values():
        header = [column.name for column in layout.columns]
        assert best_layout(header, geometry=layout.geometry == "required")[0].layout is layout


def test_an_unknown_layout_lists_those_there_are() -> None:
    with pytest.raises(NotFound, match="incidents"):
        get_layout("crimes")
