"""Inserts for people, peer groups and links."""

from __future__ import annotations

ACCEPTED = "SELECT coalesce(range_agg(int4range(import_row, import_row, '[]')), '{}')::text FROM added"

# The counter row is locked until the import commits, so no number is given twice; numbers of rows that turn out to be
# duplicates stay unused.
PERSON = f"""
WITH wanted AS (
    SELECT s.kind, count(*) AS n FROM pg_temp.staged_person s GROUP BY s.kind),
counter AS (
    INSERT INTO placewise.pseudonym_counter AS c (partnership_id, kind, last_number)
    SELECT %(partnership)s, w.kind, w.n FROM wanted w
    ON CONFLICT (partnership_id, kind) DO UPDATE SET last_number = c.last_number + excluded.last_number
    RETURNING kind, last_number),
added AS (
    INSERT INTO placewise.person (partnership_id, source_agency, import_batch_id, recorded_by, synthetic, import_row,
        local_ref, source_grade, assessment, handling, handling_conditions, basis, review_due, person_id,
        content_digest, kind, age_band, sex, care_status, concern_category, dual_role, pseudonym)
    SELECT %(partnership)s, %(agency)s, %(batch)s, %(account)s, %(synthetic)s, s.import_row,
        s.local_ref, s.source_grade, s.assessment, coalesce(s.handling, 'P'), s.handling_conditions, s.basis,
        s.review_due, s.record_id, s.content_digest, s.kind, coalesce(s.age_band, 'not_recorded'),
        coalesce(s.sex, 'not_recorded'), coalesce(s.care_status, 'not_recorded'),
        coalesce(s.concern_category, 'none'), coalesce(s.dual_role, false),
        initcap(s.kind) || ' ' || lpad((c.last_number - w.n
            + row_number() OVER (PARTITION BY s.kind ORDER BY s.import_row))::text, 4, '0')
      FROM pg_temp.staged_person s JOIN counter c ON c.kind = s.kind JOIN wanted w ON w.kind = s.kind
    ON CONFLICT (partnership_id, person_id) DO NOTHING
    RETURNING import_row)
{ACCEPTED}
"""  # noqa: S608 - constants of this module

IDENTITIES = """
INSERT INTO placewise.identity (partnership_id, person_id, given_name, family_name, date_of_birth, address)
SELECT %(partnership)s, s.record_id, s.given_name, s.family_name, s.date_of_birth, s.address
  FROM pg_temp.staged_person s
 WHERE s.import_row <@ %(accepted)s::int4multirange
   AND num_nonnulls(s.given_name, s.family_name, s.date_of_birth, s.address) > 0
"""

# The first row that names a group makes it; each row with a member makes a membership. A row that only repeats a group
# already held is a duplicate.
GROUP = f"""
WITH new_group AS (
    INSERT INTO placewise.peer_group (partnership_id, source_agency, import_batch_id, recorded_by, synthetic,
        import_row, local_ref, source_grade, assessment, handling, handling_conditions, basis, name,
        assessment_status, norms, strengths)
    SELECT DISTINCT ON (s.local_ref) %(partnership)s, %(agency)s, %(batch)s, %(account)s, %(synthetic)s, s.import_row,
        s.local_ref, s.source_grade, s.assessment, coalesce(s.handling, 'P'), s.handling_conditions, s.basis,
        s.name, coalesce(s.assessment_status, 'not_started'), s.norms, s.strengths
      FROM pg_temp.staged_peer_group s ORDER BY s.local_ref, s.import_row
    ON CONFLICT (partnership_id, source_agency, local_ref) DO NOTHING
    RETURNING peer_group_id, local_ref, import_row),
peer AS (
    SELECT peer_group_id, local_ref FROM new_group
    UNION SELECT g.peer_group_id, g.local_ref FROM placewise.peer_group g WHERE g.source_agency = %(agency)s),
new_member AS (
    INSERT INTO placewise.peer_group_member (partnership_id, source_agency, import_batch_id, recorded_by, synthetic,
        import_row, local_ref, source_grade, assessment, handling, handling_conditions, basis, peer_group_member_id,
        peer_group_id, person_id, joined_on, left_on)
    SELECT %(partnership)s, %(agency)s, %(batch)s, %(account)s, %(synthetic)s, s.import_row, s.local_ref,
        s.source_grade, s.assessment, coalesce(s.handling, 'P'), s.handling_conditions, s.basis, s.record_id,
        peer.peer_group_id, person.person_id, s.joined_on, s.left_on
      FROM pg_temp.staged_peer_group s
      JOIN peer ON peer.local_ref = s.local_ref
      CROSS JOIN LATERAL (SELECT p.person_id FROM placewise.person p WHERE p.local_ref = s.member_ref
        ORDER BY p.source_agency <> %(agency)s, p.recorded_at LIMIT 1) person
     WHERE s.member_ref IS NOT NULL
    ON CONFLICT (partnership_id, peer_group_member_id) DO NOTHING
    RETURNING import_row),
added AS (SELECT import_row FROM new_group UNION SELECT import_row FROM new_member)
{ACCEPTED}
"""  # noqa: S608 - constants of this module


def _end(side: str, kind: str, table: str, key: str) -> str:
    return (
        f"(SELECT t.{key} FROM placewise.{table} t WHERE s.{side}_kind = '{kind}' AND t.local_ref = s.{side}_ref"  # noqa: S608  only constants are put in
        " ORDER BY t.source_agency <> %(agency)s, t.recorded_at LIMIT 1)"
    )


_ENDS = ", ".join(
    _end(side, kind, table, key)
    for side in ("from", "to")
    for kind, table, key in (
        ("person", "person", "person_id"),
        ("group", "peer_group", "peer_group_id"),
        ("place", "place", "place_id"),
    )
)

LINK = f"""
WITH added AS (
    INSERT INTO placewise.link (partnership_id, source_agency, import_batch_id, recorded_by, synthetic, import_row,
        local_ref, source_grade, assessment, handling, handling_conditions, basis, link_id, content_digest,
        from_person, from_group, from_place, to_person, to_group, to_place, type, strength, first_seen, last_seen,
        expires_on)
    SELECT %(partnership)s, %(agency)s, %(batch)s, %(account)s, %(synthetic)s, s.import_row, s.local_ref,
        s.source_grade, s.assessment, coalesce(s.handling, 'P'), s.handling_conditions, s.basis, s.record_id,
        s.content_digest, {_ENDS}, s.type, s.strength, s.first_seen, coalesce(s.last_seen, s.first_seen),
        coalesce(s.expires_on, coalesce(s.last_seen, s.first_seen) + 365)
      FROM pg_temp.staged_link s
    ON CONFLICT (partnership_id, link_id) DO NOTHING
    RETURNING import_row)
{ACCEPTED}
"""  # noqa: S608 - constants of this module

LINK_EVIDENCE = """
INSERT INTO placewise.link_evidence (partnership_id, link_id, event_id, note)
SELECT %(partnership)s, s.record_id, evidence.event_id, evidence.note
  FROM pg_temp.staged_link s
  CROSS JOIN LATERAL (
    SELECT (SELECT e.event_id FROM placewise.event e
             WHERE e.local_ref = ref AND e.kind NOT IN ('recorded_crime', 'stop_search')
             ORDER BY e.source_agency <> %(agency)s, e.recorded_at LIMIT 1) AS event_id, NULL::text AS note
      FROM unnest(s.evidence_refs) ref
    UNION ALL SELECT NULL, s.evidence_note WHERE length(btrim(s.evidence_note)) > 0) evidence
 WHERE s.import_row <@ %(accepted)s::int4multirange
"""

PERSON_INSERTS = (PERSON, IDENTITIES)
GROUP_INSERTS = (GROUP,)
LINK_INSERTS = (LINK, LINK_EVIDENCE)
