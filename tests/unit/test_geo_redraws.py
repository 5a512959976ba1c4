"""Redraws: what exact records keep, what vague ones lose, and that chunks and seeds add up."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from placewise.core.errors import CalculationStopped, MissingValue
from placewise.geo.emerging import CANNOT_TELL, CATEGORIES, emerging_hotspots
from placewise.geo.hexgrid import centres_of_cells, hex_grid
from placewise.geo.redraws import Rule, _redrawn, count_categories, redraw_categories, redraw_task, stability
from placewise.geo.space_time_cube import monthly_steps, space_time_cube

AREA = gpd.GeoSeries([shapely.box(540000, 180000, 545000, 185000)], crs="EPSG:27700")
GRID = hex_grid(AREA, cell_width_m=500)
YEAR = monthly_steps("2025-01", "2025-12")
NEW = CATEGORIES.index("new hot spot")
SPOT = 542_500.0, 182_500.0
HERE = int(GRID.locate(*[[c] for c in SPOT])[0])


def records(n_noise=400, n_spot=25):
    """Steady noise over a year, and a spot in its last month."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(540_000, 545_000, n_noise), np.full(n_spot, SPOT[0])])
    y = np.concatenate([rng.uniform(180_000, 185_000, n_noise), np.full(n_spot, SPOT[1])])
    day = np.concatenate([rng.integers(0, 365, n_noise), rng.integers(340, 360, n_spot)])
    return x, y, pd.DatetimeIndex(pd.Timestamp("2025-01-01") + pd.to_timedelta(day, unit="D"))


def redrawn(accuracy_m=0.0, *, days=0, **how):
    x, y, start = records()
    how = {"grid": GRID, "steps": YEAR, "seed": 7, "n_redraws": 20, **how}
    return redraw_categories(x, y, start, start + pd.Timedelta(days=days), accuracy_m=accuracy_m, **how)


def test_exact_records_keep_their_category_in_every_redraw():
    x, y, start = records()
    found = redrawn()
    cube = space_time_cube(x, y, start, grid=GRID, steps=YEAR)
    recorded = emerging_hotspots(cube, GRID.adjacency, exposure=GRID.share_inside).category
    np.testing.assert_array_equal(found.category, recorded)
    assert found.share.min() == 1
    assert found.sentence(HERE) == "new hot spot in 100% of 20 redraws"


def test_vague_places_lose_it_gradually():
    shares = [redrawn(radius).times[HERE, NEW] for radius in (0.0, 400.0, 800.0, 4000.0)]
    assert shares[0] == 20
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0


def test_what_holds_too_seldom_cannot_be_told():
    found = redrawn(accuracy_m=1000.0, n_redraws=60)
    unsettled = np.flatnonzero(found.share < 0.8)
    assert unsettled.size
    assert (found.category[unsettled] == CANNOT_TELL).all()
    assert found.sentence(int(unsettled[0])).startswith("cannot tell: ")
    held = found.share >= 0.8
    np.testing.assert_array_equal(found.category[held], found.most_frequent[held])


def test_vague_times_lose_it_too():
    assert redrawn(days=0).times[HERE, NEW] == 20
    assert redrawn(days=200).times[HERE, NEW] < 20


def test_every_draw_lies_within_the_accuracy_and_the_interval():
    x, y, _ = records(n_noise=0, n_spot=4000)
    month = pd.DatetimeIndex(np.full(4000, np.datetime64("2025-06-01")))
    task = redraw_task(
        x, y, month, month + pd.Timedelta(days=30), accuracy_m=240.0, grid=GRID, steps=YEAR, seed=3
    )
    cube = _redrawn(task, 0)
    assert cube.counts.sum(axis=1)[5] == 4000
    fine = hex_grid(AREA, cell_width_m=25)
    where = _redrawn(redraw_task(x, y, month, accuracy_m=240.0, grid=fine, steps=YEAR, seed=3), 0).counts[5]
    there_x, there_y = centres_of_cells(fine.cell, cell_width_m=25)
    away = np.hypot(there_x - SPOT[0], there_y - SPOT[1])
    assert away[where > 0].max() < 240 + 15
    # Equally likely everywhere in the disc: half the records within 0.707 of the radius.
    assert where[away < 240 * np.sqrt(0.5)].sum() / 4000 == pytest.approx(0.5, abs=0.05)


def test_records_of_one_place_move_together():
    x, y, start = records(n_noise=0, n_spot=50)
    together = redraw_task(
        x, y, start, accuracy_m=900.0, grid=GRID, steps=YEAR, seed=3, moves_with=np.zeros(50, dtype=int)
    )
    apart = redraw_task(x, y, start, accuracy_m=900.0, grid=GRID, steps=YEAR, seed=3)
    assert np.count_nonzero(_redrawn(together, 0).counts) == 1
    assert np.count_nonzero(_redrawn(apart, 0).counts) > 3


def test_chunks_add_up_and_the_seed_decides():
    x, y, start = records()
    task = redraw_task(x, y, start, accuracy_m=600.0, grid=GRID, steps=YEAR, seed=5)
    whole = count_categories(task, 0, 9)
    np.testing.assert_array_equal(whole, sum(count_categories(task, *c) for c in ((6, 3), (0, 2), (2, 4))))
    other = redraw_task(x, y, start, accuracy_m=600.0, grid=GRID, steps=YEAR, seed=6)
    assert (count_categories(other, 0, 9) != whole).any()
    assert stability(whole).n_redraws == 9


def test_one_childs_repeats_are_no_hot_spot_in_any_redraw():
    child = np.full(records()[0].size, -1)
    child[400:] = 3
    assert redrawn(child=child).times[HERE, NEW] == 0


def test_a_silent_month_is_left_out_of_every_redraw():
    found = redrawn(received=np.arange(12) != 11)
    assert found.times[HERE, NEW] == 0
    assert "hot" not in CATEGORIES[found.category[HERE]]
    assert (redrawn(received=np.arange(12) < 9).category == CANNOT_TELL).all()


def test_it_can_be_watched_and_stopped():
    seen = []
    redrawn(on_progress=lambda done, total: seen.append((done, total)) or True)
    assert seen == [(10, 20), (20, 20)]
    with pytest.raises(CalculationStopped):
        redrawn(on_progress=lambda done, total: False)


def test_no_records_cannot_tell():
    nothing = redraw_categories(
        [], [], pd.DatetimeIndex([]), accuracy_m=[], grid=GRID, steps=YEAR, seed=1, n_redraws=2
    )
    assert (nothing.category == CANNOT_TELL).all()
    assert nothing.sentence(0) == "cannot tell: too few in 100% of 2 redraws"


def test_percentages_do_not_round_to_certainty():
    times = np.zeros((1, len(CATEGORIES)), dtype=np.int64)
    times[0, [0, 1]] = 499, 1
    assert stability(times).sentence(0) == "no pattern in more than 99% of 500 redraws"


def test_refusals():
    n = records()[0].size
    for how, error, words in [
        ({"accuracy_m": -1.0}, MissingValue, "accuracies"),
        ({"accuracy_m": [np.nan] * n}, MissingValue, "accuracies"),
        ({"accuracy_m": [1.0]}, ValueError, "1 accuracies"),
        ({"hold": 0.5}, ValueError, "one half"),
        ({"n_redraws": 0}, ValueError, "at least one"),
        ({"moves_with": np.full(n, 0.5)}, MissingValue, "moves_with"),
        ({"rule": Rule(intensity="heat"), "accuracy_m": 1.0}, ValueError, "share"),
    ]:
        with pytest.raises(error, match=words):
            redrawn(**{"n_redraws": 1, **how})
