"""The web application: settings in, Flask out. Each subject's pages stand in a module of their own."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, request
from jinja2 import ChainableUndefined, ChoiceLoader, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.utils import missing

import placewise
from placewise.core.settings import Settings
from placewise.store.door import Door, Membership
from placewise.store.session import Database
from placewise.web import (
    account_pages,
    analysis_charts,
    analysis_pages,
    audit_pages,
    before_after_pages,
    connection_pages,
    formats,
    group_pages,
    health,
    home,
    hotspot_dots,
    hotspot_pages,
    import_pages,
    people_pages,
    place_pages,
    problems,
    security,
    signin,
    static_files,
)
from placewise.web.pages import NavigationEntry, Services

#: Every module with pages, in the order of the navigation.
SUBJECTS = (
    home.subject,
    hotspot_pages.subject,
    hotspot_dots.subject,
    analysis_pages.subject,
    place_pages.subject,
    before_after_pages.subject,
    group_pages.subject,
    connection_pages.subject,
    people_pages.subject,
    import_pages.subject,
    audit_pages.subject,
    account_pages.subject,
    signin.subject,
    health.subject,
    static_files.subject,
)
#: An upload is cut off here; larger files come in by the command line.
LARGEST_REQUEST_BYTES = 100 * 1024 * 1024


def create_app(settings: Settings, database: Database | None = None, door: Door | None = None) -> Flask:
    """Make the application.

    Parameters
    ----------
    settings : Settings
        As read from the environment, or made by a test.
    database, door : optional
        Connections to use; made from the settings when not given.

    Raises
    ------
    AssetsUnusable
        The front-end files were not made.
    """
    app = Flask("placewise.web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST_BYTES
    app.extensions["placewise"] = Services(
        settings,
        database or Database(settings.database_url),
        door
        or Door(settings.door_url, idle_minutes=settings.idle_minutes, session_hours=settings.session_hours),
    )
    _write_templates_strictly(app)
    security.protect(app, settings)
    static_files.add_to(app)
    formats.add_to(app)
    analysis_charts.add_to(app)
    problems.answer_problems(app)
    for subject in SUBJECTS:
        app.register_blueprint(subject)
    app.url_defaults(_same_partnership)
    app.context_processor(_frame)
    return app


def from_environment() -> Flask:
    """The application as gunicorn starts it: ``gunicorn "placewise.web.app:from_environment()"``."""
    app = create_app(Settings.from_environment())
    with app.app_context():
        import_pages.uploads().clear_old()  # what an earlier process could no longer delete
    return app


class StrictName(StrictUndefined):
    """A misspelt name or attribute in a template is an error.

    Only a key missing from a plain dict is not: the GOV.UK macros ask their one dict for what was not given.
    """

    def __new__(cls, hint: str | None = None, obj: Any = missing, name: str | None = None, *_: Any) -> Any:
        """An error to be raised when used, or nothing."""
        if isinstance(obj, dict) or name in ("caller", "undefined"):
            return ChainableUndefined(hint, obj, name)
        return super().__new__(cls)


def _write_templates_strictly(app: Flask) -> None:
    govuk = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    app.jinja_options = {
        **app.jinja_options,
        "undefined": StrictName,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "loader": ChoiceLoader([PackageLoader("placewise.web"), govuk]),
    }


def _same_partnership(endpoint: str, values: dict[str, Any]) -> None:
    membership: Membership | None = g.get("membership")
    if membership and "slug" not in values and _app_expects_slug(endpoint):
        values["slug"] = membership.slug


def _app_expects_slug(endpoint: str) -> bool:
    return current_app.url_map.is_endpoint_expecting(endpoint, "slug")


def _frame() -> dict[str, Any]:
    membership: Membership | None = g.get("membership")
    return {
        "membership": membership,
        "several_partnerships": g.get("membership_count", 0) > 1,
        "navigation": _navigation(membership),
        "subject_name": next((s.within for s in SUBJECTS if s.name == request.blueprint), None),
        "version": placewise.__version__,
    }


def _navigation(membership: Membership | None) -> list[NavigationEntry]:
    if membership is None:
        return []
    return [entry for subject in SUBJECTS for entry in subject.navigation if entry.roles & membership.roles]
