"""Records counted by cell and step, from their coordinates and times, compiled: one way through memory.

In arrays, cells, steps and places in the cube would each be written out and read again. Cells are those of
`hexgrid` and `square_cells`, worked out in the same order of operations, and so the same to the last bit.
See `compiled` for when to import this module.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placewise.compiled import compiled
from placewise.geo.crs import Floats, Integers

_CHUNK = 1024  # records whose cells and steps are worked out before they are counted one by one
_SQRT3 = math.sqrt(3)


class Cells(NamedTuple):
    """Cells of one shape and width, and the rectangle of their positions, which has a border of -1."""

    hexagonal: bool
    width_m: float
    q_low: float
    r_low: float
    position: Integers


class Calendar(NamedTuple):
    """Edges of steps, and the step in which each part of the period begins, 2 ** ``shift`` nanoseconds long."""

    edges_ns: Integers
    step: Integers
    shift: int


@compiled
def _look_up_hexagons(x: Floats, y: Floats, cells: Cells, place: NDArray[np.int32]) -> None:
    rows, columns = float(cells.position.shape[0]), float(cells.position.shape[1])
    along, up = 1 / cells.width_m, 2 / (_SQRT3 * cells.width_m)
    for i in range(x.size):
        r = y[i] * up
        q = x[i] * along - 0.5 * r
        s = -q - r
        whole_q, whole_r, whole_s = np.rint(q), np.rint(r), np.rint(s)
        off_q, off_r, off_s = abs(q - whole_q), abs(r - whole_r), abs(s - whole_s)
        excess = whole_s + whole_q + whole_r
        move_q = (off_q > off_r) & (off_q > off_s)
        move_r = (not move_q) & (off_r > off_s)
        row = whole_q - (excess if move_q else 0.0) - cells.q_low
        column = whole_r - (excess if move_r else 0.0) - cells.r_low
        place[i] = np.int32(min(max(0.0, row), rows - 1) * columns + min(max(0.0, column), columns - 1))


@compiled
def _look_up_squares(x: Floats, y: Floats, cells: Cells, place: NDArray[np.int32]) -> None:
    rows, columns = float(cells.position.shape[0]), float(cells.position.shape[1])
    for i in range(x.size):
        row, column = (
            np.floor(x[i] / cells.width_m) - cells.q_low,
            np.floor(y[i] / cells.width_m) - cells.r_low,
        )
        place[i] = np.int32(min(max(0.0, row), rows - 1) * columns + min(max(0.0, column), columns - 1))


@compiled
def _look_up_steps(times_ns: Integers, calendar: Calendar, at: Integers) -> None:
    edges = calendar.edges_ns
    for i in range(times_ns.size):
        at[i] = -1
        if edges[0] <= times_ns[i] < edges[-1]:
            step = calendar.step[(times_ns[i] - edges[0]) >> calendar.shift]
            while times_ns[i] >= edges[step + 1]:  # a later step begins within the part
                step += 1
            at[i] = step


@compiled
def count_instants(
    points: tuple[Floats, Floats], times_ns: Integers, cells: Cells, calendar: Calendar, counts: Floats
) -> tuple[int, int]:
    """Add n records to ``counts``, shape (steps, cells); return how many have no cell, and how many others no step."""
    x, y = points
    outside, out_of_period = 0, 0
    position, slots, n_cells = cells.position.reshape(-1), counts.reshape(-1), counts.shape[1]
    place, step = np.empty(_CHUNK, np.int32), np.empty(_CHUNK, np.int64)
    for start in range(0, x.size, _CHUNK):
        here = slice(start, min(start + _CHUNK, x.size))
        if cells.hexagonal:
            _look_up_hexagons(x[here], y[here], cells, place)
        else:
            _look_up_squares(x[here], y[here], cells, place)
        _look_up_steps(times_ns[here], calendar, step)
        # The slow way through memory last, when nothing else has to wait for it.
        for i in range(here.stop - start):
            cell = position[place[i]]
            if cell < 0:
                outside += 1
            elif step[i] < 0:
                out_of_period += 1
            else:
                slots[step[i] * n_cells + cell] += 1.0
    return outside, out_of_period
