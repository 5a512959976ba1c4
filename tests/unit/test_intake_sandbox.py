"""The reader's cage: what a hostile file could make its reader do, it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from placewise.core.errors import FileRefused, SandboxUnavailable
from placewise.intake import confinement
from placewise.intake.limits import COMMAND_LIMITS, UPLOAD_LIMITS
from placewise.intake.messages import Header, Rows
from placewise.intake.sandbox import read_confined

ROOT = Path(__file__).parents[2]

ATTEMPTS = {
    "read another file": "open('/etc/passwd').read()",
    "list a folder": "os.listdir('/etc')",
    "write a file": "open('/tmp/placewise-should-not-be', 'w')",
    "make a socket": "socket.socket()",
    "make a local socket": "socket.socketpair()",
    "start a program": "os.execv('/bin/true', ['true'])",
    "start a process": "os.fork()",
    "signal its parent": "os.kill(os.getppid(), 0)",
    "make a folder": "os.mkdir('/tmp/placewise-should-not-be')",
    "mount": "if ctypes.CDLL(None).mount(b'', b'/', b'tmpfs', 0, b''): raise OSError",
}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
def test_a_confined_process_cannot(attempt: str, tmp_path: Path) -> None:
    file = tmp_path / "upload.csv"
    file.write_text("a\n1\n")
    script = (
        "import ctypes, os, socket, sys\n"
        "from placewise.intake.confinement import confine\n"
        "file = os.open(sys.argv[1], os.O_RDONLY)\n"
        "confine(file, memory_bytes=1 << 30, cpu_s=10)\n"
        "assert os.read(file, 9) == b'a\\n1\\n'\n"
        f"try:\n    {ATTEMPTS[attempt]}\nexcept OSError:\n    print('refused')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert ran.stdout == "refused\n", ran.stderr


def test_a_kernel_without_landlock_is_refused_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "landlock_abi", lambda: 0)
    with pytest.raises(SandboxUnavailable, match="Landlock"):
        confinement._restrict_files(0)


def test_a_small_file_comes_out_as_text_and_nothing_is_guessed(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("ref,name,day\n000123,NA,01/02/2024\n,Null, True \n")
    header, rows = read_confined(file, limits=UPLOAD_LIMITS)
    assert isinstance(header, Header)
    assert isinstance(rows, Rows)
    assert header.cells == ("ref", "name", "day")
    assert rows.columns == [["000123", ""], ["NA", "Null"], ["01/02/2024", " True "]]
    assert rows.numbers == [2, 3]


def test_time_runs_out_for_a_file_that_takes_too_long(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n" + '"1",2\n' * 1_500_000)
    limits = replace(COMMAND_LIMITS, cpu_s=1)
    with pytest.raises(FileRefused) as refused:
        for _ in read_confined(file, limits=limits):
            pass
    assert refused.value.code == "file-too-slow"


def test_memory_runs_out_for_a_document_that_is_too_large(tmp_path: Path) -> None:
    file = tmp_path / "x.geojson"
    feature = {"type": "Feature", "properties": {"a": "b"}, "geometry": None}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature] * 60_000}))
    limits = replace(UPLOAD_LIMITS, memory_bytes=90 << 20, rows=100_000)
    with pytest.raises(FileRefused) as refused:
        list(read_confined(file, limits=limits))
    assert refused.value.code == "file-too-big-in-memory"


def test_a_file_over_the_upload_limit_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    with file.open("wb") as out:
        out.truncate(UPLOAD_LIMITS.file_bytes + 1)
    with pytest.raises(FileRefused) as refused:
        next(read_confined(file, limits=UPLOAD_LIMITS))
    assert refused.value.code == "too-big"


def test_closing_the_messages_ends_the_reader(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n" + "1,2\n" * 200_000)
    before = _children()  # a database or a browser of other tests
    messages = read_confined(file, limits=COMMAND_LIMITS)
    next(messages)
    children = _children() - before
    messages.close()
    assert children
    assert not _children() & children


def test_a_folder_or_a_device_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(FileRefused):
        next(read_confined(tmp_path / "x.csv", limits=UPLOAD_LIMITS))


def _children() -> set[str]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    return {child for task in tasks.iterdir() for child in (task / "children").read_text().split()}
