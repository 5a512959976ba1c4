"""Exact shares: what is dealt out adds up and is repeatable."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from fixtures.chance import apportioned, dealt


@given(st.integers(0, 5000), st.lists(st.floats(0.01, 10), min_size=1, max_size=8))
def test_apportioned_counts_add_up_and_are_off_by_less_than_one(total: int, shares: list[float]) -> None:
    counts = apportioned(total, dict(enumerate(shares)))

    assert sum(counts.values()) == total
    for key, share in enumerate(shares):
        assert abs(counts[key] - total * share / sum(shares)) < 1


def test_a_dealt_deck_has_exact_shares_in_an_order_the_seed_decides() -> None:
    deck = dealt(random.Random(5), 90, {"yes": 2, "no": 1})

    assert (deck.count("yes"), deck.count("no")) == (60, 30)
    assert deck == dealt(random.Random(5), 90, {"yes": 2, "no": 1})
    assert deck != dealt(random.Random(6), 90, {"yes": 2, "no": 1})
