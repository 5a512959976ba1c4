"""How a page is written: it declares who may open it and as what action, and gets an open session.

A subject is one module with one ``Subject``::

    subject = Subject("map", __name__)

    @subject.page("/p/<slug>/map", roles=READERS, action=Action.CONSULT_MAP, navigation="Map")
    def page(session: Session, membership: Membership) -> Answer:
        return render_template("map/page.html", facts=...)

The view runs inside ``Database.session``; its answer is rendered whole before the audit event is written
and the transaction commits, and only then do bytes leave. A view may return what Flask views may (text, a
dict for JSON, a response, a redirect), but never a stream. ``url_for`` fills in ``slug`` by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID, uuid4

from flask import Blueprint, Flask, current_app, g, make_response, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from placewise.core.errors import NotFound, NotSignedIn
from placewise.core.scope import CHANGING_VERBS, Action, Role, Scope
from placewise.core.settings import Settings
from placewise.store.door import Door, Membership
from placewise.store.session import Database, Session
from placewise.web import openings

#: Name, within the signed cookie, of the sign-in session's secret.
TOKEN = "token"  # noqa: S105 - the name of the field, not a secret

Answer = ResponseReturnValue
Args = ParamSpec("Args")
Page = Callable[Concatenate[Session, Membership, Args], Answer]
Lobby = Callable[Concatenate[list[Membership], Args], Answer]
View = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may open a route.

    Attributes
    ----------
    roles : Role or None
        Any of these roles in the partnership of the address; None when no partnership is opened.
    action : Action or None
        What the audit log calls it.
    public : bool
        True for the few pages that need no sign-in.
    """

    roles: Role | None = None
    action: Action | None = None
    public: bool = False


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A line of the navigation, shown to the roles that can open it."""

    label: str
    endpoint: str
    roles: Role


@dataclass(frozen=True, slots=True)
class Services:
    """What pages reach the store with; one per application."""

    settings: Settings
    database: Database
    door: Door


def services(app: Flask | None = None) -> Services:
    """The settings, database and door of the running application."""
    found: Services = (app or current_app).extensions["placewise"]
    return found


class Subject(Blueprint):
    """The pages of one subject; every route states its permission when it is declared.

    Parameters
    ----------
    within : str, optional
        Name of the subject that is marked in the navigation on these pages; its own unless told.
    """

    def __init__(self, name: str, import_name: str, *, within: str | None = None) -> None:
        super().__init__(name, import_name)
        self.within = within or name
        self.navigation: list[NavigationEntry] = []

    def page(
        self,
        rule: str,
        *,
        roles: Role,
        action: Action,
        methods: Sequence[str] = ("GET",),
        navigation: str | None = None,
        within_opening: Collection[str] | None = None,
    ) -> Callable[[Page[Args]], View]:
        """Declare a page of a partnership: ``rule`` holds ``<slug>``; the view gets (session, membership, …).

        Parameters
        ----------
        roles : Role
            Any one of these opens the page; anyone else gets 403 and the refusal is logged.
        action : Action
            The audited action.
        methods : sequence of str
            ``("GET",)`` for looking, ``("POST",)`` for changing; never both in one view.
        navigation : str, optional
            Label under which the page stands in the navigation of those roles.
        within_opening : collection of str, optional
            For what an open page fetches for itself: the parameters in which that differs from the page. With
            the page's pass (``openings``) it belongs to the opening; without, it is logged as ``action``.

        Raises
        ------
        ValueError
            The rule names no partnership, or a GET would change records.
        """
        if "<slug>" not in rule:
            raise ValueError(f"{rule} names no partnership: write /p/<slug>/…")
        if "GET" in methods and (set(methods) != {"GET"} or action.value.split(":")[0] in CHANGING_VERBS):
            raise ValueError(f"{rule}: a GET changes nothing but the audit log.")

        def declare(view: Page[Args]) -> View:
            if navigation:
                self.navigation.append(NavigationEntry(navigation, f"{self.name}.{view.__name__}", roles))

            @wraps(view)
            def opened(slug: str, *args: Args.args, **kwargs: Args.kwargs) -> Answer:
                membership = _enter(slug)
                scope = Scope(cookie[TOKEN], membership.partnership_id, request_id())
                if within_opening is not None:
                    g.opened_at = _opened_at(membership, within_opening)
                taken_as = action if opened_at() is None else Action.READ_PART
                with services().database.session(scope, taken_as) as session:
                    session.require(roles)
                    return _whole(view(session, membership, *args, **kwargs))

            return self._declared(rule, opened, Permission(roles, action), methods)

        return declare

    def lobby(self, rule: str, *, methods: Sequence[str] = ("GET",)) -> Callable[[Lobby[Args]], View]:
        """Declare a page for anyone signed in, before a partnership is chosen; the view gets the memberships."""

        def declare(view: Lobby[Args]) -> View:
            @wraps(view)
            def opened(*args: Args.args, **kwargs: Args.kwargs) -> Answer:
                return view(memberships(), *args, **kwargs)

            return self._declared(rule, opened, Permission(), methods)

        return declare

    def public(self, rule: str, *, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
        """Declare a page that needs no sign-in and shows nothing of any partnership."""

        def declare(view: View) -> View:
            @wraps(view)
            def opened(*args: Any, **kwargs: Any) -> Answer:
                return view(*args, **kwargs)

            return self._declared(rule, opened, Permission(public=True), methods)

        return declare

    def _declared(self, rule: str, view: View, permission: Permission, methods: Sequence[str]) -> View:
        vars(view)["permission"] = permission  # read by the rule test that walks app.url_map
        self.add_url_rule(rule, endpoint=view.__name__, view_func=view, methods=list(methods))
        return view


def memberships() -> list[Membership]:
    """Partnerships in which the person at the screen may act.

    Raises
    ------
    NotSignedIn
        No session, or it is over.
    """
    token = cookie.get(TOKEN)
    found = services().door.memberships(token) if token else []
    if not found:
        raise NotSignedIn("Sign in to continue.")
    return found


def request_id() -> UUID:
    """One id for all audit events, log lines and the error page of this request."""
    if "request_id" not in g:
        g.request_id = uuid4()
    known: UUID = g.request_id
    return known


def _enter(slug: str) -> Membership:
    mine = memberships()
    g.membership_count = len(mine)
    for membership in mine:
        if membership.slug == slug:
            g.membership = membership
            return membership
    raise NotFound("There is no such page.")


def opening_pass(membership: Membership, question: Iterable[tuple[str, str]]) -> str:
    """What lets the page that is being answered fetch more of the same without another line in the log."""
    secret = services().settings.secret_key
    return openings.make_pass(secret, cookie[TOKEN], membership.partnership_id, question)


def opened_at() -> datetime | None:
    """When the page was opened that this request is a part of; None for a request that stands by itself."""
    moment: datetime | None = g.get("opened_at")
    return moment


def _opened_at(membership: Membership, free: Collection[str]) -> datetime | None:
    asked = request.args.items(multi=True)
    secret = services().settings.secret_key
    return openings.opened_at(secret, cookie[TOKEN], membership.partnership_id, asked, free=free)


def _whole(answer: Answer) -> Response:
    """The answer in full, before the session ends: nothing is fetched, and nothing sent, after the commit."""
    response = make_response(answer)
    if response.direct_passthrough:
        raise TypeError("A page of a partnership cannot be a file stream: its audit event comes first.")
    response.get_data()
    return response
