"""police.uk's files, real where they are present, and the traps they hold."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from placewise.core.errors import FileRefused
from placewise.intake.batch import CheckedBatch
from placewise.intake.engine import Check, read_and_check
from placewise.intake.layouts import get_layout
from placewise.intake.limits import COMMAND_LIMITS
from placewise.intake.run import Context

ROOT = Path(__file__).parents[2]
POLICE = ROOT.parent / "shared" / "data" / "police"
NOW = datetime(2026, 5, 20, tzinfo=UTC)
real = pytest.mark.skipif(not POLICE.is_dir(), reason="real data not present")

HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context\n"
)
FORCE = "Invented Police,Invented Police"


def check(path: Path, layout: str, **context: Any) -> tuple[Check, list[CheckedBatch], dict[str, Any]]:
    checking = read_and_check(
        path, get_layout(layout), context=Context("police", NOW, **context), limits=COMMAND_LIMITS
    )
    batches = list(checking)
    return checking, batches, {finding.code: finding for finding in checking.findings}


def street(tmp_path: Path, *rows: str, **context: Any) -> tuple[Check, list[CheckedBatch], dict[str, Any]]:
    file = tmp_path / "2025-02-invented-street.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return check(file, "police_street", **context)


def test_a_snap_point_is_never_exact(tmp_path: Path) -> None:
    _, (batch,), said = street(
        tmp_path, f"{'a' * 64},2025-02,{FORCE},-1.54,53.79,On or near A,E01011698,X,Drugs,,"
    )
    assert batch.columns["accuracy"] == ["snap_point"]
    assert batch.columns["radius_m"].tolist() == [150.0]
    assert batch.columns["category"] == ["drugs"]
    assert batch.columns["kind"] == ["recorded_crime"]
    assert "snap-point" in said


def test_blank_coordinates_are_accepted_without_a_position(tmp_path: Path) -> None:
    checking, (batch,), said = street(tmp_path, f",2025-02,{FORCE},,,No Location,,,Anti-social behaviour,,")
    assert checking.counts["accepted"] == 1
    assert np.isnan(batch.columns["x"]).all()
    assert batch.columns["accuracy"] == ["none"]
    assert said["without-position"].count == 1


def test_a_repeated_crime_id_counts_once_and_is_said(tmp_path: Path) -> None:
    row = f"{'b' * 64},2025-02,{FORCE},-1.54,53.79,On or near A,E01011698,X,Drugs,,"
    _, (batch,), said = street(tmp_path, row, row)
    assert batch.record_ids[0] == batch.record_ids[1]
    assert batch.repeats.tolist() == [False, True]
    assert said["repeated"].count == 1


def test_rows_without_an_id_that_are_all_the_same_are_separate_records(tmp_path: Path) -> None:
    row = f",2025-02,{FORCE},-1.54,53.79,On or near A,E01011698,X,Anti-social behaviour,,"
    _, (batch,), said = street(tmp_path, row, row, row)
    assert len(set(batch.record_ids.tolist())) == 3
    assert not batch.repeats.any()
    assert said["repeats-kept"].count == 2
    _, (again,), _ = street(tmp_path, row, row, row)
    assert again.record_ids.tolist() == batch.record_ids.tolist()


def test_northern_ireland_is_refused_by_force_and_by_position(tmp_path: Path) -> None:
    psni = "Police Service of Northern Ireland"
    checking, (batch,), said = street(
        tmp_path,
        f",2025-02,{psni},{psni},-5.93,54.6,On or near A,,,Drugs,,",
        f",2025-02,{psni},{psni},,,No location,,,Drugs,,",
        f",2025-02,{FORCE},-5.93,54.6,On or near A,,,Drugs,,",
    )
    assert checking.counts["accepted"] == 0
    assert {refusal.code for refusal in batch.refusals} == {"northern-ireland"}
    assert said["northern-ireland"].count == 3


def test_codes_of_another_year_are_said_and_the_rows_kept(tmp_path: Path) -> None:
    checking, _, said = street(
        tmp_path,
        f",2025-02,{FORCE},-1.54,53.79,A,E01011698,X,Drugs,,",
        f",2025-02,{FORCE},-1.55,53.79,B,E01035000,X,Drugs,,",
        known_areas=frozenset({"E01011698"}),
    )
    assert checking.counts["accepted"] == 2
    assert said["unknown-area"].count == 1
    assert said["unknown-area"].message.startswith("1 of 2 area codes (1 row)")


def test_a_missing_month_is_named(tmp_path: Path) -> None:
    rows = [f",{month},{FORCE},-1.54,53.79,A,,,Drugs,," for month in ("2016-01", "2016-02", "2016-04")]
    _, _, said = street(tmp_path, *rows)
    assert said["missing-months"].message.startswith("March 2016 is missing")


def test_wrong_columns_name_what_lacks_and_which_layout_fits(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("id,month,category,longitude,latitude,street_name\n1,2016-01,drugs,-1.5,53.8,A\n")
    with pytest.raises(FileRefused) as refused:
        check(file, "police_street")
    assert refused.value.code == "missing-column"
    assert "crime id" in str(refused.value)
    assert "police_api" in str(refused.value)


@real
def test_newham_every_row_ends_and_each_trap_is_said(tmp_path: Path) -> None:
    checking, batches, said = check(POLICE / "newham_street_2016-01_2018-06.csv.gz", "police_api")
    assert checking.counts["read"] == checking.counts["accepted"] == 95_440
    assert said["repeated"].count == 2_536
    assert len({record for batch in batches for record in batch.record_ids.tolist()}) == 92_904
    assert said["missing-months"].message.startswith("March 2016")
    assert "1,677 snap points" in said["snap-point"].message
    categories = Counter(code for batch in batches for code in batch.columns["category"])
    assert categories["violence_and_sexual_offences"] == 21_502
    assert min(batch.columns["x"].min() for batch in batches) > 537_000


@real
def test_leeds_month_written_by_a_spreadsheet_after_a_byte_order_mark() -> None:
    checking, batches, said = check(POLICE / "leeds_2025-02_crimedataleeds.csv", "police_street")
    assert checking.counts["accepted"] == 8_009
    assert said["period"].message.startswith("Months in the file: February 2025")
    assert said["repeats-kept"].count == 86
    assert {str(t) for batch in batches for t in batch.columns["occurred_to"]} == {
        "2025-03-01T00:00:00.000000"
    }


@real
def test_stop_and_search_keeps_nothing_of_the_person() -> None:
    checking, batches, said = check(
        POLICE / "2021-08-west-yorkshire-stop-and-search.csv", "police_stop_search"
    )
    assert checking.counts["accepted"] == 1_312
    assert said["without-position"].count == 48
    assert said["local-day"].count >= 1
    assert "Officer-defined ethnicity" in said["not-kept"].message
    kept = {str(value) for batch in batches for column in batch.columns.values() for value in column}
    for word in ("Asian", "White", "Male", "Female", "10-17", "18-24"):
        assert not any(word in value for value in kept)
    assert str(min(batch.columns["occurred_from"].min() for batch in batches)) == "2021-07-31T23:40:00.000000"
    assert len({record for batch in batches for record in batch.record_ids.tolist()}) == 1_312


def test_memory_stays_flat_as_the_file_grows(tmp_path: Path) -> None:
    small, large = (_generated(tmp_path / f"{rows}.csv", rows) for rows in (30_000, 240_000))
    one, other = _measured(small, "police_street"), _measured(large, "police_street")
    assert other["rows"] == 8 * one["rows"]
    # The file grows by 29 MB; what is remembered of each row is 12 bytes.
    assert other["peak_mb"] - one["peak_mb"] < 12
    assert other["reader_peak_mb"] - one["reader_peak_mb"] < 6


def _generated(path: Path, rows: int) -> Path:
    with path.open("w") as out:
        out.write(HEADER)
        for i in range(rows):
            place = f"{-1.5 + i % 997 / 10_000:.6f},{53.7 + i % 499 / 10_000:.6f},On or near Road {i % 997}"
            out.write(f"{i:064x},2025-02,{FORCE},{place},E01011698,X 001A,Drugs,Under investigation,\n")
    return path


def _measured(path: Path, layout: str) -> dict[str, float]:
    """Check a file in a fresh process; what it and its reader used."""
    script = f"""
import resource, json
from datetime import UTC, datetime
from pathlib import Path
from placewise.intake.engine import read_and_check
from placewise.intake.layouts import get_layout
from placewise.intake.limits import COMMAND_LIMITS
from placewise.intake.run import Context
context = Context("police", datetime(2026, 5, 20, tzinfo=UTC))
check = read_and_check(Path({str(path)!r}), get_layout({layout!r}), context=context, limits=COMMAND_LIMITS)
rows = sum(map(len, check))
own, child = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps(dict(rows=rows, peak_mb=own.ru_maxrss / 1024, reader_peak_mb=child.ru_maxrss / 1024)))
"""

    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    result: dict[str, float] = json.loads(ran.stdout)
    return result
