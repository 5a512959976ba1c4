"""Who reported about which months of the map: a month without a report never looks like one without incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from placewise.panel.completeness import Completeness, judge_counts
from placewise.panel.hotspot_months import gaps_named, held_words, named
from placewise.panel.hotspots import Hotspots, Laid, period_words
from placewise.panel.period import Period
from placewise.store.geography import Agency

#: ``missing``: by what the agency usually sends, some should be held; ``none``: it sends so few that it may have
#: had none; ``before``: its first record is of a later month.
State: TypeAlias = Literal["reported", "missing", "none", "before"]

MAY_MEAN = "fewer records may mean fewer reports."


@dataclass(frozen=True, slots=True)
class AgencyReports:
    """One agency's row: records of any kind and anywhere about each month, and what a nought means.

    ``counted`` is False where the filter leaves the agency out.
    """

    name: str
    counts: tuple[int, ...]
    states: tuple[State, ...]
    counted: bool

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
    """Count each agency's records by month and say what is held; nothing more is read."""
    records, ground = found.records, found.ground
    counts = _sent(found)
    chosen = found.wanted.agencies
    period = Period(_first_day(records.months[-1]), len(records.months))
    codes = [agency.code for agency in ground.agencies if not chosen or agency.code in chosen]
    known = judge_counts(counts[codes], period, sees_all=found.children_known)
    everyone = judge_counts(counts, period, sees_all=found.children_known)
    sending = sorted(
        (agency for agency in ground.agencies if agency.agency_id in ground.last_reports),
        key=lambda agency: agency.name,
    )
    rows = [
        AgencyReports(
            agency.name,
            tuple(counts[agency.code].tolist()),
            _states(agency, everyone, records.months, ground.first_reports.get(agency.agency_id, "")),
            counted=agency.code in codes,
        )
        for agency in sending
    ]
    never = sorted(agency.name for agency in ground.agencies if agency.agency_id not in ground.last_reports)
    return Reporting(records.months, rows, never, known)


def _sent(found: Hotspots | Laid) -> pd.DataFrame:
    """Records of any kind and anywhere, months in rows and agencies in columns."""
    records, codes = found.records, [agency.code for agency in found.ground.agencies]
    inside = (records.month >= 0) & (records.columns.agency >= 0)
    row = records.month[inside] * len(codes) + records.columns.agency[inside]
    flat = np.bincount(row, minlength=len(records.months) * len(codes))
    return pd.DataFrame(flat.reshape(len(records.months), len(codes)), columns=codes)


def _states(agency: Agency, everyone: Completeness, months: list[str], first: str) -> tuple[State, ...]:
    reported, missing = everyone.reported[agency.code], everyone.missing[agency.code]
    return tuple(
        "reported" if here else "before" if month < first else "missing" if gone else "none"
        for month, here, gone in zip(months, reported, missing, strict=True)
    )


def _first_day(month: str) -> date:
    return date(int(month[:4]), int(month[5:]), 1)


def silence_words(found: Hotspots) -> list[str]:
    """Sentences on agencies whose reports of what is shown are missing; none to those who cannot tell."""
    if not found.children_known:
        return []
    month, months = found.wanted.month, found.records.months
    counted = [row for row in read_reporting(found).agencies if row.counted]
    unsaid = {row.name for row in counted}
    said = []
    if month is None:
        for row in counted:
            newest = max(row.months_in("reported", months), default="")
            # What is missing since an agency's last report is said below.
            if gaps := [gap for gap in row.months_in("missing", months) if gap < newest]:
                said.append(f"Nothing is held from {row.name} for {gaps_named(gaps)}: {MAY_MEAN}")
    else:
        silent = [row.name for row in counted if row.states[months.index(month)] == "missing"]
        said += [
            f"{name} sent nothing about {named(month)}, though it usually does: {MAY_MEAN}" for name in silent
        ]
        unsaid -= set(silent)
    for name, last in found.records.silent_agencies:
        if name in unsaid and (month is None or last < month):
            said.append(f"{name} has sent nothing since {named(last)}: {MAY_MEAN}")
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
    return (
        f"No report from {whom} is held for {period_words(found.wanted)}. "
        "This map is empty because nothing was reported, not because nothing happened."
    )


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
