"""Cells made comparable without changing what they say: trimmed, one Unicode form, nothing invisible."""

from __future__ import annotations

import re
from collections.abc import Sequence

from placewise.core.text import BIDI, CONTROL, has_invisible, normal
from placewise.intake.coded import Coded
from placewise.intake.run import BadCell, Run

_MOJIBAKE = re.compile("[\u00c2\u00c3\u00c4\u00c5][\u0080-\u00bf\u0152\u0153\u02c6\u2030\u20ac]|\u00e2\u20ac")
_LATIN_AND_OTHER = re.compile(
    "[A-Za-z\u00c0-\u024f][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][A-Za-z\u00c0-\u024f]"
)


def tidy(cells: Sequence[str], run: Run, column: str) -> tuple[Sequence[str], dict[str, BadCell]]:
    """Cells trimmed and in NFC, with the texts that must be refused.

    Parameters
    ----------
    cells : sequence of str
        One column of a batch as it stands in the file.
    run : Run
        Counts what is to be said: mojibake, invisible characters, mixed scripts.
    column : str
        Name of the column.

    Returns
    -------
    tidied : sequence of str
        Same length; ``Coded`` when the cells are, and then only their distinct texts are looked at.
    bad : dict of str to BadCell
        By tidied text: control and text-direction characters.
    """
    texts: Sequence[str] = cells.distinct if isinstance(cells, Coded) else list(cells)
    tidied, bad, noted = _tidied(texts, run, column)
    whole: Sequence[str] = cells.of(tidied) if isinstance(cells, Coded) else tidied
    if noted:
        run.count_notes(f"{column} text", whole)
    return whole, bad


def _tidied(cells: Sequence[str], run: Run, column: str) -> tuple[list[str], dict[str, BadCell], bool]:
    """Tidied texts, bad ones, and whether any was looked at by itself."""
    blob = "".join(cells)
    if blob.isascii() and (blob.isprintable() or not CONTROL.search(blob)):
        return list(map(str.strip, cells)), {}, False
    bad: dict[str, BadCell] = {}
    table = {cell: _one(cell, run, column, bad) for cell in dict.fromkeys(cells)}
    return list(map(table.__getitem__, cells)), bad, True


def _one(cell: str, run: Run, column: str, bad: dict[str, BadCell]) -> str:
    text = normal(cell)
    notes = f"{column} text"
    if has_invisible(cell):
        run.note(notes, text, "invisible-character")
    if BIDI.search(text):
        bad[text] = BadCell(
            "bidi-control", "Holds a character that reverses the direction of text. Type the cell again."
        )
    elif CONTROL.search(text):
        bad[text] = BadCell("control-character", "Holds a control character. Type the cell again.")
    elif _MOJIBAKE.search(text):
        run.note(notes, text, "mojibake")
    elif _LATIN_AND_OTHER.search(text):
        run.note(notes, text, "mixed-script")
    return text
