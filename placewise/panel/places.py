"""The list of places: what each had in the last twelve months and the twelve before, and what may be said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from placewise.core.vocabulary import harm_relations, label
from placewise.geo.intervals import Verdict
from placewise.panel.completeness import (
    SINGLE_PLACES,
    Completeness,
    SideBySide,
    read_completeness,
    set_side_by_side,
    telling,
)
from placewise.panel.period import Period, find_period
from placewise.store import place_events, places
from placewise.store.places import PlaceRow
from placewise.store.session import Session

Order = Literal["name", "type", "status", "recent", "before"]
ORDERS: tuple[Order, ...] = ("name", "type", "status", "recent", "before")
VERDICTS: dict[Verdict, str] = {
    "higher": "Higher",
    "lower": "Lower",
    "ordinary": "No clear change",
    "too_few": "Too few to tell",
}
#: One comparison in this many calls a change where there is none, at most.
ONE_FALSE_IN = 20


@dataclass(frozen=True, slots=True)
class PlaceSummary:
    """A place with its two counts; None where the partnership holds no record at all."""

    place: PlaceRow
    pair: SideBySide | None

    @property
    def verdict(self) -> str:
        """What may be said, in two or three words."""
        if self.pair is None:
            return "No records yet"
        if self.pair.comparison is None:
            return "Data missing: not compared" if self.pair.sees_all else "Cannot be told"
        if self.pair.count == self.pair.baseline == 0:
            return "None recorded"
        return VERDICTS[self.pair.comparison.verdict]


@dataclass(frozen=True, slots=True)
class PlaceList:
    """The places found, and the period they are judged by."""

    places: Sequence[PlaceSummary]
    period: Period | None
    known: Completeness | None = None

    def count(self, verdict: Verdict) -> int:
        """Places with this verdict."""
        compared = [p.pair.comparison for p in self.places if p.pair and p.pair.comparison]
        return sum(comparison.verdict == verdict for comparison in compared)

    @property
    def chance_finds(self) -> int:
        """How many of so many places may stand out by chance alone, rounded up."""
        return -(-len(self.places) // ONE_FALSE_IN)


def list_places(
    session: Session,
    *,
    today: date,
    location_type: str | None = None,
    status: str | None = None,
    name: str | None = None,
    order: Order = "name",
    descending: bool = False,
) -> PlaceList:
    """Places with harm recorded in the last 12 months and the 12 before; only harm at the place counts."""
    found = places.list_places(session, location_type=location_type, status=status, name=name)
    period = find_period(session, today=today)
    if period is None:
        return PlaceList(_ordered([PlaceSummary(place, None) for place in found], order, descending), None)
    known = read_completeness(session, period)
    pairs = _pairs(session, known)
    nothing = _pair(Counter(), Counter(), known)
    summaries = [PlaceSummary(place, pairs.get(place.place_id, nothing)) for place in found]
    return PlaceList(_ordered(summaries, order, descending), period, known)


def _pairs(session: Session, known: Completeness) -> dict[UUID, SideBySide]:
    """Harm in the last 12 months and the 12 before, for each place with any record."""
    harm: dict[UUID, Counter[date]] = {}
    sources: dict[UUID, Counter[str]] = {}
    rows = place_events.count_at_places(
        session, since=known.period.since, until=known.period.until, relations=harm_relations()
    )
    for place_id, agency, month, n_harm, n in rows:
        harm.setdefault(place_id, Counter())[month] += n_harm
        sources.setdefault(place_id, Counter())[agency] += n
    return {place_id: _pair(harm[place_id], sources[place_id], known) for place_id in harm}


def _pair(harm: Counter[date], sources: Counter[str], known: Completeness) -> SideBySide:
    counts = [harm[month] for month in known.period.months]
    return set_side_by_side(counts, known, telling(sources), 12)


def _ordered(found: list[PlaceSummary], order: Order, descending: bool) -> list[PlaceSummary]:
    """Sorted by one column; places alike in it stay in order of name either way."""

    def key(one: PlaceSummary) -> tuple[int, str]:
        if order in ("recent", "before") and one.pair:
            return (one.pair.count if order == "recent" else one.pair.baseline), ""
        words = {
            "name": one.place.name.casefold(),
            "type": label("location_type", one.place.location_type),
            "status": label("place_status", one.place.status),
        }
        return 0, words.get(order, "")

    return sorted(found, key=key, reverse=descending)


def sentence(found: PlaceList, *, filtered: bool) -> str:
    """What a chair would say of the list."""
    n = len(found.places)
    if not n:
        return "No place fits these filters." if filtered else "No places are held yet."
    noun = "place" if n == 1 else "places"
    lead = f"{n:,} {noun} {'fit' + ('s' if n == 1 else '') + ' these filters' if filtered else 'held'}."
    if found.period is None:
        return f"{lead} No records about any of them yet."
    if found.known and not found.known.sees_all:
        return f"{lead} Whether any had more harm recorded than before cannot be told. {SINGLE_PLACES}"
    higher, lower = found.count("higher"), found.count("lower")
    too_few = found.count("too_few")
    parts = [f"{higher} had more harm recorded than in the 12 months before", f"{lower} had less"]
    said = " and ".join(parts) + ", by more than ordinary variation"
    few = f"; {too_few} had too few records to tell" if too_few else ""
    uncompared = sum(p.pair is not None and p.pair.comparison is None for p in found.places)
    none = f"; {uncompared} could not be compared, because data are missing" if uncompared else ""
    gaps = f" {found.known.sentence}" if found.known and found.known.sentence else ""
    return f"{lead} In the 12 months to {found.period.last:%B %Y}, {said}{few}{none}.{gaps}"
