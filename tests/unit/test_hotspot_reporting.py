"""Who reported about the months shown: judged from all months held, however few of them are shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from placewise.geo.hexgrid import hex_grid
from placewise.panel.completeness import holding_of, judge
from placewise.panel.hotspot_months import months_between, moved
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspot_reporting import (
    nobody_reported,
    read_reporting,
    reporting_sentence,
    silence_words,
)
from placewise.panel.hotspots import Hotspots, Laid, count_records
from placewise.panel.period import Period
from tests.unit.test_hotspot_area import TWO_YEARS, monthly
from tests.unit.test_hotspots import asked, columns, ground

#: Health reports about 18 months of 24 and then falls silent.
POLICE, HEALTH = monthly(TWO_YEARS, 2), monthly(TWO_YEARS[:18], agency=1)
MAY_MEAN = "fewer records may mean fewer reports."


def shown(rows: list[dict[str, Any]], *, sees_all: bool = True, **filters: Any) -> Hotspots:
    """A map of the months asked for, where ``rows`` are all that is held."""
    known, wanted = columns(*rows), asked(**filters)
    here = ground(held=known)
    grid = hex_grid(here.frame, cell_width_m=250)
    return count_records(Laid(wanted, here, mark_records(known, wanted, here), grid, sees_all))


def states(found: Hotspots, name: str) -> tuple[str, ...]:
    (row,) = (row for row in read_reporting(found).agencies if row.name == name)
    return row.states


@pytest.mark.parametrize("n_months", [1, 2, 3, 7, 12, 24])
def test_a_silent_agency_is_silent_however_short_the_period(n_months: int) -> None:
    found = shown(POLICE + HEALTH, first_month=TWO_YEARS[-n_months], last_month=TWO_YEARS[-1])
    assert states(found, "Health")[-6:] == ("missing",) * min(n_months, 6)
    assert reporting_sentence(read_reporting(found)).endswith(
        "reports of 1 of 2 agencies are missing: Health."
    )
    assert silence_words(found) == [f"Health has sent nothing since October 2025: {MAY_MEAN}"]


def test_an_agency_that_reports_again_later_has_a_gap_and_is_not_said_to_have_stopped() -> None:
    back = monthly(TWO_YEARS[21:], agency=1)
    found = shown(POLICE + HEALTH + back, first_month="2025-12", last_month="2026-01")
    assert silence_words(found) == [
        f"Nothing is held from Health for December 2025 to January 2026: {MAY_MEAN}"
    ]


def test_a_gap_and_a_silence_are_both_said() -> None:
    months = [month for month in TWO_YEARS[:20] if month not in ("2025-07", "2025-08")]
    found = shown(POLICE + monthly(months, agency=1))
    assert silence_words(found) == [
        f"Nothing is held from Health for July 2025 to August 2025: {MAY_MEAN}",
        f"Health has sent nothing since December 2025: {MAY_MEAN}",
    ]


def test_the_sliders_month_is_judged_beside_all_others() -> None:
    silent = {"first_month": "2025-11", "last_month": "2026-04", "month": "2026-02"}
    found = shown(POLICE + HEALTH, **silent)
    assert silence_words(found) == [
        f"Health sent nothing about February 2026, though it usually does: {MAY_MEAN}"
    ]
    assert silence_words(shown(POLICE + HEALTH, month="2025-09")) == []


def test_one_month_without_records_of_a_small_agency_may_be_a_quiet_one() -> None:
    months = [month for month in TWO_YEARS if month != "2026-02"]
    found = shown(POLICE + monthly(months, agency=1), first_month="2026-02", last_month="2026-03")
    assert states(found, "Health") == ("none", "reported")
    assert silence_words(found) == []


def test_an_agency_that_sends_now_and_then_is_never_said_to_be_silent() -> None:
    found = shown(POLICE + monthly(TWO_YEARS[:12:5], agency=1))
    assert set(states(found, "Health")) == {"none"}
    assert silence_words(found) == []


def test_months_before_the_first_record_are_told_apart_from_silence() -> None:
    found = shown(POLICE + monthly(TWO_YEARS[20:], 12, agency=1))
    assert states(found, "Health") == ("before",) * 8 + ("reported",) * 4


def test_counts_are_of_all_records_of_the_months_shown_and_of_no_other() -> None:
    found = shown(POLICE + HEALTH, first_month="2025-09", last_month="2025-12", harms=("cce",))
    rows = {row.name: row for row in read_reporting(found).agencies}
    assert rows["Police"].counts == (2, 2, 2, 2)
    assert rows["Health"].counts == (1, 1, 0, 0)


def test_only_the_agencies_chosen_make_a_month_held() -> None:
    chosen = {"agencies": ("health",), "first_month": "2025-10", "last_month": "2026-04"}
    found = shown(POLICE + HEALTH, **chosen)
    assert read_reporting(found).known.empty_months == months_between("2025-11", "2026-04")
    assert [row.counted for row in read_reporting(found).agencies] == [True, False]
    later = shown(POLICE + HEALTH, **chosen | {"first_month": "2025-11"})
    assert nobody_reported(later).startswith("No report from the agencies chosen is held for November 2025")


def test_who_sees_single_places_only_is_told_of_no_silence() -> None:
    found = shown(POLICE + HEALTH, sees_all=False)
    assert silence_words(found) == []
    assert "missing" not in states(found, "Health")
    assert "which reports are missing cannot be told" in reporting_sentence(read_reporting(found))


# --- The rule over all months held --------------------------------------------------------------------


def months(first: str, n: int) -> list[date]:
    return [date.fromisoformat(f"{moved(first, by)}-01") for by in range(n)]


def test_the_month_that_runs_is_no_evidence_of_silence() -> None:
    sent = [("Police", month, 20) for month in months("2025-01", 12)]
    sent += [("Health", month, 2) for month in months("2025-01", 10)]
    period = Period(date(2025, 12, 1), 3)
    over = judge(holding_of(sent), period)
    assert over.missing["Health"] == (False, True, True)
    running = judge(holding_of(sent, running=date(2025, 12, 1)), period)
    assert running.missing["Health"] == (False, False, False), "one nought of a month that is over"


def test_a_period_may_begin_before_the_first_record_and_end_after_the_last() -> None:
    sent = [("Police", month, 20) for month in months("2025-03", 3)]
    known = judge(holding_of(sent), Period(date(2025, 7, 1), 7))
    assert known.held == (False, False, True, True, True, False, False)
    assert known.missing["Police"] == (True, True, False, False, False, True, True)


def test_nothing_held_is_nobody_and_no_error() -> None:
    known = judge(holding_of([]), Period(date(2025, 7, 1), 3))
    assert known.held == (False, False, False)
    assert known.missing == {}


def test_agencies_of_one_name_are_one_and_months_without_records_are_there() -> None:
    sent = [("Health", date(2025, 1, 1), 2), ("Health", date(2025, 1, 1), 3), ("Police", date(2025, 4, 1), 1)]
    held = holding_of(sent)
    assert held.months == ["2025-01", "2025-02", "2025-03", "2025-04"]
    assert np.array_equal(held.counts.to_numpy(), [[5, 0], [0, 0], [0, 0], [0, 1]])
    assert held.months_of("Health") == ["2025-01"]
