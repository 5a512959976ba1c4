"""Why is this here? The figures behind one cell, and the rule that gave its verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placewise.core.vocabulary import radius_m, terms
from placewise.geo.getis_ord import MIN_EXPECTED, MIN_OBSERVED
from placewise.geo.hexgrid import pack_cell, unpack_cell
from placewise.geo.intervals import poisson_interval
from placewise.panel.hotspot_cells import cell_position
from placewise.panel.hotspot_filter import NEVER_MAPPED_RELATIONS
from placewise.panel.hotspot_months import named
from placewise.panel.hotspot_records import known_within_m
from placewise.panel.hotspot_reporting import read_reporting
from placewise.panel.hotspot_words import NOTHING_COMPARED, count_of
from placewise.panel.hotspots import Q_AT_MOST, SHARED, STANDS_OUT, TOO_FEW, Hotspots, cell_centres

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: A location no worse than this is as good as exact for a cell.
_EXACT_M = radius_m("exact") or 0.0


@dataclass(frozen=True, slots=True)
class Around:
    """One row of the small table: None where the cell lies outside the study area, or children are not counted."""

    where: str
    records: int | None
    children: int | None


@dataclass(frozen=True, slots=True)
class Why:
    """The figures behind a cell.

    Attributes
    ----------
    rule : str
        Which rule made the verdict, with its figures.
    lines : list of (what, value)
    around : list of Around
        The cell and its six neighbours.
    left_out : list of str
        What lies near and is not counted.
    """

    rule: str
    lines: list[tuple[str, str]]
    around: list[Around]
    left_out: list[str]


def explain_cell(found: Hotspots, name: str) -> Why:
    """The figures behind a cell, in words.

    Raises
    ------
    NotFound
        The study area has no such cell.
    """
    at = cell_position(found, name)
    graph = found.grid.adjacency
    near = np.append(graph.indices[graph.indptr[at] : graph.indptr[at + 1]], at)
    rows = np.flatnonzero(found.position == at)
    lines = [*_compared(found, at), ("How exactly it is located", _located(found, rows))]
    if found.children_known:
        lines.append(("One child's share", _one_child(found, rows)))
    lines += [("Months", _months(found, rows)), ("Agencies", _agencies(found, rows))]
    return Why(_rule(found, at), lines, _around(found, at), _left_out(found, at, near))


def _compared(found: Hotspots, at: int) -> list[tuple[str, str]]:
    """Observed, expected, interval and q of the cell with its neighbours."""
    if found.test is None:
        return []
    test, total = found.test, int(found.test.total[at])
    low, high = poisson_interval([total])
    spread = (
        "dealt to the cells at random" if test.method == "shuffle" else "spread evenly over the study area"
    )
    q = float(test.q[at])
    figure, alarms = (
        ("below 0.001", "fewer than 1") if q < 0.001 else (f"{q:.3f}", f"about {round(1000 * q):,}")
    )
    return [
        ("Observed", f"{count_of(total, 'report')} here and in the cells around it, each child counted once"),
        ("Range", f"a long-run average of {low[0]:.1f} to {high[0]:.1f} would fit (95%, exact Poisson)"),
        ("Expected", f"{test.expected[at]:,.1f} if all reports were {spread}"),
        ("q", f"{figure}: of every 1,000 cells at least as striking, {alarms} would be a false alarm"),
    ]


def _located(found: Hotspots, rows: Integers) -> str:
    if not rows.size:
        return "No record in this cell itself"
    within = known_within_m(found.records.columns)[rows]
    exact, shared = int((within <= _EXACT_M).sum()), int((found.shared.point[rows] >= 0).sum())
    said = f"{exact:,} of {count_of(rows.size, 'record')} exactly (within {_EXACT_M:.0f} m)"
    if exact < rows.size:
        said += f", {rows.size - exact:,} approximately (within up to {np.nanmax(within):.0f} m)"
    if shared:
        said += f"; {shared:,} {'stands' if shared == 1 else 'stand'} on a point that stands for a street or the like"
    return said


def _one_child(found: Hotspots, rows: Integers) -> str:
    """The largest share of one child, who is not named."""
    columns = found.records.columns
    of_cell = np.isin(columns.child_event, rows)
    if not of_cell.any():
        return "No child is named in the records of this cell"
    most = int(np.unique(columns.child[of_cell], return_counts=True)[1].max())
    if most == 1:
        return f"No child is named in more than one of {count_of(rows.size, 'record')}"
    return f"At most {most:,} of {count_of(rows.size, 'record')} concern one child"


def _months(found: Hotspots, rows: Integers) -> str:
    months = found.records.months
    counts = np.bincount(found.records.month[rows], minlength=len(months))
    said = f"Records in {int((counts > 0).sum())} of {count_of(len(months), 'month')}"
    if counts.any():
        said += f", most in {named(months[int(counts.argmax())])} ({int(counts.max()):,})"
    gaps = read_reporting(found).known.empty_months
    return said + (f"; of {count_of(len(gaps), 'month')} nothing is held from anyone" if gaps else "")


def _agencies(found: Hotspots, rows: Integers) -> str:
    names = [agency.name for agency in found.ground.agencies]
    sent = np.bincount(found.records.columns.agency[rows] + 1, minlength=len(names) + 1)[1:].tolist()
    here = sorted(((n, name) for n, name in zip(sent, names, strict=True) if n), reverse=True)
    said = ", ".join(f"{name} {n:,}" for n, name in here) or "None"
    reporting = read_reporting(found)
    gone = [row.name for row in reporting.agencies if row.counted and "missing" in row.states]
    return said + (
        f"; reports are missing from {', '.join(gone)}" if gone and reporting.known.sees_all else ""
    )


def _around(found: Hotspots, at: int) -> list[Around]:
    (q,), (r,) = unpack_cell(found.grid.cell[[at]])
    around = found.grid.neighbours
    steps = [(0, 0), *around.values()]
    cells = found.grid.positions(pack_cell([q + dq for dq, _ in steps], [r + dr for _, dr in steps]))
    return [
        Around(
            where,
            int(found.counts[cell]) if cell >= 0 else None,
            int(found.children[cell]) if cell >= 0 and found.n_children else None,
        )
        for where, cell in zip(["This cell", *around], cells.tolist(), strict=True)
    ]


def _left_out(found: Hotspots, at: int, near: Integers) -> list[str]:
    """What lies here or in the cells around and is not counted; homes are not even said to be near."""
    records, columns = found.records, found.records.columns
    homes = [i for i, code in enumerate(terms("relation")) if code in NEVER_MAPPED_RELATIONS]
    candidates = np.flatnonzero(
        records.wanted & records.located & (found.position < 0) & ~np.isin(columns.relation, homes)
    )
    x, y = columns.x[candidates], columns.y[candidates]
    here = np.isin(found.grid.locate(x, y), near)
    fine, related = records.fine[candidates], records.by_relation[candidates]
    said = []
    for code, term in enumerate(terms("relation").values()):
        n = int((here & fine & ~related & (columns.relation[candidates] == code)).sum())
        if n:
            said.append(
                f"{count_of(n, 'record')} here or beside, left out by the filter: {term.label.lower()}."
            )
    other = int((here & fine & related).sum())
    if other:
        said.append(f"{count_of(other, 'record')} here or beside, of an accuracy that the filter leaves out.")
    centre_x, centre_y = cell_centres(found.grid, np.array([at]))
    reach = known_within_m(columns)[candidates] + found.grid.cell_width_m / 2
    coarse = int((~fine & related & (np.hypot(x - centre_x[0], y - centre_y[0]) <= reach)).sum())
    if coarse:
        said.append(f"{count_of(coarse, 'record')} too roughly located to place may have been here.")
    return said


def _rule(found: Hotspots, at: int) -> str:
    """Which rule made the verdict."""
    if found.test is None:
        few = "Too few records are on the map to compare any with chance."
        return f"No rule: {few if found.children_known else NOTHING_COMPARED}"
    verdict, total, expected = (
        int(found.verdict[at]),
        int(found.test.total[at]),
        float(found.test.expected[at]),
    )
    hot = f"q is at most {Q_AT_MOST:g} and there are at least {MIN_OBSERVED} reports with the cells around it"
    if verdict == STANDS_OUT:
        return f"Stands out, because {hot}."
    if verdict == SHARED:
        return (
            f"Stands out ({hot}), but at least half of the records that make it do so stand on points that stand for "
            "a street or the like, or it would not without them."
        )
    if verdict == TOO_FEW:
        return (
            f"Too few to tell, because fewer than {MIN_OBSERVED} reports were seen and fewer than {MIN_EXPECTED:g} "
            "expected: even none would be ordinary."
        )
    if found.test.q[at] > Q_AT_MOST:
        pair = f"{total:,} against {expected:,.1f}"
        return f"Ordinary, because q is above {Q_AT_MOST:g}: chance alone gives {pair} too often to call it more."
    return f"Ordinary, because fewer than {MIN_OBSERVED} reports were seen."
