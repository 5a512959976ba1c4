"""``placewise demo`` as its user meets it: one command, one address, and nothing left running."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240


@dataclass
class Place:
    """A data folder and a port for one demo."""

    folder: Path
    port: int

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PLACEWISE_DATA_DIR": str(self.folder / "data"),
            "PLACEWISE_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }

    def start(self) -> subprocess.Popen[str]:
        with (self.folder / "log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "placewise", "demo"],
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=log,
                text=True,
                # A job started in the background passes on that Ctrl-C is ignored; a person's terminal does not.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def wait_until_ready(self, demo: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while "Ready after" not in self.said():
            assert demo.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="placewise-demo-"))
    folder.chmod(0o711)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    yield Place(folder, port)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def loaded(place: Place) -> Place:
    """The folder after a first demo, stopped by Ctrl-C."""
    demo = place.start()
    place.wait_until_ready(demo)
    assert place.answers()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=60) == 130, place.said()
    return place


def servers(place: Place) -> list[int]:
    """Processes that work in the demo's folder: its PostgreSQL."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cwd").resolve().is_relative_to(place.folder):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_the_first_start_shows_each_step_the_address_and_the_sign_ins(loaded: Place) -> None:
    said = loaded.said()
    steps = [
        "Starting the private PostgreSQL",
        "Making the fictional borough",
        "police-incidents.csv",
        "Starting the web service",
    ]
    assert [said.index(step) for step in steps] == sorted(said.index(step) for step in steps)
    assert f"http://127.0.0.1:{loaded.port}" in said
    assert "coordinator@demo.invalid" in said


def test_ctrl_c_stops_everything(loaded: Place) -> None:
    assert not loaded.answers()
    assert servers(loaded) == []


def test_the_second_start_loads_nothing_again(loaded: Place) -> None:
    demo = loaded.start()
    try:
        loaded.wait_until_ready(demo)
        assert "Making the fictional borough" not in loaded.said()
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(timeout=60)
    assert servers(loaded) == []


def test_a_second_demo_says_that_one_is_running(loaded: Place) -> None:
    demo = loaded.start()
    try:
        loaded.wait_until_ready(demo)
        second = subprocess.run(
            [sys.executable, "-m", "placewise", "demo"],
            cwd=ROOT, env=loaded.environment(), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert second.returncode == 1
        assert re.search(
            rf"already runs here \(process {demo.pid}, http://127.0.0.1:{loaded.port}\)", second.stderr
        )
        assert "Traceback" not in second.stderr
        assert loaded.answers(), "the first one goes on"
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)


def test_after_the_launcher_is_killed_the_web_service_ends_and_the_next_start_works(loaded: Place) -> None:
    demo = loaded.start()
    loaded.wait_until_ready(demo)
    demo.kill()
    demo.wait()
    deadline = time.monotonic() + 20
    while loaded.answers():
        assert time.monotonic() < deadline, "the web service outlived its launcher"
        time.sleep(0.2)
    again = loaded.start()
    loaded.wait_until_ready(again)
    again.send_signal(signal.SIGINT)
    again.wait(timeout=60)
    assert servers(loaded) == []


def test_after_the_web_service_is_killed_the_demo_says_so_and_stops(loaded: Place) -> None:
    demo = loaded.start()
    loaded.wait_until_ready(demo)
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    assert demo.wait(timeout=60) == 1
    assert "ended by itself" in loaded.said()
    assert servers(loaded) == []


def test_a_taken_port_is_said_in_words(loaded: Place) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", loaded.port))
        taken.listen()
        demo = loaded.start()
        assert demo.wait(timeout=60) == 1
    assert f"Port {loaded.port} is in use by another program" in loaded.said()
    assert "Traceback" not in loaded.said()
