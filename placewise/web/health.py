"""For whatever watches the service: whether it is up, and reaches its database."""

from __future__ import annotations

from placewise.core.errors import DatabaseBusy
from placewise.web.pages import Answer, Subject, services

subject = Subject("health", __name__)


@subject.public("/healthz")
def healthz() -> Answer:
    """200 when sign-in's connection answers, else 503; says nothing else to the public."""
    try:
        services().door.ping()
    except DatabaseBusy:
        return {"status": "no database"}, 503, {"Retry-After": "5"}
    return {"status": "ok"}
