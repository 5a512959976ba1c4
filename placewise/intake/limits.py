"""How much of a file is read before it is refused: one set for uploads, one for the command line."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings for one file; a file over any of them is refused with a message that names it.

    Attributes
    ----------
    file_bytes : int
        Size of the file as it came.
    document_bytes : int
        Size of a GeoJSON file, which is read whole and not in a stream.
    unpacked_bytes, unpacked_ratio, parts, sheets : int
        What a workbook (or a gzip file) may unpack to, counted while reading.
    rows, columns, cell_chars : int
        Shape of a table.
    json_depth, vertices : int
        Nesting of a GeoJSON file; points of one geometry.
    cpu_s, wall_s : int
        Processor time of the reader in all; waiting time for any one batch.
    memory_bytes : int
        Address space of the reader.
    types : tuple of str
        Kinds of file accepted.
    """

    file_bytes: int
    document_bytes: int
    unpacked_bytes: int
    rows: int
    cpu_s: int
    wall_s: int
    memory_bytes: int = 1024 * MEGABYTE
    unpacked_ratio: int = 100
    parts: int = 200
    sheets: int = 50
    columns: int = 200
    cell_chars: int = 32_767  # what a spreadsheet keeps of a cell when a row is mended in it
    json_depth: int = 32
    vertices: int = 100_000
    types: tuple[str, ...] = ("csv", "xlsx", "geojson", "gpkg")


#: What a browser may send (documented for ASVS 5.1.1).
UPLOAD_LIMITS = Limits(
    file_bytes=25 * MEGABYTE,
    document_bytes=25 * MEGABYTE,
    unpacked_bytes=100 * MEGABYTE,
    rows=50_000,
    cpu_s=30,
    wall_s=30,
)

#: What an operator may import: a CSV file of any size, streamed; other kinds must fit in memory.
COMMAND_LIMITS = Limits(
    file_bytes=1 << 62,
    document_bytes=256 * MEGABYTE,
    unpacked_bytes=1 << 62,
    rows=1 << 40,
    cpu_s=3600,
    wall_s=120,
    memory_bytes=4096 * MEGABYTE,
    vertices=1_000_000,
    types=("csv", "xlsx", "geojson", "gpkg", "csv.gz"),
)
