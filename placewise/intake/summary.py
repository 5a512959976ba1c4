"""What is said aloud about a file once it has been read: counts, gaps, doubts and questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from placewise.intake.findings import Finding, Severity
from placewise.intake.layouts.layout import Layout
from placewise.intake.run import MOST_COUNTED, Run

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
#: Tally, and its sentence after the count of rows; each is a warning.
_SENTENCES = {
    "invisible-character": "held invisible characters, which were taken out.",
    "mojibake": "hold text that looks garbled (such as Ã«). Check names; save the source as UTF-8 if so.",
    "mixed-script": "mix letters of two alphabets in one word, which may look alike. Check them.",
    "midnight-24": "give the time as 24:00; it was read as 00:00 of the next day.",
    "clock-change": "fall in the hour when the clocks change: 01:30 in October was taken as the first of the "
    "two, 01:30 in March as 02:30.",
    "local-day": "have a time in UTC or another zone that falls on another day in local time (23:40 UTC on 31 July "
    "is 00:40 on 1 August); they count on the local day.",
    "low-precision": "give a position to two decimal places or fewer (a kilometre or more); they are kept as vague "
    "and not placed on the map.",
    "outside-partnership": "lie outside the partnership's area; they were kept.",
    "accuracy-unstated": "give a position but not how accurate it is; places are taken as exact, events as "
    "known to a postcode.",
    "expiry-unstated": "give no expiry; a year after last seen was set.",
    "geometry-repaired": "had shapes that crossed themselves; they were mended. Look at them on the map.",
    "repeated": "repeat a record that comes earlier in the file; each record counts once.",
    "repeats-kept": "are the same in every column as an earlier one and have no number of their own; "
    "they were kept as separate records.",
    "without-position": "have no coordinates; they were accepted and are counted, not mapped.",
    "northern-ireland": "are in Northern Ireland, which Placewise does not cover; they were refused.",
}

_SINGULAR = {
    "are": "is",
    "have": "has",
    "mix": "mixes",
    **{verb: f"{verb}s" for verb in ("hold", "give", "fall", "lie", "repeat")},
}


def said_aloud(run: Run, layout: Layout, counts: Counter[str], *, not_kept: tuple[str, ...]) -> list[Finding]:
    """Findings of a pass: warnings with counts, then questions that all its rows raise together."""
    return [
        *_about_rows(run, counts),
        *_about_police(run),
        *_about_areas(run),
        *_about_columns(run, layout, not_kept),
        *_questions(run),
        *_date_orders(run, layout),
    ]


def _warn(code: str, message: str, count: int = 0) -> Finding:
    return Finding(code, Severity.WARN, message, count)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _for_one(sentence: str) -> str:
    """The sentence with its verb in the singular."""
    verb, _, rest = sentence.partition(" ")
    return f"{_SINGULAR.get(verb, verb)} {rest}"


def _about_rows(run: Run, counts: Counter[str]) -> Iterator[Finding]:
    if counts["blank"]:
        yield _warn("blank-rows", f"Blank rows were left out: {counts['blank']:,}.", counts["blank"])
    for code, sentence in _SENTENCES.items():
        if count := run.tallies[code]:
            yield _warn(code, f"{_rows(count)} {_for_one(sentence) if count == 1 else sentence}", count)


def _about_police(run: Run) -> Iterator[Finding]:
    if points := len(run.seen["snap points"]):
        count = run.tallies["snap-point"]
        more = " or more" if points >= MOST_COUNTED else ""
        yield _warn(
            "snap-point",
            f"{_rows(count)} stand at {points:,}{more} snap points of police.uk: near, never at, the place itself. "
            "They are kept with a radius of 150 m.",
            count,
        )
    months = sorted(run.seen["months"])
    if not months:
        return
    first, last = (12 * year + month - 1 for year, month in (months[0], months[-1]))
    span = f"{_name(months[0])} to {_name(months[-1])}" if first != last else _name(months[0])
    yield _warn("period", f"Months in the file: {span}, each from midnight to midnight local time.")
    there = {12 * year + month - 1 for year, month in months}
    if gaps := [_name((n // 12, n % 12 + 1)) for n in range(first, last) if n not in there]:
        listed = ", ".join(gaps[:12]) + (f" and {len(gaps) - 12} more" if len(gaps) > 12 else "")
        verb = "is" if len(gaps) == 1 else "are"
        yield _warn(
            "missing-months", f"{listed} {verb} missing between them. Trends will show a gap.", len(gaps)
        )


def _name(month: tuple[int, int]) -> str:
    return f"{_MONTHS[month[1] - 1]} {month[0]}"


def _about_areas(run: Run) -> Iterator[Finding]:
    if strange := run.seen["unknown areas"]:
        count = run.tallies["unknown-area"]
        yield _warn(
            "unknown-area",
            f"{len(strange):,} of {len(run.seen['areas']):,} area codes ({_rows(count)}) are not among the "
            "boundaries held, probably because they are of another year (2021 codes against 2011 boundaries). "
            "The rows keep their position.",
            count,
        )


def _about_columns(run: Run, layout: Layout, not_kept: tuple[str, ...]) -> Iterator[Finding]:
    if not_kept:
        yield _warn(
            "not-kept", f"Not kept, because they are not needed: {', '.join(not_kept)}.", len(not_kept)
        )
    for column in layout.columns:
        forms = run.seen[f"{column.name} forms"]
        if len(forms) > 1:
            listed = ", ".join(sorted(forms))
            yield _warn(
                "date-formats-mixed", f"Dates in {column.name} are written in several ways: {listed}."
            )


def _questions(run: Run) -> Iterator[Finding]:
    """A fault that *every* located row has is a question about the file."""
    located = run.tallies["located"]
    if located and run.tallies["swapped"] == located:
        yield Finding(
            "lonlat-swapped",
            Severity.ASK,
            "Longitude and latitude look exchanged in every row. Exchange them?",
            located,
            ("swap",),
        )
    if located and run.tallies["metres-in-degrees"] == located:
        yield Finding(
            "crs",
            Severity.ASK,
            "Every longitude and latitude is really metres of the British National Grid. Read them so?",
            located,
            ("EPSG:27700",),
        )


def _date_orders(run: Run, layout: Layout) -> Iterator[Finding]:
    if "date-order" in run.context.answers:
        return
    for column in layout.columns:
        american = len(run.seen[f"{column.name} month first"])
        british = len(run.seen[f"{column.name} day first"])
        if american and not british:
            yield Finding(
                "date-order",
                Severity.ASK,
                f"Some dates in {column.name} can only be month first (as in 09/13/2024). Is the whole column so?",
                american,
                ("month-first", "day-first"),
            )
        elif american * 5 > british:
            yield Finding(
                "date-order-conflict",
                Severity.REJECT,
                f"Some dates in {column.name} can only be day first and others only month first, so none can be "
                "trusted. Write all of them like 2026-05-14.",
                american,
            )
