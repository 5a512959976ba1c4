"""What is said of a before-and-after comparison: the plan, the verdict, and what stands against believing it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from placewise.geo.displacement import DisplacementQuotient
from placewise.panel.before_after import Evaluation, Judged, Where
from placewise.panel.before_after_plan import Plan, Site
from placewise.panel.hotspot_months import gaps_named

AREA_NAMES: dict[Where, str] = {"target": "Here", "ring": "Next door", "comparison": "Comparison area"}
COUNTED = (
    "Harm that happened there or that a child named, from partners; not where children were found or detected, and not "
    "published crime. Each child counts once a period"
)
NO_CAUSE = (
    "A difference has no cause attached. Places are chosen when they are at their worst, and many fall back by "
    "themselves; other things changed at the same time."
)
NOTHING_TO_TELL = (
    "You see single places only: neither what happened next door and elsewhere nor whose reports are missing is shown "
    "to you, so nothing can be compared."
)
#: A quotient nearer nought than this says nothing of the ring.
LEAST_QUOTIENT = 0.05
#: A p-value below this is written as "less than".
SMALLEST_P = 0.001


def day_words(day: date) -> str:
    """A date as read aloud."""
    return f"{day.day} {day:%B %Y}"


def comparison_words(plan: Plan, site: Site) -> str:
    """The comparison area by name."""
    if plan.against == "rest":
        return "the rest of the borough, outside the ring"
    if plan.against == "wards":
        names = [n for ward, n in zip(site.wards.ids, site.wards.names, strict=True) if ward in plan.chosen]
        return f"{_listed(names)} {'ward' if len(names) == 1 else 'wards'}, outside the ring"
    return _listed([one.name for one in site.others if one.place_id in plan.chosen])


def plan_lines(plan: Plan, site: Site) -> list[tuple[str, str]]:
    """The plan, line by line; nothing in it comes from a record."""
    target = f"{site.place.name}, {plan.reach_m} m round its point"
    if (site.place.radius_m or 0) > plan.reach_m:
        target += (
            f" (itself known only to within {site.place.radius_m:.0f} m: a larger radius would be safer)"
        )
    if not site.is_point:
        margin = f"and {plan.reach_m} m round it" if plan.reach_m else "without a margin"
        target = f"{site.place.name}: its own shape {margin}"
    last = plan.changed - timedelta(1)
    return [
        ("What was done", plan.done),
        ("Date of the change", day_words(plan.changed)),
        ("Before", f"{plan.months} months: {day_words(plan.since)} to {day_words(last)}"),
        (
            "After",
            f"{plan.months} months: {day_words(plan.changed)} to {day_words(plan.until - timedelta(1))}",
        ),
        ("Here (target)", f"{target}; and every record that names it"),
        ("Next door (ring)", f"the next {plan.ring_m:,} m around it, where harm may have moved to"),
        ("Comparison area", _capital(comparison_words(plan, site))),
        ("What is counted", COUNTED),
        (
            "What would count as a change",
            "Fewer or more than in the comparison area, beyond ordinary variation (95%)",
        ),
    ]


def plan_sentence(plan: Plan, site: Site) -> str:
    """The plan in one sentence, with nothing of what happened."""
    return (
        f"{plan.done.rstrip('.')}, from {day_words(plan.changed)}: the {plan.months} months before against the "
        f"{plan.months} months after, compared with {comparison_words(plan, site)}."
    )


def sentence(found: Evaluation) -> str:
    """The verdict as a chair would say it."""
    if not found.sees_all:
        return f"Cannot tell. {NOTHING_TO_TELL}"
    if not all(found.days):
        side = "before" if not found.days[0] else "after"
        return f"Cannot tell: in the period {side}, no month has whole data."
    here, other = found.counts["target"].once, found.counts["comparison"].once
    counts = (
        f"{here[0]:,} before, {here[1]:,} after here; {other[0]:,} and {other[1]:,} in the comparison area"
    )
    if any(area.once != area.records for area in found.counts.values()):
        counts = f"Counting each child once: {counts}"
    if found.gaps:
        counts += f" (in {found.days[0]:,} and {found.days[1]:,} days with whole data)"
    return f"{counts}: {_verdict(found)}."


def _verdict(found: Evaluation) -> str:
    if found.here is None:
        if not any(found.counts["target"].once):
            return "cannot tell: nothing is recorded here in either period"
        return "cannot tell: the comparison area has none in one of the periods, so nothing can be held against it"
    if found.here.verdict == "fewer":
        return f"a fall beyond ordinary variation; {next_door_words(found)}"
    if found.here.verdict == "more":
        return "a rise beyond ordinary variation"
    least = unnoticed_words(found.here)
    if found.here.verdict == "too_few":
        return f"cannot tell: {least} with so few"
    return f"no change beyond ordinary variation; {least}"


def next_door_words(found: Evaluation) -> str:
    """Whether a fall may have moved into the ring."""
    if found.next_door is None:
        return "nothing is recorded next door in either period, so nothing suggests that it moved there"
    return {
        "more": "but next door rose beyond ordinary variation: it may have moved there",
        "fewer": "next door fell too",
        "ordinary": "nothing suggests that it moved next door",
        "too_few": "too few next door to tell whether it moved there",
    }[found.next_door.verdict]


def unnoticed_words(judged: Judged) -> str:
    """The smallest fall that would probably have been noticed."""
    least = judged.difference.detectable_fall
    if least is None:
        return "not even a fall to nought would be noticed"
    return f"a fall of less than {math.ceil(least):,} would probably not be noticed"


def smallest_words(judged: Judged) -> str:
    """The smallest fall that would probably have been noticed, and from what."""
    fall, expected = judged.difference.detectable_fall, judged.difference.expected_after
    if fall is None:
        return f"none (of {expected:.1f} expected)"
    return f"{math.ceil(fall):,} (of {expected:.1f} expected)"


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign; "−" is the minus sign.

    >>> signed(-6.54), signed(0.04), signed(2)
    ('−6.5', '0.0', '+2.0')
    """
    text = f"{abs(value):,.{digits}f}"
    return text if float(text.replace(",", "")) == 0 else ("−" if value < 0 else "+") + text


def p_words(p: float) -> str:
    """A p-value without false precision.

    >>> p_words(0.0312), p_words(0.00001)
    ('0.031', 'less than 0.001')
    """
    return f"less than {SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}"


def verdict_words(judged: Judged | None) -> str:
    """One area's verdict in a table."""
    if judged is None:
        return "Not compared"
    words = {
        "fewer": "Fewer",
        "more": "More",
        "ordinary": "Within ordinary variation",
        "too_few": "Too few to tell",
    }
    return words[judged.verdict]


def quotient_words(quotient: DisplacementQuotient | None) -> str:
    """The weighted displacement quotient with its reading, or why there is none."""
    if quotient is None or quotient.reading == "nought_counted":
        return "Not defined: the comparison area has none in one of the periods."
    if quotient.reading == "no_net_fall":
        return "Not defined: here did not fall against the comparison area, so nothing can have moved."
    read = {
        "benefit_spread": "next door improved too",
        "none": "next door went as the comparison area did",
        "part_displaced": "some may have moved next door, less than was gained here",
        "benefit_cancelled": "next door rose by as much as was gained here, or more",
    }[quotient.reading]
    if abs(quotient.wdq) < LEAST_QUOTIENT:
        read = "next door went as the comparison area did"
    return f"{signed(quotient.wdq, 2)}: {read}. No margin of error is known for it; read it only beside the verdict."


def left_out(found: Evaluation) -> list[str]:
    """What the counts do not hold, each with its number."""
    lines = []
    if any(found.rough):
        lines.append(
            f"Known too roughly for any area (to a ward, say, or not at all): {found.rough[0]:,} records of harm "
            f"before and {found.rough[1]:,} after, from the whole partnership. If records became more or less exact, "
            "counts shift with it."
        )
    if found.spanning:
        lines.append(
            f"May lie on either side of the change, because only a span of time is known: {found.spanning:,}."
        )
    if found.gaps:
        lines.append(
            f"Without whole data: {gaps_named(list(found.gaps))}. Neither their days nor their records in the three "
            f"areas ({found.in_gaps:,}) count, before or after."
        )
    return lines


def cautions(found: Evaluation) -> list[str]:
    """What no figure on the page can rule out."""
    lines = [
        NO_CAUSE,
        "Fewer records may mean fewer looked or fewer told. Ask young people whether they feel safer here.",
        "A position may be up to 200 m off, so a record near a line may belong to the other side of it.",
    ]
    uneven = [one.agency for one in found.reports if one.missing[0] != one.missing[1]]
    if uneven:
        lines.insert(
            0,
            f"Reports of {_listed(uneven)} are missing in more months of one period than of the other: a difference "
            "may be silence.",
        )
    return lines


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
