"""Two partnerships of random members and records, and who may see what, worked out without the database's policies."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extras import execute_values, register_uuid

register_uuid()

PANEL, READERS = 15, 31
ROLES = [1, 2, 4, 8, 16, 32, 64, 8 | 16, 4 | 32, 2 | 64]


@dataclass
class Member:
    account: uuid.UUID
    token: str
    partnership: uuid.UUID
    agency: uuid.UUID
    roles: int
    places: set[uuid.UUID] = field(default_factory=set)
    records: set[uuid.UUID] = field(default_factory=set)


@dataclass
class Record:
    id: uuid.UUID
    partnership: uuid.UUID
    agency: uuid.UUID
    handling: str
    release_to: list[uuid.UUID]
    restricted: bool
    recorded_by: uuid.UUID
    place: uuid.UUID | None = None
    ends: tuple[uuid.UUID, ...] = ()
    evidence: uuid.UUID | None = None
    cites: uuid.UUID | None = None


@dataclass
class World:
    """What was put into the database, kept in Python beside it."""

    members: list[Member]
    places: list[Record]
    events: list[Record]
    people: list[Record]
    groups: list[Record]
    links: list[Record]

    def handled(self, m: Member, r: Record) -> bool:
        open_to = r.handling == "P" or r.agency == m.agency or m.agency in r.release_to
        return open_to or r.recorded_by == m.account

    def named(self, m: Member, r: Record) -> bool:
        return not r.restricted or (r.id in m.records and m.roles & READERS != 0)

    def sees_panel_record(self, m: Member, r: Record) -> bool:
        return (
            r.partnership == m.partnership
            and m.roles & PANEL != 0
            and self.handled(m, r)
            and self.named(m, r)
        )

    def sees_place(self, m: Member, r: Record) -> bool:
        granted = m.roles & 16 != 0 and r.id in m.places
        mine = r.partnership == m.partnership and (m.roles & PANEL != 0 or granted)
        return mine and self.handled(m, r) and self.named(m, r)

    def sees_event(self, m: Member, r: Record) -> bool:
        granted = m.roles & 16 != 0 and r.place is not None and r.place in m.places
        mine = r.partnership == m.partnership and (m.roles & PANEL != 0 or granted)
        return mine and self.handled(m, r) and self.named(m, r)

    def visible(self, m: Member) -> dict[str, set[uuid.UUID]]:
        """Ids that this member must see, table by table."""
        people = {r.id for r in self.people if self.sees_panel_record(m, r)}
        places = {r.id for r in self.places if self.sees_place(m, r)}
        groups = {r.id for r in self.groups if self.sees_panel_record(m, r)}
        ends = people | places | groups
        links = {
            r.id
            for r in self.links
            if self.sees_panel_record(m, r) and (r.recorded_by == m.account or set(r.ends) <= ends)
        }
        events = {r.id for r in self.events if self.sees_event(m, r)}
        evidence = {r.evidence for r in self.links if r.id in links and r.cites in events and r.evidence}
        return {
            "person": people,
            "place": places,
            "peer_group": groups,
            "link": links,
            "event": events,
            "link_evidence": evidence,
        }


def build(admin: Any, *, seed: int = 7, members: int = 24, records: int = 60) -> World:
    """Fill an empty migrated database through the superuser."""
    chance = random.Random(seed)
    world = World([], [], [], [], [], [])
    with admin.cursor() as cursor:
        for number in (1, 2):
            _partnership(cursor, chance, world, number, members, records)
    admin.commit()
    return world


def _partnership(
    cursor: Any, chance: random.Random, world: World, number: int, members: int, records: int
) -> None:
    cursor.execute(
        "INSERT INTO placewise.partnership (slug, name, synthetic) VALUES (%s, %s, true) RETURNING partnership_id",
        (f"fictional-{number}", f"Fictional {number}"),
    )
    p = uuid.UUID(str(cursor.fetchone()[0]))
    agencies = []
    for code in ("police", "care", "school"):
        cursor.execute(
            "INSERT INTO placewise.agency (partnership_id, code, name, kind) VALUES (%s, %s, %s, 'other')"
            " RETURNING agency_id",
            (p, code, code),
        )
        agencies.append(cursor.fetchone()[0])
    mine = [_member(cursor, chance, p, agencies, i) for i in range(members)]
    writer = mine[1].account
    world.members += mine

    def record(**more: Any) -> Record:
        handling = chance.choice("PPPC")
        released = [a for a in agencies if chance.random() < 0.2]
        by = chance.choice([writer, mine[2].account])
        return Record(
            uuid.uuid4(), p, chance.choice(agencies), handling, released, chance.random() < 0.15, by, **more
        )

    own = World(mine, *([record() for _ in range(records)] for _ in range(5)))
    for event in own.events:
        event.place = chance.choice(own.places).id if chance.random() < 0.7 else None
    for i, link in enumerate(own.links):
        a, b = chance.sample(own.people, 2)
        link.ends = (a.id, (b, chance.choice(own.places), chance.choice(own.groups))[i % 3].id)
        link.evidence, link.cites = uuid.uuid4(), chance.choice(own.events).id
    _store_all(cursor, chance, own, number)
    _grants(cursor, chance, mine, own.places, own.people + own.groups + own.events + own.links, p)
    for table in ("places", "events", "people", "groups", "links"):
        getattr(world, table).extend(getattr(own, table))


def _store_all(cursor: Any, chance: random.Random, own: World, number: int) -> None:
    def point() -> str:
        return f"SRID=27700;POINT({600000 + chance.random() * 1000} {300000 + chance.random() * 1000})"

    def ends(r: Record) -> list[uuid.UUID | None]:
        side = [{x.id for x in table} for table in (own.people, own.places, own.groups)]
        return [r.ends[0], *(r.ends[1] if r.ends[1] in ids else None for ids in side)]

    secret, day = f"SECRET-{number}", "2026-01-05"
    event = ("incident", day, day, "harm_there", "exact", secret)
    _store(cursor, "place", own.places, "name, location_type, online", lambda _: (secret, "park", True))
    _store(cursor, "person", own.people, "pseudonym, kind", lambda r: (f"Child {r.id}", "child"))
    _store(cursor, "peer_group", own.groups, "name", lambda _: (secret,))
    columns = "place_id, kind, occurred_from, occurred_to, relation, accuracy, summary, geom, radius_m"
    _store(cursor, "event", own.events, columns, lambda r: (r.place, *event, point(), 20))
    columns = "from_person, to_person, to_place, to_group, type, strength, first_seen, last_seen, expires_on"
    _store(
        cursor, "link", own.links, columns, lambda r: (*ends(r), "friend", "possible", day, day, "2027-01-05")
    )
    p = own.members[0].partnership
    add_evidence = (
        "INSERT INTO placewise.link_evidence (partnership_id, link_evidence_id, link_id, event_id) VALUES %s"
    )
    execute_values(cursor, add_evidence, [(p, r.evidence, r.id, r.cites) for r in own.links])
    add_identity = "INSERT INTO placewise.identity (partnership_id, person_id, given_name) VALUES %s"
    execute_values(cursor, add_identity, [(p, r.id, f"NAME-{number}") for r in own.people])


def _member(cursor: Any, chance: random.Random, p: uuid.UUID, agencies: list[uuid.UUID], i: int) -> Member:
    token = f"token-{p}-{i}"
    cursor.execute(
        "INSERT INTO guard.account (email, display_name) VALUES (%s, 'Someone') RETURNING account_id",
        (f"m{i}-{p}@example.invalid",),
    )
    account = cursor.fetchone()[0]
    member = Member(account, token, p, chance.choice(agencies), ROLES[i % len(ROLES)])
    cursor.execute(
        "INSERT INTO guard.membership (partnership_id, account_id, agency_id, roles) VALUES (%s, %s, %s, %s)",
        (p, account, member.agency, member.roles),
    )
    cursor.execute(
        "INSERT INTO guard.web_session (token_hash, account_id, idle, expires_at)"
        " VALUES (%s, %s, '1 hour', now() + '1 day')",
        (hashlib.sha256(token.encode()).digest(), account),
    )
    return member


def _store(cursor: Any, table: str, records: list[Record], columns: str, values: Any) -> None:
    execute_values(
        cursor,
        f"INSERT INTO placewise.{table} (partnership_id, {table}_id, source_agency, handling, handling_conditions,"
        f" release_to, restricted, recorded_by, {columns}) VALUES %s",
        [
            (
                r.partnership, r.id, r.agency, r.handling, "ask first" if r.handling == "C" else None, r.release_to,
                r.restricted, r.recorded_by, *values(r),
            )
            for r in records
        ],
        template="(%s, %s, %s, %s, %s, %s::uuid[], %s, %s" + ", %s" * len(columns.split(",")) + ")",
    )  # fmt: skip


def _grants(
    cursor: Any,
    chance: random.Random,
    members: list[Member],
    places: list[Record],
    others: list[Record],
    p: uuid.UUID,
) -> None:
    for member in members:
        for place in chance.sample(places, 5):
            ended = chance.random() < 0.3
            cursor.execute(
                "INSERT INTO guard.place_grant VALUES (%s, %s, %s, now() + %s::interval, 'task group')",
                (p, member.account, place.id, "-1 day" if ended else "1 day"),
            )
            if not ended:
                member.places.add(place.id)
        restricted = [r for r in places + others if r.restricted]
        for r in chance.sample(restricted, min(6, len(restricted))):
            ended = chance.random() < 0.3
            cursor.execute(
                "INSERT INTO guard.record_grant VALUES (%s, %s, %s, now() + %s::interval, 'named')",
                (p, member.account, r.id, "-1 day" if ended else "1 day"),
            )
            if not ended:
                member.records.add(r.id)


def disagreements(app: Any, world: World) -> Iterator[str]:
    """Every (member, table) for which the database shows other rows than the world says."""
    for member in world.members:
        expected = world.visible(member)
        with app.cursor() as cursor:
            try:
                cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
                for table, ids in expected.items():
                    cursor.execute(f"SELECT {table}_id FROM placewise.{table}")
                    shown = {row[0] for row in cursor.fetchall()}
                    if shown != ids:
                        more, fewer = len(shown - ids), len(ids - shown)
                        yield f"roles {member.roles}: {table} shows {more} too many, {fewer} too few"
            except psycopg2.Error as problem:
                yield f"roles {member.roles}: {problem}"
        app.rollback()
