"""Columns sent by their distinct texts, or as one text: always the cells that were read."""

from __future__ import annotations

from array import array

import orjson
import pytest

from placewise.intake.coded import Coded, Joined, packed, unpacked
from placewise.intake.readers.gathering import Gathering

FEW = [f"Ward {n % 7}" for n in range(600)]
MANY = [f"crime-{n}" for n in range(600)]


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("cells", [[], ["a", ""], FEW, MANY, [""] * 600, [*MANY, "a\x7fb"], ["\x7f", *MANY]])
def test_a_column_gathered_and_sent_is_the_column_that_was_read(cells: list[str], wanted: bool) -> None:
    gathering = Gathering(wanted=wanted)
    for start in range(0, len(cells), 250):
        gathering.add(cells[start : start + 250])
    again = unpacked(orjson.loads(orjson.dumps(packed([gathering.column()]))))[0]
    assert (list(again), len(again)) == (cells, len(cells))
    assert [again[index] for index in range(len(cells))] == cells


def test_few_distinct_texts_are_sent_once_each() -> None:
    gathering = Gathering()
    gathering.add(FEW)
    column = gathering.column()
    assert isinstance(column, Coded)
    assert len(column.distinct) == 7


def test_a_code_that_stands_for_nothing_is_refused() -> None:
    hostile = unpacked(packed([Coded(["only"], array("H", [0, 1]))]))[0]
    with pytest.raises(ValueError, match="stands for no value"):
        list(hostile)


def test_a_column_shorter_than_it_says_is_refused() -> None:
    with pytest.raises(ValueError, match="not as long"):
        Joined("a\x7fb", 3)[0]
