"""Which months, and whose records, a comparison over time may use: silence must not read as a fall."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placewise.panel.completeness import Completeness

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


def usable(reports: Completeness, shown: pd.DataFrame) -> Usable:
    """Choose for each agency with missing months what loses fewer records: the months, or the agency.

    A month without the police is no month to compare. But were every month unknown in which a small charity
    is silent, a new hot spot would stay hidden because of three records a month that never came. Without that
    charity's records, before its silence as after it, all months compare like with like.

    Parameters
    ----------
    reports : Completeness
        What is held of the months, and what is missing.
    shown : DataFrame of int, shape (months, agencies)
        Records to be compared; agencies named as in ``reports``. The silence of one without any matters to nobody.
    """
    known = np.array(reports.held)
    nobody_missing = (False,) * len(known)
    missing = np.array([reports.missing.get(str(agency), nobody_missing) for agency in shown.columns]).T
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
