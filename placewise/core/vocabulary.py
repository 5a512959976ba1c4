"""The controlled vocabularies: one small CSV file each, in ``core/terms``.

The same rows stand in the database (``ref.term``); a test keeps files and rows equal. A term is
never deleted: it gets a ``valid_to`` date, so that old records keep the word in force then.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from placewise.core.errors import UnknownTerm


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a vocabulary.

    Attributes
    ----------
    code : str
        What is stored.
    label : str
        What is shown.
    gloss : str
        One plain sentence for those who do not know the word; may be empty.
    valid_from, valid_to : date or None
        Days on which the term may be newly recorded.
    extra : str
        A value the vocabulary needs besides: radius in metres for ``accuracy``, ``harm`` for the
        relations that the harm surface counts, ``child`` or ``adult`` sides for link types.
    """

    code: str
    label: str
    gloss: str
    valid_from: date | None
    valid_to: date | None
    extra: str


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _term(row: Mapping[str, str]) -> Term:
    valid = _day(row["valid_from"]), _day(row["valid_to"])
    return Term(row["code"], row["label"], row["gloss"], *valid, row["extra"])


@cache
def terms(vocabulary: str) -> Mapping[str, Term]:
    """Terms of one vocabulary by code, in the order in which they are shown.

    Raises
    ------
    UnknownTerm
        No such vocabulary.
    """
    path = files("placewise.core") / "terms" / f"{vocabulary}.csv"
    if not path.is_file():
        raise UnknownTerm(f"There is no vocabulary called {vocabulary!r}.")
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), strict=True)
    return MappingProxyType({row["code"]: _term(row) for row in rows})


@cache
def vocabularies() -> tuple[str, ...]:
    """Names of all vocabularies, sorted."""
    folder = files("placewise.core") / "terms"
    return tuple(sorted(p.name[:-4] for p in folder.iterdir() if p.name.endswith(".csv")))


def label(vocabulary: str, code: str | None) -> str:
    """What to show for a stored code; ``Not recorded`` for none.

    >>> label("relation", "found_there")
    'Found here'
    """
    if not code:
        return "Not recorded"
    term = terms(vocabulary).get(code)
    return term.label if term else code


def radius_m(accuracy: str) -> float | None:
    """Radius within which a location of this accuracy may lie; None when it has no location."""
    extra = terms("accuracy")[accuracy].extra
    return float(extra) if extra else None


#: Locations vaguer than this are counted in words and never placed in a cell.
PLACEABLE_RADIUS_M = 200.0


@cache
def placeable_accuracies() -> tuple[str, ...]:
    """Accuracies fine enough to place a record in a cell of the hotspot grid."""
    return tuple(
        code for code, t in terms("accuracy").items() if t.extra and float(t.extra) <= PLACEABLE_RADIUS_M
    )


@cache
def harm_relations() -> tuple[str, ...]:
    """Relations to a location that make it a place of harm (not where someone was found)."""
    return tuple(code for code, t in terms("relation").items() if t.extra == "harm")
