"""What a layout is: its columns, and how a checked batch becomes records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from placewise.intake.batch import Target
from placewise.intake.cells import Kind
from placewise.intake.headings import plain
from placewise.intake.table import Table

#: Columns that our own refusals file adds; they say what to mend and are not data.
REFUSAL_COLUMNS = ("placewise_row", "placewise_reason")
#: Column of our own in which the shape of a refused feature goes out, and comes back.
GEOMETRY_COLUMN = "placewise_geometry"


class Need(Enum):
    """How far a column must be there."""

    VALUE = "value"  #: in each row
    COLUMN = "column"  #: in the header; a cell may be empty
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Column:
    """One column a file may have.

    Attributes
    ----------
    name : str
        Name in the template and in code.
    kind : Kind
        How its cells are read.
    need : Need
        Whether it must be there.
    aliases : tuple of str
        Other headings it goes by; capitals, spaces and punctuation never matter.
    gloss : str
        What it is for, where the name does not say.
    """

    name: str
    kind: Kind
    need: Need = Need.NONE
    aliases: tuple[str, ...] = ()
    gloss: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """One shape of file.

    Attributes
    ----------
    name, title, gloss : str
        Code, heading, and one sentence for the person choosing.
    target : Target
        Kind of record it produces.
    columns : tuple of Column
        In the order of the template.
    assemble : callable
        From a parsed batch to the columns that ``CheckedBatch`` promises for the target; adds faults.
    identity : tuple of str
        Columns that say which record a row is. Empty: the content does, and repeats are counted.
    identity_source : bool
        Whether the sending agency is part of the identity (its references are its own).
    revised : bool
        Whether the publisher revises records under the same number: then the first one stands, and one
        that says otherwise is a repeat and no conflict.
    not_kept : tuple of str
        Headings that are known and deliberately not kept; the summary says so.
    geometry : str
        ``none``, ``optional`` or ``required``: whether the file may carry geometries.
    repair : bool
        Whether shapes that cross themselves are mended and counted instead of refused.
    """

    name: str
    title: str
    gloss: str
    target: Target
    columns: tuple[Column, ...]
    assemble: Callable[[Table], dict[str, Any]]
    identity: tuple[str, ...] = ()
    identity_source: bool = True
    revised: bool = False
    not_kept: tuple[str, ...] = ()
    geometry: str = "none"
    repair: bool = False

    @property
    def headings(self) -> frozenset[str]:
        """Plain headings of all columns, under each of their names."""
        return frozenset(plain(name) for column in self.columns for name in (column.name, *column.aliases))


@dataclass(frozen=True, slots=True)
class Match:
    """How a header fits a layout.

    Attributes
    ----------
    layout : Layout
        The layout.
    positions : Mapping of str to int
        Position in the header by column name.
    missing : tuple of str
        Needed columns the header lacks.
    unknown : tuple of str
        Headings the layout does not know.
    not_kept : tuple of str
        Headings it knows and does not keep.
    """

    layout: Layout
    positions: Mapping[str, int]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    not_kept: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether every needed column is there."""
        return not self.missing

    @property
    def score(self) -> float:
        """How good the fit is: needed columns there, then columns known, of all."""
        known = len(self.positions) + len(self.not_kept)
        needed = sum(column.need is not Need.NONE for column in self.layout.columns)
        there = (needed - len(self.missing)) / needed if needed else 1.0
        return there + known / max(known + len(self.unknown) + len(self.missing), 1)


def match(header: Sequence[str], layout: Layout, *, geometry: bool = False) -> Match:
    """Find a layout's columns in a header."""
    names = {plain(alias): column.name for column in layout.columns for alias in column.aliases}
    names |= {plain(column.name): column.name for column in layout.columns}
    dropped = set(map(plain, layout.not_kept))
    ours = set(map(plain, REFUSAL_COLUMNS))
    if layout.geometry != "none":
        ours.add(plain(GEOMETRY_COLUMN))
        geometry = geometry or plain(GEOMETRY_COLUMN) in map(plain, header)
    positions: dict[str, int] = {}
    unknown, not_kept = [], []
    for index, heading in enumerate(header):
        key = plain(heading)
        if key in names and names[key] not in positions:
            positions[names[key]] = index
        elif key in dropped:
            not_kept.append(heading.strip())
        elif key and key not in ours:
            unknown.append(heading.strip())
    missing = [c.name for c in layout.columns if c.need is not Need.NONE and c.name not in positions]
    if layout.geometry == "required" and not geometry:
        missing.append("geometry")
    return Match(layout, positions, tuple(missing), tuple(unknown), tuple(not_kept))
