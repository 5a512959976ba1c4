"""One cell in words, and all cells as a table: the same facts as the map, for eyes and ears alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import NotFound
from placewise.core.vocabulary import terms
from placewise.geo.hexgrid import pack_cell, unpack_cell
from placewise.geo.intervals import poisson_interval
from placewise.panel.hotspot_filter import cell_parts
from placewise.panel.hotspot_ground import ward_of
from placewise.panel.hotspot_months import named
from placewise.panel.hotspot_nearby import Namer, nameless
from placewise.panel.hotspot_rate_words import RateFigure, rate_figure, rate_words
from placewise.panel.hotspot_rates import CellRates, cells_to_draw
from placewise.panel.hotspot_shared import spoken
from placewise.panel.hotspot_words import NOTHING_COMPARED, VERDICTS, cell_words, count_of
from placewise.panel.hotspots import SHARED, STANDS_OUT, TOO_FEW, Hotspots, cell_centres
from placewise.store.osgb import to_lonlat

Integers = NDArray[np.int64]
ROWS_A_PAGE = 25
MIX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CellRow:
    """One line of the table.

    Attributes
    ----------
    cell : str
        Its name, ``q.r``.
    near : str
        What it is called, as `hotspot_nearby` names it; may be empty.
    low, high : float
        95% interval of the count (exact Poisson), for records that are independent.
    q : float or None
        Share of false alarms among cells at least as striking.
    verdict : str
        In words.
    lon, lat : float
        Its centre.
    rate : RateFigure or None
        Of a rates view.
    """

    cell: str
    ward: str
    near: str
    count: int
    children: int
    low: float
    high: float
    q: float | None
    verdict: str
    stands_out: bool
    lon: float
    lat: float
    rate: RateFigure | None = None


@dataclass(frozen=True, slots=True)
class CellTable:
    """One page of the cells with records, in the order asked for."""

    rows: list[CellRow]
    page: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class CellFacts:
    """One cell in plain words: lines of (what, value), and its headline."""

    cell: str
    title: str
    verdict: str
    lines: list[tuple[str, str]]


def cell_names(found: Hotspots, positions: Integers) -> list[str]:
    """Names of cells, ``q.r``."""
    q, r = unpack_cell(found.grid.cell[positions])
    return [f"{a}.{b}" for a, b in zip(q.tolist(), r.tolist(), strict=True)]


def cell_records(position: Integers, cells: Integers) -> list[Integers]:
    """Rows of the records in each of some cells; ``position`` is the cell of each record."""
    rows = np.flatnonzero(np.isin(position, cells))
    rows = rows[np.argsort(position[rows], kind="stable")]
    first = np.searchsorted(position[rows], cells, side="left")
    last = np.searchsorted(position[rows], cells, side="right")
    return [rows[start:end] for start, end in zip(first.tolist(), last.tolist(), strict=True)]


def cell_table(found: Hotspots, rates: CellRates | None = None, *, near: Namer = nameless) -> CellTable:
    """The cells drawn, sorted as the filter says, one page of them; ``rates`` if the view is of rates."""
    drawn = cells_to_draw(found, rates)
    x, y = cell_centres(found.grid, drawn)
    wards = np.array(ward_of(found.ground, x, y), dtype=object)
    order = _order(found, rates, drawn, wards)
    pages = max(1, -(-drawn.size // ROWS_A_PAGE))
    page = min(found.wanted.page, pages)
    part = order[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    rows = _rows(found, drawn[part], wards[part].tolist(), near)
    if rates is not None:
        at = drawn[part].tolist()
        rows = [replace(row, rate=rate_figure(rates, here)) for row, here in zip(rows, at, strict=True)]
    return CellTable(rows, page, pages, drawn.size)


def _order(found: Hotspots, rates: CellRates | None, drawn: Integers, wards: NDArray[np.object_]) -> Integers:
    counts, children = -found.counts[drawn], -found.children[drawn]
    q = np.ones(drawn.size) if found.test is None else found.test.q[drawn]
    keys: dict[str, Sequence[NDArray[np.generic]]] = {
        "count": (counts, q),
        "children": (children, counts),
        "q": (q, counts),
        "ward": (np.unique(wards.astype(str), return_inverse=True)[1], counts),
    }
    if rates is not None and rates.rates is not None:
        keys["rate"] = (np.nan_to_num(-rates.rates.rate[drawn], nan=np.inf), counts)
    first, second = keys.get(found.wanted.sort, keys["count"])  # a rate is no order of the other views
    return np.lexsort((second, first))


def _rows(found: Hotspots, positions: Integers, wards: list[str], near: Namer) -> list[CellRow]:
    x, y = cell_centres(found.grid, positions)
    names = near(x, y, cell_records(found.position, positions))
    lon, lat = to_lonlat(x, y)
    low, high = poisson_interval(found.counts[positions])
    return [
        CellRow(
            name,
            ward,
            names[i],
            int(found.counts[at]),
            int(found.children[at]),
            float(low[i]),
            float(high[i]),
            None if found.test is None else float(found.test.q[at]),
            verdict_words(found, at),
            bool(found.verdict[at] == STANDS_OUT),
            round(float(lon[i]), 5),
            round(float(lat[i]), 5),
        )
        for i, (name, at, ward) in enumerate(
            zip(cell_names(found, positions), positions.tolist(), wards, strict=True)
        )
    ]


def verdict_words(found: Hotspots, at: int) -> str:
    """The verdict on one cell, by its position."""
    if found.verdict[at] != SHARED:
        return VERDICTS[int(found.verdict[at])]
    cells, where = [at], ""
    if not found.shared.mostly[at]:
        around = found.grid.adjacency
        cells += around.indices[around.indptr[at] : around.indptr[at + 1]].tolist()
        where = " here and in the cells around it"
    rows = np.isin(found.position, cells)
    return f"Stands out, but {spoken(found.shared.point[rows], found.records.columns.accuracy[rows], where)}"


def cell_position(found: Hotspots, name: str) -> int:
    """Position of a cell by its name.

    Raises
    ------
    NotFound
        The study area has no such cell.
    """
    parts = cell_parts(name)
    position = -1 if parts is None else int(found.grid.positions(pack_cell([parts[0]], [parts[1]]))[0])
    if position < 0:
        raise NotFound("There is no such cell.")
    return position


def cell_facts(
    found: Hotspots, name: str, rates: CellRates | None = None, *, near: Namer = nameless
) -> CellFacts:
    """Everything a panel asks about one cell.

    Raises
    ------
    NotFound
        The study area has no such cell.
    """
    at = cell_position(found, name)
    rows = np.flatnonzero(found.position == at)
    here = np.array([at])
    row = _rows(found, here, ward_of(found.ground, *cell_centres(found.grid, here)), near)[0]
    lines = [("Records", _count_words(row))]
    if found.children_known:
        lines.append(("Different children", _children_words(found, rows, row)))
    if rates is not None:
        lines.append((rates.measure.label, rate_words(rates, at)))
    if rows.size:
        lines += [("When", _when(found, rows)), *mix_lines(found, rows)]
        lines.append(("How it is located", _mix(found.records.columns.accuracy[rows], "accuracy")))
    lines.append(("Compared with chance", _chance_words(found, at)))
    title = cell_words(found.wanted).capitalize()
    title += f" near {row.near}" if row.near else ""
    title += f"{',' if row.near else ''} in {row.ward}" if row.ward else ""
    return CellFacts(name, title, row.verdict, lines)


def _count_words(row: CellRow) -> str:
    if row.count == 0:
        return "None in this cell itself; its neighbours make it stand out"
    return f"{row.count:,} (a long-run average of {row.low:.1f} to {row.high:.1f} would fit)"


def _children_words(found: Hotspots, rows: Integers, row: CellRow) -> str:
    named_in = np.isin(rows, found.records.columns.child_event).sum()
    if not named_in:
        return "No child is named in these records"
    unnamed = rows.size - int(named_in)
    return f"{row.children:,}" + (f"; {count_of(unnamed, 'record')} without a named child" if unnamed else "")


def _when(found: Hotspots, rows: Integers) -> str:
    months = found.records.month[rows]
    months = months[months >= 0]
    first, last = found.records.months[months.min()], found.records.months[months.max()]
    if first == last:
        return f"All in {named(first)}"
    active = np.unique(months).size
    return f"{named(first)} to {named(last)}, in {active} of {len(found.records.months)} months"


def mix_lines(found: Hotspots, rows: Integers) -> list[tuple[str, str]]:
    """What harm, from whom and of what kind some records are, as lines of (what, value)."""
    columns = found.records.columns
    harms = columns.harms[rows]
    mixes = []
    if harms.any():
        counts = [
            (int((harms >> bit & 1).sum()), term.label)
            for bit, term in enumerate(terms("harm_type").values())
        ]
        mixes.append(("Harm", _spoken([*counts, (int((harms == 0).sum()), "not recorded")])))
    elif (columns.category[rows] < 0).any():
        mixes.append(("Harm", f"Not recorded in any of {count_of(rows.size, 'record')}"))
    if (columns.category[rows] >= 0).any():
        mixes.append(("Crime", _mix(columns.category[rows], "crime_category")))
    names = [agency.name for agency in found.ground.agencies]
    sent = np.bincount(columns.agency[rows] + 1, minlength=len(names) + 1)[1:]
    mixes.append(("Sent by", _spoken(list(zip(sent.tolist(), names, strict=True)))))
    mixes.append(("Kind of record", _mix(columns.kind[rows], "event_kind")))
    return mixes


def _mix(values: Integers, vocabulary: str) -> str:
    labels = [term.label for term in terms(vocabulary).values()]
    counts = np.bincount(values[values >= 0], minlength=len(labels)).tolist()
    return _spoken(list(zip(counts, labels, strict=True)))


def _spoken(counts: list[tuple[int, str]]) -> str:
    present = sorted((pair for pair in counts if pair[0]), key=lambda pair: -pair[0])
    said = [f"{label} {n:,}" for n, label in present[:MIX_SHOWN]]
    more = sum(n for n, _ in present[MIX_SHOWN:])
    return ", ".join(said) + (f", others {more:,}" if more else "")


def _chance_words(found: Hotspots, at: int) -> str:
    if found.test is None:
        return "Too few records on the map to compare" if found.children_known else NOTHING_COMPARED
    total, expected = found.test.total[at], found.test.expected[at]
    seen = (
        f"{total:,.0f} reports here and in the cells around it after counting each child once, "
        f"where chance would put about {expected:,.1f}"
    )
    if found.verdict[at] == TOO_FEW:
        return f"Too few to tell: {seen}"
    if found.verdict[at] in (STANDS_OUT, SHARED):
        return f"Stands out: {seen} (q {_q(float(found.test.q[at]))})"
    return f"Within what chance gives: {seen}"


def _q(q: float) -> str:
    return "below 0.001" if q < 0.001 else f"{q:.3f}"
