"""What intake hands on: checked records in columns, refused rows, and what is to be said aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.intake.findings import Finding, Severity

__all__ = ["CheckedBatch", "Column", "Finding", "Refusal", "Severity", "Target"]

#: One column of accepted records: a numpy array for numbers and times, a list for everything else.
Column = Sequence[Any] | NDArray[Any]


class Target(StrEnum):
    """The kind of record a layout produces; one loader in the store for each."""

    EVENTS = "events"
    PLACES = "places"
    PEOPLE = "people"
    LINKS = "links"
    GROUPS = "groups"
    BOUNDARIES = "boundaries"
    STREETS = "streets"
    FEATURES = "features"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One fault of one row. A row with several faults has several refusals.

    Attributes
    ----------
    row : int
        Row number as a person sees it in the file: the header is row 1 in a CSV file or a sheet;
        the first feature is row 1 in GeoJSON; the feature's id in a GeoPackage.
    column : str
        Column as the file names it; empty when the fault is of the whole row.
    code, message : str
        Stable name, and what is wrong and what to do.
    cells : tuple of str
        The row as it came, in the order of the file's header, to be mended and sent again. The shape of a
        feature is the last cell of the row's first refusal and of no other.
    """

    row: int
    column: str
    code: str
    message: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedBatch:
    """Some thousand rows of one file: the accepted ones in typed columns, the others as refusals.

    Every column has one value for each accepted row, in the order of ``row_numbers``. Absent values are
    ``None`` in lists, NaN in float columns and NaT in time columns. Times are UTC, ``datetime64[us]``; days are
    ``datetime.date``; x and y are EPSG:27700 metres, ``float64``; geometries are WKB ``bytes`` in EPSG:27700,
    two-dimensional and valid. Codes are those of ``core/terms``; *words* are tuples of str, empty when none.
    An interval is half open: a day given without a time becomes [00:00, 00:00 of the next day) local time, a
    month likewise, an instant has equal ends.

    ``EV`` (evidence): source_grade int | None, assessment, handling (``P`` when not given),
    handling_conditions, basis. ``LOC`` (location): x, y, accuracy, radius_m float64, area_code.

    ========== ==============================================================================================
    target     columns
    ========== ==============================================================================================
    events     local_ref, kind, category, harm_types (words), occurred_from, occurred_to, reported_at,
               place_ref, relation, children (words), adults (words), summary str, LOC, EV;
               missing episodes besides: risk_grade, returned_at, return_interview_offered,
               return_interview_completed (times), push (words), pull (words)
    places     local_ref, name, aliases (words), location_type, place_role, status, online bool,
               geometry bytes | None, opening_hours, place_manager, guardianship, strengths, LOC, EV
    people     local_ref, kind, age_band, sex, care_status, concern_category, dual_role bool | None,
               review_due (date); for the identity vault: given_name, family_name, date_of_birth (date),
               address; EV
    links      from_kind, from_ref, to_kind, to_ref, type, strength, first_seen, last_seen, expires_on
               (dates), evidence_refs (words), evidence_note, EV
    groups     one row a member: group_ref, name, member_ref | None, joined_on, left_on (dates),
               assessment_status, norms, strengths, EV
    boundaries kind, code, name, vintage int, residents int | None, residents_year int | None,
               geometry (MultiPolygon)
    streets    name, street_class, geometry (MultiLineString)
    features   kind, name, geometry
    ========== ==============================================================================================

    Attributes
    ----------
    layout : str
        Name of the layout, e.g. ``police_street``.
    target : Target
        Which loader of the store takes it.
    columns : Mapping of str to Column
        See above.
    row_numbers : ndarray of int64, shape (n,)
        Row of the file each accepted record came from.
    record_ids : ndarray of 16-byte records, shape (n,)
        *Which* record this is, whatever file brings it, as a UUID: the id that it is stored under.
    content_digests : list of bytes or None, length n
        16 bytes naming what the record *says*; a known record with another digest is a change. None
        where a publisher revises its records and the first one stands (police.uk).
    repeats : ndarray of bool, shape (n,)
        True where the same record already came earlier in this file.
    refusals : tuple of Refusal
        Rows that were not accepted, with each fault.
    rows_read : int
        Data rows looked at for this batch, accepted and refused; blank rows are not counted.
    bytes_read, bytes_total : int
        How far into the file this batch reaches.
    originals : tuple of ndarray of int64 and list of list of str
        Row numbers and columns of the batch as they came; see ``cells_of``.
    shapes : Mapping of int to str or None
        Shapes of the batch's features by row number, as they came; empty for tables.
    """

    layout: str
    target: Target
    columns: Mapping[str, Column]
    row_numbers: NDArray[np.int64]
    record_ids: NDArray[np.void]
    content_digests: list[bytes | None]
    repeats: NDArray[np.bool_]
    refusals: tuple[Refusal, ...] = ()
    rows_read: int = 0
    bytes_read: int = 0
    bytes_total: int = 0
    originals: tuple[NDArray[np.int64], Sequence[Sequence[str]]] = field(
        default_factory=lambda: (np.zeros(0, dtype=np.int64), []), repr=False
    )
    shapes: Mapping[int, str | None] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Number of accepted rows."""
        return len(self.row_numbers)

    def cells_of(self, row: int) -> tuple[str, ...]:
        """Return the cells of a row of this batch as they came, for a refusal found later."""
        numbers, columns = self.originals
        index = int(np.searchsorted(numbers, row))
        if index == len(numbers) or numbers[index] != row:
            raise KeyError(row)
        return tuple(column[index] for column in columns)
