"""What lies nearest to a cell, for a name people know: a place of the partnership, else a street."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.store.geography import list_mapped_places, list_nearest_streets
from placewise.store.session import Session

Floats: TypeAlias = NDArray[np.float64]
#: From eastings and northings to names.
Namer: TypeAlias = Callable[[Floats, Floats], list[str]]

#: Further off than this, about three minutes on foot, a name would mislead.
NEAR_M = 250.0


def nearby_names(session: Session) -> Namer:
    """A function that names what is nearest to points in EPSG:27700, at most `NEAR_M` away; empty for nothing."""
    places = [place for place in list_mapped_places(session) if place.is_drawn]
    tree = shapely.STRtree(np.array([place.shape for place in places], dtype=object))

    def names(x: Floats, y: Floats) -> list[str]:
        said = list_nearest_streets(session, x, y, within_m=NEAR_M)
        found = tree.query_nearest(shapely.points(x, y), max_distance=NEAR_M, all_matches=False)
        for point, place in found.T.tolist():
            said[point] = places[place].name
        return said

    return names


def nameless(x: Floats, y: Floats) -> list[str]:
    """Names nothing."""
    return [""] * x.size
