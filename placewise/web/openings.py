"""What an open page fetches for itself: it belongs to the opening of the page, which the log holds already.

A page that has been opened, and so logged, gives its own scripts a pass for what it asked. Its sign-in, its partnership
and its filter stand in it, signed and with the time. Whatever comes with that pass and asks the same is answered
without another line in the log. Another filter, another sign-in, a pass too old or none at all is logged like a page.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadSignature, TimestampSigner

#: Name of the pass within an address.
PARAMETER = "opened"
#: A meeting long. Whoever leaves a page open for longer looks again at what may have changed since.
OPEN_FOR_S = 4 * 3600

Question = Iterable[tuple[str, str]]


def make_pass(secret_key: str, token: str, partnership_id: UUID, question: Question) -> str:
    """A pass for the page that is being opened and logged in this very request.

    Parameters
    ----------
    secret_key : str
        Signs the pass.
    token : str
        Secret of the sign-in session; only its digest goes in.
    question : iterable of (name, value)
        What the page asked.
    """
    return _signer(secret_key).sign(_digest(token, partnership_id, question)).decode()


def opened_at(
    secret_key: str, token: str, partnership_id: UUID, question: Question, *, free: Collection[str]
) -> datetime | None:
    """When the page was opened whose pass a request shows for what it asks; None without such a pass.

    Parameters
    ----------
    question : iterable of (name, value)
        All parameters of the request, the pass among them.
    free : collection of str
        Parameters in which a part of a page differs from the page.

    Returns
    -------
    datetime or None
        The end of the second, as a pass counts them: whatever the page showed was on record by then.
    """
    asked = list(question)
    shown = dict(asked).get(PARAMETER, "")
    try:
        said, moment = _signer(secret_key).unsign(shown, max_age=OPEN_FOR_S, return_timestamp=True)
    except BadSignature:  # too old as well
        return None
    own = [(name, value) for name, value in asked if name != PARAMETER and name not in free]
    if not hmac.compare_digest(said.decode(), _digest(token, partnership_id, own)):
        return None
    return moment + timedelta(seconds=1)


def _signer(secret_key: str) -> TimestampSigner:
    return TimestampSigner(secret_key, salt="placewise opening", digest_method=hashlib.sha256)


def _digest(token: str, partnership_id: UUID, question: Question) -> str:
    said = json.dumps([token, str(partnership_id), sorted(question)])
    return hashlib.sha256(said.encode()).hexdigest()
