"""What one pass over a file is told beforehand, and what it learns on its way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from placewise.intake.findings import Finding

#: Distinct positions that are counted exactly; past it the summary says "or more".
MOST_COUNTED = 50_000
#: Distinct values of a column whose parsed form is kept between batches.
_REMEMBERED = 50_000


class BadCell(Exception):
    """One cell cannot be taken; the message says what to do and never quotes the cell."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about an import besides its file.

    Attributes
    ----------
    agency : str
        Code of the agency that sent the file.
    now : datetime
        Present time with its zone; nothing may have happened later.
    known_areas : frozenset of str, optional
        Codes of the boundaries already held; None when not known, and then nothing is said about them.
    bounds_m : tuple of four floats, optional
        Partnership's extent in EPSG:27700: min x, min y, max x, max y.
    answers : Mapping of str to str
        Answers to questions, by finding code.
    record_key : bytes
        Secret with which records are named; whoever stores them gives the partnership's own.
    """

    agency: str
    now: datetime
    known_areas: frozenset[str] | None = None
    bounds_m: tuple[float, float, float, float] | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    record_key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        if self.now.tzinfo is None:
            raise ValueError("Context.now needs a time zone.")


@dataclass(slots=True)
class Run:
    """One pass over one file.

    Attributes
    ----------
    context : Context
        What was known before.
    tallies : Counter of str
        Rows (or cells) by what is to be said about them.
    seen : dict of str to set
        Distinct months, area codes and date forms met.
    findings : list of Finding
        Said by the reader and the header.
    """

    context: Context
    tallies: Counter[str] = field(default_factory=Counter)
    seen: defaultdict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))
    findings: list[Finding] = field(default_factory=list)
    _parsed: defaultdict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    _bad: defaultdict[str, dict[str, BadCell]] = field(default_factory=lambda: defaultdict(dict))
    _noted: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    now_us: int = 0

    def __post_init__(self) -> None:
        """Keep the present as microseconds since 1970, UTC."""
        self.now_us = int(self.context.now.astimezone(UTC).timestamp() * 1_000_000)

    def parsed(self, column: str) -> tuple[dict[str, Any], dict[str, BadCell]]:
        """What the distinct texts of a column were parsed to so far, and which were bad."""
        table, bad = self._parsed[column], self._bad[column]
        if len(table) > _REMEMBERED:
            table.clear()
        return table, bad

    def note(self, column: str, text: str, code: str) -> None:
        """Remember that each row with this text is to be counted under ``code``."""
        self._noted[column][text] = code

    def count_notes(self, column: str, cells: Iterable[str]) -> None:
        """Add the rows of a batch whose texts were noted."""
        if noted := self._noted.get(column):
            self.tallies.update(code for code in map(noted.get, cells) if code)
