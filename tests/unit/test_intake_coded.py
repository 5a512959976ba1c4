"""Columns sent by their distinct texts, or as one text: always the cells that were read."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import orjson
import pytest

from placewise.intake.coded import Coded, Joined, Part, packed, unpacked
from placewise.intake.messages import Rows
from placewise.intake.readers.gathering import Gathering, gathered

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


@pytest.mark.parametrize("delimiter", ["", ","])
@pytest.mark.parametrize("bad", [False, True])
def test_a_batch_of_long_texts_ends_before_its_rows_are_many(delimiter: str, bad: bool) -> None:
    """20,000 rows of long texts would not fit the memory a reader may have."""
    wanted = [True, False]

    def pieces() -> Iterator[Rows]:
        for piece in range(60):
            texts = [f"{piece} {row}" + "x" * 4_000 for row in range(200)]
            if bad:
                yield Rows(
                    [], [[], []], [(row, "field-count", "", [text]) for row, text in enumerate(texts)], 0
                )
            else:
                yield Rows(list(range(200)), [texts, texts], [], 0)

    batches = [batch for batch in gathered(pieces(), wanted, delimiter) if isinstance(batch, Rows)]
    assert sum(len(batch.numbers) + len(batch.bad) for batch in batches) == 12_000
    assert len(batches) > 2
    for batch in batches[:-1]:
        assert len(batch.numbers) + len(batch.bad) <= 5_000


def test_a_part_of_a_line_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer cells"):
        Part(["a,b"], 2, ",")[0]


def test_parts_of_lines_are_sent_with_their_lines_once() -> None:
    lines = [f"{n},b{n},c" for n in range(3)]
    sent = packed([Part(lines, 0, ","), ["own"] * 3, Part(lines, 2, ",")])
    assert [one["lines"] is None for one in (sent[0], sent[2])] == [False, True]
    first, own, last = unpacked(orjson.loads(orjson.dumps(sent)))
    assert (list(first), list(own), list(last)) == (["0", "1", "2"], ["own"] * 3, ["c"] * 3)
    assert list(first[1:]) == ["1", "2"]
