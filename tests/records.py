"""Synthetic records put straight into the database, for tests of what is read back from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from tests.conftest import TestPartnership

LONDON = ZoneInfo("Europe/London")
INSERT = sql.SQL("INSERT INTO placewise.{} ({}) VALUES ({})")
POINT = "SRID=27700;POINT(602000 364000)"
PARK = "SRID=27700;POLYGON((601900 363900,602100 363900,602100 364100,601900 364100,601900 363900))"


def london(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    """A moment of the London clock."""
    return datetime(year, month, day, hour, minute, tzinfo=LONDON)


@dataclass
class Records:
    """Makes records of one partnership; every keyword is a column."""

    admin: Connection
    partnership: TestPartnership

    def place(self, name: str = "Weir Park", **columns: Any) -> UUID:
        """Make a place."""
        shape = {} if columns.get("online") else {"geom": PARK}
        return self._add("place", {"name": name, "location_type": "park", **shape, **columns})

    def event(
        self, place_id: UUID | None, when: datetime, *, until: datetime | None = None, **columns: Any
    ) -> UUID:
        """Make an event; harm at the place unless told otherwise."""
        values = {
            "kind": "incident",
            "relation": "harm_there",
            "accuracy": "premises",
            "occurred_from": when,
            "occurred_to": until or when,
            "place_id": place_id,
        }
        return self._add("event", {**values, **columns})

    def events(self, moments: Iterable[datetime], **columns: Any) -> None:
        """Make an event at each moment, at no known place."""
        for when in moments:
            self.event(None, when, accuracy="none", **columns)

    def two_years(self, place_id: UUID | None = None, *, agency: str = "police") -> None:
        """Make an event in each month from May 2024 to April 2026, so that no month is without data."""
        for n in range(24):
            self.event(place_id, london(2024 + (4 + n) // 12, (4 + n) % 12 + 1, 15), agency=agency)

    def batch(self, at: datetime, *, agency: str = "police", rows: int = 10) -> None:
        """Make the record of an import, without its rows."""
        values = {
            "partnership_id": self.partnership.partnership_id,
            "layout": "incidents",
            "source_agency": self.partnership.agencies[agency],
            "file_name": "file.csv",
            "file_sha256": uuid4().bytes,
            "file_bytes": 1,
            "rows_read": rows,
            "imported_by": UUID(int=0),
            "imported_at": at,
            "software_version": "test",
        }
        self._insert("import_batch", values)

    def person(self, pseudonym: str, kind: str = "child", *, name: str | None = None, **columns: Any) -> UUID:
        """Make a person; with a name, also an identity."""
        person_id = self._add("person", {"pseudonym": pseudonym, "kind": kind, **columns})
        if name:
            given, family = name.split()
            identity = {
                "partnership_id": self.partnership.partnership_id,
                "person_id": person_id,
                "given_name": given,
                "family_name": family,
                "date_of_birth": date(2010, 2, 3),
            }
            self._insert("identity", identity)
        return person_id

    def group(self, name: str, *members: UUID, left: dict[UUID, date] | None = None, **columns: Any) -> UUID:
        """Make a peer group with members."""
        group_id = self._add("peer_group", {"name": name, **columns})
        for person_id in members:
            dates = {"joined_on": date(2025, 1, 1), "left_on": (left or {}).get(person_id)}
            self._add("peer_group_member", {"peer_group_id": group_id, "person_id": person_id, **dates})
        return group_id

    def link(
        self,
        source: tuple[str, UUID],
        target: tuple[str, UUID],
        type: str = "friend",  # noqa: A002  the column is so named
        *,
        seen: date = date(2026, 3, 1),
        lasts_days: int = 365,
        **columns: Any,
    ) -> UUID:
        """Make a link between ("person" | "group" | "place", id) pairs, with a note as evidence."""
        link_id = uuid4()
        values = {
            "link_id": link_id,
            f"from_{source[0]}": source[1],
            f"to_{target[0]}": target[1],
            "type": type,
            "strength": "known",
            "first_seen": seen - timedelta(30),
            "last_seen": seen,
            "expires_on": seen + timedelta(lasts_days),
        }
        evidence = {
            "partnership_id": self.partnership.partnership_id,
            "link_id": link_id,
            "note": "Seen together by an outreach worker.",
        }
        self.admin.autocommit = False
        try:
            self._add("link", {**values, **columns})
            self._insert("link_evidence", evidence)
            self.admin.commit()
        finally:
            self.admin.rollback()
            self.admin.autocommit = True
        return link_id

    def _add(self, table: str, columns: dict[str, Any]) -> UUID:
        key = f"{table}_id"
        values = {
            "partnership_id": self.partnership.partnership_id,
            key: uuid4(),
            "source_agency": self.partnership.agencies["police"],
            "recorded_by": UUID(int=0),
            "synthetic": True,
            **columns,
        }
        if agency := values.pop("agency", None):
            values["source_agency"] = self.partnership.agencies[agency]
        self._insert(table, values)
        made: UUID = values[key]
        return made

    def _insert(self, table: str, values: dict[str, Any]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, values))
        marks = sql.SQL(", ").join(sql.Placeholder() * len(values))
        with self.admin.cursor() as cursor:
            cursor.execute(INSERT.format(sql.Identifier(table), names, marks), list(values.values()))
