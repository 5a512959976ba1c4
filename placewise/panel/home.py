"""The home page's sentence: what a chair would say on opening the meeting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from placewise.core.scope import PANEL
from placewise.panel.completeness import Completeness, read_completeness
from placewise.panel.hotspot_months import gaps_named, held_words
from placewise.panel.period import MONTHS, Period, last_full_month, month_after, month_before
from placewise.store import overview
from placewise.store.overview import LastImport, SilentAgency
from placewise.store.session import Session

#: Two months with fewer records than this between them cannot be told apart.
TOO_FEW = 20
#: Two Poisson counts that differ by more standard errors than this differ by more than chance would (5%).
STANDARD_ERRORS = 1.96


@dataclass(frozen=True, slots=True)
class Gap:
    """Months whose reports from an agency are missing, though it sent some before and some since."""

    agency: str
    months: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known at a glance.

    Attributes
    ----------
    month : date or None
        First day of the last full month with records; None when there are no records.
    records, records_before : int
        Records that happened in that month, and in the month before it.
    silent : tuple of SilentAgency or None
        None for those who see single places only: they cannot tell silence from what they may not see.
    known_months : int
        Months looked at: up to 24, from the first record on.
    empty : tuple of str
        Those about which nobody reported.
    gaps : tuple of Gap
        Agencies with months missing beyond those.
    """

    places: int
    month: date | None
    records: int
    records_before: int
    last_import: LastImport | None
    silent: tuple[SilentAgency, ...] | None
    known_months: int = MONTHS
    empty: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


def summarise(session: Session, *, today: date) -> Overview:
    """Count what the home page says, for what this person may see."""
    places = overview.count_places(session)
    last_import = overview.find_last_import(session)
    newest = overview.find_newest_record(session)
    if newest is None:
        return Overview(places, None, 0, 0, last_import, ())
    month = last_full_month(newest, today=today)
    after = month_after(month)
    records, before = overview.count_records(session, before=month_before(month), month=month, after=after)
    if not session.roles & PANEL:
        return Overview(places, month, records, before, last_import, None)
    silent = overview.list_silent_agencies(session, month=month, after=after)
    known = read_completeness(session, Period(month))
    months, empty, gaps = _gaps(known, overview.list_first_records(session))
    return Overview(places, month, records, before, last_import, tuple(silent), months, empty, gaps)


def _gaps(known: Completeness, first: dict[str, date]) -> tuple[int, tuple[str, ...], tuple[Gap, ...]]:
    """Months since the first record, those nobody reported about, and each agency's between its reports."""
    begun = min(first.values()).replace(day=1)
    months = [month for month in known.period.months if month >= begun]
    empty = tuple(month for month in known.empty_months if month >= f"{begun:%Y-%m}")
    gaps = []
    for agency, reported in known.reported.items():
        rows = list(zip(known.period.months, reported, known.missing[agency], strict=True))
        newest = max((month for month, here, _ in rows if here), default=known.period.months[0])
        since = first[agency].replace(day=1)
        lost = [f"{month:%Y-%m}" for month, _, missing in rows if missing and since < month < newest]
        lost = [month for month in lost if month not in empty]
        if lost:
            gaps.append(Gap(agency, tuple(lost)))
    return len(months), empty, tuple(gaps)


def compare(records: int, before: int) -> str:
    """How one month's count stands to another's, in words, chance allowed for.

    >>> compare(143, 139), compare(180, 120), compare(4, 9)
    ('about the same as', 'more than', 'too few to compare with')
    """
    if records + before < TOO_FEW:
        return "too few to compare with"
    if abs(records - before) <= STANDARD_ERRORS * (records + before) ** 0.5:
        return "about the same as"
    return "more than" if records > before else "fewer than"


def sentence(facts: Overview) -> str:
    """The sentence that a chair would say aloud.

    >>> quiet = (SilentAgency("Health", date(2026, 2, 3)),)
    >>> sentence(Overview(48, date(2026, 5, 1), 143, 139, None, quiet))
    '143 records in May 2026, about the same as April (139). Nothing has come from Health since February 2026.'
    """
    if facts.month is None:
        return (
            "No records yet. The map, places and connections fill when the first partner's file is imported."
        )
    earlier = month_before(facts.month)
    named = f"{earlier:%B}" if earlier.year == facts.month.year else f"{earlier:%B %Y}"
    noun = "record" if facts.records == 1 else "records"
    said = f"{facts.records:,} {noun} in {facts.month:%B %Y}"
    if facts.records_before:
        said += f", {compare(facts.records, facts.records_before)} {named} ({facts.records_before:,})."
    else:  # a month nobody sent is not a month without harm
        said += f"; no record is held for {earlier:%B %Y}, so there is nothing to compare with."
    if facts.empty:
        said += f" {held_words(facts.known_months, list(facts.empty))}"
    for gap in facts.gaps:
        said += f" From {gap.agency} nothing is held for {gaps_named(list(gap.months))}."
    if facts.silent:
        said += f" Nothing has come from {_listed([_since(quiet) for quiet in facts.silent])}."
    return said


def _since(quiet: SilentAgency) -> str:
    return f"{quiet.name} since {quiet.last_record:%B %Y}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
