"""Deliberate breakages of the wall, one at a time; the lint, the oracle or an attack must notice each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A name, and what it does to the database; ``old`` is replaced by ``new`` in the thing it names."""

    name: str
    sql: str = ""
    undo: str = ""
    function: str = ""
    policy: tuple[str, str] = ("", "")
    old: str = ""
    new: str = ""

    @contextmanager
    def broken(self, admin: Any) -> Iterator[None]:
        """Break, then mend."""
        with admin.cursor() as cursor:
            break_it, mend = self._statements(cursor)
            cursor.execute(break_it)
        admin.commit()
        try:
            yield
        finally:
            admin.rollback()
            with admin.cursor() as cursor:
                cursor.execute(mend)
            admin.commit()

    def _statements(self, cursor: Any) -> tuple[str, str]:
        if self.function:
            cursor.execute("SELECT pg_get_functiondef(%s::regprocedure)", (self.function,))
            text = str(cursor.fetchone()[0])
            assert self.old in text, f"{self.name}: the function no longer contains {self.old!r}"
            return text.replace(self.old, self.new), text
        if self.policy[0]:
            name, table = self.policy
            cursor.execute(
                "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = %s AND polrelid = %s::regclass",
                (name, table),
            )
            text = str(cursor.fetchone()[0])
            assert self.old in text, f"{self.name}: {text} no longer contains {self.old!r}"
            head = f"ALTER POLICY {name} ON {table} USING "
            return head + f"({text.replace(self.old, self.new)})", head + f"({text})"
        return self.sql, self.undo


TENANT = """USING (partnership_id = (SELECT guard.partnership()))
    WITH CHECK (partnership_id = (SELECT guard.partnership()))"""
BACKEND = "part[5] IS DISTINCT FROM pg_backend_pid()::text"
MOMENT = "part[6] IS DISTINCT FROM extract(epoch FROM transaction_timestamp())::text"
OWN_RUNS = "((SELECT guard.holds(7)) AND saved_by = (SELECT guard.account()))"


def _evidence_mutants() -> Iterator[Mutant]:
    for table in ("person", "peer_group", "link", "place", "event"):
        policy = ("readers_read" if table in ("place", "event") else "panel_reads", f"placewise.{table}")
        # A peer group's or person's own policy is what hides the links to it; each must stand by itself.
        yield Mutant(f"{table}: handling C ignored", policy=policy, old="handling = 'P'::text", new="true")
        yield Mutant(
            f"{table}: release to another agency ignored",
            policy=policy,
            old="= ANY (release_to)",
            new="= ANY ('{}'::uuid[])",
        )
        yield Mutant(f"{table}: restriction ignored", policy=policy, old="NOT restricted", new="true")
        yield Mutant(
            f"{table}: partner members shut out", policy=policy, old="guard.holds(15)", new="guard.holds(7)"
        )
        if table != "link":  # hidden behind a second fence: auditors and administrators see neither end
            yield Mutant(
                f"{table}: auditors let in", policy=policy, old="guard.holds(15)", new="guard.holds(47)"
            )
            yield Mutant(
                f"{table}: administrators let in", policy=policy, old="guard.holds(15)", new="guard.holds(79)"
            )
        yield Mutant(
            f"{table}: tenant fence dropped",
            f"DROP POLICY tenant ON placewise.{table}",
            f"CREATE POLICY tenant ON placewise.{table} AS RESTRICTIVE TO placewise_app {TENANT}",
        )
        yield Mutant(
            f"{table}: row-level security off",
            f"ALTER TABLE placewise.{table} DISABLE ROW LEVEL SECURITY",
            f"ALTER TABLE placewise.{table} ENABLE ROW LEVEL SECURITY",
        )


MUTANTS = [
    *_evidence_mutants(),
    Mutant(
        "event: task members see every place's events",
        policy=("readers_read", "placewise.event"),
        old="place_id IN",
        new="true OR place_id IN",
    ),
    Mutant(
        "link: hidden ends shown",
        policy=("both_ends_visible", "placewise.link"),
        old="(from_person IS NULL)",
        new="true",
    ),
    Mutant(
        "link_evidence: hidden links shown",
        policy=("with_link", "placewise.link_evidence"),
        old="(EXISTS ( SELECT",
        new="(true OR EXISTS ( SELECT",
    ),
    Mutant(
        "link_evidence: hidden events shown",
        policy=("with_link", "placewise.link_evidence"),
        old="(event_id IS NULL)",
        new="true",
    ),
    Mutant(
        "FORCE off",
        "ALTER TABLE placewise.event NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE placewise.event FORCE ROW LEVEL SECURITY",
    ),
    Mutant(
        "signature not checked",
        function="guard.claim(integer)",
        old="IS DISTINCT FROM part[7]",
        new="IS NULL",
    ),
    Mutant(
        "identity not bound to its transaction",
        function="guard.claim(integer)",
        old=f"OR {MOMENT}",
        new="",
    ),
    Mutant(
        "identity not bound to its backend",
        function="guard.claim(integer)",
        old=f"{BACKEND}\n       OR {MOMENT}",
        new="false",
    ),
    Mutant(
        "partnership of the membership not checked",
        function="guard.open(text,uuid)",
        old="AND m.partnership_id = partnership",
        new="",
    ),
    Mutant(
        "ended grants honoured",
        function="guard.granted_places()",
        old="g.until > clock_timestamp()",
        new="true",
    ),
    Mutant(
        "grants of others honoured",
        function="guard.granted_places()",
        old="g.account_id = guard.account()",
        new="true",
    ),
    Mutant(
        "place grants for every role", function="guard.granted_places()", old="AND guard.holds(16)", new=""
    ),
    Mutant(
        "ended record grants honoured",
        function="guard.granted_records()",
        old="g.until > clock_timestamp()",
        new="true",
    ),
    Mutant(
        "record grants of others honoured",
        function="guard.granted_records()",
        old="g.account_id = guard.account()",
        new="true",
    ),
    Mutant(
        "identity function IMMUTABLE",
        "ALTER FUNCTION guard.claim(integer) IMMUTABLE",
        "ALTER FUNCTION guard.claim(integer) STABLE",
    ),
    Mutant(
        "search_path left open",
        "ALTER FUNCTION guard.open(text, uuid) RESET search_path",
        "ALTER FUNCTION guard.open(text, uuid) SET search_path = pg_catalog, pg_temp",
    ),
    Mutant("login may bypass", "ALTER ROLE placewise_app BYPASSRLS", "ALTER ROLE placewise_app NOBYPASSRLS"),
    Mutant(
        "login in the owner's role",
        "GRANT placewise_owner TO placewise_app",
        "REVOKE placewise_owner FROM placewise_app",
    ),
    Mutant(
        "vault readable",
        "GRANT SELECT ON placewise.identity TO placewise_app",
        "REVOKE SELECT ON placewise.identity FROM placewise_app",
    ),
    Mutant(
        "DELETE granted",
        "GRANT DELETE ON placewise.event TO placewise_app",
        "REVOKE DELETE ON placewise.event FROM placewise_app",
    ),
    Mutant(
        "view without security_invoker",
        "CREATE VIEW placewise.leak AS SELECT * FROM placewise.event",
        "DROP VIEW placewise.leak",
    ),
    Mutant(
        "materialised view",
        "CREATE MATERIALIZED VIEW placewise.leak AS SELECT 1 AS a",
        "DROP MATERIALIZED VIEW placewise.leak",
    ),
    Mutant(
        "pages may start sessions",
        "GRANT EXECUTE ON FUNCTION guard.start_session(uuid, bytea, integer, integer) TO placewise_app",
        "REVOKE EXECUTE ON FUNCTION guard.start_session(uuid, bytea, integer, integer) FROM placewise_app",
    ),
    Mutant(
        "activity readable",
        "GRANT EXECUTE ON FUNCTION pg_stat_get_activity(integer) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION pg_stat_get_activity(integer) FROM PUBLIC",
    ),
    Mutant(
        "new table without policies",
        "CREATE TABLE placewise.forgotten (partnership_id uuid PRIMARY KEY)",
        "DROP TABLE placewise.forgotten",
    ),
    Mutant(
        "saved runs in another's name",
        "ALTER POLICY editors_save ON placewise.saved_run WITH CHECK ((SELECT guard.holds(7)))",
        f"ALTER POLICY editors_save ON placewise.saved_run WITH CHECK {OWN_RUNS}",
    ),
]
