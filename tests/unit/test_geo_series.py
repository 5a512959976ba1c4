"""Months of the London calendar, and silence told from nought."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import MissingValue
from placewise.geo.series import monthly_counts, reports_held, reports_received

YEAR = {"first_month": "2026-01", "last_month": "2026-12"}


def times(*texts, tz=None):
    return pd.DatetimeIndex(texts, tz=tz)


def received(*counts):
    return reports_received(pd.DataFrame({"agency": counts}))["agency"].tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 2 * 365 * 24 * 60), max_size=40))
def test_counts_agree_with_reading_each_date_on_the_wall(minutes):
    start = [pd.Timestamp("2025-06-01", tz="UTC") + pd.Timedelta(minutes=m) for m in minutes]
    local = [s.tz_convert("Europe/London") for s in start]
    expected = [sum((t.year, t.month) == (2026, month) for t in local) for month in range(1, 13)]
    index = pd.DatetimeIndex(start) if start else pd.DatetimeIndex([], dtype="datetime64[ns, UTC]")
    assert monthly_counts(index, **YEAR).tolist() == expected
    assert monthly_counts(index, sharing="proportional", **YEAR).tolist() == expected


def test_half_past_midnight_on_the_first_in_summer_belongs_to_the_new_month():
    utc = times("2026-06-30 23:30", tz="UTC")
    assert monthly_counts(utc, **YEAR)["2026-07"] == 1


def test_a_time_without_a_zone_is_london_time():
    assert monthly_counts(times("2026-06-30 23:30"), **YEAR)["2026-06"] == 1


def test_an_event_across_months_belongs_to_the_month_of_its_middle():
    counts = monthly_counts(times("2026-01-31 20:00"), times("2026-02-01 10:00"), **YEAR)
    assert counts.tolist() == [0, 1, *[0] * 10]
    assert counts.dtype == np.int64


def test_or_is_shared_by_the_time_it_spent_in_each():
    counts = monthly_counts(
        times("2026-01-31 20:00", "2026-02-10"),
        times("2026-02-01 12:00", None),
        sharing="proportional",
        **YEAR,
    )
    assert counts.tolist()[:3] == [0.25, 1.75, 0]


def test_october_is_an_hour_longer_than_its_days():
    start, end = times("2026-10-01"), times("2026-11-02")  # 31 days and an hour, then a day
    counts = monthly_counts(start, end, sharing="proportional", **YEAR)
    assert counts["2026-10"] == pytest.approx((31 * 24 + 1) / (32 * 24 + 1))


def test_events_outside_the_months_asked_for_are_left_out():
    counts = monthly_counts(times("2025-12-31 23:59", "2027-01-01"), **YEAR)
    assert counts.sum() == 0
    assert len(counts) == 12
    shared = monthly_counts(times("2025-12-31"), times("2026-01-02"), sharing="proportional", **YEAR)
    assert shared["2026-01"] == 0.5


def test_every_month_is_there_even_when_nothing_happened():
    empty = pd.DatetimeIndex([], dtype="datetime64[ns, UTC]")
    assert monthly_counts(empty, **YEAR).index.equals(pd.period_range("2026-01", "2026-12", freq="M"))


def test_months_in_the_wrong_order_and_unknown_sharing_are_refused():
    with pytest.raises(ValueError, match="is before"):
        monthly_counts(times("2026-01-01"), first_month="2026-02", last_month="2026-01")
    with pytest.raises(ValueError, match="midpoint or proportional"):
        monthly_counts(times("2026-01-01"), sharing="start", **YEAR)


def test_a_missing_start_is_refused():
    with pytest.raises(MissingValue):
        monthly_counts(times(None), **YEAR)


def test_an_agency_that_stopped_reporting_is_silent_from_then_on():
    assert received(5, 4, 6, 3, 0, 0, 0) == [True] * 4 + [False] * 3


def test_an_agency_is_silent_before_it_began_and_in_a_long_gap():
    assert received(0, 0, 4, 5, 0, 0, 6, 7, 3) == [False, False, True, True, False, False, True, True, True]


def test_one_lone_nought_is_a_nought():
    assert all(received(5, 4, 0, 3, 6, 0))


def test_an_agency_that_reports_now_and_then_is_believed():
    assert all(received(1, 0, 0, 1, 0, 0, 0, 1, 0))


def test_an_agency_never_heard_of_is_not_called_silent():
    assert all(received(0, 0, 0, 0))


def test_two_months_with_reports_are_no_habit():
    assert all(received(9, 9, 0, 0, 0))


def test_a_month_is_reported_only_if_a_record_about_it_is_held():
    counts = pd.DataFrame({"police": [9, 0, 1], "charity": [0, 0, 1]})
    held = reports_held(counts)
    assert held["police"].tolist() == [True, False, True]
    assert held["charity"].tolist() == [False, False, True]


def test_who_sends_much_is_missing_in_any_month_without_records():
    assert received(9000, 0, 8000) == [True, False, True]
    assert received(0, 0, 0, 9000) == [False, False, False, True]


def test_months_and_agencies_keep_their_names_and_the_table_stays_as_it_was():
    months = pd.period_range("2026-01", periods=5, freq="M")
    counts = pd.DataFrame({"police": [3, 2, 4, 0, 0], "health": [1, 0, 0, 0, 1]}, index=months)
    before = counts.copy()
    result = reports_received(counts)
    assert result.index.equals(months)
    assert result.columns.tolist() == ["police", "health"]
    assert result["police"].tolist() == [True, True, True, False, False]
    assert result["health"].all()
    assert counts.equals(before)


@pytest.mark.parametrize("bad", [np.nan, -1.0])
def test_missing_counts_are_refused(bad):
    with pytest.raises(MissingValue):
        reports_received(pd.DataFrame({"police": [1.0, bad]}))
