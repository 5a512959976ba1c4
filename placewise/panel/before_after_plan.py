"""The plan of a before-and-after comparison: what was changed when, and where it is looked for, named beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import shapely

from placewise.core.text import one_line
from placewise.panel.hotspot_filter import Problem
from placewise.panel.hotspot_ground import read_ground
from placewise.panel.period import LONDON, find_period, month_before
from placewise.store.geography import Areas, MappedPlace, list_mapped_places
from placewise.store.session import Session

MONTHS = (3, 6, 9, 12, 18, 24)
USUAL_MONTHS = 6
#: Radius of a point's target; margin round the shape of any other place.
REACHES_M = (50, 100, 150, 200, 300, 400)
MARGINS_M = (0, 25, 50, 100)
RINGS_M = (100, 200, 300, 400, 500, 750, 1000)
USUAL_REACH_M, USUAL_MARGIN_M, USUAL_RING_M = 100, 25, 300
AGAINST = ("rest", "places", "wards")
LONGEST_TEXT = 200
#: A round target's outline has four times so many corners.
CORNERS = 16
FIRST_YEAR = 1970
DATE_PARTS = ("day", "month", "year")


@dataclass(frozen=True, slots=True)
class Site:
    """A place that can be evaluated, and what a plan may compare it with.

    Attributes
    ----------
    borough : shapely geometry or None
        EPSG:27700; None without an imported boundary, and then there is no "rest".
    first : date or None
        First day of the first month with records.
    end : date or None
        Day after the newest month that is over and has records.
    """

    place: MappedPlace
    others: Sequence[MappedPlace]
    wards: Areas
    borough: shapely.Geometry | None = field(repr=False)
    first: date | None
    end: date | None

    @property
    def shape(self) -> shapely.Geometry:
        """The place's own geometry; only where there is one."""
        if self.place.shape is None:
            raise ValueError("A place without a geometry cannot be evaluated on the ground")
        return self.place.shape

    @property
    def last_month(self) -> date | None:
        """First day of the newest month that is over and has records."""
        return None if self.end is None else month_before(self.end)

    @property
    def is_point(self) -> bool:
        """Whether the target is a circle."""
        return bool(shapely.get_dimensions(self.shape) == 0)

    @property
    def reaches_m(self) -> tuple[int, ...]:
        """What may be chosen as radius or margin."""
        least = 1 if shapely.get_dimensions(self.shape) == 1 else 0
        return REACHES_M if self.is_point else tuple(m for m in MARGINS_M if m >= least)

    def outside(self, around: shapely.Geometry) -> shapely.Geometry:
        """The borough without some ground; only with an imported boundary."""
        if self.borough is None:
            raise ValueError("Without a boundary there is no rest of the borough")
        return shapely.difference(self.borough, around)

    @property
    def ways(self) -> tuple[str, ...]:
        """What it may be compared with."""
        held = {"rest": self.borough is not None, "places": bool(self.others), "wards": bool(self.wards.ids)}
        return tuple(way for way in AGAINST if held[way])


@dataclass(frozen=True, slots=True)
class Plan:
    """One comparison: all that decides its figures besides the records.

    Attributes
    ----------
    changed : date
        First day of the period after.
    reach_m : int
        Radius of a point's target, margin round another place's shape.
    chosen : tuple of UUID
        Places or wards compared with; empty for the rest of the borough.
    as_at : datetime or None
        Use the records as they stood then (a saved run); None for now.
    """

    changed: date
    done: str
    months: int
    reach_m: int
    ring_m: int
    against: str
    chosen: tuple[UUID, ...] = ()
    as_at: datetime | None = None

    @property
    def since(self) -> date:
        """First day of the period before."""
        return months_later(self.changed, -self.months)

    @property
    def until(self) -> date:
        """Day after the period after."""
        return months_later(self.changed, self.months)

    def query(self) -> list[tuple[str, str]]:
        """The plan as query parameters: `read_plan` of them gives it back."""
        pairs = [(part, str(getattr(self.changed, part))) for part in DATE_PARTS]
        pairs += [("done", self.done), ("months", str(self.months)), ("reach", str(self.reach_m))]
        pairs += [("ring", str(self.ring_m)), ("against", self.against)]
        pairs += [("with", str(one)) for one in self.chosen]
        return pairs + ([("as_at", self.as_at.isoformat())] if self.as_at else [])


@dataclass(frozen=True, slots=True)
class Grounds:
    """The three areas of a plan, EPSG:27700; they do not overlap. ``places`` are those whose name alone counts."""

    target: shapely.Geometry
    ring: shapely.Geometry
    comparison: shapely.Geometry
    places: tuple[UUID, ...] = ()


def midnight(day: date) -> datetime:
    """The moment a day begins in London."""
    return datetime.combine(day, time(), LONDON)


def months_later(day: date, months: int) -> date:
    """The same day some months later or earlier; the last of a month that is too short.

    >>> months_later(date(2025, 8, 31), -6), months_later(date(2025, 12, 1), 1)
    (datetime.date(2025, 2, 28), datetime.date(2026, 1, 1))
    """
    count = day.year * 12 + day.month - 1 + months
    first = date(count // 12, count % 12 + 1, 1)
    following = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    return min(first + timedelta(day.day - 1), following - timedelta(1))


def read_site(session: Session, place_id: UUID, *, today: date) -> Site | None:
    """The place with what it may be compared with; None where it has no geometry or is known too roughly."""
    places = list_mapped_places(session)
    place = next((one for one in places if one.place_id == place_id), None)
    if place is None or not place.is_drawn:
        return None
    ground = read_ground(session)
    period = find_period(session, today=today)
    return Site(
        place,
        [one for one in places if one.is_drawn and one.place_id != place_id],
        ground.wards,
        ground.area,
        first=None if ground.first_month is None else date.fromisoformat(f"{ground.first_month}-01"),
        end=None if period is None else period.until.date(),
    )


def is_asked(query: Mapping[str, Sequence[str]]) -> bool:
    """Whether the address holds a plan, or the beginning of one."""
    return any(query.get(name) for name in (*DATE_PARTS, "done"))


def read_plan(query: Mapping[str, Sequence[str]], site: Site) -> tuple[Plan | None, list[Problem]]:
    """Understand an address; None where something in it is missing or wrong, with a message for each such field."""
    asked = _Asked(query)
    changed = asked.day()
    done = asked.text("done")
    months = asked.number("months", MONTHS, USUAL_MONTHS)
    reach_m = asked.number("reach", site.reaches_m, USUAL_REACH_M if site.is_point else USUAL_MARGIN_M)
    ring_m = asked.number("ring", RINGS_M, USUAL_RING_M)
    against = asked.first("against") or (site.ways[0] if site.ways else "")
    if against not in site.ways:
        asked.refuse("against", "Choose what to compare the place with")
    chosen = asked.chosen(against, site) if against in ("places", "wards") else ()
    as_at = asked.moment("as_at")
    if asked.problems or changed is None:
        return None, asked.problems
    plan = Plan(changed, done, months, reach_m, ring_m, against, chosen, as_at)
    overlap = _overlap(plan, site)
    return (None, [overlap]) if overlap else (plan, [])


def find_grounds(plan: Plan, site: Site) -> Grounds:
    """Target, ring and comparison area on the ground."""
    target, around = _target(plan, site)
    ring = shapely.difference(around, target)
    if plan.against == "places":
        places = [one for one in site.others if one.place_id in plan.chosen]
        return Grounds(target, ring, _round_places(plan, places), plan.chosen)
    if plan.against == "wards":
        wards = zip(site.wards.ids, site.wards.shapes, strict=True)
        whole = shapely.union_all([shape for ward_id, shape in wards if ward_id in plan.chosen])
        return Grounds(target, ring, shapely.difference(whole, around))
    return Grounds(target, ring, site.outside(around))


def too_early(plan: Plan, site: Site, *, today: date) -> str | None:
    """Why the plan has no answer yet, or can have none; None where the records reach over both periods."""
    if plan.changed > today:
        return (
            f"The change, on {_day(plan.changed)}, is still to come. Open this plan again once the "
            f"records reach to {_day(plan.until - timedelta(1))}."
        )
    if site.first is None or site.end is None:
        return "No records are held yet, so there is nothing to compare."
    if plan.until > site.end:
        return (
            f"The period after runs to {_day(plan.until - timedelta(1))}, but whole months of records reach only to "
            f"{_day(site.end - timedelta(1))}. Choose a shorter period, or come back later."
        )
    if plan.since < site.first:
        return (
            f"The period before begins on {_day(plan.since)}, but the first record is of {site.first:%B %Y}. Choose a "
            "shorter period or a later date."
        )
    return None


def _target(plan: Plan, site: Site) -> tuple[shapely.Geometry, shapely.Geometry]:
    target = shapely.buffer(site.shape, plan.reach_m, quad_segs=CORNERS)
    return target, shapely.buffer(site.shape, plan.reach_m + plan.ring_m, quad_segs=CORNERS)


def _round_places(plan: Plan, places: Sequence[MappedPlace]) -> shapely.Geometry:
    """The chosen places, each with the same reach; a point or route always with some ground round it."""
    return shapely.union_all(
        [
            shapely.buffer(
                one.shape,
                plan.reach_m if shapely.get_dimensions(one.shape) == 2 else max(plan.reach_m, USUAL_REACH_M),
                quad_segs=CORNERS,
            )
            for one in places
        ]
    )


def _overlap(plan: Plan, site: Site) -> Problem | None:
    """A comparison that the plan itself touches, or that nothing is left of."""
    around = _target(plan, site)[1]
    if plan.against == "places":
        near = [
            one.name
            for one in site.others
            if one.place_id in plan.chosen and shapely.intersects(_round_places(plan, [one]), around)
        ]
        if near:
            return Problem(
                "with", f"{near[0]} lies in or beside the ring round this place: choose one farther off"
            )
    elif shapely.is_empty(find_grounds(plan, site).comparison):
        return Problem("against", "Nothing of the comparison area lies outside the ring: choose another")
    return None


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


class _Asked:
    def __init__(self, query: Mapping[str, Sequence[str]]) -> None:
        self.query = query
        self.problems: list[Problem] = []

    def refuse(self, name: str, message: str) -> None:
        self.problems.append(Problem(name, message))

    def first(self, name: str) -> str:
        return (self.query.get(name) or [""])[0].strip()

    def day(self) -> date | None:
        day, month, year = (self.first(part) for part in DATE_PARTS)
        try:
            found = date(int(year), int(month), int(day))
            if FIRST_YEAR < found.year < date.max.year - 10:
                return found
        except (ValueError, OverflowError):
            pass  # refused below, with the years that no record lies in
        self.refuse("day", "The date of the change must be a real date, such as 14 5 2025")
        return None

    def text(self, name: str) -> str:
        text = one_line(self.first(name))
        if not text:
            self.refuse(name, "Say in a few words what was done")
        elif len(text) > LONGEST_TEXT:
            self.refuse(name, f"What was done must be {LONGEST_TEXT} characters or fewer")
        return text

    def number(self, name: str, allowed: Sequence[int], usual: int) -> int:
        typed = self.first(name) or str(usual)
        if typed not in map(str, allowed):
            self.refuse(name, f"Choose one of {', '.join(map(str, allowed))}")
            return usual
        return int(typed)

    def chosen(self, against: str, site: Site) -> tuple[UUID, ...]:
        held = [one.place_id for one in site.others] if against == "places" else list(site.wards.ids)
        ticked = set(self.query.get("with") or ())
        found = tuple(one for one in held if str(one) in ticked)
        if not found:
            what = "place" if against == "places" else "ward"
            self.refuse("with", f"Tick at least one {what} to compare with")
        return found

    def moment(self, name: str) -> datetime | None:
        if not (typed := self.first(name)):
            return None
        try:
            found = datetime.fromisoformat(typed)
            if found.tzinfo is not None and FIRST_YEAR < found.astimezone(UTC).year < date.max.year - 10:
                return found
        except (ValueError, OverflowError):
            pass  # refused below
        self.refuse(name, "The moment as at which records are asked for is not a date and time")
        return None
