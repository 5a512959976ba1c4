"""Waiting files are gone in time, though nobody should come to the pages again."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from uuid import uuid4

import pytest

from placewise.web import uploads
from placewise.web.uploads import Upload, Uploads


def receive(kept: Uploads, name: str = "sent.csv") -> Upload:
    return kept.receive(
        io.BytesIO(b"a,b\n"),
        name=name,
        layout="places",
        agency="police",
        partnership_id=uuid4(),
        account_id=uuid4(),
    )


def make_old(kept: Uploads, upload: Upload) -> None:
    note = kept.place(upload.upload_id) / "about.json"
    said = json.loads(note.read_text()) | {"received_at": "2026-01-01T00:00:00+00:00"}
    (new := note.with_suffix(".new")).write_text(json.dumps(said))
    new.replace(note)  # a sweep is under way


def gone(kept: Uploads, upload: Upload, *, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while kept.place(upload.upload_id).exists():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_an_old_file_is_deleted_without_another_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_SWEEP_EVERY_S", 0.02)
    kept = Uploads(tmp_path / "uploads")
    old, new = receive(kept), receive(kept)
    make_old(kept, old)
    assert gone(kept, old, within_s=20)
    assert kept.file(new).exists()


def test_a_sweep_that_fails_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploads, "_SWEEP_EVERY_S", 0.02)
    kept = Uploads(tmp_path / "uploads")
    clear, failures = Uploads.clear_old, iter([OSError("disk")])

    def fail_once(self: Uploads) -> None:
        for failure in failures:
            raise failure
        clear(self)

    old = receive(kept)
    make_old(kept, old)
    monkeypatch.setattr(Uploads, "clear_old", fail_once)
    assert gone(kept, old, within_s=20)
    assert "could not be deleted" in caplog.text
