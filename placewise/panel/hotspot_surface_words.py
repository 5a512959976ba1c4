"""What is said beside the smoothed surface: its bands, how far it is smoothed and why, and what it is not."""

from __future__ import annotations

from placewise.panel.hotspot_surface import FEWEST_SMOOTHED, Smoothed, Smoothing
from placewise.panel.hotspot_words import Legend, Swatch, count_of, counted_lines, shade_of
from placewise.panel.hotspots import Hotspots

#: Distances closer than this are one: rounding must not read as mending.
_SAME_M = 0.5
_KERNELS = {
    "quartic": "quartic kernel: a record counts less the further away, and nothing beyond that distance",
    "gaussian": "Gaussian kernel with that standard deviation: it reaches about three times as far",
}
_EDGES = {
    "corrected": "Corrected at the edge of the study area, as if beyond it things were as inside.",
    "plain": "Not corrected at the edge of the study area: figures there are too low, by up to a half and more.",
}
NOT_A_TEST = "A smooth picture, not a test: chance gives peaks too. Another distance gives another picture."


def density_legend(found: Hotspots, made: Smoothed, edges: list[float]) -> Legend:
    """Legend of the density view; ``edges`` are the bands' lower edges in records per km²."""
    key = [
        Swatch(f"step-{shade_of(i, len(edges))}", f"{_per_km2(edge)} or more per km²")
        for i, edge in enumerate(edges)
    ]
    lines = [*counted_lines(found), *spread_lines(found, made), *smoothing_lines(found, made.smoothing)]
    return Legend("Density of records", key, lines)


def too_few_to_smooth(found: Hotspots) -> str:
    """What the map says instead of a density of single records; nothing where there are enough, or none at all."""
    n = found.accounted.drawn
    if found.wanted.view != "density" or not 0 < n < FEWEST_SMOOTHED:
        return ""
    if n == 1:
        why = "It would be drawn as a hot spot. Counts shows the cell it lies in."
    else:
        why = "Each would be drawn as a hot spot of its own. Counts shows the cells they lie in."
    return f"{count_of(n, 'record')}: too few for a density. {why}"


def undrawn_legend(found: Hotspots) -> Legend:
    """Legend of a density that is not drawn, because records are too few or none."""
    few = too_few_to_smooth(found)
    return Legend("Density of records", [], [*([few] if few else []), *counted_lines(found)])


def spread_lines(found: Hotspots, made: Smoothed) -> list[str]:
    """What was spread over where it may have been, and how much of the picture is that; empty for points."""
    where, here = made.whereabouts, found.accounted
    if where is None:
        return []
    if not here.spread:
        said = "No record of these is known only roughly, so nothing was spread over a ward or a wide circle."
    else:
        each = "It is" if here.spread == 1 else "Each is"
        said = (
            f"{_percent(made.rough_share)} of what is drawn comes from {count_of(here.spread, 'record')} known only "
            f"roughly. {each} spread evenly over the ward or circle it is known to, without water and what lies "
            "outside the study area: a broad flat patch shows that outline, not a place of harm."
        )
    finer = [
        f"{n:,} {words}"
        for n, words in (
            (where.along_street, "along their street"),
            (where.over_circle, "over the circle of their accuracy"),
        )
        if n
    ]
    return [
        said,
        *([f"Of the records located within 200 m, {' and '.join(finer)} are spread too."] if finer else []),
    ]


def _percent(share: float) -> str:
    return "Less than 1%" if share < 0.005 else f"{share:.0%}"


def smoothing_lines(found: Hotspots, smoothing: Smoothing) -> list[str]:
    """How far the surface is smoothed and why, at most a sentence or two a line."""
    wanted = found.wanted
    how = f"Records smoothed over {metres(smoothing.bandwidth_m)} ({_KERNELS[wanted.kernel]})."
    return [how, *_why_so_far(smoothing), _EDGES[wanted.edge], NOT_A_TEST]


def _why_so_far(smoothing: Smoothing) -> list[str]:
    said = []
    if smoothing.unjudged:
        said.append(f"{smoothing.unjudged} The usual distance is used instead.")
    elif smoothing.rule == "silverman":
        said.append(
            f"Silverman’s rule chose {metres(smoothing.asked_m)} from how far "
            f"{count_of(smoothing.judged_among, 'record')} lie apart. It is made for one round cloud: "
            "where records have several centres it smooths too far."
        )
    elif smoothing.rule == "likelihood":
        said.append(_likelihood_words(smoothing))
    if smoothing.bandwidth_m > smoothing.asked_m + _SAME_M:
        said.append(
            f"{metres(smoothing.asked_m)} is less than one cell of the surface ({metres(smoothing.bandwidth_m)}), "
            "which would draw single records, so one cell is used."
        )
    elif smoothing.bandwidth_m < smoothing.asked_m - _SAME_M:
        said.append(
            f"{metres(smoothing.asked_m)} is more than the study area is long ({metres(smoothing.bandwidth_m)}), "
            "so that length is used: the picture is nearly one flat colour."
        )
    return said


def _likelihood_words(smoothing: Smoothing) -> str:
    sampled = smoothing.judged_among < smoothing.judged_of
    who = (
        f"{smoothing.judged_among:,} of {count_of(smoothing.judged_of, 'record')}, drawn by lot, and shortened for "
        "the number of all"
        if sampled
        else count_of(smoothing.judged_among, "record")
    )
    end = (
        " It is the shortest or longest of those tried, so the best may lie beyond."
        if smoothing.at_end
        else ""
    )
    return (
        f"The records themselves chose {metres(smoothing.asked_m)} (likelihood cross-validation): the distance at "
        "which the others best foretell where one that is held out lies, a child’s own repeats held out with it. "
        f"Judged from {who}.{end}"
    )


def metres(length_m: float) -> str:
    """A distance as people say it: ``300 m``."""
    return f"{length_m:,.0f} m"


def _per_km2(edge: float) -> str:
    return f"{edge:,.0f}" if edge >= 10 else f"{edge:,.1f}"
