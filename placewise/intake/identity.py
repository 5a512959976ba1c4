"""Which record a row is, whatever file brings it, and what it says."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16
Keys = NDArray[np.uint64]


def digests(texts: list[str]) -> list[bytes]:
    """16 bytes for each text (BLAKE2b): equal texts, equal bytes."""
    return [blake2b(text.encode(), digest_size=DIGEST_BYTES).digest() for text in texts]


def keys_of(fingerprints: list[bytes]) -> Keys:
    """First 8 bytes of each fingerprint; two of ten million share them by chance once in 400,000 files."""
    return np.frombuffer(b"".join(fingerprints), dtype=np.uint64).reshape(-1, 2)[:, 0].copy()


class Seen:
    """How often each key came earlier in a file, in 12 bytes a key however long the file.

    Sorted runs of doubling length are merged as they fill, up to a length at which merging would itself
    need memory; a dictionary takes about 100 bytes a key.
    """

    _LONGEST_RUN = 1 << 18

    def __init__(self) -> None:
        self._runs: list[tuple[Keys, NDArray[np.uint32]]] = []

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
        before = np.zeros(distinct.size, dtype=np.int64)
        for run, numbers in self._runs:
            place = np.minimum(np.searchsorted(run, distinct), run.size - 1)
            before += np.where(run[place] == distinct, numbers[place], 0)
        earlier = before[inverse]
        if distinct.size < keys.size:
            order = np.argsort(inverse, kind="stable")
            begins = np.cumsum(counts) - counts
            earlier[order] += np.arange(keys.size) - np.repeat(begins, counts)
        self._remember(distinct, counts.astype(np.uint32))
        return earlier

    def _remember(self, keys: Keys, counts: NDArray[np.uint32]) -> None:
        while self._runs and self._runs[-1][0].size <= keys.size < self._LONGEST_RUN:
            other, numbers = self._runs.pop()
            both = np.concatenate((other, keys))
            order = np.argsort(both, kind="stable")
            merged, begins = np.unique(both[order], return_index=True)
            counts = np.add.reduceat(np.concatenate((numbers, counts))[order], begins).astype(np.uint32)
            keys = merged
        self._runs.append((keys, counts))
