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
    """Name for Python's decoder, and what was noticed on the way.

    Attributes
    ----------
    codec, words : str
        For Python, and for people.
    guessed : bool
        Whether it must be said.
    quoted : bool
        Whether there is a quotation mark anywhere.
    ends_with_newline : bool
        Whether the last line is whole.
    """

    codec: str
    guessed: bool = False
    words: str = "UTF-8"
    quoted: bool = True
    ends_with_newline: bool = True


def find_encoding(stream: BinaryIO, *, longest: int) -> Encoding:
    """Read a whole text file once, in pieces, and say how to decode it.

    UTF-8 is taken when every byte fits. Otherwise Windows-1252, the habit of older Windows programs,
    unless that would hide damage: a mixture of the two, or bytes that only a broken or hostile UTF-8
    writer makes.

    Parameters
    ----------
    stream : binary file
        At its start.
    longest : int
        Bytes a line may have.

    Raises
    ------
    FileRefused
        ``nul-byte``, ``encoding``, ``encoding-mixed`` or ``field-too-long``; the message names the line.
    """
    survey = _Survey(longest)
    while chunk := stream.read(_CHUNK):
        if survey.position == 0 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return Encoding("utf-16", guessed=True, words="UTF-16")
        survey.take(chunk)
    survey.decode(b"", final=True)
    if survey.codec == "cp1252":
        return Encoding("cp1252", True, "Windows-1252", survey.quoted, survey.last in b"\r\n")
    codec = "utf-8-sig" if survey.marked else "utf-8"
    return Encoding(codec, False, "UTF-8", survey.quoted, survey.last in b"\r\n")


class _Survey:
    """What is known of a text after each piece of it."""

    def __init__(self, longest: int) -> None:
        self.codec = "utf-8"
        self.position = 0
        self.marked = False
        self.quoted = False
        self.last = b"\n"
        self._longest = longest
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lines = 1
        self._line_bytes = 0
        self._beyond_ascii = False

    def take(self, chunk: bytes) -> None:
        if b"\0" in chunk:
            raise _nul(chunk, self._lines)
        self._line_bytes = self._line_bytes + len(chunk) if b"\n" not in chunk and b"\r" not in chunk else 0
        if self._line_bytes > self._longest:
            raise FileRefused(
                "One line is longer than a whole row may be. Is this really a CSV file?",
                code="field-too-long",
            )
        self.marked = self.marked or (self.position == 0 and chunk.startswith(codecs.BOM_UTF8))
        self.quoted = self.quoted or b'"' in chunk
        self.decode(chunk)
        self._lines += chunk.count(b"\n")
        self.position += len(chunk)
        self.last = chunk[-1:]

    def decode(self, chunk: bytes, *, final: bool = False) -> None:
        if self.codec == "cp1252":
            _require_windows(chunk)
            return
        if chunk.isascii() and not self._decoder.getstate()[0]:
            return
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as problem:
            held: bytes = problem.object
            before = held[: problem.start]
            mixed = self._beyond_ascii or not _is_ascii(before.decode("utf-8"))
            _refuse_damage(
                held[problem.start : problem.start + 4], self._lines + before.count(b"\n"), mixed=mixed
            )
            _require_windows(held[problem.start :])
            self.codec = "cp1252"
        else:
            self._beyond_ascii = self._beyond_ascii or not _is_ascii(text)


def _is_ascii(text: str) -> bool:
    return text.isascii() or text.removeprefix("\ufeff").isascii()


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


def _require_windows(chunk: bytes) -> None:
    if chunk.translate(None, _UNDEFINED) != chunk:
        raise FileRefused(
            "The file is neither UTF-8 nor Windows-1252. Save it again as “CSV UTF-8”.", code="encoding"
        )
