"""Hit-rate curves: how much of what came lay in the cells that a surface, and a plain count, put first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

#: Heights in pixels; widths are shares of the column, so that letters keep their size.
TOP, BOTTOM, HEIGHT = 14.0, 254.0, 284
LEFT, RIGHT = 11.0, 97.0
TICKS = (0, 5, 10, 15, 20)


def back_test_chart(measured: Mapping[str, Any], name: str) -> Markup:
    """Curves of the surface (with its interval), the plain count, and of looking anywhere.

    Parameters
    ----------
    measured : dict
        One size (area or street length) of an answer.
    name : str
        Beginning of the ids of the elements that name the picture: ``{name}-name`` and ``{name}-words``.
    """
    rows = measured["rows"]
    top = math.ceil(max(max(row["surface"]["high"], row["plain"]["hit_rate"]) for row in rows) * 5) / 5
    parts = [*_grid(top), *_curve([(0, 0), (rows[-1]["share"], rows[-1]["share"] / 100)], "anywhere", top)]
    for row in rows:
        parts.append(_whisker(row["share"], row["surface"]["low"], row["surface"]["high"], top))
    for who in ("plain", "surface"):
        points = [(row["share"], row[who]["hit_rate"]) for row in rows]
        parts += [*_curve([(0, 0), *points], who, top), *(_mark(x, y, who, top) for x, y in points)]
    return Markup(
        '<svg class="pw-chart pw-curve" width="100%" height="{}" role="img" aria-labelledby="{}-name {}-words">{}</svg>'
    ).format(HEIGHT, name, name, Markup("").join(parts))


def curve_key(who: str) -> Markup:
    """A piece of a curve, for the key."""
    mark = (
        Markup('<circle class="pw-curve__mark pw-curve__mark--{}" cx="20" cy="8" r="5"/>').format(who)
        if who != "anywhere"
        else Markup("")
    )
    return Markup(
        '<svg class="pw-curve__key" width="40" height="16" aria-hidden="true" focusable="false">'
        '<line class="pw-curve__line pw-curve__line--{}" x1="0" x2="40" y1="8" y2="8"/>{}</svg>'
    ).format(who, mark)


def _across(share: float) -> float:
    return LEFT + (RIGHT - LEFT) * share / TICKS[-1]


def _down(rate: float, top: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * rate / top


def _grid(top: float) -> list[Markup]:
    steps = round(top * 5)
    parts = []
    for step in range(steps + 1):
        rate = step / 5
        y = _down(rate, top)
        parts.append(
            Markup(
                '<line class="pw-chart__grid" x1="{}%" x2="{}%" y1="{y:.1f}" y2="{y:.1f}"/>'
                '<text class="pw-chart__text" x="0" y="{text:.1f}">{rate:.0%}</text>'
            ).format(LEFT, RIGHT, y=y, text=y + 5, rate=rate)
        )
    for share in TICKS:
        parts.append(
            Markup('<text class="pw-chart__text" text-anchor="middle" x="{:.2f}%" y="{}">{}%</text>').format(
                _across(share), BOTTOM + 22, share
            )
        )
    return parts


def _curve(points: Sequence[tuple[float, float]], who: str, top: float) -> list[Markup]:
    line = Markup(
        '<line class="pw-curve__line pw-curve__line--{}" x1="{:.2f}%" y1="{:.1f}" x2="{:.2f}%" y2="{:.1f}"/>'
    )
    return [
        line.format(who, _across(a), _down(rate_a, top), _across(b), _down(rate_b, top))
        for (a, rate_a), (b, rate_b) in pairwise(points)
    ]


def _mark(share: float, rate: float, who: str, top: float) -> Markup:
    return Markup(
        '<circle class="pw-curve__mark pw-curve__mark--{}" cx="{:.2f}%" cy="{:.1f}" r="5"/>'
    ).format(who, _across(share), _down(rate, top))


def _whisker(share: float, low: float, high: float, top: float) -> Markup:
    return Markup(
        '<line class="pw-curve__whisker" x1="{0:.2f}%" x2="{0:.2f}%" y1="{1:.1f}" y2="{2:.1f}"/>'
    ).format(_across(share), _down(low, top), _down(high, top))
