"""Hour by weekday, against a minute-by-minute twin on the London clock."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import MissingValue
from placewise.geo.clock import week_clock

LONDON, UTC = ZoneInfo("Europe/London"), ZoneInfo("UTC")


def times(*texts, tz=None):
    return pd.DatetimeIndex(texts, tz=tz)


def slow_clock(start: datetime, minutes: int) -> np.ndarray:
    """Give each minute of the interval its share, one by one."""
    weights = np.zeros((7, 24))
    for minute in range(max(minutes, 1)):
        local = (start + timedelta(minutes=minute)).astimezone(LONDON)
        weights[local.weekday(), local.hour] += 1 / max(minutes, 1)
    return weights


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 364 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m)),
    st.integers(0, 4000),
)
def test_weights_are_the_shares_of_minutes(start, minutes):
    begin = pd.Timestamp(start)
    clock = week_clock(pd.DatetimeIndex([begin]), pd.DatetimeIndex([begin + pd.Timedelta(minutes=minutes)]))
    assert clock.weights == pytest.approx(slow_clock(start, minutes), abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**7)), max_size=20))
def test_every_event_weighs_one(seconds):
    begin = pd.DatetimeIndex(
        [pd.Timestamp("2026-01-01", tz=UTC) + pd.Timedelta(seconds=s) for s, _ in seconds]
    )
    begin = begin if len(begin) else pd.DatetimeIndex([], dtype="datetime64[ns, UTC]")
    clock = week_clock(begin, begin + pd.to_timedelta([d for _, d in seconds], unit="s"))
    assert clock.weights.sum() == pytest.approx(len(seconds))
    assert clock.n == len(seconds)


def test_an_instant_falls_in_its_hour_and_on_the_hour_in_the_one_that_begins():
    clock = week_clock(times("2026-05-14 22:59:59", "2026-05-14 23:00"))  # a Thursday
    assert clock.weights[3, 22] == 1
    assert clock.weights[3, 23] == 1


def test_the_end_does_not_belong_to_the_interval():
    clock = week_clock(times("2026-05-14 21:00"), times("2026-05-14 22:00"))
    assert clock.weights[3, 21] == 1


def test_summer_time_in_utc_is_read_on_the_london_clock():
    clock = week_clock(times("2026-07-05 23:30", tz="UTC"))  # 00:30 on Monday in London
    assert clock.weights[0, 0] == 1


def test_across_the_october_change_the_hour_that_occurs_twice_gets_twice_as_much():
    clock = week_clock(times("2026-10-25 00:00"), times("2026-10-25 03:00"))  # four hours pass
    assert clock.weights[6, :3].tolist() == [0.25, 0.5, 0.25]


def test_across_the_march_change_the_missing_hour_gets_nothing():
    clock = week_clock(times("2026-03-29 00:00"), times("2026-03-29 03:00"))  # two hours pass
    assert clock.weights[6, :3].tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("days", [7, 8, 400])
def test_a_week_or_longer_is_spread_evenly(days):
    begin = times("2026-05-14 22:15", tz="UTC")
    clock = week_clock(begin, begin + pd.Timedelta(days=days))
    assert clock.weights == pytest.approx(np.full((7, 24), 1 / 168))


def test_events_without_a_known_time_are_left_out_and_counted():
    clock = week_clock(
        times("2026-05-01", "2026-05-14 22:15", None), time_known=np.array([False, True, False])
    )
    assert (clock.n, clock.n_time_unknown) == (1, 2)
    assert clock.weights.sum() == 1


def test_a_missing_end_is_an_instant():
    clock = week_clock(times("2026-05-14 22:15"), times(None))
    assert clock.weights[3, 22] == 1


def test_a_series_works_like_an_index_and_is_not_modified():
    start = pd.Series(times("2026-05-14 22:15", "2026-05-15 01:00", tz="UTC"), index=[7, 3])
    end = start + pd.Timedelta(hours=5)
    before = start.copy(), end.copy()
    by_series = week_clock(start, end, time_known=np.array([True, False]))
    by_index = week_clock(pd.DatetimeIndex(start)[:1], pd.DatetimeIndex(end)[:1])
    assert np.array_equal(by_series.weights, by_index.weights)
    assert start.equals(before[0])
    assert end.equals(before[1])


def test_a_known_time_must_be_there():
    with pytest.raises(MissingValue, match="1 of 2 events have no start"):
        week_clock(times("2026-05-14 22:15", None))


def test_an_end_before_the_start_is_refused():
    with pytest.raises(MissingValue, match="1 of 1 events end before"):
        week_clock(times("2026-05-14 22:15"), times("2026-05-14 22:14"))


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 ends for 1"):
        week_clock(times("2026-05-14 22:15"), times("2026-05-15", "2026-05-16"))
    with pytest.raises(ValueError, match="time_known"):
        week_clock(times("2026-05-14 22:15"), time_known=np.array([True, False]))
