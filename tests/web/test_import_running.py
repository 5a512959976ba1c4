"""Files that wait and imports that run: whose they are, how they end, and what is left of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from uuid import UUID, uuid4

import pytest

from placewise.core.scope import Role
from placewise.web import imports_running
from placewise.web.import_pages import uploads
from tests.visitor import GOOD, Visitor, figures, folder


@pytest.fixture
def visitor(client_as, partnership):
    """A co-ordinator."""
    return Visitor(client_as(Role.COORDINATOR), partnership)


def test_accepting_twice_has_one_effect(visitor, admin, partnership):
    visitor.look(GOOD)
    first, second = visitor.post("accept"), visitor.post("accept")
    assert first.location == second.location
    visitor.accept()
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM placewise.import_batch WHERE partnership_id = %s",
            (str(partnership.partnership_id),),
        )
        assert cursor.fetchone() == (1,)


def what_stays(app, visitor):
    """The folder of a file that came in, after the import's last step; its page may be quicker than that."""
    place = folder(app) / visitor.at.rpartition("/")[2]
    for _ in range(200):
        if not (place / "about.json").exists():
            break
        time.sleep(0.02)
    return list(place.iterdir())


def test_of_a_file_that_is_in_only_the_id_of_its_import_stays(visitor, app):
    visitor.look(GOOD, "Zebedee Quillfeather.csv")
    visitor.accept()
    left = {path.name: path.read_text() for path in what_stays(app, visitor)}
    assert left.keys() == {"progress.json", "lock"}
    assert left["lock"] == ""
    noted = json.loads(left["progress.json"])
    assert noted.pop("batch_id") == visitor.batch.rpartition("/")[2]
    assert noted == {"state": "done", "bytes_read": len(GOOD), "bytes_total": len(GOOD), "message": ""}


def test_pages_that_are_still_open_lead_on_after_the_file_is_forgotten(visitor, app):
    visitor.look(GOOD)
    running = visitor.at.replace("waiting", "running")
    visitor.accept()
    what_stays(app, visitor)
    assert visitor.client.get(f"{running}/progress").json == {"state": "done", "percent": 100, "over": True}
    for answer in (visitor.client.get(running), visitor.client.get(visitor.at)):
        assert answer.location == f"{visitor.batch}?fresh=1"
    cancelled = visitor.client.post(f"{running}/cancel", data={"csrf_token": visitor.token})
    for answer in (visitor.post("accept"), cancelled):
        assert answer.location == running
    assert "The file is in." in visitor.page(running)
    assert "Waiting for you" not in visitor.page(visitor.root)
    assert [visitor.post(what).status_code for what in ("discard", "answers", "layout")] == [404] * 3


def test_a_file_that_came_into_another_partnership_is_not_found(
    visitor, client_as, make_partnership, make_account
):
    other = make_partnership("Elsewhere")
    stranger = client_as(account=make_account(Role.COORDINATOR, among=(other,)))
    visitor.bring_in(GOOD)
    upload_id = visitor.at.rpartition("/")[2]
    for address in (f"waiting/{upload_id}", f"running/{upload_id}", f"running/{upload_id}/progress"):
        assert stranger.get(f"/p/{other.slug}/imports/{address}").status_code == 404


def test_a_session_that_ended_stores_nothing_and_loses_nothing(visitor, app, admin, partnership, door):
    visitor.look(GOOD)
    with visitor.client.session_transaction() as cookie:
        token = cookie["token"]
    with app.app_context():
        kept = uploads()._read(UUID(visitor.at.rpartition("/")[2]))
        door.end(token)
        from placewise.core.scope import Scope

        database = app.extensions["placewise"].database
        imports_running.start(
            uploads(), kept, database=database, scope=Scope(token, partnership.partnership_id)
        )
        for _ in range(200):
            if (far := imports_running.progress_of(uploads(), kept)).over:
                break
            time.sleep(0.02)
        assert (far.state, far.message) == ("failed", "Sign in again to continue.")
        assert uploads().file(kept).exists()
    assert visitor.client.get(visitor.at).location.startswith("/sign-in?next=")


def test_an_import_whose_process_died_says_so_and_runs_again(visitor, app):
    visitor.look(GOOD)
    place = folder(app) / visitor.at.rpartition("/")[2]
    (place / "progress.json").write_text(
        json.dumps({"state": "running", "bytes_read": 10, "bytes_total": 100})
    )
    running = visitor.at.replace("waiting", "running")
    page = visitor.page(running)
    assert "The import stopped; nothing of it was stored." in page
    assert visitor.client.get(f"{visitor.root}/running/{place.name}/progress").json == {
        "state": "stopped",
        "percent": 0,
        "over": True,
    }
    assert figures(visitor.accept()) == [2, 2, 0, 0]


def test_a_running_import_is_seen_from_another_process_and_can_be_cancelled(visitor, app, tmp_path):
    visitor.look(GOOD)
    place = folder(app) / visitor.at.rpartition("/")[2]
    (place / "progress.json").write_text(
        json.dumps({"state": "running", "bytes_read": 50, "bytes_total": 100})
    )
    hold = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(place / "lock")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        status = f"{visitor.root}/running/{place.name}/progress"
        assert visitor.client.get(status).json == {"state": "running", "percent": 50, "over": False}
        assert visitor.post("discard").status_code == 400
        assert (
            visitor.client.post(
                f"{visitor.root}/running/{place.name}/cancel", data={"csrf_token": visitor.token}
            ).status_code
            == 303
        )
        assert (place / "cancel").exists()
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert visitor.client.get(status).json["state"] == "stopped"


def test_files_older_than_a_day_are_deleted(visitor, app):
    visitor.look(GOOD)
    place = folder(app) / visitor.at.rpartition("/")[2]
    about = json.loads((place / "about.json").read_text())
    (place / "about.json").write_text(json.dumps({**about, "received_at": "2020-01-01T00:00:00+00:00"}))
    visitor.look(GOOD)
    assert not place.exists()


def test_one_account_has_only_so_many_files_waiting(visitor):
    for _ in range(10):
        visitor.look(GOOD)
    assert "10 files of yours are waiting already" in visitor.send(GOOD).get_data(as_text=True)


def test_the_waiting_folder_is_closed_to_everyone_else(visitor, app):
    visitor.look(GOOD)
    place = folder(app) / visitor.at.rpartition("/")[2]
    assert [
        oct(path.stat().st_mode & 0o777)
        for path in (place.parent, place, place / "file", place / "about.json")
    ] == [
        "0o700",
        "0o700",
        "0o600",
        "0o600",
    ]


def test_another_account_or_partnership_cannot_tell_that_a_file_waits(
    visitor, client_as, make_partnership, make_account, partnership
):
    visitor.look(GOOD)
    other = make_partnership("Elsewhere")
    stranger = client_as(account=make_account(Role.COORDINATOR, among=(other, partnership)))
    upload_id = visitor.at.rpartition("/")[2]
    for address in (
        visitor.at,
        f"/p/{other.slug}/imports/waiting/{upload_id}",
        f"{visitor.root}/running/{upload_id}/progress",
    ):
        answer = stranger.get(address)
        never = stranger.get(address.replace(upload_id, str(uuid4())))
        assert (answer.status_code, never.status_code) == (404, 404)


def test_without_a_sandbox_nothing_is_read_and_the_file_stays(visitor, monkeypatch):
    from placewise.core.errors import SandboxUnavailable
    from placewise.web import import_pages

    def locked(*_, **__):
        raise SandboxUnavailable("This machine cannot lock a file reader in, so no file is read.")

    with monkeypatch.context() as patch:
        patch.setattr(import_pages, "look_at", locked)
        sent = visitor.send(GOOD)
        answer = visitor.client.get(sent.location)
        assert answer.status_code == 503
        assert "cannot lock a file reader in" in answer.get_data(as_text=True)
    assert "2 rows: all can be accepted." in visitor.page(sent.location)
