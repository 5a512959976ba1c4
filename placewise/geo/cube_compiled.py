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

_CHUNK = 1024  # points whose cells are worked out several at a time before they are counted one by one
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
def _look_up_hexagons(x: Floats, y: Floats, cells: Cells, at: NDArray[np.int32]) -> None:
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
        at[i] = np.int32(min(max(0.0, row), rows - 1) * columns + min(max(0.0, column), columns - 1))


@compiled
def _look_up_squares(x: Floats, y: Floats, cells: Cells, at: NDArray[np.int32]) -> None:
    rows, columns = float(cells.position.shape[0]), float(cells.position.shape[1])
    for i in range(x.size):
        row, column = (
            np.floor(x[i] / cells.width_m) - cells.q_low,
            np.floor(y[i] / cells.width_m) - cells.r_low,
        )
        at[i] = np.int32(min(max(0.0, row), rows - 1) * columns + min(max(0.0, column), columns - 1))


@compiled
def _step_of(time_ns: int, calendar: Calendar) -> int:
    edges = calendar.edges_ns
    if time_ns < edges[0] or time_ns >= edges[-1]:
        return -1
    step = calendar.step[(time_ns - edges[0]) >> calendar.shift]
    while time_ns >= edges[step + 1]:  # a later step begins within the part
        step += 1
    return int(step)


@compiled
def count_instants(
    points: tuple[Floats, Floats], times_ns: Integers, cells: Cells, calendar: Calendar, counts: Floats
) -> tuple[int, int]:
    """Add n records to ``counts``, shape (steps, cells); return how many have no cell, and how many others no step."""
    x, y = points
    outside, out_of_period = 0, 0
    position = cells.position.ravel()
    at = np.empty(_CHUNK, np.int32)
    for start in range(0, x.size, _CHUNK):
        xs, ys = x[start : start + _CHUNK], y[start : start + _CHUNK]
        if cells.hexagonal:
            _look_up_hexagons(xs, ys, cells, at)
        else:
            _look_up_squares(xs, ys, cells, at)
        for i in range(xs.size):
            cell, step = position[at[i]], _step_of(times_ns[start + i], calendar)
            if cell < 0:
                outside += 1
            elif step < 0:
                out_of_period += 1
            else:
                counts[step, cell] += 1.0
    return outside, out_of_period
