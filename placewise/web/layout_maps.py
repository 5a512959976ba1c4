"""Where the first rows of a file lie, as a picture made here: areas and rings, never dots that claim too much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import shapely
from markupsafe import Markup, escape
from numpy.typing import NDArray

from placewise.intake.batch import CheckedBatch
from placewise.web.formats import count_of, number

WIDTH, HEIGHT = 640, 420
MOST_SHAPES = 2_000
#: A record is "exact" up to here; anything vaguer is drawn as the ring in which it may lie.
EXACT_M = 20.0
_MARGIN = 0.04
_SMALLEST_RING_PX = 4.0

Bounds: TypeAlias = tuple[float, float, float, float]
Shapes: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class PreviewMap:
    """The picture and what it says.

    Attributes
    ----------
    svg : Markup
        Its lines and rings; no text of the file is in it.
    sentence : str
        The same in words.
    """

    svg: Markup
    sentence: str


def preview_map(batch: CheckedBatch, areas: Shapes) -> PreviewMap | None:
    """Draw the first rows over the partnership's boundaries; None when no row has a position.

    Parameters
    ----------
    batch : CheckedBatch
        Positions and geometries in EPSG:27700.
    areas : ndarray of shapely polygons in EPSG:27700
        May be empty.
    """
    points, shapes = _points(batch), _shapes(batch)
    if not points and not len(shapes):
        return None
    borough = _bounds(areas)
    own = _extent(points, shapes)
    outside = _outside(points, shapes, areas)
    placed = sum(points.values()) + len(shapes)
    # With nothing of the file inside, the picture has to hold both, or it would be empty.
    view = borough if borough and outside < placed else _joined(borough, own)
    scale = _Scale(view)
    drawn = [
        *(f'<path class="pw-sketch__area" d="{scale.path(shape)}"/>' for shape in areas),
        *(f'<path class="pw-sketch__shape" d="{scale.path(shape)}"/>' for shape in shapes[:MOST_SHAPES]),
        *(scale.ring(x, y, radius, count) for (x, y, radius), count in points.most_common(MOST_SHAPES)),
    ]
    sentence = _sentence(placed, outside, len(batch), has_areas=bool(len(areas)))
    picture = (
        f'<svg class="pw-sketch" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="map-words" '
        f'preserveAspectRatio="xMidYMid meet">{"".join(drawn)}{scale.bar()}</svg>'
    )
    return PreviewMap(Markup(picture), sentence)  # noqa: S704 - numbers and constants of this module alone


class _Scale:
    """From metres to the picture's units."""

    def __init__(self, view: Bounds) -> None:
        west, south, east, north = view
        pad = max(east - west, north - south, 500.0) * _MARGIN
        self._west, self._north = west - pad, north + pad
        across, up = east - west + 2 * pad, north - south + 2 * pad
        self._per_m = min(WIDTH / across, HEIGHT / up)
        self._left = (WIDTH - across * self._per_m) / 2
        self._top = (HEIGHT - up * self._per_m) / 2

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self._left + (x - self._west) * self._per_m, self._top + (self._north - y) * self._per_m

    def path(self, shape: Any) -> str:
        # A point that came as a geometry is drawn as a small square round it.
        grown = (
            shape.buffer(2 / self._per_m, cap_style="square") if shape.geom_type.endswith("Point") else shape
        )
        parts = shapely.get_parts(grown)
        return "".join(map(self._part, parts))

    def _part(self, part: Any) -> str:
        if part.geom_type == "Polygon":
            return "".join(f"{self._line(ring)}Z" for ring in (part.exterior, *part.interiors))
        return self._line(part)

    def _line(self, line: Any) -> str:
        corners = (self.at(x, y) for x, y in shapely.get_coordinates(line))
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)

    def ring(self, x: float, y: float, radius_m: float, count: int) -> str:
        cx, cy = self.at(x, y)
        if radius_m <= EXACT_M:
            return f'<circle class="pw-sketch__point" cx="{cx:.1f}" cy="{cy:.1f}" r="3"/>'
        radius = max(radius_m * self._per_m, _SMALLEST_RING_PX)
        # Many records at one snap point make its ring heavier, never the spot more certain.
        weight = min(4.0, 1.0 + np.log10(count))
        place = f'cx="{cx:.1f}" cy="{cy:.1f}" r="{radius:.1f}"'
        return f'<circle class="pw-sketch__ring" {place} stroke-width="{weight:.1f}"/>'

    def bar(self) -> str:
        """A scale bar of a round length."""
        length_m = max(
            (m for m in (100, 200, 500, 1000, 2000, 5000, 10_000, 50_000) if m * self._per_m < 160),
            default=50_000,
        )
        words = f"{length_m // 1000} km" if length_m >= 1000 else f"{length_m} m"
        end = 12 + length_m * self._per_m
        plate = f'x="4" y="{HEIGHT - 42}" width="{max(end, 60.0):.1f}" height="38"'
        return (
            f'<rect class="pw-sketch__plate" {plate}/>'
            f'<path class="pw-sketch__bar" d="M12 {HEIGHT - 18}v6H{end:.1f}v-6"/>'
            f'<text class="pw-sketch__words" x="12" y="{HEIGHT - 24}">{escape(words)}</text>'
        )


def _points(batch: CheckedBatch) -> Counter[tuple[float, float, float]]:
    if "x" not in batch.columns:
        return Counter()
    x, y, radius = (np.asarray(batch.columns[name], dtype=np.float64) for name in ("x", "y", "radius_m"))
    if "geometry" in batch.columns:
        drawn = np.array([shape is not None for shape in batch.columns["geometry"]], dtype=bool)
        x = np.where(drawn, np.nan, x)
    placed = np.isfinite(x) & np.isfinite(y)
    # To ten metres: more would say more than the picture can show.
    return Counter(
        zip(
            x[placed].round(-1).tolist(),
            y[placed].round(-1).tolist(),
            np.nan_to_num(radius[placed], nan=0).tolist(),
            strict=True,
        )
    )


def _shapes(batch: CheckedBatch) -> Shapes:
    found = [shape for shape in batch.columns.get("geometry", ()) if shape is not None]
    shapes: Shapes = shapely.from_wkb(np.array(found, dtype=object)) if found else np.zeros(0, dtype=object)
    return shapes


def _bounds(shapes: Shapes) -> Bounds | None:
    return tuple(map(float, shapely.total_bounds(shapes))) if len(shapes) else None  # type: ignore[return-value]  # four numbers


def _extent(points: Counter[tuple[float, float, float]], shapes: Shapes) -> Bounds:
    boxes = [(x, y, x, y) for x, y, _ in points]
    if len(shapes):
        boxes.append(_bounds(shapes))  # type: ignore[arg-type]  # there are some
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def _joined(one: Bounds | None, other: Bounds) -> Bounds:
    if one is None:
        return other
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _outside(points: Counter[tuple[float, float, float]], shapes: Shapes, areas: Shapes) -> int:
    if not len(areas):
        return 0
    tree = shapely.STRtree(areas)
    spots = np.array([(x, y) for x, y, _ in points], dtype=np.float64).reshape(-1, 2)
    counts = np.array(list(points.values()), dtype=np.int64)
    inside = np.zeros(len(spots), dtype=bool)
    inside[np.unique(tree.query(shapely.points(spots), predicate="intersects")[0])] = True
    touching = len(np.unique(tree.query(shapes, predicate="intersects")[0])) if len(shapes) else 0
    return int(counts[~inside].sum()) + len(shapes) - touching


def _sentence(placed: int, outside: int, looked_at: int, *, has_areas: bool) -> str:
    have = "has" if placed == 1 else "have"
    text = f"{number(placed)} of the first {count_of(looked_at, 'accepted row')} {have} a position."
    if not has_areas:
        return f"{text} No boundaries are held yet, so there is nothing to compare them with."
    if not outside:
        return f"{text} All lie inside the partnership’s boundaries."
    if outside == placed:
        return f"{text} All of them lie outside the partnership’s boundaries. Is this the right file?"
    return (
        f"{text} {number(outside)} {'lies' if outside == 1 else 'lie'} outside the partnership’s boundaries."
    )
