"""What a person reads before accepting a file: counts in words, the first rows as they will be stored, questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from placewise.core.vocabulary import label
from placewise.intake.batch import CheckedBatch, Target
from placewise.intake.cells import Code, Codes
from placewise.intake.engine import Preview
from placewise.intake.findings import Finding, Severity
from placewise.intake.layouts import Layout, best_layout
from placewise.intake.readers.kinds import extension
from placewise.panel.period import LONDON
from placewise.web.formats import count_of, number

SHOWN_ROWS = 10
SHOWN_REFUSALS = 20
#: Columns that go to the identity vault and are never shown here.
VAULT = ("given_name", "family_name", "date_of_birth", "address")
_HIDDEN = {*VAULT, "x", "y", "radius_m", "geometry", "occurred_to"}
_HEADINGS = {
    "local_ref": "Reference",
    "occurred_from": "When",
    "missing_from": "Missing",
    "kind": "Kind",
    "area_code": "Area code",
    "place_ref": "Place",
    "source_grade": "Source",
    "accuracy": "How precisely known",
}
_LONGEST_CELL = 80
_AS_GOOD = 0.1
#: What an answer means, where its code does not say.
_ANSWERS = {
    "swap": "Yes, exchange them",
    "month-first": "Month first: 09/13/2024 is 13 September",
    "day-first": "Day first: the others are mistakes and will be refused",
    "EPSG:4326": "Longitude and latitude in degrees (WGS84, EPSG:4326)",
    "EPSG:27700": "British National Grid in metres (EPSG:27700)",
    "EPSG:3857": "Web Mercator in metres (EPSG:3857)",
    "yes": "Yes",
}
_QUESTIONS = {
    "header-row": "Row with the column names",
    "which-sheet": "Sheet",
    "which-layer": "Layer",
    "crs": "Coordinate system",
    "lonlat-swapped": "Longitude and latitude",
    "date-order": "Order of day and month",
    "hidden-content": "Hidden content",
    "merged-cells": "Merged cells",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview in words.

    Attributes
    ----------
    sentence : str
        What a co-ordinator would say aloud.
    accepted, new, refused : int
        Rows of the whole file; new are those accepted that are not held already.
    said : tuple of str
        Everything else to be said of the file.
    headings : tuple of str
        Columns of the table.
    rows : tuple of (int, tuple of str)
        Row of the file, and its cells as they will be stored.
    vault : str
        What goes to the identity vault; empty when nothing does.
    better : tuple of Layout
        Layouts that fit the file's columns, when this one does not.
    """

    sentence: str
    accepted: int
    new: int
    refused: int
    said: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    vault: str
    better: tuple[Layout, ...]


def show(preview: Preview, layout: Layout, *, file_name: str) -> Shown:
    """Put a preview in words."""
    accepted, refused = preview.counts["accepted"], preview.counts["refused"]
    names = _columns(preview.batch) if preview.batch else ()
    return Shown(
        sentence=_sentence(preview),
        accepted=accepted,
        new=_new(preview),
        refused=refused,
        said=tuple(said(f.message, f.count) for f in preview.findings if f.severity is Severity.WARN),
        headings=tuple(heading(name) for name in names),
        rows=_rows(preview.batch, names, layout) if preview.batch else (),
        vault=_vault(preview.batch),
        better=_better(preview, layout, file_name) if preview.refused else (),
    )


def said(message: str, count: int = 0) -> str:
    """A finding as a sentence; some are the end of one that begins with a count of rows."""
    return f"{count_of(count, 'row')} {message}" if count and message[:1].islower() else message


def question_heading(code: str) -> str:
    """What a question is about."""
    return _QUESTIONS.get(code, "Question")


def choices(question: Finding) -> list[tuple[str, str]]:
    """Answers that can be given, with what they mean."""
    return [(choice, answer_words(question.code, choice)) for choice in question.choices]


def answer_words(code: str, answer: str) -> str:
    """An answer as a person reads it.

    >>> answer_words("header-row", "4"), answer_words("date-order", "month-first")
    ('Yes, row 4', 'Month first: 09/13/2024 is 13 September')
    """
    if code == "header-row":
        return f"Yes, row {answer}"
    if code in {"which-sheet", "which-layer"}:
        return answer
    return _ANSWERS.get(answer, answer)


def heading(name: str) -> str:
    """A column's name as a heading.

    >>> heading("location_type"), heading("local_ref")
    ('Location type', 'Reference')
    """
    return _HEADINGS.get(name, name.replace("_", " ").capitalize())


def interval(start: np.datetime64, end: np.datetime64) -> str:
    """When something happened, as read aloud; whole days and months by their names.

    >>> interval(np.datetime64("2024-02-01T00:00"), np.datetime64("2024-02-02T00:00"))
    '1 Feb 2024'
    >>> interval(np.datetime64("2024-02-01T00:00"), np.datetime64("2024-03-01T00:00"))
    'February 2024'
    >>> interval(np.datetime64("2024-07-01T21:15"), np.datetime64("2024-07-01T21:15"))
    '1 Jul 2024, 22:15'
    """
    if np.isnat(start):
        return ""
    begin, finish = _local(start), _local(end)
    if begin == finish:
        return moment(begin)
    if _is_midnight(begin) and _is_midnight(finish):
        if begin.day == finish.day == 1 and (begin + timedelta(days=32)).month == finish.month:
            return f"{begin:%B %Y}"
        last = finish - timedelta(days=1)
        return day(begin) if last.date() == begin.date() else f"{day(begin)} to {day(last)}"
    return f"{moment(begin)} to {moment(finish)}"


def day(value: date) -> str:
    """A date with its month in letters, so that nobody takes it for another.

    >>> day(date(2024, 2, 1))
    '1 Feb 2024'
    """
    return f"{value.day} {value:%b %Y}"


def moment(value: datetime) -> str:
    """A local time."""
    return f"{day(value)}, {value:%H:%M}"


def _sentence(preview: Preview) -> str:
    read, accepted, refused = (preview.counts[name] for name in ("read", "accepted", "refused"))
    if preview.refused:
        return "Nothing of this file can be brought in as it stands."
    if preview.questions:
        asked = len(preview.questions)
        return "One question first." if asked == 1 else f"{number(asked)} questions first."
    rows = count_of(read, "row")
    if _new(preview) < accepted:
        return f"{rows}: {' '.join(_held(preview))}"
    if not refused:
        return f"{rows}: {'it' if read == 1 else 'all'} can be accepted."
    return f"{rows}: {number(accepted)} can be accepted, {number(refused)} {_need(refused)} mending."


def _new(preview: Preview) -> int:
    return preview.counts["accepted"] - preview.counts["held"] - preview.counts["repeated"]


def _held(preview: Preview) -> Iterator[str]:
    new, held, repeated, refused = (
        _new(preview),
        *(preview.counts[name] for name in ("held", "repeated", "refused")),
    )
    yield f"{number(new) if new else 'none'} {'is' if new == 1 else 'are'} new."
    if held:
        yield f"{number(held)} {'is' if held == 1 else 'are'} held already and will add nothing."
    if repeated:
        yield f"{number(repeated)} {'repeats' if repeated == 1 else 'repeat'} a row above and will add nothing."
    if refused:
        yield f"{number(refused)} {_need(refused)} mending."


def _need(count: int) -> str:
    return "needs" if count == 1 else "need"


def _columns(batch: CheckedBatch) -> tuple[str, ...]:
    return tuple(
        name
        for name, values in batch.columns.items()
        if name not in _HIDDEN and any(_filled(value) for value in values[:SHOWN_ROWS])
    )


def _filled(value: Any) -> bool:
    if isinstance(value, np.datetime64):
        return not np.isnat(value)
    return value is not None and value not in ((), "")


def _rows(
    batch: CheckedBatch, names: tuple[str, ...], layout: Layout
) -> tuple[tuple[int, tuple[str, ...]], ...]:
    words = {c.name: c.kind.vocabulary for c in layout.columns if isinstance(c.kind, Code | Codes)}
    words.setdefault("accuracy", "accuracy")
    if batch.target is Target.EVENTS:
        words = {"kind": "event_kind", "relation": "relation", **words}
    return tuple(
        (int(batch.row_numbers[i]), tuple(_cell(batch, name, i, words.get(name)) for name in names))
        for i in range(min(SHOWN_ROWS, len(batch)))
    )


def _cell(batch: CheckedBatch, name: str, index: int, vocabulary: str | None) -> str:
    value = batch.columns[name][index]
    if name == "occurred_from":
        return interval(value, batch.columns["occurred_to"][index])
    text = _text(value, vocabulary)
    if name == "accuracy" and np.isfinite(radius := float(batch.columns["radius_m"][index])):
        text = f"{text}, within {radius:,.0f} m"
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _text(value: Any, vocabulary: str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return ", ".join(_text(one, vocabulary) for one in value)
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else moment(_local(value))
    if isinstance(value, bool | np.bool_):
        return "Yes" if value else "No"
    if isinstance(value, date):
        return day(value)
    return label(vocabulary, str(value)) if vocabulary else str(value)


def _local(value: np.datetime64) -> datetime:
    at: datetime = value.astype("datetime64[us]").item()
    return at.replace(tzinfo=UTC).astimezone(LONDON)


def _is_midnight(value: datetime) -> bool:
    return (value.hour, value.minute, value.second) == (0, 0, 0)


def _vault(batch: CheckedBatch | None) -> str:
    if batch is None:
        return ""
    going = [
        name
        for name in VAULT
        if name in batch.columns and any(value is not None for value in batch.columns[name])
    ]
    if not going:
        return ""
    listed = ", ".join(heading(name).lower() for name in going)
    verbs = ("goes", "is") if len(going) == 1 else ("go", "are")
    return f"{count_of(len(going), 'column')} {verbs[0]} to the identity vault and {verbs[1]} not shown here: {listed}."


def _better(preview: Preview, layout: Layout, file_name: str) -> tuple[Layout, ...]:
    if preview.refused is None or preview.refused.code not in {"missing-column", "type-not-accepted"}:
        return ()
    drawn = extension(file_name) in {"geojson", "json", "gpkg"}
    fits = [match for match in best_layout(preview.header, geometry=drawn) if match.fits]
    # A layout with few needed columns fits almost any file; only those that know its columns as well are offered.
    near = [match.layout for match in fits if match.score >= fits[0].score - _AS_GOOD]
    return tuple(other for other in near if other is not layout)
