"""Dates as partners write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from placewise.intake.dates import Day, Moment, Month, ends, starts
from placewise.intake.run import BadCell, Context, Run


def run(**answers: str) -> Run:
    context = Context(
        "police",
        datetime(2026, 5, 20, 12, tzinfo=UTC),
        answers={k.replace("_", "-"): v for k, v in answers.items()},
    )
    return Run(context)


def utc(text: str, **answers: str) -> tuple[str, str]:
    values, bad = Moment().parse_column([text], run(**answers), "when")
    assert not bad
    return str(starts(values)[0])[:16], str(ends(values)[0])[:16]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("14/01/2026", "2026-01-14T00:00", "2026-01-15T00:00"),
        ("14/05/2026", "2026-05-13T23:00", "2026-05-14T23:00"),
        ("1/2/2024", "2024-02-01T00:00", "2024-02-02T00:00"),
        ("14/05/2026 22:15", "2026-05-14T21:15", "2026-05-14T21:15"),
        ("14.05.2026 10.15pm", "2026-05-14T21:15", "2026-05-14T21:15"),
        ("14/01/2026 2215", "2026-01-14T22:15", "2026-01-14T22:15"),
        ("2026-01-14T22:15:30Z", "2026-01-14T22:15", "2026-01-14T22:15"),
        ("2026-05-14 22:15+02:00", "2026-05-14T20:15", "2026-05-14T20:15"),
        ("3 Sep 2024", "2024-09-02T23:00", "2024-09-03T23:00"),
        ("3rd September 2024 09:00", "2024-09-03T08:00", "2024-09-03T08:00"),
        ("14/01/2026 24:00", "2026-01-15T00:00", "2026-01-15T00:00"),
        ("28/03/2026", "2026-03-28T00:00", "2026-03-29T00:00"),
        ("29/03/2026", "2026-03-29T00:00", "2026-03-29T23:00"),
    ],
)
def test_a_moment_is_an_exact_interval_in_utc(text: str, start: str, end: str) -> None:
    assert utc(text) == (start, end)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("31/02/2024", "invalid-date"),
        ("29/02/2023", "invalid-date"),
        ("00/00/0000", "invalid-date"),
        ("01/01/0001", "invalid-date"),
        ("60", "invalid-date"),
        ("yesterday", "invalid-date"),
        ("٠١/٠٢/٢٠٢٤", "invalid-date"),
        ("14/05/10", "two-digit-year"),
        ("45538", "excel-serial"),
        ("14/05/2027", "date-in-future"),
        ("14/05/2026 25:00", "invalid-time"),
        ("14/05/2026 13:15pm", "invalid-time"),
        ("14/05/2026 22:15+99:00", "invalid-time"),
        ("14/05/2026 at night", "invalid-time"),
    ],
)
def test_a_date_that_cannot_be_is_refused_with_its_reason(text: str, code: str) -> None:
    _, bad = Moment().parse_column([text], run(), "when")
    assert bad[text].code == code


def test_the_hour_that_happens_twice_is_its_first_and_is_counted() -> None:
    this = run()
    cells = ["26/10/2025 01:30", "26/10/2025 01:30", "29/03/2026 01:30", "30/03/2026 01:30"]
    values, bad = Moment().parse_column(cells, this, "when")
    assert not bad
    assert [str(t)[:16] for t in starts(values)] == [
        "2025-10-26T00:30", "2025-10-26T00:30", "2026-03-29T01:30", "2026-03-30T00:30",
    ]  # fmt: skip
    assert this.tallies["clock-change"] == 3


def test_month_first_is_read_only_when_a_person_said_so() -> None:
    assert utc("09/03/2024")[0] == "2024-03-09T00:00"
    assert utc("09/03/2024", date_order="month-first")[0] == "2024-09-02T23:00"


@pytest.mark.parametrize("text", ["2025-02", "Feb-25", "feb 2025", "February-2025", "2025-02-01"])
def test_a_month_survives_a_spreadsheet(text: str) -> None:
    values, bad = Month().parse_column([text], run(), "month")
    assert not bad
    assert str(starts(values)[0]) == "2025-02-01T00:00:00.000000"
    assert str(ends(values)[0]) == "2025-03-01T00:00:00.000000"


def test_a_summer_month_begins_an_hour_earlier_in_utc() -> None:
    values, _ = Month().parse_column(["2017-07", "2017-10", "2017-12"], run(), "month")
    assert [str(t)[:16] for t in starts(values)] == [
        "2017-06-30T23:00",
        "2017-09-30T23:00",
        "2017-12-01T00:00",
    ]
    assert [str(t)[:16] for t in ends(values)] == ["2017-07-31T23:00", "2017-11-01T00:00", "2018-01-01T00:00"]


@pytest.mark.parametrize("text", ["2025-13", "13-25", "2031-01", "Febtober"])
def test_a_month_that_cannot_be_is_refused(text: str) -> None:
    _, bad = Month().parse_column([text], run(), "month")
    assert bad


def test_absent_times_are_not_a_time() -> None:
    values, _ = Moment().parse_column(["", "14/01/2026"], run(), "when")
    assert np.isnat(starts(values)).tolist() == [True, False]


def test_some_days_may_lie_in_the_future_and_others_not() -> None:
    assert Day(future=True).parse("14/05/2031", run(), "review_due") == date(2031, 5, 14)
    with pytest.raises(BadCell) as problem:
        Day(birth=True).parse("14/05/2031", run(), "date_of_birth")
    assert problem.value.code == "dob-range"
