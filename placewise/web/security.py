"""What every answer carries and every change must show, so that a mistake in a page has nowhere to go."""

from __future__ import annotations

import secrets
from itertools import chain
from urllib.parse import urlsplit

from flask import Flask, g, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from placewise.core.settings import Settings
from placewise.core.text import BIDI, CONTROL

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ONE_YEAR = "max-age=31536000; includeSubDomains"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def protect(app: Flask, settings: Settings) -> None:
    """Set cookie, cross-site request and header rules for the whole application."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        # The __Host- prefix makes the browser insist on Secure, on path / and on this very host.
        SESSION_COOKIE_NAME="placewise" if settings.demo else "__Host-placewise",
        SESSION_COOKIE_SECURE=not settings.demo,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PATH="/",
        # The token ends with the session; a page left open for an hour must not lose what was typed.
        WTF_CSRF_TIME_LIMIT=None,
        # Our own Referrer-Policy leaves no referrer to compare; Sec-Fetch-Site is compared instead.
        WTF_CSRF_SSL_STRICT=False,
    )
    if settings.hosts:
        app.config["TRUSTED_HOSTS"] = list(settings.hosts)
    if n := settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]  # the way Flask documents
    app.before_request(_refuse_hidden_characters)
    app.before_request(_refuse_other_sites)
    CSRFProtect(app)
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers["Content-Security-Policy"] = POLICY.format(nonce=csp_nonce())
        response.headers.setdefault("Cache-Control", "no-store")
        if response.headers["Cache-Control"] == "no-cache":  # what Flask says of files without a version
            response.headers["Cache-Control"] = "no-store"
        if not settings.demo:
            response.headers["Strict-Transport-Security"] = ONE_YEAR
        return response


def csp_nonce() -> str:
    """The one word by which this answer's own scripts and styles are known."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def _refuse_hidden_characters() -> None:
    # The rule of imported files, here for all that people type: nothing is stored that shows as something else.
    sent = (*request.args.listvalues(), *request.form.listvalues())
    said = (request.path, *chain.from_iterable(sent))
    if any(CONTROL.search(text) or BIDI.search(text) for text in said):
        raise BadRequest(
            "The address or the form holds a hidden character that controls a device or turns the direction of text. "
            "It may have come along with copied text. Go back and type the text by hand."
        )


def _refuse_other_sites() -> None:
    if request.method in SAFE_METHODS:
        return
    # Browsers of before 2023 do not say where a request comes from; the CSRF token stands behind this.
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    # Our pages send "null" with a form, because they keep the referrer to themselves.
    origin = request.headers.get("Origin", "null")
    if site != "same-origin" or (origin != "null" and urlsplit(origin).netloc != request.host):
        raise Forbidden("This form was sent from another site. Open the page in Placewise and try again.")
