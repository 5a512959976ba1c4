"""Answers of COPY as columns: whole over any number of blocks, and never mistaken for something else."""

from __future__ import annotations

import numpy as np
import pytest

from placewise.core.scope import Action
from placewise.store import copying_out
from placewise.store.copying_out import copy_out
from placewise.store.session import Database
from tests.conftest import MakeScope

ROWS = "COPY (SELECT n, n * 1.5::float8 FROM generate_series(1, %(most)s) n) TO STDOUT (FORMAT binary)"
WIDTHS = {"n": ">i4", "half": ">f8"}


@pytest.mark.parametrize("most", [0, 1, 2, 3, 1_000])
def test_every_row_arrives_once_however_the_blocks_fall(
    database: Database, scope: MakeScope, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(copying_out, "_BLOCK", 37)  # no multiple of a row's 22 bytes
    with database.session(scope(), Action.CONSULT_MAP) as session:
        found = copy_out(session, ROWS, {"most": most}, WIDTHS)
    assert found["n"].tolist() == list(range(1, most + 1))
    assert found["half"].tolist() == [n * 1.5 for n in range(1, most + 1)]
    assert found["n"].dtype == np.dtype("i4")


def test_what_is_made_of_each_block_is_kept_instead(
    database: Database, scope: MakeScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying_out, "_BLOCK", 100)
    with database.session(scope(), Action.CONSULT_MAP) as session:
        found = copy_out(
            session, ROWS, {"most": 50}, WIDTHS, made=lambda rows: {"even": rows["n"][rows["n"] % 2 == 0]}
        )
    assert list(found) == ["even"]
    assert found["even"].tolist() == list(range(2, 51, 2))


@pytest.mark.parametrize(
    ("statement", "widths"),
    [
        ("COPY (SELECT 1::bigint) TO STDOUT (FORMAT binary)", {"n": ">i4"}),
        ("COPY (SELECT NULL::integer) TO STDOUT (FORMAT binary)", {"n": ">i4"}),
        ("COPY (SELECT 1, 2) TO STDOUT (FORMAT binary)", {"n": ">i4"}),
        ("COPY (SELECT 1, 2) TO STDOUT (FORMAT binary)", {"n": ">i8"}),
    ],
)
def test_a_statement_and_columns_that_do_not_fit_are_an_error(
    database: Database, scope: MakeScope, statement: str, widths: dict[str, str]
) -> None:
    with (
        pytest.raises(ValueError, match="width"),
        database.session(scope(), Action.CONSULT_MAP) as session,
    ):
        copy_out(session, statement, {}, widths)
    with database.session(scope(), Action.CONSULT_MAP) as session:
        assert copy_out(session, ROWS, {"most": 1}, WIDTHS)["n"].tolist() == [1], "the connection is usable"
