"""Which record a row is."""

from __future__ import annotations

from collections import Counter
from uuid import RFC_4122, UUID

import numpy as np

from placewise.intake.identity import Said, Seen, digests, key_for, keys_of, record_ids


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
    held = sum(run.nbytes + counts.nbytes for run, counts in seen._counts.runs)
    assert held <= 12 * keys.size
    assert len(seen._counts.runs) < 15


def test_keys_are_the_head_of_each_digest() -> None:
    digested = digests(["a", "b"])
    assert keys_of(digested).tobytes() == digested[0][:8] + digested[1][:8]


def test_an_id_is_a_uuid_that_keeps_122_bits_of_its_digest() -> None:
    digested = digests([str(n) for n in range(200)])
    for octets, record_id in zip(digested, record_ids(digested), strict=True):
        made = UUID(bytes=record_id.tobytes())
        assert (made.version, made.variant) == (8, RFC_4122)
        free = ~(0xF << 76 | 0x3 << 62) & (1 << 128) - 1
        assert made.int & free == int.from_bytes(octets) & free


def test_without_the_secret_an_id_says_nothing_of_the_reference() -> None:
    """Whoever knows every reference but not the key finds none of them in an id."""
    guesses = [f"MISPER-{n}" for n in range(1000)]
    ours = digests(["MISPER-412"], key_for("missing", b"secret of this partnership"))[0]
    guessed = {d for key in (b"", key_for("missing", b"")) for d in digests(guesses, key)}
    assert ours not in guessed
    assert ours in digests(guesses, key_for("missing", b"secret of this partnership"))


def test_the_same_reference_of_another_origin_is_another_record() -> None:
    same, other = (digests(["1"], key_for(origin, b"k"))[0] for origin in ("incidents", "missing"))
    assert same != other


def test_a_record_that_contradicts_an_earlier_one_is_found_as_a_dictionary_finds_it() -> None:
    rng = np.random.default_rng(3)
    said, plain = Said(), {}
    for _ in range(30):
        keys = rng.integers(0, 2_000, 300).astype(np.uint64)
        words = rng.integers(0, 3, 300).astype(np.uint64)
        expected = [plain.setdefault(k, max(w, 1)) != max(w, 1) for k, w in zip(keys, words, strict=True)]
        assert said.conflicts(keys, words).tolist() == expected
    assert any(expected)


def test_a_million_references_take_little_more_than_sixteen_bytes_each() -> None:
    said = Said()
    keys = np.arange(1_000_000, dtype=np.uint64)
    for part in np.split(keys, 100):
        assert not said.conflicts(part, part).any()
    assert sum(run.nbytes + words.nbytes for run, words in said._said.runs) <= 16 * keys.size
