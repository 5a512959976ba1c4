"""GeoJSON (RFC 7946), strictly: what two parsers could read differently is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from placewise.core.errors import FileRefused
from placewise.intake.findings import Finding, Severity
from placewise.intake.messages import Header, Message, Rows
from placewise.intake.readers.features import gathered
from placewise.intake.readers.source import Source
from placewise.intake.readers.wkb import from_geojson

BATCH_ROWS = 1_000
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = b"[]{}"
_NOT_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_EPSG = re.compile(r"(?:urn:ogc:def:crs:)?EPSG:[0-9.]*:?([0-9]{4,6})")
_WGS84 = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "CRS84")


def read(source: Source) -> Iterator[Message]:
    """Findings, the header made of all property names, then features in batches."""
    if source.size > source.limits.document_bytes:
        size = source.limits.document_bytes >> 20
        raise FileRefused(
            f"A GeoJSON file may have {size} MB. Send a GeoPackage or split it.", code="too-big"
        )
    with source.open() as file:
        data = file.read()
    document = _document(data, source.limits.json_depth)
    crs = _crs(document.get("crs"))
    if crs != "EPSG:4326":
        yield Finding(
            "crs",
            Severity.WARN,
            f"The file says that its coordinates are {crs}, which GeoJSON no longer provides for; read as such.",
        )
    features = document["features"]
    if len(features) > source.limits.rows:
        raise FileRefused(
            f"The file has more than {source.limits.rows:,} features. Split it.", code="too-many-rows"
        )
    header = _header(features)
    if len(header) > source.limits.columns:
        raise FileRefused(
            f"The features have more than {source.limits.columns} properties.", code="too-many-columns"
        )
    yield Header(header, crs=crs)
    for start in range(0, len(features), BATCH_ROWS):
        chunk = features[start : start + BATCH_ROWS]
        share = source.size * (start + len(chunk)) // len(features)
        yield _rows(chunk, start + 1, header, source, share)


def _document(data: bytes, depth: int) -> dict[str, Any]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused("GeoJSON is UTF-8; this file is not. Export it again.", code="encoding") from None
    if _deeper_than(depth, data):
        raise FileRefused("The file nests deeper than GeoJSON does, or breaks off.", code="bad-json")
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # ValueError also for whole numbers of thousands of digits
        raise FileRefused("The file is not well-formed JSON. Export it again.", code="bad-json") from None
    if not isinstance(document, dict) or document.get("type") not in ("FeatureCollection", "Feature"):
        raise FileRefused("This is JSON, but not a GeoJSON FeatureCollection.", code="type-mismatch")
    if document["type"] == "Feature":
        document = {"features": [document], "crs": document.get("crs")}
    features = document.get("features")
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise FileRefused("The FeatureCollection holds no list of features.", code="bad-json")
    if not features:
        raise FileRefused("The file has no features.", code="empty")
    return document


def _deeper_than(depth: int, data: bytes) -> bool:
    """Whether brackets nest deeper than ``depth`` or do not match; each pass takes the innermost level off."""
    brackets = _STRING.sub(b"", data).translate(None, _NOT_BRACKETS)
    for _ in range(depth):
        if not brackets:
            return False
        # Empty pairs side by side vanish together, so one pass is one level.
        brackets = re.sub(rb"(?:\[\]|\{\})+", b"", brackets)
    return bool(brackets)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise FileRefused(
            "A feature has the same property twice, so two programs could read it differently. Export it again.",
            code="duplicate-key",
        )
    return result


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _crs(member: Any) -> str:
    if member is None:
        return "EPSG:4326"
    if isinstance(member, dict) and member.get("type") == "link":
        raise FileRefused("The file points to a web address for its coordinate system.", code="crs-link")
    properties = member.get("properties") if isinstance(member, dict) else None
    name = str(properties.get("name")) if isinstance(properties, dict) else ""
    if name in _WGS84:
        return "EPSG:4326"
    found = _EPSG.fullmatch(name)
    return f"EPSG:{found[1]}" if found else "unknown"


def _header(features: list[dict[str, Any]]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for feature in features:
        if isinstance(properties := feature.get("properties"), dict):
            names |= dict.fromkeys(properties)
    return tuple(names)


def _rows(
    features: list[dict[str, Any]], first: int, header: tuple[str, ...], source: Source, position: int
) -> Rows:
    def shape(geometry: Any) -> str | None:
        return None if geometry is None else from_geojson(geometry, source.limits.vertices)

    return gathered(
        (
            (number, _properties(feature, header), feature.get("geometry"))
            for number, feature in enumerate(features, first)
        ),
        shape,
        width=len(header),
        cell_chars=source.limits.cell_chars,
        position=position,
    )


def _properties(feature: dict[str, Any], header: tuple[str, ...]) -> list[str]:
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        return [""] * len(header)
    return [_cell(properties.get(name)) for name in header]


def _cell(value: Any) -> str:
    """Text of a property; lists become the semicolon lists of the templates."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return ";".join(map(_cell, value))
    return json.dumps(value, ensure_ascii=False)
