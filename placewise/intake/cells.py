"""The kinds of cell a layout may declare: each distinct text of a column is parsed once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from placewise.core.vocabulary import terms
from placewise.intake.coded import Coded
from placewise.intake.run import BadCell, Run

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(?:\.0+)?")
_WORD_GAP = re.compile(r"[^a-z0-9]+")
_TRUTHS = {
    "yes": True,
    "y": True,
    "true": True,
    "1": True,
    "no": False,
    "n": False,
    "false": False,
    "0": False,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How the cells of one column are read. An empty cell is ``empty`` and never reaches ``parse``."""

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        raise NotImplementedError

    @property
    def empty(self) -> Any:
        """Value of an empty cell."""
        return None

    def parse(self, text: str, run: Run, column: str) -> Any:
        """Value of one tidied text; raises BadCell."""
        raise NotImplementedError

    def parse_column(
        self, cells: Sequence[str], run: Run, column: str
    ) -> tuple[Sequence[Any], dict[str, BadCell]]:
        """Values of a column, and the texts that could not be parsed; each distinct text is parsed once."""
        table, bad = run.parsed(column)
        table[""] = self.empty
        texts = cells.distinct if isinstance(cells, Coded) else cells
        for text in dict.fromkeys(texts):
            if text in table:
                continue
            try:
                table[text] = self.parse(text, run, column)
            except BadCell as problem:
                bad[text] = problem
                table[text] = self.empty
        run.count_notes(column, cells)
        values = list(map(table.__getitem__, texts))
        return cells.of(values) if isinstance(cells, Coded) else values, bad


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Words as they stand."""

    longest: int = 10_000

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return f"text, up to {self.longest:,} characters"

    def parse_column(
        self, cells: Sequence[str], run: Run, column: str
    ) -> tuple[Sequence[Any], dict[str, BadCell]]:
        """Take texts as they are; most are distinct, so no table is kept."""
        texts = cells.distinct if isinstance(cells, Coded) else cells
        bad = {}
        if texts and max(map(len, texts)) > self.longest:
            long = BadCell("field-too-long", f"Longer than {self.longest:,} characters. Shorten it.")
            bad = {text: long for text in texts if len(text) > self.longest}
        values = [text or None for text in texts]
        return cells.of(values) if isinstance(cells, Coded) else values, bad


@dataclass(frozen=True, slots=True)
class Code(Kind):
    """One word of a vocabulary, by code or label."""

    vocabulary: str

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "one of: " + ", ".join(f"`{code}`" for code in terms(self.vocabulary))

    def parse(self, text: str, run: Run, column: str) -> str:
        """Code of a word."""
        return code_of(text, self.vocabulary)


@dataclass(frozen=True, slots=True)
class Codes(Kind):
    """Several words of a vocabulary with semicolons between them."""

    vocabulary: str

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "any of these, with `;` between: " + ", ".join(f"`{code}`" for code in terms(self.vocabulary))

    @property
    def empty(self) -> tuple[str, ...]:
        """Nothing recorded."""
        return ()

    def parse(self, text: str, run: Run, column: str) -> tuple[str, ...]:
        """Codes in the order given, each once."""
        return tuple(dict.fromkeys(code_of(part, self.vocabulary) for part in _parts(text)))


@dataclass(frozen=True, slots=True)
class Words(Kind):
    """Several words or references with semicolons between them."""

    longest: int = 200

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "one or several, with `;` between"

    @property
    def empty(self) -> tuple[str, ...]:
        """None given."""
        return ()

    def parse(self, text: str, run: Run, column: str) -> tuple[str, ...]:
        """Parts in the order given, each once."""
        parts = tuple(dict.fromkeys(_parts(text)))
        if max(map(len, parts), default=0) > self.longest:
            raise BadCell("field-too-long", f"A part is longer than {self.longest} characters. Shorten it.")
        return parts


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A decimal number with a point."""

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "number, with a decimal point"

    def parse(self, text: str, run: Run, column: str) -> float:
        """Finite value; neither NaN nor digits of other scripts nor a decimal comma."""
        plain = text.replace("\u2212", "-")
        if _NUMBER.fullmatch(plain):
            value = float(plain)
            if abs(value) < 1e15:
                return value
        raise BadCell("not-a-number", "Not a number. Write digits with a decimal point, for example 51.5072.")


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number within a range."""

    least: int
    most: int

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return f"whole number from {self.least} to {self.most}"

    def parse(self, text: str, run: Run, column: str) -> int:
        """Value within the range."""
        if not _WHOLE.fullmatch(text):
            raise BadCell("not-a-number", f"Write a whole number from {self.least} to {self.most}.")
        value = int(text.partition(".")[0])
        if not self.least <= value <= self.most:
            raise BadCell("out-of-range", f"Write a whole number from {self.least} to {self.most}.")
        return value


@dataclass(frozen=True, slots=True)
class YesNo(Kind):
    """Yes or no."""

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "`yes` or `no`"

    def parse(self, text: str, run: Run, column: str) -> bool:
        """True for yes."""
        truth = _TRUTHS.get(text.lower())
        if truth is None:
            raise BadCell("unknown-code", "Write yes or no.")
        return truth


def code_of(text: str, vocabulary: str) -> str:
    """Code for a word given as code or label, whatever its capitals, spaces or hyphens.

    Raises
    ------
    BadCell
        ``unknown-code``; the nearest word is suggested, never taken.
    """
    known = _spellings(vocabulary)
    key = _WORD_GAP.sub("_", text.lower()).strip("_")
    if (code := known.get(key)) is not None:
        return code
    near = get_close_matches(key, list(known), n=1)
    hint = f" Did you mean “{known[near[0]]}”?" if near else ""
    words = ", ".join(terms(vocabulary))
    raise BadCell("unknown-code", f"Not a word of the list.{hint} The list: {words}.")


@cache
def _spellings(vocabulary: str) -> dict[str, str]:
    spellings = {}
    for code, term in terms(vocabulary).items():
        spellings[_WORD_GAP.sub("_", term.label.lower()).strip("_")] = code
    for code in terms(vocabulary):
        spellings[_WORD_GAP.sub("_", code.lower()).strip("_")] = code
    return spellings


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
