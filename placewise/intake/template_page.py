"""The page that lists each layout's columns, written from the layouts: ``python -m placewise.intake.template_page``.

``docs/templates/README.md`` is its output; a test holds the two together.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from placewise.intake.layouts import LAYOUTS, Layout, Need
from placewise.intake.layouts.layout import GEOMETRY_COLUMN
from placewise.intake.limits import UPLOAD_LIMITS as _UP

_NEEDS = {Need.VALUE: "in every row", Need.COLUMN: "the column; cells may be empty", Need.NONE: ""}
_GEOMETRY = {
    "none": "CSV or Excel.",
    "optional": "CSV or Excel; or GeoJSON or GeoPackage with the same names as properties and a real geometry.",
    "required": "GeoJSON or GeoPackage.",
}


def page() -> str:
    """Markdown of the whole page."""
    parts = [_INTRODUCTION, *map(_section, LAYOUTS.values())]
    return "\n".join(parts)


def _section(layout: Layout) -> str:
    return "\n".join((f"## {layout.title} (`{layout.name}`)", "", layout.gloss, "", *_body(layout), ""))


def _body(layout: Layout) -> Iterator[str]:
    yield f"Kinds of file: {_GEOMETRY[layout.geometry]}"
    yield ""
    yield "| Column | Needed | What to write | Notes |"
    yield "|---|---|---|---|"
    for column in layout.columns:
        also = f"Also: {', '.join(column.aliases)}. " if column.aliases else ""
        notes = (also + column.gloss).strip()
        yield f"| `{column.name}` | {_NEEDS[column.need]} | {column.kind.words} | {notes} |"
    if layout.not_kept:
        yield ""
        yield f"Read past and not kept: {', '.join(layout.not_kept)}."


_INTRODUCTION = f"""# What a file for Placewise looks like

Written from the layouts by `python -m placewise.intake.template_page > docs/templates/README.md`.

Column names may stand in any order; capitals, spaces and hyphens do not matter. Files are read as text: `000123`
stays `000123`, the surname `NA` stays a name, `01/02/2024` is 1 February. Dates are day first or ISO 8601; a time
without a zone is local time (Europe/London). Lists have `;` between their parts. References (`local_ref` and so on)
are the sending agency's own: the same reference from the same agency is the same record.

A position is `easting` and `northing` (EPSG:27700) or `longitude` and `latitude` (WGS84), in Great Britain.

An upload may have {_UP.file_bytes >> 20} MB, {_UP.rows:,} rows, {_UP.columns} columns and {_UP.cell_chars:,} characters
a cell; a workbook {_UP.sheets} sheets, {_UP.parts} parts and {_UP.unpacked_bytes >> 20} MB unpacked; a shape
{_UP.vertices:,} vertices. The command line streams a CSV file of any size.

Each row is accepted, already held, or refused with its row, column and reason. Refused rows can be downloaded,
mended and sent again; the two columns `placewise_row` and `placewise_reason` may stay in the file. Rows of a GeoJSON or
GeoPackage file bring their shape along in `{GEOMETRY_COLUMN}`, in the file's own coordinates, such as
`SRID=27700;POINT (441000 381000)`: leave it as it is, or write a new one. A shape too long for a cell is left out, and
the reason says so. A row without a shape takes its position from its other columns, if it has any.
"""


if __name__ == "__main__":
    sys.stdout.write(page())
