"""The trend of one place: steady rises and falls, months without data, and one child's repeats."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from placewise.panel.period import LONDON, Period
from placewise.panel.place_trend import children_words, direction_words, find_direction, set_children_aside
from placewise.store.place_events import PlaceEvent

PERIOD = Period(date(2026, 4, 1))
ALL_WHOLE = [True] * 24


def event(month: date, day: int = 10) -> PlaceEvent:
    at = datetime(month.year, month.month, day, 12, tzinfo=LONDON)
    return PlaceEvent(
        uuid4(), "incident", "harm_there", [], at, at, "exact", "Police", None, None, "P", None, None
    )


def monthly(counts: Iterable[int]) -> list[PlaceEvent]:
    return [event(month, 1 + n) for month, k in zip(PERIOD.months, counts, strict=True) for n in range(k)]


@pytest.mark.parametrize(
    ("counts", "turn"),
    [
        ([n // 3 for n in range(24)], "rising"),
        ([8 - n // 3 for n in range(24)], "falling"),
        ([2, 0, 1, 3] * 6, "none"),
        ([0] * 22 + [1, 3], "few_records"),
    ],
)
def test_a_direction_is_called_only_for_a_steady_change(counts: list[int], turn: str) -> None:
    assert find_direction(monthly(counts), {}, ALL_WHOLE, PERIOD).turn == turn


def test_months_without_whole_data_are_no_part_of_the_direction() -> None:
    fell_silent = [4] * 12 + [0] * 12
    events = monthly(fell_silent)
    assert find_direction(events, {}, ALL_WHOLE, PERIOD).turn == "falling"
    found = find_direction(events, {}, [True] * 12 + [False] * 12, PERIOD)
    assert (found.turn, found.months, found.counted) == ("none", 12, 48)
    assert direction_words(found, 24) == (
        "No steady rise or fall can be told over the 12 of 24 months with whole data."
    )
    assert find_direction(events, {}, [True] * 9 + [False] * 15, PERIOD).turn == "few_months"


def test_a_child_counts_once_a_month_in_the_direction() -> None:
    events = monthly([n // 3 for n in range(24)])
    child = UUID(int=7)
    assert find_direction(events, {e.event_id: [child] for e in events}, ALL_WHOLE, PERIOD).counted == 21


def test_one_childs_repeats_are_told_from_a_rise() -> None:
    events = monthly([0] * 12 + [1] * 12)
    child = UUID(int=7)
    own = {e.event_id: [child] for e in events}
    aside = set_children_aside(events, own, ALL_WHOLE, PERIOD, 12)
    assert (aside.now, aside.before) == (1, 0)
    assert aside.once is not None
    assert aside.once.verdict == "too_few"
    assert children_words(aside, "higher") == (
        "1 different child against 0; with each child counted once, 1 against 0: too few to tell, "
        "so a few children's repeats may be all of it"
    )
    others = set_children_aside(events, {e.event_id: [uuid4()] for e in events}, ALL_WHOLE, PERIOD, 12)
    assert children_words(others, "higher") == "12 different children against 0"


def test_days_without_whole_data_count_on_neither_side() -> None:
    events = monthly([1] * 24)
    whole = [True] * 18 + [False] * 6
    aside = set_children_aside(events, {}, whole, PERIOD, 12)
    assert aside.once is not None
    assert (aside.once.count, aside.once.baseline) == (6, 12)
    assert aside.once.rate_ratio == pytest.approx((6 / 184) / (12 / 366), rel=0.02)
    assert set_children_aside(events, {}, [True] * 12 + [False] * 12, PERIOD, 12).once is None
    assert children_words(aside, "ordinary") == "no child is named in these records"


def test_a_record_at_the_turn_of_a_month_belongs_to_its_middle() -> None:
    spanning = event(date(2026, 3, 1), 31)
    late = PlaceEvent(
        *[getattr(spanning, name) for name in PlaceEvent.__slots__[:5]],
        spanning.occurred_from + timedelta(2),
        *[getattr(spanning, name) for name in PlaceEvent.__slots__[6:]],
    )
    assert find_direction([late], {}, [False] * 23 + [True], PERIOD).counted == 1
