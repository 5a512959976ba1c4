"""Files that were sent and not yet accepted: each in a folder of its own, its sender's, for a day at most.

The name a sender gave a file is kept as text to be shown. No path is ever made of it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

from placewise.core.errors import FileRefused, NotFound
from placewise.intake.limits import MEGABYTE, UPLOAD_LIMITS
from placewise.intake.readers.kinds import accepted_kind

_LOG = logging.getLogger(__name__)
KEPT_FOR = timedelta(hours=24)
_SWEEP_EVERY_S = 900.0
#: Files one account may have waiting in one partnership.
MOST_WAITING = 10
LONGEST_NAME = 120
_BLOCK_BYTES = 1 << 20
_ABOUT, _FILE = "about.json", "file"
# Control characters, and those that turn the direction of text, would let a name pose as another.
_TREACHEROUS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that was sent.

    Attributes
    ----------
    upload_id : UUID
        Random; also the name of its folder.
    name : str
        As its sender called it, to be shown.
    layout, agency : str
        Codes, as chosen on the form.
    received_at : datetime
        With its zone.
    answers : Mapping of str to str
        Answers to questions about the file, by finding code.
    """

    upload_id: UUID
    partnership_id: UUID
    account_id: UUID
    name: str
    layout: str
    agency: str
    size_bytes: int
    received_at: datetime
    answers: Mapping[str, str] = field(default_factory=dict)


class Uploads:
    """The folder of waiting files.

    Parameters
    ----------
    folder : Path
        Made when needed, closed to everyone else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def receive(
        self,
        stream: IO[bytes],
        *,
        name: str,
        layout: str,
        agency: str,
        partnership_id: UUID,
        account_id: UUID,
    ) -> Upload:
        """Keep a file until it is accepted or discarded.

        Raises
        ------
        FileRefused
            ``empty``, ``too-big``, ``type-not-accepted``, or too many files are waiting; nothing was kept.
        """
        accepted_kind(name, UPLOAD_LIMITS.types)
        self.clear_old()
        _sweep_from_now_on(self._folder)
        if len(self.of(partnership_id, account_id)) >= MOST_WAITING:
            raise FileRefused(
                f"{MOST_WAITING} files of yours are waiting already; they are listed under Imports. "
                "Bring one in or discard it first.",
                code="too-many-waiting",
            )
        upload_id = uuid4()
        place = self.place(upload_id)
        place.mkdir(parents=True, mode=0o700)
        self._folder.chmod(0o700)
        try:
            size = _store(stream, place / _FILE)
            upload = Upload(
                upload_id,
                partnership_id,
                account_id,
                shown_name(name),
                layout,
                agency,
                size,
                datetime.now(UTC),
            )
            self._note(upload)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return upload

    def find(self, upload_id: UUID, *, partnership_id: UUID, account_id: UUID) -> Upload:
        """The file of that id, for the account that sent it.

        Raises
        ------
        NotFound
            Absent, brought in, discarded, or someone else's.
        """
        upload = self._read(upload_id)
        if upload is None or (upload.partnership_id, upload.account_id) != (partnership_id, account_id):
            raise NotFound("There is no such file.")
        return upload

    def of(self, partnership_id: UUID, account_id: UUID) -> list[Upload]:
        """Waiting files of one account in one partnership, newest first."""
        found = (self._read(upload_id) for upload_id in self._ids())
        mine = (
            upload
            for upload in found
            if upload and (upload.partnership_id, upload.account_id) == (partnership_id, account_id)
        )
        waiting = (upload for upload in mine if self.file(upload).exists())
        return sorted(waiting, key=lambda upload: upload.received_at, reverse=True)

    def change(self, upload: Upload, **changes: Any) -> Upload:
        """Change what the sender said about the file: ``layout``, ``answers``."""
        changed = replace(upload, **changes)
        self._note(changed)
        return changed

    def forget(self, upload: Upload) -> None:
        """Delete the file, its name and its sender: the import that it became holds them now."""
        self.file(upload).unlink(missing_ok=True)
        (self.place(upload.upload_id) / _ABOUT).unlink(missing_ok=True)

    def discard(self, upload: Upload) -> None:
        """Delete the file and everything about it."""
        shutil.rmtree(self.place(upload.upload_id), ignore_errors=True)

    def clear_old(self) -> None:
        """Delete what has been waiting for longer than a day."""
        for upload_id in self._ids():
            place = self.place(upload_id)
            try:
                age_s = datetime.now(UTC).timestamp() - place.stat().st_mtime
            except FileNotFoundError:  # another worker was quicker
                continue
            upload = self._read(upload_id)
            # Without its note a folder is one just being made, or one whose making was killed.
            since = datetime.now(UTC) - upload.received_at if upload else timedelta(seconds=age_s)
            if since > KEPT_FOR:
                shutil.rmtree(place, ignore_errors=True)

    def place(self, upload_id: UUID) -> Path:
        """The folder of one file."""
        return self._folder / str(upload_id)

    def file(self, upload: Upload) -> Path:
        """The file itself."""
        return self.place(upload.upload_id) / _FILE

    def _ids(self) -> list[UUID]:
        if not self._folder.is_dir():
            return []
        return [UUID(place.name) for place in self._folder.iterdir() if _UUID.fullmatch(place.name)]

    def _read(self, upload_id: UUID) -> Upload | None:
        try:
            noted = json.loads((self.place(upload_id) / _ABOUT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        ids = {name: UUID(noted[name]) for name in ("upload_id", "partnership_id", "account_id")}
        return Upload(**{**noted, **ids, "received_at": datetime.fromisoformat(noted["received_at"])})

    def _note(self, upload: Upload) -> None:
        write_whole(self.place(upload.upload_id) / _ABOUT, asdict(upload))


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def write_whole(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader finds the old content or the new, never half of it."""
    fresh = path.with_name(f"{path.name}.{uuid4().hex}")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(dict(content), default=str), encoding="utf-8")
    fresh.replace(path)


def shown_name(name: str) -> str:
    """A file's name fit to be shown: one line, no trick characters, cut in the middle when long.

    >>> shown_name(f"a{chr(13)}{chr(10)}b.csv") == f"a{chr(0xFFFD)}{chr(0xFFFD)}b.csv"
    True
    """
    plain = _TREACHEROUS.sub("\ufffd", name).strip() or "(no name)"
    if len(plain) <= LONGEST_NAME:
        return plain
    return f"{plain[: LONGEST_NAME - 31]}…{plain[-30:]}"


def _store(stream: IO[bytes], path: Path) -> int:
    size, most = 0, UPLOAD_LIMITS.file_bytes
    with open(path, "xb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        while block := stream.read(_BLOCK_BYTES):
            size += len(block)
            if size > most:
                raise FileRefused(
                    f"The file is larger than {most // MEGABYTE} MB. Split it, or ask the operator to bring it in "
                    "from the command line, which takes files of any size.",
                    code="too-big",
                )
            file.write(block)
    if not size:
        raise FileRefused("The file is empty. Choose another one.", code="empty")
    return size


_swept: set[Path] = set()
_taking_note = threading.Lock()


def _sweep_from_now_on(folder: Path) -> None:
    """Delete old files for as long as this process lives, though nobody should come to the pages again.

    Begun by the first file a process receives, for a thread does not live on in the workers that a process forks.
    """
    with _taking_note:
        if folder in _swept:
            return
        _swept.add(folder)
    threading.Thread(target=_sweep, args=(folder,), name="sweep of uploads", daemon=True).start()


def _sweep(folder: Path) -> None:
    uploads = Uploads(folder)
    while True:
        time.sleep(_SWEEP_EVERY_S)
        try:
            uploads.clear_old()
        except Exception:  # noqa: BLE001 - whatever it was, the next sweep is due
            _LOG.exception("Files that waited too long could not be deleted from %s.", folder)
