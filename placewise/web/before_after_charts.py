"""Charts of a before-and-after comparison: three pairs of bars, and the borough with its areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from placewise.panel.before_after import interval
from placewise.panel.before_after_picture import Overview

#: Heights in pixels: a name, then two bars with their numbers.
NAME_H, BAR_H, GAP = 30.0, 26.0, 8.0
ROW_H = NAME_H + 2 * BAR_H + 3 * GAP
#: Share of the width in which bars and intervals lie; what is right of it holds the numbers.
LEFT, PLOT = 16.0, 64.0
LOOKS = (("Before", "before"), ("After", "recent"))


@dataclass(frozen=True, slots=True)
class Pair:
    """One area's two counts, and the days with data that they come from where months are left out."""

    name: str
    counts: tuple[int, int]
    days: tuple[int, int] | None = None


def pairs(rows: Sequence[Pair]) -> Markup:
    """Two bars an area with their exact Poisson intervals, each area on a scale of its own.

    Where months without whole data are left out, bars are as long as the count of 30 days with data.
    """
    drawn = Markup("").join(_pair(row, i * ROW_H) for i, row in enumerate(rows))
    return Markup(
        '<svg class="pw-chart pw-pairs" width="100%" height="{}" role="img" aria-labelledby="pairs-name pairs-words">'
        "{}</svg>"
    ).format(ROW_H * len(rows), drawn)


def _pair(row: Pair, top: float) -> Markup:
    scale = [30 / days for days in row.days] if row.days else [1.0, 1.0]
    spans = [tuple(bound * by for bound in interval(n)) for n, by in zip(row.counts, scale, strict=True)]
    longest = max(high for _, high in spans)
    name = Markup('<text class="pw-pairs__name" x="0" y="{}">{}</text>').format(top + 20, row.name)
    parts = [name]
    for i, ((word, look), n, (low, high)) in enumerate(zip(LOOKS, row.counts, spans, strict=True)):
        y = top + NAME_H + i * (BAR_H + GAP)
        across = [LEFT + PLOT * value / longest for value in (n * scale[i], low, high)]
        middle = y + BAR_H / 2
        parts.append(
            Markup(
                '<text class="pw-chart__text" x="0" y="{text}">{word}</text>'
                '<rect class="pw-chart__bar pw-chart__bar--{look}" x="{left}%" y="{y}" width="{width:.2f}%" '
                'height="{h}"/>'
                '<line class="pw-chart__whisker" x1="{low:.2f}%" x2="{high:.2f}%" y1="{middle}" y2="{middle}"/>'
                '<line class="pw-chart__whisker" x1="{low:.2f}%" x2="{low:.2f}%" y1="{up}" y2="{down}"/>'
                '<line class="pw-chart__whisker" x1="{high:.2f}%" x2="{high:.2f}%" y1="{up}" y2="{down}"/>'
                '<text class="pw-pairs__count" x="{at}%" y="{text}">{n}</text>'
            ).format(
                text=middle + 5,
                word=word,
                look=look,
                left=LEFT,
                y=y,
                width=across[0] - LEFT,
                h=BAR_H,
                low=across[1],
                high=across[2],
                middle=middle,
                up=middle - 5,
                down=middle + 5,
                at=LEFT + PLOT + 2,
                n=f"{n:,}",
            )
        )
    return Markup("").join(parts)


def overview(ground: Overview) -> Markup:
    """The borough, what the place is compared with, and where the place lies."""
    left, top, width, height = ground.box
    edge = 0.03 * max(width, height)
    areas = Markup("").join(
        Markup('<path class="pw-area pw-area--{}" d="{}"/>').format(look, path) for look, path in ground.areas
    )
    return Markup(
        '<svg class="pw-overview" viewBox="{:.0f} {:.0f} {:.0f} {:.0f}" role="img" aria-labelledby="overview-name">'
        '<defs><pattern id="pw-compared" width="{step:.0f}" height="{step:.0f}" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="pw-compared__ground" width="{step:.0f}" height="{step:.0f}"/>'
        '<line class="pw-compared__line" stroke-width="{line:.0f}" y2="{step:.0f}"/></pattern></defs>{areas}</svg>'
    ).format(
        left - edge,
        top - edge,
        width + 2 * edge,
        height + 2 * edge,
        step=width / 28,
        line=width / 80,
        areas=areas,
    )
