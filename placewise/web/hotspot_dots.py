"""Dots on the hotspot map: how many records on each small square of a tile, for the page that is open."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from flask import request
from werkzeug.wrappers import Response

from placewise.core.errors import BadRequest
from placewise.core.scope import READERS, Action
from placewise.panel.held import Held
from placewise.panel.hotspot_tiles import PointTiles, Tile, check_tile, tiles_of
from placewise.panel.hotspots import Nothing, lay_records
from placewise.store.door import Membership
from placewise.store.session import Session
from placewise.web.pages import Answer, Subject, opened_at

subject = Subject("dots", __name__)

#: Of each web process. A million records take about 20 MB.
MOST_BYTES = 256 * 1024 * 1024
#: What someone is no longer to see (a record made restricted, a place taken from a task group) is out of the dots
#: after this long at the latest; a sign-in that is over, or another role, is out at once.
HELD_FOR_S = 600

_held: Held[PointTiles] = Held(most_bytes=MOST_BYTES, for_s=HELD_FOR_S)


@subject.page(
    "/p/<slug>/map/counts/<int:zoom>/<int:column>/<int:row>.json",
    roles=READERS,
    action=Action.CONSULT_MAP,
    within_opening=("month",),
)
def tile(session: Session, membership: Membership, zoom: int, column: int, row: int) -> Answer:
    """Counts of the records of the map on one tile, in the whole period or one of its months."""
    check_tile(zoom, column, row)
    found = _tiles(session).tile(zoom, column, row, request.args.get("month") or None)
    session.note(count=int(found.count.sum()))
    return Response(as_json(found), content_type="application/json")


def as_json(found: Tile) -> bytes:
    """A tile as the browser gets it; some 50 KB at the most."""
    return orjson.dumps(asdict(found), option=orjson.OPT_SERIALIZE_NUMPY)


def _tiles(session: Session) -> PointTiles:
    """What this page, opened then by this person in these roles, shows; read again when it is not held."""
    opened = opened_at()
    if opened is None:  # a request that stands by itself, logged as such
        return _read(session, {})
    own = (session.scope.partnership_id, session.account_id, session.agency_id, session.roles)
    said = tuple(sorted(pair for pair in request.args.items(multi=True) if pair[0] != "month"))
    return _held.get((own, said), lambda: _read(session, {"as_at": [opened.isoformat()]}))


def _read(session: Session, opened: dict[str, list[str]]) -> PointTiles:
    """The records of the question, as they stood when the page was opened."""
    asked = {name: values for name, values in request.args.to_dict(flat=False).items() if name != "month"}
    laid, problems = lay_records(session, opened | asked)
    if problems:
        raise BadRequest(problems[0].message)
    if isinstance(laid, Nothing):
        raise BadRequest("There is nothing to map yet.")
    return tiles_of(laid)
