"""A file's way in, end to end: every row has one fate, a file is one transaction, and nothing comes twice."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from placewise.core.errors import FileRefused, ImportCancelled, NotAllowed, NotFound, QuestionsOpen
from placewise.core.scope import Action, Role, Scope
from placewise.intake.bring_in import Sending, bring_in, hand_back
from placewise.intake.layouts import get_layout
from placewise.intake.limits import COMMAND_LIMITS
from placewise.store.imports import find_fate, get_batch, list_refusals
from placewise.store.loading import record_key

ROOT = Path(__file__).parents[2]
API = "id,month,category,longitude,latitude,street_name,ward_code\n"
PLACES = "local_ref,name,location_type,easting,northing\n"
PEOPLE = "local_ref,kind,age_band,given_name\n"
EVENTS = "local_ref,kind,occurred_from,relation,place_ref,children\n"
MISSING = "local_ref,child_ref,missing_from,missing_to,relation,push,pull\n"
LINKS = "from_kind,from_ref,to_kind,to_ref,type,strength,first_seen,evidence_refs,evidence_note\n"
GROUPS = "group_ref,name,member_ref\n"


def crimes(numbers, *, month="2024-02"):
    return API + "".join(
        f"{n},{month},burglary,{-1.4 - n % 50 / 1000:.6f},53.3,On or near A{n % 50},E05000001\n"
        for n in numbers
    )


@pytest.fixture
def sending(tmp_path):
    """Make a file as it was sent."""
    made = []

    def make(content, layout, *, agency="police", **answers):
        path = tmp_path / f"{len(made)}.csv"
        path.write_text(content, encoding="utf-8")
        made.append(path)
        return Sending(path, get_layout(layout), agency, COMMAND_LIMITS, "sent.csv", answers)

    return make


@pytest.fixture
def coordinator(scope):
    """Who brings the files of a test in."""
    return scope(Role.COORDINATOR)


@pytest.fixture
def import_file(database, coordinator, sending):
    """Bring a file in; how it ended."""

    def run(content, layout, *, agency="police", **answers):
        return bring_in(database, coordinator, sending(content, layout, agency=agency, **answers))

    return run


@pytest.fixture
def held(admin, partnership):
    """Count rows of a table."""

    def count(table):
        with admin.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM placewise.{table} WHERE partnership_id = %s",
                (str(partnership.partnership_id),),
            )
            return cursor.fetchone()[0]

    return count


def fates(counts):
    return (counts.read, counts.accepted, counts.duplicate, counts.refused)


def refusals_of(database, scope, outcome):
    with database.session(scope, Action.CONSULT_IMPORTS) as session:
        return list(list_refusals(session, outcome.batch_id))


def test_each_row_is_accepted_already_held_or_refused_and_can_be_asked_after(
    import_file, database, coordinator
):
    content = crimes([1, 2, 2]) + "3,2024-13,burglary,-1.4,53.3,Nowhere,E05000001\n4,2024-02,burglary,,,,\n"
    outcome = import_file(content, "police_api")
    assert fates(outcome.counts) == (5, 3, 1, 1)
    with database.session(coordinator, Action.CONSULT_IMPORTS) as session:
        found = [find_fate(session, outcome.batch_id, row) for row in range(1, 8)]
        batch = get_batch(session, outcome.batch_id)
    assert found == [None, "accepted", "accepted", "duplicate", "refused", "accepted", None]
    assert (batch.read, batch.accepted, batch.duplicate, batch.refused) == (5, 3, 1, 1)
    assert any("no coordinates" in one["message"] for one in batch.summary)


def test_the_fates_of_rows_in_several_chunks_add_up(import_file, database, coordinator):
    outcome = import_file(crimes([*range(12_000), *range(500)]), "police_api")
    assert fates(outcome.counts) == (12_500, 12_000, 500, 0)
    with database.session(coordinator, Action.CONSULT_IMPORTS) as session:
        rows = Counter(find_fate(session, outcome.batch_id, row) for row in range(2, 12_502, 250))
    assert rows == {"accepted": 48, "duplicate": 2}


def test_the_same_file_again_and_in_another_order_adds_nothing(import_file, held):
    import_file(crimes(range(300)), "police_api")
    assert fates(import_file(crimes(range(300)), "police_api").counts) == (300, 0, 300, 0)
    assert fates(import_file(crimes(reversed(range(310))), "police_api").counts) == (310, 10, 300, 0)
    assert held("event") == 310


def test_a_record_that_says_something_else_is_refused_and_the_held_one_stays(
    import_file, admin, database, coordinator, partnership
):
    import_file(PLACES + "P1,Mill Park,park,441000,381000\n", "places")
    outcome = import_file(PLACES + "P1,Other Park,park,441000,381000\n", "places")
    (refusal,) = refusals_of(database, coordinator, outcome)
    assert (refusal.code, fates(outcome.counts)) == ("differs-from-held", (1, 0, 0, 1))
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM placewise.place WHERE partnership_id = %s", (str(partnership.partnership_id),)
        )
        assert cursor.fetchall() == [("Mill Park",)]


def test_two_agencies_may_use_the_same_reference(import_file, held):
    import_file(PLACES + "P1,Mill Park,park,441000,381000\n", "places")
    again = import_file(PLACES + "P1,The Arcade,shopping,441100,381100\n", "places", agency="health")
    assert fates(again.counts) == (1, 1, 0, 0)
    assert held("place") == 2


def test_a_reference_that_leads_nowhere_refuses_its_row_alone(import_file, database, coordinator, held):
    import_file(PEOPLE + "C1,child,13_15,Zebedee\n", "people")
    outcome = import_file(
        EVENTS
        + "I1,incident,01/02/2024,harm_there,,C1\n"
        + "I2,incident,01/02/2024,harm_there,P404,C1\n"
        + "I3,incident,01/02/2024,harm_there,,C1;C404\n",
        "incidents",
    )
    found = [(r.row, r.column, r.code) for r in refusals_of(database, coordinator, outcome)]
    assert found == [(3, "place_ref", "unknown-reference"), (4, "children", "unknown-reference")]
    assert fates(outcome.counts) == (3, 1, 0, 2)
    assert held("event_person") == 1


def test_everything_that_hangs_on_a_record_comes_with_it(import_file, held):
    import_file(PEOPLE + "C1,child,13_15,Zebedee\nC2,child,13_15,\n", "people")
    import_file(
        MISSING + "M1,C1,01/02/2024 21:00,02/02/2024 03:00,last_seen,argument,friends;party\n", "missing"
    )
    import_file(EVENTS + "I1,incident,01/02/2024,harm_there,,C1;C2\n", "incidents")
    import_file(GROUPS + "G1,Arcade group,C1\nG1,Arcade group,C2\n", "groups")
    links = import_file(LINKS + "person,C1,person,C2,friend,known,01/02/2024,I1;M1,seen together\n", "links")
    assert fates(links.counts) == (1, 1, 0, 0)
    tables = (
        "person",
        "identity",
        "event",
        "missing_episode",
        "event_person",
        "peer_group_member",
        "link_evidence",
    )
    assert [held(table) for table in tables] == [2, 1, 2, 1, 3, 2, 3]


def test_refused_rows_are_mended_and_sent_again(import_file, database, coordinator, held):
    outcome = import_file(PLACES + "P1,Mill Park,parc,441000,381000\nP2,'Mo,park,441000,381000\n", "places")
    out = io.StringIO(newline="")
    assert hand_back(database, coordinator, outcome.batch_id, out) == 1
    assert fates(import_file(out.getvalue().replace("parc", "park"), "places").counts) == (1, 1, 0, 0)
    assert held("place") == 2


def test_a_cancelled_import_leaves_nothing(database, coordinator, sending, held):
    chunks = iter((True, False))
    with pytest.raises(ImportCancelled):
        bring_in(
            database,
            coordinator,
            sending(crimes(range(45_000)), "police_api"),
            may_go_on=lambda: next(chunks),
        )
    assert (held("event"), held("import_batch"), held("import_refusal")) == (0, 0, 0)


def test_a_file_with_an_open_question_leaves_nothing(import_file, held):
    content = PLACES + "".join(f"P{i},Park,park,-1.4,53.{i}\n" for i in range(3, 6))
    swapped = content.replace("easting,northing", "latitude,longitude")
    with pytest.raises(QuestionsOpen):
        import_file(swapped, "places")
    assert (held("place"), held("import_batch")) == (0, 0)
    assert import_file(swapped, "places", **{"lonlat-swapped": "swap"}).counts.accepted == 3


def test_a_file_found_bad_in_its_last_row_leaves_nothing(import_file, held):
    with pytest.raises(FileRefused):
        import_file(crimes(range(12_000)) + '12001,2024-02,"burglary,-1.4,53.3,,\n', "police_api")
    assert (held("event"), held("import_batch")) == (0, 0)


def test_an_unknown_agency_is_named_with_those_that_are_known(import_file):
    with pytest.raises(NotFound, match=r"no agency 'nobody'\. It has: .*health.*police"):
        import_file(crimes([1]), "police_api", agency="nobody")


@pytest.mark.parametrize(
    "role", [Role.CHAIR, Role.MEMBER, Role.TASK_MEMBER, Role.AUDITOR, Role.ADMINISTRATOR]
)
def test_other_roles_bring_nothing_in(database, scope, sending, held, role):
    with pytest.raises(NotAllowed):
        bring_in(database, scope(role), sending(crimes([1]), "police_api"))
    assert held("event") == 0


def test_two_people_at_once_bring_each_record_in_once(database, scope, sending, held):
    content = crimes(range(6_000))
    ended, begin = [], threading.Barrier(2)
    jobs = [(scope(Role.COORDINATOR), sending(content, "police_api")) for _ in range(2)]

    def run(who, file):
        begin.wait()
        ended.append(bring_in(database, who, file).counts)

    threads = [threading.Thread(target=run, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fates(counts) for counts in ended) == [(6_000, 0, 6_000, 0), (6_000, 6_000, 0, 0)]
    assert held("event") == 6_000


KILLED = """
import sys
from pathlib import Path
from uuid import UUID
from placewise.core.scope import Scope
from placewise.intake.bring_in import Sending, bring_in
from placewise.intake.layouts import get_layout
from placewise.intake.limits import COMMAND_LIMITS
from placewise.store.session import Database
url, token, partnership, path = sys.argv[1:]
file = Sending(Path(path), get_layout("police_api"), "police", COMMAND_LIMITS, "sent.csv")
half_way = lambda done, total: done * 2 > total and (print("half", flush=True), sys.stdin.read())
bring_in(Database(url), Scope(token, UUID(partnership)), file, on_progress=half_way)
"""


def test_killed_half_way_it_leaves_nothing_and_simply_runs_again(
    database, database_urls, coordinator, sending, held
):
    file = sending(crimes(range(20_000)), "police_api")
    words = [database_urls.app, coordinator.token, str(coordinator.partnership_id), str(file.path)]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"half\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while held("import_batch") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (held("event"), held("import_batch")) == (0, 0)
    assert fates(bring_in(database, coordinator, file).counts) == (20_000, 20_000, 0, 0)


def test_many_missing_episodes_do_not_slow_each_other_down(import_file, held):
    """A join planned for an empty table once read all of it for every row: minutes instead of a second."""
    import_file(PEOPLE + "".join(f"C{i},child,13_15,\n" for i in range(200)), "people")
    rows = "".join(
        f"M{i},C{i % 200},{1 + i % 28:02}/02/2024 21:00,{1 + i % 28:02}/02/2024 23:00,last_seen,,\n"
        for i in range(12_000)
    )
    begun = time.monotonic()
    assert import_file(MISSING + rows, "missing").counts.accepted == 12_000
    assert time.monotonic() - begun < 60
    assert (held("missing_episode"), held("event_person")) == (12_000, 12_000)


@pytest.mark.parametrize("already", [{7}, set(range(0, 40, 3)), set(range(40))])
def test_new_rows_among_known_ones_come_in_wherever_they_stand(database, coordinator, sending, held, already):
    """A chunk goes in at once as long as nothing of it is held; with one known row it is looked up row by row."""
    bring_in(database, coordinator, sending(crimes(sorted(already)), "police_api"))
    outcome = bring_in(database, coordinator, sending(crimes(range(40)), "police_api"))
    assert (outcome.counts.accepted, outcome.counts.duplicate) == (40 - len(already), len(already))
    assert held("event") == 40
    with database.session(coordinator, Action.CONSULT_IMPORTS) as session:
        found = {
            number for number in range(40) if find_fate(session, outcome.batch_id, number + 2) == "duplicate"
        }
    assert found == already


def test_the_same_reference_has_another_id_in_another_partnership(
    database, coordinator, sending, admin, make_partnership, make_account
):
    bring_in(database, coordinator, sending(crimes([1]), "police_api"))
    other = make_partnership()
    theirs = Scope(make_account(among=(other,)).token, other.partnership_id)
    bring_in(database, theirs, sending(crimes([1]), "police_api"))
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT event_id FROM placewise.event WHERE partnership_id = ANY (%s::uuid[])",
            ([str(coordinator.partnership_id), str(other.partnership_id)],),
        )
        ids = [row[0] for row in cursor.fetchall()]
    assert len(ids) == 2
    assert len(set(ids)) == 2


def test_the_key_of_records_is_for_importers(database, scope):
    with pytest.raises(NotAllowed), database.session(scope(Role.MEMBER), Action.COLLECT_FILE) as session:
        record_key(session)
