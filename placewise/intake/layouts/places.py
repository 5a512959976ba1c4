"""Places and online contexts: the partners' own template."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from placewise.intake.batch import Target
from placewise.intake.cells import Code, Text, Words, YesNo
from placewise.intake.evidence import evidence, location, or_columns, point_of
from placewise.intake.geometry import wkb
from placewise.intake.layouts.layout import Column, Layout, Need
from placewise.intake.layouts.shared_columns import EVIDENCE, LOCATION, NOTE, REF
from placewise.intake.table import Table


def _assemble(table: Table) -> dict[str, Any]:
    online = table.column("online", False)
    shapes = np.full(table.size, None, dtype=object) if table.shapes is None else table.shapes.copy()
    x, y = or_columns(table, *point_of(shapes))
    where = location(table, at=(x, y), unstated="exact")
    points = shapely.is_missing(shapes) & np.isfinite(x)
    shapes[points] = shapely.points(x[points], y[points])
    geometry = wkb(shapes)
    nowhere = [
        i for i, (shape, net) in enumerate(zip(geometry, online, strict=True)) if shape is None and not net
    ]
    sound = table.sound()
    table.refuse(
        [i for i in nowhere if sound[i]],
        "",
        "no-geometry",
        "A place needs a position (easting and northing, or longitude and latitude), or online: yes.",
    )
    return {
        "local_ref": table.column("local_ref"),
        "name": table.column("name"),
        "aliases": table.words("aliases"),
        "location_type": table.column("location_type"),
        "place_role": table.column("place_role"),
        "status": table.column("status", "emerging_concern"),
        "online": online,
        "geometry": geometry,
        **{
            name: table.column(name)
            for name in ("opening_hours", "place_manager", "guardianship", "strengths")
        },
        **where,
        **evidence(table),
    }


LAYOUT = Layout(
    name="places",
    title="Places",
    gloss="Places and online contexts the panel knows, one row each.",
    target=Target.PLACES,
    columns=(
        Column("local_ref", REF, Need.VALUE, gloss="your own reference; the same one is the same place"),
        Column("name", Text(longest=200), Need.VALUE),
        Column("aliases", Words(), gloss="other names"),
        Column("location_type", Code("location_type"), Need.VALUE),
        Column("place_role", Code("place_role")),
        Column("status", Code("place_status"), gloss="emerging_concern when empty"),
        Column("online", YesNo(), gloss="yes for a context without a position"),
        *LOCATION,
        Column("opening_hours", Text(longest=500)),
        Column("place_manager", Text(longest=500), gloss="owner, licence holder, head"),
        Column("guardianship", NOTE, gloss="who keeps an eye on it"),
        Column("strengths", NOTE),
        *EVIDENCE,
    ),
    assemble=_assemble,
    identity=("local_ref",),
    geometry="optional",
)
