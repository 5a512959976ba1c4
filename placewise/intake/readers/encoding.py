"""Which characters the bytes of a text file stand for, decided before any is used."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from placewise.core.errors import FileRefused

_CHUNK = 1 << 20
#: Bytes that Windows-1252 leaves undefined.
_UNDEFINED = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))


@dataclass(frozen=True, slots=True)
class Encoding:
    """Name for Python's decoder, and whether it was guessed and must be said."""

    codec: str
    guessed: bool = False
    words: str = "UTF-8"


def find_encoding(stream: BinaryIO) -> Encoding:
    """Read a whole text file once, in pieces, and say how to decode it.

    UTF-8 is taken when every byte fits. Otherwise Windows-1252, the habit of older Windows programs,
    unless that would hide damage: a mixture of the two, or bytes that only a broken or hostile UTF-8
    writer makes.

    Raises
    ------
    FileRefused
        ``nul-byte``, ``encoding`` or ``encoding-mixed``; the message names the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, beyond_ascii, position = 1, False, 0
    while True:
        chunk = stream.read(_CHUNK)
        if position == 0 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return Encoding("utf-16", guessed=True, words="UTF-16")
        if b"\0" in chunk:
            raise _nul(chunk, lines)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as problem:
            held: bytes = problem.object
            before = held[: problem.start]
            line = lines + before.count(b"\n")
            mixed = beyond_ascii or not before.decode("utf-8").removeprefix("\ufeff").isascii()
            _refuse_damage(held[problem.start : problem.start + 4], line, mixed=mixed)
            _require_windows(held[problem.start :], stream)
            return Encoding("cp1252", guessed=True, words="Windows-1252")
        if not chunk:
            return Encoding("utf-8-sig")
        beyond_ascii = beyond_ascii or not (text.removeprefix("\ufeff") if not position else text).isascii()
        lines += chunk.count(b"\n")
        position += len(chunk)


def _nul(chunk: bytes, lines: int) -> FileRefused:
    if chunk[:200].count(b"\0") > 20:
        return FileRefused(
            "The file looks like UTF-16 without its mark. Save it again as “CSV UTF-8”.", code="encoding"
        )
    line = lines + chunk[: chunk.index(b"\0")].count(b"\n")
    return FileRefused(
        f"Line {line} holds a NUL byte, which no text has. Save it again from the program it came from.",
        code="nul-byte",
    )


def _refuse_damage(bad: bytes, line: int, *, mixed: bool) -> None:
    overlong = bad[0] in (0xC0, 0xC1) and _continues(bad[1:2])
    surrogate = bad[0] == 0xED and _continues(bad[1:2]) and _continues(bad[2:3])
    if overlong or surrogate or bad[0] >= 0xF8:
        raise FileRefused(
            f"Line {line} holds bytes that are no character in UTF-8. Save the file again as “CSV UTF-8”.",
            code="encoding",
        )
    if mixed:
        raise FileRefused(
            f"The file changes its character encoding: up to line {line} it is UTF-8, and there it is not. "
            "It was probably put together from two files; save each as “CSV UTF-8” and join them again.",
            code="encoding-mixed",
        )


def _continues(byte: bytes) -> bool:
    return bool(byte) and 0x80 <= byte[0] <= 0xBF


def _require_windows(rest: bytes, stream: BinaryIO) -> None:
    chunk = rest
    while chunk:
        if chunk.translate(None, _UNDEFINED) != chunk:
            raise FileRefused(
                "The file is neither UTF-8 nor Windows-1252. Save it again as “CSV UTF-8”.", code="encoding"
            )
        chunk = stream.read(_CHUNK)
