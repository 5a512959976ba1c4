"""Packed files: unpacked in the sandbox, and never further than allowed."""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

from placewise.core.errors import FileRefused
from placewise.intake.limits import Limits
from placewise.intake.readers.source import Source

_PACKED_BYTES = 1 << 16
_SHORT_BYTES = 64 << 20
_GZIP = 16 + zlib.MAX_WBITS  # with its header and its checksum
_DAMAGED = "The archive is damaged. Pack and send it again."


def short(source: Source, file: BinaryIO) -> io.BytesIO | None:
    """A short archive unpacked, so that it is unpacked but once; None for others, back at their start."""
    if source.extension != "gz":
        return None
    content = unpacked(source, file).read(_SHORT_BYTES + 1)
    if len(content) <= _SHORT_BYTES:
        return io.BytesIO(content)
    file.seek(0)
    return None


def unpacked(source: Source, file: BinaryIO) -> BinaryIO:
    """The file as it was before it was packed; the file itself when it is not."""
    if source.extension != "gz":
        return file
    return io.BufferedReader(_CountedGzip(file, source.limits, source.size), buffer_size=1 << 20)


class _CountedGzip(io.RawIOBase):
    """Unpacks while counting, for what an archive says of its own size may be a lie."""

    def __init__(self, file: BinaryIO, limits: Limits, packed_bytes: int) -> None:
        self._file = file
        self._stream = zlib.decompressobj(wbits=_GZIP)
        self._packed = b""
        self._between = False
        self._left = min(limits.unpacked_bytes, max(packed_bytes * limits.unpacked_ratio, 1 << 20))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a buffer that can be written to
        try:
            piece = self._next(len(buffer))
        except zlib.error as problem:
            raise FileRefused(_DAMAGED, code="bad-zip") from problem
        count = len(piece)
        buffer[:count] = piece
        self._left -= count
        if self._left < 0:
            raise FileRefused("The archive unpacks to far more than it should.", code="expands-too-far")
        return count

    def _next(self, most: int) -> bytes:
        """At least one and at most so many unpacked bytes; none at the end."""
        piece = b""
        while not piece:
            packed = self._packed or self._file.read(_PACKED_BYTES)
            if self._between:
                if not packed:
                    return b""
                packed, self._packed = packed.lstrip(b"\0"), b""  # zeros may fill an archive up
                if not packed:
                    continue
                self._stream = zlib.decompressobj(wbits=_GZIP)  # another archive follows
            piece = self._stream.decompress(packed, most)
            self._between = self._stream.eof
            if not (packed or piece or self._between):
                raise FileRefused(_DAMAGED, code="bad-zip")
            self._packed = self._stream.unused_data if self._between else self._stream.unconsumed_tail
        return piece
