"""Runs an accepted import beside the page that started it; any worker process can say how far it is.

A lock on a file stands for the running import: the kernel lets go of it when its process ends, however it
ends, so an import that was killed is never taken for a running one.
"""

from __future__ import annotations

import fcntl
import json
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from placewise.core.errors import ImportCancelled, PlacewiseError
from placewise.core.scope import Scope
from placewise.intake.bring_in import Outcome, Sending, bring_in
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.store.session import Database
from placewise.web.uploads import Upload, Uploads, write_whole

#: Imports one process runs at a time; others wait their turn, so that pages keep their connections.
AT_ONCE = 2
_PROGRESS, _LOCK, _CANCEL = "progress.json", "lock", "cancel"
_NOTE_EVERY_S = 0.25
_BROKE_OFF = "The import stopped before it was done. Nothing of it was stored."
_UNEXPECTED = "Something went wrong that should not. Nothing was stored; the operator finds it in the log."

log = logging.getLogger("placewise.web")
_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is.

    Attributes
    ----------
    state : str
        ``ready``, ``running``, ``done``, ``cancelled``, ``failed`` or ``stopped`` (its process ended).
    bytes_read, bytes_total : int
        Of the file.
    batch_id : str
        Of the finished import.
    message : str
        Why it failed, for the person who started it.
    """

    state: str = "ready"
    bytes_read: int = 0
    bytes_total: int = 0
    batch_id: str = ""
    message: str = ""

    @property
    def percent(self) -> int:
        """Hundredths of the file read; 100 only when done, for the last rows take their time."""
        if self.state == "done":
            return 100
        return min(99, 100 * self.bytes_read // self.bytes_total) if self.bytes_total else 0

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state not in {"ready", "running"}


def start(uploads: Uploads, upload: Upload, *, database: Database, scope: Scope) -> None:
    """Begin bringing a file in as the person of ``scope``, unless that is happening or has happened already."""
    lock = _take(uploads, upload)
    if lock is None:
        return
    if _noted(uploads, upload).state == "done" or not uploads.file(upload).exists():
        lock.close()
        return
    (uploads.place(upload.upload_id) / _CANCEL).unlink(missing_ok=True)
    _note(uploads, upload, Progress("running", 0, upload.size_bytes))
    thread = threading.Thread(
        target=_run,
        args=(uploads, upload, database, scope, lock),
        name=f"import {upload.upload_id}",
        daemon=True,
    )
    thread.start()


def cancel(uploads: Uploads, upload: Upload) -> None:
    """Ask a running import to stop after the rows it has in hand."""
    (uploads.place(upload.upload_id) / _CANCEL).touch(mode=0o600)


def progress_of(uploads: Uploads, upload: Upload) -> Progress:
    """How far an import is, whichever process runs it."""
    noted = _noted(uploads, upload)
    if noted.state != "running" or _is_held(uploads, upload):
        return noted
    # It may have ended between the two looks.
    noted = _noted(uploads, upload)
    return Progress("stopped", message=_BROKE_OFF) if noted.state == "running" else noted


def is_running(uploads: Uploads, upload: Upload) -> bool:
    """Whether the file must be left alone now."""
    return progress_of(uploads, upload).state == "running"


def _run(uploads: Uploads, upload: Upload, database: Database, scope: Scope, lock: IO[str]) -> None:
    with lock, _turns:
        try:
            ended = _bring_in(uploads, upload, database, scope)
        except ImportCancelled as cancelled:
            ended = Progress("cancelled", message=str(cancelled))
        except PlacewiseError as problem:
            ended = Progress("failed", message=str(problem))
        except Exception as problem:  # noqa: BLE001 - the end of the thread: the page must hear of it
            # The message of an exception may quote a record; where it happened never does.
            places = "".join(traceback.format_tb(problem.__traceback__))
            log.error("%s in import %s\n%s", type(problem).__name__, upload.upload_id, places)  # noqa: TRY400  a traceback quotes the message, and that may quote a record
            ended = Progress("failed", message=_UNEXPECTED)
        # First how it ended, then the rest: whoever finds no file must find what became of it.
        _note(uploads, upload, ended)
        if ended.state == "done":
            uploads.forget(upload)


def _bring_in(uploads: Uploads, upload: Upload, database: Database, scope: Scope) -> Progress:
    noted_at = 0.0

    def note(done: int, total: int) -> None:
        nonlocal noted_at
        if (now := time.monotonic()) - noted_at >= _NOTE_EVERY_S:
            noted_at = now
            _note(uploads, upload, Progress("running", done, total))

    wanted = uploads.place(upload.upload_id) / _CANCEL
    outcome: Outcome = bring_in(
        database, scope, sending(uploads, upload), on_progress=note, may_go_on=lambda: not wanted.exists()
    )
    return Progress("done", upload.size_bytes, upload.size_bytes, batch_id=str(outcome.batch_id))


def sending(uploads: Uploads, upload: Upload) -> Sending:
    """The waiting file as intake takes it."""
    return Sending(
        uploads.file(upload),
        get_layout(upload.layout),
        upload.agency,
        UPLOAD_LIMITS,
        upload.name,
        upload.answers,
    )


def brought_in(uploads: Uploads, upload_id: UUID) -> UUID | None:
    """The import that a file became; its id is all that stays of the file, for pages that are still open."""
    noted = _read(uploads, upload_id)
    return UUID(noted.batch_id) if noted and noted.batch_id else None


def _noted(uploads: Uploads, upload: Upload) -> Progress:
    return _read(uploads, upload.upload_id) or Progress(bytes_total=upload.size_bytes)


def _read(uploads: Uploads, upload_id: UUID) -> Progress | None:
    try:
        return Progress(**json.loads((uploads.place(upload_id) / _PROGRESS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _note(uploads: Uploads, upload: Upload, progress: Progress) -> None:
    write_whole(_path(uploads, upload, _PROGRESS), asdict(progress))


def _path(uploads: Uploads, upload: Upload, name: str) -> Path:
    return uploads.place(upload.upload_id) / name


def _take(uploads: Uploads, upload: Upload) -> IO[str] | None:
    """Take the import's lock, or None when someone has it."""
    lock = _path(uploads, upload, _LOCK).open("a", encoding="utf-8")
    for _ in range(20):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)  # perhaps only a look, which holds it for a moment
        else:
            return lock
    lock.close()
    return None


def _is_held(uploads: Uploads, upload: Upload) -> bool:
    with _looking(_path(uploads, upload, _LOCK)) as held:
        return held


@contextmanager
def _looking(path: Path) -> Iterator[bool]:
    with path.open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield True
        else:
            yield False
