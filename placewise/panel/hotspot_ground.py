"""The study area of the map: what is counted in, and where that line comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.panel.completeness import Holding, read_holding
from placewise.panel.hotspot_months import USUAL_MONTHS
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
    holding : Holding
        What each agency (by code) sent about each month, whatever period is shown.
    usual_first_month : str or None
        First month with records within the usual period that ends with ``last_month``.
    parts : Parts or None
        What the area is made of where no boundary is imported; None with a boundary.
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
    holding: Holding = field(repr=False)
    usual_first_month: str | None = None
    parts: Parts | None = field(default=None, repr=False)
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
    holding = _read_holding(session, agencies)
    months = holding.months
    return Ground(
        area,
        source,
        wards,
        agencies,
        first_month=months[0] if months else None,
        last_month=months[-1] if months else None,
        holding=holding,
        usual_first_month=_usual_first(holding),
        street_lines=partial(list_streets, session),
        peopled=partial(read_peopled, session),
    )


def as_at(session: Session, ground: Ground, moment: datetime | None) -> Ground:
    """The ground with what was held at a moment; as it is without one."""
    if moment is None:
        return ground
    return replace(ground, holding=_read_holding(session, ground.agencies, as_at=moment))


def _read_holding(session: Session, agencies: list[Agency], *, as_at: datetime | None = None) -> Holding:
    return read_holding(session, {agency.agency_id: agency.code for agency in agencies}, as_at=as_at)


def _usual_first(holding: Holding) -> str | None:
    usual = zip(holding.months[-USUAL_MONTHS:], holding.counts.sum(axis=1)[-USUAL_MONTHS:], strict=True)
    return next((month for month, n in usual if n), None)


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
