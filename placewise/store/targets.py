"""How each kind of record goes from its staging table into the records: references, inserts.

The first insert of a target returns the accepted rows as a multirange of row numbers; the following ones
hang further rows on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from placewise.store.copying import Column, Staged
from placewise.store.targets_people import GROUP_INSERTS, LINK_INSERTS, PERSON_INSERTS

ACCEPTED = "SELECT coalesce(range_agg(int4range(import_row, import_row, '[]')), '{}')::text FROM added"


@dataclass(frozen=True, slots=True)
class Check:
    """Rows whose reference leads nowhere: a statement giving (row, value)."""

    column: str
    code: str
    message: str
    statement: str


@dataclass(frozen=True, slots=True)
class Insert:
    """A statement, and when it matters: always, with one of some columns, or for one kind of record."""

    statement: str
    needs: tuple[str, ...] = ()
    kind: str | None = None

    def matters(self, chunk: Staged) -> bool:
        """Whether these staged columns give it anything to do."""
        if self.kind is not None and not chunk.says("kind", self.kind):
            return False
        return not self.needs or any(column in chunk for column in self.needs)


@dataclass(frozen=True, slots=True)
class Target:
    """One staging table and what becomes of it.

    Attributes
    ----------
    name : str
        Name known to ``guard.stage``.
    table : str
        Table in schema ``placewise`` that holds the records.
    renamed : Mapping of str to str
        Columns that intake names otherwise than the staging table.
    dropped : frozenset of str
        Columns of intake that are not stored.
    checks, inserts : tuple
        Statements, run in order.
    has_digest : bool
        Whether the record keeps a digest of its content.
    held : str, optional
        Statement that gives the staged rows already held. The first insert then takes the other rows; without it,
        the first insert skips what is held by itself and returns what it took, which costs more a row.
    """

    name: str
    table: str
    inserts: tuple[Insert, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    checks: tuple[Check, ...] = ()
    has_digest: bool = True
    held: str | None = None

    @property
    def staged(self) -> str:
        """Name of the staging table."""
        return f"staged_{self.name}"

    def rename(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """Intake's columns under the staging table's names."""
        return {self.renamed.get(n, n): c for n, c in columns.items() if n not in self.dropped}


def _unknown(column: str, table: str, what: str) -> Check:
    return Check(
        column,
        "unknown-reference",
        f"No {what} with the reference {{value}} is held. Import the file it is in first, or correct the reference.",
        f"SELECT s.import_row, s.{column} FROM pg_temp.staged_event s WHERE s.{column} IS NOT NULL"  # noqa: S608 - constants
        f" AND NOT EXISTS (SELECT FROM placewise.{table} t WHERE t.local_ref = s.{column})",
    )


def _unknown_people(column: str) -> Check:
    return Check(
        column,
        "unknown-reference",
        "No person with the reference {value} is held. Import the people first, or correct the reference.",
        f"SELECT DISTINCT ON (s.import_row) s.import_row, r FROM pg_temp.staged_event s, unnest(s.{column}) r"  # noqa: S608  only constants are put in
        " WHERE NOT EXISTS (SELECT FROM placewise.person t WHERE t.local_ref = r)",
    )


# Each reference is looked up once, however many rows name it. It may be another agency's: one's own comes first, then
# the oldest. An area is that of its newest year.
_REFERRED = """
    place AS MATERIALIZED (SELECT DISTINCT ON (p.local_ref) p.local_ref, p.place_id FROM placewise.place p
        WHERE p.local_ref = ANY (ARRAY(SELECT DISTINCT r.place_ref FROM pg_temp.staged_event r))
        ORDER BY p.local_ref, p.source_agency <> %(agency)s, p.recorded_at),
    area AS MATERIALIZED (SELECT DISTINCT ON (b.code) b.code, b.boundary_id FROM placewise.boundary b
        WHERE b.code = ANY (ARRAY(SELECT DISTINCT r.area_code FROM pg_temp.staged_event r))
        ORDER BY b.code, b.vintage DESC)"""
_POINT = "CASE WHEN s.x IS NOT NULL THEN public.ST_SetSRID(public.ST_MakePoint(s.x, s.y), 27700) END"
_WKB = "public.ST_SetSRID(public.ST_GeomFromWKB(s.wkb), 27700)"

EVENTS = f"""
WITH {_REFERRED}
    INSERT INTO placewise.event (partnership_id, source_agency, import_batch_id, recorded_by, synthetic, import_row,
        local_ref, source_grade, assessment, handling, handling_conditions, basis, event_id, content_digest, kind,
        category, harm_types, occurred_from, occurred_to, reported_at, place_id, boundary_id, relation, accuracy,
        radius_m, geom, summary, marking)
    SELECT %(partnership)s, %(agency)s, %(batch)s, %(account)s, %(synthetic)s, s.import_row,
        s.local_ref, s.source_grade, s.assessment, coalesce(s.handling, 'P'), s.handling_conditions, s.basis,
        s.record_id, s.content_digest, s.kind, s.category, coalesce(s.harm_types, '{{}}'), s.occurred_from,
        s.occurred_to, s.reported_at, place.place_id, area.boundary_id, s.relation, s.accuracy, s.radius_m,
        {_POINT}, coalesce(s.summary, ''),
        CASE WHEN s.kind IN ('recorded_crime', 'stop_search') THEN 'OFFICIAL' ELSE 'OFFICIAL-SENSITIVE' END
      FROM pg_temp.staged_event s
      LEFT JOIN place ON place.local_ref = s.place_ref
      LEFT JOIN area ON area.code = s.area_code
"""  # noqa: S608 - constants of this module

HELD_EVENTS = "SELECT coalesce(range_agg(int4range(r, r, '[]')), '{}')::text FROM guard.held_events() r"

MISSING_EPISODES = """
INSERT INTO placewise.missing_episode (partnership_id, event_id, returned_at, risk, interview_offered_at,
    interview_completed_at, push_factors, pull_factors)
SELECT %(partnership)s, s.record_id, s.returned_at, s.risk, s.interview_offered_at, s.interview_completed_at,
    coalesce(s.push_factors, '{}'), coalesce(s.pull_factors, '{}')
  FROM pg_temp.staged_event s
 WHERE s.kind = 'missing_episode' AND s.import_row <@ %(accepted)s::int4multirange
"""

EVENT_PEOPLE = """
INSERT INTO placewise.event_person (partnership_id, event_id, person_id, role)
SELECT DISTINCT %(partnership)s::uuid, s.record_id, person.person_id, named.role
  FROM pg_temp.staged_event s
  CROSS JOIN LATERAL (
    SELECT ref, CASE WHEN s.kind = 'missing_episode' THEN 'missing_child' ELSE 'child_concerned' END AS role
      FROM unnest(s.children) ref
    UNION ALL SELECT ref, 'adult_concerned' FROM unnest(s.adults) ref) named
  CROSS JOIN LATERAL (SELECT p.person_id FROM placewise.person p WHERE p.local_ref = named.ref
    ORDER BY p.source_agency <> %(agency)s, p.recorded_at LIMIT 1) person
 WHERE s.import_row <@ %(accepted)s::int4multirange AND (s.children IS NOT NULL OR s.adults IS NOT NULL)
"""

PLACES = f"""
WITH added AS (
    INSERT INTO placewise.place (partnership_id, source_agency, import_batch_id, recorded_by, synthetic, import_row,
        local_ref, source_grade, assessment, handling, handling_conditions, basis, place_id, content_digest, name,
        aliases, location_type, place_role, status, online, geom, accuracy, radius_m, opening_hours, place_manager,
        guardianship, strengths)
    SELECT %(partnership)s, %(agency)s, %(batch)s, %(account)s, %(synthetic)s, s.import_row,
        s.local_ref, s.source_grade, s.assessment, coalesce(s.handling, 'P'), s.handling_conditions, s.basis,
        s.record_id, s.content_digest, s.name, coalesce(s.aliases, '{{}}'), s.location_type, s.place_role,
        coalesce(s.status, 'emerging_concern'), coalesce(s.online, false), coalesce({_WKB}, {_POINT}),
        coalesce(s.accuracy, 'exact'), s.radius_m, s.opening_hours, s.place_manager, s.guardianship, s.strengths
      FROM pg_temp.staged_place s
    ON CONFLICT (partnership_id, place_id) DO NOTHING
    RETURNING import_row)
{ACCEPTED}
"""  # noqa: S608 - constants of this module

# A boundary held without residents gets those of a file that has them; nothing else of it changes.
BOUNDARIES = f"""
WITH counted AS (
    UPDATE placewise.boundary b SET residents = s.residents, residents_year = s.residents_year
      FROM pg_temp.staged_boundary s
     WHERE (b.kind, b.code, b.vintage) = (s.kind, s.code, s.vintage)
       AND b.residents IS NULL AND s.residents IS NOT NULL
    RETURNING s.import_row),
  added AS (
    INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, residents, residents_year, geom,
        import_batch_id, import_row)
    SELECT %(partnership)s, s.kind, s.code, s.name, s.vintage, s.residents, s.residents_year,
        public.ST_Multi({_WKB}), %(batch)s, s.import_row
      FROM pg_temp.staged_boundary s
    ON CONFLICT (partnership_id, kind, code, vintage) DO NOTHING
    RETURNING import_row),
  either AS (SELECT import_row FROM counted UNION ALL SELECT import_row FROM added)
{ACCEPTED.replace("FROM added", "FROM either")}
"""  # noqa: S608 - constants of this module

OTHER_RESIDENTS = """
SELECT s.import_row, b.residents || ' of ' || b.residents_year
  FROM pg_temp.staged_boundary s JOIN placewise.boundary b USING (kind, code, vintage)
 WHERE (s.residents, s.residents_year) <> (b.residents, b.residents_year)
"""

STREETS = f"""
WITH added AS (
    INSERT INTO placewise.street (partnership_id, name, street_class, geom, street_id, import_batch_id, import_row)
    SELECT %(partnership)s, s.name, coalesce(s.street_class, 'minor'), public.ST_Multi({_WKB}), s.record_id,
        %(batch)s, s.import_row
      FROM pg_temp.staged_street s
    ON CONFLICT (partnership_id, street_id) DO NOTHING
    RETURNING import_row)
{ACCEPTED}
"""  # noqa: S608 - constants of this module

FEATURES = f"""
WITH added AS (
    INSERT INTO placewise.feature (partnership_id, kind, name, geom, feature_id, import_batch_id, import_row)
    SELECT %(partnership)s, s.kind, coalesce(s.name, ''), {_WKB}, s.record_id, %(batch)s, s.import_row
      FROM pg_temp.staged_feature s
    ON CONFLICT (partnership_id, feature_id) DO NOTHING
    RETURNING import_row)
{ACCEPTED}
"""  # noqa: S608 - constants of this module

_LINK_ENDS = {
    "person": "SELECT FROM placewise.person t WHERE t.local_ref = s.{side}_ref",
    "group": "SELECT FROM placewise.peer_group t WHERE t.local_ref = s.{side}_ref",
    "place": "SELECT FROM placewise.place t WHERE t.local_ref = s.{side}_ref",
}


def _unknown_end(side: str) -> Check:
    ends = " OR ".join(
        f"(s.{side}_kind = '{kind}' AND EXISTS ({sub.format(side=side)}))" for kind, sub in _LINK_ENDS.items()
    )
    return Check(
        f"{side}_ref",
        "unknown-reference",
        "Nothing of that kind with the reference {value} is held. Import people, groups and places before links.",
        f"SELECT s.import_row, s.{side}_ref FROM pg_temp.staged_link s WHERE NOT ({ends})",  # noqa: S608 - constants
    )


TARGETS: Mapping[str, Target] = {
    "events": Target(
        "event",
        "event",
        (
            Insert(EVENTS),
            Insert(MISSING_EPISODES, kind="missing_episode"),
            Insert(EVENT_PEOPLE, ("children", "adults")),
        ),
        held=HELD_EVENTS,
        renamed={
            "risk_grade": "risk",
            "return_interview_offered": "interview_offered_at",
            "return_interview_completed": "interview_completed_at",
            "push": "push_factors",
            "pull": "pull_factors",
        },
        checks=(
            _unknown("place_ref", "place", "place"),
            _unknown_people("children"),
            _unknown_people("adults"),
        ),
    ),
    "places": Target(
        "place", "place", (Insert(PLACES),), renamed={"geometry": "wkb"}, dropped=frozenset({"area_code"})
    ),
    "people": Target("person", "person", tuple(map(Insert, PERSON_INSERTS))),
    "groups": Target(
        "peer_group",
        "peer_group_member",
        tuple(map(Insert, GROUP_INSERTS)),
        renamed={"group_ref": "local_ref"},
        has_digest=False,
        checks=(
            Check(
                "member_ref",
                "unknown-reference",
                "No person with the reference {value} is held. Import the people first, or correct the reference.",
                "SELECT s.import_row, s.member_ref FROM pg_temp.staged_peer_group s WHERE s.member_ref IS NOT NULL"
                " AND NOT EXISTS (SELECT FROM placewise.person t WHERE t.local_ref = s.member_ref)",
            ),
        ),
    ),
    "links": Target(
        "link",
        "link",
        tuple(map(Insert, LINK_INSERTS)),
        checks=(
            _unknown_end("from"),
            _unknown_end("to"),
            Check(
                "evidence_refs",
                "unknown-reference",
                "No event with the reference {value} is held. Import the events first, or give an evidence note.",
                "SELECT DISTINCT ON (s.import_row) s.import_row, r"
                " FROM pg_temp.staged_link s, unnest(s.evidence_refs) r"
                " WHERE NOT EXISTS (SELECT FROM placewise.event t WHERE t.local_ref = r"
                " AND t.kind NOT IN ('recorded_crime', 'stop_search'))",
            ),
        ),
    ),
    "boundaries": Target(
        "boundary",
        "boundary",
        (Insert(BOUNDARIES),),
        renamed={"geometry": "wkb"},
        has_digest=False,
        checks=(
            Check(
                "residents",
                "differs-from-held",
                "This boundary is held with other residents ({value}), and they are not changed. Send newer figures "
                "with the boundaries of a newer year (vintage), all areas of the kind together.",
                OTHER_RESIDENTS,
            ),
        ),
    ),
    "streets": Target("street", "street", (Insert(STREETS),), renamed={"geometry": "wkb"}, has_digest=False),
    "features": Target(
        "feature", "feature", (Insert(FEATURES),), renamed={"geometry": "wkb"}, has_digest=False
    ),
}
