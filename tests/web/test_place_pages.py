"""The places list, the place page and its form, without a browser."""

from __future__ import annotations

import re
from datetime import date
from uuid import uuid4

import pytest

from placewise.core.scope import Role
from tests.conftest import csrf_token
from tests.records import Records, london


@pytest.fixture
def records(admin, partnership):
    return Records(admin, partnership)


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def test_the_list_says_two_counts_and_what_can_be_said(client_as, partnership, records):
    place = records.place("Weir Park")
    for n in range(4):
        records.event(place, london(2026, 4, 1 + n))
    for n in range(2):
        records.event(place, london(2025, 3, 1 + n))
    page = text(client_as(Role.MEMBER), f"/p/{partnership.slug}/places")
    assert "Weir Park" in page
    assert "Too few" not in page
    assert "No clear change" in page


def test_the_place_page_opens(client_as, partnership, records):
    place = records.place("Weir Park")
    for n in range(12):
        records.event(place, london(2026, 4, 1 + n, 21))
    page = text(client_as(Role.COORDINATOR), f"/p/{partnership.slug}/places/{place}")
    assert "12 records of harm at Weir Park in the 12 months to" in page
