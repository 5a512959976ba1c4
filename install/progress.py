"""One line of progress for each step, and a way to stop with advice."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_WORTH_TELLING_S = 0.5


class InstallProblem(Exception):
    """Why the installation stopped, and what the reader can do."""


class Step:
    """A line in the making; ``outcome`` ends it."""

    outcome = "done"


@contextmanager
def step(label: str) -> Iterator[Step]:
    """Print ``label … outcome (seconds)`` around some work."""
    print(f"{label} … ", end="", flush=True)
    began = time.monotonic()
    line = Step()
    try:
        yield line
    except BaseException:
        print("failed", flush=True)
        raise
    took_s = time.monotonic() - began
    print(line.outcome + (f" ({took_s:.0f} s)" if took_s >= _WORTH_TELLING_S else ""), flush=True)


def run(words: Sequence[str | Path], *, advice: str, env: Mapping[str, str] | None = None) -> str:
    """Run a program quietly and return what it printed.

    Raises
    ------
    InstallProblem
        It failed; the message has its last lines and the advice.
    """
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=env,
        )
    except OSError as problem:
        raise InstallProblem(f"{words[0]} cannot be run: {problem.strerror}.\n{advice}") from problem
    if done.returncode:
        shown = " ".join(str(word) for word in words)
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise InstallProblem(f"{tail}\n{shown}\nended with code {done.returncode}. {advice}")
    return done.stdout
