"""Brings one file in: reads, checks, loads and gives every row its fate, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from uuid import UUID

import placewise
from placewise.core.errors import ImportCancelled
from placewise.core.scope import Action, Scope
from placewise.intake.batch import Refusal
from placewise.intake.engine import Check, Preview, Progress, preview, read_and_check
from placewise.intake.findings import Finding
from placewise.intake.layouts import Layout
from placewise.intake.limits import Limits
from placewise.intake.refusals import write_refusals
from placewise.intake.run import Context
from placewise.store.imports import area_codes, extent, get_batch, list_refusals
from placewise.store.loading import Counts, FileFacts, Load, begin_load, begin_rehearsal, record_key
from placewise.store.session import Database, Session

_HASH_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sending:
    """A file as it was sent.

    Attributes
    ----------
    path : Path
        Where it lies, at a path of our own making or the operator's.
    layout : Layout
        What its columns should be.
    agency : str
        Code of the agency it comes from.
    limits : Limits
        For an upload or for the command line.
    name : str
        The name its sender gave it.
    answers : Mapping of str to str
        Answers to questions, by finding code.
    """

    path: Path
    layout: Layout
    agency: str
    limits: Limits
    name: str
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an import ended."""

    batch_id: UUID
    counts: Counts
    findings: list[Finding]


def look_at(session: Session, sending: Sending, *, on_progress: Progress | None = None) -> Preview:
    """Read and check a whole file, also against what is held, and keep nothing.

    Raises
    ------
    SandboxUnavailable
        This machine cannot lock the reader in.
    """
    return preview(
        sending.path,
        sending.layout,
        context=_context(session, sending),
        limits=sending.limits,
        name=sending.name,
        on_progress=on_progress,
        rehearse=begin_rehearsal(session, sending.layout.target.value).rehearse,
    )


def bring_in(
    database: Database,
    scope: Scope,
    sending: Sending,
    *,
    on_progress: Progress | None = None,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Outcome:
    """Import a file as one transaction.

    Parameters
    ----------
    may_go_on : callable
        Asked after each chunk; when it says no the import is cancelled and leaves nothing.

    Raises
    ------
    ImportCancelled
        ``may_go_on`` said no.
    FileRefused, QuestionsOpen
        Nothing was stored; the message says what to do.
    NotAllowed, NotFound, RuleBroken
        The role, the agency or a rule of the database stands against it; nothing was stored.
    """
    digest = _sha256(sending.path)
    with database.session(scope, Action.COLLECT_FILE) as session:
        check = read_and_check(
            sending.path,
            sending.layout,
            context=_context(session, sending),
            limits=sending.limits,
            name=sending.name,
            on_progress=on_progress,
        )
        load = _load(session, sending, check, digest, may_go_on)
        findings = check.findings
        said = [{"code": f.code, "message": f.message, "count": f.count} for f in findings]
        return Outcome(load.batch_id, load.finish(said, header=check.header), findings)


def hand_back(database: Database, scope: Scope, batch_id: UUID, out: TextIO) -> int:
    """Write an import's refused rows as a CSV that can be mended and sent again; the number of rows.

    The disclosure is in the audit log. ``out`` is opened with ``newline=""``.
    """
    with database.session(scope, Action.DISCLOSE_REFUSALS) as session:
        return write_batch_refusals(session, batch_id, out)


def write_batch_refusals(session: Session, batch_id: UUID, out: TextIO) -> int:
    """Write an import's refused rows within a session that is already open."""
    batch = get_batch(session, batch_id)
    refused = (Refusal(r.row, r.column, r.code, r.message, r.cells) for r in list_refusals(session, batch_id))
    rows = write_refusals(tuple(batch.header), refused, out)
    session.note(object_id=batch_id, count=rows)
    return rows


def _load(
    session: Session, sending: Sending, check: Check, digest: bytes, may_go_on: Callable[[], bool]
) -> Load:
    facts = FileFacts(
        layout=sending.layout.name,
        agency=sending.agency,
        file_name=sending.name,
        sha256=digest,
        size_bytes=sending.path.stat().st_size,
        software_version=placewise.__version__,
    )
    load = begin_load(session, sending.layout.target.value, facts)
    for batch in check:
        faults = load.add(batch)
        load.refuse([*batch.refusals, *check.with_shapes(faults, batch)], rows_read=batch.rows_read)
        if not may_go_on():
            raise ImportCancelled("The import was cancelled. Nothing of it was stored.")
    return load


def _context(session: Session, sending: Sending) -> Context:
    return Context(
        agency=sending.agency,
        now=datetime.now(UTC),
        known_areas=area_codes(session) or None,
        bounds_m=extent(session),
        answers=sending.answers,
        record_key=record_key(session),
    )


def _sha256(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.digest()
