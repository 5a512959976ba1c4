"""From what went wrong to what the browser gets: one table, one page, one JSON shape (RFC 9457)."""

from __future__ import annotations

import logging
import traceback

from flask import Flask, Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from placewise.core import errors
from placewise.web.pages import Answer, request_id

#: Status of each expected failure; a subclass without a line of its own has its parent's.
STATUS: dict[type[errors.PlacewiseError], int] = {
    errors.PlacewiseError: 500,
    errors.BadRequest: 400,
    errors.UnknownTerm: 400,
    errors.NotSignedIn: 401,
    errors.SignInRefused: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.StaleEdit: 409,
    errors.QuestionsOpen: 409,
    errors.CalculationStopped: 409,
    errors.FileRefused: 422,
    errors.RuleBroken: 422,
    errors.TooFewRecords: 422,
    errors.TooFewCells: 422,
    errors.NoVariation: 422,
    errors.BadBandwidth: 422,
    errors.TooManyPairs: 422,
    errors.InvalidLinks: 422,
    errors.TooManyAttempts: 429,
    errors.ClusterUnavailable: 503,
    errors.DatabaseBusy: 503,
    errors.SandboxUnavailable: 503,
}

#: Heading of the page, and the sentence for failures that bring none of their own.
WORDS = {
    400: ("This request cannot be understood", "Check the address or the form and try again."),
    401: ("Sign in to continue", "Your session is over. Sign in again."),
    403: ("You cannot open this page", "Your role in this partnership does not cover this."),
    404: ("Page not found", "It does not exist, or it is not open to you."),
    405: ("This request cannot be understood", "Go back to the page before and try again."),
    409: (
        "Something changed in the meantime",
        "The record changed since you opened it. Nothing was overwritten.",
    ),
    413: ("The file is too large", "Ask your co-ordinator to import it from the command line."),
    422: ("This cannot be done", "Check what was entered and try again."),
    429: ("Too many attempts", "Wait a minute, then try again."),
    500: ("Sorry, there is a problem with Placewise", "Try again later. Nothing you had saved is lost."),
    503: ("Sorry, Placewise is busy", "Try again in a moment. Nothing you had saved is lost."),
}
#: Absent, hidden and another partnership's must read the same, so this status has one sentence only.
_NEVER_OWN_WORDS = {404, 500}
_RETRY_AFTER_SECONDS = {429: "60", 503: "5"}

log = logging.getLogger("placewise.web")


def answer_problems(app: Flask) -> None:
    """Answer every error of the application in Placewise's words."""
    app.register_error_handler(errors.NotSignedIn, _ask_to_sign_in)
    app.register_error_handler(errors.PlacewiseError, _expected)
    app.register_error_handler(SecurityError, _wrong_host)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def status_of(problem: errors.PlacewiseError) -> int:
    """HTTP status of an expected failure."""
    return next(STATUS[kind] for kind in type(problem).__mro__ if kind in STATUS)


def wants_json() -> bool:
    """Whether the request prefers JSON to a page."""
    kinds = ["text/html", "application/json", "application/problem+json"]
    return bool(request.accept_mimetypes) and request.accept_mimetypes.best_match(kinds) not in (
        "text/html",
        None,
    )


def _ask_to_sign_in(problem: errors.NotSignedIn) -> Answer:
    if wants_json():
        return _expected(problem)
    back = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("signin.form", next=back), 303)


def _expected(problem: errors.PlacewiseError) -> Response:
    status = status_of(problem)
    if status >= 500:
        _note(problem)
    return _answer(status, str(problem))


def _http(problem: HTTPException) -> Response:
    if problem.response is not None or (problem.code or 500) < 400:
        return make_response(problem.get_response())
    ours = problem.code in WORDS and problem.description == type(problem).description
    return _answer(problem.code or 500, "" if ours else problem.description or "")


def _wrong_host(_problem: SecurityError) -> Response:
    # No address can be built for a host that is not ours, so the page frame cannot be drawn.
    return Response("This is not the address of the service.\n", 400, content_type="text/plain")


def _unexpected(problem: Exception) -> Response:
    _note(problem)
    return _answer(InternalServerError.code, "")


def _note(problem: Exception) -> None:
    # The message of an exception may quote a record; where it happened never does.
    places = "".join(traceback.format_tb(problem.__traceback__))
    log.error("%s in request %s\n%s", type(problem).__name__, request_id(), places)


def _answer(status: int, detail: str) -> Response:
    title, sentence = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    detail = sentence if status in _NEVER_OWN_WORDS or not detail else detail
    if wants_json():
        response = jsonify(
            type="about:blank",
            title=title,
            status=status,
            detail=detail,
            instance=request_id().urn,
        )
        response.content_type = "application/problem+json"
    else:
        page = render_template(
            "problem.html", title=title, detail=detail, status=status, reference=request_id()
        )
        response = Response(page, content_type="text/html; charset=utf-8")
    response.status_code = status
    if status in _RETRY_AFTER_SECONDS:
        response.headers["Retry-After"] = _RETRY_AFTER_SECONDS[status]
    return response
