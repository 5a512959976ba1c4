"""Charts drawn by the server as SVG: no script, no style attribute, and text that keeps its size on any screen.

Lengths across are percentages and lengths down are pixels, so that a chart fills its column at 320 px as
at 1,280 without shrinking its letters. Colours and patterns are classes of ``places.css``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from placewise.panel.dossier import TrendMonth
from placewise.store.places import Extract, ExtractPart

PLOT_TOP, PLOT_BOTTOM, TREND_HEIGHT = 14.0, 214.0, 262
GRID_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
#: The extract is drawn in a square of this many units, whatever ground it covers.
UNITS = 1000.0
LABEL_UNITS, NARROW_LABEL_UNITS, MARK_UNITS = 24.0, 46.0, 34.0
#: A street shorter than this share of the width goes without its name.
NAMED_STREET = 0.3
MARKED_FEATURES = {"school": "S", "station": "T", "youth": "Y", "police_station": "P", "health": "H"}
LEVELS = 5
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: Height of a weekday in pixels, and room for its name in per cent.
CLOCK_ROW, CLOCK_GUTTER = 22, 12.0

Floats = NDArray[np.float64]
#: Left, top, right, bottom.
Box = tuple[float, float, float, float]


def trend(months: Sequence[TrendMonth], *, recent: int = 12) -> Markup:
    """Bars by month with their intervals; the last ``recent`` months darker, incomplete months hatched,
    months without data crossed.
    """
    top = _nice_top(max((month.high or month.count for month in months), default=0.0))
    slot = 100 / max(len(months), 1)
    every = _months_a_tick(len(months))
    parts = [Markup("").join(_grid_lines(top))]
    for i, month in enumerate(months):
        parts.append(_bar(month, i * slot, slot, top, recent=i >= len(months) - recent))
        if i % every == 0:
            year = i == 0 or _year_turns(months[max(i - every + 1, 0) : i + 1])
            parts.append(_tick(month.month, i * slot + slot / 2, year=year))
    body = Markup("").join([*parts, *_grid_labels(top)])
    return Markup(
        '<svg class="pw-chart" width="100%" height="{}" role="img" aria-labelledby="trend-name trend-words">'
        '<defs><pattern id="pw-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line class="pw-chart__hatch" y2="6"/></pattern>'
        '<pattern id="pw-silence" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line class="pw-chart__silence" y2="8"/></pattern></defs>{}</svg>'
    ).format(TREND_HEIGHT, body)


def _months_a_tick(n_months: int) -> int:
    """A tick each quarter, or as many months as leave room for ten names on a narrow screen.

    >>> _months_a_tick(24), _months_a_tick(60), _months_a_tick(120)
    (3, 6, 12)
    """
    return next((every for every in (3, 6) if n_months <= 10 * every), 12 * -(-n_months // 120))


def _year_turns(months: Sequence[TrendMonth]) -> bool:
    return any(month.month.month == 1 for month in months)


def _nice_top(highest: float) -> float:
    for top in (4, 8, 12, 16, 20, 28, 40, 60, 80, 100, 160, 200, 400):
        if highest <= top:
            return float(top)
    return -(-highest // 200) * 200


def _down(value: float, top: float) -> float:
    return round(PLOT_BOTTOM - min(value / top, 1.0) * (PLOT_BOTTOM - PLOT_TOP), 1)


def _grid_lines(top: float) -> Iterator[Markup]:
    for share in GRID_SHARES:
        y = _down(share * top, top)
        yield Markup('<line class="pw-chart__grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(y)


def _grid_labels(top: float) -> Iterator[Markup]:
    """Written last: over the first bars, or they could not be read."""
    for share in GRID_SHARES[1:]:
        label = Markup('<text class="pw-chart__text pw-chart__text--over" x="0" y="{}">{:g}</text>')
        yield label.format(_down(share * top, top) - 3, share * top)


def _bar(month: TrendMonth, left: float, slot: float, top: float, *, recent: bool) -> Markup:
    if not month.held:
        return Markup(
            '<rect class="pw-chart__gap pw-chart__gap--empty" x="{:.2f}%" y="{}" width="{:.2f}%" height="{}"/>'
            '<text class="pw-chart__text" x="{:.2f}%" y="{}" text-anchor="middle">×</text>'
        ).format(left, PLOT_TOP, slot, PLOT_BOTTOM - PLOT_TOP, left + slot / 2, PLOT_BOTTOM - 6)
    y = _down(month.count, top)
    look = "recent" if recent else "before"
    if month.low is None:
        look += " pw-chart__bar--incomplete"
    bar = Markup(
        '<rect class="pw-chart__bar pw-chart__bar--{}" x="{:.2f}%" y="{}" width="{:.2f}%" height="{:.1f}"/>'
    ).format(look, left + 0.14 * slot, y, 0.72 * slot, max(PLOT_BOTTOM - y, 0))
    if month.low is None or month.high is None:
        gap = Markup('<rect class="pw-chart__gap" x="{:.2f}%" y="{}" width="{:.2f}%" height="{}"/>')
        return gap.format(left, PLOT_TOP, slot, PLOT_BOTTOM - PLOT_TOP) + bar
    whisker = Markup('<line class="pw-chart__whisker" x1="{0:.2f}%" x2="{0:.2f}%" y1="{1}" y2="{2}"/>')
    return bar + whisker.format(left + slot / 2, _down(month.low, top), _down(month.high, top))


def _tick(month: date, x: float, *, year: bool) -> Markup:
    # A short name reaches a little beyond the picture's edge; of narrow months, the first would reach too far.
    anchor = "start" if x < 1.5 else "middle"
    x = 0 if x < 1.5 else x
    name = Markup('<text class="pw-chart__text" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>')
    words = name.format(x, PLOT_BOTTOM + 20, anchor, f"{month:%b}")
    return words + (name.format(x, PLOT_BOTTOM + 39, anchor, month.year) if year else Markup(""))


def clock(weights: Floats) -> Markup:
    """The week as a picture: hours across, weekdays down, darker where more is to be expected.

    Parameters
    ----------
    weights : ndarray of float64, shape (7, 24)
        As `placewise.geo.clock` gives them. The table beside the picture has the numbers.
    """
    highest, width = float(weights.max(initial=0.0)), (100 - CLOCK_GUTTER) / 24
    parts = []
    for day, name in enumerate(WEEKDAYS):
        y = day * CLOCK_ROW
        label = Markup('<text class="pw-chart__text" x="0" y="{}">{}</text>')
        parts.append(label.format(y + CLOCK_ROW - 7, name[:3]))
        for hour in range(24):
            cell = Markup(
                '<rect class="pw-clock__cell pw-clock__cell--{}" x="{:.2f}%" y="{}" width="{:.2f}%" height="{}"/>'
            )
            step = level(float(weights[day, hour]), highest)
            parts.append(cell.format(step, CLOCK_GUTTER + hour * width, y, width, CLOCK_ROW))
    for hour in range(0, 24, 6):
        name = Markup('<text class="pw-chart__text" x="{:.2f}%" y="{}">{:02}:00</text>')
        parts.append(name.format(CLOCK_GUTTER + hour * width, 7 * CLOCK_ROW + 18, hour))
    return Markup(
        '<svg class="pw-clock" width="100%" height="{}" role="img" aria-labelledby="clock-name clock-words">{}</svg>'
    ).format(7 * CLOCK_ROW + 26, Markup("").join(parts))


def share(part: int, whole: int) -> Markup:
    """A bar as long as the part is of the whole; the number stands beside it."""
    return Markup(
        '<svg class="pw-share" width="100%" height="14" aria-hidden="true" focusable="false">'
        '<rect class="pw-share__whole" width="100%" height="14"/>'
        '<rect class="pw-share__part" width="{:.1f}%" height="14"/></svg>'
    ).format(100 * part / whole if whole else 0)


def level(weight: float, highest: float) -> int:
    """Step of shade from 0 (nothing) to 5, by share of the highest cell.

    >>> level(0, 4), level(0.1, 4), level(2, 4), level(4, 4)
    (0, 1, 3, 5)
    """
    if weight <= 0 or highest <= 0:
        return 0
    return min(LEVELS, 1 + int(LEVELS * weight / highest))


@dataclass(frozen=True, slots=True)
class _Label:
    text: str
    x: float
    y: float
    kind: str

    def box(self, units: float) -> Box:
        half = 0.27 * units * len(self.text)
        return self.x - half, self.y - units, self.x + half, self.y + 0.3 * units


def extract(ground: Extract, *, radius_m: float | None, areas: Sequence[tuple[str, str]] = ()) -> Markup:
    """The ground round a place, with its own scale bar; north is up.

    Parameters
    ----------
    radius_m : float or None
        Drawn round a point that is known no better; None draws nothing.
    areas : sequence of (str, str)
        Name of the look and path data of each area to be drawn over the ground, in metres, y downwards.
    """
    unit = UNITS / ground.width_m
    x, y = (ground.x - ground.left) * unit, (ground.y - ground.top) * unit
    drawn = Markup("").join(
        [
            *(_path(part, f"pw-ground pw-ground--{part.kind}") for part in ground.features if part.size > 0),
            *(_path(part, f"pw-street pw-street--{part.kind} pw-street--edge") for part in ground.streets),
            *(_path(part, f"pw-street pw-street--{part.kind}") for part in ground.streets),
            *(Markup('<path class="pw-area pw-area--{}" d="{}"/>').format(*area) for area in areas),
        ]
    )
    return Markup(
        '<svg class="pw-extract" viewBox="0 0 1000 1000" role="img" aria-labelledby="extract-name">'
        '<clipPath id="pw-extract-frame"><rect width="1000" height="1000"/></clipPath>'
        '<g clip-path="url(#pw-extract-frame)"><rect class="pw-extract__land" width="1000" height="1000"/>'
        '<g transform="scale({unit:.6f}) translate({left:.2f} {top:.2f})">{drawn}</g>'
        "{place}{marks}{labels}</g>{scale}</svg>"
    ).format(
        unit=unit,
        left=-ground.left,
        top=-ground.top,
        drawn=drawn,
        place=_place(ground, unit, x, y, radius_m),
        marks=Markup("").join(_marks(ground, unit)),
        labels=_labels(_wanted_labels(ground, unit), _taken(ground, unit, x, y)),
        scale=_scale_bar(ground.width_m),
    )


def _path(part: ExtractPart, look: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(look, part.path)


def _place(ground: Extract, unit: float, x: float, y: float, radius_m: float | None) -> Markup:
    shape = Markup("")
    if ground.path:
        look = "area" if ground.dimension == 2 else "route"
        shape = Markup(
            '<g transform="scale({:.6f}) translate({:.2f} {:.2f})"><path class="pw-extract__{}" d="{}"/></g>'
        ).format(unit, -ground.left, -ground.top, look, ground.path)
    if ground.dimension:
        return shape
    around = Markup('<circle class="pw-extract__radius" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>')
    circle = around.format(x, y, radius_m * unit) if radius_m else Markup("")
    return circle + Markup('<circle class="pw-extract__point" cx="{:.1f}" cy="{:.1f}" r="15"/>').format(x, y)


def _marks(ground: Extract, unit: float) -> Iterator[Markup]:
    for part in ground.features:
        letter = MARKED_FEATURES.get(part.kind)
        x, y = (part.x - ground.left) * unit, (part.y - ground.top) * unit
        hidden_by_place = max(abs(part.x - ground.x), abs(part.y - ground.y)) * unit < MARK_UNITS
        if letter and not hidden_by_place:
            yield Markup(
                '<rect class="pw-extract__mark" x="{:.1f}" y="{:.1f}" width="30" height="30" rx="5"/>'
                '<text class="pw-extract__letter" x="{:.1f}" y="{:.1f}">{}</text>'
            ).format(x - 15, y - 15, x, y + 8, letter)


def _wanted_labels(ground: Extract, unit: float) -> Iterator[_Label]:
    """Names worth writing, the most useful first."""
    features = [part for part in ground.features if part.name and part.kind != "railway"]
    streets = sorted((part for part in ground.streets if part.name), key=lambda part: -part.size)
    for part in [*features, *(part for part in streets if part.size > NAMED_STREET * ground.width_m)]:
        drop = 40 if part.kind in MARKED_FEATURES else 8
        x, y = (part.x - ground.left) * unit, (part.y - ground.top) * unit + drop
        yield _Label(part.name, x, y, part.kind)


def _taken(ground: Extract, unit: float, x: float, y: float) -> list[Box]:
    """Where nothing may be written: the place, the marks and the scale bar."""
    marked = [part for part in ground.features if part.kind in MARKED_FEATURES]
    points = [(x, y), *(((part.x - ground.left) * unit, (part.y - ground.top) * unit) for part in marked)]
    return [(0, 900, 420, 1000), *((px - 20, py - 20, px + 20, py + 20) for px, py in points)]


def _labels(wanted: Iterator[_Label], taken: list[Box]) -> Markup:
    """Write what fits; what fits only in small letters is left off a narrow screen."""
    wide, narrow = list(taken), list(taken)
    written: set[str] = set()
    parts = []
    for label in wanted:
        if label.text in written or not _free(label.box(LABEL_UNITS), wide):
            continue
        written.add(label.text)
        wide.append(label.box(LABEL_UNITS))
        look = ""
        if _free(label.box(NARROW_LABEL_UNITS), narrow):
            narrow.append(label.box(NARROW_LABEL_UNITS))
        else:
            look = " pw-extract__label--wide"
        parts.append(
            Markup('<text class="pw-extract__label{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
                look, label.x, label.y, label.text
            )
        )
    return Markup("").join(parts)


def _free(box: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]]) -> bool:
    inside = box[0] >= 0 and box[1] >= 0 and box[2] <= UNITS and box[3] <= UNITS
    return inside and not any(
        box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken
    )


def scale_length_m(width_m: float) -> int:
    """A round length of about a quarter of the width.

    >>> scale_length_m(400), scale_length_m(2600)
    (100, 500)
    """
    return max(n for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if n <= max(width_m / 4, 10))


def _scale_bar(width_m: float) -> Markup:
    metres = scale_length_m(width_m)
    words = f"{metres} m" if metres < 1000 else f"{metres // 1000} km"
    end = 30 + metres * UNITS / width_m
    return Markup(
        '<rect class="pw-extract__plate" x="0" y="905" width="{plate:.1f}" height="95"/>'
        '<path class="pw-extract__scale" d="M30 958V975H{end:.1f}V958"/>'
        '<text class="pw-extract__label pw-extract__label--scale" x="{middle:.1f}" y="948">{words}</text>'
    ).format(plate=end + 30, end=end, middle=(30 + end) / 2, words=words)
