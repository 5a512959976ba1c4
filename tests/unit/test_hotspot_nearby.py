"""What a spot is called: only by a place that its records name, and not by one record's word."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest

from placewise.panel.hotspot_cells import cell_records
from placewise.panel.hotspot_nearby import named_by
from tests.unit.test_hotspot_words import found
from tests.unit.test_hotspots import X

A, B, NOWHERE = UUID(int=5), UUID(int=7), UUID(int=0)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ([], None),
        ([A, A], None),
        ([A] * 3, A),
        ([A] * 3 + [NOWHERE] * 3, A),
        ([A] * 3 + [NOWHERE] * 4, None),
        ([A] * 3 + [B] * 4, B),
        ([A, B, NOWHERE, NOWHERE, NOWHERE], None),
        ([NOWHERE] * 9, None),
    ],
)
def test_a_place_names_a_spot_from_three_records_and_half_of_them_on(
    named: list[UUID], expected: UUID | None
) -> None:
    assert named_by(np.array([place.bytes for place in named], dtype="V16")) == expected


def test_the_records_of_cells_are_found_in_the_order_of_the_cells() -> None:
    picture = found({}, {"x": X + 1000.0}, {}, {"x": X - 1000.0}, {"relation": "found_there"})
    here, there = picture.position[0], picture.position[1]
    first, second, none = cell_records(
        picture.position, np.array([there, here, (here + 1) % picture.grid.n_cells])
    )
    assert (first.tolist(), second.tolist(), none.tolist()) == ([1], [0, 2], [])
