"""What a spot on the map is called: the place that its records name, else the street, park or station nearest to it.

A name beside a figure is read as its cause. So a business, a school or a home is named only where the records
themselves name it; what merely stands nearby is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from placewise.store.geography import list_mapped_places, list_nearest_ground
from placewise.store.map_records import Bytes
from placewise.store.session import Session

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
#: From eastings, northings, and the rows of the records that each spot stands for, to names.
Namer: TypeAlias = Callable[[Floats, Floats, Sequence[Integers]], list[str]]

#: Further off than this, about three minutes on foot, a name would mislead.
NEAR_M = 250.0
#: A place is named from so many records on that name it, and only if they are so large a share of the spot's.
NAMED_BY, NAMED_BY_SHARE = 3, 0.5
#: What a record carries that names no place.
NOWHERE = UUID(int=0).bytes


def nearby_names(session: Session, place_id: Bytes) -> Namer:
    """A function that names spots in EPSG:27700; empty for one whose records name no place and that nothing is near.

    Parameters
    ----------
    place_id : ndarray of 16-byte records, shape (records,)
        The place that each record names, `EventColumns.place_id`.
    """
    known = {place.place_id: place.name for place in list_mapped_places(session) if place.is_drawn}

    def names(x: Floats, y: Floats, records: Sequence[Integers]) -> list[str]:
        ground = list_nearest_ground(session, x, y, within_m=NEAR_M)
        told = (named_by(place_id[rows]) for rows in records)
        return [known.get(place, near) if place else near for place, near in zip(told, ground, strict=True)]

    return names


def named_by(place_id: Bytes) -> UUID | None:
    """The place that at least half of some records name, and at least three; None where there is none."""
    times = Counter(place_id.tolist())
    del times[NOWHERE]
    key, n = max(times.items(), key=lambda pair: (pair[1], pair[0]), default=(NOWHERE, 0))
    return UUID(bytes=key) if n >= max(NAMED_BY, NAMED_BY_SHARE * place_id.size) else None


def nameless(x: Floats, y: Floats, records: Sequence[Integers]) -> list[str]:
    """Names nothing."""
    return [""] * x.size
