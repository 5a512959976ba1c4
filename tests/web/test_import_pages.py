"""Bringing a file in by the browser's requests: chosen, looked at, accepted, accounted for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import shapely

from placewise.core.scope import Role
from placewise.intake.limits import UPLOAD_LIMITS
from tests.shape_files import geojson
from tests.visitor import GOOD, PLACES, Visitor, figures, folder

MIXED = GOOD + "P2,The Arcade,shopping,441100,381100\nP3,,park,441200,381200\nP4,Nowhere,moon,1,2\n"
PEOPLE = (
    "local_ref,kind,age_band,given_name,family_name,date_of_birth\n"
    "C1,child,13_15,Zebedee,Quillfeather,14/05/2011\n"
)
NASTY = Path(__file__).parents[2] / "../shared/nasty/nasty.py"


@pytest.fixture
def visitor(client_as, partnership):
    """A co-ordinator."""
    return Visitor(client_as(Role.COORDINATOR), partnership)


def test_a_good_file_is_shown_in_words_then_brought_in_and_its_copy_deleted(visitor, app):
    page = visitor.look(GOOD)
    assert "2 rows: all can be accepted." in page
    assert "Bring in 2 rows" in page
    assert "Mill Park" in page
    assert figures(visitor.accept()) == [2, 2, 0, 0]
    upload_id = visitor.at.rpartition("/")[2]
    assert not (folder(app) / upload_id / "file").exists()


def test_a_file_says_before_it_is_accepted_what_of_it_is_held(visitor):
    visitor.bring_in(GOOD)
    page = visitor.look(GOOD)
    assert "2 rows: none are new. 2 are held already and will add nothing." in page
    assert "Bring it in all the same" in page
    more = f"{GOOD}P9,New Corner,park,441300,381300\n"
    page = visitor.look(more)
    assert "3 rows: 1 is new. 2 are held already and will add nothing." in page
    assert "Bring in 1 new row<" in page
    page = visitor.look(more.replace("Mill Park", "Another Park") + "P10,,park,441300,381300\n")
    assert "4 rows: 1 is new. 1 is held already and will add nothing. 2 need mending." in page
    assert "This record is already held and says something else." in page
    assert figures(visitor.accept()) == [4, 1, 1, 2]


def test_a_reference_that_leads_nowhere_is_said_before_the_file_is_accepted(visitor, admin):
    wrong = "I1,incident,2026-04-01T20:00,harm_there,P-404\n"
    rows = (
        f"{wrong}I2,incident,2026-04-01T20:00,harm_there,\n{wrong}"  # a row that repeats may be at fault too
    )
    page = visitor.look(f"local_ref,kind,occurred_from,relation,children\n{rows}", layout="incidents")
    assert "3 rows: 1 can be accepted, 2 need mending." in page
    assert "No person with the reference P-404 is held." in page
    assert figures(visitor.accept()) == [3, 1, 0, 2]


def test_every_row_has_one_fate_and_the_counts_add_up(visitor):
    page = visitor.look(MIXED)
    assert "5 rows: 2 are new. 1 repeats a row above and will add nothing. 2 need mending." in page
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


def test_the_page_says_where_a_refused_shape_went_and_never_shows_it(visitor, tmp_path):
    circle = shapely.Point(-1.66, 53.8).buffer(0.01, quad_segs=100)
    feature = ({"local_ref": "P1", "name": "A", "location_type": "moon"}, circle)
    page = visitor.bring_in(geojson(tmp_path / "x.geojson", [feature]).read_bytes(), "x.geojson")
    assert "<code>placewise_geometry</code> holds each row’s shape" in page
    assert "POLYGON" not in page
    assert "POLYGON" in visitor.client.get(f"{visitor.batch}/refused.csv").get_data(as_text=True)
    assert "placewise_geometry" not in visitor.bring_in(PLACES + "P9,A,moon,441000,381000\n")


def test_the_same_file_again_adds_nothing(visitor):
    visitor.bring_in(GOOD)
    page = visitor.bring_in(GOOD)
    assert figures(page) == [2, 0, 2, 0]
    assert "Nothing new" in page


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
