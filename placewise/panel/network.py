"""The whole network as one reader may see it: read again when something changed, and filtered for each question."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import BadRequest
from placewise.core.vocabulary import terms
from placewise.network.arrays import Network
from placewise.network.derived import standing
from placewise.network.links import STRENGTH_ORDER, Strength
from placewise.network.presences import Presences
from placewise.panel.held import Held
from placewise.store import network as stored
from placewise.store.geography import Agency, list_agencies
from placewise.store.network import ALWAYS, KINDS, LINK_TYPES, NEVER, LinkColumns, NodeColumns
from placewise.store.session import Session

Flags = NDArray[np.bool_]
Positions = NDArray[np.int64]

#: Of each process. 100,000 people with a million links take about 50 MB.
MOST_BYTES = 256 * 1024 * 1024
#: What is held is right for as long as the version of the data stays; the time only gives memory back.
HELD_FOR_S = 3600
#: Adults who may stand in lists of adults of concern.
OF_CONCERN = ("suspected", "convicted", "associate")
#: Being at the same one of these says nothing of a meeting.
NO_MEETING_PLACE = ("police_station", "health_site", "childrens_home", "residential")
_POSSIBLE = STRENGTH_ORDER.index("possible")
_UNRELIABLE = 3  # source grade
_SUSPECTED_FALSE = list(terms("assessment")).index("E")


@dataclass(frozen=True)
class Seen:
    """Everything of the network that one reader sees; held between requests and never changed.

    Attributes
    ----------
    nodes : NodeColumns
    links : LinkColumns
    agencies : tuple of Agency
        ``links.agency`` is a position among them.
    """

    nodes: NodeColumns
    links: LinkColumns
    agencies: tuple[Agency, ...]

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.nodes.nbytes + self.links.nbytes

    @cached_property
    def drawn(self) -> NDArray[np.int8]:
        """Strength that may be shown of each link, by position in ``STRENGTH_ORDER``: doubtful ones are possible."""
        doubtful = self.links.source_grade == _UNRELIABLE
        doubtful |= self.links.assessment == _SUSPECTED_FALSE
        return np.where(doubtful, np.int8(_POSSIBLE), self.links.strength)


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links to take; what is empty or None asks for nothing.

    Attributes
    ----------
    types : tuple of str
        Of `LINK_TYPES`.
    strengths : tuple of str
        As may be shown: a doubtful link counts as possible whatever was recorded.
    source_grades, assessments : tuple
        Of the 3x5x2 grading. A link without a grading is in neither.
    agencies : tuple of str
        Codes of the agencies that recorded them.
    seen_within_days : int or None
        Last seen no longer before the day that is asked about. Memberships have no such date and stay.
    """

    types: tuple[str, ...] = ()
    strengths: tuple[Strength, ...] = ()
    source_grades: tuple[int, ...] = ()
    assessments: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    seen_within_days: int | None = None

    def __post_init__(self) -> None:
        _known("kind of link", self.types, LINK_TYPES)
        _known("strength", self.strengths, STRENGTH_ORDER)
        _known("grade of a source", self.source_grades, (1, 2, 3))
        _known("assessment", self.assessments, terms("assessment"))
        if self.seen_within_days is not None and self.seen_within_days < 0:
            raise BadRequest("Days since a link was last seen cannot be fewer than none.")


@dataclass(frozen=True)
class Loaded:
    """The network of one question.

    Attributes
    ----------
    seen : Seen
    as_of : date
    links : ndarray of int64
        Rows of ``seen.links`` that stand on that day and were asked for.
    network : Network
        Ties made of them, over all nodes; the weight of a tie is its number of links.
    """

    seen: Seen
    as_of: date
    links: Positions
    network: Network

    def of_kind(self, kind: str) -> Positions:
        """Positions of all nodes of one of `KINDS`."""
        return np.flatnonzero(self.seen.nodes.kind == KINDS.index(kind))

    @property
    def adults_of_concern(self) -> Positions:
        """Positions of adults with a category of concern: they and places are all that measures may be given for."""
        categories = [list(terms("concern_category")).index(code) for code in OF_CONCERN]
        nodes = self.seen.nodes
        return np.flatnonzero((nodes.kind == KINDS.index("adult")) & np.isin(nodes.concern, categories))

    @property
    def protective_places(self) -> Positions:
        """Positions of places that keep children safe."""
        return np.flatnonzero(self.seen.nodes.protective)


_held: Held[Seen] = Held(most_bytes=MOST_BYTES, for_s=HELD_FOR_S)


def see_network(session: Session) -> Seen:
    """Nodes and links that the reader of this session sees now; read again when anything may have changed.

    What is held is handed out to the same account in the same agency, roles and grants only (decision 0014).
    """
    who = (session.scope.partnership_id, session.account_id, session.agency_id, session.roles)
    return _held.get((*who, stored.read_state(session)), lambda: _read(session))


def load_network(
    session: Session, *, as_of: date, wanted: LinkFilter | None = None, known_by: date | None = None
) -> Loaded:
    """The network that stands on a day.

    Parameters
    ----------
    as_of : date
        Links first seen later, or expired before, are left out.
    wanted : LinkFilter, optional
        All links by default.
    known_by : date, optional
        Only what was on record by the end of this day: with the same day as ``as_of``, what a panel could have seen
        then. People, groups and places are those of now.

    Raises
    ------
    BadRequest
        The filter names an agency that does not belong to the partnership.
    """
    seen = see_network(session)
    links = seen.links
    stands = standing(
        _dates(links.first_seen),
        _dates(links.last_seen),
        _dates(links.expires_on),
        as_of,
        recorded=_dates(links.recorded_on),
        known_by=known_by,
    )
    rows = np.flatnonzero(stands & _matches(seen, wanted or LinkFilter(), as_of))
    network = Network.build(seen.nodes.n, links.source[rows], links.target[rows])
    return Loaded(seen, as_of, rows, network)


def load_presences(session: Session, seen: Seen) -> Presences:
    """Who is named in which record, for derived ties and exposure; positions are those of ``seen.nodes``.

    Police stations, health sites and homes stand for no place: who is met there is not met by choice.
    """
    rows = stored.list_presences(session, seen.nodes)
    kept = np.flatnonzero(rows.role != stored.NONE)
    place = rows.place[kept].astype(np.int64)
    no_meeting = [list(terms("location_type")).index(code) for code in NO_MEETING_PLACE]
    elsewhere = place != stored.NONE
    elsewhere[elsewhere] = ~np.isin(seen.nodes.location_type[place[elsewhere]], no_meeting)
    _, event = np.unique(rows.event_id[kept].view(">u8").reshape(-1, 2), axis=0, return_inverse=True)
    return Presences.build(
        person=rows.person[kept],
        event=event,
        place=np.where(elsewhere, place, stored.NONE),
        role=rows.role[kept],
        begin=rows.begin[kept],
        end=rows.end[kept],
        recorded=_dates(rows.recorded_on[kept]),
        found=rows.found[kept],
        doubtful=rows.doubtful[kept],
    )


def _read(session: Session) -> Seen:
    agencies = tuple(list_agencies(session))
    nodes = stored.list_nodes(session)
    links = stored.list_links(session, nodes, agencies=[agency.agency_id for agency in agencies])
    return Seen(nodes, links, agencies)


def _matches(seen: Seen, wanted: LinkFilter, as_of: date) -> Flags:
    links = seen.links
    matches = np.ones(links.n, dtype=np.bool_)
    chosen = (
        (links.type, [LINK_TYPES.index(code) for code in wanted.types]),
        (seen.drawn, [STRENGTH_ORDER.index(code) for code in wanted.strengths]),
        (links.source_grade, list(wanted.source_grades)),
        (links.assessment, [list(terms("assessment")).index(code) for code in wanted.assessments]),
        (links.agency, _agencies(seen, wanted.agencies)),
    )
    for column, codes in chosen:
        if codes:
            matches &= np.isin(column, codes)
    if wanted.seen_within_days is not None:
        oldest = np.datetime64(as_of, "D").astype(np.int64) - wanted.seen_within_days
        matches &= (links.last_seen >= oldest) | (links.last_seen == ALWAYS)
    return matches


def _agencies(seen: Seen, codes: tuple[str, ...]) -> list[int]:
    known = {agency.code: position for position, agency in enumerate(seen.agencies)}
    _known("agency", codes, known)
    return [known[code] for code in codes]


def _known(what: str, values: tuple[object, ...], vocabulary: Container[object]) -> None:
    for value in values:
        if value not in vocabulary:
            raise BadRequest(f"{value!r} is not a {what}.")


def _dates(days: NDArray[np.int32]) -> NDArray[np.datetime64]:
    dates = days.astype("datetime64[D]")
    dates[(days == ALWAYS) | (days == NEVER)] = np.datetime64("NaT")
    return dates
