"""When two headings are the same; the reader in its sandbox asks this too, so nothing large is imported here."""

from __future__ import annotations

import re

_GAP = re.compile(r"[^a-z0-9]+")


def plain(heading: str) -> str:
    """Heading without capitals, spaces and punctuation.

    >>> plain(" Crime ID")
    'crimeid'
    """
    return _GAP.sub("", heading.removeprefix("\ufeff").lower())
