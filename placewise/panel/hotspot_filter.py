"""What the map is asked: the whole state of the page as one value, read from and written to the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from placewise.core.vocabulary import harm_relations, placeable_accuracies, terms
from placewise.panel.hotspot_months import USUAL_MONTHS, is_month, moved

VIEWS = ("counts", "density", "significance", "rates", "emerging", "scan")
#: What the views that a worker calculates may be asked besides. The values are checked there, in words (analyses).
OPTIONS = {
    "emerging": ("step", "windows", "alternative", "intensity", "redraws", "seed"),
    "scan": ("compared", "time", "longest", "radius", "share", "shufflings", "seed"),
}
_LONGEST_OPTION = 20
CELL_WIDTHS_M = (150, 250, 500)
SHAPES = ("hexagons", "squares")
#: What the counts view shades and numbers the cells by.
SHADES = ("records", "children")
BANDWIDTHS_M = (200, 300, 500, 800)
USUAL_BANDWIDTH_M = 300
#: Instead of a distance: a rule that finds one in the records.
BANDWIDTH_RULES = ("silverman", "likelihood")
LONGEST_BANDWIDTH_M = 100_000
#: Side of a cell of the smoothed surface: fine enough to look smooth at a borough's scale.
SURFACE_CELL_M = 25.0
KERNELS = ("quartic", "gaussian")
EDGES = ("corrected", "plain")
#: What becomes of records known only roughly.
IMPRECISE = ("left_out", "spread")
#: What records are held against in the rates view.
RATES = ("children", "residents", "crime", "crime_quotient", "all", "all_quotient")
#: What may be drawn over the main layer, and what is drawn unless others are asked for.
OVERLAYS = ("places", "ward", "lsoa", "dots")
DEFAULT_OVERLAYS = ("places", "ward")
NO_OVERLAY = "none"
SORTS = ("count", "children", "q", "ward", "rate")
NOT_RECORDED = "not_recorded"
#: Years between which "the records as they were at" can lie.
_FIRST_RECORD, _LAST_RECORD = 1970, 2200
#: Where police searched says nothing of where harm is; it is shown only when asked for.
OFF_BY_DEFAULT_KINDS = ("stop_search",)
#: A child's home or placement is never a hotspot, whatever is asked.
NEVER_MAPPED_RELATIONS = ("lives_there",)
#: Switching these on brings a warning: they tell where someone looked.
WARNED_RELATIONS = ("found_there", "detected_there")


class Problem(NamedTuple):
    """A value that could not be understood, and what was used instead."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters of one partnership offer.

    Attributes
    ----------
    first_month, last_month : str
        Months with records, such as ``2024-05``.
    agencies : dict of str to str
        Name by code.
    usual_first_month : str or None
        Where the period begins unless another is asked for; None for the usual number of months.
    """

    first_month: str
    last_month: str
    agencies: Mapping[str, str]
    usual_first_month: str | None = None


@dataclass(frozen=True, slots=True)
class HotspotFilter:
    """One state of the map page.

    ``harms``, ``categories`` and ``agencies`` left empty mean all; ``harms`` may hold ``not_recorded``.

    Attributes
    ----------
    month : str or None
        One month within the period, when the time slider is in use.
    as_at : datetime or None
        Use the records as they stood then (a saved run); None for now.
    bandwidth : str
        Smoothing distance in whole metres, or one of `BANDWIDTH_RULES`.
    lat, lon, zoom : float, float, int or None
        Where the map looks, kept in the address so that a view can be shared.
    cell : str or None
        The cell whose facts are shown, as ``q.r``; a name means another spot for another shape or width.
    options : tuple of (name, value)
        What `OPTIONS` of the view are asked for.
    """

    view: str
    first_month: str
    last_month: str
    month: str | None = None
    harms: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    relations: tuple[str, ...] = field(default_factory=harm_relations)
    accuracies: tuple[str, ...] = field(default_factory=placeable_accuracies)
    kinds: tuple[str, ...] = ()
    cell_width_m: int = 250
    shape: str = SHAPES[0]
    shade: str = SHADES[0]
    bandwidth: str = str(USUAL_BANDWIDTH_M)
    kernel: str = KERNELS[0]
    edge: str = EDGES[0]
    imprecise: str = IMPRECISE[0]
    rate: str = RATES[0]
    as_at: datetime | None = None
    overlays: tuple[str, ...] = DEFAULT_OVERLAYS
    sort: str = "count"
    page: int = 1
    cell: str | None = None
    lat: float | None = None
    lon: float | None = None
    zoom: int | None = None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def warned_relations(self) -> tuple[str, ...]:
        """Chosen relations that tell where someone looked, not where harm happens."""
        return tuple(r for r in self.relations if r in WARNED_RELATIONS)

    @property
    def spreads(self) -> bool:
        """Whether rough records are drawn: only a smooth surface can carry them, a count cannot."""
        return self.view == "density" and self.imprecise == "spread"

    def query(self) -> list[tuple[str, str]]:
        """The state as query parameters: `read_filter` of them gives this filter back."""
        pairs = [("view", self.view), ("from", self.first_month), ("to", self.last_month)]
        pairs += [("harm", code) for code in self.harms]
        pairs += [("category", code) for code in self.categories]
        pairs += [("agency", code) for code in self.agencies]
        if self.relations != harm_relations():
            pairs += [("relation", code) for code in self.relations]
        if self.accuracies != placeable_accuracies():
            pairs += [("accuracy", code) for code in self.accuracies]
        if self.kinds != default_kinds():
            pairs += [("kind", code) for code in self.kinds]
        pairs += [("width", str(self.cell_width_m)), ("bandwidth", self.bandwidth)]
        if self.overlays != DEFAULT_OVERLAYS:
            pairs += [("show", name) for name in self.overlays or (NO_OVERLAY,)]
        optional = {
            "cells": self.shape if self.shape != SHAPES[0] else None,
            "shade": self.shade if self.shade != SHADES[0] else None,
            "kernel": self.kernel if self.kernel != KERNELS[0] else None,
            "edge": self.edge if self.edge != EDGES[0] else None,
            "imprecise": self.imprecise if self.imprecise != IMPRECISE[0] else None,
            "rate": self.rate if self.rate != RATES[0] else None,
            "month": self.month,
            "as_at": self.as_at.isoformat() if self.as_at else None,
            "sort": self.sort if self.sort != "count" else None,
            "page": str(self.page) if self.page > 1 else None,
            "cell": self.cell,
        }
        pairs += [(name, value) for name, value in optional.items() if value]
        pairs += [(name, value) for name, value in self.options if name in OPTIONS.get(self.view, ())]
        if self.lat is not None and self.lon is not None and self.zoom is not None:
            pairs += [("lat", f"{self.lat:.5f}"), ("lon", f"{self.lon:.5f}"), ("zoom", str(self.zoom))]
        return pairs

    def but(self, **changes: object) -> HotspotFilter:
        """A copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]  # fields by name


def default_kinds() -> tuple[str, ...]:
    """Event kinds that are mapped unless others are asked for."""
    return tuple(code for code in terms("event_kind") if code not in OFF_BY_DEFAULT_KINDS)


def mappable_relations() -> tuple[str, ...]:
    """Relations that may be chosen at all."""
    return tuple(code for code in terms("relation") if code not in NEVER_MAPPED_RELATIONS)


def read_filter(query: Mapping[str, Sequence[str]], choices: Choices) -> tuple[HotspotFilter, list[Problem]]:
    """Understand an address; what cannot be understood is named and replaced by its default."""
    asked = _Asked(query)
    first, last = _period(asked, choices)
    state = HotspotFilter(
        view=asked.one("view", VIEWS, "counts"),
        first_month=first,
        last_month=last,
        month=asked.month_within("month", first, last),
        harms=asked.some("harm", [*terms("harm_type"), NOT_RECORDED], ()),
        categories=asked.some("category", list(terms("crime_category")), ()),
        agencies=asked.some("agency", list(choices.agencies), ()),
        relations=asked.some("relation", mappable_relations(), harm_relations()),
        accuracies=asked.some("accuracy", placeable_accuracies(), placeable_accuracies()),
        kinds=asked.some("kind", list(terms("event_kind")), default_kinds()),
        cell_width_m=int(asked.one("width", [str(w) for w in CELL_WIDTHS_M], "250")),
        bandwidth=asked.bandwidth("bandwidth"),
        shape=asked.one("cells", SHAPES, SHAPES[0]),
        shade=asked.one("shade", SHADES, SHADES[0]),
        kernel=asked.one("kernel", KERNELS, KERNELS[0]),
        edge=asked.one("edge", EDGES, EDGES[0]),
        imprecise=asked.one("imprecise", IMPRECISE, IMPRECISE[0]),
        rate=asked.one("rate", RATES, RATES[0]),
        as_at=asked.moment("as_at"),
        overlays=_without_none(asked.some("show", [*OVERLAYS, NO_OVERLAY], DEFAULT_OVERLAYS)),
        sort=asked.one("sort", SORTS, "count"),
        page=int(asked.number("page", 1, 100_000) or 1),
        cell=asked.cell("cell"),
        lat=asked.number("lat", 49, 61),
        lon=asked.number("lon", -9, 3),
        zoom=None if (zoom := asked.number("zoom", 5, 18)) is None else int(zoom),
        options=asked.options(),
    )
    return state, asked.problems


def _without_none(overlays: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in overlays if name != NO_OVERLAY)


def _period(asked: _Asked, choices: Choices) -> tuple[str, str]:
    usual = choices.usual_first_month or moved(choices.last_month, 1 - USUAL_MONTHS)
    default_first = max(choices.first_month, usual)
    first = asked.month("from", default_first)
    last = asked.month("to", choices.last_month)
    if first <= last:
        return first, last
    asked.problems.append(
        Problem("from", "The first month is after the last month. Choose an earlier first month.")
    )
    return default_first, choices.last_month


class _Asked:
    """Reads one value at a time and keeps what went wrong."""

    def __init__(self, query: Mapping[str, Sequence[str]]) -> None:
        self._query = query
        self.problems: list[Problem] = []

    def _text(self, name: str) -> str:
        values = self._query.get(name) or ()
        return values[-1].strip() if values else ""

    def _wrong(self, name: str, message: str) -> None:
        self.problems.append(Problem(name, message))

    def one(self, name: str, known: Sequence[str], default: str) -> str:
        text = self._text(name)
        if text and text not in known:
            self._wrong(name, f"The address asks for an unknown {_WORDS[name]}. The usual one is shown.")
        return text if text in known else default

    def some(self, name: str, known: Sequence[str], default: tuple[str, ...]) -> tuple[str, ...]:
        texts = [text for text in self._query.get(name) or () if text]
        if any(text not in known for text in texts):
            self._wrong(name, f"The address asks for an unknown {_WORDS[name]}. It was left out.")
        found = tuple(code for code in known if code in texts)
        return found or default

    def month(self, name: str, default: str) -> str:
        text = self._text(name)
        if text and not is_month(text):
            self._wrong(name, "A month must look like 2026-05. The usual period is shown.")
        return text if is_month(text) else default

    def month_within(self, name: str, first: str, last: str) -> str | None:
        text = self._text(name)
        if not text:
            return None
        if not is_month(text) or not first <= text <= last:
            self._wrong(name, "The month of the time slider is not in the period. The whole period is shown.")
            return None
        return text

    def number(self, name: str, least: float, most: float) -> float | None:
        text = self._text(name)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            self._wrong(name, f"The address gives a {_WORDS[name]} that cannot be. It was left out.")
            return None
        return value

    def bandwidth(self, name: str) -> str:
        """A rule, or any whole number of metres: what does not fit the surface is mended there, in words."""
        text, usual = self._text(name), str(USUAL_BANDWIDTH_M)
        if not text or text in BANDWIDTH_RULES:
            return text or usual
        if not (text.isascii() and text.isdecimal() and 0 < int(text[:7]) <= LONGEST_BANDWIDTH_M):
            self._wrong(
                name,
                f"A smoothing distance is a whole number of metres up to {LONGEST_BANDWIDTH_M:,}. "
                f"The usual {usual} m is used.",
            )
            return usual
        return str(int(text))

    def options(self) -> tuple[tuple[str, str], ...]:
        """As they are, for the analysis to check; none is so long."""
        names = OPTIONS.get(self._text("view"), ())
        return tuple((name, text[:_LONGEST_OPTION]) for name in names if (text := self._text(name)))

    def moment(self, name: str) -> datetime | None:
        text = self._text(name).replace(" ", "+")  # a plus sign in an address reads as a space
        if not text:
            return None
        try:
            value = datetime.fromisoformat(text)
            value = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):  # a zone can carry a date over the end of the calendar
            value = None
        if value is None or not _FIRST_RECORD <= value.year <= _LAST_RECORD:
            self._wrong(name, "The date of the records cannot be understood. The records of now are shown.")
            return None
        return value

    def cell(self, name: str) -> str | None:
        text = self._text(name)
        if not text:
            return None
        if cell_parts(text) is None:
            self._wrong(name, "The address names a cell that cannot be. None is chosen.")
            return None
        return text


def cell_parts(text: str) -> tuple[int, int] | None:
    """Lattice coordinates (q, r) of a cell's name such as ``2163.-812``."""
    q, dot, r = text.partition(".")
    if not dot or not all(part.removeprefix("-").isdecimal() and len(part) < 8 for part in (q, r)):
        return None
    return int(q), int(r)


_WORDS = {
    "view": "view",
    "harm": "kind of harm",
    "category": "crime category",
    "agency": "agency",
    "relation": "link to the location",
    "accuracy": "accuracy",
    "kind": "kind of record",
    "width": "cell size",
    "cells": "shape of cells",
    "shade": "way to shade the cells",
    "kernel": "way of smoothing",
    "edge": "way to treat the edge",
    "imprecise": "way to treat imprecise records",
    "rate": "rate",
    "show": "layer",
    "sort": "order",
    "page": "page",
    "lat": "latitude",
    "lon": "longitude",
    "zoom": "zoom",
}
