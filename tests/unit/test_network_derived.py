"""Derived ties against a slow twin that compares everybody to everybody."""

import tracemalloc
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks, TooManyPairs
from placewise.core.vocabulary import terms
from placewise.network import together
from placewise.network.derived import (
    CO_MISSING,
    CO_PRESENT,
    RULES,
    SAME_INCIDENT,
    SHARED_ADULT,
    occasions,
    reason,
    standing,
    ties_as_of,
)
from placewise.network.presences import Presences, Role
from tests.graphs import UNTIMED

START = np.datetime64("2026-01-01T00:00", "m")
CHILD, ADULT, MISSING = Role
PEOPLE = 6

# person, event, place, role, hour of beginning, hours long, days until recorded, found, doubtful
ROW = st.tuples(
    st.integers(0, PEOPLE - 1),
    st.integers(0, 5),
    st.integers(-1, 2),
    st.sampled_from(list(Role)),
    st.integers(0, 40),
    st.integers(0, 12),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)


def presences(rows):
    columns = list(zip(*rows, strict=True)) or [()] * 9
    person, event, place, role, hour, hours, lag, found, doubtful = columns
    begin = START + np.array(hour, dtype=int) * np.timedelta64(60, "m")
    return Presences.build(
        person=np.array(person, dtype=int),
        event=np.array(event, dtype=int),
        place=np.array(place, dtype=int),
        role=np.array(role, dtype=int),
        begin=begin,
        end=begin + np.array(hours, dtype=int) * np.timedelta64(60, "m"),
        recorded=begin.astype("datetime64[D]") + np.array(lag, dtype="timedelta64[D]"),
        found=found,
        doubtful=doubtful,
    )


def day_of(row):
    return date(2026, 1, 1) + timedelta(hours=row[4])


def slow_meeting_points(rows, rule):
    """For each row, where it could meet somebody: a set of points."""
    if rule.meet_at == "record":
        return [{row[1]} for row in rows]
    if rule.meet_at == "adult":
        return [
            {o[0] for o in rows if o[1] == r[1] and o[3] == ADULT} if r[3] != ADULT else set() for r in rows
        ]
    if rule.meet_at == "found":
        return [{r[2]} if r[2] >= 0 and r[3] == MISSING and r[7] else set() for r in rows]
    return [{row[2]} - {-1} for row in rows]


def slow_occasions(rows, rule):
    points = slow_meeting_points(rows, rule)
    found = {}
    for (a, one), (b, other) in combinations(enumerate(rows), 2):
        gap = max(one[4], other[4]) - min(one[4] + one[5], other[4] + other[5])
        near = rule.meet_at == "record" or gap <= rule.window_hours
        same_record = one[1] == other[1]
        if one[0] != other[0] and points[a] & points[b] and near and (rule.one_record or not same_record):
            pair, events = tuple(sorted((one[0], other[0]))), tuple(sorted((one[1], other[1])))
            day = max(day_of(one), day_of(other))
            known = max(day_of(one) + timedelta(one[6]), day_of(other) + timedelta(other[6]))
            found.setdefault((*pair, *events), []).append((day, known, not one[8] and not other[8]))
    return found


def seen(found):
    rows = zip(
        found.one.tolist(),
        found.other.tolist(),
        found.events.tolist(),
        found.day.tolist(),
        found.recorded.tolist(),
        found.sound.tolist(),
        strict=True,
    )
    return [((one, other, *events), (day, known, sound)) for one, other, events, day, known, sound in rows]


@UNTIMED
@given(st.lists(ROW, max_size=14), st.sampled_from(RULES), st.integers(0, 30))
def test_occasions_are_those_of_comparing_everybody_to_everybody(rows, rule, window):
    rule = replace(rule, window_hours=0 if rule.meet_at == "found" else window)
    fast = seen(occasions(presences(rows), rule))
    slow = slow_occasions(rows, rule)
    assert {key for key, _ in fast} == set(slow)
    assert all(value in slow[key] for key, value in fast)
    assert [(key[:2], value[0]) for key, value in fast] == sorted((key[:2], value[0]) for key, value in fast)


@UNTIMED
@given(st.lists(ROW, max_size=14), st.sampled_from(RULES), st.integers(-1, 4), st.integers(-1, 5))
def test_ties_are_those_of_counting_the_days_one_by_one(rows, rule, days, known):
    rule = replace(rule, probable_from_days=2, expires_days=1)
    as_of, known_by = date(2026, 1, 1) + timedelta(days), date(2026, 1, 1) + timedelta(known)
    found = occasions(presences(rows), rule)
    pairs = defaultdict(list)
    for (one, other, *events), (day, recorded, sound) in seen(found):
        if day <= as_of and recorded <= known_by:
            pairs[one, other].append((day, sound, events))
    ties = ties_as_of(found, as_of, known_by=known_by)
    assert list(zip(ties.one.tolist(), ties.other.tolist(), strict=True)) == sorted(pairs)
    for i, pair in enumerate(sorted(pairs)):
        on = [day for day, _, _ in pairs[pair]]
        assert ties.days[i] == len(set(on))
        assert ties.probable[i] == (len({day for day, sound, _ in pairs[pair] if sound}) >= 2)
        assert (ties.first[i], ties.last[i]) == (min(on), max(on))
        assert ties.stands[i] == (max(on) + timedelta(1) >= as_of)
        evidence = ties.evidence[ties.evidence_offsets[i] : ties.evidence_offsets[i + 1]]
        assert evidence.tolist() == sorted({event for _, _, events in pairs[pair] for event in events})


@UNTIMED
@given(st.lists(ROW, max_size=14), st.integers(1, 4))
def test_nobody_is_paired_from_a_crowd_and_everybody_else_still_is(rows, most):
    # Stays of no length, so that nobody can come twice during one of them.
    rows = [(*row[:5], 0, *row[6:]) for row in rows]
    rule = replace(CO_PRESENT, window_hours=3, most_people=most)
    near = [
        {other[0] for other in rows if other[2] == row[2] and abs(other[4] - row[4]) <= 3} for row in rows
    ]
    calm = [row for row, people in zip(rows, near, strict=True) if len(people) <= most]
    left_out = occasions(presences(rows), rule).left_out
    assert {key for key, _ in seen(occasions(presences(rows), rule))} == set(slow_occasions(calm, rule))
    there = [(row[2], len(p)) for row, p in zip(rows, near, strict=True) if row[2] >= 0 and len(p) > most]
    assert {(c.point, c.people, c.stays) for c in left_out} == {
        (place, max(n for p, n in there if p == place), sum(p == place for p, _ in there))
        for place, _ in there
    }


def test_a_station_of_50_000_people_is_refused_with_a_reason_and_next_to_no_memory():
    crowd = [(i, i, 0, CHILD, i % 24, 1, 0, False, False) for i in range(50_000)]
    aside = [(50_000 + i, 60_000 + i, 1, CHILD, 0, 1, 0, False, False) for i in range(3)]
    given_rows = presences(crowd + aside)
    tracemalloc.start()
    found = occasions(given_rows, CO_PRESENT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert list(zip(found.one.tolist(), found.other.tolist(), strict=True)) == [
        (50_000, 50_001),
        (50_000, 50_002),
        (50_001, 50_002),
    ]
    assert peak < 50e6
    [left_out] = found.left_out
    assert (left_out.kind, left_out.point, left_out.stays) == ("place", 0, 50_000)
    assert "no ties come from these 50,000 records. Choose a shorter window" in reason(left_out, CO_PRESENT)


def test_a_record_that_names_a_crowd_ties_nobody_by_any_rule():
    rows = [(i, 0, -1, ADULT if i % 2 else CHILD, 0, 1, 0, False, False) for i in range(60)]
    rows += [(i, 1 + i, -1, CHILD, 0, 1, 0, False, False) for i in (0, 2)]
    for rule in (SAME_INCIDENT, SHARED_ADULT):
        found = occasions(presences(rows), rule)
        assert found.one.size == 0
        [left_out] = found.left_out
        assert (left_out.kind, left_out.people) == ("record", 60)
        assert reason(left_out, rule).endswith(
            "so no ties come from it. Split the record into what happened to whom."
        )


def test_one_child_s_many_records_at_a_home_are_no_crowd():
    rows = [(i % 2, i, 0, CHILD, i % 40, 0, 0, False, False) for i in range(120)]
    found = occasions(presences(rows), CO_PRESENT)
    assert found.left_out == ()
    assert set(zip(found.one.tolist(), found.other.tolist(), strict=True)) == {(0, 1)}


def test_more_pairs_than_can_be_held_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(together, "MAX_PAIRS", 5)
    rows = [(i, i, 0, CHILD, 0, 1, 0, False, False) for i in range(4)]
    with pytest.raises(TooManyPairs, match=r"6 pairs of records .* shorter window"):
        occasions(presences(rows), CO_PRESENT)


def test_only_children_missing_at_the_same_time_and_found_at_the_same_place_were_missing_together():
    base = [(0, 0, 1, MISSING, 0, 10, 0, True, False), (1, 1, 1, MISSING, 9, 10, 0, True, False)]
    assert occasions(presences(base), CO_MISSING).one.tolist() == [0]
    apart = [base[0], (*base[1][:4], 11, *base[1][5:])]
    seen_there = [base[0], (*base[1][:7], False, False)]
    not_missing = [base[0], (*base[1][:3], CHILD, *base[1][4:])]
    for rows in (apart, seen_there, not_missing):
        assert occasions(presences(rows), CO_MISSING).one.size == 0


def test_doubtful_evidence_is_kept_and_never_makes_a_tie_probable():
    def told(doubtful):
        rows = [(p, e, -1, CHILD, 24 * e, 1, 0, False, doubtful) for e in range(5) for p in (0, 1)]
        return ties_as_of(occasions(presences(rows), SAME_INCIDENT), date(2026, 1, 10))

    assert told(False).probable.tolist() == [True]
    assert told(True).probable.tolist() == [False]
    assert told(True).days.tolist() == [5]
    assert told(True).evidence.tolist() == [0, 1, 2, 3, 4]


def test_the_graph_of_last_march_knows_neither_what_happened_later_nor_what_was_recorded_later():
    rows = [(p, e, -1, CHILD, 24 * day, 1, lag, False, False)
            for e, (day, lag) in enumerate([(0, 0), (10, 60), (400, 0)]) for p in (0, 1)]  # fmt: skip
    found = occasions(presences(rows), SAME_INCIDENT)
    march = date(2026, 3, 1)
    assert ties_as_of(found, march, known_by=march).evidence.tolist() == [0]
    assert ties_as_of(found, march).evidence.tolist() == [0, 1]
    # 390 days without evidence lie between, and the tie stands 365.
    assert ties_as_of(found, date(2027, 1, 11)).stands.tolist() == [True]
    assert ties_as_of(found, date(2027, 1, 12)).stands.tolist() == [False]
    assert ties_as_of(found, date(2027, 2, 6)).stands.tolist() == [True]


def test_what_stands_of_recorded_links_asks_for_first_day_expiry_and_day_of_recording():
    first, last = (
        ["2026-01-05", "NaT", "NaT", "2026-04-01"],
        ["2026-02-01", "2026-02-01", "NaT", "2026-04-02"],
    )
    expires, recorded = (
        ["2026-02-20", "2026-04-01", "NaT", "NaT"],
        ["2026-01-06", "2026-03-20", "2026-01-01", "2026-04-02"],
    )
    assert standing(first, last, expires, date(2026, 3, 15)).tolist() == [False, True, True, False]
    assert standing(
        first, last, expires, date(2026, 3, 15), recorded=recorded, known_by=date(2026, 3, 15)
    ).tolist() == [False, False, True, False]
    with pytest.raises(InvalidLinks, match="days of recording"):
        standing(first, last, expires, date(2026, 3, 15), known_by=date(2026, 3, 15))
    with pytest.raises(InvalidLinks, match="expires before"):
        standing(["2026-01-05"], ["2026-01-05"], ["2026-01-04"], date(2026, 3, 15))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"end": ["2025-12-31T00:00"]}, "ends before it begins"),
        ({"begin": ["NaT"]}, "no time"),
        ({"recorded": ["NaT"]}, "no day of recording"),
        ({"person": [-1]}, "below nought"),
        ({"place": [-2]}, "below nought"),
        ({"role": [3]}, "not one of child_concerned"),
        ({"doubtful": [True, False]}, "Every row needs"),
    ],
)
def test_what_is_no_presence_is_refused(wrong, said):
    row = {"person": [0], "event": [0], "place": [-1], "role": [0], "begin": ["2026-01-01T10:00"], "end": ["NaT"],
           "recorded": ["2026-01-01"], "found": [False], "doubtful": [False]}  # fmt: skip
    assert Presences.build(**row).end.tolist() == Presences.build(**row).begin.tolist()
    with pytest.raises(InvalidLinks, match=said):
        Presences.build(**row | wrong)


def test_roles_are_the_vocabulary_s():
    assert [role.name.lower() for role in Role] == list(terms("person_event_role"))
