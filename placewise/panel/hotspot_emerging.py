"""Emerging hot spots on the map: the layer, its sentence, its table, and one cell's figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from placewise.panel.analyses.emerging_answer import UNKNOWN
from placewise.panel.hotspot_cells import ROWS_A_PAGE, cell_position, cell_records
from placewise.panel.hotspot_emerging_areas import TOLD, emerging_sentence, kinds_of, positions_of
from placewise.panel.hotspot_emerging_shared import shared_words
from placewise.panel.hotspot_emerging_words import (
    KINDS,
    Answer,
    emerging_legend,
    left_out_lines,
    marks_words,
    sure_words,
)
from placewise.panel.hotspot_ground import ward_of
from placewise.panel.hotspot_layers import fit_projection
from placewise.panel.hotspot_nearby import Namer, nameless
from placewise.panel.hotspot_words import with_filtered_out
from placewise.panel.hotspots import Hotspots, cell_centres
from placewise.store.osgb import to_lonlat


@dataclass(frozen=True, slots=True)
class EmergingRow:
    """One line of the table.

    Attributes
    ----------
    cell : str
        Its name, ``q.r``.
    near : str
        What it is called, as `hotspot_nearby` names it; may be empty.
    look : str
        As in the legend.
    kind, sure, steps, shared : str
        In words: what it is, in how many redraws, in which steps it stood out, and if so, that points standing for
        a street or the like make it up.
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
    shared: str
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
    codes, shared = kinds_of(answer), _shared(found, answer)
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
            "shared": [bool(words) for words in shared],
            "records": answer["cells"]["records"],
        },
        "legend": asdict(emerging_legend(answer, set(present), shared=any(shared))),
        "sentence": emerging_sentence(found, answer, [bool(words) for words in shared]),
        "left_out": with_filtered_out(found, left_out_lines(answer)),
        "n": answer["counted"]["used"],
    }


def emerging_table(found: Hotspots, answer: Answer, *, near: Namer = nameless) -> EmergingTable:
    """The cells drawn, one page of them: new and growing ones first, most records first among equals."""
    codes, records, shared = kinds_of(answer), answer["cells"]["records"], _shared(found, answer)
    families = [*TOLD, ""]
    order = sorted(range(len(codes)), key=lambda i: (families.index(KINDS[codes[i]].family), -records[i], i))
    pages = max(1, -(-len(order) // ROWS_A_PAGE))
    page = min(found.wanted.page, pages)
    part = order[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    cells = positions_of(found, answer)[part]
    x, y = cell_centres(found.grid, cells)
    lon, lat = to_lonlat(x, y)
    names = near(x, y, cell_records(found.position, cells))
    places = zip(ward_of(found.ground, x, y), names, lon.tolist(), lat.tolist(), strict=True)
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
            shared[at],
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
        return [("How it changed", _unlisted_words(found, cell_position(found, name)))]
    cells, kind = answer["cells"], KINDS[kinds_of(answer)[at]]
    lines = [
        ("How it changed", f"{kind.name}: {kind.meaning}"),
        ("How sure", sure_words(answer, at)),
        (
            "Records around it",
            f"{cells['records'][at]:,} here and in the cells around it, each child once a step",
        ),
    ]
    if cells["marks"][at]:
        lines += [("Step by step", marks_words(answer, at)), ("Change", _change_words(answer, at))]
    if words := _shared(found, answer)[at]:
        lines.append(("Where exactly", words))
    return lines


def _unlisted_words(found: Hotspots, cell: int) -> str:
    graph = found.grid.adjacency
    around = np.append(graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]], cell)
    if not found.counts[around].any():
        return "No record here or in the cells around it: nothing is drawn, and nobody can say that nothing happened"
    return "No pattern: neither this cell nor those around it ever stood out"


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


def _shared(found: Hotspots, answer: Answer) -> list[str]:
    """What shared points make up, cell by cell of the answer."""
    told = [KINDS[code].family not in ("cold", "") for code in kinds_of(answer)]
    return shared_words(found, answer, positions_of(found, answer), told)


def _name(answer: Answer, at: int) -> str:
    return f"{answer['cells']['q'][at]}.{answer['cells']['r'][at]}"


def _listed(found: Hotspots, answer: Answer, name: str) -> int | None:
    """Where a cell stands in the answer; None where nothing was to be said of it."""
    at = np.flatnonzero(positions_of(found, answer) == cell_position(found, name))
    return int(at[0]) if at.size else None
