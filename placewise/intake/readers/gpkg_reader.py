"""GeoPackage through SQLite alone, read-only, with every statement but our few refused.

Not through GDAL: of its two hundred drivers one is wanted, and the format is a table of WKB. SQLite comes
with Python, takes an authoriser that sees each access before it happens, and starts in no time.
"""

from __future__ import annotations

import re
import sqlite3
import struct
from collections.abc import Iterator
from typing import Any

from placewise.core.errors import FileRefused
from placewise.intake.findings import Finding, Severity
from placewise.intake.messages import Header, Message, Rows
from placewise.intake.readers.features import gathered
from placewise.intake.readers.source import Source
from placewise.intake.readers.wkb import BadGeometry, from_wkb

BATCH_ROWS = 1_000
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA}
_OWN_TRIGGER = re.compile(r"(?:rtree|gpkg|trigger_(?:insert|delete)_feature_count)_\w+", re.IGNORECASE)
_OWN_VIRTUAL = re.compile(r"rtree_\w+", re.IGNORECASE)
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)
_BROKEN = "The geometry is damaged. Draw it again, or export it again."


def read(source: Source) -> Iterator[Message]:
    """Questions, the header, then features in batches."""
    try:
        yield from _Package(source).messages()
    except sqlite3.Error as problem:
        raise FileRefused(
            f"The GeoPackage is damaged ({type(problem).__name__}). Export it again.", code="bad-gpkg"
        ) from None


class _Package:
    """One GeoPackage."""

    def __init__(self, source: Source) -> None:
        self._source = source
        # The kernel lets this process open one file and no other, whatever the database asks for.
        uri = f"file:/proc/self/fd/{source.file}?mode=ro&immutable=1"
        self._db = sqlite3.connect(uri, uri=True)
        self._db.text_factory = _text
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "cache_size=-8192"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.set_authorizer(_authorise)

    def messages(self) -> Iterator[Message]:
        self._require_plain_schema()
        self._require_sound()
        layers = self._layers()
        wanted = self._source.answers.get("which-layer", layers[0] if len(layers) == 1 else "")
        if wanted not in layers:
            names = tuple(layers)
            yield Finding("which-layer", Severity.ASK, f"Which layer? {', '.join(names)}.", len(names), names)
            return
        geometry, srs = self._geometry_column(wanted)
        crs = self._crs(srs)
        columns = self._columns(wanted, geometry)
        yield Header(tuple(columns), crs=crs)
        yield from self._rows(wanted, geometry, columns, srs)

    def _require_plain_schema(self) -> None:
        for kind, name, statement in self._db.execute("SELECT type, name, sql FROM sqlite_master"):
            words = " ".join(str(statement or "").split()).upper()
            active = (
                kind not in ("table", "index", "trigger")
                or (kind == "trigger" and not _OWN_TRIGGER.fullmatch(name))
                or (
                    "CREATE VIRTUAL" in words
                    and not (_OWN_VIRTUAL.fullmatch(name) and " USING RTREE" in words)
                )
                or "GENERATED ALWAYS" in words
                or (kind == "table" and re.search(r"\)\s*AS\s*\(|\sAS\s*\(", words))
            )
            if active:
                raise FileRefused(
                    "The GeoPackage holds views, triggers or computed columns, which are not run. Export the "
                    "layer alone to a new GeoPackage.",
                    code="active-schema",
                )

    def _require_sound(self) -> None:
        pages = self._db.execute("PRAGMA page_count").fetchone()[0]
        size = self._db.execute("PRAGMA page_size").fetchone()[0]
        verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if pages * size > self._source.size or verdict != ("ok",):
            raise FileRefused("The GeoPackage is damaged or cut short. Export it again.", code="bad-gpkg")

    def _layers(self) -> list[str]:
        names = self._db.execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features'")
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        layers = [name for (name,) in names if name in tables]
        if not layers:
            raise FileRefused("The GeoPackage has no layer of features.", code="bad-gpkg")
        return layers

    def _geometry_column(self, layer: str) -> tuple[str, int]:
        statement = "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?"
        found = self._db.execute(statement, (layer,)).fetchone()
        if found is None:
            raise FileRefused("The layer has no geometry column.", code="bad-gpkg")
        return str(found[0]), int(found[1])

    def _crs(self, srs: int) -> str:
        statement = "SELECT organization, organization_coordsys_id FROM gpkg_spatial_ref_sys WHERE srs_id = ?"
        found = self._db.execute(statement, (srs,)).fetchone()
        return f"EPSG:{found[1]}" if found and str(found[0]).upper() == "EPSG" else "unknown"

    def _columns(self, layer: str, geometry: str) -> list[str]:
        rows = self._db.execute(f"PRAGMA table_xinfo({_quoted(layer)})").fetchall()
        if any(row[6] for row in rows):
            raise FileRefused("The layer has computed columns. Export it anew.", code="active-schema")
        keys = {row[1] for row in rows if row[5]}
        names = [row[1] for row in rows if row[1] != geometry and row[1] not in keys]
        if len(names) > self._source.limits.columns:
            raise FileRefused("The layer has too many columns.", code="too-many-columns")
        return names

    def _rows(self, layer: str, geometry: str, columns: list[str], srs: int) -> Iterator[Rows]:
        fields = ", ".join(map(_quoted, [geometry, *columns]))
        cursor = self._db.execute(f"SELECT rowid, {fields} FROM {_quoted(layer)}")  # noqa: S608  quoted names
        total = self._db.execute(f"SELECT count(*) FROM {_quoted(layer)}").fetchone()[0]  # noqa: S608  quoted names
        taken = 0
        while chunk := cursor.fetchmany(BATCH_ROWS):
            taken += len(chunk)
            if taken > self._source.limits.rows:
                limit = self._source.limits.rows
                raise FileRefused(
                    f"The layer has more than {limit:,} features. Split it.", code="too-many-rows"
                )
            yield self._batch(chunk, len(columns), srs, self._source.size * taken // max(total, taken))

    def _batch(self, chunk: list[tuple[Any, ...]], width: int, srs: int, position: int) -> Rows:
        limits = self._source.limits
        return gathered(
            ((number, list(map(_cell, values)), blob) for number, blob, *values in chunk),
            lambda blob: _shape(blob, srs, limits.vertices),
            width=width,
            cell_chars=limits.cell_chars,
            position=position,
        )


def _authorise(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Allow reading of tables and the pragmas above; anything else in any statement fails it."""
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_OK if second == "count" else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA:
        known = first in ("page_count", "page_size", "quick_check", "table_xinfo")
        return sqlite3.SQLITE_OK if known else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _shape(blob: Any, srs: int, vertices: int) -> str | None:
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        raise BadGeometry("invalid-geometry", _BROKEN)
    flags = blob[3]
    envelope = flags >> 1 & 7
    if envelope >= len(_ENVELOPE_BYTES):
        raise BadGeometry("invalid-geometry", _BROKEN)
    (own_srs,) = struct.unpack_from("<i" if flags & 1 else ">i", blob, 4)
    if own_srs != srs:
        raise BadGeometry(
            "crs", "This feature is in another coordinate system than its layer. Export it again."
        )
    if flags >> 4 & 1:
        return None
    return from_wkb(blob[8 + _ENVELOPE_BYTES[envelope] :], vertices)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
