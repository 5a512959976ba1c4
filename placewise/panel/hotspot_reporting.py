"""Who reported about which months of the map: a month without a report never looks like one without incidents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

from placewise.panel.completeness import Completeness, Holding, judge
from placewise.panel.hotspot_months import gaps_named, held_words, named
from placewise.panel.hotspots import Hotspots, Laid, period_words
from placewise.panel.period import Period, moment_words

#: ``missing``: by what the agency usually sends, some should be held; ``none``: it sends so few that it may have
#: had none; ``before``: its first record is of a later month.
State: TypeAlias = Literal["reported", "missing", "none", "before"]

MAY_MEAN = "fewer records may mean fewer reports."


@dataclass(frozen=True, slots=True)
class AgencyReports:
    """One agency's row: records of any kind and anywhere about each month, and what a nought means.

    ``counted`` is False where the filter leaves the agency out; ``last`` is the last month of all it reported about.
    """

    name: str
    counts: tuple[int, ...]
    states: tuple[State, ...]
    counted: bool
    last: str

    def months_in(self, state: State, months: list[str]) -> list[str]:
        """The months of one state."""
        return [month for month, here in zip(months, self.states, strict=True) if here == state]


@dataclass(frozen=True, slots=True)
class Reporting:
    """What is held of each month of the map's period.

    Attributes
    ----------
    months : list of str
    agencies : list of AgencyReports
        By name; those that ever sent anything.
    never : list of str
        Names of those that never did.
    known : Completeness
        Of the agencies counted, by code.
    """

    months: list[str]
    agencies: list[AgencyReports]
    never: list[str]
    known: Completeness


def read_reporting(found: Hotspots | Laid) -> Reporting:
    """Say what is held of the map's months and what is missing; nothing more is read."""
    ground, months, chosen = found.ground, found.records.months, found.wanted.agencies
    holding, everyone = ground.holding, judge_months(found, months)
    rows = []
    for agency in sorted(ground.agencies, key=lambda agency: agency.name):
        if agency.code not in everyone.reported:
            continue
        reported = holding.months_of(agency.code)
        rows.append(
            AgencyReports(
                agency.name,
                _counts(holding, agency.code, months),
                _states(everyone, agency.code, months, reported[0]),
                counted=not chosen or agency.code in chosen,
                last=reported[-1],
            )
        )
    never = sorted(agency.name for agency in ground.agencies if agency.code not in everyone.reported)
    return Reporting(months, rows, never, _of_chosen(everyone, chosen))


def judge_months(found: Hotspots | Laid, months: Sequence[str]) -> Completeness:
    """What is held of consecutive months from each agency, by code, and what is missing by all that is held."""
    period = Period(_first_day(months[-1]), len(months))
    return judge(found.ground.holding, period, sees_all=found.children_known)


def _of_chosen(everyone: Completeness, chosen: Collection[str]) -> Completeness:
    if not chosen:
        return everyone
    parts = [
        {code: of_months for code, of_months in part.items() if code in chosen}
        for part in (everyone.reported, everyone.missing)
    ]
    return replace(everyone, reported=parts[0], missing=parts[1])


def _counts(holding: Holding, agency: str, months: list[str]) -> tuple[int, ...]:
    held = dict(zip(holding.months, holding.counts[agency].tolist(), strict=True))
    return tuple(held.get(month, 0) for month in months)


def _states(everyone: Completeness, agency: str, months: list[str], first: str) -> tuple[State, ...]:
    reported, missing = everyone.reported[agency], everyone.missing[agency]
    return tuple(
        "reported" if here else "before" if month < first else "missing" if gone else "none"
        for month, here, gone in zip(months, reported, missing, strict=True)
    )


def _first_day(month: str) -> date:
    return date(int(month[:4]), int(month[5:]), 1)


def silence_words(found: Hotspots) -> list[str]:
    """Sentences on agencies whose reports of what is shown are missing; none to those who cannot tell."""
    month, months, said = found.wanted.month, found.records.months, []
    for row in read_reporting(found).agencies:
        gone = row.months_in("missing", months) if row.counted else []
        if month is not None:
            if month in gone:
                said.append(
                    f"{row.name} sent nothing about {named(month)}, though it usually does: {MAY_MEAN}"
                )
            continue
        if gaps := [gap for gap in gone if gap < row.last]:
            said.append(f"Nothing is held from {row.name} for {gaps_named(gaps)}: {MAY_MEAN}")
        if len(gaps) < len(gone):
            said.append(f"{row.name} has sent nothing since {named(row.last)}: {MAY_MEAN}")
    return said


def months_held(found: Hotspots) -> list[str]:
    """A sentence on the months of which nothing is held, if any: no record sent is not no harm."""
    gaps, months = read_reporting(found).known.empty_months, found.records.months
    if not gaps:
        return []
    said = held_words(len(months), gaps)
    return [f"{said[:-1]} from the agencies chosen." if found.wanted.agencies else said]


def nobody_reported(found: Hotspots) -> str:
    """What the map says across itself where no report at all is held of what it shows; else nothing."""
    known, month = read_reporting(found).known, found.wanted.month
    held = known.held if month is None else (known.held[found.records.months.index(month)],)
    if any(held) or not known.sees_all:
        return ""
    whom = "the agencies chosen" if found.wanted.agencies else "anyone"
    period, moment = period_words(found.wanted), found.wanted.as_at
    said = f"No report from {whom} is held for {period}. This map is empty because nothing was reported"
    if moment is not None:
        by = moment_words(moment)
        said = f"By {by}, no report from {whom} had come in for {period}. This map is empty for that reason"
    return f"{said}, not because nothing happened."


def reporting_sentence(reporting: Reporting) -> str:
    """What a chair would say of the reports behind the map."""
    if not reporting.known.sees_all:
        return "You see single places only, so which reports are missing cannot be told."
    counted = [row for row in reporting.agencies if row.counted]
    gone = [row.name for row in counted if "missing" in row.states]
    n_months, n_agencies = len(reporting.months), len(counted)
    period = "this month" if n_months == 1 else f"these {n_months} months"
    agencies = f"{n_agencies} {'agency' if n_agencies == 1 else 'agencies'}"
    if not gone:
        return f"No report of {agencies} is known to be missing in {period}."
    return f"In {period}, reports of {len(gone)} of {agencies} are missing: {', '.join(gone)}."
