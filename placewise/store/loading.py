"""Brings checked columns in: stage, match references, insert, and give every row its fate.

The caller opens one session for one file, so an import is one transaction to its readers: killed half-way
it leaves nothing. A record's id is made of what names it in its source, so that a file sent twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.errors import UniqueViolation
from psycopg2.extras import Json, execute_values

from placewise.core.errors import NotFound
from placewise.core.scope import IMPORTERS
from placewise.store.copying import Column, Staged, copy_columns, staged
from placewise.store.session import Session, Statement
from placewise.store.targets import TARGETS, Insert, Target

RECORD_KEY = "SELECT guard.record_key()"
STAGE = "SELECT column_name, type FROM guard.stage(%s, %s)"
PATIENCE = """
SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '10min';
SET LOCAL idle_in_transaction_session_timeout = '2min'
"""
# One import at a time in a partnership: the second sees what the first brought in, and neither can block the other
# half-way through the same records.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('placewise import ' || %s, 0))"
FIND_AGENCY = "SELECT agency_id FROM placewise.agency WHERE code = %s"
LIST_AGENCIES = "SELECT code FROM placewise.agency ORDER BY code"
PARTNERSHIP_IS_SYNTHETIC = "SELECT synthetic FROM placewise.partnership"
BEGIN_BATCH = """
INSERT INTO placewise.import_batch (partnership_id, layout, source_agency, file_name, file_sha256, file_bytes,
    imported_by, software_version, synthetic)
VALUES (%(partnership)s, %(layout)s, %(agency)s, %(file_name)s, %(sha256)s, %(bytes)s, %(account)s, %(version)s,
    %(synthetic)s)
RETURNING import_batch_id
"""
ADD_FATES = """
UPDATE placewise.import_batch SET rows_read = rows_read + %(read)s,
    accepted = accepted + %(accepted)s::int4multirange,
    duplicate = duplicate + %(held)s::int4multirange + %(again)s::int4multirange,
    refused_count = refused_count + %(refused)s
 WHERE import_batch_id = %(batch)s
"""
SAVE_SUMMARY = "UPDATE placewise.import_batch SET summary = %s, header = %s WHERE import_batch_id = %s"
SAVE_REFUSALS = """
INSERT INTO placewise.import_refusal
    (partnership_id, import_batch_id, row_number, ordinal, column_name, code, message, cells) VALUES %s
"""
COUNTS = """
SELECT rows_read, refused_count,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(accepted) r),
    (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(duplicate) r)
  FROM placewise.import_batch WHERE import_batch_id = %s
"""
# What identifies a staged row: always copied, never a default.
KEYS = frozenset({"import_row", "record_id"})
BEFORE, BACK, ON = "SAVEPOINT chunk", "ROLLBACK TO SAVEPOINT chunk", "RELEASE SAVEPOINT chunk"
REMOVE_HELD = sql.SQL("DELETE FROM pg_temp.{} WHERE import_row <@ %s::int4multirange")
REMOVE_STAGED = sql.SQL("DELETE FROM pg_temp.{} WHERE import_row = ANY (%s)")
OTHERS = sql.SQL(
    "SELECT coalesce(range_agg(int4range(import_row, import_row, '[]')), '{{}}')::text FROM pg_temp.{} s"
    " WHERE NOT s.import_row <@ %(but)s::int4multirange"
)
# Looked up row by row, here and wherever a staged row finds its record: the planner's statistics know nothing of tables
# that are being filled, and a join planned for an empty one reads all of it for every row.
CHANGED = sql.SQL("""
SELECT s.import_row FROM pg_temp.{staged} s
 CROSS JOIN LATERAL (SELECT t.content_digest FROM placewise.{table} t
    WHERE t.partnership_id = %(partnership)s AND t.{id} = s.record_id OFFSET 0) held
 WHERE held.content_digest <> s.content_digest  -- NULL on either side: nothing to compare
""")
COUNT_HELD = sql.SQL("""
SELECT count(*) FROM pg_temp.{staged} s
 CROSS JOIN LATERAL (SELECT FROM placewise.{table} t
    WHERE t.partnership_id = %(partnership)s AND t.{id} = s.record_id OFFSET 0) held
""")


class Refused(Protocol):
    """One fault of one row, as intake states it."""

    @property
    def row(self) -> int: ...  # noqa: D102  named for what it is
    @property
    def column(self) -> str: ...  # noqa: D102  named for what it is
    @property
    def code(self) -> str: ...  # noqa: D102  named for what it is
    @property
    def message(self) -> str: ...  # noqa: D102  named for what it is
    @property
    def cells(self) -> tuple[str, ...]: ...  # noqa: D102  named for what it is


class Checked(Protocol):
    """A batch of rows as intake hands it on; ``intake.batch.CheckedBatch`` says what each part holds."""

    @property
    def columns(self) -> Mapping[str, Column]: ...  # noqa: D102  named for what it is
    @property
    def row_numbers(self) -> NDArray[np.int64]: ...  # noqa: D102  named for what it is
    @property
    def record_ids(self) -> NDArray[np.void]: ...  # noqa: D102  named for what it is
    @property
    def content_digests(self) -> list[bytes | None]: ...  # noqa: D102  named for what it is
    @property
    def repeats(self) -> NDArray[np.bool_]: ...  # noqa: D102  named for what it is
    def cells_of(self, row: int) -> tuple[str, ...]: ...  # noqa: D102  named for what it is


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal found only against the database: an unknown reference, or a record that says otherwise."""

    row: int
    column: str
    code: str
    message: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is recorded of a file besides its rows."""

    layout: str
    agency: str
    file_name: str
    sha256: bytes
    size_bytes: int
    software_version: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How the rows of a batch ended; they add up to the rows read."""

    read: int
    accepted: int
    duplicate: int
    refused: int


@dataclass(slots=True)
class Load:
    """One file being brought in, within one session."""

    session: Session
    target: Target
    batch_id: UUID
    params: dict[str, Any]
    met_held: bool = False

    def add(self, batch: Checked) -> list[Fault]:
        """Load one batch of checked rows; the faults that only the database could find."""
        if not len(batch.row_numbers):
            return []
        chunk, faults, rows = self._stage(batch)
        accepted, held = self._insert(chunk, rows)
        again = set(batch.row_numbers[batch.repeats].tolist()) - {fault.row for fault in faults}
        self._fates(accepted, held, _multirange(again), refused=0, read=0)
        return faults

    def rehearse(self, batch: Checked) -> tuple[list[Fault], int]:
        """Faults that ``add`` would find, and how many of the other rows are held already; nothing is stored.

        Records that the person may not see count as not held, and so do boundaries, which are known by code
        and year.
        """
        if not len(batch.row_numbers):
            return [], 0
        faults = self._stage(batch)[1]
        (held,) = self.session.row(COUNT_HELD.format(**self._names), self.params) or (0,)
        return faults, int(held)

    @property
    def _names(self) -> dict[str, sql.Identifier]:
        table = self.target.table
        named = {"staged": self.target.staged, "table": table, "id": f"{table}_id"}
        return {name: sql.Identifier(what) for name, what in named.items()}

    def _stage(self, batch: Checked) -> tuple[Staged, list[Fault], set[int]]:
        """Stage a batch and take out what is at fault or came earlier in the file; faults, and the rows left."""
        given = {
            **self.target.rename(batch.columns),
            "import_row": batch.row_numbers,
            "record_id": batch.record_ids,
        }
        if self.target.has_digest:
            given["content_digest"] = batch.content_digests
        chunk = staged(given, keys=KEYS)
        types = dict(self.session.rows(STAGE, (self.target.name, Json(dict(chunk.fixed)))))
        # In the order of their ids, rows meet in the same pages of the primary key: a quarter less work for it.
        order = np.argsort(batch.record_ids.view(">u8")[::2], kind="stable").tolist()
        copy_columns(self.session.cursor, self.target.staged, chunk.varying, types=types, order=order)
        repeated = set(batch.row_numbers[batch.repeats].tolist())
        faults = self._faults(chunk, repeated, batch.cells_of)
        gone = {fault.row for fault in faults} | repeated
        self._remove(gone)
        return chunk, faults, set(batch.row_numbers.tolist()) - gone

    def refuse(self, refusals: Sequence[Refused], *, rows_read: int) -> None:
        """Store refusals of a chunk and count the rows it read."""
        counted: dict[int, int] = {}
        rows = []
        for fault in refusals:
            ordinal = counted[fault.row] = counted.get(fault.row, 0) + 1
            rows.append(
                (
                    self.params["partnership"],
                    self.batch_id,
                    fault.row,
                    ordinal,
                    fault.column,
                    fault.code,
                    fault.message,
                    list(fault.cells),
                )
            )
        if rows:
            execute_values(self.session.cursor, SAVE_REFUSALS, rows)
        self._fates("{}", "{}", "{}", refused=len(counted), read=rows_read)

    def finish(self, summary: list[dict[str, Any]], *, header: tuple[str, ...]) -> Counts:
        """Store what is said aloud about the batch, and the file's column names; its counts."""
        self.session.run(SAVE_SUMMARY, (Json(summary), list(header), self.batch_id))
        row = self.session.row(COUNTS, (self.batch_id,))
        if row is None:
            raise NotFound("The import's own batch is not visible.")
        read, refused, accepted, duplicate = map(int, row)
        self.session.note(
            object_id=self.batch_id,
            count=accepted,
            layout=self.params["layout"],
            sha256=self.params["sha256"].hex(),
        )
        return Counts(read, accepted, duplicate, refused)

    def _faults(
        self, chunk: Staged, repeated: set[int], cells_of: Callable[[int], tuple[str, ...]]
    ) -> list[Fault]:
        faults = []
        for check in self.target.checks:
            if check.column in chunk:
                for row, value in self.session.rows(check.statement, self.params):
                    message = check.message.format(value=value)
                    faults.append(Fault(row, check.column, check.code, message, cells_of(row)))
        if "content_digest" in chunk:
            for (row,) in self.session.rows(CHANGED.format(**self._names), self.params):
                if row not in repeated:
                    faults.append(Fault(row, "", "differs-from-held", DIFFERS, cells_of(row)))
        return faults

    def _remove(self, rows: set[int]) -> None:
        if rows:
            self.session.run(REMOVE_STAGED.format(sql.Identifier(self.target.staged)), (sorted(rows),))

    def _insert(self, chunk: Staged, rows: set[int]) -> tuple[str, str]:
        """Insert what is staged; accepted rows and rows already held, as multiranges of row numbers."""
        first, *rest = self.target.inserts
        if self.target.held is None:
            accepted = self._ranges(first.statement, self.params)
            held = self._ranges(OTHERS.format(sql.Identifier(self.target.staged)), {"but": accepted})
        elif not self.met_held and self._all_new(first):
            accepted, held = _multirange(rows), "{}"
        else:
            self.met_held = True
            held = self._ranges(self.target.held, {})
            accepted = self._ranges(OTHERS.format(sql.Identifier(self.target.staged)), {"but": held})
            self._remove_held(held)
            self.session.run(first.statement, self.params)
        for further in rest:
            if further.matters(chunk):
                self.session.run(further.statement, self.params | {"accepted": accepted})
        return accepted, held

    def _all_new(self, insert: Insert) -> bool:
        """Whether all that is staged could be inserted; nothing was when one record is held already.

        Most files bring only new records or only known ones. Looking each up first would cost a tenth of the import.
        """
        self.session.run(BEFORE)
        try:
            self.session.run(insert.statement, self.params)
        except UniqueViolation:
            self.session.run(BACK)
            return False
        self.session.run(ON)
        return True

    def _remove_held(self, held: str) -> None:
        if held != "{}":
            self.session.run(REMOVE_HELD.format(sql.Identifier(self.target.staged)), (held,))

    def _ranges(self, statement: Statement, params: Mapping[str, Any]) -> str:
        return str((self.session.row(statement, params) or ("{}",))[0])

    def _fates(self, accepted: str, held: str, again: str, *, refused: int, read: int) -> None:
        self.session.run(
            ADD_FATES,
            {
                "read": read,
                "accepted": accepted,
                "held": held,
                "again": again,
                "refused": refused,
                "batch": self.batch_id,
            },
        )


def _multirange(rows: Iterable[int]) -> str:
    """Row numbers as PostgreSQL writes them; it joins those that meet."""
    numbers = np.array(sorted(rows), dtype=np.int64)
    if not numbers.size:
        return "{}"
    breaks = np.flatnonzero(np.diff(numbers) > 1)
    firsts = numbers[np.concatenate(([0], breaks + 1))].tolist()
    lasts = numbers[np.concatenate((breaks, [numbers.size - 1]))].tolist()
    return "{" + ",".join(f"[{first},{last}]" for first, last in zip(firsts, lasts, strict=True)) + "}"


DIFFERS = (
    "This record is already held and says something else. Nothing was changed: edit it on its own page, "
    "or give the row a new reference if it is a different record."
)


def record_key(session: Session) -> bytes:
    """Key with which an importer's records are named; see ``intake.identity``."""
    (key,) = session.row(RECORD_KEY) or (None,)
    if key is None:
        raise NotFound("There is no key to name records with. The database was not migrated as a whole.")
    return bytes(key)


def begin_rehearsal(session: Session, target: str) -> Load:
    """Begin one file's ``rehearse`` in a session; it has no batch and stores nothing."""
    session.require(IMPORTERS)
    return Load(session, TARGETS[target], UUID(int=0), {"partnership": session.scope.partnership_id})


def be_patient(session: Session) -> None:
    """Let this transaction wait for a file to be read: the time limits of a page are too short for it."""
    session.run(PATIENCE)


def begin_load(session: Session, target: str, facts: FileFacts) -> Load:
    """Begin one file's import in a session.

    Raises
    ------
    NotAllowed
        The person may not import.
    NotFound
        The partnership has no such agency; the message lists its agencies.
    """
    session.require(IMPORTERS)
    be_patient(session)
    session.row(TAKE_TURN, (str(session.scope.partnership_id),))
    agency = session.row(FIND_AGENCY, (facts.agency,))
    if agency is None:
        known = ", ".join(code for (code,) in session.rows(LIST_AGENCIES))
        raise NotFound(f"This partnership has no agency {facts.agency!r}. It has: {known}.")
    (synthetic,) = session.row(PARTNERSHIP_IS_SYNTHETIC) or (False,)
    params: dict[str, Any] = {
        "partnership": session.scope.partnership_id,
        "agency": agency[0],
        "account": session.account_id,
        "layout": facts.layout,
        "file_name": facts.file_name,
        "sha256": facts.sha256,
        "bytes": facts.size_bytes,
        "version": facts.software_version,
        "synthetic": synthetic,
    }
    row = session.row(BEGIN_BATCH, params)
    if row is None:
        raise NotFound("The import's own batch is not visible.")
    params["batch"] = row[0]
    return Load(session, TARGETS[target], row[0], params)
