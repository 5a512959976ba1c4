"""Text as people send it, typed or in a file: what may not be in it, and what is taken out without a word."""

from __future__ import annotations

import re
import unicodedata

from placewise.core.errors import BadRequest

#: Tab and line ends are no controls here: a longer text may have lines.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufff0-\ufff8]")
#: What turns the direction of text can make one name look like another.
BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
# Joiners (U+200C, U+200D) belong to Persian, Indic scripts and emoji; these belong to nothing.
_INVISIBLE = re.compile(r"[\u200b\u2060\ufeff\u00ad\u180e]")
LONGEST_TITLE = 120


def normal(text: str) -> str:
    """Text trimmed, in one Unicode form (NFC) and without characters that nobody sees."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).strip()


def has_invisible(text: str) -> bool:
    """Whether `normal` takes out a character that nobody sees."""
    return bool(_INVISIBLE.search(text))


def one_line(text: str) -> str:
    """Normal text with every run of white space as one space.

    >>> one_line(f" late {chr(0x200B)} evenings{chr(10)}")
    'late evenings'
    """
    return " ".join(normal(text).split())


def read_title(typed: str, *, of: str) -> str:
    """The name somebody gives to what is saved, on one line.

    Raises
    ------
    BadRequest
        It is empty or too long.
    """
    title = one_line(typed)
    if not 0 < len(title) <= LONGEST_TITLE:
        raise BadRequest(f"Give {of} a name of up to {LONGEST_TITLE} characters.")
    return title
