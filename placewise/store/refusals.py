"""What the database refuses, in words: SQLSTATE and constraint names become Placewise's own errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from placewise.core.errors import DatabaseBusy, NotAllowed, NotSignedIn, PlacewiseError, RuleBroken

#: Message for each named rule a person can run into; a test holds the keys against the database.
MESSAGES = {
    "account_email_lower": "An e-mail address is kept in lower case.",
    "agency_code_once": "This partnership already has an agency with that code.",
    "analyses_at_once": "Five of your calculations are on their way already. Wait for one, or cancel one.",
    "assessment_3x5x2": "The assessment is a letter from A to E.",
    "boundary_geometry_valid": "The boundary's shape crosses itself; mend it and send it again.",
    "boundary_once": "This boundary is already held for that year.",
    "boundary_residents_not_negative": "Residents are a whole number of nought or more.",
    "boundary_residents_with_year": "Residents need the year they were counted, and the year needs residents.",
    "boundary_residents_year": "Give the year of the residents as four digits.",
    "boundary_vintage_year": "Give the boundary's year as four digits.",
    "event_boundary": "The area is not one of this partnership's boundaries.",
    "event_interval_forward": "The end must not be before the start.",
    "event_located_or_not": "A location needs an accuracy in metres.",
    "event_pkey": "This event is already held.",
    "event_place": "The place is not one of this partnership's places.",
    "handling_3x5x2": "Handling is P or C.",
    "handling_c_states_conditions": "Handling C needs its conditions in words.",
    "identity_needs_reason": "Give a reason of at least ten characters.",
    "known_terms": "A word of the event is not in its vocabulary.",
    "link_dates_forward": "First seen, last seen and expiry must follow one another.",
    "link_evidence_says_something": "Evidence is an event, or a note that says what the link rests on.",
    "link_has_evidence": "A link needs evidence: an event, or a note that says what it rests on.",
    "link_not_to_itself": "A link must join two different records.",
    "link_one_source": "A link starts from one person, one peer group or one place.",
    "link_one_target": "A link leads to one person, one peer group or one place.",
    "link_pkey": "This link is already held.",
    "peer_group_once": "This agency already has a peer group with that reference.",
    "link_strength_within_grading": "A link from an unreliable source or suspected false can only be possible.",
    "marking_ceiling": "Placewise holds OFFICIAL and OFFICIAL-SENSITIVE only. Do not enter anything higher.",
    "membership_has_roles": "Choose at least one role.",
    "peer_group_has_name": "Give the peer group a name.",
    "peer_group_member_dates_forward": "The date of leaving must not be before the date of joining.",
    "person_child_has_no_concern_category": "A child is never categorised as a person of concern.",
    "person_concern_is_graded": "A person of concern needs a source grade, an assessment and a basis.",
    "place_geometry_or_online": "Draw the place on the map, or mark it as online.",
    "place_geometry_valid": "The place's shape crosses itself; draw it again.",
    "place_has_name": "Give the place a name of up to 200 characters.",
    "source_grade_3x5x2": "The source grade is 1, 2 or 3.",
}

_NOT_SIGNED_IN = "28000"
_NO_PRIVILEGE = "42501"
#: A rule of a whole statement is kept by a policy, whose name the server says only in its message.
_POLICY = re.compile(r'policy "(?P<name>\w+)"')
_RULES = {"23514", "23505", "23503", "23502"}
#: Cancelled by a time limit, lock not free, connection cut, too many connections, server starting or stopping.
_BUSY = {"57014", "55P03", "57P01", "57P02", "57P03", "53300", "25P03", "40001", "40P01"}


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into Placewise's; the original stays as the cause and never reaches a page."""
    try:
        yield
    except psycopg2.Error as problem:
        raise _translation(problem) from problem


def _translation(problem: psycopg2.Error) -> PlacewiseError | psycopg2.Error:
    code = problem.pgcode
    if code == _NOT_SIGNED_IN:
        return NotSignedIn("Sign in again to continue.")
    if code == _NO_PRIVILEGE:
        policy = _POLICY.search(problem.diag.message_primary or "")
        if policy and policy["name"] in MESSAGES:
            return RuleBroken(MESSAGES[policy["name"]], constraint=policy["name"])
        return NotAllowed("Your role in this partnership does not cover this.")
    if code in _RULES:
        constraint = problem.diag.constraint_name or problem.diag.column_name or ""
        if constraint.startswith("known_"):
            message = (
                f"A word is not in the vocabulary {constraint.removeprefix('known_').replace('_', ' ')}."
            )
        else:
            message = MESSAGES.get(constraint, "The database refused this change because it breaks a rule.")
        return RuleBroken(message, constraint=constraint)
    if code in _BUSY or isinstance(problem, psycopg2.OperationalError | psycopg2.InterfaceError):
        return DatabaseBusy("Placewise is busy or took too long. Try again in a moment.")
    return problem
