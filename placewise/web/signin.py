"""Sign-in and sign-out."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask import session as cookie
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from placewise.core.errors import SignInRefused
from placewise.web.demo_accounts import DEMO_ACCOUNTS
from placewise.web.pages import TOKEN, Answer, Subject, services
from placewise.web.passwords import matches

subject = Subject("signin", __name__)

NO_MEMBERSHIP = "Your account belongs to no partnership at present. Ask your administrator."


class SignInForm(FlaskForm):  # type: ignore[misc]  # the library is not typed
    """E-mail address and password."""

    email = StringField(
        "Email address",
        [InputRequired("Enter your email address"), Length(max=320, message="Enter a shorter email address")],
    )
    password = PasswordField(
        "Password",
        [InputRequired("Enter your password"), Length(max=1000, message="Enter a shorter password")],
    )


@subject.public("/sign-in")
def form() -> Answer:
    """The sign-in page."""
    return _page(SignInForm(formdata=None))


@subject.public("/sign-in", methods=("POST",))
def sign_in() -> Answer:
    """Check the password and start a session with a token of its own."""
    filled = SignInForm()
    if not filled.validate():
        return _page(filled), 422
    try:
        token = _start(filled.email.data.strip().lower(), filled.password.data)
    except SignInRefused as refusal:
        return _page(filled, str(refusal)), 422
    if before := cookie.get(TOKEN):
        services().door.end(before)
    cookie.clear()  # nothing of the visitor before, the CSRF secret included, goes on
    cookie[TOKEN] = token
    return redirect(_after_sign_in(token), 303)


@subject.public("/sign-out", methods=("POST",))
def sign_out() -> Response:
    """End the session everywhere and have the browser forget what it kept."""
    if token := cookie.pop(TOKEN, None):
        services().door.end(token)
    cookie.clear()
    response = redirect(url_for("signin.form", out=1), 303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _start(email: str, password: str) -> str:
    door = services().door
    address = request.remote_addr or "unknown"
    known = door.credentials(email, address=address)
    account_id, stored = known or (None, None)
    right = matches(stored, password)
    if account_id is None or not right:
        raise door.refuse(email, address=address)
    token = door.start(account_id)
    if not door.memberships(token):
        door.end(token)
        raise SignInRefused(NO_MEMBERSHIP)
    return token


def _after_sign_in(token: str) -> str:
    wanted = request.form.get("next", "")
    # A path of ours and nothing else: "//host" and "/\host" lead away.
    if wanted.startswith("/p/") and not any(sign in wanted for sign in ("\\", "\n", "\r", "//")):
        return wanted
    mine = services().door.memberships(token)
    return url_for("home.page", slug=mine[0].slug) if len(mine) == 1 else url_for("home.choose")


def _page(filled: SignInForm, refusal: str | None = None) -> str:
    return render_template(
        "signin.html",
        form=filled,
        refusal=refusal,
        next=request.values.get("next", ""),
        signed_out="out" in request.args,
        demo_accounts=DEMO_ACCOUNTS if services().settings.demo else (),
    )
