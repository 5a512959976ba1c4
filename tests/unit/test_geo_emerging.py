"""Emerging hot spots: each category and its near miss, the loop twin, unknown steps, false alarms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from placewise.core.errors import MissingValue, TooFewCells, TooFewRecords
from placewise.geo.adjacency import adjacency_from_pairs
from placewise.geo.emerging import CANNOT_TELL, CATEGORIES, categories, cube_of_counts, emerging_hotspots
from placewise.geo.getis_ord_steps import gi_star_steps
from placewise.geo.space_time_cube import monthly_steps
from placewise.geo.trend import mann_kendall

TWENTY = monthly_steps("2025-01", "2026-08")
UP, NONE, DOWN = 1, 0, -1


def square_lattice(side):
    """Cells in a square, each next to the up to eight around it."""
    row, column = np.divmod(np.arange(side * side), side)
    near = (abs(row[:, None] - row) <= 1) & (abs(column[:, None] - column) <= 1)
    return adjacency_from_pairs(*np.nonzero(near), n_cells=side * side)


LATTICE = square_lattice(10)


def named(marks, direction=NONE, *, mirrored=False):
    """Return the category of one series written as H (hot), C (cold), . (neither), ? (not known)."""
    swap = str.maketrans("HC", "CH") if mirrored else {}
    text = marks.translate(swap)
    bins = np.array([{"H": 1, "C": -1}.get(m, 0) for m in text])[:, None]
    known = np.array([m != "?" for m in text])[:, None]
    return CATEGORIES[categories(bins, known, [-direction if mirrored else direction])[0]]


# Of each: a series, the trend, the category; then near misses that are something else.
SERIES = [
    ("....................", NONE, "no pattern"),
    (".......HHH..........", UP, "no pattern"),  # hot once, not now
    ("...................H", NONE, "new"),
    ("H..................H", NONE, "sporadic"),  # not new: hot before
    ("..................H.", NONE, "no pattern"),  # not new: no longer hot
    ("..................HH", NONE, "consecutive"),
    ("...HHHHHHHHHHHHHHHHH", NONE, "consecutive"),  # 17 of 20
    ("H.................HH", NONE, "sporadic"),  # not consecutive: hot before the run
    ("..HHHHHHHHHHHHHHHHHH", NONE, "persistent"),  # 18 of 20: no longer consecutive
    ("HHHHHHHHHHHHHHHHHHHH", UP, "intensifying"),
    (".H.HHHHHHHHHHHHHHHHH", UP, "intensifying"),  # 90%
    (".H.HHHHHHHH.HHHHHHHH", UP, "sporadic"),  # not intensifying: 85%
    ("HHHHHHHHHHHHHHHHHHH.", UP, "historical"),  # not intensifying: not hot now
    ("HHHHHHHHHHHHHHHHHHHH", NONE, "persistent"),
    ("HHHHHHHHHHHHHHHHHHHH", DOWN, "diminishing"),
    ("H.HHH.HHHHH.HHHHHHHH", DOWN, "sporadic"),  # not diminishing: 85%
    (".H.H..HHHH...H.H...H", NONE, "sporadic"),
    (".H.H..HHHH...H.H....", NONE, "no pattern"),  # not sporadic: not hot now
    (".H.H..HHHH.C.H.H...H", NONE, "oscillating"),  # not sporadic: cold once
    ("C..................H", NONE, "oscillating"),
    ("CHHHHHHHHHHHHHHHHHHH", NONE, "persistent"),  # not oscillating: 95% hot
    ("HHHHHHHHHHHHHHHHHH..", NONE, "historical"),
    ("HHHHHHHHHHHHHHHHH...", NONE, "no pattern"),  # not historical: 85%
]


@pytest.mark.parametrize(("marks", "direction", "pattern"), SERIES)
def test_each_pattern_and_its_near_miss(marks, direction, pattern):
    hot, cold = (f"{pattern} hot spot", f"{pattern} cold spot") if pattern != "no pattern" else (pattern,) * 2
    assert named(marks, direction) == hot
    assert named(marks, direction, mirrored=True) == cold


def test_every_category_is_reached():
    reached = {named(m, d, mirrored=side) for m, d, _ in SERIES for side in (False, True)} | {named("H" * 9)}
    assert reached == set(CATEGORIES)


def test_what_a_cell_is_now_comes_before_what_it_was():
    assert named("HHHHHHHHHHHHHHHHHHHC") == "oscillating cold spot"
    assert named("CCCCCCCCCCCCCCCCCCCH") == "oscillating hot spot"


@pytest.mark.parametrize(
    ("marks", "category"),
    [
        ("..........????.....H", "new hot spot"),
        ("..........HHHHHHHH??", "consecutive hot spot"),  # silence at the end is no end of the hot spot
        ("...........HH????HHH", "consecutive hot spot"),  # nor a gap in the run
        ("HHHHHHHHHHHHHHHH????", "persistent hot spot"),  # nor a historical one
        ("?????????????HHHHHHH", "cannot tell"),  # seven steps
        ("????????????????????", "cannot tell"),
    ],
)
def test_steps_without_reports_take_no_part(marks, category):
    assert named(marks) == category


def slow_category(marks, direction):
    """The definitions in words, one cell at a time."""
    known = [m for m in marks if m != "?"]
    if len(known) < 10:
        return "cannot tell"
    for mine, other, word, rising in (("H", "C", "hot", direction), ("C", "H", "cold", -direction)):
        share = known.count(mine) / len(known)
        if known[-1] != mine:
            continue
        before = "".join(known).rstrip(mine)
        if share >= 0.9:
            kind = {UP: "intensifying", NONE: "persistent", DOWN: "diminishing"}[rising]
        elif other in known:
            kind = "oscillating"
        elif mine in before:
            kind = "sporadic"
        else:
            kind = "new" if len(known) - len(before) == 1 else "consecutive"
        return f"{kind} {word} spot"
    for mine, word in (("H", "hot"), ("C", "cold")):
        if known.count(mine) / len(known) >= 0.9:
            return f"historical {word} spot"
    return "no pattern"


MARKS = st.one_of(
    st.text("HC.?", min_size=8, max_size=24),
    st.text("HHHHHHHHHHH.", min_size=10, max_size=24),
    st.text("CCCCCCCCCCC?.", min_size=10, max_size=24),
)


@settings(deadline=None, max_examples=400)
@given(MARKS, st.sampled_from([UP, NONE, DOWN]))
def test_the_categories_are_the_definitions_in_loops(marks, direction):
    assert named(marks, direction) == slow_category(marks, direction)


def slow_step(counts, known, adjacency, exposure, alternative):
    """Z and p of one step in loops, over known cells alone."""
    seen = [i for i in range(len(counts)) if known[i]]
    n, mean = len(seen), np.mean([counts[i] for i in seen])
    deviation = np.sqrt(np.mean([(counts[i] - mean) ** 2 for i in seen]))
    z, p = np.full(len(counts), np.nan), np.ones(len(counts))
    for i in seen:
        near = [j for j in (i, *adjacency.indices[adjacency.indptr[i] : adjacency.indptr[i + 1]]) if known[j]]
        total, k = sum(counts[j] for j in near), len(near)
        z[i] = (total - mean * k) / (deviation * np.sqrt((n * k - k * k) / (n - 1)))
        binomial = stats.binom(mean * n, sum(exposure[j] for j in near) / sum(exposure[j] for j in seen))
        upper, lower = binomial.sf(total - 1), binomial.cdf(total)
        p[i] = {"hot": upper, "cold": lower, "both": min(1, 2 * min(upper, lower))}[alternative]
    return z, p


@pytest.mark.parametrize("alternative", ["hot", "cold", "both"])
def test_each_step_is_the_definition_in_loops(alternative):
    rng = np.random.default_rng(1)
    counts, known = rng.poisson(2.0, (6, 100)), rng.random((6, 100)) > 0.15
    exposure = rng.uniform(0.2, 1.0, 100)
    found = gi_star_steps(counts, LATTICE, known=known, exposure=exposure, alternative=alternative)
    every_p = []
    for step in range(6):
        z, p = slow_step(counts[step], known[step], LATTICE, exposure, alternative)
        assert found.z[step] == pytest.approx(z, abs=1e-9, nan_ok=True)
        assert found.p[step] == pytest.approx(p, rel=1e-9)
        every_p.extend(p[known[step]])
    assert found.bins.any() == (stats.false_discovery_control(every_p) <= 0.05).any()


@pytest.mark.parametrize("exposed", [False, True])
def test_cells_judged_in_pairs_of_kind_and_total_are_judged_as_each_by_itself(exposed):
    counts = np.random.default_rng(2).poisson(2.0, (6, 100)).astype(float)
    exposure = np.random.default_rng(3).uniform(0.2, 1.0, 100) if exposed else None
    in_pairs = gi_star_steps(counts, LATTICE, exposure=exposure)
    counts[:, 0] += 1e-9  # parts of records: every cell has a total of its own
    singly = gi_star_steps(counts, LATTICE, exposure=exposure)
    assert in_pairs.z == pytest.approx(singly.z, abs=1e-8)
    assert in_pairs.p == pytest.approx(singly.p, rel=1e-6)
    assert in_pairs.p_at_most == pytest.approx(singly.p_at_most, rel=1e-6)
    assert np.array_equal(in_pairs.bins, singly.bins)


def test_places_of_the_scores_compare_as_the_scores_do():
    counts = np.random.default_rng(4).poisson(2.0, (6, 100)).astype(float)
    counts[3] = 2.0  # a step without variation: every score is nought
    found = gi_star_steps(counts, LATTICE)
    assert found.order is not None
    assert np.array_equal(np.unique(found.z)[found.order], found.z)
    by_score, by_place = mann_kendall(found.z), mann_kendall(found.order)
    for name in ("s", "variance", "z", "p", "tau", "n"):
        assert np.array_equal(getattr(by_score, name), getattr(by_place, name))
    known = np.ones(counts.shape, dtype=bool)
    known[2, 5] = False
    assert gi_star_steps(counts, LATTICE, known=known).order is None


def test_parts_of_records_lie_between_the_whole_ones():
    counts = np.full((3, 100), 2.0)
    counts[:, 0] += [4.0, 4.5, 5.0]
    p = gi_star_steps(counts, LATTICE, alternative="hot").p[:, 0]
    assert p[0] > p[1] > p[2]


def planted(rng, *, steps, more):
    counts = rng.poisson(1.0, (20, 100)).astype(float)
    counts[steps, 44] += more
    return counts


def test_a_planted_new_hot_spot_is_found_and_its_neighbours_are_it_too():
    counts = planted(np.random.default_rng(2), steps=-1, more=30)
    found = emerging_hotspots(cube_of_counts(counts, TWENTY), LATTICE)
    new = np.flatnonzero(found.category == CATEGORIES.index("new hot spot"))
    assert set(new) == {33, 34, 35, 43, 44, 45, 53, 54, 55}
    assert "records around it in 20 steps" in found.sentence(44)


@pytest.mark.parametrize(
    ("more", "pattern"),
    [(np.linspace(15, 90, 20), "intensifying"), (np.linspace(90, 15, 20), "diminishing")],
)
def test_a_planted_trend_is_found_in_the_share_of_records(more, pattern):
    counts = planted(np.random.default_rng(3), steps=slice(None), more=more)
    found = emerging_hotspots(cube_of_counts(counts, TWENTY), LATTICE, intensity="share")
    assert found.names()[44] == f"{pattern} hot spot"
    assert np.sign(found.slopes([44]).slope[0]) == np.sign(more[-1] - more[0])


def test_a_planted_trend_of_many_small_spots_is_found_in_z():
    counts = np.random.default_rng(3).poisson(20.0, (20, 400)).astype(float)
    counts[:, ::21] += 60  # spots all along the diagonal keep the map's variation steady
    counts[:, 44] += np.linspace(40, 200, 20)
    found = emerging_hotspots(cube_of_counts(counts, TWENTY), square_lattice(20))
    assert found.names()[44] == "intensifying hot spot"


def test_z_stops_rising_where_one_spot_is_most_of_the_map_but_its_records_do_not():
    counts = planted(np.random.default_rng(3), steps=slice(None), more=np.linspace(15, 90, 20))
    found = emerging_hotspots(cube_of_counts(counts, TWENTY), LATTICE)
    assert found.names()[44] == "persistent hot spot"
    assert found.slopes([44]).low[0] > 3


def test_a_silent_agency_does_not_read_as_a_decline():
    counts = planted(np.random.default_rng(4), steps=slice(None), more=20)
    counts[15:] = 0  # nothing came in for five months
    known = np.ones(counts.shape, dtype=bool)
    known[15:] = False
    silent = emerging_hotspots(cube_of_counts(counts, TWENTY, known=known), LATTICE)
    before = emerging_hotspots(cube_of_counts(counts[:15], monthly_steps("2025-01", "2026-03")), LATTICE)
    assert silent.names() == before.names()
    assert silent.names()[44] == "persistent hot spot"
    assert silent.sentence(44).endswith(
        "5 of 20 steps left out because reports are missing; as of step 15, the last one known"
    )


def test_what_is_in_a_step_that_is_not_known_does_not_matter():
    counts = planted(np.random.default_rng(5), steps=slice(None), more=20)
    known = np.random.default_rng(6).random(counts.shape) > 0.2
    garbled = np.where(known, counts, np.nan)
    plain = emerging_hotspots(cube_of_counts(counts, TWENTY, known=known), LATTICE)
    other = emerging_hotspots(cube_of_counts(garbled, TWENTY, known=known), LATTICE)
    np.testing.assert_array_equal(plain.category, other.category)


def test_too_few_records_cannot_tell():
    counts = np.zeros((20, 100))
    counts[[3, 9], [0, 0]] = 2.0
    assert (emerging_hotspots(cube_of_counts(counts, TWENTY), LATTICE).category == CANNOT_TELL).all()


def test_no_records_at_all_cannot_tell():
    found = emerging_hotspots(cube_of_counts(np.zeros((20, 100)), TWENTY), LATTICE)
    assert (found.category == CANNOT_TELL).all()
    assert found.steps.p_at_most == 0


def test_a_million_records_in_one_cell():
    counts = np.zeros((20, 100))
    counts[:, 44] = 50_000
    found = emerging_hotspots(cube_of_counts(counts, TWENTY), LATTICE)
    assert found.names()[44] == "persistent hot spot"
    assert "cold" in found.names()[0]
    assert "cold" not in " ".join(
        emerging_hotspots(cube_of_counts(counts, TWENTY), LATTICE, alternative="hot").names()
    )


def test_refusals_say_what_to_do():
    short = cube_of_counts(np.ones((9, 100)), monthly_steps("2026-01", "2026-09"))
    with pytest.raises(TooFewRecords, match="longer period or shorter steps"):
        emerging_hotspots(short, LATTICE)
    with pytest.raises(TooFewCells, match="smaller cell width"):
        gi_star_steps(np.ones((10, 2)), adjacency_from_pairs([0], [1], n_cells=2))
    counts = np.ones((3, 100))
    counts[0, :2] = [np.nan, -1]
    with pytest.raises(MissingValue, match="2 of 300"):
        gi_star_steps(counts, LATTICE)
    with pytest.raises(ValueError, match="totals"):
        gi_star_steps(np.ones((3, 100)), LATTICE, totals=np.full((3, 100), 99.0))


def maps_with_any_pattern(runs, mean, seed, **how):
    """Count noise-only cubes in which any cell has any category but "no pattern" and "cannot tell"."""
    rng = np.random.default_rng(seed)
    alarms = 0
    for _ in range(runs):
        cube = cube_of_counts(rng.poisson(mean, (20, 100)), TWENTY)
        category = emerging_hotspots(cube, LATTICE, **how).category
        alarms += bool(((category > 0) & (category < CANNOT_TELL)).any())
    return alarms


@pytest.mark.parametrize("mean", [0.2, 3.0])
def test_steady_noise_rarely_shows_any_pattern_on_the_whole_map(mean):
    assert maps_with_any_pattern(120, mean, seed=7) <= stats.binom.isf(1e-4, 120, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("mean", [0.05, 0.2, 1.0, 3.0])
@pytest.mark.parametrize("alternative", ["hot", "both"])
def test_steady_noise_shows_any_pattern_on_one_map_in_twenty_at_most(mean, alternative):
    alarms = maps_with_any_pattern(1000, mean, seed=8, alternative=alternative)
    assert alarms <= stats.binom.isf(1e-4, 1000, 0.05)


def test_a_steady_hot_spot_is_called_rising_or_falling_one_time_in_twenty_at_most():
    rng = np.random.default_rng(9)
    called = []
    for _ in range(200):
        counts = rng.poisson(1.0, (20, 100))
        counts[:, 44] += rng.poisson(40.0, 20)
        for intensity in ("z", "share"):
            found = emerging_hotspots(cube_of_counts(counts, TWENTY), LATTICE, intensity=intensity)
            called.append((intensity, found.names()[44]))
    for intensity in ("z", "share"):
        names = [name for which, name in called if which == intensity]
        moving = sum(name in {"intensifying hot spot", "diminishing hot spot"} for name in names)
        assert moving <= stats.binom.isf(1e-4, 200, 0.05)
        assert names.count("persistent hot spot") + moving == 200


def test_a_step_expects_each_child_once_around_as_it_sees_it():
    # Every record of a child has another next door: seen once around, so a fair test finds nothing cold.
    rng = np.random.default_rng(31)
    first = rng.integers(0, 100, (4, 40))
    counts, totals = np.zeros((4, 100)), np.zeros((4, 100))
    for step in range(4):
        for child in first[step]:
            near = LATTICE.indices[LATTICE.indptr[child] : LATTICE.indptr[child + 1]]
            both = [child, int(rng.choice(near))]
            counts[step, both] += 1
            around = {
                *both,
                *(
                    j
                    for i in both
                    for j in LATTICE.indices[LATTICE.indptr[i] : LATTICE.indptr[i + 1]].tolist()
                ),
            }
            totals[step, sorted(around)] += 1
    found = gi_star_steps(counts, LATTICE, totals=totals)
    assert found.expected.sum(axis=1) == pytest.approx(totals.sum(axis=1), rel=0.05)
    assert not found.bins.any()
