"""What is said of a plan that was written down beforehand, beside what was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from placewise.panel.before_after_beforehand import (
    NOT_BEFOREHAND,
    Beforehand,
    find_saved,
    may_be_saved,
    outcome_words,
)
from placewise.panel.before_after_plan import Plan
from placewise.store.saved_runs import SavedRun

PLAN = Plan(date(2026, 3, 1), "Lights repaired", 6, 100, 300, "rest")


def written(expected: str = "fewer", plan: Plan = PLAN) -> Beforehand:
    now = datetime(2026, 2, 1, tzinfo=UTC)
    run = SavedRun(uuid4(), plan.done, plan.query(), {}, now, "0", {}, now)
    return Beforehand(run, expected, [], date(2026, 8, 31))


@pytest.mark.parametrize(
    ("expected", "verdict", "words"),
    [
        ("fewer", "fewer", "what was expected beforehand"),
        ("either", "more", "what was expected beforehand"),
        ("fewer", "more", "opposite of what was expected"),
        ("more", "ordinary", "not seen: no change beyond ordinary variation"),
        ("fewer", "too_few", "cannot be told"),
        ("fewer", None, "cannot be told"),
    ],
)
def test_the_outcome_is_held_against_the_expectation(expected: str, verdict: str | None, words: str) -> None:
    found: Any = SimpleNamespace(here=verdict and SimpleNamespace(verdict=verdict))
    assert words in outcome_words(written(expected), found)
    assert outcome_words(None, found) == NOT_BEFOREHAND


def test_a_plan_may_be_saved_until_its_period_after_ends() -> None:
    assert may_be_saved(PLAN, today=date(2026, 8, 31))
    assert not may_be_saved(PLAN, today=date(2026, 9, 1))
    earlier = replace(PLAN, as_at=datetime(2026, 4, 1, tzinfo=UTC))
    assert not may_be_saved(earlier, today=date(2026, 8, 1)), "of earlier records nothing is still to come"


def test_only_the_very_same_plan_was_fixed_beforehand() -> None:
    plans = [written()]
    assert find_saved(plans, replace(PLAN, as_at=datetime(2026, 10, 1, tzinfo=UTC))) is plans[0]
    assert find_saved(plans, replace(PLAN, ring_m=400)) is None
