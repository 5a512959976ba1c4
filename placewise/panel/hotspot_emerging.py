"""Emerging hot spots on the map: the layer, its sentence, its table, and one cell's figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.geo.emerging import CANNOT_TELL, NO_PATTERN
from placewise.geo.hexgrid import pack_cell
from placewise.panel.analyses.emerging_answer import UNKNOWN
from placewise.panel.hotspot_cells import ROWS_A_PAGE, cell_position
from placewise.panel.hotspot_emerging_words import (
    KINDS,
    Answer,
    emerging_legend,
    kind_of,
    left_out_lines,
    marks_words,
    period_of,
    sure_words,
)
from placewise.panel.hotspot_ground import ward_of
from placewise.panel.hotspot_layers import fit_projection
from placewise.panel.hotspot_nearby import Namer, nameless
from placewise.panel.hotspot_words import count_of, spelled
from placewise.panel.hotspots import Hotspots, cell_centres, connected
from placewise.store.osgb import to_lonlat

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

#: Families in the order in which they are told, each as what is said of one area and of more.
_TOLD = {
    "rising": ("has come up or grown", "have come up or grown"),
    "lasting": ("has stood out all the time", "have stood out all the time"),
    "on_off": ("stands out on and off", "stand out on and off"),
    "fading": (
        "stood out before and has faded or come to rest",
        "stood out before and have faded or come to rest",
    ),
    "cold": ("has fewer records than the rest", "have fewer records than the rest"),
}
#: The edge of what was told already is no area of its own.
_EDGES = ("on_off", "fading")
_WARDS_NAMED = 3


@dataclass(frozen=True, slots=True)
class EmergingRow:
    """One line of the table.

    Attributes
    ----------
    cell : str
        Its name, ``q.r``.
    near : str
        The nearest place or street; may be empty.
    look : str
        As in the legend.
    kind, sure, steps : str
        In words: what it is, in how many redraws, and in which steps it stood out.
    records : int
        In the cell and those around it, each child once a step.
    lon, lat : float
        Its centre.
    """

    cell: str
    ward: str
    near: str
    look: str
    kind: str
    sure: str
    steps: str
    records: int
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class EmergingTable:
    """One page of the cells with something to say: what comes up first."""

    rows: list[EmergingRow]
    page: int
    pages: int
    total: int


def emerging_layer(found: Hotspots, answer: Answer) -> dict[str, Any]:
    """The layer, legend and words, ready for JSON, as `hotspot_layers.layer` has them for the other views.

    Parameters
    ----------
    answer : dict
        Of `placewise.panel.analyses.emerging.EMERGING`, for the same picture.
    """
    codes = _codes(answer)
    present = sorted(set(codes))
    return {
        "view": "emerging",
        "layer": {
            "kind": "emerging",
            "width_m": answer["parameters"]["cell_width_m"],
            "shape": found.wanted.shape,
            "projection": asdict(fit_projection(found.ground.frame.total_bounds)),
            "q": answer["cells"]["q"],
            "r": answer["cells"]["r"],
            "look": [present.index(code) for code in codes],
            "looks": [
                {"look": k.look, "letter": k.letter, "colour": k.colour, "ink": k.ink, "name": k.name}
                for k in (KINDS[code] for code in present)
            ],
            "records": answer["cells"]["records"],
        },
        "legend": asdict(emerging_legend(answer, set(present))),
        "sentence": emerging_sentence(found, answer),
        "left_out": left_out_lines(answer),
        "n": answer["counted"]["used"],
    }


def emerging_sentence(found: Hotspots, answer: Answer) -> str:
    """What a chair would say aloud first: areas by what became of them, and how much nobody can tell."""
    codes, positions = np.array(_codes(answer), dtype=np.int64), _positions(found, answer)
    records = answer["cells"]["records"]
    said = []
    told = np.zeros(found.grid.n_cells, dtype=np.bool_)
    for family, (one, more) in _TOLD.items():
        chosen = np.isin(codes, [code for code, kind in KINDS.items() if kind.family == family])
        flags = np.zeros_like(told)
        flags[positions[chosen]] = True
        groups = connected(flags, found.grid.adjacency)
        if family in _EDGES:
            groups = [group for group in groups if not _touches(group, told, found)]
        told |= flags
        if groups:
            wards = _wards_of(found, groups, dict(zip(positions.tolist(), records, strict=True)))
            verb = one if len(groups) == 1 else more
            said.append(f"{spelled(len(groups))} {'area' if len(groups) == 1 else 'areas'} {verb}{wards}")
    opening = "; ".join(said) or "no area stands out in any step"
    untold = answer["totals"].get("cannot tell", 0)
    closing = f" In {untold:,} of {count_of(answer['n_cells'], 'cell')} nobody can tell." if untold else ""
    return f"{period_of(answer)}: {opening}.{closing}"


def emerging_table(found: Hotspots, answer: Answer, *, near: Namer = nameless) -> EmergingTable:
    """The cells drawn, one page of them: new and growing ones first, most records first among equals."""
    codes, records = _codes(answer), answer["cells"]["records"]
    families = [*_TOLD, ""]
    order = sorted(range(len(codes)), key=lambda i: (families.index(KINDS[codes[i]].family), -records[i], i))
    pages = max(1, -(-len(order) // ROWS_A_PAGE))
    page = min(found.wanted.page, pages)
    part = order[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    x, y = cell_centres(found.grid, _positions(found, answer)[part])
    lon, lat = to_lonlat(x, y)
    places = zip(ward_of(found.ground, x, y), near(x, y), lon.tolist(), lat.tolist(), strict=True)
    rows = [
        EmergingRow(
            _name(answer, at),
            ward,
            close,
            KINDS[codes[at]].look,
            KINDS[codes[at]].name,
            sure_words(answer, at),
            marks_words(answer, at)
            if answer["cells"]["marks"][at]
            else "Too few records, or too few known steps",
            records[at],
            round(east, 5),
            round(north, 5),
        )
        for at, (ward, close, east, north) in zip(part, places, strict=True)
    ]
    return EmergingTable(rows, page, pages, len(order))


def emerging_lines(found: Hotspots, answer: Answer, name: str) -> list[tuple[str, str]]:
    """Why a cell has the kind it has: lines of (what, value).

    Raises
    ------
    NotFound
        The study area has no such cell.
    """
    at = _listed(found, answer, name)
    if at is None:
        return [("How it changed", "No pattern: neither this cell nor those around it ever stood out")]
    cells, kind = answer["cells"], KINDS[_codes(answer)[at]]
    lines = [
        ("How it changed", f"{kind.name}: {kind.meaning}"),
        ("How sure", f"{sure_words(answer, at)} of place and time"),
        (
            "Records around it",
            f"{cells['records'][at]:,} here and in the cells around it, each child once a step",
        ),
    ]
    if cells["marks"][at]:
        lines += [("Step by step", marks_words(answer, at)), ("Change", _change_words(answer, at))]
    if found.shared.mostly_around[cell_position(found, name)]:
        lines.append(
            (
                "Where exactly",
                "Most records here share points that stand for a street or the like; harm may be elsewhere",
            )
        )
    return lines


def emerging_series(found: Hotspots, answer: Answer, name: str) -> list[dict[str, Any]]:
    """Records around a cell step by step, for a small chart: ``step``, ``records`` (None: not known), ``mark``.

    Empty where the cell never stood out.

    Raises
    ------
    NotFound
        The study area has no such cell.
    """
    at = _listed(found, answer, name)
    if at is None or not answer["cells"]["marks"][at]:
        return []
    cells = answer["cells"]
    steps = zip(answer["steps"], cells["around"][at], cells["marks"][at], strict=True)
    return [
        {"step": step, "records": None if mark == UNKNOWN else records, "mark": mark}
        for step, records, mark in steps
    ]


def _change_words(answer: Answer, at: int) -> str:
    slope, low, high = answer["cells"]["change"][at]
    if slope is None or low is None or high is None:
        return "Too few known steps to say"
    more = "more" if slope > 0 else "fewer"
    amount = (
        f"About {abs(slope):.1f} {more} records a step"
        if round(abs(slope), 1)
        else "About as many records a step"
    )
    trend = {1: "its share rises", -1: "its share falls", 0: "no clear trend"}[answer["cells"]["trend"][at]]
    if answer["parameters"]["intensity"] == "z":
        trend = trend.replace("its share", "how far it stands out")
    return f"{amount} ({low:+.1f} to {high:+.1f}); {trend}".replace("+0.0", "0").replace("-0.0", "0")


def _codes(answer: Answer) -> list[int]:
    cells = answer["cells"]
    return [
        CANNOT_TELL if (code := kind_of(*of)) == NO_PATTERN else code
        for of in zip(cells["category"], cells["marks"], cells["trend"], strict=True)
    ]


def _positions(found: Hotspots, answer: Answer) -> Integers:
    return found.grid.positions(pack_cell(answer["cells"]["q"], answer["cells"]["r"]))


def _name(answer: Answer, at: int) -> str:
    return f"{answer['cells']['q'][at]}.{answer['cells']['r'][at]}"


def _listed(found: Hotspots, answer: Answer, name: str) -> int | None:
    """Where a cell stands in the answer; None where nothing was to be said of it."""
    at = np.flatnonzero(_positions(found, answer) == cell_position(found, name))
    return int(at[0]) if at.size else None


def _touches(group: list[int], told: Flags, found: Hotspots) -> bool:
    around = found.grid.adjacency
    return any(told[around.indices[around.indptr[cell] : around.indptr[cell + 1]]].any() for cell in group)


def _wards_of(found: Hotspots, groups: list[list[int]], records: dict[int, int]) -> str:
    """Wards of the areas in brackets, those with most records first; empty where none is known."""
    peaks = sorted((max(group, key=records.__getitem__) for group in groups), key=lambda cell: -records[cell])
    wards = ward_of(found.ground, *cell_centres(found.grid, np.array(peaks, dtype=np.int64)))
    named = list(dict.fromkeys(ward for ward in wards if ward))
    more = len(named) - _WARDS_NAMED
    shown = named[:_WARDS_NAMED] + ([count_of(more, "other ward")] if more > 0 else [])
    return f" ({', '.join(shown)})" if shown else ""
