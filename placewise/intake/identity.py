"""Which record a row is, whatever file brings it, and what it says."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16
Keys = NDArray[np.uint64]


def key_for(origin: str, secret: bytes) -> bytes:
    """Key with which the records of one origin (a layout, or a layout and its agency) are named.

    Parameters
    ----------
    origin : str
        Where the names are unique.
    secret : bytes
        The partnership's own, at most 64 bytes: to everybody without it the ids are random.
    """
    return blake2b(origin.encode(), key=secret, digest_size=32).digest()


def digests(texts: list[str], key: bytes = b"") -> list[bytes]:
    """16 bytes for each text (BLAKE2b, RFC 7693): equal texts and keys, equal bytes."""
    begun = partial(blake2b, digest_size=DIGEST_BYTES, key=key)
    return [hashed.digest() for hashed in map(begun, map(str.encode, texts))]


def keys_of(digested: list[bytes]) -> Keys:
    """First 8 bytes of each digest; two of ten million share them by chance once in 400,000 files."""
    return np.frombuffer(b"".join(digested), dtype=np.uint64).reshape(-1, 2)[:, 0].copy()


def record_ids(digested: list[bytes]) -> NDArray[np.void]:
    """Digests as UUIDs of version 8 (RFC 9562), 16 bytes each: shape (n,)."""
    octets = np.frombuffer(b"".join(digested), dtype=np.uint8).reshape(-1, DIGEST_BYTES).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x80
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    ids: NDArray[np.void] = octets.view(f"V{DIGEST_BYTES}").reshape(-1)
    return ids


class _Sums:
    """A number for each key, in a few bytes however many keys there are; a dictionary takes about 100 a key.

    Sorted runs of doubling length are merged as they fill, up to a length at which merging would itself
    need memory. A key added again is added up.
    """

    _LONGEST_RUN = 1 << 18

    def __init__(self) -> None:
        self.runs: list[tuple[Keys, NDArray[Any]]] = []

    def find(self, distinct: Keys) -> NDArray[Any]:
        """Sum of each key; 0 for those never added."""
        found = np.zeros(distinct.size, dtype=np.uint64)
        for run, numbers in self.runs:
            place = np.minimum(np.searchsorted(run, distinct), run.size - 1)
            found += np.where(run[place] == distinct, numbers[place], 0).astype(np.uint64)
        return found

    def add(self, keys: Keys, numbers: NDArray[Any]) -> None:
        """Add numbers to keys that are sorted and distinct."""
        while self.runs and self.runs[-1][0].size <= keys.size < self._LONGEST_RUN:
            other, others = self.runs.pop()
            both = np.concatenate((other, keys))
            order = np.argsort(both, kind="stable")
            merged, begins = np.unique(both[order], return_index=True)
            numbers = np.add.reduceat(np.concatenate((others, numbers))[order], begins).astype(numbers.dtype)
            keys = merged
        if keys.size:
            self.runs.append((keys, numbers))


class Seen:
    """How often each key came earlier in a file, in 12 bytes a key."""

    def __init__(self) -> None:
        self._counts = _Sums()

    def occurrences(self, keys: Keys) -> NDArray[np.int64]:
        """Number of earlier occurrences of each key, in this call and all before; then remember them.

        Parameters
        ----------
        keys : ndarray of uint64, shape (n,)

        Returns
        -------
        ndarray of int64, shape (n,)
            0 for the first occurrence.
        """
        if not keys.size:
            return np.zeros(0, dtype=np.int64)
        distinct, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        earlier: NDArray[np.int64] = self._counts.find(distinct).astype(np.int64)[inverse]
        if distinct.size < keys.size:
            order = np.argsort(inverse, kind="stable")
            begins = np.cumsum(counts) - counts
            earlier[order] += np.arange(keys.size) - np.repeat(begins, counts)
        self._counts.add(distinct, counts.astype(np.uint32))
        return earlier


class Said:
    """What the first record under each key said, in 16 bytes a key."""

    def __init__(self) -> None:
        self._said = _Sums()

    def conflicts(self, keys: Keys, said: Keys) -> NDArray[np.bool_]:
        """True where an earlier record under the same key, in this call or before, said something else.

        Parameters
        ----------
        keys, said : ndarray of uint64, shape (n,)
        """
        distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        held = self._said.find(distinct)
        now = np.maximum(said[first], 1)  # 0 stands for never said
        new = held == 0
        self._said.add(distinct[new], now[new])
        differs: NDArray[np.bool_] = np.where(new, now, held)[inverse] != np.maximum(said, 1)
        return differs
