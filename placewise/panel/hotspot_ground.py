"""The study area of the map: what is counted in, and where that line comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.panel.hotspot_months import USUAL_MONTHS, month_of, moved, start_of
from placewise.panel.hotspot_parts import Parts, find_parts
from placewise.panel.hotspot_residents import Peopled, area_at, read_peopled
from placewise.store.geography import (
    Agency,
    Areas,
    Shapes,
    grid_series,
    list_agencies,
    list_areas,
    list_streets,
)
from placewise.store.map_records import find_first_since, list_spans
from placewise.store.session import Session


@dataclass(frozen=True, slots=True)
class Ground:
    """What lies under the records.

    Attributes
    ----------
    area : shapely geometry or None
        EPSG:27700; None when the partnership has neither boundaries nor located records.
    source : str
        Where the line comes from, as a phrase for the page.
    wards : Areas
    agencies : list of Agency
    first_month, last_month : str or None
        Months that the records of all agencies reach over; None without any record.
    last_reports : dict of UUID to str
        Last month with records, by agency.
    usual_first_month : str or None
        First month with records within the usual period that ends with ``last_month``.
    parts : Parts or None
        What the area is made of where no boundary is imported; None with a boundary.
    first_reports : dict of UUID to str
        First month with records, by agency.
    street_lines : callable or None
        Reads the streets (EPSG:27700) while the session lasts: few who need the ground need them.
    peopled : callable or None
        Reads who lives where, likewise.
    """

    area: shapely.Geometry | None = field(repr=False)
    source: str
    wards: Areas = field(repr=False)
    agencies: list[Agency]
    first_month: str | None
    last_month: str | None
    last_reports: Mapping[UUID, str]
    usual_first_month: str | None = None
    parts: Parts | None = field(default=None, repr=False)
    first_reports: Mapping[UUID, str] = field(default_factory=dict)
    street_lines: Callable[[], Shapes] | None = field(default=None, repr=False, compare=False)
    peopled: Callable[[], Peopled | None] | None = field(default=None, repr=False, compare=False)

    @property
    def frame(self) -> Any:
        """The area as geo functions take it: a GeoSeries of one shape in EPSG:27700."""
        return grid_series(self.area)


def read_ground(session: Session) -> Ground:
    """Boundaries and agencies of the partnership."""
    authority = list_areas(session, "local_authority")
    wards = list_areas(session, "ward")
    agencies = list_agencies(session)
    if authority.ids:
        area, source = shapely.union_all(authority.shapes), f"the boundary of {_listed(authority.names)}"
    elif wards.ids:
        area, source = shapely.union_all(wards.shapes), f"all {len(wards.ids)} wards together"
    else:
        area, source = None, "no boundary"
    spans = list_spans(session)
    last_month = max((month_of(span.last) for span in spans.values()), default=None)
    return Ground(
        area,
        source,
        wards,
        agencies,
        first_month=min((month_of(span.first) for span in spans.values()), default=None),
        last_month=last_month,
        last_reports={agency_id: month_of(span.last) for agency_id, span in spans.items()},
        usual_first_month=_usual_first(session, last_month),
        first_reports={agency_id: month_of(span.first) for agency_id, span in spans.items()},
        street_lines=partial(list_streets, session),
        peopled=partial(read_peopled, session),
    )


def _usual_first(session: Session, last_month: str | None) -> str | None:
    if last_month is None:
        return None
    first = find_first_since(session, start_of(moved(last_month, 1 - USUAL_MONTHS)))
    return None if first is None else min(month_of(first), last_month)


def with_hull(ground: Ground, x: NDArray[np.float64], y: NDArray[np.float64]) -> Ground:
    """The ground as it is, or bounded by the records when no boundary was imported."""
    located = np.isfinite(x) & np.isfinite(y)
    if ground.area is not None or not located.any():
        return ground
    parts = find_parts(x[located], y[located])
    return replace(ground, area=parts.area, source=parts.source, parts=parts)


def ward_of(ground: Ground, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[str]:
    """Name of the ward each point lies in; empty outside every ward."""
    # A centre exactly on the line between two wards belongs to the first by name.
    order = sorted(range(len(ground.wards.names)), key=ground.wards.names.__getitem__)
    at = area_at(ground.wards.shapes[order], x, y).tolist()
    return ["" if ward < 0 else ground.wards.names[order[ward]] for ward in at]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{len(names)} local authorities"
