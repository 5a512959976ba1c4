"""What joins peer groups as a picture: groups on the left, places and adults on the right, a line for each joined."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from markupsafe import Markup

from placewise.panel.group_connections import Connector, GroupConnections, PeerGroup

#: Pixels down; lengths across are shares of the column or count from its edges, so that letters keep their size.
PITCH, MARK, LINE = 92, 28, 18
#: Two names side by side fit on a screen of 320 pixels.
LETTERS, MOST_LINES = 19, 2
#: Places and adults drawn; the table has all that are listed.
MOST_DRAWN = 12
LINE_LOOKS = 4
_MARKS = {
    "group": Markup('<path class="pw-joins__group" d="M7 0H21L28 14L21 28H7L0 14Z"/>'),
    "place": Markup('<rect class="pw-joins__place" x="2" y="2" width="24" height="24"/>'),
    "adult": Markup('<path class="pw-joins__adult" d="M14 0L28 14L14 28L0 14Z"/>'),
}


def groups_picture(found: GroupConnections) -> Markup:
    """Draw the first `MOST_DRAWN` of what joins groups, with the groups that they join."""
    connectors = found.connectors[:MOST_DRAWN]
    drawn = sorted({group for one in connectors for group in one.joins})
    rows = max(len(drawn), len(connectors))
    left = {group: _middle(i, len(drawn), rows) for i, group in enumerate(drawn)}
    right = [_middle(i, len(connectors), rows) for i in range(len(connectors))]
    lines = [
        Markup(
            '<line class="pw-joins__line pw-joins__line--{}" x1="28" y1="{:g}" x2="100%" y2="{:g}"/>'
        ).format(group % LINE_LOOKS, left[group], right[i])
        for i, one in enumerate(connectors)
        for group in one.joins
    ]
    nodes = [_node(found.groups[group], left[group], at_right=False) for group in drawn]
    nodes += [_node(one, right[i], at_right=True) for i, one in enumerate(connectors)]
    return Markup(
        '<svg class="pw-joins" width="100%" height="{}" role="img" aria-labelledby="joins-name joins-words">'
        '<svg class="pw-joins__mark" x="-14" width="100%">{}</svg>{}</svg>'  # lines go from middle to middle
    ).format(rows * PITCH, Markup("").join(lines), Markup("").join(nodes))


def _middle(i: int, n: int, rows: int) -> float:
    """Height of a mark's middle: at the foot of its slot, under its name."""
    return (rows - n) * PITCH / 2 + (i + 1) * PITCH - MARK / 2 - 4


def _node(one: PeerGroup | Connector, y: float, *, at_right: bool) -> Markup:
    """A mark with its letter, and its name above it."""
    words = textwrap.wrap(one.node.label, LETTERS, max_lines=MOST_LINES, placeholder=" …")
    return Markup('<svg class="pw-joins__mark" x="{x}" y="{top:g}">{mark}</svg>{name}').format(
        x="100%" if at_right else "0",
        top=y - MARK / 2,
        mark=Markup(
            '<g transform="translate({} 0)">{}<text class="pw-joins__letter" x="14" y="19">{}</text></g>'
        ).format(-MARK if at_right else 0, _MARKS[one.node.kind], one.node.kind[0].upper()),
        name=_name(words, y - MARK / 2 - 8, at_right=at_right),
    )


def _name(words: Sequence[str], foot: float, *, at_right: bool) -> Markup:
    side, x = ("end", "100%") if at_right else ("start", "0")
    return Markup("").join(
        Markup('<text class="pw-joins__name" text-anchor="{}" x="{}" y="{:g}">{}</text>').format(
            side, x, foot - (len(words) - 1 - i) * LINE, line
        )
        for i, line in enumerate(words)
    )
