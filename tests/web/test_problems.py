"""What the browser gets when something goes wrong."""

from __future__ import annotations

import inspect
import logging

from placewise.core import errors
from placewise.core.errors import DatabaseBusy
from placewise.store.door import Door
from placewise.web.problems import STATUS, WORDS, status_of

JSON = {"Accept": "application/json"}


def test_every_error_has_a_status_and_every_status_its_words():
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, errors.PlacewiseError):
            assert 400 <= next(STATUS[c] for c in kind.__mro__ if c in STATUS) <= 503
    assert set(STATUS.values()) <= set(WORDS)


def test_a_subclass_has_its_parents_status():
    class Stale(errors.StaleEdit):
        pass

    assert status_of(Stale("x")) == 409


def test_a_long_calculation_that_cannot_be_done_is_no_fault_of_ours(client_as, monkeypatch, partnership):
    client = client_as()
    for problem, status in (
        (errors.TooManyPairs("90 pairs. Choose a shorter distance."), 422),
        (errors.CalculationStopped("The calculation was stopped; there is no result."), 409),
    ):

        def fail(self, token, problem=problem):
            raise problem

        monkeypatch.setattr(Door, "memberships", fail)
        answer = client.get(f"/p/{partnership.slug}/", headers=JSON)
        assert (answer.status_code, answer.json["detail"]) == (status, str(problem))


def test_an_absent_page_answers_a_person_with_a_page_and_a_program_with_problem_json(client):
    page, problem = client.get("/nowhere"), client.get("/nowhere", headers=JSON)
    assert page.status_code == problem.status_code == 404
    assert "Page not found" in page.get_data(as_text=True)
    assert problem.content_type == "application/problem+json"
    assert set(problem.json) == {"type", "title", "status", "detail", "instance"}
    assert problem.json["instance"].startswith("urn:uuid:")


def test_a_busy_database_asks_to_come_back(client, monkeypatch, partnership, client_as):
    def busy(self, token):
        raise DatabaseBusy("Placewise is busy.")

    client = client_as()
    monkeypatch.setattr(Door, "memberships", busy)
    answer = client.get(f"/p/{partnership.slug}/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_an_unexpected_error_gives_a_reference_and_no_values_away(
    client_as, monkeypatch, partnership, caplog
):
    secret = "Jane of 14 Mill Lane"

    def fail(self, token):
        raise ValueError(secret)

    client = client_as()
    monkeypatch.setattr(Door, "memberships", fail)
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"/p/{partnership.slug}/")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert secret not in page
    assert secret not in caplog.text
    assert "ValueError" in caplog.text
    reference = caplog.text.split("in request ")[1][:36]
    assert reference in page


def test_a_wrong_method_is_refused_in_words(client):
    answer = client.delete("/sign-in")
    assert answer.status_code in (400, 405)
    assert "This request cannot be understood" in answer.get_data(as_text=True)


def test_an_upload_beyond_the_limit_is_refused_in_words(client, app, monkeypatch):
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10)
    answer = client.post("/sign-in", data={"email": "x" * 100})
    assert answer.status_code == 413
    assert "too large" in answer.get_data(as_text=True)


def test_health_tells_whether_the_database_answers(client, monkeypatch):
    def busy(self):
        raise DatabaseBusy("No.")

    assert client.get("/healthz").json == {"status": "ok"}
    monkeypatch.setattr(Door, "ping", busy)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"status": "no database"})
