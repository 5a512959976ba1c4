"""Reading an untrusted file in a throw-away process: messages out, clear errors, nothing left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from placewise.core.errors import FileRefused, SandboxUnavailable
from placewise.intake.limits import Limits
from placewise.intake.messages import Message, decode
from placewise.intake.readers.kinds import accepted_kind, extension

_PIPE_BYTES = 1 << 20  # fewer switches between the two processes; the system's ceiling for users
_LINE_BYTES = 256 << 20  # no honest reader sends a longer line
# Batches come and go: memory that is kept for the next one need not be asked for, and cleared, again (glibc).
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(1 << 28), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}


def read_confined(
    path: Path,
    *,
    limits: Limits,
    name: str | None = None,
    answers: Mapping[str, str] | None = None,
    wanted: frozenset[str] | None = None,
) -> Generator[Message, None, None]:
    """Messages of a file, read by a process that can do nothing but read it.

    The pipe is read only as fast as messages are taken, so memory stays flat however long the file is.
    Closing the iterator ends the process.

    Parameters
    ----------
    path : Path
        The file, at a path of our own making.
    limits : Limits
        Ceilings of size, time and memory.
    name : str, optional
        Name the sender gave it; only its ending is used. Default: the name of ``path``.
    answers : Mapping of str to str, optional
        Answers to questions by finding code.
    wanted : frozenset of str, optional
        Plain headings of the columns that will be looked at; the others come as well, but in a form that is
        opened only when one of their cells is asked for. Default: all.

    Raises
    ------
    FileRefused
        With one of the codes of the readers, or ``too-big``, ``type-not-accepted``, ``file-too-slow``,
        ``file-too-big-in-memory``, ``file-unreadable``.
    SandboxUnavailable
        The kernel has no Landlock; nothing was read.
    """
    sent_name = path.name if name is None else name
    accepted_kind(sent_name, limits.types)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _require_size(descriptor, limits)
        job = {
            "limits": asdict(limits),
            "extension": extension(sent_name),
            "answers": dict(answers or {}),
            "wanted": None if wanted is None else sorted(wanted),
        }
        yield from _messages(descriptor, json.dumps(job).encode(), limits)
    finally:
        os.close(descriptor)


def _require_size(descriptor: int, limits: Limits) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise FileRefused("This is not a file that can be read.", code="type-not-accepted")
    if status.st_size == 0:
        raise FileRefused("The file is empty.", code="empty")
    if status.st_size > limits.file_bytes:
        raise FileRefused(
            f"The file is larger than {limits.file_bytes >> 20} MB. Split it, or ask the operator to import "
            "it from the command line.",
            code="too-big",
        )


def _messages(descriptor: int, job: bytes, limits: Limits) -> Iterator[Message]:
    process = _start(descriptor)
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(job)  # type: ignore[union-attr]  # its pipes were asked for
            process.stdin.close()  # type: ignore[union-attr]  # its pipes were asked for
        yield from map(_decode, _lines(process, limits))
        _require_clean_end(process.wait(timeout=limits.wall_s))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]  # its pipes were asked for
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]  # its pipes were asked for


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-P", "-s", "-B", "-m", "placewise.intake.reader_process", str(descriptor)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback could quote what the file says
        pass_fds=(descriptor,),
        cwd="/",
        env={"PYTHONPATH": root, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", "PATH": os.defpath, **_ALLOCATOR},
    )
    with contextlib.suppress(OSError):
        fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)  # type: ignore[union-attr]  # its pipes were asked for
    return process


def _lines(process: subprocess.Popen[bytes], limits: Limits) -> Iterator[bytes]:
    pipe = process.stdout.fileno()  # type: ignore[union-attr]  # its pipes were asked for
    waiting = select.poll()  # select would fail in a server with more than 1,024 open files
    waiting.register(pipe, select.POLLIN)
    parts: list[bytes] = []
    held = 0
    while True:
        # Time counts only while we wait for the reader, never while our caller works.
        if not waiting.poll(limits.wall_s * 1000):
            raise FileRefused(_TOO_SLOW, code="file-too-slow")
        chunk = os.read(pipe, _PIPE_BYTES)
        if not chunk:
            return
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield b"".join((*parts, end))
            parts, held = [], 0
        parts.append(rest)
        held += len(rest)
        if held > _LINE_BYTES:
            raise FileRefused(_TOO_LARGE, code="file-too-big-in-memory")


def _decode(line: bytes) -> Message:
    try:
        return decode(line)
    except FileRefused as refusal:
        if refusal.code == "sandbox-unavailable":
            raise SandboxUnavailable(str(refusal)) from refusal
        raise


def _require_clean_end(code: int) -> None:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise FileRefused(_TOO_SLOW, code="file-too-slow")
    if code != 0:
        raise FileRefused(
            "The file could not be read: its reader broke off. Save it again from the program it came from.",
            code="file-unreadable",
        )


_TOO_SLOW = "Reading the file took too long and was stopped. Split it or save it again in a simpler form."
_TOO_LARGE = "The file needs more memory than a reader is allowed. Split it into smaller files."
