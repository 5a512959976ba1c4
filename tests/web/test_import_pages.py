"""Bringing a file in by the browser's requests: chosen, looked at, accepted, accounted for."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from placewise.core.scope import Role
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.web import imports_running
from placewise.web.import_pages import uploads
from tests.conftest import csrf_token

PLACES = "local_ref,name,location_type,easting,northing\n"
GOOD = PLACES + "P1,Mill Park,park,441000,381000\nP2,The Arcade,shopping,441100,381100\n"
MIXED = GOOD + "P2,The Arcade,shopping,441100,381100\nP3,,park,441200,381200\nP4,Nowhere,moon,1,2\n"
PEOPLE = (
    "local_ref,kind,age_band,given_name,family_name,date_of_birth\n"
    "C1,child,13_15,Zebedee,Quillfeather,14/05/2011\n"
)
NASTY = Path(__file__).parents[2] / "../shared/nasty/nasty.py"


class Visitor:
    """Someone at a browser without scripts, in one partnership."""

    def __init__(self, client, partnership):
        self.client, self.root = client, f"/p/{partnership.slug}/imports"
        self.token = csrf_token(client, self.root)

    def send(self, content, name="file.csv", *, layout="places", agency="police"):
        body = content.encode() if isinstance(content, str) else content
        form = {"csrf_token": self.token, "layout": layout, "agency": agency}
        answer = self.client.post(f"{self.root}/new", data={**form, "file": (io.BytesIO(body), name)})
        answer.request.environ["wsgi.input"].close()  # the client's own copy of a large body is a file
        return answer

    def look(self, content, name="file.csv", **chosen):
        sent = self.send(content, name, **chosen)
        assert sent.status_code == 303, sent.get_data(as_text=True)
        self.at = sent.location
        return self.page(self.at)

    def page(self, address):
        return self.client.get(address, follow_redirects=True).get_data(as_text=True)

    def post(self, what, **form):
        return self.client.post(f"{self.at}/{what}", data={"csrf_token": self.token, **form})

    def bring_in(self, content, name="file.csv", **chosen):
        self.look(content, name, **chosen)
        return self.accept()

    def accept(self):
        running = self.post("accept").location
        for _ in range(400):
            answer = self.client.get(running)
            if answer.status_code == 303:
                self.batch = answer.location.partition("?")[0]
                return self.page(answer.location)
            if "stopped" in (page := answer.get_data(as_text=True)):
                return page
            time.sleep(0.05)
        raise AssertionError("the import did not end")


@pytest.fixture
def visitor(client_as, partnership):
    """A co-ordinator."""
    return Visitor(client_as(Role.COORDINATOR), partnership)


def figures(page):
    values = re.findall(r'pw-figure__value">([\d,]+)', page)
    return [int(value.replace(",", "")) for value in values]


def folder(app):
    with app.app_context():
        return uploads()._folder


def test_a_good_file_is_shown_in_words_then_brought_in_and_its_copy_deleted(visitor, app):
    page = visitor.look(GOOD)
    assert "2 rows: all can be accepted." in page
    assert "Bring in 2 rows" in page
    assert "Mill Park" in page
    assert figures(visitor.accept()) == [2, 2, 0, 0]
    upload_id = visitor.at.rpartition("/")[2]
    assert not (folder(app) / upload_id / "file").exists()


def test_every_row_has_one_fate_and_the_counts_add_up(visitor):
    assert "5 rows: 3 can be accepted, 2 need mending." in visitor.look(MIXED)
    page = visitor.accept()
    assert figures(page) == [5, 2, 1, 2]
    assert "2 of 5 rows came in; 2 need mending." in page
    fates = [visitor.page(f"{visitor.batch}?row={row}") for row in (2, 4, 5, 99)]
    assert "<strong>accepted" in fates[0]
    assert "<strong>already held" in fates[1]
    assert "<strong>refused" in fates[2]
    assert "no row 99" in fates[3]


def test_nothing_is_stored_before_acceptance_nor_after_discarding(visitor, admin, partnership, app):
    visitor.look(GOOD)
    assert visitor.post("discard").status_code == 303
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM placewise.place WHERE partnership_id = %s",
            (str(partnership.partnership_id),),
        )
        assert cursor.fetchone() == (0,)
    assert not (folder(app) / visitor.at.rpartition("/")[2]).exists()
    assert visitor.client.get(visitor.at).status_code == 404


def test_refused_rows_download_neutralised_mended_and_accepted(visitor, admin, partnership):
    visitor.bring_in(PLACES + "P9,=HYPERLINK(1),moon,441000,381000\n")
    answer = visitor.client.get(f"{visitor.batch}/refused.csv")
    text = answer.get_data(as_text=True)
    assert re.fullmatch(
        r'attachment; filename="placewise-refused-[0-9a-f]{8}\.csv"', answer.headers["Content-Disposition"]
    )
    assert "'=HYPERLINK(1)" in text
    assert "placewise_reason" in text
    assert figures(visitor.bring_in(text.replace("moon", "park"))) == [1, 1, 0, 0]
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT action FROM audit.event WHERE partnership_id = %s", (str(partnership.partnership_id),)
        )
        assert ("disclose:refusals",) in cursor.fetchall()


def test_the_same_file_again_adds_nothing(visitor):
    visitor.bring_in(GOOD)
    page = visitor.bring_in(GOOD)
    assert figures(page) == [2, 0, 2, 0]
    assert "Nothing new" in page


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


def test_names_of_people_are_never_in_the_preview(visitor):
    page = visitor.look(PEOPLE, layout="people")
    assert "3 columns go to the identity vault" in page
    for secret in ("Zebedee", "Quillfeather", "2011"):
        assert secret not in page


def test_a_place_named_like_a_template_is_shown_as_it_stands(visitor):
    name = "{{ 7*7 }}<script>alert(1)</script>"
    page = visitor.look(f'{PLACES}P1,"{name}",park,441000,381000\n')
    assert "{{ 7*7 }}&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert figures(visitor.accept()) == [1, 1, 0, 0]


def test_the_wrong_layout_is_named_and_the_right_one_is_a_click_away(visitor):
    page = visitor.look(GOOD, layout="incidents")
    assert "Nothing of this file can be brought in as it stands." in page
    assert "Bring in 2 rows" not in page
    assert 'name="layout" value="places"' in page
    visitor.post("layout", layout="places")
    assert "2 rows: all can be accepted." in visitor.page(visitor.at)


def test_a_question_is_asked_answered_and_can_be_taken_back(visitor):
    page = visitor.look("Sent by the parks team\n" + GOOD)
    assert "Row with the column names" in page
    assert "Bring in" not in page.partition("<h1")[2].partition("Choose another")[0]
    visitor.post("answers", **{"answer-header-row": "2"})
    assert "2 rows: all can be accepted." in visitor.page(visitor.at)
    visitor.post("answers", forget="1")
    assert "Row with the column names" in visitor.page(visitor.at)


def test_swapped_longitudes_are_asked_about_once(visitor):
    page = visitor.look("local_ref,name,location_type,longitude,latitude\nP1,Park,park,53.3,-1.4\n")
    assert "Yes, exchange them" in page
    visitor.post("answers", **{"answer-lonlat-swapped": "swap"})
    assert "1 row: it can be accepted." in visitor.page(visitor.at)


def test_dates_are_spelled_out_so_that_nobody_mistakes_them(visitor):
    page = visitor.look(
        "local_ref,kind,occurred_from,relation\nI1,incident,01/02/2024,harm_there\n", layout="incidents"
    )
    assert '<td class="govuk-table__cell">1 Feb 2024</td>' in page


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.csv",
        "<img src=x onerror=alert(1)>.csv",
        "a%0D%0ASet-Cookie: x=1.csv",
        "x" * 300 + ".csv",
        "C:\\a\\b.csv",
    ],
)
def test_a_hostile_name_is_shown_and_never_a_path(visitor, app, name):
    page = visitor.look(GOOD, name)
    assert "2 rows: all can be accepted." in page
    assert "<img src=x" not in page
    kept = {path.name for path in (folder(app) / visitor.at.rpartition("/")[2]).iterdir()}
    assert kept == {"file", "about.json"}
    assert figures(visitor.accept()) == [2, 2, 0, 0]


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


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("", "empty.csv", "The file is empty"),
        (GOOD, "file.exe", "This kind of file is not read"),
        (b"x" * (UPLOAD_LIMITS.file_bytes + 1), "big.csv", "The file is larger than 25 MB"),
    ],
)
def test_a_file_that_cannot_be_kept_is_refused_beside_its_field(visitor, app, content, name, words):
    before = len(list(folder(app).iterdir())) if folder(app).exists() else 0
    answer = visitor.send(content, name)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'<a href="#file">{words}' in page
    assert 'value="places" aria-describedby="layout-places-hint" checked' in page
    assert len(list(folder(app).iterdir())) == before


def test_what_was_not_chosen_is_asked_for(visitor):
    answer = visitor.client.post(f"{visitor.root}/new", data={"csrf_token": visitor.token})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for words in ("Choose the agency", "Choose what the file holds", "Choose a file"):
        assert words in page


def test_a_request_beyond_all_limits_gets_413_in_words(visitor, app, monkeypatch):
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 2000)
    answer = visitor.send("x" * 5000)
    assert answer.status_code == 413
    assert "The file is too large" in answer.get_data(as_text=True)


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
        f"/imports/running/{upload_id}",
    ):
        answer = stranger.get(address)
        never = stranger.get(address.replace(upload_id, str(uuid4())))
        assert (answer.status_code, never.status_code) == (404, 404)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.TASK_MEMBER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_other_roles_see_no_imports(client_as, partnership, role):
    client = client_as(role)
    assert client.get(f"/p/{partnership.slug}/imports").status_code == 403
    assert client.get(f"/p/{partnership.slug}/imports/new").status_code == 403


def test_a_chair_sees_the_list_and_no_rows(visitor, client_as, partnership):
    visitor.bring_in(MIXED)
    chair = client_as(Role.CHAIR)
    listed = chair.get(visitor.root).get_data(as_text=True)
    assert "file.csv" in listed
    assert "Bring in a file" not in listed
    page = chair.get(visitor.batch).get_data(as_text=True)
    assert figures(page) == [5, 2, 1, 2]
    assert "Download refused rows" not in page
    assert chair.get(f"{visitor.batch}/refused.csv").status_code == 403
    assert chair.get(f"{visitor.root}/new").status_code == 403


def test_every_layout_says_its_columns_and_gives_a_template(visitor):
    from placewise.intake.layouts import LAYOUTS

    for name, layout in LAYOUTS.items():
        page = visitor.page(f"{visitor.root}/layouts/{name}")
        template = visitor.client.get(f"{visitor.root}/layouts/{name}/template.csv").get_data(as_text=True)
        assert template == ",".join(column.name for column in layout.columns) + "\r\n"
        assert all(f"<code>{column.name}</code>" in page for column in layout.columns)


def test_an_import_whose_process_died_says_so_and_runs_again(visitor, app):
    visitor.look(GOOD)
    place = folder(app) / visitor.at.rpartition("/")[2]
    (place / "progress.json").write_text(
        json.dumps({"state": "running", "bytes_read": 10, "bytes_total": 100})
    )
    running = visitor.at.replace("waiting", "running")
    page = visitor.page(running)
    assert "The import stopped; nothing of it was stored." in page
    assert visitor.client.get(f"/imports/running/{place.name}").json == {
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
        status = f"/imports/running/{place.name}"
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


@pytest.mark.skipif(not NASTY.exists(), reason="real data not present")
def test_hostile_files_get_a_message_and_never_a_server_error(visitor, tmp_path):
    subprocess.run([sys.executable, str(NASTY), str(tmp_path)], check=True, capture_output=True)
    listed = json.loads((tmp_path / "manifest.json").read_text())
    files = listed if isinstance(listed, list) else listed["files"]
    layouts = {
        "csv": "people",
        "xlsx": "people",
        "geojson": "incidents",
        "json": "incidents",
        "gpkg": "incidents",
    }
    seen = 0
    for entry in files[::9]:
        path = tmp_path / entry["file"]
        sent = visitor.send(path.read_bytes(), path.name, layout=layouts.get(path.suffix[1:], "people"))
        assert sent.status_code in {303, 422}, (path.name, sent.status_code)
        if sent.status_code == 303:
            visitor.at = sent.location
            answer = visitor.client.get(sent.location)
            page = answer.get_data(as_text=True)
            assert answer.status_code == 200, (path.name, answer.status_code)
            assert re.search(r'pw-sentence">[^<]*\w', page), path.name
            visitor.post("discard")
        seen += 1
    assert seen >= 12
