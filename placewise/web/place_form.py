"""The form that describes a place: read as it was typed, checked, and shown again unchanged when refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from placewise.core.errors import BadRequest, RuleBroken
from placewise.core.text import normal
from placewise.core.vocabulary import terms
from placewise.store.places import Description

#: Vocabulary of each field that is chosen from a list.
CHOICES = {"location_type": "location_type", "place_role": "place_role", "status": "place_status"}
LONGEST_TEXT = 4_000
TEXTS = ("name", "aliases", "opening_hours", "place_manager", "guardianship", "strengths")
LABELS = {
    "name": "Name",
    "aliases": "Other names",
    "location_type": "Type of place",
    "place_role": "Role of the place",
    "status": "Status",
    "opening_hours": "Opening hours",
    "place_manager": "Who manages it",
    "guardianship": "Guardianship",
    "strengths": "Strengths",
    "review_due": "Next review",
}
#: Field whose value each rule of the database is about.
FIELD_OF_RULE = {
    "place_has_name": "name",
    "name": "name",
    "known_location_type": "location_type",
    "known_place_role": "place_role",
    "known_place_status": "status",
}
DATE_PARTS = ("review_due-day", "review_due-month", "review_due-year")


@dataclass(frozen=True, slots=True)
class PlaceForm:
    """What stands in the form.

    Attributes
    ----------
    values, opened_values : mapping of str to str
        Each field as typed, and as it was when the form was opened; a date is three fields.
    errors : dict of str to str
        Message for each field that is refused; keys in the order of the form.
    """

    values: Mapping[str, str]
    opened_values: Mapping[str, str]
    version: int
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, description: Description, version: int) -> PlaceForm:
        """The form of a place as it stands."""
        values = _written(description)
        return cls(values, values, version)

    @classmethod
    def sent(cls, sent: Mapping[str, str]) -> PlaceForm:
        """The form as a browser sent it, with its errors.

        Raises
        ------
        BadRequest
            The version is missing: this was not our form.
        """
        names = [name for name in LABELS if name != "review_due"]
        values = {name: _text(sent.get(name, "")) for name in (*names, *DATE_PARTS)}
        opened = {name: _text(sent.get(f"was-{name}", "")) for name in (*names, *DATE_PARTS)}
        version = sent.get("version", "")
        if not version.isdecimal():
            raise BadRequest("The form was not complete. Open it again.")
        form = cls(values, opened, int(version))
        form.errors.update(_faults(values))
        return form

    @property
    def description(self) -> Description:
        """What was typed; only when there are no errors."""
        return _read(self.values)

    @property
    def opened(self) -> Description:
        """What stood there when the form was opened."""
        return _read(self.opened_values)

    def reopened(self, current: Description, version: int) -> PlaceForm:
        """What was typed, upon the place as it stands now: sending it again overwrites knowingly."""
        return replace(self, opened_values=_written(current), version=version)

    def refuse(self, refusal: RuleBroken) -> None:
        """Put the database's refusal on the field it is about."""
        self.errors[FIELD_OF_RULE.get(refusal.constraint, "name")] = str(refusal)

    def shown(self, name: str) -> str:
        """A field's value in words, for comparison."""
        if name == "review_due":
            day, month, year = (self.values[part] for part in DATE_PARTS)
            return f"{day}/{month}/{year}" if day else "Nothing"
        if name in CHOICES and self.values[name]:
            return terms(CHOICES[name])[self.values[name]].label
        return self.values[name] or "Nothing"


def _text(typed: str) -> str:
    return normal(typed.replace("\r\n", "\n").replace("\r", "\n"))


def _written(description: Description) -> dict[str, str]:
    due = description.review_due
    parts = (str(due.day), str(due.month), str(due.year)) if due else ("", "", "")
    return {
        "name": description.name,
        "aliases": "\n".join(description.aliases),
        "location_type": description.location_type,
        "place_role": description.place_role or "",
        "status": description.status,
        "opening_hours": description.opening_hours or "",
        "place_manager": description.place_manager or "",
        "guardianship": description.guardianship or "",
        "strengths": description.strengths or "",
        **dict(zip(DATE_PARTS, parts, strict=True)),
    }


def _read(values: Mapping[str, str]) -> Description:
    return Description(
        name=values["name"],
        aliases=tuple(line.strip() for line in values["aliases"].split("\n") if line.strip()),
        location_type=values["location_type"],
        place_role=values["place_role"] or None,
        status=values["status"],
        opening_hours=values["opening_hours"] or None,
        place_manager=values["place_manager"] or None,
        guardianship=values["guardianship"] or None,
        strengths=values["strengths"] or None,
        review_due=_day(values),
    )


def _day(values: Mapping[str, str]) -> date | None:
    """The date, or none where it is blank or no date; `_faults` tells the two apart."""
    day, month, year = (values[part] for part in DATE_PARTS)
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return None


def _faults(values: Mapping[str, str]) -> dict[str, str]:
    """Messages by field, in the order of the form."""
    found = {}
    for name, label in LABELS.items():
        if name == "name" and not values["name"]:
            found[name] = "Enter the name of the place"
        elif name in TEXTS and len(values[name]) > LONGEST_TEXT:
            found[name] = f"{label} must be {LONGEST_TEXT:,} characters or fewer"
        elif name == "review_due" and any(values[part] for part in DATE_PARTS) and _day(values) is None:
            found[name] = "Next review must be a real date, such as 14 5 2026"
    return found
