"""What can be said about a file as a whole, before and while its rows are checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding about the whole file means for the import."""

    REJECT = "reject"  #: nothing of the file can be taken
    ASK = "ask"  #: nothing is stored until a person answers
    WARN = "warn"  #: stored once a person has seen it


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say about the file as a whole.

    Attributes
    ----------
    code : str
        Stable name, e.g. ``encoding-guessed``; also the key under which an answer is given.
    severity : Severity
        Reject, ask or warn.
    message : str
        What is the matter and what to do; quotes column and sheet names, never a cell.
    count : int
        Number of rows concerned; 0 when the finding is about the file.
    choices : tuple of str
        Answers that can be given to a question; empty when any text may be (a sheet's name).
    """

    code: str
    severity: Severity
    message: str
    count: int = 0
    choices: tuple[str, ...] = ()
