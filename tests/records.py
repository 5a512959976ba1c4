"""Records for tests, put in as the superuser: no layout, no import, no policy in the way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extras import execute_values

from placewise.store.administration import Partnership

EVENT = """
INSERT INTO placewise.event (partnership_id, source_agency, recorded_by, fingerprint, kind, occurred_from, occurred_to,
                             relation, accuracy) VALUES %s
"""
PLACE = """
INSERT INTO placewise.place (partnership_id, source_agency, recorded_by, fingerprint, place_id, name,
                             location_type, geom)
VALUES (%s, %s, %s, %s, %s, %s, %s, ST_SetSRID(ST_MakePoint(%s, %s), 27700))
"""
BATCH = """
INSERT INTO placewise.import_batch (partnership_id, layout, source_agency, file_name, file_sha256, file_bytes,
                                    rows_read, imported_by, imported_at, software_version)
VALUES (%s, %s, %s, %s, %s, 1, %s, %s, %s, 'test')
"""


def add_events(
    admin: Connection,
    partnership: Partnership,
    moments: Iterable[datetime],
    *,
    agency: str = "police",
    kind: str = "incident",
) -> None:
    """Add one event without a location for each moment."""
    source, p = str(partnership.agencies[agency]), str(partnership.partnership_id)
    rows = [(p, source, str(uuid4()), uuid4().bytes, kind, at, at, "harm_there", "none") for at in moments]
    with admin.cursor() as cursor:
        execute_values(cursor, EVENT, rows)


def add_place(
    admin: Connection,
    partnership: Partnership,
    name: str = "Test Park",
    *,
    location_type: str = "park",
    x: float = 400_000,
    y: float = 300_000,
) -> UUID:
    """Add one place as a point of the National Grid; its id."""
    place_id = uuid4()
    source, p = str(partnership.agencies["police"]), str(partnership.partnership_id)
    with admin.cursor() as cursor:
        cursor.execute(
            PLACE, (p, source, str(uuid4()), place_id.bytes, str(place_id), name, location_type, x, y)
        )
    return place_id


def add_batch(
    admin: Connection, partnership: Partnership, at: datetime, *, agency: str = "police", rows: int = 10
) -> None:
    """Add the record of an import, without its rows."""
    source, p = str(partnership.agencies[agency]), str(partnership.partnership_id)
    with admin.cursor() as cursor:
        cursor.execute(BATCH, (p, "incidents", source, "file.csv", uuid4().bytes, rows, str(uuid4()), at))
