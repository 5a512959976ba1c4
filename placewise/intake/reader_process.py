"""The process that reads one untrusted file: it locks itself in, reads, writes JSON lines, ends.

Started by ``sandbox.py`` as ``python -m placewise.intake.reader_process DESCRIPTOR`` with its job as
one JSON object on standard input. It must stay small to start: numpy, pandas and GDAL are never
imported here, and each reader only when its kind of file comes.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module

from placewise.core.errors import FileRefused, SandboxUnavailable
from placewise.intake.confinement import confine
from placewise.intake.limits import Limits
from placewise.intake.messages import Message, encode
from placewise.intake.readers.kinds import sniff
from placewise.intake.readers.source import Source

_READERS = {
    "csv": "csv_reader",
    "csv.gz": "csv_reader",
    "xlsx": "xlsx_reader",
    "geojson": "geojson_reader",
    "gpkg": "gpkg_reader",
}


def read(source: Source) -> Iterator[Message]:
    """Messages of whichever reader fits the file; without a sandbox, so only for files of our own."""
    reader = import_module(f"placewise.intake.readers.{_READERS[sniff(source)]}")
    yield from reader.read(source)


def main() -> None:
    """Read the file and write messages until done, refused or out of memory."""
    job = json.load(sys.stdin)
    limits = Limits(**{**job["limits"], "types": tuple(job["limits"]["types"])})
    wanted = None if job["wanted"] is None else frozenset(job["wanted"])
    source = Source(int(sys.argv[1]), job["extension"], limits, job["answers"], wanted)
    gc.disable()  # this process is short and makes no cycles, but very many lists
    out = sys.stdout.buffer
    try:
        confine(source.file, memory_bytes=limits.memory_bytes, cpu_s=limits.cpu_s)
        for message in read(source):
            out.write(encode(message))
    except FileRefused as refusal:
        out.write(encode(refusal))
    except SandboxUnavailable as problem:
        out.write(encode(FileRefused(str(problem), code="sandbox-unavailable")))
    except MemoryError:
        out.write(encode(FileRefused(_TOO_LARGE, code="file-too-big-in-memory")))
    except BrokenPipeError:  # whoever asked has gone away
        os._exit(1)
    except Exception as problem:  # noqa: BLE001  the file's text may be in the message: only its kind leaves
        reason = (
            f"The file could not be read ({type(problem).__name__}). Save it again and send it once more."
        )
        out.write(encode(FileRefused(reason, code="file-unreadable")))
    out.flush()


_TOO_LARGE = (
    "The file needs more memory than a reader is allowed. Split it, or ask the operator to import it "
    "from the command line."
)

if __name__ == "__main__":
    main()
