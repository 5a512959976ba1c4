"""Passwords: Argon2id, few at a time, and an unknown account costs as long as a known one."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from placewise.core.errors import BadRequest, DatabaseBusy

SHORTEST = 15

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
#: Each check takes 64 MiB; more than four at once would let a crowd at the door take the memory of the house.
_places = threading.BoundedSemaphore(4)
_WAIT_SECONDS = 10.0
#: Of a random text that nobody knows: what an account that does not exist is checked against.
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=1$q4SB6YxFmdrSoLkrYwFCuw$WwAimuky5cgv3wDHM5wUcR95M0vOEH2yELGivpLDvHI"


def hashed(password: str) -> str:
    """What is stored of a password.

    Raises
    ------
    BadRequest
        It is shorter than 15 characters. There are no other rules: length is what protects.
    """
    if len(password) < SHORTEST:
        raise BadRequest(f"Choose a password of at least {SHORTEST} characters; a few words do well.")
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password; takes as long when there is no account or no password to compare with.

    Raises
    ------
    DatabaseBusy
        Too many people are signing in at this moment.
    """
    if not _places.acquire(timeout=_WAIT_SECONDS):
        raise DatabaseBusy("Many people are signing in. Try again in a moment.")
    try:
        right = _hasher.verify(stored or _NOBODYS, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    finally:
        _places.release()
    return right and stored is not None
