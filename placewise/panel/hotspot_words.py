"""What the map page says: the chair's sentence, the legend, and what is not on the map."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from placewise.core.vocabulary import harm_relations, label, terms
from placewise.panel.hotspot_filter import NOT_RECORDED, HotspotFilter
from placewise.panel.hotspot_months import USUAL_MONTHS
from placewise.panel.hotspot_reporting import months_held, silence_words
from placewise.panel.hotspots import (
    NOT_COMPARED,
    ORDINARY,
    Q_AT_MOST,
    SHARED,
    STANDS_OUT,
    TOO_FEW,
    HotArea,
    Hotspots,
    period_words,
)

NAMED_AREAS = 4
WARNING = (
    "These show where children were found or where police were, not where harm happens. "
    "Read them apart from the rest."
)
SNAP_POINTS = (
    "Police open data gives no exact places: each crime is moved to a nearby published point that many crimes share, "
    "and only the month is known. A dark cell may be one such point. No point is drawn as if it were exact."
)
VERDICTS = {
    ORDINARY: "No more than chance would give",
    STANDS_OUT: "Stands out from chance",
    TOO_FEW: "Too few to tell",
    SHARED: "Stands out, but only because records known roughly share one point",
    NOT_COMPARED: "Not compared with chance",
}
NOTHING_COMPARED = (
    "Only the records at the places named for your group are shown, so nothing is compared with chance."
)
FOUND_VERBS = {"found_there": "found", "detected_there": "detected"}
SHARED_KEY = (
    "Dashed edge: stands out, but most records share a street’s point or the like; harm may be elsewhere"
)
#: Gi* looks at neighbourhoods: a cell of one record may stand out for what is beside it.
TOGETHER = ", with the cells around it"
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Swatch:
    """One line of the legend's key: ``look`` names a class of the style sheet."""

    look: str
    label: str


@dataclass(frozen=True, slots=True)
class Legend:
    """What the layer shows, in words.

    Attributes
    ----------
    lines : list of str
        What is counted, and what it does not say: always in sight.
    method : list of str
        How a calculated layer was worked out, for who wants to know; opens below.
    """

    title: str
    key: list[Swatch]
    lines: list[str]
    method: list[str] = field(default_factory=list)


def count_of(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1,020 records``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def spelled(n: int) -> str:
    """A small number as a word."""
    return _SMALL[n] if n < len(_SMALL) else f"{n:,}"


def sentence(found: Hotspots) -> str:
    """What a chair would say aloud first."""
    n = found.accounted.drawn
    period = period_words(found.wanted)
    if n == 0:
        return " ".join([f"Nothing is on the map for {period}: {_why_empty(found)}", *months_held(found)])
    if not found.children_known:
        opening = NOTHING_COMPARED
    elif found.test is None or (found.verdict == TOO_FEW).all():
        opening = f"There are too few records to tell whether any area stands out in {period}."
    else:
        opening = _areas(found, period)
    counted = f"{count_of(n, 'record')} are on the map" if n != 1 else "1 record is on the map"
    if found.children_known and found.n_children:
        counted += f", {count_of(found.n_children, 'different child', 'different children')} known"
    said = f"{opening} {counted}{_found_words(found.wanted)}{_coarse(found)}."
    return " ".join([said, *parts_apart(found), *months_held(found)])


def parts_apart(found: Hotspots) -> list[str]:
    """Sentences on records that lie beyond empty land, if any: the map opens on one part of them."""
    parts, shown = found.ground.parts, found.position >= 0
    if parts is None or parts.n.size == 1:
        return []
    columns = found.records.columns
    held = np.bincount(parts.of(columns.x[shown], columns.y[shown]), minlength=parts.n.size)
    areas, strays = (np.flatnonzero((held > 0) & kind) for kind in (parts.is_area, ~parts.is_area))
    said = []
    if areas.size > 1:
        where = f"Records lie in {areas.size} separate areas, up to {_km(parts.apart_m(areas))} apart"
        opens = found.wanted.month is None and found.wanted.lat is None
        said.append(
            f"{where}{'; the map opens on the one with most' if opens else ''}. Zoom out to see the others."
        )
    if strays.size and areas.size:
        n = int(held[strays].sum())
        verb, them = ("lies", "it") if n == 1 else ("lie", "them")
        away = _km(parts.furthest_m(strays, areas))
        said.append(
            f"{count_of(n, 'record')} {verb} far from the rest, up to {away} away: zoom out to see {them}."
        )
    return said


def _km(metres: float) -> str:
    """A long distance, no more precise than it is meant: ``280 km``."""
    step_km = 10 if metres >= 100_000 else 1
    return f"{round(metres / 1000 / step_km) * step_km} km"


def _found_words(wanted: HotspotFilter) -> str:
    """What the headline adds when it counts where someone looked."""
    verbs = [FOUND_VERBS[code] for code in wanted.warned_relations]
    return f", including places where children were {' or '.join(verbs)}, not harmed" if verbs else ""


def _areas(found: Hotspots, period: str) -> str:
    more = _by_sharing(found)
    if found.areas:
        return f"{_where(found.areas, period)}{f'; {more}' if more else ''}."
    return f"No area stands out from chance in {period}{f'; {more}' if more else ''}."


def _by_sharing(found: Hotspots) -> str:
    """Areas, and cells at the edge of other areas, that stand out only because records share points."""
    apart = {cell for area in found.shared_areas for cell in area.cells}
    beside = int((found.verdict == SHARED).sum()) - len(apart)
    n = len(found.shared_areas)
    who = [f"{spelled(n)}{' more' if found.areas else ''}"] if n else []
    if beside:
        others = "this area" if len(found.areas) == 1 else "these areas"
        who = [f"{first} {'area' if n == 1 else 'areas'}" for first in who]
        who.append(f"{spelled(beside)} {'cell' if beside == 1 else 'cells'} beside {others}")
    if not who:
        return ""
    verb = "stands" if n + beside == 1 else "stand"
    return f"{_and(who)} {verb} out only because records share a street’s point or the like"


def _where(areas: list[HotArea], period: str) -> str:
    wards = list(dict.fromkeys(area.ward for area in areas if area.ward))
    where = ""
    if wards:
        more = len(wards) - NAMED_AREAS
        where = " in " + _and(wards[:NAMED_AREAS] + ([f"{count_of(more, 'other ward')}"] if more > 0 else []))
    amount = spelled(len(areas)).capitalize()
    verb = "area stands" if len(areas) == 1 else "areas stand"
    return f"{amount} {verb} out from chance in {period}{',' if where else ''}{where}"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _coarse(found: Hotspots) -> str:
    """How many records are known only roughly, as the end of the headline."""
    here = found.accounted
    total = here.asked_for - here.other_relation
    if here.spread:
        rest = f"; {here.too_coarse:,} cannot even be spread" if here.too_coarse else ""
        compared = (
            f"{here.placed:,} located closely enough to compare with chance, and " if here.placed else ""
        )
        them = "it" if here.spread == 1 else "they"
        return f": {compared}{here.spread:,} known only roughly, spread over where {them} may have been{rest}"
    if not here.too_coarse:
        if total == 1:
            return "; it is located closely enough to place"
        return f"; none of {count_of(total, 'record')} is too coarsely located to place"
    verb = "is" if here.too_coarse == 1 else "are"
    return f"; {here.too_coarse:,} of {count_of(total, 'record')} {verb} too coarsely located to place"


def _why_empty(found: Hotspots) -> str:
    here = found.accounted
    if not here.asked_for:
        return "no record matches these filters."
    if here.other_relation == here.asked_for:
        return f"{count_of(here.asked_for, 'record')} match, but none tells where harm happened."
    return f"{count_of(here.asked_for, 'record')} match, but none is located closely enough."


def left_out(found: Hotspots) -> list[str]:
    """What is not on the map, and why; one sentence each, and never none."""
    here = found.accounted
    reasons = [
        (here.too_coarse, _too_coarse_words(found.wanted)),
        (here.no_location, "without any location"),
        (
            here.other_relation,
            f"left out because of the link to the location: {_relations_left(found.wanted)}",
        ),
        (here.other_accuracy, "left out by the accuracy filter"),
        (here.outside, "outside the study area"),
    ]
    said = [f"{count_of(n, 'record')} {words}." for n, words in reasons if n]
    return [*with_filtered_out(found, said), *silence_words(found)]


def with_filtered_out(found: Hotspots, said: list[str]) -> list[str]:
    """What is left out of those that match, and before it how many records of the period do not match at all."""
    records, month = found.records, found.wanted.month
    in_view = records.month >= 0 if month is None else records.month == records.months.index(month)
    period = "period" if month is None else "month"
    n = int(in_view.sum()) - found.accounted.asked_for
    if n:
        return [
            f"{count_of(n, 'record')} of the {period} left out by the filters: {_filters_used(found.wanted)}.",
            *said,
        ]
    if said:
        return said
    held = (
        f"Every record of the {period} is on the map."
        if in_view.any()
        else f"No record of the {period} is held."
    )
    return [held]


def _filters_used(wanted: HotspotFilter) -> str:
    """The filters by their names on the page, of those that match a record or not."""
    used = {
        "harm": wanted.harms,
        "crime": wanted.categories,
        "sent by": wanted.agencies,
        "kind of record": wanted.kinds != tuple(terms("event_kind")),
    }
    return ", ".join(name for name, chosen in used.items() if chosen)


def _too_coarse_words(wanted: HotspotFilter) -> str:
    if wanted.spreads:
        return "known only roughly, and to no ward or circle over which to spread them"
    said = "too coarsely located to place (known only to an area wider than 200 m)"
    asked = wanted.imprecise == "spread"
    return f"{said}; only the density view can spread them, a count cannot" if asked else said


def _relations_left(wanted: HotspotFilter) -> str:
    left = [t.label.lower() for code, t in terms("relation").items() if code not in wanted.relations]
    return ", ".join(left)


def counted_lines(found: Hotspots) -> list[str]:
    """What is counted, over what period, from whom."""
    wanted, here = found.wanted, found.accounted
    lines = [f"{period_words(wanted)}. n = {here.drawn:,} of {count_of(here.asked_for, 'record')}."]
    lines += months_held(found)
    if found.children_known:
        lines.append(_children_line(found))
    else:
        lines.append(
            "Children are not counted for your role, and only the places named for your group are included."
        )
    lines.append(f"Counted: {_what(wanted)}; {_links(wanted)}.")
    lines.append(f"Study area: {found.ground.source}.")
    lines.append("Counts only records that you may see; colleagues in other agencies may see others.")
    return lines


def _children_line(found: Hotspots) -> str:
    if not found.n_children:
        return "No child is named in these records, so children cannot be counted."
    return f"{count_of(found.n_children, 'different child', 'different children')} known in these records."


def _what(wanted: HotspotFilter) -> str:
    chosen = [label("harm_type", code) for code in wanted.harms if code != NOT_RECORDED]
    chosen += [label("crime_category", code) for code in wanted.categories]
    if NOT_RECORDED in wanted.harms:
        chosen.append("harm not recorded")
    return _and(chosen) if chosen else "all kinds of harm and crime"


def _links(wanted: HotspotFilter) -> str:
    if wanted.relations == harm_relations():
        return "only where harm happened or a child said it does"
    return _and([label("relation", code).lower() for code in wanted.relations])


def count_steps(highest: int) -> list[int]:
    """Lower edges of up to five classes of counts, each about the same factor above the last.

    >>> count_steps(40), count_steps(3), count_steps(0)
    ([1, 2, 4, 9, 19], [1, 2, 3], [])
    """
    if highest <= 5:
        return list(range(1, highest + 1))
    edges = np.unique(np.floor(highest ** (np.arange(5) / 5)).astype(int))
    return [int(edge) for edge in edges]


def counts_legend(found: Hotspots, steps: list[int], highest: int) -> Legend:
    """Legend of the counts view."""
    tops = [edge - 1 for edge in [*steps[1:], highest + 1]][: len(steps)]
    key = [
        Swatch(f"step-{shade_of(i, len(steps))}", f"{low}" if low == top else f"{low:,} to {top:,}")
        for i, (low, top) in enumerate(zip(steps, tops, strict=True))
    ]
    if found.areas:
        key.append(Swatch("edge", f"Dark edge: stands out from chance{TOGETHER}"))
    if (found.verdict == SHARED).any():
        key.append(Swatch("shared", SHARED_KEY))
    if (found.verdict[found.counts > 0] == TOO_FEW).any():
        key.append(Swatch("too-few", f"{VERDICTS[TOO_FEW]}{TOGETHER}"))
    what = "Different children" if found.shades_children else "Records"
    return Legend(
        f"{what} in each {cell_words(found.wanted)}", key, [*_shaded_words(found), *counted_lines(found)]
    )


def _shaded_words(found: Hotspots) -> list[str]:
    if found.shades_children:
        once = "A child named many times in a cell counts once there. Records without a named child are not in these "
        return [
            once
            + "figures: a cell of only such records shows 0. What stands out is judged as in other views."
        ]
    if found.wanted.shade == "children":
        return ["Children are not counted for your role, so the cells are shaded by records."]
    return []


def cell_words(wanted: HotspotFilter) -> str:
    """What a cell is: ``square of 250 m``; hexagons are plain cells."""
    return f"{'square' if wanted.shape == 'squares' else 'cell'} of {wanted.cell_width_m} m"


def significance_legend(found: Hotspots) -> Legend:
    """Legend of the significance view."""
    if not found.children_known:
        key = [Swatch("ordinary", VERDICTS[NOT_COMPARED])]
        return Legend(
            f"Records in each {cell_words(found.wanted)}", key, [NOTHING_COMPARED, *counted_lines(found)]
        )
    key = [
        Swatch(look, f"{VERDICTS[verdict]}{TOGETHER}")
        for look, verdict in (("hot", STANDS_OUT), ("ordinary", ORDINARY), ("too-few", TOO_FEW))
    ]
    if (found.verdict == SHARED).any():
        key.insert(1, Swatch("shared", SHARED_KEY))
    dense = found.test is not None and found.test.method == "shuffle"
    null = "the same counts dealt to cells at random" if dense else "an even spread over the study area"
    how = (
        f"Each cell with its neighbours (Getis–Ord Gi*) is compared with {null}. At most one in {round(1 / Q_AT_MOST)} "
        "of the cells shown as standing out is expected to be a false alarm (Benjamini–Hochberg). "
        "A child counts once however often named. It says nothing of why, nor that other cells are safe."
    )
    title = f"{cell_words(found.wanted).replace(' of', 's of').capitalize()} that stand out"
    return Legend(title, key, [*counted_lines(found), how])


def shade_of(index: int, of: int) -> int:
    """Spread fewer classes over all five shades: 1 to 5."""
    return 1 + (round(index * 4 / (of - 1)) if of > 1 else 2)


def default_period_note() -> str:
    """What the period is when none is chosen."""
    return f"The last {USUAL_MONTHS} months with records, unless you choose others."
