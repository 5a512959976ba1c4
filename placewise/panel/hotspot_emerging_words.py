"""Emerging hot spots in words: what each kind means, how it looks, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from placewise.geo.emerging import CANNOT_TELL, CATEGORIES, NO_PATTERN
from placewise.panel.analyses.emerging_answer import COLD, HOT, UNKNOWN
from placewise.panel.hotspot_months import gaps_named, months_between, named
from placewise.panel.hotspot_words import SHARED_KEY, Legend, Swatch, count_of

Answer = dict[str, Any]

#: Kinds beside the published ones, for cells "without a pattern" that did stand out: the published words end
#: with what is hot now, and a panel must not read "no pattern" where harm was for a year.
FADED, EARLIER, EARLIER_COLD = range(len(CATEGORIES), len(CATEGORIES) + 3)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of cell.

    Attributes
    ----------
    look : str
        Class of the style sheet, and the browser's name for it.
    letter : str
        Drawn on the cell, so that nothing hangs on the colour; cold ones have a minus before it.
    colour, ink : str
        Of the cell, and of the letter on it.
    meaning : str
    family : str
        ``rising``, ``lasting``, ``on_off``, ``fading``, ``cold`` or empty.
    """

    name: str
    look: str
    letter: str
    colour: str
    ink: str
    meaning: str
    family: str = ""


# Orange against blue is told apart with every common kind of colour blindness; darker is newer or stronger, in
# grey print too. Patterns by their letters.
_DARK, _PALE = "#ffffff", "#0b0c0c"
_SHADES: Final = {
    "rising": ("#7f3b08", "#08306b", _DARK),
    "lasting": ("#b35806", "#2166ac", _DARK),
    "on_off": ("#f0a04b", "#7fb3d9", _PALE),
    "fading": ("#fddcb0", "#d1e5f0", _PALE),
}
_PATTERNS: Final = (
    ("new", "N", "rising", "{side} the rest in the last step, for the first time"),
    (
        "consecutive",
        "C",
        "rising",
        "{side} the rest in an unbroken run of steps up to the last, never before",
    ),
    ("intensifying", "I", "rising", "{side} the rest in nine steps of ten, and more so as time goes on"),
    ("persistent", "P", "lasting", "{side} the rest in nine steps of ten, without a clear rise or fall"),
    ("diminishing", "D", "fading", "{side} the rest in nine steps of ten and in the last, but less and less"),
    ("sporadic", "S", "on_off", "{side} the rest in the last step, and on and off before"),
    ("oscillating", "O", "on_off", "{side} the rest in the last step, on the other side in some step before"),
    ("historical", "H", "fading", "{side} the rest in nine steps of ten, but not in the last"),
)


def _kinds() -> dict[int, Kind]:
    kinds = {}
    for cold, side in enumerate(("above", "below")):
        for pattern, letter, family, meaning in _PATTERNS:
            code = CATEGORIES.index(f"{pattern} {'cold' if cold else 'hot'} spot")
            kinds[code] = Kind(
                CATEGORIES[code].capitalize(),
                f"em-{'cold-' if cold else ''}{pattern}",
                f"−{letter}" if cold else letter,
                _SHADES[family][cold],
                _SHADES[family][2],
                meaning.format(side=side),
                "cold" if cold else family,
            )
    hot, blue = _SHADES["fading"][0], _SHADES["fading"][1]
    beside = (
        (FADED, "Faded hot spot", "faded", "F", hot, "above the rest before, not now, and falling"),
        (
            EARLIER,
            "Hot at times, not now",
            "earlier",
            "E",
            hot,
            "above the rest in some step, not in the last",
        ),
        (
            EARLIER_COLD,
            "Cold at times, not now",
            "cold-earlier",
            "−E",
            blue,
            "below in some step, not in the last",
        ),
    )
    for code, name, look, letter, colour, meaning in beside:
        family = "cold" if code == EARLIER_COLD else "fading"
        kinds[code] = Kind(name, f"em-{look}", letter, colour, _PALE, meaning, family)
    why = "too few records or known steps, or no kind found in most redraws"
    kinds[CANNOT_TELL] = Kind("Cannot tell", "too-few", "?", "#ffffff", _PALE, why)
    return kinds


KINDS: Final = _kinds()
NO_PATTERN_WORDS = "No pattern: not drawn; never above the rest"


def kind_of(category: int, marks: str, trend: int) -> int:
    """Kind of a cell of the answer: its category, or what "no pattern" leaves out.

    >>> KINDS[kind_of(NO_PATTERN, "+++.+...", -1)].name, KINDS[kind_of(NO_PATTERN, "..+...+.", 0)].name
    ('Faded hot spot', 'Hot at times, not now')
    """
    if category != NO_PATTERN:
        return category
    if HOT in marks:
        return FADED if trend < 0 else EARLIER
    return EARLIER_COLD if COLD in marks else NO_PATTERN


def sure_words(answer: Answer, at: int) -> str:
    """How often the kind was found: "New hot spot in 83% of 500 redraws"."""
    cells, redraws = answer["cells"], answer["parameters"]["redraws"]
    found = cells["found"][at]
    name, share = _as_found(found[0][0]), percent(found[0][1], redraws)
    if cells["category"][at] != CANNOT_TELL:
        # What never stood out is not listed: without a published pattern are the kinds beside them.
        before = "; what was before is as recorded" if cells["category"][at] == NO_PATTERN else ""
        return f"{name.capitalize()} in {share} of {redraws:,} redraws{before}"
    if not cells["steps_known"][at]:
        return "Cannot tell: most records around here came from an agency whose reports are missing"
    if found[0][0] == CANNOT_TELL:
        return f"Cannot tell: too few records in {share} of {redraws:,} redraws"
    shares = ", ".join(f"{_as_found(code)} in {percent(times, redraws)}" for code, times in found)
    return f"Cannot tell: {shares} of {redraws:,} redraws"


def _as_found(code: int) -> str:
    """What a redraw found, by a name that cannot be taken for "never stood out"."""
    # Whatever is hot or cold in the last step has a published name, so without one it is neither.
    return {NO_PATTERN: "no hot or cold spot now", CANNOT_TELL: "too few records"}.get(code, CATEGORIES[code])


def percent(times: int, of: int) -> str:
    """A share of redraws in words; neither "0%" of what was found nor "100%" of what once was not.

    >>> percent(415, 500), percent(499, 500), percent(1, 500)
    ('83%', 'more than 99%', 'less than 1%')
    """
    whole = round(100 * times / of)
    if whole == 0 and times:
        return "less than 1%"
    return "more than 99%" if whole == 100 and times < of else f"{whole}%"


def months_of_steps(answer: Answer) -> list[range]:
    """Months of each step, as positions in the period; months at its beginning that fill no step are in none."""
    chosen, n = answer["parameters"], len(answer["steps"])
    length, apart = chosen["step_months"], 1 if chosen["rolling"] else chosen["step_months"]
    months = len(months_between(chosen["first_month"], chosen["last_month"]))
    return [range(months - length - apart * (n - 1 - i), months - apart * (n - 1 - i)) for i in range(n)]


def steps_words(answer: Answer) -> str:
    """The steps as a phrase: "12 steps of 2 months"."""
    chosen, n = answer["parameters"], len(answer["steps"])
    months = chosen["step_months"]
    if months == 1:
        return f"{n} steps of one month"
    return f"{n} steps of {months} months" + (
        ", each begun a month after the one before" if chosen["rolling"] else ""
    )


def period_of(answer: Answer) -> str:
    """The period as a phrase: "May 2024 to April 2026"."""
    chosen = answer["parameters"]
    return f"{named(chosen['first_month'])} to {named(chosen['last_month'])}"


def emerging_legend(answer: Answer, present: set[int], *, shared: bool = False) -> Legend:
    """The kinds that are on the map, what they mean, and how it was calculated; ``shared`` if shared points are."""
    hot_first = sorted(present, key=_reading_order)
    key = [Swatch(KINDS[code].look, f"{KINDS[code].name}: {KINDS[code].meaning}") for code in hot_first]
    title = f"How cells of {answer['parameters']['cell_width_m']:g} m have changed"
    if shared:
        key.append(Swatch("dashed", SHARED_KEY))
    none = NO_PATTERN_WORDS + (", nor below it" if answer["parameters"]["alternative"] == "both" else "")
    return Legend(title, [*key, Swatch("ordinary", none)], counted_lines(answer), method_lines(answer))


def _reading_order(code: int) -> tuple[int, int]:
    families = ("rising", "lasting", "on_off", "fading", "cold", "")
    return families.index(KINDS[code].family), code


def counted_lines(answer: Answer) -> list[str]:
    """What was counted over what time, and what it does not say; one sentence or two each."""
    chosen, counted = answer["parameters"], answer["counted"]
    n = f"n = {counted['used']:,} of {count_of(counted['asked_for'], 'record')}"
    sides = "Only more records than expected were looked for"
    if chosen["alternative"] == "both":
        sides = "Both more and fewer records than expected were looked for"
    return [
        f"{period_of(answer)}, {steps_words(answer)}. {n}.",
        *(["Steps overlap, so one busy month counts in more than one of them."] if chosen["rolling"] else []),
        "Each cell is looked at with the cells around it.",
        f"{sides}; fewer may be fewer reports.",
        "It describes records of the past: no forecast, no reason why. A cell without a pattern is not safe.",
    ]


def method_lines(answer: Answer) -> list[str]:
    """What was compared with what, and how sure a kind is; one sentence or two each."""
    chosen = answer["parameters"]
    rest = (
        "the other neighbourhoods" if chosen["method"] == "normal" else "an even spread over the study area"
    )
    rises = "its share of the records" if chosen["intensity"] == "share" else "how far it stands out (z)"
    above = (
        "“Above the rest”: in that step, this cell with those around it has more records than "
        f"{rest} would put there (Getis–Ord Gi*). At most one in {round(1 / chosen['alpha'])} of all such findings "
        "is expected to be a false alarm. A child counts once a step, however often named."
    )
    sure = (
        f"Each of {chosen['redraws']:,} redraws puts every record somewhere within its accuracy and its time; a kind "
        f"is told if at least {chosen['hold']:.0%} of them find it. That share is about what the records leave open; "
        f"it is not the chance that the kind is true. Seed {chosen['seed']}."
    )
    return [above, f"What rises or falls is {rises} (Mann–Kendall).", sure]


def left_out_lines(answer: Answer) -> list[str]:
    """Which records, agencies and months are not used, and why; one sentence each."""
    counted = answer["counted"]
    reasons = (
        (
            "too_coarse",
            "known only to an area wider than 200 m: in a cell they would say more than they know",
        ),
        ("no_location", "without any location"),
        ("other_relation", "left out because of the link to the location"),
        ("other_accuracy", "left out by the accuracy filter"),
        ("outside", "outside the study area"),
        ("no_whole_step", "in steps that are not whole or whose reports are missing"),
        ("told_by_others_left_out", "in cells where most records came from an agency left out"),
    )
    said = [f"{count_of(counted[name], 'record')} {words}." for name, words in reasons if counted[name]]
    for name, n, months in answer["agencies_left_out"]:
        said.append(
            f"{count_of(n, 'record')} of {name} left out, before its silence as after it: its reports for {months} "
            "are missing, and would read as a fall."
        )
    if answer["unknown_months"]:
        said.append(
            f"Not known, and counted neither as quiet nor as a fall: {gaps_named(answer['unknown_months'])}."
        )
    return said


def marks_words(answer: Answer, at: int) -> str:
    """In which steps a cell stood out: "Above the rest in 3 of 12 steps, last in 1 March 2026 to 30 April 2026"."""
    marks = answer["cells"]["marks"][at]
    known = len(marks) - marks.count(UNKNOWN)
    said = []
    for mark, side in ((HOT, "above"), (COLD, "below")):
        if mark in marks:
            last = answer["steps"][marks.rindex(mark)]
            said.append(
                f"{side.capitalize()} the rest in {marks.count(mark)} of {known} steps, last in {last}"
            )
    if not said:
        said.append(f"Neither above nor below the rest in any of {known} steps, as recorded")
    if known < len(marks):
        n = len(marks) - known
        said.append(f"{count_of(n, 'step')} {'is' if n == 1 else 'are'} not known")
    return "; ".join(said)
