"""From all records of a period to those a map may place, with every other one accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placewise.core.vocabulary import PLACEABLE_RADIUS_M, placeable_accuracies, radius_m, terms
from placewise.geo.cells import CellGrid
from placewise.geo.series import reports_held
from placewise.panel.hotspot_filter import NOT_RECORDED, HotspotFilter
from placewise.panel.hotspot_ground import Ground
from placewise.panel.hotspot_months import edges_us, months_between, moved, start_of
from placewise.store.map_records import EventColumns, list_event_columns
from placewise.store.session import Session

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

NO_CHILD = -1
OUTSIDE = -1


@dataclass(frozen=True, slots=True)
class Accounted:
    """Where each record of the period went; the parts add up to ``asked_for``.

    Attributes
    ----------
    asked_for : int
        Records of the period that match harm, category, agency and kind.
    placed : int
        On the map.
    other_relation : int
        Left out because of what the location is to the record (found there, last seen there …).
    no_location : int
        Nothing says where.
    too_coarse : int
        Known only to a ward, a borough or a circle wider than 200 m, even if a point came with it.
    other_accuracy : int
        Located by an accuracy that the filter leaves out.
    outside : int
        Precisely located, but outside the study area.
    spread : int
        Known only roughly, and drawn spread over where they may have been.
    """

    asked_for: int
    placed: int
    other_relation: int
    no_location: int
    too_coarse: int
    other_accuracy: int
    outside: int
    spread: int = 0

    @property
    def drawn(self) -> int:
        """Records that are on the map in any way."""
        return self.placed + self.spread


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one period, and which of them the map places.

    Attributes
    ----------
    columns : EventColumns
    months : list of str
    month : ndarray of int64
        Position of each record's month in ``months``; -1 outside the period.
    shown : ndarray of bool
        May be placed, before the study area is known; of the slider's month only, if there is one.
    shown_any_month : ndarray of bool
        The same for the whole period.
    wanted : ndarray of bool
        Matches harm, category, agency and kind within the period or the slider's month.
    """

    columns: EventColumns
    months: list[str]
    month: Integers = field(repr=False)
    shown: Flags = field(repr=False)
    shown_any_month: Flags = field(repr=False)
    wanted: Flags = field(repr=False)
    by_relation: Flags = field(repr=False)
    located: Flags = field(repr=False)
    fine: Flags = field(repr=False)

    @property
    def rough(self) -> Flags:
        """Whether each record of the view is known only to an area or a wide circle."""
        vague = self.located | self.columns.has_area | _vague(self.columns)
        rough: Flags = self.wanted & self.by_relation & ~self.fine & vague
        return rough

    @property
    def empty_months(self) -> list[str]:
        """Months of the period from which nobody sent any record of any kind."""
        held = np.bincount(self.month[self.month >= 0], minlength=len(self.months))
        anyone = reports_held(pd.DataFrame({"anyone": held}))["anyone"].tolist()
        return [month for month, reported in zip(self.months, anyone, strict=True) if not reported]

    @property
    def child_of_event(self) -> Integers:
        """One child (the lowest number) for each record, -1 where none is recorded."""
        child = np.full(self.columns.n, np.iinfo(np.int64).max)
        np.minimum.at(child, self.columns.child_event, self.columns.child)
        return np.where(child == np.iinfo(np.int64).max, NO_CHILD, child)


def read_records(session: Session, wanted: HotspotFilter, ground: Ground) -> Records:
    """Read the period's records and mark what the filter asks for."""
    columns = list_event_columns(
        session,
        since=start_of(wanted.first_month),
        until=start_of(moved(wanted.last_month, 1)),
        as_at=wanted.as_at or datetime.now(UTC),
        agencies=[agency.agency_id for agency in ground.agencies],
    )
    return mark_records(columns, wanted, ground)


def mark_records(columns: EventColumns, wanted: HotspotFilter, ground: Ground) -> Records:
    """Mark which records match, and which may be placed."""
    months = months_between(wanted.first_month, wanted.last_month)
    month = month_positions(columns, months)
    in_view = month >= 0 if wanted.month is None else month == months.index(wanted.month)
    matches = _matches(columns, wanted, [agency.code for agency in ground.agencies])
    by_relation = _is_one_of(columns.relation, "relation", wanted.relations)
    fine = _is_one_of(columns.accuracy, "accuracy", placeable_accuracies()) & (
        known_within_m(columns) <= PLACEABLE_RADIUS_M
    )
    located = np.isfinite(columns.x) & np.isfinite(columns.y)
    chosen = _is_one_of(columns.accuracy, "accuracy", wanted.accuracies)
    placeable = matches & by_relation & located & fine & chosen
    return Records(
        columns,
        months,
        month,
        shown=placeable & in_view,
        shown_any_month=placeable & (month >= 0),
        wanted=matches & in_view,
        by_relation=by_relation,
        located=located,
        fine=fine,
    )


def account(records: Records, position: Integers, spread: Flags | None = None) -> Accounted:
    """Say where each record of the period went.

    Parameters
    ----------
    position : ndarray of int64, shape (n,)
        Each record's cell, -1 for none.
    spread : ndarray of bool, shape (n,), optional
        Rough records that are drawn spread over where they may have been.
    """
    left, coarse = records.wanted & records.by_relation, records.rough
    drawn = 0 if spread is None else int((coarse & spread).sum())
    nowhere = left & ~records.located & ~coarse
    precise = left & records.located & records.fine
    return Accounted(
        asked_for=int(records.wanted.sum()),
        placed=int((records.shown & (position != OUTSIDE)).sum()),
        other_relation=int((records.wanted & ~records.by_relation).sum()),
        no_location=int(nowhere.sum()),
        too_coarse=int(coarse.sum()) - drawn,
        other_accuracy=int((precise & ~records.shown).sum()),
        outside=int((records.shown & (position == OUTSIDE)).sum()),
        spread=drawn,
    )


def locate(records: Records, grid: CellGrid) -> Integers:
    """Position of each shown record's cell in the grid, -1 for all others; shape (n,)."""
    position = np.full(records.columns.n, OUTSIDE)
    x, y = records.columns.x[records.shown], records.columns.y[records.shown]
    position[records.shown] = grid.locate(x, y)
    return position


def month_positions(columns: EventColumns, months: list[str]) -> Integers:
    """Month of the middle of each record's interval, -1 outside."""
    middle = columns.occurred_from_us + (columns.occurred_to_us - columns.occurred_from_us) // 2
    position = np.searchsorted(edges_us(months), middle, side="right") - 1
    return np.where(position < len(months), position, OUTSIDE)


def _matches(columns: EventColumns, wanted: HotspotFilter, agencies: list[str]) -> Flags:
    matches = _is_one_of(columns.kind, "event_kind", wanted.kinds)
    if wanted.agencies:
        chosen = [position for position, code in enumerate(agencies) if code in wanted.agencies]
        matches &= np.isin(columns.agency, chosen)
    if wanted.harms or wanted.categories:
        bits = sum(1 << i for i, code in enumerate(terms("harm_type")) if code in wanted.harms)
        what = (columns.harms & bits) != 0
        what |= _is_one_of(columns.category, "crime_category", wanted.categories)
        if NOT_RECORDED in wanted.harms:
            what |= (columns.harms == 0) & (columns.category < 0)
        matches &= what
    return matches


def _is_one_of(values: Integers, vocabulary: str, codes: tuple[str, ...]) -> Flags:
    """Whether each position stands for one of these codes; by look-up, with a place for "absent"."""
    allowed = np.array([code in codes for code in terms(vocabulary)] + [False])
    found: Flags = allowed[values]
    return found


def known_within_m(columns: EventColumns) -> NDArray[np.float64]:
    """How far off each location may be; a radius that is not stated is the accuracy's own, NaN without any."""
    usual = np.array([radius_m(code) or np.nan for code in terms("accuracy")] + [np.nan])
    return np.where(np.isnan(columns.radius_m), usual[columns.accuracy], columns.radius_m)


def _vague(columns: EventColumns) -> Flags:
    vague = tuple(code for code in terms("accuracy") if code not in placeable_accuracies() and code != "none")
    return _is_one_of(columns.accuracy, "accuracy", vague)
