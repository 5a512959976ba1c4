"""Emerging hot spots that points standing for a street or the like make up, as the map's other views mark them."""

from __future__ import annotations

import numpy as np

from placewise.panel.analyses.emerging import whole_period
from placewise.panel.analyses.emerging_answer import HOT
from placewise.panel.hotspot_cells import cell_records
from placewise.panel.hotspot_emerging_words import Answer, months_of_steps
from placewise.panel.hotspot_records import locate
from placewise.panel.hotspot_shared import Integers, mostly_shared, shared_points, spoken
from placewise.panel.hotspots import Hotspots

_WHERE = " here and around, in the steps in which it stood out,"


def shared_words(found: Hotspots, answer: Answer, positions: Integers, told: list[bool]) -> list[str]:
    """What is said of each cell of the answer that shared points make up; empty for the others.

    Looked at are the records that made it stand out: those of the cell and the cells around it, in the steps in
    which it did.

    Parameters
    ----------
    positions : ndarray of int64, shape (listed cells,)
    told : list of bool
        Whether the cell has a kind that says "more than the rest".
    """
    records = whole_period(found)
    columns, grid = records.columns, found.grid
    silent = {name for name, _, _ in answer["agencies_left_out"]}
    out = [code for code, agency in enumerate(found.ground.agencies) if agency.name in silent]
    position = np.where(np.isin(columns.agency, out), -1, locate(records, grid))
    point = shared_points(
        position, columns.accuracy, columns.x, columns.y, adjacency=grid.adjacency, n_cells=grid.n_cells
    ).point
    marks = [marks if more else "" for marks, more in zip(answer["cells"]["marks"], told, strict=True)]
    graph, steps = grid.adjacency, months_of_steps(answer)
    around = [
        [cell, *graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]].tolist()] if HOT in of else []
        for cell, of in zip(positions.tolist(), marks, strict=True)
    ]
    looked_at = np.unique(np.array([cell for cells in around for cell in cells], dtype=np.int64))
    rows_in = dict(zip(looked_at.tolist(), cell_records(position, looked_at), strict=True))
    words = []
    for cells, of in zip(around, marks, strict=True):
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(rows_in[cell] for cell in cells)])
        hot = [month for months, mark in zip(steps, of, strict=False) if mark == HOT for month in months]
        rows = rows[np.isin(records.month[rows], hot)]
        made_up = mostly_shared(point[rows])
        words.append(spoken(point[rows], columns.accuracy[rows], _WHERE) if made_up else "")
    return words
