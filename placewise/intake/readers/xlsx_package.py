"""A workbook's zip file, weighed and searched before anything in it is parsed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from placewise.core.errors import FileRefused
from placewise.intake.findings import Finding, Severity
from placewise.intake.limits import Limits

_CHUNK = 1 << 16
_DAMAGED = "The workbook is damaged or was put together oddly. Open it in Excel and save it again."
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
_BAD_NAME = re.compile(r"(?:^|/)\.\.(?:/|$)|^/|\\|[\x00-\x1f]")


def inspect(file: BinaryIO, limits: Limits) -> Iterator[Finding]:
    """Say what a workbook carries besides its cells.

    Every part is unpacked once and counted while it is, because what the directory says may be a lie.

    Raises
    ------
    FileRefused
        ``bad-zip``, ``type-mismatch``, ``too-many-parts``, ``expands-too-far``, ``macros`` or ``xml-dtd``.
    """
    try:
        with zipfile.ZipFile(file) as package:
            parts = package.infolist()
            names = [part.filename for part in parts]
            _require_names(parts, limits)
            left = min(limits.unpacked_bytes, 10 * (1 << 30))
            for part in parts:
                left -= _weigh(package, part, left, limits)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as problem:
        raise FileRefused(_DAMAGED, code="bad-zip") from problem
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise FileRefused("The workbook holds macros. Save it as a plain workbook (.xlsx).", code="macros")
    yield from _besides(names)


def _require_names(parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = [part.filename for part in parts]
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise FileRefused("This is an archive, not an Excel workbook.", code="type-mismatch")
    if len(names) > limits.parts and any("worksheets" not in name for name in names[limits.parts :]):
        raise FileRefused(f"The workbook has more than {limits.parts} parts.", code="too-many-parts")
    if sum("xl/worksheets/" in name and name.endswith(".xml") for name in names) > limits.sheets:
        raise FileRefused(f"The workbook has more than {limits.sheets} sheets.", code="too-many-sheets")
    if len(set(map(str.lower, names))) < len(names) or any(map(_BAD_NAME.search, names)):
        raise FileRefused(_DAMAGED, code="bad-zip")
    if any(part.flag_bits & 1 for part in parts):
        raise FileRefused("The workbook has a password. Remove it first.", code="encrypted")


def _weigh(package: zipfile.ZipFile, part: zipfile.ZipInfo, left: int, limits: Limits) -> int:
    """Unpacked size of a part, read to its end so that its checksum is verified."""
    most = min(left, max(part.compress_size * limits.unpacked_ratio, 1 << 20))
    is_xml = part.filename.endswith((".xml", ".rels", ".vml"))
    size, tail = 0, b""
    with package.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise FileRefused("The workbook unpacks to far more than it should.", code="expands-too-far")
            if is_xml:
                _require_plain_xml(tail + chunk)
                tail = chunk[-16:]
    return size


def _require_plain_xml(text: bytes) -> None:
    # Office writes UTF-8; in UTF-16 a document type could hide from this search.
    if _DTD.search(text) or text.startswith(_UTF16):
        raise FileRefused("The workbook holds XML definitions, which no workbook needs.", code="xml-dtd")


def _besides(names: list[str]) -> Iterator[Finding]:
    if any(name.startswith("xl/externalLinks/") for name in names):
        message = "The workbook links to other files; the links were not followed."
        yield Finding("external-links", Severity.WARN, message)
    if any(name.startswith(("xl/embeddings/", "xl/activeX/")) for name in names):
        yield Finding("embedded-content", Severity.WARN, "Embedded objects were not read and are not kept.")
