"""Which months, and whose records, a comparison over time may use: silence must not read as a fall."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placewise.geo.series import reports_held, reports_received

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Usable:
    """What of a period may be compared.

    Attributes
    ----------
    known : ndarray of bool, shape (months,)
        False: nobody reported, or somebody whose records matter did not.
    left_out : tuple of int
        Positions of agencies whose records are used in no month, because theirs of some months are missing.
    missing : ndarray of bool, shape (months, agencies)
        Months in which an agency's reports are missing.
    """

    known: Flags = field(repr=False)
    left_out: tuple[int, ...]
    missing: Flags = field(repr=False)


def sent_by_month(month: Integers, agency: Integers, *, n_months: int, n_agencies: int) -> pd.DataFrame:
    """Records by month (rows) and agency (columns), both given by position; those with -1 are not counted."""
    inside = (month >= 0) & (agency >= 0)
    row = month[inside] * n_agencies + agency[inside]
    return pd.DataFrame(np.bincount(row, minlength=n_months * n_agencies).reshape(n_months, n_agencies))


def usable(sent: pd.DataFrame, shown: pd.DataFrame) -> Usable:
    """Choose for each agency with missing months what loses fewer records: the months, or the agency.

    A month without the police is no month to compare. But were every month unknown in which a small charity
    is silent, a new hot spot would stay hidden because of three records a month that never came. Without that
    charity's records, before its silence as after it, all months compare like with like.

    Parameters
    ----------
    sent : DataFrame of int, shape (months, agencies)
        All records held, of any kind and anywhere.
    shown : DataFrame of int, same shape
        Those to be compared. The silence of an agency without any matters to nobody.

    Examples
    --------
    >>> months = pd.DataFrame({"police": [9, 8, 0, 9, 9, 9], "charity": [2, 1, 2, 1, 0, 0]})
    >>> found = usable(10 * months, months)
    >>> found.known.tolist(), found.left_out
    ([True, True, False, True, True, True], (1,))
    """
    known = reports_held(pd.DataFrame({"anyone": sent.sum(axis=1)}))["anyone"].to_numpy().copy()
    missing = ~reports_received(sent).to_numpy()
    counts = shown.to_numpy()
    kept = counts.sum(axis=0) > 0
    left_out = []
    for agency in np.argsort(-counts.sum(axis=0), kind="stable").tolist():
        gap = missing[:, agency] & known
        if not (kept[agency] and gap.any()):
            continue
        others = kept & (np.arange(kept.size) != agency)
        if counts[known, agency].sum() <= counts[gap][:, others].sum():
            kept[agency] = False
            left_out.append(agency)
        else:
            known &= ~gap
    return Usable(known, tuple(sorted(left_out)), missing)
