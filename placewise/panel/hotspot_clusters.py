"""Clusters found by a scan, as the map shows them: circles, legend, the chair's sentence, table, and why each is there.

Only circles that stand out are drawn. A dashed one for "within chance" would still send eyes, and people, there: on a
map a circle is a finding. What is within chance is told in words and in the table.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import NotFound
from placewise.panel.analyses.scan import SCAN
from placewise.panel.analyses.scan_question import WHOLE
from placewise.panel.hotspot_cells import CellFacts, cell_names, cell_position, mix_lines
from placewise.panel.hotspot_cluster_words import (
    COMPARED_LABELS,
    HOW,
    KEY,
    LIMITS,
    STANDS_OUT,
    WITHIN_CHANCE,
    One,
    Result,
    chance,
    counts,
    expected,
    how_many,
    looked_at,
    made_by,
    p_words,
    recurrence,
    repeats,
    shuffles,
    unseen,
    when,
)
from placewise.panel.hotspot_ground import ward_of
from placewise.panel.hotspot_months import gaps_named
from placewise.panel.hotspot_nearby import Namer, nameless
from placewise.panel.hotspot_reporting import months_held, read_reporting
from placewise.panel.hotspot_shared import mostly_shared, spoken
from placewise.panel.hotspot_words import (
    SHARED_KEY,
    WARNING,
    Legend,
    Swatch,
    count_of,
    counted_lines,
    left_out,
    spelled,
)
from placewise.panel.hotspots import Hotspots, cell_centres, period_words

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One line of the table.

    Attributes
    ----------
    number : int
        As on the map.
    where : str
        What is near its centre, and the ward.
    cell : str
        Name of the cell at its centre, ``q.r``.
    when, size, chance, recurrence : str
        In words; ``recurrence`` is empty unless clusters still going on were sought.
    expected : str
        Rounded as it should be read.
    children : int
        Different children named in its records.
    note : str
        That its records stand at a point that stands for a street or the like; usually empty.
    lon, lat : float
        Its centre.
    """

    number: int
    where: str
    cell: str
    when: str
    size: str
    observed: int
    expected: str
    ratio: str
    children: int
    chance: str
    recurrence: str
    verdict: str
    stands_out: bool
    note: str
    lon: float
    lat: float


def clusters_layer(found: Hotspots, result: Result, *, near: Namer = nameless) -> dict[str, Any]:
    """The scan's answer as the browser draws it, with its legend, words and table; ready for JSON.

    Parameters
    ----------
    found : Hotspots
        The picture whose records were scanned.
    result : mapping
        The answer of `analyses.scan.SCAN` for these records.
    near : Namer
    """
    rows = cluster_rows(found, result, near=near)
    return {
        "view": SCAN.code,
        "layer": {
            "kind": "circles",
            "circles": [
                {
                    "number": one["number"],
                    "lon": one["lon"],
                    "lat": one["lat"],
                    "radius_m": one["radius_m"],
                    "verdict": row.verdict,
                    "shared": bool(row.note),
                    "label": f"{row.number}: {counts(one, result)} {row.when}",
                }
                for one, row in zip(result["clusters"], rows, strict=True)
                if one["stands_out"]
            ],
        },
        "legend": asdict(clusters_legend(found, result)),
        "sentence": clusters_sentence(found, result, rows),
        "left_out": [*left_out(found), *_silence(found, result)],
        "rows": [asdict(row) for row in rows],
        "n": result["records"]["used"],
    }


def cluster_rows(found: Hotspots, result: Result, *, near: Namer = nameless) -> list[ClusterRow]:
    """The clusters that stand out, strongest first; where none does, the strongest of all."""
    clusters = result["clusters"]
    if not clusters:
        return []
    x, y = (np.array([float(one[axis]) for one in clusters]) for axis in ("x_m", "y_m"))
    records = [cluster_records(found, one) for one in clusters]
    names = near(x, y, records)
    places = [_where(name, ward) for name, ward in zip(names, ward_of(found.ground, x, y), strict=True)]
    cells = cell_names(found, found.grid.locate(x, y))
    return [
        ClusterRow(
            number=one["number"],
            where=where,
            cell=cell,
            when=when(one),
            size=f"{count_of(one['cells'], 'cell')}, radius {one['radius_m']:,} m",
            observed=one["observed"],
            expected=expected(one),
            ratio=f"{one['ratio']:.1f} times",
            children=one["children"],
            chance=chance(one, result),
            recurrence=recurrence(one, result),
            verdict=STANDS_OUT if one["stands_out"] else WITHIN_CHANCE,
            stands_out=one["stands_out"],
            note=_shared(found, inside),
            lon=one["lon"],
            lat=one["lat"],
        )
        for one, where, cell, inside in zip(clusters, places, cells, records, strict=True)
    ]


def cluster_records(found: Hotspots, one: One) -> Integers:
    """Rows of the records on the map that lie in a cluster's cells and months."""
    months = found.records.months
    at = np.flatnonzero(found.position >= 0)
    month = found.records.month[at]
    at = at[(month >= months.index(one["first_month"])) & (month <= months.index(one["last_month"]))]
    return at[_cells_inside(found, one)[found.position[at]]]


def _cells_inside(found: Hotspots, one: One) -> NDArray[np.bool_]:
    x, y = cell_centres(found.grid, np.arange(found.grid.n_cells))
    # Its centre is rounded to the metre; the next circle is far more than a metre wider.
    inside: NDArray[np.bool_] = np.hypot(x - one["x_m"], y - one["y_m"]) <= one["reach_m"] + 2.0
    return inside


def clusters_sentence(found: Hotspots, result: Result, rows: list[ClusterRow]) -> str:
    """What a chair would say aloud first."""
    used, period = result["records"]["used"], period_words(found.wanted)
    standing = [row for row in rows if row.stands_out]
    held = months_held(found)
    if standing:
        strongest = standing[0]
        one = result["clusters"][0]
        which = "It is" if len(standing) == 1 else "The strongest is"
        said = f"{how_many(len(standing), result)} {which} {strongest.where or 'not near any named place'}: "
        months = "" if result["parameters"]["time"] == WHOLE else f" {strongest.when}"
        said += f"{counts(one, result)}{months}; {strongest.chance}."
        return " ".join([said, *_by_sharing(standing), *held])
    said = (
        f"No cluster stands out among {count_of(used, 'record')} of {period}. That does not show there is no harm: "
        f"{unseen(result)}"
    )
    if rows:
        one, row = result["clusters"][0], rows[0]
        said += (
            f" The strongest, {counts(one, result)} {row.when}, is no more than chance gives: it did as well "
        )
        said += f"{shuffles(one, result)}."
    return " ".join([said, *held])


def _by_sharing(standing: list[ClusterRow]) -> list[str]:
    """A sentence on circles that shared points make up, if there are any."""
    n = sum(bool(row.note) for row in standing)
    if not n:
        return []
    who = (
        "It stands"
        if len(standing) == 1
        else f"{spelled(n).capitalize()} of them {'stands' if n == 1 else 'stand'}"
    )
    return [
        f"{who} out, but most of {'its' if n == 1 else 'their'} records share a street’s point or the like."
    ]


def clusters_legend(found: Hotspots, result: Result) -> Legend:
    """What is drawn, counted and compared, how well it is known, and how it could be made again."""
    asked, records = result["parameters"], result["records"]
    lines = counted_lines(found)
    lines.append(
        f"Drawn: clusters that chance alone would equal in at most 1 in {round(1 / asked['p_at_most'])} of such maps, "
        f"all circles{'' if asked['time'] == WHOLE else ' and months'} allowed for. Others are told in words only."
    )
    lines.append(LIMITS)
    if found.wanted.warned_relations:
        lines.append(WARNING)
    against = f"Compared with {count_of(records['background'], 'other record')}."
    method = [HOW[asked["compared"]], repeats(result), *([against] if records["background"] else [])]
    method += [looked_at(result), made_by(result)]
    drawn = [cluster_records(found, one) for one in result["clusters"] if one["stands_out"]]
    key = [Swatch("cluster", KEY)] if drawn else []
    if any(_shared(found, rows) for rows in drawn):
        key.append(Swatch("cluster-shared", SHARED_KEY))
    return Legend("Clusters of records", key, lines, method)


def _silence(found: Hotspots, result: Result) -> list[str]:
    """What an agency's missing months do to a comparison of months: where others report, it looks like a rise."""
    if result["parameters"]["time"] == WHOLE:
        return []
    names = [agency.name for agency in found.ground.agencies]
    sent = np.bincount(found.records.columns.agency[found.position >= 0] + 1, minlength=len(names) + 1)[1:]
    records = dict(zip(names, sent.tolist(), strict=True))
    reporting = read_reporting(found)
    return [
        f"{row.name} sent {records[row.name]:,} of the {result['records']['on_map']:,} records, and its reports of "
        f"{gaps_named(gaps)} are missing. Shuffling allows for months in which everybody sent less, not for one agency "
        "that fell silent: where others report, a cluster may be due to that alone. Choose the other agencies only "
        "to see whether it remains."
        for row in reporting.agencies
        if row.counted and records[row.name] and (gaps := row.months_in("missing", reporting.months))
    ]


def cluster_facts(found: Hotspots, result: Result, number: int, *, near: Namer = nameless) -> CellFacts:
    """Everything a panel asks about one cluster: the figures behind its circle.

    Raises
    ------
    NotFound
        There is no cluster of that number.
    """
    rows = cluster_rows(found, result, near=near)
    if not 1 <= number <= len(rows):
        raise NotFound("There is no such cluster.")
    one, row = result["clusters"][number - 1], rows[number - 1]
    records = cluster_records(found, one)
    lines = [
        ("Records", f"{counts(one, result)} ({row.ratio} as many)"),
        ("Months", row.when),
        ("Size", row.size),
        ("Different children", _children(found, records, row)),
        ("Compared with", COMPARED_LABELS[result["parameters"]["compared"]]),
        ("Compared with chance", f"{row.verdict}: {row.chance} ({p_words(one)})"),
    ]
    lines += [("How often by chance", row.recurrence)] if row.recurrence else []
    if records.size > one["observed"]:
        lines.append(("With every repeat", count_of(records.size, "record")))
    lines += mix_lines(found, records)
    lines += [("How it is located", row.note)] if row.note else []
    title = f"Cluster {number}" + (f" {row.where}" if row.where else "")
    return CellFacts(row.cell, title, row.verdict, lines)


def cell_cluster_lines(found: Hotspots, result: Result, cell: str) -> list[tuple[str, str]]:
    """Why a cell is inside a circle, as lines of (what, value) beside its own facts; empty outside all circles.

    Raises
    ------
    NotFound
        The study area has no such cell.
    """
    at = cell_position(found, cell)
    return [
        (f"Inside cluster {one['number']}", f"{counts(one, result)} {when(one)}; {chance(one, result)}")
        for one in result["clusters"]
        if one["stands_out"] and _cells_inside(found, one)[at]
    ]


def _where(name: str, ward: str) -> str:
    near = f"near {name}" if name else ""
    return f"{near}{', ' if near else ''}in {ward}" if ward else near


def _children(found: Hotspots, records: Integers, row: ClusterRow) -> str:
    if not row.children:
        return "No child is named in these records"
    unnamed = records.size - int(np.isin(records, found.records.columns.child_event).sum())
    return f"{row.children:,}" + (f"; {count_of(unnamed, 'record')} without a named child" if unnamed else "")


def _shared(found: Hotspots, rows: Integers) -> str:
    point = found.shared.point[rows]
    return spoken(point, found.records.columns.accuracy[rows]) if mostly_shared(point) else ""
