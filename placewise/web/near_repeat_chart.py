"""Near repeats as a picture: a box for each distance and time, darker the more frequent than chance gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from placewise.panel.near_repeat_words import MORE, SHADE_FROM, TOO_FEW, shade

#: Heights in pixels; widths are shares of the column, so that letters keep their size.
HEAD, LABEL, BOX, GAP = 40, 24, 42, 12
INSET = 0.6


def near_repeat_chart(answer: Mapping[str, Any]) -> Markup:
    """Boxes by distance (down) and time (across), each with how many times as frequent as chance gives."""
    slot = 100 / len(answer["time"])
    parts = [_head(name, (i + 0.5) * slot) for i, name in enumerate(answer["time"])]
    for row, (name, cells) in enumerate(zip(answer["space"], answer["rows"], strict=True)):
        top = HEAD + row * (LABEL + BOX + GAP)
        parts.append(Markup('<text class="pw-chart__text" x="0" y="{}">{}</text>').format(top + 17, name))
        parts += [_box(cell, i * slot, top + LABEL, slot) for i, cell in enumerate(cells)]
    height = HEAD + len(answer["space"]) * (LABEL + BOX + GAP)
    return Markup(
        '<svg class="pw-chart pw-near" width="100%" height="{}" role="img" '
        'aria-labelledby="near-name near-words">{}</svg>'
    ).format(height, Markup("").join(parts))


def shade_key() -> list[tuple[int, str]]:
    """Steps of the ramp with their words."""
    first = (0, "no more than chance gives")
    ends = [*(f" to {edge:g}" for edge in SHADE_FROM[1:]), ""]
    words = [
        f"over {low:g}{end} times" if end else f"over {low:g} times"
        for low, end in zip(SHADE_FROM, ends, strict=True)
    ]
    return [first, *((step, word) for step, word in enumerate(words, start=1))]


def _head(name: str, x: float) -> Markup:
    """A time in two lines, so that five fit side by side on a narrow screen."""
    first, _, last = name.rpartition(" ")
    return Markup(
        '<text class="pw-chart__text" text-anchor="middle" x="{x:.2f}%" y="14">{first}</text>'
        '<text class="pw-chart__text" text-anchor="middle" x="{x:.2f}%" y="32">{last}</text>'
    ).format(x=x, first=first, last=last)


def _box(cell: Mapping[str, Any], left: float, top: float, slot: float) -> Markup:
    step, more = shade(cell), cell["verdict"] == MORE
    look = " pw-near__box--few" if cell["verdict"] == TOO_FEW else ""
    ratio = cell["ratio"]
    words = "too few" if cell["verdict"] == TOO_FEW or ratio is None else f"× {ratio:.1f}"
    return Markup(
        '<rect class="pw-near__box pw-near__box--{step}{look}{more}" x="{x:.2f}%" y="{y}" width="{width:.2f}%" '
        'height="{h}"/><text class="pw-near__ratio pw-near__ratio--{step}{bold}" text-anchor="middle" '
        'x="{middle:.2f}%" y="{base}">{words}</text>'
    ).format(
        step=step,
        look=look,
        more=" pw-near__box--more" if more else "",
        bold=" pw-near__ratio--more" if more else "",
        x=left + INSET,
        y=top,
        width=slot - 2 * INSET,
        h=BOX,
        middle=left + slot / 2,
        base=top + BOX / 2 + 5,
        words=f"▲ {words}" if more else words,
    )
