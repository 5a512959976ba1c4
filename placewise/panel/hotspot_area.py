"""The records in the part of the map that is shown: by month, by hour of the week, by time of year."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placewise.core.errors import BadRequest
from placewise.geo.clock import WeekClock, week_clock
from placewise.geo.intervals import with_intervals
from placewise.geo.season import Season, find_season
from placewise.panel.completeness import telling
from placewise.panel.dossier import TrendMonth
from placewise.panel.hotspot_layers import fit_projection
from placewise.panel.hotspot_months import LONDON, edges_us, held_words
from placewise.panel.hotspot_reporting import Reporting, read_reporting
from placewise.panel.hotspot_words import count_of
from placewise.panel.hotspots import Hotspots, Laid
from placewise.store.map_records import EventColumns

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

EDGES = ("west", "south", "east", "north")
#: No map of Great Britain looks further than this, in degrees.
_LIMITS = {"west": (-30.0, 30.0), "south": (40.0, 70.0), "east": (-30.0, 30.0), "north": (40.0, 70.0)}
#: Fewer records than this make no picture of a trend, only of its uncertainty.
FEW_DRAWN = 5
#: Fewer timed records than this show no pattern of the week.
FEW_TIMED = 10
#: Fewer months with whole data than this hold no season twice.
SEASON_MONTHS = 24
#: Fewer than five for each month of the year tell no season from chance.
FEW_FOR_SEASON = 60
SEASON_P_AT_MOST = 0.05
_PERMUTATIONS = 999
_DAY_US = 86_400_000_000
#: The day on which clocks go forward has 23 hours.
_SHORTEST_DAY_US = 23 * 3_600_000_000
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
TERM_TIMES = (
    "Holidays change who looks as well as what happens: schools send little in August and around Christmas "
    "and Easter."
)


@dataclass(frozen=True, slots=True)
class Box:
    """What a map shows: degrees of longitude and latitude."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class AreaFacts:
    """The records in one part of the map over the whole period, whatever month the slider is at.

    Attributes
    ----------
    is_whole : bool
        All of the study area.
    n, n_on_map : int
        Records here, and in the whole study area.
    trend : list of TrendMonth
        All months of the period; without interval where reports of an agency that tells of this part are missing.
    incomplete : list of str
        Names of those agencies.
    clock : WeekClock
    season : str
        One plain sentence.
    """

    is_whole: bool
    n: int
    n_on_map: int
    trend: list[TrendMonth]
    incomplete: list[str]
    clock: WeekClock
    season: str
    season_caution: str
    held: str
    sees_all: bool


def read_box(query: Mapping[str, Sequence[str]]) -> Box | None:
    """The part of the map that an address asks for; None for all of it.

    Raises
    ------
    BadRequest
        An edge is absent, no number, far from Great Britain, or on the wrong side of the one opposite.
    """
    texts = {edge: (query.get(edge) or [""])[-1].strip() for edge in EDGES}
    if not any(texts.values()):
        return None
    edges = [_degrees(texts[edge], *_LIMITS[edge]) for edge in EDGES]
    west, south, east, north = edges
    if any(math.isnan(edge) for edge in edges) or west >= east or south >= north:
        raise BadRequest(
            "The address does not say which part of the map to count: west, south, east and north must be degrees "
            "in and around Great Britain, west less than east and south less than north."
        )
    return Box(west, south, east, north)


def _degrees(text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if least <= value <= most else math.nan


def area_facts(found: Hotspots | Laid, box: Box | None, *, reporting: Reporting | None = None) -> AreaFacts:
    """Count the records in a part of the map, or in the whole study area, by month and by hour of the week."""
    records, known = found.records, (reporting or read_reporting(found)).known
    on_map = _placed(found)
    rows = on_map if box is None else on_map[_within(found, on_map, box)]
    codes = [agency.code for agency in found.ground.agencies]
    sent = np.bincount(records.columns.agency[rows] + 1, minlength=len(codes) + 1)[1:]
    tell = telling(dict(zip(codes, sent.tolist(), strict=True)))
    tell = [code for code in tell if code in known.missing]
    whole = np.array(known.whole(tell), dtype=bool)
    season, caution = _season_words(found, rows, whole) if known.sees_all else ("", "")
    counts = np.bincount(records.month[rows], minlength=len(records.months))
    names = {agency.code: agency.name for agency in found.ground.agencies}
    return AreaFacts(
        is_whole=box is None,
        n=rows.size,
        n_on_map=on_map.size,
        trend=_trend(records.months, counts, whole, known.held if known.sees_all else None),
        incomplete=[names[code] for code in tell if any(known.missing[code])],
        clock=_clock(records.columns, rows),
        season=season,
        season_caution=caution,
        held=held_words(len(records.months), known.empty_months) if known.empty_months else "",
        sees_all=known.sees_all,
    )


def _placed(found: Hotspots | Laid) -> Integers:
    """Rows on the map in any month of the period."""
    records = found.records
    rows = np.flatnonzero(records.shown_any_month)
    cell = found.grid.locate(records.columns.x[rows], records.columns.y[rows])
    inside: Integers = rows[cell >= 0]
    return inside


def _within(found: Hotspots | Laid, rows: Integers, box: Box) -> Flags:
    """Whether each record lies in the box, by the formula with which the browser draws it."""
    at = found.records.columns
    formula = fit_projection(found.ground.frame.total_bounds)
    lon, lat = formula.place(at.x[rows], at.y[rows])
    inside: Flags = (lon >= box.west) & (lon <= box.east) & (lat >= box.south) & (lat <= box.north)
    return inside


def _trend(
    months: list[str], counts: Integers, whole: Flags, held: tuple[bool, ...] | None
) -> list[TrendMonth]:
    table = with_intervals(pd.Series(counts), received=whole)
    return [
        TrendMonth(
            date(int(month[:4]), int(month[5:]), 1),
            int(counts[i]),
            float(table["low"][i]) if whole[i] else None,
            float(table["high"][i]) if whole[i] else None,
            held=held is None or held[i],
        )
        for i, month in enumerate(months)
    ]


def _clock(columns: EventColumns, rows: Integers) -> WeekClock:
    start, end = columns.occurred_from_us[rows], columns.occurred_to_us[rows]
    return week_clock(_instants(start), _instants(end), time_known=~_whole_days(start, end))


def _whole_days(start_us: Integers, end_us: Integers) -> Flags:
    """Known only by day or month: from midnight to midnight of the London calendar."""
    days = end_us - start_us >= _SHORTEST_DAY_US
    for instants in (start_us, end_us):
        local = _instants(instants[days]).tz_convert(LONDON)
        midnight = (local.hour == 0) & (local.minute == 0)
        days[np.flatnonzero(days)[~np.asarray(midnight)]] = False
    return np.asarray(days)


def _instants(us: Integers) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(us.view("datetime64[us]"), tz="UTC")


def _season_words(found: Hotspots | Laid, rows: Integers, whole: Flags) -> tuple[str, str]:
    """One sentence on the time of year, and what to bear in mind."""
    n_whole = int(whole.sum())
    if n_whole < SEASON_MONTHS:
        need = f"it takes {SEASON_MONTHS} months with whole data, and this period has {n_whole}"
        return f"Time of year: not compared, because a season must be seen twice: {need}.", ""
    counts = _each_child_once(found, rows).astype(np.float64)
    counts[~whole] = np.nan
    n = int(np.nansum(counts))
    if n < FEW_FOR_SEASON:
        return f"Time of year: too few to tell ({n:,} reports, each child counted once a month).", ""
    months = found.records.months
    season = find_season(
        counts,
        first_month=int(months[0][5:]),
        days=np.diff(edges_us(months)) / _DAY_US,
        permutations=_PERMUTATIONS,
    )
    basis = f"{n_whole} months with whole data, {n:,} reports, each child counted once a month"
    basis = f"{basis}; {_chance(season.p)}"
    if season.p > SEASON_P_AT_MOST:
        return f"No month or season stands out from an even spread over the year ({basis}).", TERM_TIMES
    amount = "More" if season.more else "Fewer"
    return (
        f"{amount} in {season_named(season)} than an even spread over the year gives ({basis}).",
        TERM_TIMES,
    )


def season_named(season: Season) -> str:
    """A run of calendar months as a phrase.

    >>> season_named(Season(12, 3, True, 4.0, 0.01, 36)), season_named(Season(10, 1, True, 4.0, 0.01, 36))
    ('December to February', 'October')
    """
    first, last = MONTH_NAMES[season.first - 1], MONTH_NAMES[(season.first + season.length - 2) % 12]
    return first if season.length == 1 else f"{first} to {last}"


def _each_child_once(found: Hotspots | Laid, rows: Integers) -> Integers:
    """Reports by month, one child's in one month counted once."""
    records = found.records
    month, child = records.month[rows], records.child_of_event[rows]
    named, n_months = child >= 0, len(records.months)
    seen = np.zeros((int(child.max(initial=0)) + 1, n_months), dtype=bool)
    seen[child[named], month[named]] = True
    once: Integers = np.bincount(month[~named], minlength=n_months) + seen.sum(axis=0)
    return once


def _chance(p: float) -> str:
    times = "less than once" if p < 0.01 else f"about {count_of(round(100 * p), 'time')}"
    return f"chance alone gives as much {times} in 100"
