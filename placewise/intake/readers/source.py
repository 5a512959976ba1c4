"""The one open file a reader is given, what it may cost, and the answers a person gave."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from placewise.intake.limits import Limits


@dataclass(frozen=True, slots=True)
class Source:
    """An untrusted file, already open.

    Attributes
    ----------
    file : int
        Descriptor; the reader never sees a path.
    extension : str
        What the name claimed, lower case, without the dot.
    limits : Limits
        Ceilings.
    answers : Mapping of str to str
        Answers to questions by finding code, e.g. ``{"which-sheet": "Oct"}``.
    wanted : frozenset of str, optional
        Plain headings of the columns that will be looked at; None for all.
    """

    file: int
    extension: str
    limits: Limits
    answers: Mapping[str, str] = field(default_factory=dict)
    wanted: frozenset[str] | None = None

    def open(self) -> BinaryIO:
        """Open the file anew from its start; closing it leaves the descriptor open."""
        os.lseek(self.file, 0, os.SEEK_SET)
        return os.fdopen(self.file, "rb", buffering=1 << 20, closefd=False)

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return os.fstat(self.file).st_size
