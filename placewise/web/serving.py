"""Runs the web service: gunicorn as a child that ends with its parent, or in place of this process."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from placewise.core.errors import PlacewiseError
from placewise.core.settings import read

APPLICATION = "placewise.web.app:from_environment()"
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 60


class WebServiceEnded(PlacewiseError):
    """The web service could not start, or ended by itself."""


def address() -> tuple[str, int]:
    """Address and port to listen on; this machine alone unless told otherwise."""
    port = read("PLACEWISE_PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise WebServiceEnded(f"PLACEWISE_PORT is {port!r}; it must be a number from 1 to 65535.")
    return read("PLACEWISE_BIND") or "127.0.0.1", int(port)


def _command(host: str, port: int) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", APPLICATION,
        "--bind", f"{host}:{port}",
        "--preload",  # the libraries are loaded once and shared by the workers
        "--workers", "2",
        "--threads", "4",
        "--timeout", "120",
        "--graceful-timeout", "5",
        "--log-level", "warning",
    ]  # fmt: skip


def require_free_port() -> None:
    """Say so in words when another program has the port.

    Raises
    ------
    WebServiceEnded
        The port is taken.
    """
    host, port = address()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise WebServiceEnded(
                f"Port {port} is in use by another program ({problem.strerror}). "
                f"Stop it, or choose another port: PLACEWISE_PORT=8001 make demo"
            ) from problem


def serve_in_place() -> None:
    """Become the web service, for a container or a service manager."""
    host, port = address()
    command = _command(host, port)
    os.execv(command[0], command)  # noqa: S606 - our own arguments, no shell


class WorkerProcess:
    """The worker for long calculations, as a child of this process.

    Attributes
    ----------
    process : Popen
        The one that runs now.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self.process = self._started()

    def revive(self) -> bool:
        """Start another when the last has ended, which takes up what that one left; say whether it had."""
        if self.process.poll() is None:
            return False
        self.process = self._started()
        return True

    def end(self) -> None:
        """End it."""
        _end(self.process)

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "placewise", "worker"],
            env=self._environment,
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 - the launcher has no threads
        )


@contextmanager
def running_worker(environment: Mapping[str, str]) -> Iterator[WorkerProcess]:
    """Run the worker until the block ends, as `running_service` does the pages."""
    worker = WorkerProcess(environment)
    try:
        yield worker
    finally:
        worker.end()


@contextmanager
def running_service(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the web service as a child until the block ends; it also ends when this process is killed."""
    host, port = address()
    process = subprocess.Popen(
        _command(host, port),
        env={**os.environ, **environment},
        preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 - the launcher has no threads
    )
    try:
        _wait_until_answering(process, f"http://{host}:{port}/healthz")
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the service with its workers, which outlive a killed master for a moment and hold the port."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _end_with_parent(parent: int) -> Callable[[], None]:
    """Ask the kernel to end the child when its parent dies, even by kill -9."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which ends things in order
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


def _wait_until_answering(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise WebServiceEnded("The web service could not start; its messages stand above.")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise WebServiceEnded(f"The web service did not answer within {_START_SECONDS} seconds.")
