"""Files of features for tests: GeoJSON and GeoPackage, in any coordinate system."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shapely

#: Properties, and a shape or the bytes that stand in its place.
Feature = tuple[dict[str, Any], shapely.Geometry | bytes | None]


def geojson(path: Path, features: Sequence[Feature], *, epsg: int = 4326) -> Path:
    """A FeatureCollection; its ``crs`` member only when it is needed."""
    listed = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
        }
        for properties, shape in features
    ]
    document: dict[str, Any] = {"type": "FeatureCollection", "features": listed}
    if epsg != 4326:
        document["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def geopackage(path: Path, features: Sequence[Feature], *, epsg: int = 4326) -> Path:
    """A GeoPackage of one layer; all its columns are text."""
    names = list(features[0][0])
    db = sqlite3.connect(path)
    db.executescript(
        "CREATE TABLE gpkg_spatial_ref_sys(srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER);"
        f"INSERT INTO gpkg_spatial_ref_sys VALUES({epsg}, 'EPSG', {epsg});"
        "CREATE TABLE gpkg_contents(table_name TEXT, data_type TEXT);"
        "INSERT INTO gpkg_contents VALUES('layer', 'features');"
        "CREATE TABLE gpkg_geometry_columns(table_name TEXT, column_name TEXT, srs_id INTEGER);"
        f"INSERT INTO gpkg_geometry_columns VALUES('layer', 'geom', {epsg});"
        f"CREATE TABLE layer(fid INTEGER PRIMARY KEY, geom BLOB, {', '.join(f'{name} TEXT' for name in names)});"
    )
    header = b"GP\0\x01" + struct.pack("<i", epsg)
    for properties, shape in features:
        blob = shapely.to_wkb(shape) if isinstance(shape, shapely.Geometry) else shape
        values = [None if blob is None else header + blob, *properties.values()]
        marks = ", ".join("?" * len(values))
        db.execute(f"INSERT INTO layer(geom, {', '.join(names)}) VALUES ({marks})", values)
    db.commit()
    db.close()
    return path
