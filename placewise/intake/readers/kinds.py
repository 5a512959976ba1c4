"""What a file is by its content; its name must agree."""

from __future__ import annotations

from placewise.core.errors import FileRefused
from placewise.intake.readers.source import Source

#: Kinds that can be read, by the name's ending.
BY_EXTENSION = {
    "csv": "csv",
    "txt": "csv",
    "tsv": "csv",
    "xlsx": "xlsx",
    "geojson": "geojson",
    "json": "geojson",
    "gpkg": "gpkg",
    "gz": "csv.gz",
}
_WORDS = {
    "csv": "a CSV file",
    "xlsx": "an Excel workbook",
    "geojson": "a GeoJSON file",
    "gpkg": "a GeoPackage",
    "csv.gz": "a gzip archive",
    "xml": "a web page or XML document",
    "old-excel": "an old Excel or other Office document",
}
_MAGIC = (
    (b"PK\x03\x04", "xlsx"),
    (b"SQLite format 3\0", "gpkg"),
    (b"\x1f\x8b", "csv.gz"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old-excel"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"BZh", "an archive"),
    (b"7z\xbc\xaf", "an archive"),
    (b"Rar!", "an archive"),
    (b"PAR1", "a Parquet file"),
)


def extension(name: str) -> str:
    """Ending of a file's name, lower case; the rest of the name is never used for anything.

    >>> extension("../../etc/passwd.CSV")
    'csv'
    """
    return name.rpartition(".")[2].strip().lower() if "." in name else ""


def accepted_kind(name: str, types: tuple[str, ...]) -> str:
    """Kind the name claims.

    Raises
    ------
    FileRefused
        ``type-not-accepted``.
    """
    kind = BY_EXTENSION.get(extension(name))
    if kind not in types:
        known = ", ".join(_WORDS[t].partition(" ")[2] for t in types)
        raise FileRefused(
            f"This kind of file is not read. Send one of: {known}. Unpack any other archive first.",
            code="type-not-accepted",
        )
    return kind


def sniff(source: Source) -> str:
    """Kind the content is, checked against the name.

    Raises
    ------
    FileRefused
        ``empty``, ``encrypted`` or ``type-mismatch``.
    """
    with source.open() as stream:
        head = stream.read(1 << 16)
    if not head.strip():
        raise FileRefused("The file is empty.", code="empty")
    claimed, found = BY_EXTENSION.get(source.extension, ""), _kind(head)
    if found == "old-excel" and "EncryptedPackage".encode("utf-16-le") in head:
        raise FileRefused(
            "The workbook has a password. Remove it and send the file by the secure route.", code="encrypted"
        )
    if found != claimed:
        raise FileRefused(
            f"The name says {_WORDS.get(claimed, claimed)}, but inside is {_WORDS.get(found, found)}. "
            f"Open it in the program it came from and save it as {_WORDS.get(claimed, claimed)}.",
            code="type-mismatch",
        )
    return found


def _kind(head: bytes) -> str:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        first = head.decode("utf-16", errors="replace").lstrip()[:1]
    else:
        first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1].decode("latin-1")
    return {"<": "xml", "{": "geojson"}.get(first, "csv")
