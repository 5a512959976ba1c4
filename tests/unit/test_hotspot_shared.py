"""Points that stand for a street or the like: found where three rough records share one, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_records import locate, mark_records
from placewise.panel.hotspot_shared import shared_points
from tests.unit.test_hotspots import X, asked, columns, ground


def shared_at(*rows: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Shared points of some records, the grid, and each record's cell."""
    grid = hex_grid(ground().frame, cell_width_m=250)
    records = mark_records(columns(*rows), asked(), ground())
    cell = locate(records, grid)
    known = records.columns
    found = shared_points(
        cell, known.accuracy, known.x, known.y, adjacency=grid.adjacency, n_cells=grid.n_cells
    )
    return found, grid, cell


STREET: dict[str, Any] = {"accuracy": "street", "radius_m": 100.0}


def test_three_rough_records_at_one_coordinate_share_a_point_and_two_do_not() -> None:
    three, _, cell = shared_at(STREET, STREET, STREET, {})
    assert (three.point >= 0).tolist() == [True, True, True, False]
    assert three.mostly[cell[0]]
    two, _, cell = shared_at(STREET, STREET)
    assert not two.mostly[cell[0]]


@pytest.mark.parametrize("accuracy", ["exact", "snap_point"])
def test_exact_places_and_published_points_are_not_stand_ins(accuracy: str) -> None:
    found, _, cell = shared_at(*[{"accuracy": accuracy}] * 9)
    assert not found.mostly[cell[0]]


def test_half_of_a_cells_records_is_enough_and_less_is_not() -> None:
    found, _, cell = shared_at(STREET, STREET, STREET, {}, {}, {})
    assert found.mostly[cell[0]]
    found, _, cell = shared_at(STREET, STREET, STREET, {}, {}, {}, {})
    assert not found.mostly[cell[0]]


def test_the_cells_around_a_shared_point_are_known_to_be_beside_it() -> None:
    found, grid, cell = shared_at(*[STREET] * 6, {"x": X + 250.0})
    beside = cell[-1]
    assert beside != cell[0]
    assert found.mostly_around[beside]
    assert not found.mostly[beside]
    assert found.mostly_around.sum() == 1 + grid.adjacency.degree[cell[0]]
