"""The web service's companion process."""

from __future__ import annotations

import time

from placewise.web.serving import running_worker


def test_a_worker_that_ended_is_followed_by_another() -> None:
    with running_worker({"PLACEWISE_WORKER_URL": ""}) as worker:  # without its setting it says so and ends
        deadline = time.monotonic() + 30
        while not worker.revive():
            assert time.monotonic() < deadline, "it did not end"
            time.sleep(0.1)
        assert not worker.revive(), "one at a time"
