"""A partnership's network of any size, made up in the database: people in circles, a few hubs, groups and places.

Four fifths of a person's links stay within a circle of forty, some lead anywhere, and one in twenty to one of 400 hubs.
Four in five people are children. Ids are random.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from psycopg2.extensions import connection as Connection

from placewise.core.vocabulary import terms

PEOPLE = """
SELECT setseed(0.5);
INSERT INTO placewise.person (partnership_id, person_id, source_agency, recorded_by, pseudonym, kind, concern_category,
                              source_grade, assessment, basis)
SELECT %(own)s, gen_random_uuid(), %(agency)s, %(by)s, 'P ' || n, CASE WHEN n %% 5 = 0 THEN 'adult' ELSE 'child' END,
       CASE WHEN n %% 10 = 0 THEN 'suspected' ELSE 'none' END, 2, 'B', 'fact'
  FROM generate_series(0, %(people)s - 1) n;
CREATE TEMPORARY TABLE made_person ON COMMIT DROP AS
SELECT row_number() OVER () - 1 AS n, person_id AS id FROM placewise.person WHERE partnership_id = %(own)s;
CREATE UNIQUE INDEX ON made_person (n);
INSERT INTO placewise.peer_group (partnership_id, peer_group_id, source_agency, recorded_by, name)
SELECT %(own)s, gen_random_uuid(), %(agency)s, %(by)s, 'Group ' || n
  FROM generate_series(0, %(people)s / 40 - 1) n;
CREATE TEMPORARY TABLE made_group ON COMMIT DROP AS
SELECT row_number() OVER () - 1 AS n, peer_group_id AS id FROM placewise.peer_group WHERE partnership_id = %(own)s;
INSERT INTO placewise.place (partnership_id, place_id, source_agency, recorded_by, name, location_type, place_role,
                             geom)
SELECT %(own)s, gen_random_uuid(), %(agency)s, %(by)s, 'Place ' || n, (%(places)s::text[])[1 + n %% %(kinds)s],
       CASE WHEN n %% 10 = 0 THEN 'protective_place' END,
       public.ST_SetSRID(public.ST_MakePoint(536000 + random() * 8000, 177000 + random() * 8000), 27700)
  FROM generate_series(0, greatest(%(people)s / 50, 2) - 1) n;
CREATE TEMPORARY TABLE made_place ON COMMIT DROP AS
SELECT row_number() OVER () - 1 AS n, place_id AS id FROM placewise.place WHERE partnership_id = %(own)s;
INSERT INTO placewise.peer_group_member (partnership_id, peer_group_id, person_id, source_agency, recorded_by,
                                         joined_on)
SELECT %(own)s, g.id, p.id, %(agency)s, %(by)s, date '2025-01-01' + (p.n %% 300)::int
  FROM made_person p JOIN made_group g ON g.n = p.n / 40 WHERE p.n %% 40 < 8;
"""
TIES = """
CREATE TEMPORARY TABLE made_tie ON COMMIT DROP AS
SELECT gen_random_uuid() AS link_id, one, CASE
         WHEN chance < 0.80 THEN one / 40 * 40 + floor(random() * 40)::int
         WHEN chance < 0.95 THEN floor(random() * %(people)s)::int
         ELSE floor(power(random(), 3) * least(%(people)s, 400))::int END AS other,
       floor(random() * 300)::int AS day, chance, n
  FROM (SELECT n, (n %% %(people)s)::int AS one, random() AS chance FROM generate_series(0, %(links)s - 1) n) s;
INSERT INTO placewise.link (partnership_id, link_id, source_agency, recorded_by, from_person, to_person, type, strength,
                            first_seen, last_seen, expires_on, source_grade, assessment)
SELECT %(own)s, t.link_id, %(agency)s, %(by)s, a.id, b.id, (%(types)s::text[])[1 + t.n %% 5],
       (ARRAY['known', 'probable', 'possible'])[1 + t.n %% 3], date '2025-01-01' + day, date '2025-01-01' + day + 30,
       date '2027-01-01', 1 + t.n %% 2, 'B'
  FROM made_tie t JOIN made_person a ON a.n = t.one JOIN made_person b ON b.n = t.other
 WHERE t.one <> t.other;
INSERT INTO placewise.link (partnership_id, link_id, source_agency, recorded_by, from_person, to_place, type, strength,
                            first_seen, last_seen, expires_on, source_grade, assessment)
SELECT %(own)s, gen_random_uuid(), %(agency)s, %(by)s, p.id, q.id, (ARRAY['frequents', 'harmed_at'])[1 + p.n %% 2],
       'probable', date '2025-01-01', date '2025-06-01', date '2027-06-01', 2, 'B'
  FROM made_person p JOIN made_place q ON q.n = (p.n * 7919) %% (SELECT count(*) FROM made_place)
 WHERE p.n %% 4 = 0;
INSERT INTO placewise.link (partnership_id, link_id, source_agency, recorded_by, from_group, to_place, type, strength,
                            first_seen, last_seen, expires_on, source_grade, assessment)
SELECT %(own)s, gen_random_uuid(), %(agency)s, %(by)s, g.id, q.id, 'group_uses_place', 'known',
       date '2025-01-01', date '2025-06-01', date '2027-06-01', 2, 'B'
  FROM made_group g JOIN made_place q ON q.n = (g.n * 31) %% (SELECT count(*) FROM made_place);
INSERT INTO placewise.link_evidence (partnership_id, link_id, note)
SELECT partnership_id, link_id, 'Seen together.' FROM placewise.link WHERE partnership_id = %(own)s;
"""
# The check of each link's evidence is for what comes in one by one; here every link has some.
UNCHECKED = "SET LOCAL session_replication_role = replica"


def fill_network(
    connection: Connection,
    partnership_id: UUID,
    agencies: Mapping[str, UUID],
    reader: UUID,
    people: int,
    *,
    links: int,
) -> None:
    """Make so many people with so many links in all, to groups and places too.

    They are recorded by somebody else than the reader, who would not be asked for more otherwise.
    """
    by = UUID(int=0)
    if reader == by:
        raise ValueError("The reader must not be who recorded all this.")
    values = {
        "own": str(partnership_id),
        "agency": str(agencies["police"]),
        "by": str(by),
        "people": people,
        "links": links - people // 4 - people // 40,
        "places": list(terms("location_type")),
        "kinds": len(terms("location_type")),
        "types": ["friend", "family", "school_peer", "co_missing", "associate"],
    }
    with connection.cursor() as cursor:
        cursor.execute(UNCHECKED)
        cursor.execute(PEOPLE, values)
        cursor.execute(TIES, values)
