"""Parameters of an analysis out of an address: each is understood, or refused with what would be understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from placewise.core.errors import BadRequest
from placewise.panel.analyses.analysis import Asked

#: No parameter needs more digits, and Python refuses to read very long ones.
_WHOLE = re.compile(r"[0-9]{1,9}")
SEED_AT_MOST = 999_999_999


def one_of(asked: Asked, name: str, known: Sequence[str], *, usual: str, what: str) -> str:
    """One word of several.

    Raises
    ------
    BadRequest
        It is none of them.
    """
    text = _text(asked, name) or usual
    if text not in known:
        raise BadRequest(f"{what} must be one of: {', '.join(known)}.")
    return text


def whole_number(asked: Asked, name: str, *, usual: int, low: int, high: int, what: str) -> int:
    """One whole number.

    Raises
    ------
    BadRequest
        It is no whole number from ``low`` to ``high``.
    """
    text = _text(asked, name) or str(usual)
    if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        raise BadRequest(f"{what} must be a whole number from {low:,} to {high:,}.")
    return int(text)


def rising_numbers(
    asked: Asked, name: str, *, usual: tuple[int, ...], low: int, high: int, at_most: int, what: str
) -> tuple[int, ...]:
    """Whole numbers, each larger than the one before, written with commas or spaces between.

    Raises
    ------
    BadRequest
        They are not, or too many.
    """
    texts = re.split(r"[,\s]+", _text(asked, name) or ",".join(map(str, usual)))
    found = [int(text) if _WHOLE.fullmatch(text) else -1 for text in texts]
    rising = all(a < b for a, b in pairwise(found))
    if not rising or len(found) > at_most or not all(low <= number <= high for number in found):
        raise BadRequest(
            f"{what} must be up to {at_most} whole numbers from {low:,} to {high:,}, each larger than the one before, "
            f"such as {', '.join(map(str, usual))}."
        )
    return tuple(found)


def _text(asked: Asked, name: str) -> str:
    values = asked.get(name) or ()
    return values[-1].strip() if values else ""
