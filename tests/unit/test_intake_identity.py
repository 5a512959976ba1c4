"""Which record a row is."""

from __future__ import annotations

from collections import Counter

import numpy as np

from placewise.intake.identity import Seen, digests, keys_of


def test_equal_texts_have_equal_digests_of_sixteen_bytes() -> None:
    one, two, other = digests(["a", "a", "b"])
    assert one == two != other
    assert len(one) == 16


def test_occurrences_agree_with_a_counter_however_the_keys_are_cut_into_batches() -> None:
    generator = np.random.default_rng(7)
    keys = generator.integers(0, 3_000, 20_000).astype(np.uint64)
    counter: Counter[int] = Counter()
    expected = []
    for key in keys.tolist():
        expected.append(counter[key])
        counter[key] += 1
    seen = Seen()
    cuts = np.sort(generator.integers(0, keys.size, 40))
    found = np.concatenate([seen.occurrences(part) for part in np.split(keys, cuts)])
    assert found.tolist() == expected


def test_remembering_a_million_keys_takes_little_more_than_twelve_bytes_each() -> None:
    seen = Seen()
    keys = np.arange(1_000_000, dtype=np.uint64)
    for part in np.split(keys, 100):
        seen.occurrences(part)
    held = sum(run.nbytes + counts.nbytes for run, counts in seen._runs)
    assert held <= 12 * keys.size
    assert len(seen._runs) < 15


def test_keys_are_the_head_of_each_fingerprint() -> None:
    fingerprints = digests(["a", "b"])
    assert keys_of(fingerprints).tobytes() == fingerprints[0][:8] + fingerprints[1][:8]
