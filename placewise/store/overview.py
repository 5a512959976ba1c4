"""The few counts with which the home page opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from placewise.store.session import Session

COUNT_PLACES = "SELECT count(*) FROM placewise.place"
NEWEST_RECORD = """
SELECT (max(occurred_from) AT TIME ZONE 'Europe/London')::date FROM placewise.event WHERE occurred_from <= now()
"""
COUNT_RECORDS = """
SELECT count(*) FILTER (WHERE occurred_from >= %(month)s::timestamp AT TIME ZONE 'Europe/London'),
       count(*) FILTER (WHERE occurred_from < %(month)s::timestamp AT TIME ZONE 'Europe/London')
  FROM placewise.event
 WHERE occurred_from >= %(before)s::timestamp AT TIME ZONE 'Europe/London'
   AND occurred_from < %(after)s::timestamp AT TIME ZONE 'Europe/London'
"""
LAST_IMPORT = """
SELECT b.imported_at, g.name, b.layout, b.rows_read
  FROM placewise.import_batch b JOIN placewise.agency g ON g.agency_id = b.source_agency
 ORDER BY b.imported_at DESC LIMIT 1
"""
SILENT_AGENCIES = """
SELECT g.name, (max(e.occurred_from) AT TIME ZONE 'Europe/London')::date
  FROM placewise.event e JOIN placewise.agency g ON g.agency_id = e.source_agency
 WHERE e.occurred_from < %(after)s::timestamp AT TIME ZONE 'Europe/London'
 GROUP BY g.agency_id, g.name
HAVING max(e.occurred_from) < %(month)s::timestamp AT TIME ZONE 'Europe/London'
 ORDER BY 2, 1
"""
FIRST_RECORDS = """
SELECT g.name, (min(e.occurred_from) AT TIME ZONE 'Europe/London')::date
  FROM placewise.event e JOIN placewise.agency g ON g.agency_id = e.source_agency
 GROUP BY g.agency_id, g.name
"""


@dataclass(frozen=True, slots=True)
class LastImport:
    """The newest batch."""

    at: datetime
    agency: str
    layout: str
    rows_read: int


@dataclass(frozen=True, slots=True)
class SilentAgency:
    """An agency with earlier records and none in the month."""

    name: str
    last_record: date


def count_places(session: Session) -> int:
    """Places that this person may see."""
    row = session.row(COUNT_PLACES)
    return int(row[0]) if row else 0


def find_newest_record(session: Session) -> date | None:
    """Day, in London, on which the newest visible record happened; none when there are no records."""
    row = session.row(NEWEST_RECORD)
    return row[0] if row else None


def count_records(session: Session, *, before: date, month: date, after: date) -> tuple[int, int]:
    """Records that happened in the month, and in the month before; the dates are firsts of months in London."""
    row = session.row(COUNT_RECORDS, {"before": before, "month": month, "after": after})
    return (int(row[0]), int(row[1])) if row else (0, 0)


def find_last_import(session: Session) -> LastImport | None:
    """The newest import, for those who may see imports."""
    row = session.row(LAST_IMPORT)
    return LastImport(*row) if row else None


def list_silent_agencies(session: Session, *, month: date, after: date) -> list[SilentAgency]:
    """Agencies with records, but none in the month; longest silence first."""
    return [SilentAgency(*row) for row in session.rows(SILENT_AGENCIES, {"month": month, "after": after})]


def list_first_records(session: Session) -> dict[str, date]:
    """Day, in London, of each agency's first visible record; agencies without any are absent."""
    return dict(session.rows(FIRST_RECORDS))
