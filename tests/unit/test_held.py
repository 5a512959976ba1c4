"""What is kept between requests: made once, bounded in bytes and in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest

from placewise.panel import held
from placewise.panel.held import Held


class Counted:
    """Makes arrays and counts how often."""

    def __init__(self, nbytes: int = 10) -> None:
        self.made = 0
        self._nbytes = nbytes

    def __call__(self) -> np.ndarray:
        self.made += 1
        return np.zeros(self._nbytes, dtype=np.uint8)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = [1000.0]
    monkeypatch.setattr(held.time, "monotonic", lambda: now[0])
    return now


def test_a_content_is_made_once_and_again_when_its_time_is_over(clock):
    kept, make = Held(most_bytes=100, for_s=60), Counted()
    kept.get("a", make)
    clock[0] += 59
    kept.get("a", make)
    assert make.made == 1
    clock[0] += 1  # asking for it did not prolong it
    kept.get("a", make)
    assert make.made == 2


def test_what_is_over_takes_no_memory_once_anything_is_asked_for(clock):
    kept = Held(most_bytes=100, for_s=60)
    kept.get("a", Counted(40))
    clock[0] += 61
    kept.get("b", Counted(1))
    assert kept.nbytes == 1


def test_the_one_unused_for_longest_goes_first():
    kept, a, b, c = Held(most_bytes=25, for_s=60), Counted(), Counted(), Counted()
    for key, make in (("a", a), ("b", b), ("a", a), ("c", c), ("a", a), ("b", b)):
        kept.get(key, make)
        assert kept.nbytes <= 25
    assert (a.made, b.made, c.made) == (1, 2, 1)


def test_a_content_larger_than_the_bound_is_handed_out_and_drives_nothing_out():
    kept, small, large = Held(most_bytes=25, for_s=60), Counted(), Counted(26)
    kept.get("small", small)
    assert kept.get("large", large).nbytes == 26
    kept.get("small", small)
    assert (small.made, kept.nbytes) == (1, 10)


def test_many_who_ask_at_once_wait_for_one():
    kept, started, go_on, make = Held(most_bytes=100, for_s=60), Event(), Event(), Counted()

    def slow() -> np.ndarray:
        started.set()
        assert go_on.wait(10)
        return make()

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(kept.get, "a", slow) for _ in range(4)]
        assert started.wait(10)
        go_on.set()
        assert len({id(one.result()) for one in asked}) == 1
    assert make.made == 1


def test_one_that_is_being_made_holds_nobody_else_up():
    kept, both = Held(most_bytes=100, for_s=60), Barrier(2, timeout=10)

    def meet() -> np.ndarray:
        both.wait()
        return np.zeros(1)

    with ThreadPoolExecutor(2) as pool:
        assert [one.result().size for one in [pool.submit(kept.get, key, meet) for key in "ab"]] == [1, 1]


def test_after_a_failure_the_next_who_asks_tries_again():
    kept, make = Held(most_bytes=100, for_s=60), Counted()

    def fail() -> np.ndarray:
        raise OSError("the database went away")

    with pytest.raises(OSError, match="went away"):
        kept.get("a", fail)
    assert kept.get("a", make).size == 10
